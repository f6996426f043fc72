use crate::object::{Object, ResourceKey, names};
use crate::value::{Map, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Cluster,
    Namespaced,
}

/// `<app>:<group>/<kind>:<ns>/<name>`, as Argo CD writes it.
pub fn tracking_id(instance: &str, key: &ResourceKey) -> String {
    format!(
        "{instance}:{}/{}:{}/{}",
        key.group, key.kind, key.namespace, key.name
    )
}

/// The application whose tracking id an object carries. An id that does not
/// name the object itself (it was copied along with the annotations) is none.
pub fn tracked_by(object: &Object) -> Option<&str> {
    let id = object.annotation(names::TRACKING_ID)?;
    let (instance, rest) = id.split_once(':')?;
    let key = object.key();
    let itself = format!("{}/{}:{}/{}", key.group, key.kind, key.namespace, key.name);
    // Argo CD writes the destination's namespace for objects of the cluster, too.
    let without_namespace = |id: &str| {
        let (kind, place) = id.split_once(':')?;
        let (_, name) = place.split_once('/')?;
        Some(format!("{kind}:/{name}"))
    };
    let names_itself = rest == itself
        || (key.namespace.is_empty() && without_namespace(rest).as_deref() == Some(&itself));
    names_itself.then_some(instance)
}

/// A rendered object as it will be applied: nulls away, stringData folded
/// into data, namespace set where the kind has one, tracking id and the label
/// that our watches select by.
pub fn prepare(mut object: Object, scope: Scope, namespace: &str, instance: &str) -> Object {
    strip_nulls(object.root_mut());
    for field in [
        "creationTimestamp",
        "managedFields",
        "resourceVersion",
        "uid",
        "generation",
        "selfLink",
    ] {
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
    let id = tracking_id(instance, &object.key());
    object.set_annotation(names::TRACKING_ID, &id);
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
