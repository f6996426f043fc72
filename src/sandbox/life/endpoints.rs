//! Endpoints and EndpointSlices: where the pods of a Service are. Both carry
//! the labels of the Service, as the real controllers have it.

use super::controller::{Controller, delete, owned, owned_by, read, resource_of, text};
use super::pod;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::{LabelSelector, Stored};
use crate::value::{Map, Value};
use std::rc::Rc;

const SERVICES: &str = "/services";
const ENDPOINTS: &str = "/endpoints";
const SLICES: &str = "discovery.k8s.io/endpointslices";
const CONTROLLER: Controller<'static> = Controller {
    manager: "kube-controller-manager",
};
/// Of the Service, and never of what is made for it.
const NAME_LABEL: &str = "kubernetes.io/service-name";

/// A pod came, went or changed: the Services of its namespace look again.
pub fn pod_changed(cluster: &mut Cluster, namespace: &str) {
    let services: Vec<Rc<Stored>> = cluster
        .store
        .in_namespace(SERVICES, namespace)
        .cloned()
        .collect();
    for service in services {
        look(cluster, namespace, &service.name);
    }
}

/// Brings both to what the pods say.
pub fn look(cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(stored) = cluster.store.get(SERVICES, namespace, name).cloned() else {
        if let Some(endpoints) = cluster.store.get(ENDPOINTS, namespace, name).cloned() {
            delete(cluster, ENDPOINTS, &endpoints);
        }
        return;
    };
    let service = stored.to_value("v1", "Service");
    let selector = service.at(&["spec", "selector"]);
    let selects = selector
        .and_then(Value::as_map)
        .is_some_and(|map| !map.is_empty());
    if !selects || stored.is_deleting || text(&service, &["spec", "type"]) == "ExternalName" {
        return;
    }
    let selector = LabelSelector::from_labels(selector.unwrap_or(&Value::Null));
    let pods: Vec<Value> = cluster
        .store
        .in_namespace(pod::SHELF, namespace)
        .filter(|pod| !pod.is_deleting && selector.matches(pod))
        .map(|pod| pod.to_value("v1", "Pod"))
        .filter(|pod| !text(pod, &["status", "podIP"]).is_empty())
        .collect();
    update_endpoints(cluster, &stored, &service, &pods);
    update_slice(cluster, &stored, &service, &pods);
}

fn labels_of(service: &Value) -> Map {
    service
        .at(&["metadata", "labels"])
        .and_then(Value::as_map)
        .cloned()
        .unwrap_or_default()
}

/// The number that a Service's port has at the pods.
fn target_port(port: &Value, pods: &[Value]) -> i64 {
    let own = port.get("port").and_then(Value::as_i64).unwrap_or(0);
    match port.get("targetPort") {
        Some(Value::Int(number)) => *number,
        Some(Value::Str(name)) => pods
            .iter()
            .find_map(|pod| named_port(pod, name))
            .unwrap_or(own),
        _ => own,
    }
}

fn named_port(pod: &Value, name: &str) -> Option<i64> {
    pod.at(&["spec", "containers"])?
        .as_seq()?
        .iter()
        .filter_map(|container| container.get("ports")?.as_seq())
        .flatten()
        .find(|port| text(port, &["name"]) == name)?
        .get("containerPort")?
        .as_i64()
}

fn ports(service: &Value, pods: &[Value]) -> Vec<Value> {
    service
        .at(&["spec", "ports"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .map(|port| {
            let mut entry = Map::new();
            if let Some(name) = port.get("name") {
                entry.insert("name", name.clone());
            }
            entry.insert("port", target_port(port, pods));
            if let Some(protocol) = port.get("protocol") {
                entry.insert("protocol", protocol.clone());
            }
            if let Some(protocol) = port.get("appProtocol") {
                entry.insert("appProtocol", protocol.clone());
            }
            Value::Map(entry)
        })
        .collect()
}

fn target(pod: &Value) -> Map {
    let mut map = Map::new();
    map.insert("kind", "Pod");
    for key in ["name", "namespace", "uid"] {
        map.insert(key, text(pod, &["metadata", key]));
    }
    map
}

fn update_endpoints(cluster: &mut Cluster, stored: &Stored, service: &Value, pods: &[Value]) {
    let addresses = |ready: bool| -> Vec<Value> {
        pods.iter()
            .filter(|pod| pod::is_ready(pod) == ready)
            .map(|pod| {
                let mut map = Map::new();
                map.insert("ip", text(pod, &["status", "podIP"]));
                map.insert("nodeName", text(pod, &["spec", "nodeName"]));
                map.insert("targetRef", target(pod));
                Value::Map(map)
            })
            .collect()
    };
    let mut subset = Map::new();
    for (key, list) in [
        ("addresses", addresses(true)),
        ("notReadyAddresses", addresses(false)),
    ] {
        if !list.is_empty() {
            subset.insert(key, list);
        }
    }
    let mut labels = labels_of(service);
    // Since 1.33 the controller says whose they are.
    if cluster.version.minor >= 33 {
        labels.insert("endpoints.kubernetes.io/managed-by", "endpoint-controller");
    }
    if text(service, &["spec", "clusterIP"]) == "None" {
        labels.insert("service.kubernetes.io/headless", "");
    }
    let fill = |root: &mut Map| {
        root.entry_map("metadata").insert("labels", labels.clone());
        if subset.is_empty() {
            root.remove("subsets");
        } else {
            let mut subset = subset.clone();
            subset.insert("ports", ports(service, pods));
            root.insert("subsets", vec![Value::Map(subset)]);
        }
    };
    let live = cluster
        .store
        .get(ENDPOINTS, &stored.namespace, &stored.name)
        .cloned();
    match live {
        Some(live) => {
            CONTROLLER.change(cluster, ENDPOINTS, &live, "", |object| {
                if let Some(root) = object.as_map_mut() {
                    fill(root);
                }
            });
        }
        None => {
            let mut root = Map::new();
            root.entry_map("metadata").insert("name", &*stored.name);
            fill(&mut root);
            CONTROLLER.create(cluster, ENDPOINTS, &stored.namespace, Value::Map(root));
        }
    }
}

fn update_slice(cluster: &mut Cluster, stored: &Stored, service: &Value, pods: &[Value]) {
    if resource_of(cluster, SLICES).is_none() {
        return;
    }
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|pod| {
            let ready = pod::is_ready(pod);
            let mut conditions = Map::new();
            conditions.insert("ready", ready);
            conditions.insert("serving", ready);
            conditions.insert("terminating", false);
            let mut map = Map::new();
            let address = Value::from(text(pod, &["status", "podIP"]));
            map.insert("addresses", vec![address]);
            map.insert("conditions", conditions);
            map.insert("nodeName", text(pod, &["spec", "nodeName"]));
            map.insert("targetRef", target(pod));
            Value::Map(map)
        })
        .collect();
    let mut labels = labels_of(service);
    labels.insert(NAME_LABEL, &*stored.name);
    labels.insert(
        "endpointslice.kubernetes.io/managed-by",
        "endpointslice-controller.k8s.io",
    );
    if text(service, &["spec", "clusterIP"]) == "None" {
        labels.insert("service.kubernetes.io/headless", "");
    }
    let fill = |root: &mut Map| {
        root.entry_map("metadata").insert("labels", labels.clone());
        root.insert("addressType", "IPv4");
        root.insert("endpoints", endpoints.clone());
        root.insert("ports", ports(service, pods));
    };
    match owned(cluster, SLICES, stored).into_iter().next() {
        Some(live) => {
            let before = read(cluster, SLICES, &live);
            if before.at(&["metadata", "deletionTimestamp"]).is_none() {
                CONTROLLER.change(cluster, SLICES, &live, "", |object| {
                    if let Some(root) = object.as_map_mut() {
                        fill(root);
                    }
                });
            }
        }
        None => {
            let mut root = Map::new();
            let metadata = root.entry_map("metadata");
            metadata.insert("generateName", format!("{}-", stored.name));
            metadata.insert("ownerReferences", owned_by(cluster, SERVICES, stored));
            fill(&mut root);
            CONTROLLER.create(cluster, SLICES, &stored.namespace, Value::Map(root));
        }
    }
}
