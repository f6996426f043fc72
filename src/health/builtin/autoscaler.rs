use crate::health::fields::{items, text_of};
use crate::health::{Health, HealthStatus};
use crate::object::Object;
use crate::value::Value;

/// Where autoscaling/v1 keeps its conditions: as JSON.
const V1_CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";

/// Type and reason of the conditions under which nothing scales.
const FAILURES: &[(&str, &str)] = &[
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    ("ScalingActive", "FailedGetResourceMetric"),
    ("ScalingActive", "FailedGetObjectMetric"),
    ("ScalingActive", "FailedGetPodsMetric"),
    ("ScalingActive", "FailedGetExternalMetric"),
    ("ScalingActive", "FailedComputeMetricsReplicas"),
    ("ScalingActive", "InvalidSelector"),
];

pub fn autoscaler(object: &Object) -> Health {
    if object.api_version() != "autoscaling/v1" {
        return judge(items(object, &["status", "conditions"]));
    }
    let Some(annotation) = object.annotation(V1_CONDITIONS) else {
        return judge(&[]);
    };
    match Value::from_json(annotation.as_bytes()) {
        Ok(conditions) => judge(conditions.as_seq().unwrap_or_default()),
        Err(error) => Health::new(
            HealthStatus::Unknown,
            format!("failed to convert conditions annotation to typed: {error}"),
        ),
    }
}

fn judge(conditions: &[Value]) -> Health {
    let is_failure = |c: &&Value| FAILURES.contains(&(text_of(c, "type"), text_of(c, "reason")));
    let is_fine = |c: &&Value| {
        matches!(text_of(c, "type"), "AbleToScale" | "ScalingLimited")
            && text_of(c, "status") == "True"
    };
    if let Some(failure) = conditions.iter().find(is_failure) {
        return Health::new(HealthStatus::Degraded, text_of(failure, "message"));
    }
    match conditions.iter().find(is_fine) {
        Some(fine) => Health::new(HealthStatus::Healthy, text_of(fine, "message")),
        None => Health::new(HealthStatus::Progressing, "Waiting to Autoscale"),
    }
}
