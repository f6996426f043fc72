//! What every cluster has from its first second.

use super::cluster::Cluster;
use super::life::{Controller, KUBELET, NODE, NODE_ADDRESS, set_condition};
use crate::value::{Map, Value};

const APISERVER: Controller<'static> = Controller {
    manager: "kube-apiserver",
};

/// Go's name of the architecture that this runs on.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else if cfg!(target_arch = "arm") {
    "arm"
} else {
    "amd64"
};

pub fn fill(cluster: &mut Cluster) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let namespace = named("Namespace", name);
        APISERVER.create(cluster, "/namespaces", "", Value::Map(namespace));
    }
    APISERVER.create(cluster, "/services", "default", kubernetes_service());
    let node = node(cluster);
    KUBELET.create(cluster, "/nodes", "", node);
}

/// The one node, which runs everything.
fn node(cluster: &Cluster) -> Value {
    let mut node = named("Node", NODE);
    let labels = node.entry_map("metadata").entry_map("labels");
    labels.insert("kubernetes.io/hostname", NODE);
    labels.insert("kubernetes.io/os", "linux");
    labels.insert("kubernetes.io/arch", ARCHITECTURE);
    labels.insert("node-role.kubernetes.io/control-plane", "");
    let status = node.entry_map("status");
    for key in ["capacity", "allocatable"] {
        let map = status.entry_map(key);
        map.insert("cpu", "4");
        map.insert("memory", "8Gi");
        map.insert("pods", "110");
    }
    let now = cluster.clock.seconds();
    set_condition(
        status,
        "Ready",
        "True",
        "KubeletReady",
        "kubelet is posting ready status",
        &now,
    );
    let mut address = Map::new();
    address.insert("type", "InternalIP");
    address.insert("address", NODE_ADDRESS);
    status.insert("addresses", vec![Value::Map(address)]);
    let info = status.entry_map("nodeInfo");
    info.insert("kubeletVersion", cluster.version.to_string());
    info.insert("kubeProxyVersion", "");
    info.insert("osImage", "sandbox");
    info.insert("operatingSystem", "linux");
    info.insert("architecture", ARCHITECTURE);
    info.insert("containerRuntimeVersion", "none://0");
    for key in ["machineID", "systemUUID", "bootID", "kernelVersion"] {
        info.insert(key, "");
    }
    Value::Map(node)
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
