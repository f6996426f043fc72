//! Adoption: objects that kubectl, Helm or Argo CD applied before us. Their
//! managedFields entries become ours, so that a field dropped in git goes.

use crate::object::{Object, names};
use crate::value::{Map, Value};

/// The managers whose entries are taken over, of both kinds (Apply, Update).
const FORMER_MANAGERS: &[&str] = &[
    "argocd-controller",
    "argocd-application-controller",
    "before-first-apply",
    "helm",
    "kubectl",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-last-applied",
    "kubectl-edit",
];

/// A JSON patch that makes the entries of former managers ours; `None` where
/// there are none. It tests the resourceVersion, so that a write in between
/// is not lost.
pub fn adoption_patch(live: &Object) -> Option<Value> {
    let entries = live.at(&["metadata", "managedFields"])?.as_seq()?;
    let is_former = |entry: &Value| {
        let subresource = entry.get("subresource").and_then(Value::as_str);
        subresource.unwrap_or_default().is_empty()
            && entry
                .get("manager")
                .and_then(Value::as_str)
                .is_some_and(|manager| FORMER_MANAGERS.contains(&manager))
    };
    if !entries.iter().any(is_former) {
        return None;
    }
    let mut ours = Map::new();
    let mut api_version = Value::from(live.api_version());
    let mut time = Value::Null;
    let mut kept = Vec::new();
    for entry in entries {
        let is_ours = entry.get("manager").and_then(Value::as_str) == Some(names::FIELD_MANAGER)
            && entry.get("operation").and_then(Value::as_str) == Some("Apply");
        if !is_ours && !is_former(entry) {
            kept.push(entry.clone());
            continue;
        }
        if let Some(version) = entry.get("apiVersion") {
            api_version = version.clone();
        }
        if let Some(written) = entry.get("time") {
            time = written.clone();
        }
        if let Some(fields) = entry.get("fieldsV1").and_then(Value::as_map) {
            union(&mut ours, fields);
        }
    }
    let mut entry = Map::from_iter([
        ("manager", Value::from(names::FIELD_MANAGER)),
        ("operation", Value::from("Apply")),
        ("apiVersion", api_version),
        ("fieldsType", Value::from("FieldsV1")),
        ("fieldsV1", Value::Map(ours)),
    ]);
    if !time.is_null() {
        entry.insert("time", time);
    }
    kept.insert(0, Value::Map(entry));
    let operation = |op: &str, path: &str, value: Value| {
        Value::Map(Map::from_iter([
            ("op", Value::from(op)),
            ("path", Value::from(path)),
            ("value", value),
        ]))
    };
    Some(Value::Seq(vec![
        operation(
            "test",
            "/metadata/resourceVersion",
            Value::from(live.resource_version()),
        ),
        operation("replace", "/metadata/managedFields", Value::Seq(kept)),
    ]))
}

fn union(into: &mut Map, from: &Map) {
    for (element, below) in from.iter() {
        let slot = into.entry_map(element);
        if let Some(below) = below.as_map() {
            union(slot, below);
        }
    }
}
