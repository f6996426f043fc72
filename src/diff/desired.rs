use super::tracking::Tracking;
use crate::object::{Object, names};
use crate::value::{Map, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the server keeps in an object's metadata.
pub(super) const SERVER_FIELDS: [&str; 6] = [
    "creationTimestamp",
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "selfLink",
];

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Cluster,
    Namespaced,
}

/// A rendered object as it will be applied: nulls away, stringData folded
/// into data, namespace set where the kind has one, tracking id and the label
/// that our watches select by.
pub fn prepare(
    mut object: Object,
    scope: Scope,
    namespace: &str,
    tracking: &Tracking,
    instance: &str,
) -> Object {
    strip_nulls(object.root_mut());
    for field in SERVER_FIELDS {
        object.metadata_mut().remove(field);
    }
    match scope {
        Scope::Cluster => {
            object.metadata_mut().remove("namespace");
        }
        Scope::Namespaced if object.namespace().is_empty() => object.set_namespace(namespace),
        Scope::Namespaced => {}
    }
    if object.api_version() == "v1" && object.kind() == "Secret" {
        fold_string_data(object.root_mut());
    }
    tracking.mark(&mut object, instance);
    object.set_label(names::MANAGED_LABEL, names::MANAGED_LABEL_VALUE);
    object
}

/// Null means "not set" to every API type; server-side apply would otherwise
/// claim the field.
fn strip_nulls(map: &mut Map) {
    map.retain(|_, value| !value.is_null());
    for value in map.values_mut() {
        strip_nulls_below(value);
    }
}

fn strip_nulls_below(value: &mut Value) {
    match value {
        Value::Map(map) => strip_nulls(map),
        Value::Seq(items) => items.iter_mut().for_each(strip_nulls_below),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Float(_)
        | Value::Str(_) => {}
    }
}

/// The API server folds stringData into data on every write; applied as it
/// stands, a key dropped from stringData would stay in data.
fn fold_string_data(root: &mut Map) {
    let Some(Value::Map(plain)) = root.remove("stringData") else {
        return;
    };
    let data = root.entry_map("data");
    for (key, value) in plain.iter() {
        // Anything but text is the API server's to refuse.
        let folded = match value {
            Value::Str(text) => Value::Str(STANDARD.encode(text)),
            other => other.clone(),
        };
        data.insert(key, folded);
    }
}
