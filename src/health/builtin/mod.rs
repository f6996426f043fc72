//! The kinds that Kubernetes brings, judged as Argo CD's gitops-engine v3.6
//! judges them, in its words.

mod workloads;

mod pod;

mod job;

mod autoscaler;

mod network;

use super::fields::{items, text, text_of};
use super::{Health, HealthStatus};
use crate::object::Object;

pub fn has_rule(object: &Object) -> bool {
    rule(object).is_some()
}

pub fn health(object: &Object) -> Option<Health> {
    rule(object).map(|rule| rule(object))
}

fn rule(object: &Object) -> Option<fn(&Object) -> Health> {
    let gvk = object.gvk();
    Some(match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment") => workloads::deployment,
        ("apps", "StatefulSet") => workloads::stateful_set,
        ("apps", "DaemonSet") => workloads::daemon_set,
        ("apps", "ReplicaSet") => workloads::replica_set,
        ("", "Pod") => pod::pod,
        ("batch", "Job") => job::job,
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler::autoscaler,
        ("", "Service") => network::service,
        ("networking.k8s.io" | "extensions", "Ingress") => network::ingress,
        ("", "PersistentVolumeClaim") => claim,
        ("apiregistration.k8s.io", "APIService") => api_service,
        ("argoproj.io", "Workflow") => workflow,
        _ => return None,
    })
}

fn claim(object: &Object) -> Health {
    let status = match text(object, &["status", "phase"]) {
        "Lost" => HealthStatus::Degraded,
        "Pending" => HealthStatus::Progressing,
        "Bound" => HealthStatus::Healthy,
        _ => HealthStatus::Unknown,
    };
    Health::new(status, "")
}

fn api_service(object: &Object) -> Health {
    let available = items(object, &["status", "conditions"])
        .iter()
        .find(|condition| text_of(condition, "type") == "Available");
    let Some(available) = available else {
        return Health::new(HealthStatus::Progressing, "Waiting to be processed");
    };
    let status = match text_of(available, "status") {
        "True" => HealthStatus::Healthy,
        _ => HealthStatus::Progressing,
    };
    let (reason, message) = (text_of(available, "reason"), text_of(available, "message"));
    Health::new(status, format!("{reason}: {message}"))
}

fn workflow(object: &Object) -> Health {
    let status = match text(object, &["status", "phase"]) {
        "" | "Pending" | "Running" => HealthStatus::Progressing,
        "Succeeded" => HealthStatus::Healthy,
        "Failed" | "Error" => HealthStatus::Degraded,
        _ => HealthStatus::Unknown,
    };
    Health::new(status, text(object, &["status", "message"]))
}
