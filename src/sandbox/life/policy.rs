//! HorizontalPodAutoscalers and PodDisruptionBudgets report on what is there.

use super::controller::{MANAGER, number, read, set_condition, text};
use super::pod;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::{LabelSelector, Stored};
use crate::value::Value;

pub const AUTOSCALERS: &str = "autoscaling/horizontalpodautoscalers";
pub const BUDGETS: &str = "policy/poddisruptionbudgets";

/// What they count changed.
pub fn touch_all(cluster: &mut Cluster, shelf: &str, namespace: &str) {
    let names: Vec<Box<str>> = cluster
        .store
        .in_namespace(shelf, namespace)
        .map(|stored| stored.name.clone())
        .collect();
    for name in names {
        cluster.life.touch(shelf, namespace, &name);
    }
}

/// It finds its target as large as it should be: nothing is ever scaled.
pub fn look_at_autoscaler(cluster: &mut Cluster, stored: &Stored) {
    if stored.is_deleting {
        return;
    }
    let scaler = read(cluster, AUTOSCALERS, stored);
    let api_version = text(&scaler, &["spec", "scaleTargetRef", "apiVersion"]);
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = text(&scaler, &["spec", "scaleTargetRef", "kind"]);
    let name = text(&scaler, &["spec", "scaleTargetRef", "name"]);
    let replicas = cluster
        .catalog
        .find_group_kind(group, kind)
        .and_then(|target| cluster.store.get(&target.shelf, &stored.namespace, name))
        .and_then(|target| number(&target.to_value("", ""), &["spec", "replicas"]));
    let now = cluster.clock.seconds();
    let is_found = replicas.is_some() && pod::fail_reason(stored).is_none();
    let replicas = replicas.unwrap_or(0);
    MANAGER.set_status(cluster, AUTOSCALERS, stored, |status| {
        status.insert("currentReplicas", replicas);
        status.insert("desiredReplicas", replicas);
        if is_found {
            set_condition(
                status,
                "AbleToScale",
                "True",
                "ReadyForNewScale",
                "recommended size matches current size",
                &now,
            );
            set_condition(
                status,
                "ScalingActive",
                "True",
                "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count",
                &now,
            );
            set_condition(
                status,
                "ScalingLimited",
                "False",
                "DesiredWithinRange",
                "the desired count is within the acceptable range",
                &now,
            );
        } else {
            set_condition(
                status,
                "AbleToScale",
                "False",
                "FailedGetScale",
                "the HPA controller was unable to get the target's current scale",
                &now,
            );
        }
    });
}

pub fn look_at_budget(cluster: &mut Cluster, stored: &Stored) {
    if stored.is_deleting {
        return;
    }
    let budget = read(cluster, BUDGETS, stored);
    let selector = budget
        .at(&["spec", "selector"])
        .cloned()
        .unwrap_or_default();
    let selector = LabelSelector::from_object(&selector);
    let pods: Vec<bool> = cluster
        .store
        .in_namespace(pod::SHELF, &stored.namespace)
        .filter(|pod| !pod.is_deleting && selector.matches(pod))
        .map(|pod| pod::is_ready(&pod.to_value("v1", "Pod")))
        .collect();
    let expected = pods.len() as i64;
    let healthy = pods.iter().filter(|ready| **ready).count() as i64;
    let wanted = match (
        budget.at(&["spec", "minAvailable"]),
        budget.at(&["spec", "maxUnavailable"]),
    ) {
        (Some(least), _) => share(least, expected),
        (None, Some(most)) => expected - share(most, expected),
        (None, None) => expected,
    };
    let allowed = (healthy - wanted).max(0);
    let generation = number(&budget, &["metadata", "generation"]).unwrap_or(1);
    let now = cluster.clock.seconds();
    MANAGER.set_status(cluster, BUDGETS, stored, |status| {
        for (key, count) in [
            ("observedGeneration", generation),
            ("currentHealthy", healthy),
            ("desiredHealthy", wanted.max(0)),
            ("disruptionsAllowed", allowed),
            ("expectedPods", expected),
        ] {
            status.insert(key, count);
        }
        let (value, reason) = if allowed > 0 {
            ("True", "SufficientPods")
        } else {
            ("False", "InsufficientPods")
        };
        set_condition(status, "DisruptionAllowed", value, reason, "", &now);
        let list = status.get_mut("conditions").and_then(Value::as_seq_mut);
        for condition in list.into_iter().flatten().filter_map(Value::as_map_mut) {
            // metav1.Condition always prints both.
            condition.entry("message", || Value::from(""));
            condition.insert("observedGeneration", generation);
        }
    });
}

/// A number, or a percentage of the whole, rounded up.
fn share(value: &Value, whole: i64) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Str(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (whole * percent + 99) / 100
        }
        _ => 0,
    }
}
