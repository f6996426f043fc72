//! What the server hands out: addresses and node ports of Services.

use super::catalog::Resource;
use super::cluster::Cluster;
use super::status::{FieldError, Refusal};
use crate::value::{Map, Value};
use std::collections::BTreeSet;

/// 10.96.0.0/12, kubeadm's default; `.1` is the `kubernetes` Service.
const SERVICE_NETWORK: u32 = 0x0a60_0000;
const SERVICE_NETWORK_SIZE: u32 = 1 << 20;
const NODE_PORTS: std::ops::Range<u32> = 30000..32768;

fn is_service(resource: &Resource) -> bool {
    &*resource.shelf == "/services"
}

fn spec_mut(object: &mut Value) -> Option<&mut Map> {
    Some(object.as_map_mut()?.entry_map("spec"))
}

fn text<'a>(spec: &'a Map, key: &str) -> &'a str {
    spec.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub fn on_create(
    cluster: &mut Cluster,
    resource: &Resource,
    object: &mut Value,
) -> Result<(), Refusal> {
    if !is_service(resource) {
        return Ok(());
    }
    let name = object
        .at(&["metadata", "name"])
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let Some(spec) = spec_mut(object) else {
        return Ok(());
    };
    give_address(cluster, resource, &name, spec)?;
    give_ports(cluster, resource, &name, spec)
}

/// A Service that does not name what it was given keeps it; one that became
/// another type gives it back.
pub fn on_update(
    cluster: &mut Cluster,
    resource: &Resource,
    object: &mut Value,
    live: &Value,
) -> Result<(), Refusal> {
    if !is_service(resource) || object.get("spec") == live.get("spec") {
        return Ok(());
    }
    let name = live
        .at(&["metadata", "name"])
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let empty = Map::new();
    let before = live.get("spec").and_then(Value::as_map).unwrap_or(&empty);
    let Some(spec) = spec_mut(object) else {
        return Ok(());
    };
    if needs_address(spec) && needs_address(before) {
        for key in ["clusterIP", "clusterIPs"] {
            if let (None, Some(value)) = (spec.get(key), before.get(key)) {
                spec.insert(key, value.clone());
            }
        }
        let changed = text(before, "clusterIP") != text(spec, "clusterIP");
        if changed && !text(before, "clusterIP").is_empty() {
            let error = FieldError::invalid(
                "spec.clusterIP",
                spec.get("clusterIP").unwrap_or(&Value::Null),
                "field is immutable",
            );
            return Err(Refusal::invalid(&resource.group_kind(), &name, &[error]));
        }
    }
    if needs_ports(spec) && needs_ports(before) {
        keep_ports(spec, before);
    }
    give_address(cluster, resource, &name, spec)?;
    give_ports(cluster, resource, &name, spec)
}

fn needs_address(spec: &Map) -> bool {
    text(spec, "type") != "ExternalName"
}

fn needs_ports(spec: &Map) -> bool {
    match text(spec, "type") {
        "NodePort" => true,
        "LoadBalancer" => {
            spec.get("allocateLoadBalancerNodePorts")
                .and_then(Value::as_bool)
                != Some(false)
        }
        _ => false,
    }
}

fn give_address(
    cluster: &mut Cluster,
    resource: &Resource,
    name: &str,
    spec: &mut Map,
) -> Result<(), Refusal> {
    if !needs_address(spec) {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            spec.remove(key);
        }
        return Ok(());
    }
    let has_families = cluster.version.minor >= 20;
    if has_families {
        spec.entry("ipFamilies", || Value::Seq(vec![Value::from("IPv4")]));
        spec.entry("ipFamilyPolicy", || Value::from("SingleStack"));
    }
    let asked = text(spec, "clusterIP").to_owned();
    let address = if asked == "None" {
        asked
    } else {
        let taken = values_of(cluster, "clusterIP");
        let own = spec.get("clusterIPs").is_some() && !asked.is_empty();
        if !asked.is_empty() {
            if taken.contains(&asked) && !own && !is_own(cluster, name, &asked) {
                let error = FieldError::invalid(
                    "spec.clusterIPs",
                    &Value::Seq(vec![Value::from(asked.as_str())]),
                    &format!("failed to allocate IP {asked}: provided IP is already allocated"),
                );
                return Err(Refusal::invalid(&resource.group_kind(), name, &[error]));
            }
            asked
        } else {
            let start = cluster.randomness.below(SERVICE_NETWORK_SIZE - 300) + 256;
            (0..SERVICE_NETWORK_SIZE)
                .map(|step| (start + step) % SERVICE_NETWORK_SIZE)
                .filter(|host| *host > 1 && *host < SERVICE_NETWORK_SIZE - 1)
                .map(|host| std::net::Ipv4Addr::from(SERVICE_NETWORK + host).to_string())
                .find(|address| !taken.contains(address))
                .ok_or_else(|| Refusal::internal("failed to allocate a serviceIP: range is full"))?
        }
    };
    spec.insert("clusterIP", address.as_str());
    if has_families {
        spec.entry("clusterIPs", || Value::Seq(vec![Value::from(address)]));
    }
    Ok(())
}

fn is_own(cluster: &Cluster, name: &str, address: &str) -> bool {
    cluster.store.all("/services").any(|stored| {
        &*stored.name == name
            && stored
                .to_value("v1", "Service")
                .at(&["spec", "clusterIP"])
                .and_then(Value::as_str)
                == Some(address)
    })
}

fn values_of(cluster: &Cluster, key: &str) -> BTreeSet<String> {
    cluster
        .store
        .all("/services")
        .filter_map(|stored| {
            let service = stored.to_value("v1", "Service");
            let value = service.at(&["spec", key])?.as_str()?;
            Some(value.to_owned())
        })
        .collect()
}

fn ports_mut(spec: &mut Map) -> impl Iterator<Item = &mut Map> {
    spec.get_mut("ports")
        .and_then(Value::as_seq_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_map_mut)
}

fn node_port(port: &Map) -> i64 {
    port.get("nodePort").and_then(Value::as_i64).unwrap_or(0)
}

/// Ports of the same number and protocol keep their node ports.
fn keep_ports(spec: &mut Map, before: &Map) {
    let old = before
        .get("ports")
        .and_then(Value::as_seq)
        .unwrap_or_default();
    for port in ports_mut(spec) {
        if node_port(port) != 0 {
            continue;
        }
        let same = old.iter().filter_map(Value::as_map).find(|other| {
            other.get("port") == port.get("port") && other.get("protocol") == port.get("protocol")
        });
        if let Some(number) = same.map(node_port).filter(|number| *number != 0) {
            port.insert("nodePort", number);
        }
    }
}

fn give_ports(
    cluster: &mut Cluster,
    resource: &Resource,
    name: &str,
    spec: &mut Map,
) -> Result<(), Refusal> {
    let is_external = matches!(text(spec, "type"), "NodePort" | "LoadBalancer");
    if !is_external {
        for port in ports_mut(spec) {
            port.remove("nodePort");
        }
    }
    if text(spec, "type") == "LoadBalancer" && cluster.version.minor >= 20 {
        spec.entry("allocateLoadBalancerNodePorts", || Value::Bool(true));
    }
    if is_external {
        spec.entry("externalTrafficPolicy", || Value::from("Cluster"));
    }
    if !needs_ports(spec) {
        return Ok(());
    }
    let mut taken = BTreeSet::new();
    for stored in cluster.store.all("/services") {
        let service = stored.to_value("v1", "Service");
        let ports = service.at(&["spec", "ports"]).and_then(Value::as_seq);
        for port in ports.unwrap_or_default().iter().filter_map(Value::as_map) {
            if &*stored.name != name {
                taken.insert(node_port(port));
            }
        }
    }
    for (at, port) in ports_mut(spec).enumerate() {
        let asked = node_port(port);
        if asked != 0 {
            if taken.contains(&asked) {
                let error = FieldError::invalid(
                    format!("spec.ports[{at}].nodePort"),
                    &Value::Int(asked),
                    "provided port is already allocated",
                );
                return Err(Refusal::invalid(&resource.group_kind(), name, &[error]));
            }
            continue;
        }
        let size = NODE_PORTS.end - NODE_PORTS.start;
        let start = cluster.randomness.below(size);
        let free = (0..size)
            .map(|step| i64::from(NODE_PORTS.start + (start + step) % size))
            .find(|number| !taken.contains(number))
            .ok_or_else(|| Refusal::internal("failed to allocate a nodePort: range is full"))?;
        taken.insert(free);
        port.insert("nodePort", free);
    }
    Ok(())
}
