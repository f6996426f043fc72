use super::read::{Selection, find};
use super::write::{self, text};
use super::{Call, options};
use crate::sandbox::catalog::Resource;
use crate::sandbox::cluster::{Cluster, rfc3339};
use crate::sandbox::http::{Answer, Body, List};
use crate::sandbox::life::{CLEANUP_FINALIZER, set_condition};
use crate::sandbox::status::{Details, GroupName, Refusal};
use crate::sandbox::store::Stored;
use crate::sandbox::{convert, crd, strategy};
use crate::value::{Map, Value};
use std::rc::Rc;

pub const ORPHAN_FINALIZER: &str = "orphan";
pub const FOREGROUND_FINALIZER: &str = "foregroundDeletion";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Orphan,
    Background,
    Foreground,
}

#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    pub grace_period_seconds: Option<i64>,
    pub propagation: Option<Propagation>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub dry_run: bool,
}

impl DeleteOptions {
    /// From the body, or else from the query.
    fn of(call: &Call) -> Result<Self, Refusal> {
        let mut found = DeleteOptions::default();
        let mut errors = Vec::new();
        let mut policy = String::new();
        let mut orphan = None;
        if call.body.is_empty() {
            found.grace_period_seconds = call.query.number("gracePeriodSeconds")?;
            policy = call.query.get("propagationPolicy").to_owned();
            found.dry_run = options::check_dry_run(call.query.dry_run(), &mut errors);
            if call.query.has("orphanDependents") {
                orphan = Some(call.query.flag("orphanDependents"));
            }
        } else {
            let body = Value::from_json(&call.body)
                .map_err(|error| Refusal::bad_request(error.to_string()))?;
            found.grace_period_seconds = body.get("gracePeriodSeconds").and_then(Value::as_i64);
            policy.push_str(text(&body, &["propagationPolicy"]));
            orphan = body.get("orphanDependents").and_then(Value::as_bool);
            let owned = |path: &[&str]| body.at(path).and_then(Value::as_str).map(str::to_owned);
            found.uid = owned(&["preconditions", "uid"]);
            found.resource_version = owned(&["preconditions", "resourceVersion"]);
            let dry_run: Vec<String> = body
                .get("dryRun")
                .and_then(Value::as_seq)
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            found.dry_run = options::check_dry_run(&dry_run, &mut errors);
        }
        found.propagation = match (policy.as_str(), orphan) {
            ("", None) => None,
            ("", Some(true)) => Some(Propagation::Orphan),
            ("", Some(false)) => Some(Propagation::Background),
            ("Orphan", _) => Some(Propagation::Orphan),
            ("Background", _) => Some(Propagation::Background),
            ("Foreground", _) => Some(Propagation::Foreground),
            (other, _) => {
                let known = ["Foreground", "Background", "Orphan", "nil"].map(str::to_owned);
                errors.push(crate::sandbox::status::FieldError::not_supported(
                    "propagationPolicy",
                    &Value::from(other),
                    &known,
                ));
                None
            }
        };
        if errors.is_empty() {
            return Ok(found);
        }
        let kind = GroupName::new("meta.k8s.io", "DeleteOptions");
        Err(Refusal::invalid(&kind, "", &errors))
    }
}

/// What a deletion left behind.
pub enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Value),
    /// Finalizers or a grace period hold it.
    Pending(Value),
}

pub fn delete(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let options = DeleteOptions::of(call)?;
    let stored = find(cluster, call)?;
    let deleted = delete_one(cluster, &call.resource, &stored, &options)?;
    if !options.dry_run {
        cluster.writes.count("delete");
    }
    let mut answer = match deleted {
        Deleted::Pending(object) => Answer::object(200, object),
        Deleted::Gone(object) if strategy::returns_deleted(&call.resource) => {
            Answer::object(200, object)
        }
        Deleted::Gone(object) => {
            let details = Details {
                name: call.name.clone(),
                group: call.resource.group.clone(),
                kind: call.resource.plural.clone(),
                uid: text(&object, &["metadata", "uid"]).to_owned(),
                ..Details::default()
            };
            Answer::object(200, success(details.to_value()))
        }
    };
    if options.propagation.is_none() && strategy::orphans_by_default(&call.resource) {
        answer
            .warnings
            .extend(strategy::orphan_warning(&call.resource).map(str::to_owned));
    }
    Ok(answer)
}

fn success(details: Value) -> Value {
    let mut status = Map::new();
    status.insert("kind", "Status");
    status.insert("apiVersion", "v1");
    status.insert("metadata", Map::new());
    status.insert("status", "Success");
    status.insert("details", details);
    Value::Map(status)
}

pub fn delete_collection(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let selection = Selection::of(call)?;
    let options = DeleteOptions::of(call)?;
    let everything = |stored: &Stored| selection.matches(stored);
    let items = cluster
        .store
        .page(&call.resource.shelf, &call.namespace, None, 0, everything)
        .items;
    for stored in &items {
        match delete_one(cluster, &call.resource, stored, &options) {
            Ok(_) => {}
            // Another deletion of the same call may have taken it along.
            Err(refusal) if refusal.code == 404 => {}
            Err(refusal) => return Err(refusal),
        }
    }
    if !options.dry_run {
        cluster.writes.count("deletecollection");
    }
    Ok(Answer::ok(Body::List(List {
        resource: call.resource.clone(),
        items,
        resource_version: cluster.store.resource_version(),
        next: None,
        remaining: None,
    })))
}

/// Deletes one object, or marks it where something must happen first.
pub fn delete_one(
    cluster: &mut Cluster,
    resource: &Rc<Resource>,
    stored: &Stored,
    options: &DeleteOptions,
) -> Result<Deleted, Refusal> {
    let mut object = convert::from_store(resource, stored);
    check_preconditions(resource, stored, options)?;
    strategy::check_delete(resource, &object)?;
    if &*resource.shelf == "/namespaces" {
        return Ok(delete_namespace(cluster, resource, object, options));
    }
    if &*resource.shelf == crd::SHELF && !stored.is_deleting {
        mark_definition(cluster, &mut object);
        if !options.dry_run {
            let stored = write::put(cluster, resource, object);
            object = convert::from_store(resource, &stored);
        }
        return Ok(Deleted::Pending(object));
    }
    let is_deleting = stored.is_deleting;
    let grace = match strategy::grace_period(resource, &object, options.grace_period_seconds) {
        Some(_) if is_deleting => {
            let pending = object
                .at(&["metadata", "deletionGracePeriodSeconds"])
                .and_then(Value::as_i64)
                .unwrap_or(0);
            match options.grace_period_seconds {
                Some(asked) if asked < pending => Some(asked),
                _ if pending == 0 => None,
                _ => return Ok(Deleted::Pending(object)),
            }
        }
        grace => grace,
    };
    let finalizers = finalizers_after(resource, &object, options);
    let holds = !finalizers.is_empty() || grace.is_some_and(|seconds| seconds > 0);
    if !holds {
        if !options.dry_run {
            write::remove(cluster, resource, &stored.namespace, &stored.name);
        }
        return Ok(Deleted::Gone(object));
    }
    let seconds = grace.unwrap_or(0);
    let until = cluster.clock.now() + jiff::SignedDuration::from_secs(seconds);
    let metadata = write::metadata_mut(&mut object);
    let had: Vec<String> = strings(metadata.get("finalizers"));
    if had != finalizers {
        let list: Vec<Value> = finalizers.into_iter().map(Value::from).collect();
        if list.is_empty() {
            metadata.remove("finalizers");
        } else {
            metadata.insert("finalizers", list);
        }
    }
    if !is_deleting {
        metadata.insert("deletionTimestamp", rfc3339(until));
        if let Some(generation) = metadata.get("generation").and_then(Value::as_i64) {
            metadata.insert("generation", generation + 1);
        }
    }
    metadata.insert("deletionGracePeriodSeconds", seconds);
    if options.dry_run {
        return Ok(Deleted::Pending(object));
    }
    let is_same = object == convert::from_store(resource, stored);
    if !is_same {
        let stored = write::put(cluster, resource, object);
        object = convert::from_store(resource, &stored);
    }
    Ok(Deleted::Pending(object))
}

/// A definition waits for its instances.
fn mark_definition(cluster: &Cluster, definition: &mut Value) {
    let now = cluster.clock.seconds();
    let metadata = write::metadata_mut(definition);
    metadata.insert("deletionTimestamp", now.as_str());
    let finalizers = metadata.entry("finalizers", || Value::Seq(Vec::new()));
    if let Some(list) = finalizers.as_seq_mut() {
        list.push(Value::from(CLEANUP_FINALIZER));
    }
    if let Some(root) = definition.as_map_mut() {
        set_condition(
            root.entry_map("status"),
            "Terminating",
            "True",
            "InstanceDeletionPending",
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
            &now,
        );
    }
}

/// A namespace first becomes Terminating; the life empties it.
fn delete_namespace(
    cluster: &mut Cluster,
    resource: &Rc<Resource>,
    mut object: Value,
    options: &DeleteOptions,
) -> Deleted {
    if object.at(&["metadata", "deletionTimestamp"]).is_some() {
        return Deleted::Pending(object);
    }
    let now = cluster.clock.seconds();
    write::metadata_mut(&mut object).insert("deletionTimestamp", now);
    if let Some(map) = object.as_map_mut() {
        map.entry_map("status").insert("phase", "Terminating");
    }
    if options.dry_run {
        return Deleted::Pending(object);
    }
    let stored = write::put(cluster, resource, object);
    Deleted::Pending(convert::from_store(resource, &stored))
}

fn check_preconditions(
    resource: &Resource,
    stored: &Stored,
    options: &DeleteOptions,
) -> Result<(), Refusal> {
    let named = GroupName::new(&resource.group, &resource.kind);
    if let Some(uid) = &options.uid
        && **uid != *stored.uid
    {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            stored.uid
        );
        return Err(Refusal::conflict(&named, &stored.name, &why));
    }
    if let Some(version) = &options.resource_version
        && *version != stored.resource_version.to_string()
    {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The object might have been modified",
            stored.resource_version
        );
        return Err(Refusal::conflict(&named, &stored.name, &why));
    }
    Ok(())
}

fn strings(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The finalizers with those of the garbage collector set as the options,
/// the object, or the kind's default want them.
fn finalizers_after(resource: &Resource, object: &Value, options: &DeleteOptions) -> Vec<String> {
    let had = strings(object.at(&["metadata", "finalizers"]));
    let has = |name: &str| had.iter().any(|finalizer| finalizer == name);
    let policy = match options.propagation {
        Some(policy) => policy,
        None if has(ORPHAN_FINALIZER) => Propagation::Orphan,
        None if has(FOREGROUND_FINALIZER) => Propagation::Foreground,
        None if strategy::orphans_by_default(resource) => Propagation::Orphan,
        None => Propagation::Background,
    };
    let mut finalizers: Vec<String> = had
        .iter()
        .filter(|name| !matches!(name.as_str(), ORPHAN_FINALIZER | FOREGROUND_FINALIZER))
        .cloned()
        .collect();
    match policy {
        Propagation::Orphan => finalizers.push(ORPHAN_FINALIZER.to_owned()),
        Propagation::Foreground => finalizers.push(FOREGROUND_FINALIZER.to_owned()),
        Propagation::Background => {}
    }
    finalizers
}
