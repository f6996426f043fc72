//! Hooks of whole objects, and of the parts of the smaller groups.

use super::scaling;
use super::{default, default_map, is_unset, text};
use crate::object::Gvk;
use crate::value::{Map, Value};

const RBAC: &str = "rbac.authorization.k8s.io";

/// The object's own hook: runs before those of its parts.
pub fn before_parts(gvk: &Gvk, map: &mut Map) {
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment") => deployment(map),
        ("apps", "StatefulSet") => stateful_set(map),
        ("apps", "DaemonSet") => daemon_set(map),
        ("apps", "ReplicaSet") => default(spec(map), "replicas", 1i64),
        ("", "ReplicationController") => replication_controller(map),
        ("batch", "Job") => job(map),
        ("batch", "CronJob") => {
            let spec = spec(map);
            default(spec, "concurrencyPolicy", "Allow");
            default(spec, "suspend", false);
            default(spec, "successfulJobsHistoryLimit", 3i64);
            default(spec, "failedJobsHistoryLimit", 1i64);
        }
        ("", "Service") => service(map),
        ("", "Secret") => default(map, "type", "Opaque"),
        ("", "PersistentVolume") => {
            default(default_map(map, "status"), "phase", "Pending");
            let spec = spec(map);
            default(spec, "persistentVolumeReclaimPolicy", "Retain");
            default(spec, "volumeMode", "Filesystem");
        }
        ("", "Namespace") => namespace(map),
        ("", "Node") => {
            let status = default_map(map, "status");
            if let (true, Some(capacity)) = (
                is_unset(status, "allocatable"),
                status.get("capacity").cloned(),
            ) {
                status.insert("allocatable", capacity);
            }
        }
        ("networking.k8s.io", "NetworkPolicy") => network_policy(map),
        ("networking.k8s.io", "IngressClass") => {
            if let Some(Value::Map(parameters)) = spec(map).get_mut("parameters") {
                default(parameters, "scope", "Cluster");
            }
        }
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => {
            default(default_map(map, "roleRef"), "apiGroup", RBAC);
        }
        ("autoscaling", "HorizontalPodAutoscaler") => scaling::autoscaler(&gvk.version, map),
        ("storage.k8s.io", "StorageClass") => {
            default(map, "reclaimPolicy", "Delete");
            default(map, "volumeBindingMode", "Immediate");
        }
        ("storage.k8s.io", "CSIDriver") => csi_driver(map),
        ("scheduling.k8s.io", "PriorityClass") => {
            default(map, "preemptionPolicy", "PreemptLowerPriority");
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd(map),
        ("policy", "PodSecurityPolicy") => default(spec(map), "allowPrivilegeEscalation", true),
        _ => {}
    }
}

/// What looks at parts that have their defaults already.
pub fn after_parts(gvk: &Gvk, map: &mut Map) {
    if (gvk.group.as_str(), gvk.kind.as_str()) == ("", "Pod") {
        pod(map);
    }
}

pub fn rbac(name: &str, map: &mut Map) {
    if name == "Subject" && matches!(text(map, "kind"), "User" | "Group") {
        default(map, "apiGroup", RBAC);
    }
}

pub fn networking(version: &str, name: &str, map: &mut Map) {
    match name {
        "NetworkPolicyPort" => default(map, "protocol", "TCP"),
        // Required in v1, where the field has no default.
        "HTTPIngressPath" if version == "v1beta1" => {
            default(map, "pathType", "ImplementationSpecific");
        }
        _ => {}
    }
}

pub fn webhooks(name: &str, map: &mut Map) {
    match name {
        "ValidatingWebhook" | "MutatingWebhook" => {
            default(map, "failurePolicy", "Fail");
            default(map, "matchPolicy", "Equivalent");
            default_map(map, "namespaceSelector");
            default_map(map, "objectSelector");
            default(map, "timeoutSeconds", 10i64);
            if name == "MutatingWebhook" {
                default(map, "reinvocationPolicy", "Never");
            }
        }
        "RuleWithOperations" | "NamedRuleWithOperations" => default(map, "scope", "*"),
        "ServiceReference" => default(map, "port", 443i64),
        "ValidatingAdmissionPolicySpec" | "MutatingAdmissionPolicySpec" => {
            default(map, "failurePolicy", "Fail");
        }
        "MatchResources" => {
            default(map, "matchPolicy", "Equivalent");
            default_map(map, "namespaceSelector");
            default_map(map, "objectSelector");
        }
        _ => {}
    }
}

fn spec(map: &mut Map) -> &mut Map {
    default_map(map, "spec")
}

fn deployment(map: &mut Map) {
    let spec = spec(map);
    default(spec, "replicas", 1i64);
    let strategy = default_map(spec, "strategy");
    default(strategy, "type", "RollingUpdate");
    if text(strategy, "type") == "RollingUpdate" {
        let rolling = default_map(strategy, "rollingUpdate");
        default_int_or_string(rolling, "maxUnavailable", Value::from("25%"));
        default_int_or_string(rolling, "maxSurge", Value::from("25%"));
    }
    default(spec, "revisionHistoryLimit", 10i64);
    default(spec, "progressDeadlineSeconds", 600i64);
}

/// A pointer: "" is a value.
fn default_int_or_string(map: &mut Map, key: &str, value: Value) {
    if map.get(key).is_none_or(Value::is_null) {
        map.insert(key, value);
    }
}

fn stateful_set(map: &mut Map) {
    let spec = spec(map);
    default(spec, "podManagementPolicy", "OrderedReady");
    let strategy = default_map(spec, "updateStrategy");
    if is_unset(strategy, "type") {
        strategy.insert("type", "RollingUpdate");
        default_map(strategy, "rollingUpdate");
    }
    if text(strategy, "type") == "RollingUpdate"
        && let Some(Value::Map(rolling)) = strategy.get_mut("rollingUpdate")
    {
        default(rolling, "partition", 0i64);
    }
    let retention = default_map(spec, "persistentVolumeClaimRetentionPolicy");
    default(retention, "whenDeleted", "Retain");
    default(retention, "whenScaled", "Retain");
    default(spec, "replicas", 1i64);
    default(spec, "revisionHistoryLimit", 10i64);
}

fn daemon_set(map: &mut Map) {
    let spec = spec(map);
    let strategy = default_map(spec, "updateStrategy");
    default(strategy, "type", "RollingUpdate");
    if text(strategy, "type") == "RollingUpdate" {
        let rolling = default_map(strategy, "rollingUpdate");
        default_int_or_string(rolling, "maxUnavailable", Value::Int(1));
        default_int_or_string(rolling, "maxSurge", Value::Int(0));
    }
    default(spec, "revisionHistoryLimit", 10i64);
}

fn template_labels(map: &Map) -> Option<Map> {
    map.get("spec")?
        .at(&["template", "metadata", "labels"])?
        .as_map()
        .cloned()
}

fn labels_from_template(map: &mut Map, labels: &Map) {
    let metadata = default_map(map, "metadata");
    let has_labels = metadata
        .get("labels")
        .and_then(Value::as_map)
        .is_some_and(|labels| !labels.is_empty());
    if !has_labels && !labels.is_empty() {
        metadata.insert("labels", labels.clone());
    }
}

fn replication_controller(map: &mut Map) {
    if let Some(labels) = template_labels(map) {
        let selector = spec(map).get("selector").and_then(Value::as_map);
        if selector.is_none_or(Map::is_empty) && !labels.is_empty() {
            spec(map).insert("selector", labels.clone());
        }
        labels_from_template(map, &labels);
    }
    default(spec(map), "replicas", 1i64);
}

fn job(map: &mut Map) {
    if let Some(labels) = template_labels(map) {
        labels_from_template(map, &labels);
    }
    let spec = spec(map);
    if is_unset(spec, "completions") && is_unset(spec, "parallelism") {
        spec.insert("completions", 1i64);
    }
    default(spec, "parallelism", 1i64);
    let limit = if is_unset(spec, "backoffLimitPerIndex") {
        6
    } else {
        i64::from(i32::MAX)
    };
    default(spec, "backoffLimit", limit);
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    let replacement = if is_unset(spec, "podFailurePolicy") {
        "TerminatingOrFailed"
    } else {
        "Failed"
    };
    default(spec, "podReplacementPolicy", replacement);
    default(spec, "manualSelector", false);
}

fn service(map: &mut Map) {
    let spec = spec(map);
    default(spec, "sessionAffinity", "None");
    match text(spec, "sessionAffinity") {
        "None" => {
            spec.remove("sessionAffinityConfig");
        }
        "ClientIP" => {
            let config = default_map(spec, "sessionAffinityConfig");
            default(default_map(config, "clientIP"), "timeoutSeconds", 10800i64);
        }
        _ => {}
    }
    default(spec, "type", "ClusterIP");
    let kind = text(spec, "type").to_owned();
    let has_external_ips = spec
        .get("externalIPs")
        .and_then(Value::as_seq)
        .is_some_and(|ips| !ips.is_empty());
    let is_external = matches!(kind.as_str(), "LoadBalancer" | "NodePort")
        || (kind == "ClusterIP" && has_external_ips);
    if is_external {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "LoadBalancer" | "NodePort" | "ClusterIP") {
        default_int_or_string(spec, "internalTrafficPolicy", Value::from("Cluster"));
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
        if let Some(Value::Map(status)) = map.get_mut("status") {
            let ingress = default_map(status, "loadBalancer").get_mut("ingress");
            for item in ingress.and_then(Value::as_seq_mut).into_iter().flatten() {
                if let Some(item) = item.as_map_mut()
                    && !is_unset(item, "ip")
                {
                    default(item, "ipMode", "VIP");
                }
            }
        }
    }
}

fn namespace(map: &mut Map) {
    let metadata = default_map(map, "metadata");
    let name = text(metadata, "name").to_owned();
    if !name.is_empty() {
        default_map(metadata, "labels").insert("kubernetes.io/metadata.name", name);
    }
    default(default_map(map, "status"), "phase", "Active");
}

fn network_policy(map: &mut Map) {
    let spec = spec(map);
    let is_empty = |key: &str| {
        spec.get(key)
            .and_then(Value::as_seq)
            .is_none_or(<[Value]>::is_empty)
    };
    if is_empty("policyTypes") {
        let mut types = vec![Value::from("Ingress")];
        if !is_empty("egress") {
            types.push(Value::from("Egress"));
        }
        spec.insert("policyTypes", types);
    }
}

fn csi_driver(map: &mut Map) {
    let spec = spec(map);
    default(spec, "attachRequired", true);
    default(spec, "podInfoOnMount", false);
    default(spec, "storageCapacity", false);
    default(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    let modes = spec.get("volumeLifecycleModes").and_then(Value::as_seq);
    if modes.is_none_or(<[Value]>::is_empty) {
        spec.insert("volumeLifecycleModes", vec![Value::from("Persistent")]);
    }
    default(spec, "requiresRepublish", false);
    default(spec, "seLinuxMount", false);
}

fn crd(map: &mut Map) {
    let spec = spec(map);
    let names = default_map(spec, "names");
    let kind = text(names, "kind").to_owned();
    default(names, "singular", kind.to_lowercase());
    if !kind.is_empty() {
        default(names, "listKind", format!("{kind}List"));
    }
    default(default_map(spec, "conversion"), "strategy", "None");
    let stored = spec
        .get("versions")
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .find(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .and_then(|version| version.get("name").cloned());
    let status = default_map(map, "status");
    let has_stored = status
        .get("storedVersions")
        .and_then(Value::as_seq)
        .is_some_and(|versions| !versions.is_empty());
    if let (false, Some(stored)) = (has_stored, stored) {
        status.insert("storedVersions", vec![stored]);
    }
}

/// Requests follow limits, in pods alone.
fn pod(map: &mut Map) {
    let spec = spec(map);
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
    for list in ["containers", "initContainers"] {
        for container in spec
            .get_mut(list)
            .and_then(Value::as_seq_mut)
            .into_iter()
            .flatten()
        {
            let Some(container) = container.as_map_mut() else {
                continue;
            };
            let resources = default_map(container, "resources");
            if let Some(Value::Map(limits)) = resources.get("limits").cloned() {
                let requests = default_map(resources, "requests");
                for (name, amount) in limits {
                    requests.entry(&name, || amount);
                }
            }
            if !host_network {
                continue;
            }
            for port in container
                .get_mut("ports")
                .and_then(Value::as_seq_mut)
                .into_iter()
                .flatten()
            {
                let Some(port) = port.as_map_mut() else {
                    continue;
                };
                if let (true, Some(number)) = (
                    is_unset(port, "hostPort"),
                    port.get("containerPort").cloned(),
                ) {
                    port.insert("hostPort", number);
                }
            }
        }
    }
    default(spec, "enableServiceLinks", true);
}
