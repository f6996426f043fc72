//! Hooks of the parts of pods.

use super::{default, default_map, is_unset, text};
use crate::sandbox::decode::Quantity;
use crate::value::{Map, Value};

/// The sources of a volume that are pointers in Go; none set: an emptyDir.
const NOT_SOURCES: &[&str] = &["name"];
const FILE_MODE: i64 = 0o644;

pub fn part(name: &str, map: &mut Map) {
    match name {
        "PodSpec" => pod_spec(map),
        "Volume" => volume(map),
        "Container" | "EphemeralContainer" => container(map),
        "ContainerPort" => default(map, "protocol", "TCP"),
        "Probe" => {
            for (key, value) in [
                ("timeoutSeconds", 1i64),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                if matches!(map.get(key), None | Some(Value::Int(0))) {
                    map.insert(key, value);
                }
            }
        }
        "HTTPGetAction" => {
            default(map, "path", "/");
            default(map, "scheme", "HTTP");
        }
        "GRPCAction" => default_pointer(map, "service", Value::from("")),
        "ObjectFieldSelector" => default(map, "apiVersion", "v1"),
        "FileKeySelector" => default(map, "optional", false),
        "SecretVolumeSource"
        | "ConfigMapVolumeSource"
        | "DownwardAPIVolumeSource"
        | "ProjectedVolumeSource" => default(map, "defaultMode", FILE_MODE),
        "ServiceAccountTokenProjection" => default(map, "expirationSeconds", 3600i64),
        "HostPathVolumeSource" => default_pointer(map, "type", Value::from("")),
        "ISCSIVolumeSource" | "ISCSIPersistentVolumeSource" => {
            default(map, "iscsiInterface", "default");
        }
        "RBDVolumeSource" | "RBDPersistentVolumeSource" => {
            default(map, "pool", "rbd");
            default(map, "user", "admin");
            default(map, "keyring", "/etc/ceph/keyring");
        }
        "AzureDiskVolumeSource" => {
            default(map, "cachingMode", "ReadWrite");
            default_pointer(map, "fsType", Value::from("ext4"));
            default(map, "readOnly", false);
            default(map, "kind", "Shared");
        }
        "ScaleIOVolumeSource" | "ScaleIOPersistentVolumeSource" => {
            default(map, "storageMode", "ThinProvisioned");
            default(map, "fsType", "xfs");
        }
        "ResourceRequirements" | "VolumeResourceRequirements" => {
            round_up(map, "limits");
            round_up(map, "requests");
        }
        _ => {}
    }
}

/// For pointers, where "" is a value.
fn default_pointer(map: &mut Map, key: &str, value: Value) {
    if map.get(key).is_none_or(Value::is_null) {
        map.insert(key, value);
    }
}

fn pod_spec(map: &mut Map) {
    default(map, "dnsPolicy", "ClusterFirst");
    default(map, "restartPolicy", "Always");
    default_map(map, "securityContext");
    default(map, "terminationGracePeriodSeconds", 30i64);
    default(map, "schedulerName", "default-scheduler");
    // Kept in step with its old name by conversion.
    match (
        is_unset(map, "serviceAccountName"),
        is_unset(map, "serviceAccount"),
    ) {
        (false, _) => {
            let name = text(map, "serviceAccountName").to_owned();
            map.insert("serviceAccount", name);
        }
        (true, false) => {
            let name = text(map, "serviceAccount").to_owned();
            map.insert("serviceAccountName", name);
        }
        (true, true) => {}
    }
    round_up(map, "overhead");
}

fn volume(map: &mut Map) {
    let has_source = map
        .iter()
        .any(|(key, value)| !NOT_SOURCES.contains(&key) && !value.is_null());
    if !has_source {
        map.insert("emptyDir", Map::new());
    }
    if let Some(Value::Map(image)) = map.get_mut("image") {
        let policy = pull_policy(text(image, "reference"));
        default(image, "pullPolicy", policy);
    }
}

fn container(map: &mut Map) {
    let policy = pull_policy(text(map, "image"));
    default(map, "imagePullPolicy", policy);
    default(map, "terminationMessagePath", "/dev/termination-log");
    default(map, "terminationMessagePolicy", "File");
}

/// The tag `latest`, said or meant, is pulled always.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    // What is no image reference has no tag at all.
    let is_reference = !image.is_empty()
        && image
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c));
    if !is_reference {
        return "IfNotPresent";
    }
    match name.split_once('@') {
        Some((tagged, _)) => match tagged.split_once(':') {
            Some((_, "latest")) => "Always",
            _ => "IfNotPresent",
        },
        None => match name.split_once(':') {
            None | Some((_, "latest")) => "Always",
            Some(_) => "IfNotPresent",
        },
    }
}

/// Amounts finer than a thousandth are rounded up.
fn round_up(map: &mut Map, key: &str) {
    let Some(Value::Map(amounts)) = map.get_mut(key) else {
        return;
    };
    for value in amounts.values_mut() {
        if let Some(quantity) = value.as_str().and_then(Quantity::parse) {
            *value = Value::Str(quantity.rounded_to_milli().to_text());
        }
    }
}
