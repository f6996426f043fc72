//! Horizontal pod autoscalers.

use super::{default, default_map, is_unset};
use crate::value::{Map, Value};

const PERIOD_SECONDS: i64 = 15;

pub fn autoscaler(version: &str, map: &mut Map) {
    let spec = default_map(map, "spec");
    default(spec, "minReplicas", 1i64);
    if version == "v1" {
        return;
    }
    let metrics = spec.get("metrics").and_then(Value::as_seq);
    if metrics.is_none_or(<[Value]>::is_empty) {
        let target: Map = [
            ("averageUtilization", Value::Int(80)),
            ("type", Value::from("Utilization")),
        ]
        .into_iter()
        .collect();
        let resource: Map = [("name", Value::from("cpu")), ("target", Value::Map(target))]
            .into_iter()
            .collect();
        let metric: Map = [
            ("type", Value::from("Resource")),
            ("resource", Value::Map(resource)),
        ]
        .into_iter()
        .collect();
        spec.insert("metrics", vec![Value::Map(metric)]);
    }
    if is_unset(spec, "behavior") {
        return;
    }
    let behavior = default_map(spec, "behavior");
    let up = default_map(behavior, "scaleUp");
    default(up, "stabilizationWindowSeconds", 0i64);
    rules(up, &[("Pods", 4), ("Percent", 100)]);
    rules(default_map(behavior, "scaleDown"), &[("Percent", 100)]);
}

fn rules(rules: &mut Map, policies: &[(&str, i64)]) {
    default(rules, "selectPolicy", "Max");
    if is_unset(rules, "policies") {
        let policies: Vec<Value> = policies
            .iter()
            .map(|(kind, value)| {
                let policy: Map = [
                    ("type", Value::from(*kind)),
                    ("value", Value::Int(*value)),
                    ("periodSeconds", Value::Int(PERIOD_SECONDS)),
                ]
                .into_iter()
                .collect();
                Value::Map(policy)
            })
            .collect();
        rules.insert("policies", policies);
    }
}
