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
    keep_allocated(spec, before);
    if needs_address(spec) {
        // A policy and families that a client leaves out are kept, too.
        for key in ["ipFamilyPolicy", "ipFamilies"] {
            if let (None, Some(value)) = (spec.get(key), before.get(key)) {
                spec.insert(key, value.clone());
            }
        }
        give_address(cluster, resource, &name, spec)?;
    }
    give_ports(cluster, resource, &name, spec)?;
    drop_unneeded(spec, before);
    if text(spec, "type") == "ExternalName" {
        // The server does not show it, whatever it was before.
        spec.remove("internalTrafficPolicy");
    }
    Ok(())
}

/// What the server gave and the client does not name.
fn keep_allocated(spec: &mut Map, before: &Map) {
    if needs_address(spec) && needs_address(before) {
        if text(spec, "clusterIP").is_empty()
            && let Some(value) = before.get("clusterIP")
        {
            spec.insert("clusterIP", value.clone());
        }
        let is_empty = |spec: &Map| {
            spec.get("clusterIPs")
                .and_then(Value::as_seq)
                .is_none_or(<[Value]>::is_empty)
        };
        if let (true, Some(value)) = (is_empty(spec), before.get("clusterIPs")) {
            spec.insert("clusterIPs", value.clone());
        }
    }
    if needs_ports(spec) && needs_ports(before) {
        keep_ports(spec, before);
    }
    if needs_health_check(spec) && needs_health_check(before) {
        let asked = spec.get("healthCheckNodePort").and_then(Value::as_i64);
        if let (0, Some(value)) = (asked.unwrap_or(0), before.get("healthCheckNodePort")) {
            spec.insert("healthCheckNodePort", value.clone());
        }
    }
}

/// What a former type needed goes with it, unless the client set it anew; then
/// validation speaks.
fn drop_unneeded(spec: &mut Map, before: &Map) {
    let drop_same = |spec: &mut Map, key: &str| {
        if spec.get(key) == before.get(key) {
            spec.remove(key);
        }
    };
    if needs_address(before) && !needs_address(spec) {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            drop_same(spec, key);
        }
    }
    let has_ports = |spec: &Map| matches!(text(spec, "type"), "NodePort" | "LoadBalancer");
    if has_ports(before) && !has_ports(spec) && node_ports(spec) == node_ports(before) {
        for port in ports_mut(spec) {
            port.remove("nodePort");
        }
    }
    if needs_health_check(before) && !needs_health_check(spec) {
        drop_same(spec, "healthCheckNodePort");
    }
    if text(before, "type") == "LoadBalancer" && text(spec, "type") != "LoadBalancer" {
        drop_same(spec, "allocateLoadBalancerNodePorts");
        drop_same(spec, "loadBalancerClass");
    }
    if is_external(before) && !is_external(spec) {
        drop_same(spec, "externalTrafficPolicy");
    }
}

fn node_ports(spec: &Map) -> Vec<i64> {
    spec.get("ports")
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_map)
        .map(node_port)
        .collect()
}

fn is_external(spec: &Map) -> bool {
    match text(spec, "type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => spec
            .get("externalIPs")
            .and_then(Value::as_seq)
            .is_some_and(|addresses| !addresses.is_empty()),
        _ => false,
    }
}

fn needs_health_check(spec: &Map) -> bool {
    text(spec, "type") == "LoadBalancer" && text(spec, "externalTrafficPolicy") == "Local"
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

/// Ports of the same name keep their node ports, unless another took them.
fn keep_ports(spec: &mut Map, before: &Map) {
    let old = before
        .get("ports")
        .and_then(Value::as_seq)
        .unwrap_or_default();
    let used = node_ports(spec);
    for port in ports_mut(spec) {
        if node_port(port) != 0 {
            continue;
        }
        // Of ports of one name the last counts, as in a map.
        let same = old
            .iter()
            .filter_map(Value::as_map)
            .rfind(|other| text(other, "name") == text(port, "name"));
        let number = same.map(node_port).unwrap_or(0);
        if number != 0 && !used.contains(&number) {
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
    let has_health = needs_health_check(spec) && cluster.version.minor >= 20;
    if !needs_ports(spec) && !has_health {
        return Ok(());
    }
    let mut taken = taken_ports(cluster, name);
    if needs_ports(spec) {
        for (at, port) in ports_mut(spec).enumerate() {
            let asked = node_port(port);
            if asked == 0 {
                port.insert("nodePort", free_port(cluster, &mut taken)?);
            } else if taken.contains(&asked) {
                let error = FieldError::invalid(
                    format!("spec.ports[{at}].nodePort"),
                    &Value::Int(asked),
                    "provided port is already allocated",
                );
                return Err(Refusal::invalid(&resource.group_kind(), name, &[error]));
            }
        }
    }
    let asked = spec.get("healthCheckNodePort").and_then(Value::as_i64);
    if has_health && asked.unwrap_or(0) == 0 {
        spec.insert("healthCheckNodePort", free_port(cluster, &mut taken)?);
    }
    Ok(())
}

fn taken_ports(cluster: &Cluster, except: &str) -> BTreeSet<i64> {
    let mut taken = BTreeSet::new();
    for stored in cluster.store.all("/services") {
        if &*stored.name == except {
            continue;
        }
        let service = stored.to_value("v1", "Service");
        if let Some(spec) = service.get("spec").and_then(Value::as_map) {
            taken.extend(node_ports(spec));
            taken.extend(spec.get("healthCheckNodePort").and_then(Value::as_i64));
        }
    }
    taken
}

fn free_port(cluster: &mut Cluster, taken: &mut BTreeSet<i64>) -> Result<i64, Refusal> {
    let size = NODE_PORTS.end - NODE_PORTS.start;
    let start = cluster.randomness.below(size);
    let free = (0..size)
        .map(|step| i64::from(NODE_PORTS.start + (start + step) % size))
        .find(|number| !taken.contains(number))
        .ok_or_else(|| Refusal::internal("failed to allocate a nodePort: range is full"))?;
    taken.insert(free);
    Ok(free)
}
