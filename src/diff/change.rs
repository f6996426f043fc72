use super::ignore::IgnoreRules;
use crate::object::{Object, names};
use crate::value::{Map, Value};

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
    let mut live = comparable(live);
    let mut predicted = comparable(predicted);
    ignore.remove_from(&mut live);
    ignore.remove_from(&mut predicted);
    let mut found = Vec::new();
    compare_maps("", live.root(), predicted.root(), &mut found);
    found
}

fn comparable(object: &Object) -> Object {
    let mut object = object.clone();
    object.root_mut().remove("status");
    let metadata = object.metadata_mut();
    for field in [
        "managedFields",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "uid",
        "selfLink",
    ] {
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

/// Secret values as marks: equal values get equal marks, so that a diff shows
/// that something changed and not what.
pub fn mask_secret(live: &mut Option<Object>, predicted: &mut Option<Object>) {
    let mut seen: Vec<Value> = Vec::new();
    for object in [live.as_mut(), predicted.as_mut()].into_iter().flatten() {
        if object.api_version() != "v1" || object.kind() != "Secret" {
            continue;
        }
        if let Some(annotations) = object
            .metadata_mut()
            .get_mut("annotations")
            .and_then(Value::as_map_mut)
            && annotations.contains_key(names::LAST_APPLIED)
        {
            annotations.insert(names::LAST_APPLIED, "++++++++");
        }
        for field in ["data", "stringData"] {
            let Some(data) = object.root_mut().get_mut(field).and_then(Value::as_map_mut) else {
                continue;
            };
            for value in data.values_mut() {
                let number = match seen.iter().position(|other| other == value) {
                    Some(number) => number,
                    None => {
                        seen.push(value.clone());
                        seen.len() - 1
                    }
                };
                *value = Value::Str("+".repeat(8 + number));
            }
        }
    }
}
