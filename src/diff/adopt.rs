//! Adoption: objects that kubectl, Helm or Argo CD applied before us. Their
//! managedFields entries become ours, so that a field dropped in git goes.

use crate::object::{Object, names};
use crate::value::{Map, Value};

/// The managers whose entries are taken over, of both kinds (Apply, Update),
/// with an object that was not ours.
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
/// Those that mean "this is all of it" also on an object that is ours: Argo CD
/// on its way back, and `kubectl apply` by hand.
const APPLIERS: &[&str] = &[
    "argocd-controller",
    "argocd-application-controller",
    "before-first-apply",
    "kubectl-client-side-apply",
    "kubectl-last-applied",
];

/// A JSON patch that makes the entries of former managers ours; `None` where
/// there are none. It tests the resourceVersion, so that a write in between
/// is not lost.
pub fn adoption_patch(live: &Object) -> Option<Value> {
    Some(replacing(live, adopted_entries(live)?))
}

/// The entries of an object with those of former managers made ours.
pub(super) fn adopted_entries(live: &Object) -> Option<Value> {
    let entries = entries(live)?;
    let former = match entries.iter().any(is_ours) {
        true => APPLIERS,
        false => FORMER_MANAGERS,
    };
    let is_former = |entry: &Value| {
        !has_subresource(entry)
            && entry
                .get("manager")
                .and_then(Value::as_str)
                .is_some_and(|manager| former.contains(&manager))
    };
    if !entries.iter().any(is_former) {
        return None;
    }
    Some(moved(live, entries, is_former, |_, fields| fields.clone()))
}

/// A JSON patch that makes ours the items of those lists that the desired
/// object has, whoever put them there; `None` where that are none. Needed
/// where a key of an item changed (a Service's port): an apply alone would
/// leave the old item to its owner, and two do not fit (argo-cd#25474).
pub fn seizing_patch(live: &Object, desired: &Object) -> Option<Value> {
    let entries = entries(live)?;
    let seized = |entry: &Value| -> Map {
        let fields = entry.get("fieldsV1").and_then(Value::as_map);
        fields.map_or_else(Map::new, |fields| items_of_lists(fields, desired.root()))
    };
    let is_foreign =
        |entry: &Value| !is_ours(entry) && !has_subresource(entry) && !seized(entry).is_empty();
    if !entries.iter().any(is_foreign) {
        return None;
    }
    let entries = moved(live, entries, is_foreign, |entry, _| seized(entry));
    Some(replacing(live, entries))
}

fn entries(live: &Object) -> Option<&[Value]> {
    live.at(&["metadata", "managedFields"])?.as_seq()
}

fn is_ours(entry: &Value) -> bool {
    entry.get("manager").and_then(Value::as_str) == Some(names::FIELD_MANAGER)
        && entry.get("operation").and_then(Value::as_str) == Some("Apply")
        && !has_subresource(entry)
}

pub(super) fn has_subresource(entry: &Value) -> bool {
    let subresource = entry.get("subresource").and_then(Value::as_str);
    !subresource.unwrap_or_default().is_empty()
}

/// Of managed fields those that are items of lists which an object has.
fn items_of_lists(fields: &Map, desired: &Map) -> Map {
    let mut found = Map::new();
    for (element, below) in fields.iter() {
        let Some(key) = element.strip_prefix("f:") else {
            continue;
        };
        let Some(below) = below.as_map() else {
            continue;
        };
        let part = match desired.get(key) {
            Some(Value::Map(desired)) => items_of_lists(below, desired),
            Some(Value::Seq(_)) => {
                let items = below
                    .iter()
                    .filter(|(element, _)| element.starts_with("k:"));
                items
                    .map(|(element, below)| (element, below.clone()))
                    .collect()
            }
            _ => Map::new(),
        };
        if !part.is_empty() {
            found.insert(element, part);
        }
    }
    found
}

/// Moves what `taken` gives of the entries that `is_taken` names into ours.
fn moved(
    live: &Object,
    entries: &[Value],
    is_taken: impl Fn(&Value) -> bool,
    taken: impl Fn(&Value, &Map) -> Map,
) -> Value {
    let mut ours = Map::new();
    let mut api_version = Value::from(live.api_version());
    let mut time = Value::Null;
    let mut kept = Vec::new();
    for entry in entries {
        if !is_ours(entry) && !is_taken(entry) {
            kept.push(entry.clone());
            continue;
        }
        if let Some(version) = entry.get("apiVersion") {
            api_version = version.clone();
        }
        if let Some(written) = entry.get("time") {
            time = written.clone();
        }
        let Some(fields) = entry.get("fieldsV1").and_then(Value::as_map) else {
            continue;
        };
        if is_ours(entry) {
            union(&mut ours, fields);
            continue;
        }
        let seized = taken(entry, fields);
        union(&mut ours, &seized);
        // What is left to its owner stays an entry of its own.
        let mut rest = fields.clone();
        subtract(&mut rest, &seized);
        if !rest.is_empty() {
            let mut entry = entry.as_map().cloned().unwrap_or_default();
            entry.insert("fieldsV1", rest);
            kept.push(Value::Map(entry));
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
    Value::Seq(kept)
}

/// A JSON patch that sets the entries of an object as it is.
fn replacing(live: &Object, entries: Value) -> Value {
    let operation = |op: &str, path: &str, value: Value| {
        Value::Map(Map::from_iter([
            ("op", Value::from(op)),
            ("path", Value::from(path)),
            ("value", value),
        ]))
    };
    Value::Seq(vec![
        operation(
            "test",
            "/metadata/resourceVersion",
            Value::from(live.resource_version()),
        ),
        operation("replace", "/metadata/managedFields", entries),
    ])
}

pub(super) fn union(into: &mut Map, from: &Map) {
    for (element, below) in from.iter() {
        let slot = into.entry_map(element);
        if let Some(below) = below.as_map() {
            union(slot, below);
        }
    }
}

fn subtract(from: &mut Map, what: &Map) {
    for (element, below) in what.iter() {
        let below = below.as_map().filter(|below| !below.is_empty());
        match (from.get_mut(element).and_then(Value::as_map_mut), below) {
            (Some(rest), Some(below)) => {
                subtract(rest, below);
                if rest.is_empty() || rest.keys().all(|element| element == ".") {
                    from.remove(element);
                }
            }
            (_, None) => {
                from.remove(element);
            }
            (None, Some(_)) => {}
        }
    }
}
