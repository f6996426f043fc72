//! RespectIgnoreDifferences: what is ignored is not only not shown, it is
//! left as it is: an apply carries the live values of those fields.

use super::ignore::IgnoreRules;
use crate::object::Object;
use crate::value::{Map, Value};

/// Fields by which an item of a list is found again.
const IDENTITIES: &[&str] = &[
    "name",
    "key",
    "containerPort",
    "port",
    "mountPath",
    "type",
    "ip",
];

/// A desired object with the live values of all that is ignored.
pub fn respect(desired: &Object, live: &Object, rules: &IgnoreRules) -> Object {
    let mut respected = desired.clone();
    if rules.is_empty() {
        return respected;
    }
    let mut counted = live.clone();
    rules.remove_from(&mut counted);
    rules.remove_trusted(&mut counted, desired, live);
    rules.remove_from(&mut respected);
    rules.remove_trusted(&mut respected, live, live);
    restore(respected.root_mut(), counted.root(), live.root());
    for field in ["apiVersion", "kind"] {
        if let Some(value) = desired.root().get(field) {
            respected.root_mut().insert(field, value.clone());
        }
    }
    for field in ["name", "namespace"] {
        if let Some(value) = desired.at(&["metadata", field]) {
            respected.metadata_mut().insert(field, value.clone());
        }
    }
    respected.root_mut().remove("status");
    for field in super::desired::SERVER_FIELDS {
        respected.metadata_mut().remove(field);
    }
    respected
}

/// Puts back what `counted` lacks of `live`.
fn restore(into: &mut Map, counted: &Map, live: &Map) {
    for (key, value) in live.iter() {
        match (counted.get(key), value) {
            (None, value) => {
                into.insert(key, value.clone());
            }
            (Some(counted), value) if counted == value => {}
            (Some(Value::Map(counted)), Value::Map(value)) => {
                restore(into.entry_map(key), counted, value);
            }
            (Some(Value::Seq(counted)), Value::Seq(value)) => {
                if let Value::Seq(into) = into.entry(key, || Value::Seq(Vec::new())) {
                    restore_items(into, counted, value);
                }
            }
            (Some(_), _) => {}
        }
    }
}

fn restore_items(into: &mut Vec<Value>, counted: &[Value], live: &[Value]) {
    if counted.len() == live.len() {
        for (at, (counted, live)) in counted.iter().zip(live).enumerate() {
            let (Value::Map(counted), Value::Map(item)) = (counted, live) else {
                continue;
            };
            let place = into.iter().position(|other| is_same_item(other, live));
            if let Some(Value::Map(into)) = into.get_mut(place.unwrap_or(at)) {
                restore(into, counted, item);
            }
        }
        return;
    }
    for item in live.iter().filter(|item| !counted.contains(item)) {
        if !into.iter().any(|other| is_same_item(other, item)) {
            into.push(item.clone());
        }
    }
}

fn is_same_item(one: &Value, other: &Value) -> bool {
    let identity = |value: &Value| {
        IDENTITIES
            .iter()
            .find_map(|field| Some((*field, value.get(field)?.clone())))
    };
    match (identity(one), identity(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
