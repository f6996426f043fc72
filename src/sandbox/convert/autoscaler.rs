//! HorizontalPodAutoscaler: v1 knows the utilization of the CPU alone,
//! v2beta1 has its targets flat, v2beta2 already looks like v2.

use crate::value::{Map, Value};

fn spec_of(object: &mut Value) -> Option<&mut Map> {
    object.as_map_mut()?.get_mut("spec")?.as_map_mut()
}

fn cpu_metric(utilization: Value) -> Value {
    let mut target = Map::new();
    target.insert("type", "Utilization");
    target.insert("averageUtilization", utilization);
    let mut resource = Map::new();
    resource.insert("name", "cpu");
    resource.insert("target", target);
    let mut metric = Map::new();
    metric.insert("type", "Resource");
    metric.insert("resource", resource);
    Value::Map(metric)
}

fn cpu_utilization(metric: &Value) -> Option<Value> {
    let is_cpu = metric.at(&["resource", "name"]).and_then(Value::as_str) == Some("cpu");
    is_cpu
        .then(|| metric.at(&["resource", "target", "averageUtilization"]))?
        .cloned()
}

pub fn v1_to_hub(object: &mut Value) {
    if let Some(spec) = spec_of(object)
        && let Some(utilization) = spec.remove("targetCPUUtilizationPercentage")
    {
        spec.insert("metrics", vec![cpu_metric(utilization)]);
    }
    if let Some(status) = object
        .as_map_mut()
        .and_then(|root| root.get_mut("status"))
        .and_then(Value::as_map_mut)
    {
        status.remove("currentCPUUtilizationPercentage");
    }
}

/// What v1 cannot hold, the real server keeps in annotations; here it is
/// left out of the view and stays in the store.
pub fn v1_from_hub(object: &mut Value) {
    if let Some(spec) = spec_of(object) {
        let metrics = spec.remove("metrics");
        spec.remove("behavior");
        let utilization = metrics
            .as_ref()
            .and_then(Value::as_seq)
            .unwrap_or_default()
            .iter()
            .find_map(cpu_utilization);
        if let Some(utilization) = utilization {
            spec.insert("targetCPUUtilizationPercentage", utilization);
        }
    }
    if let Some(status) = object
        .as_map_mut()
        .and_then(|root| root.get_mut("status"))
        .and_then(Value::as_map_mut)
    {
        status.remove("currentMetrics");
        status.remove("conditions");
    }
}

/// The flat field of v2beta1, and the type of target that it became.
const RESOURCE_TARGETS: &[(&str, &str, &str)] = &[
    (
        "targetAverageUtilization",
        "Utilization",
        "averageUtilization",
    ),
    ("targetAverageValue", "AverageValue", "averageValue"),
];

fn each_resource_metric(object: &mut Value, change: fn(&mut Map)) {
    let metrics = spec_of(object)
        .and_then(|spec| spec.get_mut("metrics"))
        .and_then(Value::as_seq_mut);
    for metric in metrics.into_iter().flatten().filter_map(Value::as_map_mut) {
        if let Some(resource) = metric.get_mut("resource").and_then(Value::as_map_mut) {
            change(resource);
        }
    }
}

pub fn v2beta1_to_hub(object: &mut Value) {
    each_resource_metric(object, |resource| {
        for (flat, kind, field) in RESOURCE_TARGETS {
            if let Some(value) = resource.remove(flat) {
                let target = resource.entry_map("target");
                target.insert("type", *kind);
                target.insert(*field, value);
            }
        }
    });
}

pub fn v2beta1_from_hub(object: &mut Value) {
    each_resource_metric(object, |resource| {
        let Some(Value::Map(mut target)) = resource.remove("target") else {
            return;
        };
        for (flat, _, field) in RESOURCE_TARGETS {
            if let Some(value) = target.remove(field) {
                resource.insert(*flat, value);
            }
        }
    });
}
