//! PersistentVolumeClaims are bound: to a volume that fits, or to a new one.

use super::collect::remove_finalizer;
use super::controller::{MANAGER, delete, text};
use super::pod::fail_reason;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::decode::Quantity;
use crate::sandbox::store::Stored;
use crate::value::{Map, Value};
use std::collections::BTreeSet;
use std::rc::Rc;

const CLAIMS: &str = "/persistentvolumeclaims";
const VOLUMES: &str = "/persistentvolumes";
const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";

pub fn look(cluster: &mut Cluster, stored: &Stored) {
    if stored.is_deleting {
        return remove_finalizer(cluster, CLAIMS, stored, CLAIM_PROTECTION);
    }
    let claim = stored.to_value("v1", "PersistentVolumeClaim");
    if text(&claim, &["status", "phase"]) == "Bound" || fail_reason(stored).is_some() {
        return;
    }
    let named = text(&claim, &["spec", "volumeName"]);
    let volume = if named.is_empty() {
        find_volume(cluster, &claim).or_else(|| make_volume(cluster, stored, &claim))
    } else {
        cluster.store.get(VOLUMES, "", named).cloned()
    };
    if let Some(volume) = volume {
        bind(cluster, stored, &volume);
    }
}

fn storage(object: &Value, path: &[&str]) -> i128 {
    Quantity::parse(text(object, path)).map_or(0, |quantity| quantity.nanos())
}

fn modes(object: &Value) -> &[Value] {
    object
        .at(&["spec", "accessModes"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
}

/// A volume that nobody has, of the same class, large enough.
fn find_volume(cluster: &Cluster, claim: &Value) -> Option<Rc<Stored>> {
    let wanted = storage(claim, &["spec", "resources", "requests", "storage"]);
    let class = text(claim, &["spec", "storageClassName"]);
    let own = (
        text(claim, &["metadata", "namespace"]),
        text(claim, &["metadata", "name"]),
    );
    cluster
        .store
        .all(VOLUMES)
        .find(|stored| {
            let volume = stored.to_value("v1", "PersistentVolume");
            let holder = (
                text(&volume, &["spec", "claimRef", "namespace"]),
                text(&volume, &["spec", "claimRef", "name"]),
            );
            let is_free = volume.at(&["spec", "claimRef"]).is_none() || holder == own;
            let is_released = text(&volume, &["status", "phase"]) == "Released";
            is_free
                && !is_released
                && !stored.is_deleting
                && text(&volume, &["spec", "storageClassName"]) == class
                && storage(&volume, &["spec", "capacity", "storage"]) >= wanted
                && modes(claim)
                    .iter()
                    .all(|mode| modes(&volume).contains(mode))
        })
        .cloned()
}

fn reference(claim: &Stored) -> Map {
    let mut map = Map::new();
    map.insert("apiVersion", "v1");
    map.insert("kind", "PersistentVolumeClaim");
    map.insert("namespace", &*claim.namespace);
    map.insert("name", &*claim.name);
    map.insert("uid", &*claim.uid);
    map
}

fn make_volume(cluster: &mut Cluster, stored: &Stored, claim: &Value) -> Option<Rc<Stored>> {
    let name = format!("pvc-{}", stored.uid);
    let mut path = Map::new();
    path.insert("path", format!("/var/lib/sandbox/{name}"));
    path.insert("type", "DirectoryOrCreate");
    let mut volume = Map::new();
    volume.entry_map("metadata").insert("name", name.as_str());
    let spec = volume.entry_map("spec");
    let size = claim
        .at(&["spec", "resources", "requests", "storage"])
        .cloned()
        .unwrap_or_else(|| Value::from("1Gi"));
    spec.entry_map("capacity").insert("storage", size);
    spec.insert("accessModes", modes(claim).to_vec());
    spec.insert("persistentVolumeReclaimPolicy", "Delete");
    for key in ["storageClassName", "volumeMode"] {
        if let Some(value) = claim.at(&["spec", key]) {
            spec.insert(key, value.clone());
        }
    }
    spec.insert("claimRef", reference(stored));
    spec.insert("hostPath", path);
    MANAGER.create(cluster, VOLUMES, "", Value::Map(volume))?;
    cluster.store.get(VOLUMES, "", &name).cloned()
}

fn bind(cluster: &mut Cluster, claim: &Stored, volume: &Rc<Stored>) {
    MANAGER.change(cluster, VOLUMES, volume, "", |volume| {
        if let Some(root) = volume.as_map_mut() {
            root.entry_map("spec").insert("claimRef", reference(claim));
        }
    });
    let Some(volume) = cluster.store.get(VOLUMES, "", &volume.name).cloned() else {
        return;
    };
    MANAGER.set_status(cluster, VOLUMES, &volume, |status| {
        status.insert("phase", "Bound");
    });
    let bound = MANAGER.change(cluster, CLAIMS, claim, "", |object| {
        if let Some(root) = object.as_map_mut() {
            root.entry_map("spec").insert("volumeName", &*volume.name);
            root.entry_map("metadata")
                .entry_map("annotations")
                .insert("pv.kubernetes.io/bind-completed", "yes");
        }
    });
    if bound.is_none() {
        return;
    }
    let claim = cluster
        .store
        .get(CLAIMS, &claim.namespace, &claim.name)
        .cloned();
    let volume = volume.to_value("v1", "PersistentVolume");
    if let Some(claim) = claim {
        MANAGER.set_status(cluster, CLAIMS, &claim, |status| {
            status.insert("phase", "Bound");
            status.insert("accessModes", modes(&volume).to_vec());
            if let Some(capacity) = volume.at(&["spec", "capacity"]) {
                status.insert("capacity", capacity.clone());
            }
        });
    }
}

/// A volume whose claim is gone is deleted or released; one that nobody asked
/// for is available.
pub fn look_at_volume(cluster: &mut Cluster, stored: &Stored) {
    if stored.is_deleting {
        return remove_finalizer(cluster, VOLUMES, stored, VOLUME_PROTECTION);
    }
    let volume = stored.to_value("v1", "PersistentVolume");
    let phase = text(&volume, &["status", "phase"]);
    let Some(holder) = volume.at(&["spec", "claimRef"]) else {
        if phase != "Available" {
            MANAGER.set_status(cluster, VOLUMES, stored, |status| {
                status.insert("phase", "Available");
            });
        }
        return;
    };
    let claim = cluster.store.get(
        CLAIMS,
        text(holder, &["namespace"]),
        text(holder, &["name"]),
    );
    let is_held = claim.is_some_and(|claim| {
        let uid = text(holder, &["uid"]);
        uid.is_empty() || *claim.uid == *uid
    });
    if is_held || phase != "Bound" {
        return;
    }
    if text(&volume, &["spec", "persistentVolumeReclaimPolicy"]) == "Delete" {
        delete(cluster, VOLUMES, stored);
    } else {
        MANAGER.set_status(cluster, VOLUMES, stored, |status| {
            status.insert("phase", "Released");
        });
    }
}

/// Claims went: their volumes look again.
pub fn claims_gone(cluster: &mut Cluster, uids: &BTreeSet<Box<str>>) {
    let volumes: Vec<Rc<Stored>> = cluster.store.all(VOLUMES).cloned().collect();
    for stored in volumes {
        let volume = stored.to_value("v1", "PersistentVolume");
        if uids.contains(text(&volume, &["spec", "claimRef", "uid"])) {
            look_at_volume(cluster, &stored);
        }
    }
}
