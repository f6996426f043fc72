//! Jobs: their pods succeed at once, or fail if they are told to.

use super::controller::{MANAGER, delete, number, read, set_condition, text};
use super::pod::{self, PodName};
use super::replicas::MAX_PODS;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::Stored;
use crate::value::{Map, Value};
use jiff::{SignedDuration, Timestamp};

const SHELF: &str = "batch/jobs";

pub fn look(cluster: &mut Cluster, stored: &Stored) {
    if stored.is_deleting {
        return;
    }
    let job = read(cluster, SHELF, stored);
    if has_condition(&job, "Complete") || has_condition(&job, "Failed") {
        return expire(cluster, stored, &job);
    }
    let now = cluster.clock.seconds();
    if job.at(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true) {
        MANAGER.set_status(cluster, SHELF, stored, |status| {
            set_condition(
                status,
                "Suspended",
                "True",
                "JobSuspended",
                "Job suspended",
                &now,
            );
        });
        return;
    }
    let parallel = number(&job, &["spec", "parallelism"]).unwrap_or(1);
    let wanted = number(&job, &["spec", "completions"]).unwrap_or(parallel.min(1));
    let wanted = usize::try_from(wanted).unwrap_or(0).min(MAX_PODS);
    let pods = pod::of_owner(cluster, stored);
    let count = |phase: &str| {
        pods.iter()
            .filter(|(_, pod)| text(pod, &["status", "phase"]) == phase)
            .count()
    };
    let (succeeded, failed) = (count("Succeeded"), count("Failed"));
    let active = pods.len() - succeeded - failed;
    if failed > 0 {
        return end(cluster, stored, succeeded, failed, false);
    }
    if succeeded >= wanted {
        return end(cluster, stored, succeeded, failed, true);
    }
    let template = job.at(&["spec", "template"]).cloned().unwrap_or_default();
    for _ in pods.len()..wanted {
        let name = PodName::Generated(format!("{}-", stored.name));
        pod::create(cluster, SHELF, stored, &template, name, &[]);
    }
    MANAGER.set_status(cluster, SHELF, stored, |status| {
        status.entry("startTime", || Value::from(now.as_str()));
        status.insert("active", active.max(1) as i64);
        status.insert("ready", 0i64);
        status.insert("terminating", 0i64);
        status.insert("uncountedTerminatedPods", Map::new());
    });
}

fn has_condition(job: &Value, kind: &str) -> bool {
    job.at(&["status", "conditions"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .any(|c| text(c, &["type"]) == kind && text(c, &["status"]) == "True")
}

fn end(cluster: &mut Cluster, stored: &Stored, succeeded: usize, failed: usize, well: bool) {
    let now = cluster.clock.seconds();
    // SuccessCriteriaMet and FailureTarget came with 1.31.
    let has_targets = cluster.version.minor >= 31;
    MANAGER.set_status(cluster, SHELF, stored, |status| {
        status.entry("startTime", || Value::from(now.as_str()));
        status.remove("active");
        status.insert("ready", 0i64);
        status.insert("terminating", 0i64);
        status.insert("uncountedTerminatedPods", Map::new());
        for (key, count) in [("succeeded", succeeded), ("failed", failed)] {
            if count > 0 {
                status.insert(key, count as i64);
            }
        }
        let (kinds, reason, message) = if well {
            status.insert("completionTime", now.as_str());
            (
                ["SuccessCriteriaMet", "Complete"],
                "CompletionsReached",
                "Reached expected number of succeeded pods",
            )
        } else {
            (
                ["FailureTarget", "Failed"],
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit",
            )
        };
        for kind in &kinds[usize::from(!has_targets)..] {
            set_condition(status, kind, "True", reason, message, &now);
        }
        let list = status.get_mut("conditions").and_then(Value::as_seq_mut);
        for condition in list.into_iter().flatten().filter_map(Value::as_map_mut) {
            condition.entry("lastProbeTime", || Value::from(now.as_str()));
        }
    });
}

/// `ttlSecondsAfterFinished`.
fn expire(cluster: &mut Cluster, stored: &Stored, job: &Value) {
    let Some(seconds) = number(job, &["spec", "ttlSecondsAfterFinished"]) else {
        return;
    };
    let ended = job
        .at(&["status", "conditions"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .filter_map(|c| text(c, &["lastTransitionTime"]).parse::<Timestamp>().ok())
        .max();
    let Some(ended) = ended else {
        return;
    };
    let due = ended
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX);
    if due <= cluster.clock.now() {
        delete(cluster, SHELF, stored);
    } else {
        cluster.life.touch_at(due, SHELF, stored);
    }
}
