//! Patches: RFC 7386 merge patches and RFC 6902 JSON patches, with the
//! leniencies of github.com/evanphx/json-patch, which Kubernetes' API server
//! and kustomize apply them with.

use super::{Map, Pointer, PointerError, Value};

/// How many times its size a value may grow by `copy` operations: the API
/// server's own limit on the bytes that copies add (3 MiB).
pub const MAX_COPIED_BYTES: usize = 3 << 20;

/// Applies an RFC 7386 merge patch: maps merge, null removes, all else replaces.
pub fn merge_patch(target: &mut Value, patch: Value) {
    let Value::Map(patch) = patch else {
        *target = patch;
        return;
    };
    if target.as_map().is_none() {
        *target = Value::Map(Map::new());
    }
    let map = target.as_map_mut().expect("made a map just above");
    for (key, change) in patch {
        if change.is_null() {
            map.remove(&key);
        } else {
            merge_patch(map.entry(&key, || Value::Null), change);
        }
    }
}

/// The RFC 7386 patch that makes `to` of `from`.
pub fn diff_merge_patch(from: &Map, to: &Map) -> Map {
    let mut patch = Map::new();
    for (key, value) in to.iter() {
        match (from.get(key), value) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let inner = diff_merge_patch(old, new);
                if !inner.is_empty() {
                    patch.insert(key, inner);
                }
            }
            (Some(old), new) if old.equals(new) => {}
            (_, new) => {
                patch.insert(key, new.clone());
            }
        }
    }
    for key in from.keys().filter(|key| !to.contains_key(key)) {
        patch.insert(key, Value::Null);
    }
    patch
}

/// One operation of an RFC 6902 patch.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    Add { path: Pointer, value: Value },
    Remove { path: Pointer },
    Replace { path: Pointer, value: Value },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: Value },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    #[error("a JSON patch must be a sequence of operations, not a {0}")]
    NoSequence(&'static str),
    #[error("operation {n}: {field} is missing or no string")]
    Field { n: usize, field: &'static str },
    #[error("operation {n}: unexpected kind {op:?}")]
    Unknown { n: usize, op: String },
    #[error("operation {n}: {cause}")]
    Pointer { n: usize, cause: PointerError },
    #[error("{op} operation does not apply: doc is missing path {path:?}")]
    Missing { op: &'static str, path: String },
    #[error("testing value {path} failed: it is {found}")]
    TestFailed { path: String, found: String },
    #[error("a replace operation for the whole document needs a map or a list")]
    ScalarRoot,
    #[error("copy operations add more than {MAX_COPIED_BYTES} bytes")]
    TooMuchCopied,
}

impl PatchError {
    /// The operation, counted from 0, that could not be read.
    pub fn operation(&self) -> Option<usize> {
        match self {
            PatchError::Field { n, .. }
            | PatchError::Unknown { n, .. }
            | PatchError::Pointer { n, .. } => Some(n - 1),
            PatchError::NoSequence(_)
            | PatchError::Missing { .. }
            | PatchError::TestFailed { .. }
            | PatchError::ScalarRoot
            | PatchError::TooMuchCopied => None,
        }
    }
}

/// The operation, counted from 0, that does not apply, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Failed {
    pub at: usize,
    pub cause: PatchError,
}

/// Reads a patch from its JSON form.
pub fn json_patch(value: &Value) -> Result<Vec<Operation>, PatchError> {
    let Some(operations) = value.as_seq() else {
        return Err(PatchError::NoSequence(value.kind()));
    };
    let numbered = operations.iter().enumerate();
    numbered
        .map(|(at, value)| operation(at + 1, value))
        .collect()
}

/// Applies the operations in turn; the first that does not apply ends it, and
/// the value is then as far changed as the ones before it.
pub fn apply_json_patch(target: &mut Value, operations: Vec<Operation>) -> Result<(), Failed> {
    let mut copied = 0;
    for (at, operation) in operations.into_iter().enumerate() {
        apply(target, operation, &mut copied).map_err(|cause| Failed { at, cause })?;
    }
    Ok(())
}

fn apply(target: &mut Value, operation: Operation, copied: &mut usize) -> Result<(), PatchError> {
    match operation {
        Operation::Add { path, value } => add(target, &path, value, "add")?,
        Operation::Remove { path } => {
            take(target, &path, "remove")?;
        }
        Operation::Replace { path, value } => replace(target, &path, value)?,
        Operation::Move { from, path } => {
            let value = take(target, &from, "move")?;
            add(target, &path, value, "move")?;
        }
        Operation::Copy { from, path } => {
            let value = find(target, &from, "copy")?.cloned().unwrap_or_default();
            *copied += value.to_json().len();
            if *copied > MAX_COPIED_BYTES {
                return Err(PatchError::TooMuchCopied);
            }
            add(target, &path, value, "copy")?;
        }
        Operation::Test { path, value } => {
            // A key that is not there equals null.
            let found = find(target, &path, "test")?.unwrap_or(&Value::Null);
            if !found.equals(&value) {
                return Err(PatchError::TestFailed {
                    path: path.to_string(),
                    found: found.to_json(),
                });
            }
        }
    }
    Ok(())
}

fn operation(n: usize, value: &Value) -> Result<Operation, PatchError> {
    let text = |field: &'static str| {
        let text = value.get(field).and_then(Value::as_str);
        text.ok_or(PatchError::Field { n, field })
    };
    let pointer = |field: &'static str| {
        Pointer::parse(text(field)?).map_err(|cause| PatchError::Pointer { n, cause })
    };
    let path = pointer("path")?;
    let new = || value.get("value").cloned().unwrap_or_default();
    Ok(match text("op")? {
        "add" => Operation::Add { path, value: new() },
        "remove" => Operation::Remove { path },
        "replace" => Operation::Replace { path, value: new() },
        "move" => Operation::Move {
            from: pointer("from")?,
            path,
        },
        "copy" => Operation::Copy {
            from: pointer("from")?,
            path,
        },
        "test" => Operation::Test { path, value: new() },
        op => {
            let op = op.to_owned();
            return Err(PatchError::Unknown { n, op });
        }
    })
}

fn add(
    target: &mut Value,
    path: &Pointer,
    value: Value,
    op: &'static str,
) -> Result<(), PatchError> {
    let (holder, last) = holder(target, path, op)?;
    match holder {
        Value::Map(map) => {
            map.insert(last, value);
        }
        Value::Seq(items) if last == "-" => items.push(value),
        Value::Seq(items) => {
            let at = place(last, items.len() + 1).ok_or_else(|| missing(op, path))?;
            items.insert(at, value);
        }
        _ => return Err(missing(op, path)),
    }
    Ok(())
}

/// A key that is not there is added; an index has to be there.
fn replace(target: &mut Value, path: &Pointer, value: Value) -> Result<(), PatchError> {
    if path.parts().is_empty() {
        if !matches!(value, Value::Map(_) | Value::Seq(_)) {
            return Err(PatchError::ScalarRoot);
        }
        *target = value;
        return Ok(());
    }
    match holder(target, path, "replace")? {
        (Value::Map(map), last) => {
            map.insert(last, value);
        }
        (Value::Seq(items), last) => {
            let at = place(last, items.len()).ok_or_else(|| missing("replace", path))?;
            items[at] = value;
        }
        _ => return Err(missing("replace", path)),
    }
    Ok(())
}

fn take(target: &mut Value, path: &Pointer, op: &'static str) -> Result<Value, PatchError> {
    let (holder, last) = holder(target, path, op)?;
    let taken = match holder {
        Value::Map(map) => map.remove(last),
        Value::Seq(items) => place(last, items.len()).map(|at| items.remove(at)),
        _ => None,
    };
    taken.ok_or_else(|| missing(op, path))
}

/// What stands at a place; nothing where a map lacks the key.
fn find<'a>(
    target: &'a Value,
    path: &Pointer,
    op: &'static str,
) -> Result<Option<&'a Value>, PatchError> {
    let Some((parents, last)) = path.split_last() else {
        return Ok(Some(target));
    };
    let mut holder = Some(target);
    for part in parents {
        holder = match holder {
            Some(Value::Map(map)) => map.get(part),
            Some(Value::Seq(items)) => place(part, items.len()).map(|at| &items[at]),
            _ => None,
        };
    }
    match holder {
        Some(Value::Map(map)) => Ok(map.get(last)),
        Some(Value::Seq(items)) => {
            let at = place(last, items.len()).ok_or_else(|| missing(op, path))?;
            Ok(Some(&items[at]))
        }
        _ => Err(missing(op, path)),
    }
}

/// The map or list that a place is in, and the last step to it.
fn holder<'a, 'p>(
    target: &'a mut Value,
    path: &'p Pointer,
    op: &'static str,
) -> Result<(&'a mut Value, &'p str), PatchError> {
    let (parents, last) = path.split_last().ok_or_else(|| missing(op, path))?;
    let mut holder = target;
    for part in parents {
        let next = match holder {
            Value::Map(map) => map.get_mut(part),
            Value::Seq(items) => place(part, items.len()).map(|at| &mut items[at]),
            _ => None,
        };
        holder = next.ok_or_else(|| missing(op, path))?;
    }
    Ok((holder, last))
}

/// An index below `end` as Go's Atoi reads it (`01`, `+1`); `-1` is the last.
fn place(part: &str, end: usize) -> Option<usize> {
    let number: i64 = part.parse().ok()?;
    let at = match usize::try_from(number) {
        Ok(at) => at,
        Err(_) => end.checked_sub(usize::try_from(number.unsigned_abs()).ok()?)?,
    };
    (at < end).then_some(at)
}

fn missing(op: &'static str, path: &Pointer) -> PatchError {
    PatchError::Missing {
        op,
        path: path.to_string(),
    }
}
