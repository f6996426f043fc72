//! What a cluster without nodes lacks: somebody who runs its pods. They are
//! Ready at once, and those of a Job succeed; those of `fails…` do not.

use crate::world::client;
use drupelet::kube::{Client, ListOptions, Patch, Resource, WriteOptions};
use drupelet::object::{Gvk, Object};
use drupelet::value::{Value, yaml};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Plays the nodes for as long as the test program runs.
pub fn start(kubeconfig: &Path) {
    let client = client(kubeconfig);
    let discovery = client.discover(None).expect("the API server answers");
    let pods = discovery
        .resource(&Gvk::new("", "v1", "Pod"))
        .expect("pods are served")
        .clone();
    std::thread::spawn(move || {
        loop {
            run_pods(&client, &pods);
            std::thread::sleep(LOOK_EVERY);
        }
    });
}

fn run_pods(client: &Client, pods: &Arc<Resource>) {
    let mut pending = Vec::new();
    // A list that fails is tried again in a moment.
    let _ = client.list(pods, &ListOptions::default(), &mut |pod| {
        if pod.at(&["status", "phase"]).and_then(Value::as_str) == Some("Pending") {
            pending.push(pod);
        }
    });
    for pod in pending {
        let of_job = pod
            .owner_references()
            .iter()
            .any(|owner| owner.get("kind").and_then(Value::as_str) == Some("Job"));
        let status = if of_job && pod.name().starts_with("fails") {
            "status: {phase: Failed, conditions: [{type: Ready, status: 'False', reason: PodFailed}]}"
        } else if of_job {
            "status: {phase: Succeeded, conditions: [{type: Ready, status: 'False', reason: PodCompleted}]}"
        } else {
            "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}"
        };
        set_status(client, pods, &pod, status);
    }
}

fn set_status(client: &Client, pods: &Resource, pod: &Object, status: &str) {
    // The path of a subresource is the object's with one segment more.
    let subresource = Resource {
        plural: format!("pods/{}", pod.name()),
        ..pods.clone()
    };
    let patch = yaml::parse_one(status).expect("a constant");
    // A pod that went meanwhile needs no status.
    let _ = client.patch(
        &subresource,
        pod.namespace(),
        "status",
        &Patch::Merge(patch),
        &WriteOptions::by("node"),
    );
}
