//! Short ways to what rules ask an object for.

use crate::object::Object;
use crate::value::Value;

/// A number of the object; 0 where there is none, as a typed Go field.
pub fn number(object: &Object, path: &[&str]) -> i64 {
    object.at(path).and_then(Value::as_i64).unwrap_or(0)
}

/// A string of the object, or "".
pub fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    object.at(path).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list, or none.
pub fn items<'a>(object: &'a Object, path: &[&str]) -> &'a [Value] {
    object.at(path).and_then(Value::as_seq).unwrap_or_default()
}

/// A string inside of a value, or "".
pub fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// One of status.conditions, by its type.
pub fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a Value> {
    items(object, &["status", "conditions"])
        .iter()
        .find(|condition| text_of(condition, "type") == kind)
}
