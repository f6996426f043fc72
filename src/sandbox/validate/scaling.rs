//! Autoscalers, disruption budgets, priority classes.

use super::checks::{Check, int, items, set, text};
use super::{formats, meta};
use crate::value::Value;

pub fn autoscaler(check: &mut Check, object: &Value) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    let most = int(spec, "maxReplicas").unwrap_or_default();
    let least = int(spec, "minReplicas");
    if least.is_some_and(|least| least < 1) {
        check.invalid(
            "spec.minReplicas",
            spec.get("minReplicas"),
            "must be greater than or equal to 1",
        );
    }
    if most < 1 {
        check.invalid(
            "spec.maxReplicas",
            Some(&Value::Int(most)),
            "must be greater than 0",
        );
    }
    if least.is_some_and(|least| most < least) {
        check.invalid(
            "spec.maxReplicas",
            Some(&Value::Int(most)),
            "must be greater than or equal to `minReplicas`",
        );
    }
    let target = spec.get("scaleTargetRef").unwrap_or(&none);
    for key in ["kind", "name"] {
        let value = text(target, key);
        let path = format!("spec.scaleTargetRef.{key}");
        if value.is_empty() {
            check.required(path, "");
        } else {
            check.form(&path, value, formats::path_segment(value));
        }
    }
    for (at, metric) in items(spec, "metrics").iter().enumerate() {
        let path = format!("spec.metrics[{at}]");
        let kind = text(metric, "type");
        if kind.is_empty() {
            check.required(format!("{path}.type"), "must specify a metric source type");
            continue;
        }
        check.one_of(
            format!("{path}.type"),
            metric.get("type"),
            &[
                "Object",
                "Pods",
                "Resource",
                "External",
                "ContainerResource",
            ],
        );
    }
    for direction in ["scaleUp", "scaleDown"] {
        let Some(rules) = spec.at(&["behavior", direction]) else {
            continue;
        };
        let path = format!("spec.behavior.{direction}");
        let window = int(rules, "stabilizationWindowSeconds").unwrap_or(0);
        if !(0..=3600).contains(&window) {
            let what = if window < 0 {
                "must be greater than or equal to zero"
            } else {
                "must be less than or equal to 3600"
            };
            check.invalid(
                format!("{path}.stabilizationWindowSeconds"),
                rules.get("stabilizationWindowSeconds"),
                what,
            );
        }
        check.one_of(
            format!("{path}.selectPolicy"),
            set(rules, "selectPolicy"),
            &["Max", "Min", "Disabled"],
        );
        if items(rules, "policies").is_empty() {
            check.required(
                format!("{path}.policies"),
                "must specify at least one Policy",
            );
        }
    }
}

pub fn budget(check: &mut Check, object: &Value) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    if set(spec, "minAvailable").is_some() && set(spec, "maxUnavailable").is_some() {
        check.invalid(
            "spec",
            Some(spec),
            "minAvailable and maxUnavailable cannot be both set",
        );
    }
    meta::selector(check, "spec.selector", set(spec, "selector"));
}

pub fn priority_class(check: &mut Check, object: &Value, live: Option<&Value>) {
    if let Some(live) = live {
        if object.get("value") != live.get("value") {
            check.forbidden("value", "may not be changed in an update.");
        }
        check.immutable(
            "preemptionPolicy",
            object.get("preemptionPolicy"),
            live.get("preemptionPolicy"),
        );
    }
}
