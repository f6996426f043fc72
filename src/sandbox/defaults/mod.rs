//! What the server fills in where a client said nothing.
//!
//! Kubernetes generates its defaulting from hooks on Go types, called wherever
//! such a type stands in an object. So is it here: a walk along the schema
//! calls the hooks by the names of the structs (those of pkg/apis/*/defaults.go
//! and the `+default` markers of 1.34).
//!
//! Invariant: objects come in decoded (see `decode`) and stay in that form.

mod core;
mod pod;

mod kinds;
mod scaling;

use crate::object::Gvk;
use crate::sandbox::schema::{Schema, Shape};
use crate::value::{Map, Value};

/// Sets the defaults of a built-in kind.
pub fn set_defaults(gvk: &Gvk, schema: &Schema, object: &mut Value) {
    if let Some(map) = object.as_map_mut() {
        kinds::before_parts(gvk, map);
    }
    walk(gvk, schema, schema.root(), object);
    if let Some(map) = object.as_map_mut() {
        kinds::after_parts(gvk, map);
    }
}

fn walk(gvk: &Gvk, schema: &Schema, node: &crate::sandbox::schema::Node, value: &mut Value) {
    match (&node.shape, value) {
        (Shape::Struct { id, .. }, Value::Map(map)) => {
            let fields = schema.types().get(*id);
            part(gvk, &fields.name, map);
            for (key, value) in map.iter_mut() {
                if let Some(field) = fields.field(key) {
                    walk(gvk, schema, &field.node, value);
                }
            }
        }
        (Shape::List(_, element), Value::Seq(items)) => {
            for item in items {
                walk(gvk, schema, element, item);
            }
        }
        (Shape::Map { element, .. }, Value::Map(map)) => {
            for value in map.values_mut() {
                walk(gvk, schema, element, value);
            }
        }
        _ => {}
    }
}

/// The hook of one struct, if it has one.
fn part(gvk: &Gvk, name: &str, map: &mut Map) {
    match gvk.group.as_str() {
        "rbac.authorization.k8s.io" => kinds::rbac(name, map),
        "networking.k8s.io" | "extensions" => kinds::networking(&gvk.version, name, map),
        "admissionregistration.k8s.io" => kinds::webhooks(name, map),
        "apiextensions.k8s.io" | "apiregistration.k8s.io" if name == "ServiceReference" => {
            default(map, "port", 443i64);
        }
        "discovery.k8s.io" if name == "EndpointPort" => {
            if map.get("name").is_none_or(Value::is_null) {
                map.insert("name", "");
            }
            default(map, "protocol", "TCP");
        }
        "" | "apps" | "batch" => {
            pod::part(name, map);
            core::part(name, map);
        }
        _ => {}
    }
}

/// Absent, null or "": what Go's defaulting takes for unset.
fn is_unset(map: &Map, key: &str) -> bool {
    match map.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::Str(text)) => text.is_empty(),
        Some(_) => false,
    }
}

fn default(map: &mut Map, key: &str, value: impl Into<Value>) {
    if is_unset(map, key) {
        map.insert(key, value);
    }
}

/// The map at a key, made where there is none.
fn default_map<'a>(map: &'a mut Map, key: &str) -> &'a mut Map {
    map.entry_map(key)
}

fn text<'a>(map: &'a Map, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}
