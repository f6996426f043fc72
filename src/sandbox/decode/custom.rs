//! Custom resources: what their schema does not know goes, defaults come in.

use crate::value::{Map, Value};

/// Removes fields that the schema does not declare and names them, as
/// `unknown field "spec.foo"`.
pub fn prune_custom(schema: &Value, object: &mut Value) -> Vec<String> {
    let mut gone = Vec::new();
    let root = Place {
        schema,
        is_object: true,
        preserve: false,
    };
    prune(&root, object, &mut String::new(), &mut gone);
    gone
}

struct Place<'a> {
    schema: &'a Value,
    /// The root or an embedded resource: apiVersion, kind and metadata belong.
    is_object: bool,
    preserve: bool,
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool) == Some(true)
}

fn prune(place: &Place<'_>, value: &mut Value, path: &mut String, gone: &mut Vec<String>) {
    let schema = place.schema;
    let preserve = flag(schema, "x-kubernetes-preserve-unknown-fields");
    match value {
        Value::Map(map) => {
            let properties = schema.get("properties").and_then(Value::as_map);
            let additional = schema.get("additionalProperties");
            map.retain(|key, value| {
                if place.is_object && matches!(key, "apiVersion" | "kind" | "metadata") {
                    return true;
                }
                let length = path.len();
                if length > 0 {
                    path.push('.');
                }
                path.push_str(key);
                let keep = match (properties.and_then(|map| map.get(key)), additional) {
                    (Some(schema), _) | (None, Some(schema @ Value::Map(_))) => {
                        let place = Place {
                            schema,
                            is_object: flag(schema, "x-kubernetes-embedded-resource"),
                            preserve: false,
                        };
                        prune(&place, value, path, gone);
                        true
                    }
                    (None, Some(Value::Bool(true))) => true,
                    _ if preserve || place.preserve => true,
                    _ => {
                        gone.push(format!("unknown field \"{path}\""));
                        false
                    }
                };
                path.truncate(length);
                keep
            });
        }
        Value::Seq(items) => {
            let Some(schema) = schema.get("items") else {
                return;
            };
            for (at, item) in items.iter_mut().enumerate() {
                let length = path.len();
                path.push_str(&format!("[{at}]"));
                let place = Place {
                    schema,
                    is_object: flag(schema, "x-kubernetes-embedded-resource"),
                    preserve: false,
                };
                prune(&place, item, path, gone);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// Removes nulls where the schema takes none and has no default for them.
pub fn drop_nulls(schema: &Value, object: &mut Value) {
    match object {
        Value::Map(map) => {
            let properties = schema.get("properties").and_then(Value::as_map);
            map.retain(|key, value| {
                let Some(place) = properties.and_then(|map| map.get(key)) else {
                    if let Some(place @ Value::Map(_)) = schema.get("additionalProperties") {
                        drop_nulls(place, value);
                    }
                    return true;
                };
                drop_nulls(place, value);
                !value.is_null() || flag(place, "nullable") || place.get("default").is_some()
            });
        }
        Value::Seq(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    drop_nulls(schema, item);
                }
            }
        }
        _ => {}
    }
}

/// Sets the defaults of the schema. A null where the schema takes none and has
/// a default makes room for it.
pub fn default_custom(schema: &Value, object: &mut Value) {
    match object {
        Value::Map(map) => {
            if let Some(properties) = schema.get("properties").and_then(Value::as_map) {
                for (name, property) in properties.iter() {
                    default_property(map, name, property);
                }
            }
            if let Some(additional @ Value::Map(_)) = schema.get("additionalProperties") {
                let declared = schema.get("properties").and_then(Value::as_map);
                for (key, value) in map.iter_mut() {
                    if declared.is_none_or(|map| !map.contains_key(key)) {
                        default_custom(additional, value);
                    }
                }
            }
        }
        Value::Seq(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    default_custom(schema, item);
                }
            }
        }
        _ => {}
    }
}

fn default_property(map: &mut Map, name: &str, property: &Value) {
    if let Some(default) = property.get("default") {
        let missing = match map.get(name) {
            None => true,
            Some(Value::Null) => !flag(property, "nullable"),
            Some(_) => false,
        };
        if missing {
            map.insert(name, default.clone());
        }
    }
    if let Some(value) = map.get_mut(name) {
        default_custom(property, value);
    }
}
