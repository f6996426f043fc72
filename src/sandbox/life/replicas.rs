//! ReplicaSets and ReplicationControllers: as many pods as they want.

use super::controller::{MANAGER, number, read};
use super::pod::{self, PodName};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::Stored;
use crate::value::Value;

pub fn look(cluster: &mut Cluster, shelf: &str, stored: &Stored) {
    if stored.is_deleting {
        return;
    }
    let set = read(cluster, shelf, stored);
    let wanted = usize::try_from(number(&set, &["spec", "replicas"]).unwrap_or(1)).unwrap_or(0);
    let pods = pod::of_owner(cluster, stored);
    let (alive, done): (Vec<_>, Vec<_>) = pods.into_iter().partition(|(_, pod)| {
        !matches!(
            super::controller::text(pod, &["status", "phase"]),
            "Succeeded" | "Failed"
        )
    });
    drop(done);
    let handles: Vec<_> = alive.iter().map(|(stored, _)| stored.clone()).collect();
    let template = set.at(&["spec", "template"]).cloned().unwrap_or_default();
    for _ in 0..pod::trim(cluster, &handles, wanted.min(MAX_PODS)) {
        let name = PodName::Generated(format!("{}-", stored.name));
        pod::create(cluster, shelf, stored, &template, name, &[]);
    }
    let kept = alive.len().min(wanted);
    let ready = alive
        .iter()
        .take(kept)
        .filter(|(_, pod)| pod::is_ready(pod))
        .count();
    let generation = number(&set, &["metadata", "generation"]).unwrap_or(1);
    let labels = kept;
    MANAGER.set_status(cluster, shelf, stored, |status| {
        status.insert("observedGeneration", generation);
        status.insert("replicas", kept as i64);
        for (key, count) in [
            ("readyReplicas", ready),
            ("availableReplicas", ready),
            ("fullyLabeledReplicas", labels),
        ] {
            // Go leaves a zero out.
            if count == 0 {
                status.remove(key);
            } else {
                status.insert(key, Value::Int(count as i64));
            }
        }
    });
}

/// A sandbox has no room for a thousand pods: more are not made.
pub const MAX_PODS: usize = 100;
