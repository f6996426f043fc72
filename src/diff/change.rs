use super::ignore::{IgnoreRules, remove_empty};
use crate::object::{Object, names};
use crate::value::{Map, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One place where the live object is not as it would be after an apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `spec.template.spec.containers[0].image`.
    pub path: String,
    /// `None`: the apply would add it.
    pub live: Option<Value>,
    /// `None`: the apply would remove it.
    pub predicted: Option<Value>,
}

/// What an apply would change: the live object against the answer of the
/// dry-run. `/status` and the server's own metadata never count.
pub fn changes(live: &Object, predicted: &Object, ignore: &IgnoreRules) -> Vec<Change> {
    let (whole, predicted_whole) = (live, predicted);
    let mut live = comparable(live);
    let mut predicted = comparable(predicted);
    if !ignore.is_empty() {
        ignore.remove_trusted(&mut live, predicted_whole, whole);
        ignore.remove_trusted(&mut predicted, whole, whole);
        for object in [&mut live, &mut predicted] {
            ignore.remove_from(object);
            remove_empty(object.root_mut());
        }
    }
    let mut found = Vec::new();
    compare_maps("", live.root(), predicted.root(), &mut found);
    found
}

fn comparable(object: &Object) -> Object {
    let mut object = object.clone();
    object.root_mut().remove("status");
    let metadata = object.metadata_mut();
    for field in super::desired::SERVER_FIELDS {
        metadata.remove(field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_map_mut) {
        annotations.remove(names::LAST_APPLIED);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    object
}

fn compare_maps(path: &str, live: &Map, predicted: &Map, found: &mut Vec<Change>) {
    let place = |key: &str| {
        if key.contains(['.', '/']) {
            format!("{path}[{key:?}]")
        } else if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    for (key, value) in live.iter() {
        match predicted.get(key) {
            Some(other) => compare(place(key), value, other, found),
            None => found.push(Change {
                path: place(key),
                live: Some(value.clone()),
                predicted: None,
            }),
        }
    }
    for (key, value) in predicted.iter() {
        if !live.contains_key(key) {
            found.push(Change {
                path: place(key),
                live: None,
                predicted: Some(value.clone()),
            });
        }
    }
}

fn compare(path: String, live: &Value, predicted: &Value, found: &mut Vec<Change>) {
    match (live, predicted) {
        (Value::Map(live), Value::Map(predicted)) => compare_maps(&path, live, predicted, found),
        (Value::Seq(live), Value::Seq(predicted)) if live.len() == predicted.len() => {
            for (index, (live, predicted)) in live.iter().zip(predicted).enumerate() {
                compare(format!("{path}[{index}]"), live, predicted, found);
            }
        }
        (live, predicted) if live == predicted => {}
        (live, predicted) => found.push(Change {
            path,
            live: Some(live.clone()),
            predicted: Some(predicted.clone()),
        }),
    }
}

/// What stands for a value that is not shown.
const MASK: &str = "++++++++";
/// Shorter values are not looked for in texts: they are in every word.
const SHORTEST_SECRET: usize = 4;

/// Secret values as marks: equal values get equal marks, so that a diff shows
/// that something changed and not what. `annotations` are those whose values
/// are secret, too.
pub fn mask_secret(
    live: &mut Option<Object>,
    predicted: &mut Option<Object>,
    annotations: &[String],
) {
    let mut seen: Vec<Value> = Vec::new();
    let mut mark = |value: &mut Value| {
        let number = match seen.iter().position(|other| other == value) {
            Some(number) => number,
            None => {
                seen.push(value.clone());
                seen.len() - 1
            }
        };
        *value = Value::Str("+".repeat(MASK.len() + number));
    };
    for object in [live.as_mut(), predicted.as_mut()].into_iter().flatten() {
        if !is_secret(object) {
            continue;
        }
        if let Some(own) = object
            .metadata_mut()
            .get_mut("annotations")
            .and_then(Value::as_map_mut)
        {
            if own.contains_key(names::LAST_APPLIED) {
                own.insert(names::LAST_APPLIED, MASK);
            }
            for name in annotations {
                if let Some(value) = own.get_mut(name) {
                    mark(value);
                }
            }
        }
        for field in ["data", "stringData"] {
            match object.root_mut().get_mut(field) {
                Some(Value::Map(data)) => data.values_mut().for_each(&mut mark),
                // Whatever it is, it is not shown.
                Some(other) if !other.is_null() => mark(other),
                Some(_) | None => {}
            }
        }
    }
}

fn is_secret(object: &Object) -> bool {
    object.kind() == "Secret" && object.gvk().group.is_empty()
}

/// A text that somebody will read (an error of the API server, which repeats
/// what it did not like) without the values of a Secret, encoded or not.
pub fn scrub(text: &str, object: &Object) -> String {
    let mut text = text.to_owned();
    if !is_secret(object) {
        return text;
    }
    let mut values = Vec::new();
    for field in ["data", "stringData"] {
        match object.at(&[field]) {
            Some(Value::Map(data)) => data.values().for_each(|value| collect(value, &mut values)),
            Some(other) => collect(other, &mut values),
            None => {}
        }
    }
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in values {
        text = text.replace(&value, MASK);
    }
    text
}

fn collect(value: &Value, values: &mut Vec<String>) {
    let mut add = |text: &str| {
        for form in [text.to_owned(), text.escape_default().to_string()] {
            if form.len() >= SHORTEST_SECRET && !values.contains(&form) {
                values.push(form);
            }
        }
    };
    match value {
        Value::Map(map) => map.values().for_each(|value| collect(value, values)),
        Value::Seq(items) => items.iter().for_each(|value| collect(value, values)),
        Value::Str(text) => {
            add(text);
            if let Ok(bytes) = STANDARD.decode(text)
                && let Ok(plain) = String::from_utf8(bytes)
            {
                add(&plain);
            }
        }
        other => add(&other.to_json()),
    }
}
