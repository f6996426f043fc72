//! Hooks of the other parts of core, apps and batch.

use super::{default, text};
use crate::value::{Map, Value};

pub fn part(name: &str, map: &mut Map) {
    match name {
        "ServicePort" => {
            default(map, "protocol", "TCP");
            let unset = match map.get("targetPort") {
                None | Some(Value::Null | Value::Int(0)) => true,
                Some(Value::Str(text)) => text.is_empty(),
                Some(_) => false,
            };
            if unset {
                let port = map.get("port").cloned().unwrap_or(Value::Int(0));
                map.insert("targetPort", port);
            }
        }
        "PersistentVolumeClaim" => {
            let status = super::default_map(map, "status");
            default(status, "phase", "Pending");
        }
        "PersistentVolumeClaimSpec" => default(map, "volumeMode", "Filesystem"),
        "EndpointPort" => default(map, "protocol", "TCP"),
        "LimitRangeItem" => limits(map),
        "PodFailurePolicyOnPodConditionsPattern" => default(map, "status", "True"),
        _ => {}
    }
}

fn limits(map: &mut Map) {
    if text(map, "type") != "Container" {
        return;
    }
    for (target, source) in [
        ("default", "max"),
        ("defaultRequest", "default"),
        ("defaultRequest", "min"),
    ] {
        let Some(Value::Map(amounts)) = map.get(source).cloned() else {
            continue;
        };
        let filled = super::default_map(map, target);
        for (resource, amount) in amounts {
            filled.entry(&resource, || amount);
        }
    }
}
