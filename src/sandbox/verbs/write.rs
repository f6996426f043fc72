//! The steps that every change takes between the client's object and the
//! store, in the order of apiserver's handlers and registry.

use super::{Validation, WriteOptions};
use crate::sandbox::catalog::Resource;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::status::{FieldError, GroupName, Refusal};
use crate::sandbox::store::Stored;
use crate::sandbox::{allocate, convert, rules, strategy};
use crate::value::{Map, Value};
use std::rc::Rc;

/// What became of an object.
pub struct Written {
    pub object: Value,
    pub warnings: Vec<String>,
    pub is_new: bool,
}

/// Where an object lies, as the path of the request says.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub resource: &'a Rc<Resource>,
    pub namespace: &'a str,
    pub name: &'a str,
    pub subresource: &'a str,
}

/// Who tracks the fields of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tracking {
    /// managedFields are still those of the live object.
    Update,
    /// A server-side apply has written them already.
    Applied,
}

pub fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    object.at(path).and_then(Value::as_str).unwrap_or_default()
}

/// The metadata, made where it is missing.
pub fn metadata_mut(object: &mut Value) -> &mut Map {
    if object.as_map().is_none() {
        *object = Value::Map(Map::new());
    }
    object
        .as_map_mut()
        .expect("set to a map just above")
        .entry_map("metadata")
}

/// apiVersion and kind must be those of the path; absent ones are filled in.
pub fn check_kind(resource: &Resource, object: &mut Value) -> Result<(), Refusal> {
    let kind = object.kind();
    let Some(map) = object.as_map_mut() else {
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): a JSON object is expected, not a {kind}",
            resource.kind
        )));
    };
    let wanted = resource.api_version();
    let given = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
    let (given_version, given_kind) = (given("apiVersion").to_owned(), given("kind").to_owned());
    if !given_kind.is_empty() && given_kind != resource.kind {
        return Err(Refusal::bad_request(format!(
            "{given_kind} in version {:?} cannot be handled as a {}: no kind {given_kind:?} is registered for version {given_version:?} in scheme \"pkg/runtime/scheme.go:110\"",
            given_version.rsplit('/').next().unwrap_or_default(),
            resource.kind,
        )));
    }
    if !given_version.is_empty() && given_version != wanted {
        return Err(Refusal::bad_request(format!(
            "the API version in the data ({given_version}) does not match the expected API version ({wanted})"
        )));
    }
    map.insert("apiVersion", wanted);
    map.insert("kind", resource.kind.as_str());
    Ok(())
}

/// Drops the fields that the kind does not have: a warning or a refusal for
/// each, as `fieldValidation` wants it.
pub fn decode(
    resource: &Resource,
    object: &mut Value,
    duplicates: Vec<String>,
    validation: Validation,
    warnings: &mut Vec<String>,
) -> Result<(), DecodeFault> {
    let mut faults = rules::decode(resource, object).map_err(DecodeFault::WrongType)?;
    faults.extend(duplicates);
    match validation {
        Validation::Ignore => {}
        Validation::Warn => warnings.extend(faults),
        Validation::Strict if faults.is_empty() => {}
        Validation::Strict => {
            return Err(DecodeFault::Strict(format!(
                "strict decoding error: {}",
                faults.join(", ")
            )));
        }
    }
    Ok(())
}

pub enum DecodeFault {
    WrongType(String),
    Strict(String),
}

impl DecodeFault {
    pub fn text(&self) -> &str {
        match self {
            DecodeFault::WrongType(text) | DecodeFault::Strict(text) => text,
        }
    }

    /// The refusal of a whole object.
    pub fn of_object(&self, resource: &Resource) -> Refusal {
        Refusal::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {}",
            resource.kind,
            resource.version,
            resource.kind,
            self.text()
        ))
    }

    /// The refusal of what an apply made; the server has no word for it.
    pub fn of_applied(&self, resource: &Resource, config: &Value) -> Refusal {
        let gvk = format!("{}, Kind={}", resource.api_version(), resource.kind);
        Refusal::failed(format!(
            "failed to convert new object ({}/{}; {gvk}) to proper version: unable to convert unstructured object to {gvk}: {}",
            text(config, &["metadata", "namespace"]),
            text(config, &["metadata", "name"]),
            self.text()
        ))
    }

    /// The refusal of what a patch made.
    pub fn of_patched(&self, patched: &Value) -> Refusal {
        let error = FieldError::invalid("patch", &Value::from(patched.to_json()), self.text());
        Refusal::invalid(&GroupName::new("", ""), "", &[error])
    }
}

/// The namespace in the object must agree with the request's.
pub fn check_namespace(target: Target<'_>, object: &mut Value) -> Result<(), Refusal> {
    let given = text(object, &["metadata", "namespace"]).to_owned();
    if given == target.namespace {
        return Ok(());
    }
    if given.is_empty() && target.resource.namespaced {
        metadata_mut(object).insert("namespace", target.namespace);
        return Ok(());
    }
    Err(Refusal::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request",
    ))
}

/// Runs a new object through the rest of its creation. `object` has been
/// decoded and defaulted; its managedFields are complete if it was applied.
pub fn complete_create(
    cluster: &mut Cluster,
    target: Target<'_>,
    mut object: Value,
    options: &WriteOptions,
    tracking: Tracking,
) -> Result<Written, Refusal> {
    let resource = target.resource;
    let mut warnings = Vec::new();
    check_namespace(target, &mut object)?;
    {
        let uid = cluster.randomness.uid();
        let now = cluster.clock.seconds();
        let suffix = cluster.randomness.suffix();
        let metadata = metadata_mut(&mut object);
        metadata.insert("uid", uid);
        metadata.insert("creationTimestamp", now);
        for dropped in [
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "resourceVersion",
        ] {
            metadata.remove(dropped);
        }
        let is_nameless = metadata
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .is_empty();
        if is_nameless && let Some(prefix) = metadata.get("generateName").and_then(Value::as_str) {
            // The API server's own limit: names of 63 bytes, suffix included.
            let cut = prefix
                .char_indices()
                .map(|(at, _)| at)
                .find(|at| *at >= 58)
                .unwrap_or(prefix.len());
            let name = format!("{}{suffix}", &prefix[..cut]);
            metadata.insert("name", name);
        }
    }
    let name = text(&object, &["metadata", "name"]).to_owned();
    if name.is_empty() {
        let error = FieldError::required("metadata.name", "name or generateName is required");
        return Err(Refusal::invalid(&resource.group_kind(), "", &[error]));
    }
    check_namespace_lives(cluster, target, &name)?;
    if tracking == Tracking::Update {
        rules::track(cluster, resource, None, &mut object, &options.manager, "");
    }
    rules::admit(cluster, resource, &mut object, None)?;
    allocate::on_create(cluster, resource, &mut object)?;
    strategy::reset_on_create(resource, &mut object);
    strategy::prepare_create(cluster, resource, &mut object);
    let errors = rules::validate(resource, &object, None);
    if !errors.is_empty() {
        return Err(Refusal::invalid(&resource.group_kind(), &name, &errors));
    }
    let found = cluster
        .store
        .get(&resource.shelf, target.namespace, &name)
        .is_some();
    if found {
        let is_generated = !text(&object, &["metadata", "generateName"]).is_empty();
        return Err(if is_generated && target.name.is_empty() {
            Refusal::generated_name_exists(&resource.group_resource(), &name)
        } else {
            Refusal::already_exists(&resource.group_resource(), &name)
        });
    }
    let object = rules::stored(resource, object);
    rules::warn(resource, &object, &mut warnings);
    if options.dry_run {
        return Ok(Written {
            object,
            warnings,
            is_new: true,
        });
    }
    let stored = put(cluster, resource, object);
    Ok(Written {
        object: convert::from_store(resource, &stored),
        warnings,
        is_new: true,
    })
}

/// Runs a changed object through the rest of its update. `object` is what
/// the client wants, decoded and defaulted.
pub fn complete_update(
    cluster: &mut Cluster,
    target: Target<'_>,
    live: &Value,
    mut object: Value,
    options: &WriteOptions,
    tracking: Tracking,
) -> Result<Written, Refusal> {
    let resource = target.resource;
    let mut warnings = Vec::new();
    check_namespace(target, &mut object)?;
    check_precondition(target, live, &mut object)?;
    if tracking == Tracking::Update {
        rules::track(
            cluster,
            resource,
            Some(live),
            &mut object,
            &options.manager,
            target.subresource,
        );
    }
    if target.subresource.is_empty() {
        rules::admit(cluster, resource, &mut object, Some(live))?;
        allocate::on_update(cluster, resource, &mut object, live)?;
    }
    strategy::reset_on_update(resource, target.subresource, &mut object, live);
    strategy::prepare_update(resource, target.subresource, &mut object, live);
    // A binding sets what an update may not: the node of a pod.
    let errors = match target.subresource {
        "binding" => Vec::new(),
        _ => rules::validate(resource, &object, Some(live)),
    };
    if !errors.is_empty() {
        return Err(Refusal::invalid(
            &resource.group_kind(),
            target.name,
            &errors,
        ));
    }
    let mut object = rules::stored(resource, object);
    rules::keep_times_if_unchanged(&mut object, live);
    rules::warn(resource, &object, &mut warnings);
    if options.dry_run || object == *live {
        return Ok(Written {
            object,
            warnings,
            is_new: false,
        });
    }
    let stored = if is_finalized(resource, &object) {
        // The last finalizer is gone: so is the object.
        remove(cluster, resource, target.namespace, target.name);
        return Ok(Written {
            object,
            warnings,
            is_new: false,
        });
    } else {
        put(cluster, resource, object)
    };
    Ok(Written {
        object: convert::from_store(resource, &stored),
        warnings,
        is_new: false,
    })
}

/// uid and resourceVersion of the client's object against the live one.
fn check_precondition(target: Target<'_>, live: &Value, object: &mut Value) -> Result<(), Refusal> {
    let resource = target.resource;
    let uid = text(object, &["metadata", "uid"]);
    let live_uid = text(live, &["metadata", "uid"]);
    if !uid.is_empty() && uid != live_uid {
        return Err(Refusal::conflict(
            &resource.group_resource(),
            target.name,
            &format!(
                "StorageError: invalid object, Code: 4, Key: /registry/{}/{}{}{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {live_uid}",
                resource.plural,
                target.namespace,
                if target.namespace.is_empty() { "" } else { "/" },
                target.name
            ),
        ));
    }
    let version = text(object, &["metadata", "resourceVersion"]);
    let live_version = text(live, &["metadata", "resourceVersion"]);
    if matches!(version, "" | "0") {
        if !strategy::allows_unconditional_update(resource) {
            let kind = GroupName::new(&resource.group, &resource.plural);
            let error = FieldError::invalid_plain(
                "metadata.resourceVersion",
                "0",
                "must be specified for an update",
            );
            return Err(Refusal::invalid(&kind, target.name, &[error]));
        }
    } else if version != live_version {
        return Err(Refusal::conflict(
            &resource.group_resource(),
            target.name,
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    let live_version = live_version.to_owned();
    metadata_mut(object).insert("resourceVersion", live_version);
    Ok(())
}

/// True when nothing holds a deleted object back any more.
fn is_finalized(resource: &Resource, object: &Value) -> bool {
    let metadata = object.get("metadata");
    let field = |name: &str| metadata.and_then(|m| m.get(name));
    if field("deletionTimestamp").is_none() {
        return false;
    }
    let is_empty =
        |list: Option<&Value>| list.and_then(Value::as_seq).is_none_or(<[Value]>::is_empty);
    if !is_empty(field("finalizers")) {
        return false;
    }
    if field("deletionGracePeriodSeconds")
        .and_then(Value::as_i64)
        .unwrap_or(0)
        != 0
    {
        return false;
    }
    // A namespace has finalizers of its own in its spec.
    &*resource.shelf != "/namespaces" || is_empty(object.at(&["spec", "finalizers"]))
}

/// The NamespaceLifecycle admission: the namespace must be there, and alive.
fn check_namespace_lives(cluster: &Cluster, target: Target<'_>, name: &str) -> Result<(), Refusal> {
    if !target.resource.namespaced {
        return Ok(());
    }
    let namespaces = GroupName::new("", "namespaces");
    let Some(namespace) = cluster.store.get("/namespaces", "", target.namespace) else {
        return Err(Refusal::not_found(&namespaces, target.namespace));
    };
    let namespace = namespace.to_value("v1", "Namespace");
    if text(&namespace, &["status", "phase"]) == "Terminating" {
        let why = format!(
            "unable to create new content in namespace {} because it is being terminated",
            target.namespace
        );
        let resource = target.resource.group_resource();
        return Err(Refusal::forbidden(&resource, name, &why).with_cause(
            "NamespaceTerminating",
            &format!("namespace {} is being terminated", target.namespace),
            "metadata.namespace",
        ));
    }
    Ok(())
}

/// Stores an object of any served version.
pub fn put(cluster: &mut Cluster, resource: &Rc<Resource>, object: Value) -> Rc<Stored> {
    let hub = convert::to_hub(resource, object);
    let stored = cluster.store.put(&resource.shelf, hub);
    cluster.noticed(&resource.shelf, &stored);
    stored
}

pub fn remove(
    cluster: &mut Cluster,
    resource: &Rc<Resource>,
    namespace: &str,
    name: &str,
) -> Option<Rc<Stored>> {
    let stored = cluster.store.remove(&resource.shelf, namespace, name)?;
    cluster.noticed_removal(&resource.shelf, &stored);
    Some(stored)
}
