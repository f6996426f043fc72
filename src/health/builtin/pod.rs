use crate::health::fields::{condition, items, text, text_of};
use crate::health::{Health, HealthStatus};
use crate::object::{Object, names};
use crate::value::Value;

const CONTAINERS: &[&str] = &["status", "containerStatuses"];
const INIT_CONTAINERS: &[&str] = &["status", "initContainerStatuses"];

/// A pod that is always restarted fares by what its containers wait for; one
/// that runs to an end (a hook) progresses until it has ended.
pub fn pod(object: &Object) -> Health {
    let policy = text(object, &["spec", "restartPolicy"]);
    let is_hook = object
        .annotation(names::HOOK)
        .is_some_and(|hook| hook != "Skip")
        || object.annotation(names::HELM_HOOK).is_some();
    let annotation = object.annotation(names::IGNORE_RESTART_POLICY);
    let is_long_running = policy == "Always" || (annotation == Some("true") && !is_hook);
    if is_long_running {
        let waiting = items(object, CONTAINERS)
            .iter()
            .filter_map(|container| container.at(&["state", "waiting"]))
            .filter(|waiting| is_error(text_of(waiting, "reason")));
        let messages: Vec<&str> = waiting.map(|waiting| text_of(waiting, "message")).collect();
        if !messages.is_empty() {
            return Health::new(HealthStatus::Degraded, messages.join(", "));
        }
    }
    let message = text(object, &["status", "message"]);
    let status = match text(object, &["status", "phase"]) {
        "Pending" => HealthStatus::Progressing,
        "Succeeded" => HealthStatus::Healthy,
        "Failed" => return failed(object, message),
        "Running" if is_long_running => running(object),
        "Running" if matches!(policy, "OnFailure" | "Never") => HealthStatus::Progressing,
        _ => HealthStatus::Unknown,
    };
    Health::new(status, message)
}

/// ErrImagePull, CreateContainerConfigError, CrashLoopBackOff and the like.
fn is_error(reason: &str) -> bool {
    reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff")
}

fn running(object: &Object) -> HealthStatus {
    let is_ready = condition(object, "Ready").is_some_and(|c| text_of(c, "status") == "True");
    let has_died = |container: &Value| {
        let last = container.at(&["lastState", "terminated"]);
        last.is_some_and(|last| !last.is_null())
    };
    if is_ready {
        HealthStatus::Healthy
    } else if items(object, CONTAINERS).iter().any(has_died) {
        HealthStatus::Degraded
    } else {
        HealthStatus::Progressing
    }
}

fn failed(object: &Object, message: &str) -> Health {
    if !message.is_empty() {
        return Health::new(HealthStatus::Degraded, message);
    }
    let containers = items(object, INIT_CONTAINERS)
        .iter()
        .chain(items(object, CONTAINERS));
    let message = containers.filter_map(end_of).next();
    Health::new(HealthStatus::Degraded, message.unwrap_or_default())
}

/// What a container's end says, if it says anything.
fn end_of(container: &Value) -> Option<String> {
    let end = container.at(&["state", "terminated"])?;
    let message = text_of(end, "message");
    if !message.is_empty() {
        return Some(message.to_owned());
    }
    if text_of(end, "reason") == "OOMKilled" {
        return Some("OOMKilled".to_owned());
    }
    let code = end.get("exitCode")?.as_i64().filter(|code| *code != 0)?;
    let name = text_of(container, "name");
    Some(format!("container {name:?} failed with exit code {code}"))
}
