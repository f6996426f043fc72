//! RFC 6902 with the habits and error texts of evanphx/json-patch v4: negative
//! indexes count from the end, replacing a missing key of a map adds it.

use super::PatchError;
use crate::value::Value;

const MAX_OPERATIONS: usize = 10_000;
/// Copies may not blow an object up beyond what the server accepts.
const MAX_COPY_BYTES: usize = 3 << 20;

pub fn json(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let Value::Seq(operations) = patch else {
        return Err(PatchError::BadRequest(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
                .to_owned(),
        ));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooLarge(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    for operation in operations {
        if operation.as_map().is_none() && !operation.is_null() {
            return Err(PatchError::BadRequest(
                "error decoding patch: json: cannot unmarshal into Go value of type handlers.jsonPatchOp"
                    .to_owned(),
            ));
        }
    }
    let mut document = object.clone();
    let mut copied = 0;
    for operation in operations {
        apply(&mut document, operation, &mut copied).map_err(PatchError::Unprocessable)?;
    }
    Ok(document)
}

fn apply(document: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), String> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let kind = text("op").unwrap_or("unknown");
    let path = |verb: &str| {
        text("path").ok_or_else(|| {
            let missing = match verb {
                "add" | "remove" => "missing value".to_owned(),
                _ => "operation missing path field: missing value".to_owned(),
            };
            format!("{verb} operation failed to decode path: {missing}")
        })
    };
    let from = |verb: &str| {
        text("from").ok_or_else(|| {
            format!(
                "{verb} operation failed to decode from: operation, missing from field: missing value"
            )
        })
    };
    let value = || operation.get("value").cloned().unwrap_or_default();
    match kind {
        "add" => {
            let path = path("add")?;
            let (target, key) = find(document, path).ok_or_else(|| {
                format!(
                    "add operation does not apply: doc is missing path: \"{path}\": missing value"
                )
            })?;
            add(target, &key, value()).map_err(|e| format!("error in add for path: '{path}': {e}"))
        }
        "remove" => {
            let path = path("remove")?;
            let (target, key) = find(document, path).ok_or_else(|| {
                format!(
                    "remove operation does not apply: doc is missing path: \"{path}\": missing value"
                )
            })?;
            remove(target, &key).map_err(|e| format!("error in remove for path: '{path}': {e}"))
        }
        "replace" => {
            let path = path("replace")?;
            if path.is_empty() {
                *document = value();
                return Ok(());
            }
            let (target, key) = find(document, path).ok_or_else(|| {
                format!(
                    "replace operation does not apply: doc is missing path: {path}: missing value"
                )
            })?;
            if get(target, &key).is_err() {
                return Err(format!(
                    "replace operation does not apply: doc is missing key: {path}: missing value"
                ));
            }
            set(target, &key, value());
            Ok(())
        }
        "move" => {
            let from = from("move")?;
            let (target, key) = find(document, from).ok_or_else(|| {
                format!(
                    "move operation does not apply: doc is missing from path: {from}: missing value"
                )
            })?;
            let moved = get(target, &key)
                .map_err(|e| format!("error in move for path: '{key}': {e}"))?
                .cloned()
                .unwrap_or_default();
            remove(target, &key).map_err(|e| format!("error in move for path: '{key}': {e}"))?;
            let path = path("move")?;
            let (target, key) = find(document, path).ok_or_else(|| {
                format!(
                    "move operation does not apply: doc is missing destination path: {path}: missing value"
                )
            })?;
            add(target, &key, moved).map_err(|e| format!("error in move for path: '{path}': {e}"))
        }
        "copy" => {
            let from = from("copy")?;
            let (target, key) = find(document, from).ok_or_else(|| {
                format!(
                    "copy operation does not apply: doc is missing from path: {from}: missing value"
                )
            })?;
            let copy = get(target, &key)
                .map_err(|e| format!("error in copy for from: '{from}': {e}"))?
                .cloned()
                .unwrap_or_default();
            *copied += copy.to_json().len();
            if *copied > MAX_COPY_BYTES {
                return Err(format!(
                    "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {MAX_COPY_BYTES}"
                ));
            }
            let path = path("copy")?;
            let (target, key) = find(document, path).ok_or_else(|| {
                format!(
                    "copy operation does not apply: doc is missing destination path: {path}: missing value"
                )
            })?;
            add(target, &key, copy)
                .map_err(|e| format!("error while adding value during copy: {e}"))
        }
        "test" => {
            let path = path("test")?;
            let failed = || Err(format!("testing value {path} failed: test failed"));
            let expected = value();
            if path.is_empty() {
                return if *document == expected {
                    Ok(())
                } else {
                    failed()
                };
            }
            let (target, key) = find(document, path).ok_or_else(|| {
                format!("test operation does not apply: is missing path: {path}: missing value")
            })?;
            let found =
                get(target, &key).map_err(|e| format!("error in test for path: '{path}': {e}"))?;
            if found.unwrap_or(&Value::Null) == &expected {
                Ok(())
            } else {
                failed()
            }
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

/// The container of the last step of a path, and that step.
fn find<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let mut steps: Vec<String> = path
        .split('/')
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    if steps.len() < 2 {
        return None;
    }
    let last = steps.pop()?;
    let mut here = document;
    for step in &steps[1..] {
        here = match here {
            Value::Map(map) => map.get_mut(step)?,
            Value::Seq(items) => {
                let at = index(step, items.len()).ok()?;
                items.get_mut(at)?
            }
            _ => return None,
        };
    }
    matches!(here, Value::Map(_) | Value::Seq(_)).then_some((here, last))
}

/// Position of an existing item.
fn index(key: &str, length: usize) -> Result<usize, String> {
    let at: i64 = key
        .parse()
        .map_err(|_| format!("strconv.Atoi: parsing {key:?}: invalid syntax"))?;
    let position = if at < 0 { at + length as i64 } else { at };
    usize::try_from(position)
        .ok()
        .filter(|position| *position < length)
        .ok_or_else(|| format!("Unable to access invalid index: {at}: invalid index referenced"))
}

fn get<'a>(container: &'a Value, key: &str) -> Result<Option<&'a Value>, String> {
    match container {
        Value::Map(map) => Ok(map.get(key)),
        Value::Seq(items) => Ok(items.get(index(key, items.len())?)),
        _ => Ok(None),
    }
}

fn set(container: &mut Value, key: &str, value: Value) {
    match container {
        Value::Map(map) => {
            map.insert(key, value);
        }
        Value::Seq(items) => {
            if let Ok(at) = index(key, items.len()) {
                items[at] = value;
            }
        }
        _ => {}
    }
}

fn add(container: &mut Value, key: &str, value: Value) -> Result<(), String> {
    match container {
        Value::Map(map) => {
            map.insert(key, value);
        }
        Value::Seq(items) if key == "-" => items.push(value),
        Value::Seq(items) => {
            // One past the end is a place to add at.
            let at = index(key, items.len() + 1).map_err(|e| {
                if e.starts_with("strconv") {
                    format!("value was not a proper array index: '{key}': {e}")
                } else {
                    e
                }
            })?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(container: &mut Value, key: &str) -> Result<(), String> {
    let no_key = || format!("Unable to remove nonexistent key: {key}: missing value");
    match container {
        Value::Map(map) => map.remove(key).map(drop).ok_or_else(no_key),
        Value::Seq(items) => {
            let at = index(key, items.len())?;
            items.remove(at);
            Ok(())
        }
        _ => Err(no_key()),
    }
}
