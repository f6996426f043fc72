//! StatefulSets: numbered pods with claims of their own.

use super::controller::{MANAGER, delete, number, read, template_hash, text};
use super::pod::{self, PodName};
use super::replicas::MAX_PODS;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::Stored;
use crate::value::{Map, Value};

const SHELF: &str = "apps/statefulsets";
const CLAIMS: &str = "/persistentvolumeclaims";
const REVISION_LABEL: &str = "controller-revision-hash";

pub fn look(cluster: &mut Cluster, stored: &Stored) {
    if stored.is_deleting {
        return;
    }
    let set = read(cluster, SHELF, stored);
    let wanted = usize::try_from(number(&set, &["spec", "replicas"]).unwrap_or(1)).unwrap_or(0);
    let wanted = wanted.min(MAX_PODS);
    let first = number(&set, &["spec", "ordinals", "start"]).unwrap_or(0);
    let template = set.at(&["spec", "template"]).cloned().unwrap_or_default();
    let revision = format!("{}-{}", stored.name, template_hash(&template));
    let names: Vec<String> = (0..wanted as i64)
        .map(|at| format!("{}-{}", stored.name, first + at))
        .collect();
    let pods = pod::of_owner(cluster, stored);
    let replaces = text(&set, &["spec", "updateStrategy", "type"]) != "OnDelete";
    for (stored, _) in &pods {
        let is_old = stored.label(REVISION_LABEL) != Some(&revision);
        if !names.iter().any(|name| **name == *stored.name) || (replaces && is_old) {
            delete(cluster, pod::SHELF, stored);
        }
    }
    for (at, name) in names.iter().enumerate() {
        if cluster
            .store
            .get(pod::SHELF, &stored.namespace, name)
            .is_some()
        {
            continue;
        }
        let claimed = claim(cluster, stored, &set, &template, name);
        let ordinal = (first + at as i64).to_string();
        pod::create(
            cluster,
            SHELF,
            stored,
            &claimed,
            PodName::Fixed(name.clone()),
            &[
                (REVISION_LABEL, revision.as_str()),
                ("statefulset.kubernetes.io/pod-name", name),
                ("apps.kubernetes.io/pod-index", &ordinal),
            ],
        );
    }
    report(cluster, stored, &set, &revision, &names);
}

/// Makes the claims of a pod and gives it a volume for each.
fn claim(
    cluster: &mut Cluster,
    stored: &Stored,
    set: &Value,
    template: &Value,
    pod: &str,
) -> Value {
    let mut template = template.clone();
    let claims = set
        .at(&["spec", "volumeClaimTemplates"])
        .and_then(Value::as_seq)
        .unwrap_or_default();
    for claim in claims {
        let volume = text(claim, &["metadata", "name"]);
        let name = format!("{volume}-{pod}");
        if cluster
            .store
            .get(CLAIMS, &stored.namespace, &name)
            .is_none()
        {
            let mut object = claim.as_map().cloned().unwrap_or_default();
            object.remove("status");
            let metadata = object.entry_map("metadata");
            metadata.insert("name", name.as_str());
            metadata.remove("creationTimestamp");
            let labels = set.at(&["spec", "selector", "matchLabels"]);
            for (key, value) in labels
                .and_then(Value::as_map)
                .into_iter()
                .flat_map(Map::iter)
            {
                metadata.entry_map("labels").insert(key, value.clone());
            }
            MANAGER.create(cluster, CLAIMS, &stored.namespace, Value::Map(object));
        }
        let mut source = Map::new();
        source.insert("claimName", name.as_str());
        let mut entry = Map::new();
        entry.insert("name", volume);
        entry.insert("persistentVolumeClaim", source);
        if let Some(map) = template.as_map_mut() {
            let volumes = map
                .entry_map("spec")
                .entry("volumes", || Value::Seq(Vec::new()));
            if let Some(list) = volumes.as_seq_mut() {
                list.retain(|other| text(other, &["name"]) != volume);
                list.push(Value::Map(entry));
            }
        }
    }
    template
}

fn report(cluster: &mut Cluster, stored: &Stored, set: &Value, revision: &str, names: &[String]) {
    let pods: Vec<(bool, bool)> = names
        .iter()
        .filter_map(|name| cluster.store.get(pod::SHELF, &stored.namespace, name))
        .filter(|pod| !pod.is_deleting)
        .map(|pod| {
            let is_new = pod.label(REVISION_LABEL) == Some(revision);
            (is_new, pod::is_ready(&pod.to_value("v1", "Pod")))
        })
        .collect();
    let ready = pods.iter().filter(|(_, ready)| *ready).count() as i64;
    let updated = pods.iter().filter(|(is_new, _)| *is_new).count() as i64;
    let total = pods.len() as i64;
    let is_done = updated == names.len() as i64 && ready == updated;
    let before = text(set, &["status", "currentRevision"]).to_owned();
    let current = if is_done || before.is_empty() {
        revision.to_owned()
    } else {
        before
    };
    let generation = number(set, &["metadata", "generation"]).unwrap_or(1);
    MANAGER.set_status(cluster, SHELF, stored, |status| {
        status.insert("observedGeneration", generation);
        status.insert("replicas", total);
        status.insert("availableReplicas", ready);
        status.insert("currentRevision", current.as_str());
        status.insert("updateRevision", revision);
        status.insert("collisionCount", 0i64);
        let of_current = if current == *revision {
            updated
        } else {
            total - updated
        };
        for (key, count) in [
            ("readyReplicas", ready),
            ("updatedReplicas", updated),
            ("currentReplicas", of_current),
        ] {
            if count == 0 {
                status.remove(key);
            } else {
                status.insert(key, count);
            }
        }
    });
}
