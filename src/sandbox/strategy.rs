//! The rules of single kinds around a write: what is reset, when the
//! generation moves, how they are deleted. They are those of the strategies
//! in kube-apiserver's registry.

use super::catalog::Resource;
use super::cluster::Cluster;
use super::decode;
use super::status::{GroupName, Refusal};
use super::verbs::metadata_mut;
use super::{crd, rules};
use crate::value::{Map, Value};

/// Built-in kinds that count generations, and what moves them.
const GENERATIONS: &[(&str, Moves)] = &[
    ("apps/deployments", Moves::SpecOrAnnotations),
    ("apps/replicasets", Moves::Spec),
    ("apps/statefulsets", Moves::Spec),
    ("apps/daemonsets", Moves::Spec),
    ("/replicationcontrollers", Moves::Spec),
    ("/pods", Moves::Spec),
    ("/podtemplates", Moves::Body),
    ("batch/jobs", Moves::Spec),
    ("batch/cronjobs", Moves::Spec),
    ("networking.k8s.io/ingresses", Moves::Spec),
    ("networking.k8s.io/ingressclasses", Moves::Spec),
    ("networking.k8s.io/networkpolicies", Moves::Spec),
    ("policy/poddisruptionbudgets", Moves::Spec),
    (
        "apiextensions.k8s.io/customresourcedefinitions",
        Moves::Spec,
    ),
    (
        "admissionregistration.k8s.io/validatingwebhookconfigurations",
        Moves::Body,
    ),
    (
        "admissionregistration.k8s.io/mutatingwebhookconfigurations",
        Moves::Body,
    ),
    (
        "admissionregistration.k8s.io/validatingadmissionpolicies",
        Moves::Spec,
    ),
    (
        "admissionregistration.k8s.io/validatingadmissionpolicybindings",
        Moves::Spec,
    ),
    ("flowcontrol.apiserver.k8s.io/flowschemas", Moves::Spec),
    (
        "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
        Moves::Spec,
    ),
    ("discovery.k8s.io/endpointslices", Moves::Body),
    ("scheduling.k8s.io/priorityclasses", Moves::Never),
    (
        "admissionregistration.k8s.io/mutatingadmissionpolicies",
        Moves::Spec,
    ),
    (
        "admissionregistration.k8s.io/mutatingadmissionpolicybindings",
        Moves::Spec,
    ),
    ("resource.k8s.io/resourceslices", Moves::Spec),
    ("resource.k8s.io/deviceclasses", Moves::Spec),
    ("resource.k8s.io/devicetaintrules", Moves::Spec),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Moves {
    Spec,
    SpecOrAnnotations,
    /// Everything but metadata and status.
    Body,
    /// It is 1 and stays so.
    Never,
}

/// Kinds without a status subresource in the way, or whose status comes with
/// the creation.
const KEEPS_STATUS_ON_CREATE: &[&str] = &["/nodes"];

/// Built-in kinds whose updates must name a resourceVersion. Custom
/// resources are all so.
const CONDITIONAL_ONLY: &[&str] = &[
    "admissionregistration.k8s.io/mutatingadmissionpolicies",
    "admissionregistration.k8s.io/mutatingadmissionpolicybindings",
    "admissionregistration.k8s.io/mutatingwebhookconfigurations",
    "admissionregistration.k8s.io/validatingadmissionpolicies",
    "admissionregistration.k8s.io/validatingadmissionpolicybindings",
    "admissionregistration.k8s.io/validatingwebhookconfigurations",
    "apiextensions.k8s.io/customresourcedefinitions",
    "apiregistration.k8s.io/apiservices",
    "certificates.k8s.io/clustertrustbundles",
    "coordination.k8s.io/leasecandidates",
    "coordination.k8s.io/leases",
    "node.k8s.io/runtimeclasses",
    "policy/poddisruptionbudgets",
    "policy/podsecuritypolicies",
    "storage.k8s.io/csidrivers",
    "storage.k8s.io/csinodes",
    "storage.k8s.io/csistoragecapacities",
    "storage.k8s.io/volumeattachments",
];

const CREATES_ON_UPDATE: &[&str] = &[
    "/endpoints",
    "/events",
    "/limitranges",
    "/services",
    "coordination.k8s.io/leasecandidates",
    "coordination.k8s.io/leases",
    "node.k8s.io/runtimeclasses",
    "rbac.authorization.k8s.io/clusterrolebindings",
    "rbac.authorization.k8s.io/clusterroles",
    "rbac.authorization.k8s.io/rolebindings",
    "rbac.authorization.k8s.io/roles",
];

/// Kinds whose deletion answers with the object instead of a Status.
const RETURNS_DELETED: &[&str] = &[
    "/namespaces",
    "/persistentvolumeclaims",
    "/persistentvolumes",
    "/pods",
    "/podtemplates",
    "/resourcequotas",
    "/serviceaccounts",
    "/services",
    "policy/podsecuritypolicies",
    "resource.k8s.io/deviceclasses",
    "resource.k8s.io/resourceclaims",
    "resource.k8s.io/resourceclaimtemplates",
    "resource.k8s.io/resourceslices",
    "storage.k8s.io/csidrivers",
    "storage.k8s.io/csinodes",
    "storage.k8s.io/storageclasses",
    "storage.k8s.io/volumeattachments",
    "storage.k8s.io/volumeattributesclasses",
];

pub const DEFAULT_POD_GRACE_SECONDS: i64 = 30;

fn is_among(resource: &Resource, list: &[&str]) -> bool {
    list.contains(&&*resource.shelf)
}

fn has_status(resource: &Resource) -> bool {
    resource.subresource("status").is_some()
}

fn moves(resource: &Resource) -> Option<Moves> {
    if resource.is_custom() {
        return Some(Moves::Body);
    }
    GENERATIONS
        .iter()
        .find(|(shelf, _)| *shelf == &*resource.shelf)
        .map(|(_, moves)| *moves)
}

pub fn allows_unconditional_update(resource: &Resource) -> bool {
    !resource.is_custom() && !is_among(resource, CONDITIONAL_ONLY)
}

pub fn creates_on_update(resource: &Resource) -> bool {
    is_among(resource, CREATES_ON_UPDATE)
}

pub fn returns_deleted(resource: &Resource) -> bool {
    is_among(resource, RETURNS_DELETED)
}

/// A client may not bring a status along.
pub fn reset_on_create(resource: &Resource, object: &mut Value) {
    if has_status(resource) && !is_among(resource, KEEPS_STATUS_ON_CREATE) {
        set(object, "status", rules::empty_status(resource));
    }
}

/// The part of the object that this way in may not change becomes the live
/// one's: the status of a plain update, all but the status of a status update.
pub fn reset_on_update(resource: &Resource, subresource: &str, object: &mut Value, live: &Value) {
    match subresource {
        "status" if resource.is_custom() => reset_all_but_status(object, live),
        "status" => {
            set(object, "spec", live.get("spec").cloned());
            let kept: &[&str] = match &*resource.shelf {
                "apps/deployments" => &["labels"],
                "/pods" => &["ownerReferences"],
                _ => &[],
            };
            for key in kept {
                let value = live.at(&["metadata", key]).cloned();
                set_in(metadata_mut(object), key, value);
            }
        }
        _ if has_status(resource) => {
            set(object, "status", live.get("status").cloned());
            if &*resource.shelf == "/namespaces" && subresource.is_empty() {
                // Only /finalize may change them.
                let finalizers = live.at(&["spec", "finalizers"]).cloned();
                if let Some(root) = object.as_map_mut() {
                    set_in(root.entry_map("spec"), "finalizers", finalizers);
                }
            }
        }
        _ => {}
    }
    keep_system_metadata(object, live);
}

/// The status update of a custom resource: not even metadata may change.
fn reset_all_but_status(object: &mut Value, live: &Value) {
    let status = object.get("status").cloned();
    let managed = object.at(&["metadata", "managedFields"]).cloned();
    *object = live.clone();
    set(object, "status", status);
    set_in(metadata_mut(object), "managedFields", managed);
}

fn set_in(map: &mut Map, key: &str, value: Option<Value>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(key),
    };
}

fn set(object: &mut Value, key: &str, value: Option<Value>) {
    if let Some(map) = object.as_map_mut() {
        set_in(map, key, value);
    }
}

fn keep_system_metadata(object: &mut Value, live: &Value) {
    let live = live.get("metadata").and_then(Value::as_map);
    let metadata = metadata_mut(object);
    for key in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "generation",
        "selfLink",
    ] {
        match live.and_then(|live| live.get(key)) {
            Some(value) => metadata.insert(key, value.clone()),
            None => metadata.remove(key),
        };
    }
    // The grace period may only be shortened, by a deletion.
    match live.and_then(|live| live.get("deletionGracePeriodSeconds")) {
        Some(value) if !metadata.contains_key("deletionGracePeriodSeconds") => {
            metadata.insert("deletionGracePeriodSeconds", value.clone());
        }
        Some(_) => {}
        None => {
            metadata.remove("deletionGracePeriodSeconds");
        }
    }
}

/// What a kind gets that no client writes.
pub fn prepare_create(cluster: &Cluster, resource: &Resource, object: &mut Value) {
    let metadata = metadata_mut(object);
    // The generation of pods came with 1.33.
    let counts =
        moves(resource).is_some() && (&*resource.shelf != "/pods" || cluster.version.minor >= 33);
    if counts {
        metadata.insert("generation", 1i64);
    } else {
        metadata.remove("generation");
    }
    if &*resource.shelf == "apps/daemonsets" {
        decode::number_template(object, None);
    }
    if &*resource.shelf == "batch/jobs" {
        select_pods_of_job(cluster, object);
    }
    let Some(root) = object.as_map_mut() else {
        return;
    };
    match &*resource.shelf {
        "/namespaces" => {
            let spec = root.entry_map("spec");
            let finalizers = spec.entry("finalizers", || Value::Seq(Vec::new()));
            if let Some(list) = finalizers.as_seq_mut()
                && !list.iter().any(|f| f.as_str() == Some("kubernetes"))
            {
                list.push(Value::from("kubernetes"));
            }
            root.entry_map("status").insert("phase", "Active");
        }
        crd::SHELF => store_version(root),
        "batch/jobs" => select_own_pods(root, cluster.version.minor),
        "/persistentvolumes" | "/persistentvolumeclaims" => {
            root.entry_map("status").insert("phase", "Pending");
        }
        "/pods" => {
            let quality = quality_of_service(root);
            let status = root.entry_map("status");
            status.insert("phase", "Pending");
            status.insert("qosClass", quality);
        }
        "/services" => {
            root.entry_map("status")
                .insert("loadBalancer", Value::Map(Map::new()));
        }
        _ => {}
    }
}

/// A Job that brings no selector of its own selects its pods by its uid. The
/// labels got their prefix in 1.27; the old ones are still set beside them.
fn select_own_pods(job: &mut Map, minor: u16) {
    let metadata = |key: &str| -> String {
        let value = job.get("metadata").and_then(|metadata| metadata.get(key));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (uid, name) = (metadata("uid"), metadata("name"));
    let spec = job.entry_map("spec");
    if spec.get("manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    let has_prefix = minor >= 27;
    let labels = spec
        .entry_map("template")
        .entry_map("metadata")
        .entry_map("labels");
    labels.insert("controller-uid", uid.as_str());
    labels.insert("job-name", name.as_str());
    if has_prefix {
        labels.insert("batch.kubernetes.io/controller-uid", uid.as_str());
        labels.insert("batch.kubernetes.io/job-name", name.as_str());
    }
    let key = if has_prefix {
        "batch.kubernetes.io/controller-uid"
    } else {
        "controller-uid"
    };
    spec.entry_map("selector")
        .entry_map("matchLabels")
        .entry(key, || Value::from(uid));
}

/// A definition remembers each version that objects were ever stored in.
fn store_version(root: &mut Map) {
    let stored = root
        .get("spec")
        .and_then(|spec| spec.get("versions"))
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .find(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .and_then(|version| version.get("name"))
        .cloned();
    let Some(name) = stored else {
        return;
    };
    let list = root
        .entry_map("status")
        .entry("storedVersions", || Value::Seq(Vec::new()));
    if list.as_seq().is_none() {
        *list = Value::Seq(Vec::new());
    }
    if let Some(list) = list.as_seq_mut()
        && !list.contains(&name)
    {
        list.push(name);
    }
}

/// A Job's pods carry its name and uid; the uid is what selects them.
fn select_pods_of_job(cluster: &Cluster, object: &mut Value) {
    let path = |path: &[&str]| {
        let text = object.at(path).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let (name, uid) = (path(&["metadata", "name"]), path(&["metadata", "uid"]));
    let Some(spec) = object.as_map_mut().map(|root| root.entry_map("spec")) else {
        return;
    };
    if spec.get("manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    // The names with a prefix came with 1.27.
    let is_prefixed = cluster.version.minor >= 27;
    let labels = spec
        .entry_map("template")
        .entry_map("metadata")
        .entry_map("labels");
    for (key, value) in [("job-name", &name), ("controller-uid", &uid)] {
        labels.entry(key, || Value::from(value.as_str()));
        if is_prefixed {
            labels.entry(&format!("batch.kubernetes.io/{key}"), || {
                Value::from(value.as_str())
            });
        }
    }
    let labels = labels.clone();
    let key = if is_prefixed {
        "batch.kubernetes.io/controller-uid"
    } else {
        "controller-uid"
    };
    spec.entry_map("selector")
        .entry_map("matchLabels")
        .entry(key, || Value::from(uid));
    // A Job without labels of its own has those of its pods.
    let own = metadata_mut(object).entry_map("labels");
    if own.is_empty() {
        *own = labels;
    }
}

/// The generation moves with what it counts.
pub fn prepare_update(resource: &Resource, subresource: &str, object: &mut Value, live: &Value) {
    if subresource == "status" {
        return;
    }
    if &*resource.shelf == "apps/daemonsets" {
        decode::number_template(object, Some(live));
    }
    if &*resource.shelf == crd::SHELF
        && let Some(root) = object.as_map_mut()
    {
        store_version(root);
    }
    let Some(moves) = moves(resource) else {
        return;
    };
    let spec_moved = object.get("spec") != live.get("spec");
    let has_moved = match moves {
        Moves::Never => false,
        Moves::Spec => spec_moved,
        Moves::SpecOrAnnotations => {
            spec_moved
                || object.at(&["metadata", "annotations"]) != live.at(&["metadata", "annotations"])
        }
        Moves::Body => {
            let skips = |key: &str| {
                key == "metadata"
                    || (key == "status" && (has_status(resource) || !resource.is_custom()))
            };
            let body = |value: &Value| -> Map {
                value
                    .as_map()
                    .into_iter()
                    .flat_map(Map::iter)
                    .filter(|(key, _)| !skips(key))
                    .map(|(key, value)| (key, value.clone()))
                    .collect()
            };
            body(object) != body(live)
        }
    };
    if has_moved {
        let before = live
            .at(&["metadata", "generation"])
            .and_then(Value::as_i64)
            .unwrap_or(0);
        metadata_mut(object).insert("generation", before + 1);
    }
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
fn quality_of_service(pod: &Map) -> &'static str {
    let spec = pod.get("spec");
    let list = |name: &str| {
        spec.and_then(|spec| spec.get(name))
            .and_then(Value::as_seq)
            .unwrap_or_default()
    };
    let (mut any, mut all) = (false, true);
    for container in list("containers").iter().chain(list("initContainers")) {
        for resource in ["cpu", "memory"] {
            let limit = container.at(&["resources", "limits", resource]);
            let request = container.at(&["resources", "requests", resource]);
            any |= limit.is_some() || request.is_some();
            all &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// The seconds that a kind takes to go away; only pods take any.
pub fn grace_period(resource: &Resource, object: &Value, asked: Option<i64>) -> Option<i64> {
    if &*resource.shelf != "/pods" {
        return None;
    }
    let text = |path: &[&str]| object.at(path).and_then(Value::as_str).unwrap_or_default();
    // A pod that no node runs, or that has ended, goes at once.
    if text(&["spec", "nodeName"]).is_empty()
        || matches!(text(&["status", "phase"]), "Succeeded" | "Failed")
    {
        return Some(0);
    }
    let own = object
        .at(&["spec", "terminationGracePeriodSeconds"])
        .and_then(Value::as_i64)
        .unwrap_or(DEFAULT_POD_GRACE_SECONDS);
    let seconds = asked.unwrap_or(own);
    Some(if seconds < 0 { 1 } else { seconds })
}

/// Kinds of old versions that leave their dependents behind unless told.
pub fn orphans_by_default(resource: &Resource) -> bool {
    matches!(
        (
            resource.group.as_str(),
            resource.version.as_str(),
            resource.plural.as_str()
        ),
        ("", "v1", "replicationcontrollers")
            | ("batch", "v1", "jobs")
            | (
                "extensions",
                _,
                "deployments" | "daemonsets" | "replicasets"
            )
            | ("apps", "v1beta1" | "v1beta2", _)
    )
}

pub fn orphan_warning(resource: &Resource) -> Option<&'static str> {
    (&*resource.shelf == "batch/jobs").then_some(
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
    )
}

/// Namespaces that the NamespaceLifecycle admission does not let go.
const IMMORTAL_NAMESPACES: &[&str] = &["default", "kube-system", "kube-public"];

pub fn check_delete(resource: &Resource, object: &Value) -> Result<(), Refusal> {
    let name = object
        .at(&["metadata", "name"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    if &*resource.shelf == "/namespaces" && IMMORTAL_NAMESPACES.contains(&name) {
        let namespaces = GroupName::new("", "namespaces");
        return Err(Refusal::forbidden(
            &namespaces,
            name,
            "this namespace may not be deleted",
        ));
    }
    Ok(())
}
