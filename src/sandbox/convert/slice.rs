//! EndpointSlice: v1beta1 keeps node and zone in a topology map.

use crate::value::Value;

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

fn endpoints(object: &mut Value) -> impl Iterator<Item = &mut crate::value::Map> {
    object
        .as_map_mut()
        .and_then(|root| root.get_mut("endpoints"))
        .and_then(Value::as_seq_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_map_mut)
}

pub fn to_hub(object: &mut Value) {
    for endpoint in endpoints(object) {
        let Some(Value::Map(mut topology)) = endpoint.remove("topology") else {
            continue;
        };
        let zone = topology.remove(ZONE);
        if let Some(node) = topology.remove(HOSTNAME)
            && !endpoint.contains_key("nodeName")
        {
            endpoint.insert("nodeName", node);
        }
        if let Some(zone) = zone {
            endpoint.insert("zone", zone);
        }
        if !topology.is_empty() {
            endpoint.insert("deprecatedTopology", topology);
        }
    }
}

pub fn from_hub(object: &mut Value) {
    for endpoint in endpoints(object) {
        let mut topology = match endpoint.remove("deprecatedTopology") {
            Some(Value::Map(topology)) => topology,
            _ => crate::value::Map::new(),
        };
        if let Some(zone) = endpoint.remove("zone") {
            topology.insert(ZONE, zone);
        }
        if !topology.is_empty() {
            endpoint.insert("topology", topology);
        }
    }
}
