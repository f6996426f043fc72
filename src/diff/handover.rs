//! Objects on their way between Argo CD and us, without a sync: only metadata
//! is written, so that no workload's generation moves.
//!
//! ```text
//! Argo CD ── take_over_step ──> ours: its managers' fields, our label
//!         <── hand_back_step ── its: last-applied-configuration, our fields
//! ```

use super::adopt::{adopted_entries, has_subresource, union};
use super::owned::child_of;
use crate::object::{Object, names};
use crate::value::{Map, Value};

/// Argo CD's field manager, in both ways of applying.
pub const ARGOCD_MANAGER: &str = "argocd-controller";
/// What all annotations of an object may take together (Kubernetes' limit).
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;

/// How Argo CD applies an application's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applier {
    /// Client-side, by last-applied-configuration: its default.
    Client,
    /// `ServerSideApply=true`.
    Server,
}

/// One write of an object's metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// A JSON patch. It tests the resourceVersion, so that a write in between
    /// is not lost.
    pub patch: Value,
    /// "", or `status`.
    pub subresource: &'static str,
}

/// What makes an object ours that another manager applied; `None` where it is.
/// Its last-applied-configuration stays, and is nobody's: without it a
/// Deployment would have a new generation.
pub fn take_over_step(live: &Object) -> Option<Step> {
    let mut steps = Vec::new();
    if let Some(mut entries) = adopted_entries(live) {
        if let Value::Seq(entries) = &mut entries {
            entries.iter_mut().for_each(disown_last_applied);
        }
        steps.push(step("replace", "/metadata/managedFields", entries));
    }
    if live.label(names::MANAGED_LABEL) != Some(names::MANAGED_LABEL_VALUE) {
        let value = Value::from(names::MANAGED_LABEL_VALUE);
        steps.push(addition(live, "labels", names::MANAGED_LABEL, value));
    }
    tested(live, steps, "")
}

/// The next step of giving what is ours of an object to Argo CD; `None` where
/// nothing is.
pub fn hand_back_step(live: &Object, applier: Applier) -> Option<Step> {
    let mut steps = Vec::new();
    if let Some((entries, ours)) = returned_entries(live, applier) {
        if applier == Applier::Client
            && let Some(step) = tell_last_applied(live, &ours)
        {
            return Some(step);
        }
        steps.push(step("replace", "/metadata/managedFields", entries));
    }
    if live.label(names::MANAGED_LABEL).is_some() {
        steps.push(removal("labels", names::MANAGED_LABEL));
    }
    tested(live, steps, "")
}

/// Sets last-applied-configuration to what we applied last, where it says
/// something else.
fn tell_last_applied(live: &Object, ours: &Map) -> Option<Step> {
    let applied = last_applied(live, ours);
    let told = live.annotation(names::LAST_APPLIED);
    if told.is_some_and(|text| Value::from_json(text.as_bytes()).is_ok_and(|v| v == applied)) {
        return None;
    }
    let text = applied.to_json();
    if text.len() > MAX_ANNOTATION_BYTES {
        return None;
    }
    // Of all workloads a Deployment alone gets a new generation for another
    // annotation, but not where it comes with the status (Kubernetes,
    // registry/apps/deployment, strategy.go).
    let gvk = live.gvk();
    let subresource = match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment") => "status",
        _ => "",
    };
    let added = addition(live, "annotations", names::LAST_APPLIED, Value::from(text));
    tested(live, vec![added], subresource)
}

/// Takes the annotation out of an entry of managedFields.
fn disown_last_applied(entry: &mut Value) {
    let fields = entry
        .as_map_mut()
        .and_then(|entry| entry.get_mut("fieldsV1"));
    let metadata = fields
        .and_then(Value::as_map_mut)
        .and_then(|fields| fields.get_mut("f:metadata"))
        .and_then(Value::as_map_mut);
    if let Some(metadata) = metadata {
        remove_below(
            metadata,
            "f:annotations",
            &format!("f:{}", names::LAST_APPLIED),
        );
    }
}

/// Removes an element; an empty set would be the whole of what is above it.
fn remove_below(fields: &mut Map, above: &str, element: &str) {
    let Some(below) = fields.get_mut(above).and_then(Value::as_map_mut) else {
        return;
    };
    below.remove(element);
    if below.keys().all(|element| element == ".") {
        fields.remove(above);
    }
}

/// The entries with ours as Argo CD's, and the fields that those are.
fn returned_entries(live: &Object, applier: Applier) -> Option<(Value, Map)> {
    let entries = live.at(&["metadata", "managedFields"])?.as_seq()?;
    let text = |entry: &Value, key: &str| {
        let text = entry.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let is_ours =
        |entry: &&Value| text(entry, "manager") == names::FIELD_MANAGER && !has_subresource(entry);
    let mut ours = Map::new();
    let mut first = None;
    for entry in entries.iter().filter(is_ours) {
        if let Some(fields) = entry.get("fieldsV1").and_then(Value::as_map) {
            union(&mut ours, fields);
        }
        first.get_or_insert(entry);
    }
    let mut given = first?.as_map()?.clone();
    if let Some(metadata) = ours.get_mut("f:metadata").and_then(Value::as_map_mut) {
        remove_below(metadata, "f:labels", &format!("f:{}", names::MANAGED_LABEL));
    }
    let operation = match applier {
        Applier::Client => "Update",
        Applier::Server => "Apply",
    };
    let mut rest: Vec<Value> = entries.iter().filter(|e| !is_ours(e)).cloned().collect();
    // One that it has already, of the same sort, takes ours in.
    let version = text(first?, "apiVersion");
    let its = rest.iter_mut().find(|entry| {
        text(entry, "manager") == ARGOCD_MANAGER
            && text(entry, "operation") == operation
            && text(entry, "apiVersion") == version
            && !has_subresource(entry)
    });
    if let Some(fields) = its
        .and_then(Value::as_map_mut)
        .and_then(|entry| entry.get_mut("fieldsV1"))
        .and_then(Value::as_map_mut)
    {
        union(fields, &ours);
    } else {
        given.insert("manager", ARGOCD_MANAGER);
        given.insert("operation", operation);
        given.insert("fieldsV1", ours.clone());
        rest.insert(0, Value::Map(given));
    }
    Some((Value::Seq(rest), ours))
}

/// What we applied last, as far as managedFields tell: what a client-side
/// apply holds the next manifest against.
fn last_applied(live: &Object, ours: &Map) -> Value {
    let mut applied = project(live.root(), ours);
    for key in ["apiVersion", "kind"] {
        if let Some(value) = live.root().get(key) {
            applied.insert(key, value.clone());
        }
    }
    let metadata = applied.entry_map("metadata");
    metadata.insert("name", live.name());
    if !live.namespace().is_empty() {
        metadata.insert("namespace", live.namespace());
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_map_mut) {
        annotations.remove(names::LAST_APPLIED);
    }
    Value::Map(applied)
}

/// The part of a map that a set of managed fields names.
fn project(live: &Map, fields: &Map) -> Map {
    let mut found = Map::new();
    for (element, below) in fields.iter() {
        let Some(key) = element.strip_prefix("f:") else {
            continue;
        };
        if let Some(value) = live.get(key) {
            found.insert(key, projected(value, below));
        }
    }
    found
}

fn projected(live: &Value, below: &Value) -> Value {
    let whole = |fields: &&Map| fields.keys().any(|element| element != ".");
    let Some(fields) = below.as_map().filter(whole) else {
        return live.clone();
    };
    match live {
        Value::Map(live) => Value::Map(project(live, fields)),
        Value::Seq(_) => {
            let items = fields.iter().filter(|(element, _)| *element != ".");
            let items = items.filter_map(|(element, below)| {
                let item = child_of(live, element)?;
                Some(projected(item, below))
            });
            Value::Seq(items.collect())
        }
        other => other.clone(),
    }
}

fn step(op: &str, path: &str, value: Value) -> Value {
    Value::Map(Map::from_iter([
        ("op", Value::from(op)),
        ("path", Value::from(path)),
        ("value", value),
    ]))
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn addition(live: &Object, part: &str, name: &str, value: Value) -> Value {
    if live
        .at(&["metadata", part])
        .and_then(Value::as_map)
        .is_some()
    {
        return step("add", &format!("/metadata/{part}/{}", escaped(name)), value);
    }
    let whole = Map::from_iter([(name, value)]);
    step("add", &format!("/metadata/{part}"), Value::Map(whole))
}

fn removal(part: &str, name: &str) -> Value {
    Value::Map(Map::from_iter([
        ("op", Value::from("remove")),
        (
            "path",
            Value::from(format!("/metadata/{part}/{}", escaped(name))),
        ),
    ]))
}

fn tested(live: &Object, mut steps: Vec<Value>, subresource: &'static str) -> Option<Step> {
    if steps.is_empty() {
        return None;
    }
    let version = Value::from(live.resource_version());
    steps.insert(0, step("test", "/metadata/resourceVersion", version));
    Some(Step {
        patch: Value::Seq(steps),
        subresource,
    })
}
