//! What every cluster has from its first second.

use super::cluster::Cluster;
use super::life::Controller;
use crate::value::{Map, Value};

const APISERVER: Controller<'static> = Controller {
    manager: "kube-apiserver",
};

pub fn fill(cluster: &mut Cluster) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let namespace = named("Namespace", name);
        APISERVER.create(cluster, "/namespaces", "", Value::Map(namespace));
    }
    APISERVER.create(cluster, "/services", "default", kubernetes_service());
}

fn named(kind: &str, name: &str) -> Map {
    let mut map = Map::new();
    map.insert("apiVersion", "v1");
    map.insert("kind", kind);
    map.entry_map("metadata").insert("name", name);
    map
}

fn kubernetes_service() -> Value {
    let mut service = named("Service", "kubernetes");
    let labels = service.entry_map("metadata").entry_map("labels");
    labels.insert("component", "apiserver");
    labels.insert("provider", "kubernetes");
    let mut port = Map::new();
    port.insert("name", "https");
    port.insert("port", 443i64);
    port.insert("protocol", "TCP");
    port.insert("targetPort", 6443i64);
    let spec = service.entry_map("spec");
    spec.insert("type", "ClusterIP");
    spec.insert("clusterIP", "10.96.0.1");
    spec.insert("ports", vec![Value::Map(port)]);
    Value::Map(service)
}
