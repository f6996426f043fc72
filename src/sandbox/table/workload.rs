//! Pods and what makes them.

use super::cell::{Row, or_none};
use super::{human_duration, since};
use crate::value::Value;
use jiff::Timestamp;

pub fn pod(pod: Row<'_>) -> Vec<Value> {
    let is_restartable = |name: &str| {
        pod.list(&["spec", "initContainers"])
            .iter()
            .map(Row)
            .any(|c| c.text(&["name"]) == name && c.text(&["restartPolicy"]) == "Always")
    };
    let restartable = pod
        .list(&["spec", "initContainers"])
        .iter()
        .filter(|c| Row(c).text(&["restartPolicy"]) == "Always")
        .count();
    let total = pod.list(&["spec", "containers"]).len() + restartable;
    let phase = pod.text(&["status", "phase"]);
    let mut reason = pod.text_or(&["status", "reason"], phase).to_owned();
    let (mut ready, mut restarts) = (0, 0);
    let mut is_initializing = false;
    for (at, status) in pod
        .list(&["status", "initContainerStatuses"])
        .iter()
        .map(Row)
        .enumerate()
    {
        restarts += status.number(&["restartCount"]);
        let ended = status.at(&["state", "terminated"]).map(Row);
        if ended.is_some_and(|ended| ended.number(&["exitCode"]) == 0) {
            continue;
        }
        if is_restartable(status.text(&["name"])) && status.flag(&["started"]) {
            ready += usize::from(status.flag(&["ready"]));
            continue;
        }
        is_initializing = true;
        let waiting = status.text(&["state", "waiting", "reason"]);
        reason = match ended {
            Some(ended) => match ended.text(&["reason"]) {
                "" => format!("Init:ExitCode:{}", ended.number(&["exitCode"])),
                reason => format!("Init:{reason}"),
            },
            None if !matches!(waiting, "" | "PodInitializing") => format!("Init:{waiting}"),
            None => format!("Init:{at}/{}", pod.list(&["spec", "initContainers"]).len()),
        };
        break;
    }
    if !is_initializing || pod.has_condition("Initialized") {
        restarts = 0;
        let mut has_running = false;
        for status in pod
            .list(&["status", "containerStatuses"])
            .iter()
            .rev()
            .map(Row)
        {
            restarts += status.number(&["restartCount"]);
            let waiting = status.text(&["state", "waiting", "reason"]);
            let ended = status.at(&["state", "terminated"]).map(Row);
            if !waiting.is_empty() {
                reason = waiting.to_owned();
            } else if let Some(ended) = ended {
                reason = match ended.text(&["reason"]) {
                    "" => format!("ExitCode:{}", ended.number(&["exitCode"])),
                    text => text.to_owned(),
                };
            } else if status.flag(&["ready"]) && status.at(&["state", "running"]).is_some() {
                has_running = true;
                ready += 1;
            }
        }
        if reason == "Completed" && has_running {
            reason = if pod.has_condition("Ready") {
                "Running".to_owned()
            } else {
                "NotReady".to_owned()
            };
        }
    }
    if pod.is_deleting() && !matches!(phase, "Succeeded" | "Failed") {
        reason = "Terminating".to_owned();
    }
    let or = |path: &[&str]| Value::from(pod.text_or(path, "<none>"));
    vec![
        pod.name(),
        Value::from(format!("{ready}/{total}")),
        Value::from(reason),
        Value::from(restarts.to_string()),
        pod.age(),
        or(&["status", "podIP"]),
        or(&["spec", "nodeName"]),
        or(&["status", "nominatedNodeName"]),
        Value::from("<none>"),
    ]
}

/// Deployments.
pub fn deployment(row: Row<'_>) -> Vec<Value> {
    let (names, images) = row.containers(&["spec", "template", "spec"]);
    vec![
        row.name(),
        Value::from(format!(
            "{}/{}",
            row.number(&["status", "readyReplicas"]),
            row.number(&["spec", "replicas"])
        )),
        Value::Int(row.number(&["status", "updatedReplicas"])),
        Value::Int(row.number(&["status", "availableReplicas"])),
        row.age(),
        names,
        images,
        row.selector(&["spec", "selector"]),
    ]
}

/// ReplicaSets.
pub fn replica_set(row: Row<'_>) -> Vec<Value> {
    let mut cells = replicas(row);
    cells.push(row.selector(&["spec", "selector"]));
    cells
}

/// ReplicationControllers, which select by plain labels.
pub fn replication_controller(row: Row<'_>) -> Vec<Value> {
    let mut cells = replicas(row);
    cells.push(row.labels(&["spec", "selector"]));
    cells
}

fn replicas(row: Row<'_>) -> Vec<Value> {
    let (names, images) = row.containers(&["spec", "template", "spec"]);
    vec![
        row.name(),
        Value::Int(row.number(&["spec", "replicas"])),
        Value::Int(row.number(&["status", "replicas"])),
        Value::Int(row.number(&["status", "readyReplicas"])),
        row.age(),
        names,
        images,
    ]
}

pub fn stateful_set(row: Row<'_>) -> Vec<Value> {
    let (names, images) = row.containers(&["spec", "template", "spec"]);
    vec![
        row.name(),
        Value::from(format!(
            "{}/{}",
            row.number(&["status", "readyReplicas"]),
            row.number(&["spec", "replicas"])
        )),
        row.age(),
        names,
        images,
    ]
}

pub fn daemon_set(row: Row<'_>) -> Vec<Value> {
    let (names, images) = row.containers(&["spec", "template", "spec"]);
    let count = |key: &str| Value::Int(row.number(&["status", key]));
    vec![
        row.name(),
        count("desiredNumberScheduled"),
        count("currentNumberScheduled"),
        count("numberReady"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
        row.labels(&["spec", "template", "spec", "nodeSelector"]),
        row.age(),
        names,
        images,
        row.selector(&["spec", "selector"]),
    ]
}

pub fn job(row: Row<'_>) -> Vec<Value> {
    let (names, images) = row.containers(&["spec", "template", "spec"]);
    let succeeded = row.number(&["status", "succeeded"]);
    let parallel = row.number(&["spec", "parallelism"]);
    let completions = match row.at(&["spec", "completions"]).and_then(Value::as_i64) {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        None => format!("{succeeded}/1"),
    };
    let status = [
        ("Complete", "Complete"),
        ("Failed", "Failed"),
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ]
    .iter()
    .find(|(kind, _)| row.has_condition(kind))
    .map_or("Running", |(_, word)| word);
    let time = |key: &str| row.text(&["status", key]).parse::<Timestamp>().ok();
    let duration = match (time("startTime"), time("completionTime")) {
        (None, _) => String::new(),
        (Some(start), None) => human_duration(Timestamp::now().duration_since(start).as_secs()),
        (Some(start), Some(end)) => human_duration(end.duration_since(start).as_secs()),
    };
    vec![
        row.name(),
        Value::from(status),
        Value::from(completions),
        Value::from(duration),
        row.age(),
        names,
        images,
        row.selector(&["spec", "selector"]),
    ]
}

pub fn cron_job(row: Row<'_>) -> Vec<Value> {
    let (names, images) = row.containers(&["spec", "jobTemplate", "spec", "template", "spec"]);
    let last = match row.text(&["status", "lastScheduleTime"]) {
        "" => "<none>".to_owned(),
        time => since(time),
    };
    vec![
        row.name(),
        Value::from(row.text(&["spec", "schedule"])),
        Value::from(row.text_or(&["spec", "timeZone"], "<none>")),
        Value::from(if row.flag(&["spec", "suspend"]) {
            "True"
        } else {
            "False"
        }),
        Value::Int(row.count(&["status", "active"])),
        Value::from(last),
        row.age(),
        names,
        images,
        row.selector(&["spec", "jobTemplate", "spec", "selector"]),
    ]
}

pub fn autoscaler(row: Row<'_>) -> Vec<Value> {
    let reference = format!(
        "{}/{}",
        row.text(&["spec", "scaleTargetRef", "kind"]),
        row.text(&["spec", "scaleTargetRef", "name"])
    );
    let targets: Vec<String> = row
        .list(&["spec", "metrics"])
        .iter()
        .map(|metric| target(Row(metric)))
        .collect();
    let targets = match targets.len() {
        0..=2 => or_none(targets.join(", ")),
        more => format!("{} + {} more...", targets[..2].join(", "), more - 2),
    };
    let least = match row.at(&["spec", "minReplicas"]).and_then(Value::as_i64) {
        Some(least) => least.to_string(),
        None => "<unset>".to_owned(),
    };
    vec![
        row.name(),
        Value::from(reference),
        Value::from(targets),
        Value::from(least),
        Value::Int(row.number(&["spec", "maxReplicas"])),
        Value::Int(row.number(&["status", "currentReplicas"])),
        row.age(),
    ]
}

/// What a metric is wanted to be; what it is, nobody measures here.
fn target(metric: Row<'_>) -> String {
    let kind = metric.text(&["type"]);
    let key = format!(
        "{}{}",
        kind[..kind.len().min(1)].to_lowercase(),
        kind.get(1..).unwrap_or_default()
    );
    let inner = |field: &str| metric.text(&[&key, "target", field]);
    match kind {
        "Resource" | "ContainerResource" => {
            let name = metric.text(&[&key, "name"]);
            match metric.at(&[&key, "target", "averageUtilization"]) {
                Some(share) => format!("{name}: <unknown>/{}%", share.to_json()),
                None => match inner("averageValue") {
                    "" => format!("{name}: <unknown>/<auto>"),
                    value => format!("{name}: <unknown>/{value}"),
                },
            }
        }
        "Pods" => format!("<unknown>/{}", inner("averageValue")),
        _ => match inner("averageValue") {
            "" => format!("<unknown>/{}", inner("value")),
            value => format!("<unknown>/{value} (avg)"),
        },
    }
}

pub fn budget(row: Row<'_>) -> Vec<Value> {
    let share = |key: &str| match row.at(&["spec", key]) {
        Some(Value::Str(text)) => Value::from(text.as_str()),
        Some(other) => Value::from(other.to_json()),
        None => Value::from("N/A"),
    };
    vec![
        row.name(),
        share("minAvailable"),
        share("maxUnavailable"),
        Value::Int(row.number(&["status", "disruptionsAllowed"])),
        row.age(),
    ]
}
