//! Namespaces: a new one gets its service account and the cluster's root
//! certificate; a deleted one loses its content, then itself.

use super::controller::{MANAGER, resource_of};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::verbs::{DeleteOptions, Propagation, delete_one, put, remove};
use crate::value::{Map, Value};

const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";

/// Something in a namespace changed; a namespace that goes waits for it.
pub fn look_at_content(cluster: &mut Cluster, namespace: &str, is_gone: bool) {
    let is_waiting = cluster
        .store
        .get("/namespaces", "", namespace)
        .is_some_and(|stored| stored.is_deleting);
    let restores = is_gone
        && (cluster
            .store
            .get("/serviceaccounts", namespace, "default")
            .is_none()
            || cluster
                .store
                .get("/configmaps", namespace, ROOT_CERTIFICATE)
                .is_none());
    if is_waiting || restores {
        look(cluster, namespace);
    }
}

pub fn look(cluster: &mut Cluster, name: &str) {
    let Some(stored) = cluster.store.get("/namespaces", "", name).cloned() else {
        return;
    };
    if stored.is_deleting {
        empty(cluster, name);
        return;
    }
    if cluster
        .store
        .get("/serviceaccounts", name, "default")
        .is_none()
    {
        let account = named("ServiceAccount", "default");
        MANAGER.create(cluster, "/serviceaccounts", name, Value::Map(account));
    }
    // kube-root-ca.crt came with 1.20.
    let has_root = cluster.version.minor >= 20;
    if has_root
        && cluster
            .store
            .get("/configmaps", name, ROOT_CERTIFICATE)
            .is_none()
    {
        let mut config = named("ConfigMap", ROOT_CERTIFICATE);
        config.entry_map("metadata").entry_map("annotations").insert(
            "kubernetes.io/description",
            "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
        );
        config
            .entry_map("data")
            .insert("ca.crt", cluster.root_certificate.as_str());
        MANAGER.create(cluster, "/configmaps", name, Value::Map(config));
    }
}

fn named(kind: &str, name: &str) -> Map {
    let mut map = Map::new();
    map.insert("apiVersion", "v1");
    map.insert("kind", kind);
    map.entry_map("metadata").insert("name", name);
    map
}

/// Deletes all that is in a namespace; when nothing is left, the namespace.
fn empty(cluster: &mut Cluster, name: &str) {
    let shelves: Vec<_> = cluster.store.shelves().cloned().collect();
    let mut n_left = 0;
    for shelf in shelves {
        let content: Vec<_> = cluster.store.in_namespace(&shelf, name).cloned().collect();
        let Some(resource) = cluster.catalog.of_shelf(&shelf).cloned() else {
            continue;
        };
        if !resource.namespaced {
            continue;
        }
        for stored in content {
            if !stored.is_deleting {
                let options = DeleteOptions {
                    propagation: Some(Propagation::Background),
                    ..DeleteOptions::default()
                };
                // Refused only where it is gone already.
                let _ = delete_one(cluster, &resource, &stored, &options);
            }
        }
        n_left += cluster.store.in_namespace(&shelf, name).count();
    }
    if n_left > 0 {
        return;
    }
    let (Some(stored), Some(resource)) = (
        cluster.store.get("/namespaces", "", name).cloned(),
        resource_of(cluster, "/namespaces"),
    ) else {
        return;
    };
    let mut namespace = stored.to_value("v1", "Namespace");
    if let Some(root) = namespace.as_map_mut()
        && let Some(finalizers) = root
            .entry_map("spec")
            .get_mut("finalizers")
            .and_then(Value::as_seq_mut)
    {
        finalizers.retain(|finalizer| finalizer.as_str() != Some("kubernetes"));
    }
    let is_empty = |path: &[&str]| {
        namespace
            .at(path)
            .and_then(Value::as_seq)
            .is_none_or(<[Value]>::is_empty)
    };
    if is_empty(&["spec", "finalizers"]) && is_empty(&["metadata", "finalizers"]) {
        remove(cluster, &resource, "", name);
    } else if namespace != stored.to_value("v1", "Namespace") {
        put(cluster, &resource, namespace);
    }
}
