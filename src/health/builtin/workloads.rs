//! What keeps pods running. After kubectl's `rollout status`.

use crate::health::fields::{condition, number, text, text_of};
use crate::health::{Health, HealthStatus};
use crate::object::Object;
use crate::value::Value;

fn progressing(message: impl Into<String>) -> Health {
    Health::new(HealthStatus::Progressing, message)
}

fn healthy(message: impl Into<String>) -> Health {
    Health::new(HealthStatus::Healthy, message)
}

fn is_unobserved(object: &Object) -> bool {
    number(object, &["metadata", "generation"]) > number(object, &["status", "observedGeneration"])
}

fn replicas(object: &Object) -> Option<i64> {
    object.at(&["spec", "replicas"]).and_then(Value::as_i64)
}

pub fn deployment(object: &Object) -> Health {
    if object.at(&["spec", "paused"]).and_then(Value::as_bool) == Some(true) {
        return Health::new(HealthStatus::Suspended, "Deployment is paused");
    }
    if is_unobserved(object) {
        return progressing(
            "Waiting for rollout to finish: observed deployment generation less than desired generation",
        );
    }
    let rollout = condition(object, "Progressing");
    if rollout.is_some_and(|c| text_of(c, "reason") == "ProgressDeadlineExceeded") {
        let name = object.name();
        return Health::new(
            HealthStatus::Degraded,
            format!("Deployment {name:?} exceeded its progress deadline"),
        );
    }
    let updated = number(object, &["status", "updatedReplicas"]);
    let current = number(object, &["status", "replicas"]);
    let available = number(object, &["status", "availableReplicas"]);
    match replicas(object) {
        Some(wanted) if updated < wanted => progressing(format!(
            "Waiting for rollout to finish: {updated} out of {wanted} new replicas have been updated..."
        )),
        _ if current > updated => progressing(format!(
            "Waiting for rollout to finish: {} old replicas are pending termination...",
            current - updated
        )),
        _ if available < updated => progressing(format!(
            "Waiting for rollout to finish: {available} of {updated} updated replicas are available..."
        )),
        _ => healthy(""),
    }
}

pub fn stateful_set(object: &Object) -> Health {
    if number(object, &["status", "observedGeneration"]) == 0 || is_unobserved(object) {
        return progressing("Waiting for statefulset spec update to be observed...");
    }
    let wanted = replicas(object);
    let ready = number(object, &["status", "readyReplicas"]);
    if let Some(wanted) = wanted.filter(|wanted| ready < *wanted) {
        return progressing(format!(
            "Waiting for {} pods to be ready...",
            wanted - ready
        ));
    }
    let updated = number(object, &["status", "updatedReplicas"]);
    let strategy = &["spec", "updateStrategy"];
    let kind = text(object, &[strategy[0], strategy[1], "type"]);
    let rolling = object.at(&[strategy[0], strategy[1], "rollingUpdate"]);
    if let Some(rolling) = rolling.filter(|r| kind == "RollingUpdate" && !r.is_null()) {
        let partition = rolling.get("partition").and_then(Value::as_i64);
        if let (Some(wanted), Some(partition)) = (wanted, partition)
            && updated < wanted - partition
        {
            return progressing(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...",
                wanted - partition
            ));
        }
        return healthy(format!(
            "partitioned roll out complete: {updated} new pods have been updated..."
        ));
    }
    if kind == "OnDelete" {
        return healthy(format!("statefulset has {ready} ready pods"));
    }
    let next = text(object, &["status", "updateRevision"]);
    let current = text(object, &["status", "currentRevision"]);
    if next != current {
        return progressing(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {next}..."
        ));
    }
    let n_current = number(object, &["status", "currentReplicas"]);
    healthy(format!(
        "statefulset rolling update complete {n_current} pods at revision {current}..."
    ))
}

pub fn daemon_set(object: &Object) -> Health {
    if is_unobserved(object) {
        return progressing(
            "Waiting for rollout to finish: observed daemon set generation less than desired generation",
        );
    }
    let name = object.name();
    let wanted = number(object, &["status", "desiredNumberScheduled"]);
    let updated = number(object, &["status", "updatedNumberScheduled"]);
    let available = number(object, &["status", "numberAvailable"]);
    if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return healthy(format!(
            "daemon set {updated} out of {wanted} new pods have been updated"
        ));
    }
    if updated < wanted {
        return progressing(format!(
            "Waiting for daemon set {name:?} rollout to finish: {updated} out of {wanted} new pods have been updated..."
        ));
    }
    if available < wanted {
        return progressing(format!(
            "Waiting for daemon set {name:?} rollout to finish: {available} of {wanted} updated pods are available..."
        ));
    }
    healthy("")
}

pub fn replica_set(object: &Object) -> Health {
    if is_unobserved(object) {
        return progressing(
            "Waiting for rollout to finish: observed replica set generation less than desired generation",
        );
    }
    let failure = condition(object, "ReplicaFailure");
    if let Some(failure) = failure.filter(|c| text_of(c, "status") == "True") {
        return Health::new(HealthStatus::Degraded, text_of(failure, "message"));
    }
    let available = number(object, &["status", "availableReplicas"]);
    match replicas(object) {
        Some(wanted) if available < wanted => progressing(format!(
            "Waiting for rollout to finish: {available} out of {wanted} new replicas are available..."
        )),
        _ => healthy(""),
    }
}
