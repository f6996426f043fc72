//! RFC 7386, as evanphx/json-patch does it.

use super::PatchError;
use crate::value::{Map, Value};

pub fn merge(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    match patch {
        Value::Map(patch) => Ok(merged(object, patch)),
        Value::Null => Err(PatchError::BadRequest("Invalid JSON Patch".to_owned())),
        other => Err(PatchError::BadRequest(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            match other {
                Value::Seq(_) => "array",
                Value::Str(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            }
        ))),
    }
}

fn merged(target: &Value, patch: &Map) -> Value {
    let Value::Map(target) = target else {
        return without_nulls(&Value::Map(patch.clone()));
    };
    let mut out = target.clone();
    for (key, change) in patch.iter() {
        match (change, target.get(key)) {
            (Value::Null, _) => {
                out.remove(key);
            }
            (_, None | Some(Value::Null)) => {
                out.insert(key, without_nulls(change));
            }
            (Value::Map(change), Some(current)) => {
                out.insert(key, merged(current, change));
            }
            (other, Some(Value::Map(_))) => {
                out.insert(key, other.clone());
            }
            (other, Some(_)) => {
                out.insert(key, without_nulls(other));
            }
        }
    }
    Value::Map(out)
}

/// Nulls in maps go; those in lists stay.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Seq(items) => items.iter().map(without_nulls).collect::<Vec<_>>().into(),
        scalar => scalar.clone(),
    }
}
