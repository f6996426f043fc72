//! Pods: the scheduler gives them the one node, the kubelet runs them.

use super::FAIL_ANNOTATION;
use super::controller::{Controller, KUBELET, delete, owned_by, resource_of, set_condition, text};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::Stored;
use crate::sandbox::verbs::{DeleteOptions, delete_one};
use crate::value::{Map, Value};

pub const NODE: &str = "sandbox";
pub const NODE_ADDRESS: &str = "172.18.0.2";
/// Pods get addresses below it.
const POD_NETWORK: [u8; 2] = [10, 244];

const SCHEDULER: Controller<'static> = Controller {
    manager: "kube-scheduler",
};

pub const SHELF: &str = "/pods";

pub fn look(cluster: &mut Cluster, stored: &Stored) {
    let pod = stored.to_value("v1", "Pod");
    if stored.is_deleting {
        // The kubelet has stopped its containers; nothing keeps it.
        if let Some(resource) = resource_of(cluster, SHELF) {
            let options = DeleteOptions {
                grace_period_seconds: Some(0),
                ..DeleteOptions::default()
            };
            let _ = delete_one(cluster, &resource, stored, &options);
        }
        return;
    }
    if text(&pod, &["spec", "nodeName"]).is_empty() {
        let now = cluster.clock.seconds();
        SCHEDULER.change(cluster, SHELF, stored, "binding", |pod| {
            if let Some(root) = pod.as_map_mut() {
                root.entry_map("spec").insert("nodeName", NODE);
                let status = root.entry_map("status");
                set_condition(status, "PodScheduled", "True", "", "", &now);
            }
        });
        return;
    }
    let fails = text(&pod, &["metadata", "annotations", FAIL_ANNOTATION]);
    let phase = text(&pod, &["status", "phase"]);
    let wanted = match (fails.is_empty(), runs_to_completion(&pod)) {
        (true, true) => "Succeeded",
        (true, false) => "Running",
        (false, true) => "Failed",
        (false, false) if fails.starts_with("CrashLoop") => "Running",
        (false, false) => "Pending",
    };
    if matches!(phase, "Succeeded" | "Failed") {
        return;
    }
    run(cluster, stored, &pod, wanted, fails);
}

fn runs_to_completion(pod: &Value) -> bool {
    text(pod, &["spec", "restartPolicy"]) != "Always"
}

fn run(cluster: &mut Cluster, stored: &Stored, pod: &Value, phase: &str, fails: &str) {
    let now = cluster.clock.seconds();
    let known = text(pod, &["status", "podIP"]).to_owned();
    let address = if known.is_empty() {
        cluster.next_address(POD_NETWORK)
    } else {
        known
    };
    let ready = fails.is_empty() && phase == "Running";
    let statuses = |list: &str, is_init: bool| -> Vec<Value> {
        pod.at(&["spec", list])
            .and_then(Value::as_seq)
            .unwrap_or_default()
            .iter()
            .map(|container| container_status(container, phase, fails, is_init, pod, &now))
            .collect()
    };
    let (containers, inits) = (
        statuses("containers", false),
        statuses("initContainers", true),
    );
    KUBELET.set_status(cluster, SHELF, stored, |status| {
        status.insert("phase", phase);
        let flag = if ready { "True" } else { "False" };
        let (reason, message) = match (ready, phase) {
            (true, _) => ("", ""),
            (false, "Succeeded") => ("PodCompleted", ""),
            (false, _) => ("ContainersNotReady", "containers with unready status"),
        };
        set_condition(status, "PodReadyToStartContainers", "True", "", "", &now);
        let initialized = if phase == "Succeeded" { reason } else { "" };
        set_condition(status, "Initialized", "True", initialized, "", &now);
        set_condition(status, "Ready", flag, reason, message, &now);
        set_condition(status, "ContainersReady", flag, reason, message, &now);
        set_condition(status, "PodScheduled", "True", "", "", &now);
        status.insert("hostIP", NODE_ADDRESS);
        status.insert("hostIPs", vec![address_map(NODE_ADDRESS)]);
        if phase != "Pending" {
            status.insert("podIP", address.as_str());
            status.insert("podIPs", vec![address_map(&address)]);
        }
        status.entry("startTime", || Value::from(now.as_str()));
        status.insert("containerStatuses", containers);
        if !inits.is_empty() {
            status.insert("initContainerStatuses", inits);
        }
    });
}

fn address_map(address: &str) -> Value {
    let mut map = Map::new();
    map.insert("ip", address);
    Value::Map(map)
}

fn container_status(
    container: &Value,
    phase: &str,
    fails: &str,
    is_init: bool,
    pod: &Value,
    now: &str,
) -> Value {
    let name = text(container, &["name"]);
    let image = text(container, &["image"]);
    let is_sidecar = is_init && text(container, &["restartPolicy"]) == "Always";
    let list = if is_init {
        "initContainerStatuses"
    } else {
        "containerStatuses"
    };
    let before = pod
        .at(&["status", list])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .find(|status| text(status, &["name"]) == name);
    let started_at = before
        .and_then(|status| {
            let running = text(status, &["state", "running", "startedAt"]);
            let ended = text(status, &["state", "terminated", "startedAt"]);
            [running, ended].into_iter().find(|time| !time.is_empty())
        })
        .unwrap_or(now)
        .to_owned();
    let ended = |code: i64, reason: &str| {
        let mut terminated = Map::new();
        terminated.insert("exitCode", code);
        terminated.insert("reason", reason);
        terminated.insert("startedAt", started_at.as_str());
        terminated.insert("finishedAt", started_at.as_str());
        ("terminated", terminated)
    };
    let (state, details) = match (fails.is_empty(), phase) {
        (true, _) if is_init && !is_sidecar => ended(0, "Completed"),
        (_, "Succeeded") => ended(0, "Completed"),
        (_, "Failed") => ended(1, "Error"),
        (true, _) => {
            let mut running = Map::new();
            running.insert("startedAt", started_at.as_str());
            ("running", running)
        }
        (false, _) => {
            let mut waiting = Map::new();
            waiting.insert("reason", fails.split_whitespace().next().unwrap_or(fails));
            waiting.insert("message", fails);
            ("waiting", waiting)
        }
    };
    let is_running = state == "running";
    let mut states = Map::new();
    states.insert(state, details);
    let mut status = Map::new();
    status.insert("name", name);
    status.insert("image", image);
    status.insert("imageID", "");
    status.insert("ready", is_running || (is_init && fails.is_empty()));
    status.insert("started", is_running);
    status.insert("restartCount", 0i64);
    status.insert("state", states);
    status.insert("lastState", Map::new());
    Value::Map(status)
}

/// True once the pod serves.
pub fn is_ready(pod: &Value) -> bool {
    pod.at(&["status", "conditions"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .any(|c| text(c, &["type"]) == "Ready" && text(c, &["status"]) == "True")
}

/// The name of a pod to come.
pub enum PodName {
    Generated(String),
    Fixed(String),
}

/// Makes a pod of a template for its owner.
pub fn create(
    cluster: &mut Cluster,
    shelf: &str,
    owner: &Stored,
    template: &Value,
    name: PodName,
    labels: &[(&str, &str)],
) {
    let mut metadata = template
        .get("metadata")
        .and_then(Value::as_map)
        .cloned()
        .unwrap_or_default();
    metadata.remove("creationTimestamp");
    match name {
        PodName::Generated(prefix) => metadata.insert("generateName", prefix),
        PodName::Fixed(name) => metadata.insert("name", name),
    };
    for (key, value) in labels {
        metadata.entry_map("labels").insert(*key, *value);
    }
    if let Some(reason) = fail_reason(owner) {
        metadata
            .entry_map("annotations")
            .insert(FAIL_ANNOTATION, reason);
    }
    metadata.insert("ownerReferences", owned_by(cluster, shelf, owner));
    let mut pod = Map::new();
    pod.insert("metadata", metadata);
    pod.insert("spec", template.get("spec").cloned().unwrap_or_default());
    super::controller::MANAGER.create(cluster, SHELF, &owner.namespace, Value::Map(pod));
}

pub fn fail_reason(stored: &Stored) -> Option<String> {
    let object = stored.to_value("", "");
    let reason = text(&object, &["metadata", "annotations", FAIL_ANNOTATION]);
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// The pods of an owner that are not going; their fail annotation follows
/// the owner's.
pub fn of_owner(cluster: &mut Cluster, owner: &Stored) -> Vec<(std::rc::Rc<Stored>, Value)> {
    let reason = fail_reason(owner);
    let pods: Vec<_> = super::controller::owned(cluster, SHELF, owner)
        .into_iter()
        .filter(|pod| !pod.is_deleting)
        .map(|stored| {
            let value = stored.to_value("v1", "Pod");
            (stored, value)
        })
        .collect();
    for (stored, pod) in &pods {
        let own = text(pod, &["metadata", "annotations", FAIL_ANNOTATION]);
        let owners = reason.as_deref().unwrap_or_default();
        let is_terminal = matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
        if own == owners || is_terminal {
            continue;
        }
        KUBELET.change(cluster, SHELF, stored, "", |pod| {
            let metadata = pod.as_map_mut().map(|root| root.entry_map("metadata"));
            if let Some(metadata) = metadata {
                let annotations = metadata.entry_map("annotations");
                if owners.is_empty() {
                    annotations.remove(FAIL_ANNOTATION);
                } else {
                    annotations.insert(FAIL_ANNOTATION, owners);
                }
            }
        });
    }
    pods
}

/// Brings the number of pods to what is wanted: deletes the youngest, or says
/// how many are missing.
pub fn trim(cluster: &mut Cluster, pods: &[std::rc::Rc<Stored>], wanted: usize) -> usize {
    for stored in pods.iter().skip(wanted) {
        delete(cluster, SHELF, stored);
    }
    wanted.saturating_sub(pods.len())
}
