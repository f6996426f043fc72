//! DaemonSets: one pod on the one node.

use super::controller::{MANAGER, delete, number, read, template_hash};
use super::pod::{self, PodName};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::Stored;

const SHELF: &str = "apps/daemonsets";
const REVISION_LABEL: &str = "controller-revision-hash";

pub fn look(cluster: &mut Cluster, stored: &Stored) {
    if stored.is_deleting {
        return;
    }
    let set = read(cluster, SHELF, stored);
    let template = set.at(&["spec", "template"]).cloned().unwrap_or_default();
    let hash = template_hash(&template);
    let pods = pod::of_owner(cluster, stored);
    let mut current = None;
    for (pod, value) in &pods {
        if pod.label(REVISION_LABEL) == Some(&hash) && current.is_none() {
            current = Some(pod::is_ready(value));
        } else {
            delete(cluster, pod::SHELF, pod);
        }
    }
    if current.is_none() {
        let generation = number(&set, &["metadata", "generation"]).unwrap_or(1);
        pod::create(
            cluster,
            SHELF,
            stored,
            &template,
            PodName::Generated(format!("{}-", stored.name)),
            &[
                (REVISION_LABEL, hash.as_str()),
                ("pod-template-generation", &generation.to_string()),
            ],
        );
    }
    let scheduled = i64::from(current.is_some());
    let ready = i64::from(current == Some(true));
    let generation = number(&set, &["metadata", "generation"]).unwrap_or(1);
    MANAGER.set_status(cluster, SHELF, stored, |status| {
        status.insert("observedGeneration", generation);
        status.insert("currentNumberScheduled", scheduled);
        status.insert("desiredNumberScheduled", 1i64);
        status.insert("numberMisscheduled", 0i64);
        status.insert("numberReady", ready);
        for (key, count) in [
            ("updatedNumberScheduled", scheduled),
            ("numberAvailable", ready),
            ("numberUnavailable", 1 - ready),
        ] {
            if count == 0 {
                status.remove(key);
            } else {
                status.insert(key, count);
            }
        }
    });
}
