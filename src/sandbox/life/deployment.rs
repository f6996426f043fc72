//! Deployments: a ReplicaSet for each template, the newest with all pods.

use super::controller::{
    MANAGER, number, owned, owned_by, read, set_condition, template_hash, text,
};
use super::pod::fail_reason;
use crate::object::names::LAST_APPLIED;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::Stored;
use crate::value::{Map, Value};
use std::rc::Rc;

const SHELF: &str = "apps/deployments";
const SETS: &str = "apps/replicasets";
const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

pub fn look(cluster: &mut Cluster, stored: &Rc<Stored>) {
    if stored.is_deleting {
        return;
    }
    let deployment = read(cluster, SHELF, stored);
    let sets: Vec<(Rc<Stored>, Value)> = owned(cluster, SETS, stored)
        .into_iter()
        .filter(|set| !set.is_deleting)
        .map(|set| {
            let value = read(cluster, SETS, &set);
            (set, value)
        })
        .collect();
    let template = deployment
        .at(&["spec", "template"])
        .cloned()
        .unwrap_or_default();
    let newest = sets
        .iter()
        .find(|(_, set)| without_hash(set.at(&["spec", "template"])) == template);
    let last = sets.iter().map(|(_, set)| revision(set)).max().unwrap_or(0);
    let Some((new, new_set)) = newest else {
        if !is_paused(&deployment) {
            create_set(cluster, stored, &deployment, &template, last + 1);
        }
        return report(cluster, stored, &deployment, &sets, None);
    };
    // Rolling back makes an old set the newest revision.
    let own = if revision(new_set) == last {
        last
    } else {
        last + 1
    };
    update_set(cluster, new, &deployment, own);
    if let Some((stored, deployment)) = set_revision(cluster, stored, own) {
        return finish(cluster, &stored, &deployment, &sets, new_set);
    }
    finish(cluster, stored, &deployment, &sets, new_set);
}

fn finish(
    cluster: &mut Cluster,
    stored: &Rc<Stored>,
    deployment: &Value,
    sets: &[(Rc<Stored>, Value)],
    new_set: &Value,
) {
    let wanted = replicas(deployment);
    let ready = number(new_set, &["status", "readyReplicas"]).unwrap_or(0);
    let observed = number(new_set, &["status", "observedGeneration"])
        == number(new_set, &["metadata", "generation"]);
    if observed && ready >= wanted && !is_paused(deployment) {
        let name = text(new_set, &["metadata", "name"]);
        for (old, old_set) in sets {
            if *old.name != *name && number(old_set, &["spec", "replicas"]) != Some(0) {
                MANAGER.change(cluster, SETS, old, "", |set| {
                    if let Some(root) = set.as_map_mut() {
                        root.entry_map("spec").insert("replicas", 0i64);
                    }
                });
            }
        }
    }
    report(cluster, stored, deployment, sets, Some(new_set));
}

fn replicas(deployment: &Value) -> i64 {
    number(deployment, &["spec", "replicas"]).unwrap_or(1)
}

fn is_paused(deployment: &Value) -> bool {
    deployment.at(&["spec", "paused"]).and_then(Value::as_bool) == Some(true)
}

fn revision(set: &Value) -> i64 {
    text(set, &["metadata", "annotations", REVISION])
        .parse()
        .unwrap_or(0)
}

/// A set's template as its deployment has it.
fn without_hash(template: Option<&Value>) -> Value {
    let mut template = template.cloned().unwrap_or_default();
    let labels = template
        .as_map_mut()
        .map(|t| t.entry_map("metadata"))
        .and_then(|m| m.get_mut("labels"))
        .and_then(Value::as_map_mut);
    if let Some(labels) = labels {
        labels.remove(HASH_LABEL);
    }
    template
}

/// What a set has of its deployment's annotations, and its own.
fn annotations(deployment: &Value, revision: i64) -> Map {
    let mut annotations = deployment
        .at(&["metadata", "annotations"])
        .and_then(Value::as_map)
        .cloned()
        .unwrap_or_default();
    annotations.remove(LAST_APPLIED);
    let wanted = replicas(deployment);
    annotations.insert(REVISION, revision.to_string());
    annotations.insert(
        "deployment.kubernetes.io/desired-replicas",
        wanted.to_string(),
    );
    // The default surge of a quarter, rounded up.
    annotations.insert(
        "deployment.kubernetes.io/max-replicas",
        (wanted + (wanted + 3) / 4).to_string(),
    );
    annotations
}

fn create_set(
    cluster: &mut Cluster,
    stored: &Stored,
    deployment: &Value,
    template: &Value,
    revision: i64,
) {
    let hash = template_hash(template);
    let mut template = template.clone();
    let mut labels = Map::new();
    if let Some(map) = template.as_map_mut() {
        let own = map.entry_map("metadata").entry_map("labels");
        own.insert(HASH_LABEL, hash.as_str());
        labels = own.clone();
    }
    let mut selector = deployment
        .at(&["spec", "selector"])
        .and_then(Value::as_map)
        .cloned()
        .unwrap_or_default();
    selector
        .entry_map("matchLabels")
        .insert(HASH_LABEL, hash.as_str());
    let mut set = Map::new();
    let metadata = set.entry_map("metadata");
    metadata.insert("name", format!("{}-{hash}", stored.name));
    metadata.insert("labels", labels);
    metadata.insert("annotations", annotations(deployment, revision));
    metadata.insert("ownerReferences", owned_by(cluster, SHELF, stored));
    let spec = set.entry_map("spec");
    spec.insert("replicas", replicas(deployment));
    spec.insert("selector", selector);
    spec.insert("template", template);
    if let Some(seconds) = deployment.at(&["spec", "minReadySeconds"]) {
        spec.insert("minReadySeconds", seconds.clone());
    }
    MANAGER.create(cluster, SETS, &stored.namespace, Value::Map(set));
}

fn update_set(cluster: &mut Cluster, set: &Stored, deployment: &Value, revision: i64) {
    MANAGER.change(cluster, SETS, set, "", |set| {
        if let Some(root) = set.as_map_mut() {
            root.entry_map("spec")
                .insert("replicas", replicas(deployment));
            root.entry_map("metadata")
                .insert("annotations", annotations(deployment, revision));
        }
    });
}

/// Writes the revision on the deployment, as its controller does by way of
/// the status.
fn set_revision(
    cluster: &mut Cluster,
    stored: &Rc<Stored>,
    revision: i64,
) -> Option<(Rc<Stored>, Value)> {
    let written = MANAGER.change(cluster, SHELF, stored, "status", |deployment| {
        if let Some(root) = deployment.as_map_mut() {
            root.entry_map("metadata")
                .entry_map("annotations")
                .insert(REVISION, revision.to_string());
        }
    })?;
    let stored = cluster
        .store
        .get(SHELF, &stored.namespace, &stored.name)?
        .clone();
    Some((stored, written.object))
}

fn report(
    cluster: &mut Cluster,
    stored: &Stored,
    deployment: &Value,
    sets: &[(Rc<Stored>, Value)],
    new_set: Option<&Value>,
) {
    let sum = |key: &str| -> i64 {
        sets.iter()
            .map(|(_, set)| number(set, &["status", key]).unwrap_or(0))
            .sum()
    };
    let wanted = replicas(deployment);
    let (total, ready, available) = (
        sum("replicas"),
        sum("readyReplicas"),
        sum("availableReplicas"),
    );
    let of_new = |key: &str| {
        new_set
            .and_then(|set| number(set, &["status", key]))
            .unwrap_or(0)
    };
    let (updated, updated_ready) = (of_new("replicas"), of_new("availableReplicas"));
    let name = new_set.map_or("", |set| text(set, &["metadata", "name"]));
    let is_done = updated == wanted && total == wanted && updated_ready == wanted;
    let failed = fail_reason(stored);
    let now = cluster.clock.seconds();
    let generation = number(deployment, &["metadata", "generation"]).unwrap_or(1);
    MANAGER.set_status(cluster, SHELF, stored, |status| {
        status.insert("observedGeneration", generation);
        for (key, count) in [
            ("replicas", total),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", (wanted - available).max(0)),
        ] {
            if count == 0 {
                status.remove(key);
            } else {
                status.insert(key, count);
            }
        }
        let before = status.get("conditions").cloned();
        let (value, reason, message) = if available >= wanted - wanted / 4 {
            (
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            )
        } else {
            (
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        };
        set_condition(status, "Available", value, reason, message, &now);
        let (value, reason, message) = match (&failed, new_set) {
            (Some(_), Some(_)) => (
                "False",
                "ProgressDeadlineExceeded",
                format!("ReplicaSet \"{name}\" has timed out progressing."),
            ),
            (_, None) => (
                "True",
                "NewReplicaSetCreated",
                "Created new replica set".to_owned(),
            ),
            (None, Some(_)) if is_done => (
                "True",
                "NewReplicaSetAvailable",
                format!("ReplicaSet \"{name}\" has successfully progressed."),
            ),
            (None, Some(_)) => (
                "True",
                "ReplicaSetUpdated",
                format!("ReplicaSet \"{name}\" is progressing."),
            ),
        };
        set_condition(status, "Progressing", value, reason, &message, &now);
        stamp_updates(status, before.as_ref(), &now);
    });
}

/// `lastUpdateTime`, which the conditions of Deployments alone have.
fn stamp_updates(status: &mut Map, before: Option<&Value>, now: &str) {
    let before = before.and_then(Value::as_seq).unwrap_or_default();
    let list = status.get_mut("conditions").and_then(Value::as_seq_mut);
    for condition in list.into_iter().flatten() {
        if !before.contains(condition)
            && let Some(map) = condition.as_map_mut()
        {
            map.insert("lastUpdateTime", now);
        }
    }
}
