//! Custom resources whose operators many clusters have: nobody runs them
//! here, and they report what a working one would.

use super::controller::{Controller, number, set_condition};
use super::pod::fail_reason;
use crate::sandbox::catalog::Resource;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::convert;
use crate::sandbox::store::{Shelf, Stored};
use crate::sandbox::verbs::put;
use crate::value::{Map, Value};

const OPERATOR: Controller<'static> = Controller {
    manager: "sandbox-operator",
};

/// Kinds and the conditions that their operators set.
const CONDITIONS: &[(&str, &[&str])] = &[
    (
        "monitoring.coreos.com/alertmanagers",
        &["Available", "Reconciled"],
    ),
    (
        "monitoring.coreos.com/prometheuses",
        &["Available", "Reconciled"],
    ),
    (
        "monitoring.coreos.com/prometheusagents",
        &["Available", "Reconciled"],
    ),
    (
        "monitoring.coreos.com/thanosrulers",
        &["Available", "Reconciled"],
    ),
    ("cert-manager.io/certificates", &["Ready"]),
    ("cert-manager.io/clusterissuers", &["Ready"]),
    ("cert-manager.io/issuers", &["Ready"]),
];

pub fn look(cluster: &mut Cluster, shelf: &Shelf, stored: &Stored) {
    let Some((_, conditions)) = CONDITIONS.iter().find(|(known, _)| *known == &**shelf) else {
        return;
    };
    let Some(resource) = cluster.catalog.of_shelf(shelf).cloned() else {
        return;
    };
    if stored.is_deleting {
        return;
    }
    let object = stored.to_value("", "");
    let generation = number(&object, &["metadata", "generation"]).unwrap_or(1);
    let replicas = number(&object, &["spec", "replicas"]).unwrap_or(1);
    let failed = fail_reason(stored);
    let now = cluster.clock.seconds();
    let by_status = resource.subresource("status").is_some();
    let way = if by_status { "status" } else { "" };
    let report = |object: &mut Value| {
        let Some(root) = object.as_map_mut() else {
            return;
        };
        let status = root.entry_map("status");
        for kind in *conditions {
            match &failed {
                None => set_condition(status, kind, "True", "", "", &now),
                Some(why) => set_condition(status, kind, "False", "Failed", why, &now),
            }
        }
        let list = status.get_mut("conditions").and_then(Value::as_seq_mut);
        for condition in list.into_iter().flatten().filter_map(Value::as_map_mut) {
            // Without a status subresource every report is a new generation.
            if by_status {
                condition.insert("observedGeneration", generation);
            }
        }
        fill_required(&resource, status, replicas);
    };
    OPERATOR.change(cluster, shelf, stored, way, report);
    // Definitions of before the conditions prune them; whoever judges the
    // health of these kinds reads nothing else, so they are put back.
    let Some(live) = cluster
        .store
        .get(shelf, &stored.namespace, &stored.name)
        .cloned()
    else {
        return;
    };
    let before = convert::from_store(&resource, &live);
    let mut object = before.clone();
    report(&mut object);
    if object != before {
        put(cluster, &resource, object);
    }
}

/// What the schema demands of a status beside its conditions.
fn fill_required(resource: &Resource, status: &mut Map, replicas: i64) {
    let schema = resource
        .custom
        .as_ref()
        .and_then(|custom| custom.open_api())
        .and_then(|schema| schema.at(&["properties", "status"]));
    let required = schema
        .and_then(|schema| schema.get("required"))
        .and_then(Value::as_seq)
        .unwrap_or_default();
    for name in required.iter().filter_map(Value::as_str) {
        let kind = schema
            .and_then(|schema| schema.at(&["properties", name, "type"]))
            .and_then(Value::as_str);
        let value = match (name, kind) {
            ("unavailableReplicas", _) => Value::Int(0),
            (_, Some("integer")) => Value::Int(replicas),
            (_, Some("boolean")) => Value::Bool(false),
            (_, Some("string")) => Value::from(""),
            _ => continue,
        };
        status.entry(name, || value);
    }
}
