//! Every write of the agent to the API server is sent from here.

use super::application::child_health;
use super::compare::{field_validation, rules_for};
use super::live::Live;
use super::resources::{application_resource, secret_resource};
use crate::app::{APPLICATION, GROUP, IgnoreDifferences, PropagationPolicy};
use crate::diff::{
    Digest, adoption_patch, owned_digest, respect, scrub, seizing_patch, without_undeclared,
};
use crate::health::HealthStatus;
use crate::kube::{
    self, ApplyOptions, Client, Conflict, DeleteOptions, Deleted, Discovery, FieldValidation,
    Patch, Propagation, Resource, WriteOptions,
};
use crate::object::{Gvk, Object, ResourceKey, names};
use crate::sync::{Action, Event, Item, Task, TaskFault};
use crate::value::{Map, Value};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long an applied CRD may take to be established, and how often we look.
const ESTABLISHED_WAIT: Duration = Duration::from_secs(30);
const ESTABLISHED_POLL: Duration = Duration::from_millis(50);
/// How long a hook's old object may take to go.
const GONE_WAIT: Duration = Duration::from_secs(60);
const GONE_POLL: Duration = Duration::from_millis(200);
/// Objects that changed under our hands are read and tried again.
const CONFLICT_ATTEMPTS: u32 = 5;
/// A refusal names the fields of one level: below others there may be more.
const UNDECLARED_ATTEMPTS: u32 = 5;

/// Who writes status, conditions and the like. Not our field manager: a
/// render must not own what we report.
pub const STATUS_MANAGER: &str = "drupelet-controller";

/// Sends the writes of one application's sync.
#[derive(Clone)]
pub struct Writer {
    pub client: Client,
    pub discovery: Arc<Discovery>,
    pub live: Arc<Live>,
    pub instance: String,
    /// Of the application.
    pub ignore_differences: Vec<IgnoreDifferences>,
    pub force: bool,
    /// A custom resource that has no status is taken as one that has no
    /// health: nobody has reported on it for long enough.
    pub silence_is_health: bool,
}

/// An object as an apply left it.
pub struct Applied {
    pub key: ResourceKey,
    /// Digest of the fields that are ours.
    pub owned: Option<Digest>,
    /// `deployment.apps/web configured`.
    pub message: String,
}

impl Writer {
    /// `None` where the cluster does not know the kind.
    fn served(&self, gvk: &Gvk) -> Result<Option<Arc<Resource>>, TaskFault> {
        if let Some(resource) = self.discovery.resource(gvk) {
            return Ok(Some(resource.clone()));
        }
        // A CRD of this very sync may have brought it.
        let fresh = self.client.discover(None).map_err(|error| fault(&error))?;
        Ok(fresh.resource(gvk).cloned())
    }

    fn resource(&self, gvk: &Gvk) -> Result<Arc<Resource>, TaskFault> {
        self.served(gvk)?.ok_or_else(|| unserved(gvk))
    }

    pub fn dry_run(&self, index: usize, task: &Task) -> Event {
        let result = self.served(&task.gvk).and_then(|found| {
            let may_wait = task
                .item()
                .is_some_and(|item| item.options.skip_dry_run_on_missing_resource == Some(true));
            let resource = match found {
                Some(resource) => resource,
                None if may_wait => return Ok(()),
                None => return Err(unserved(&task.gvk)),
            };
            let desired = desired(task)?;
            let options = self.apply_options(task, true);
            match apply_declared(&self.client, &resource, &desired, &options) {
                Ok(_) => Ok(()),
                // Items of others are in the way: the apply takes them over.
                Err(error) if error.is_invalid() && self.may_seize(&resource, &desired, task) => {
                    Ok(())
                }
                Err(error) if self.forces(task) && self.helps(&resource, &desired, &error) => {
                    Ok(())
                }
                Err(error) => Err(explained(&error, task)),
            }
        });
        Event::DryRunDone(index, result)
    }

    fn forces(&self, task: &Task) -> bool {
        let item = task.item();
        self.force || item.is_some_and(|item| item.options.force == Some(true))
    }

    fn may_seize(&self, resource: &Resource, desired: &Object, task: &Task) -> bool {
        let migrates = task
            .item()
            .is_none_or(|item| item.options.client_side_apply_migration != Some(false));
        let live = self
            .client
            .find(resource, desired.namespace(), desired.name());
        matches!(live, Ok(Some(live)) if seizing_patch(&live, desired).is_some()
            || (migrates && adoption_patch(&live).is_some()))
    }

    /// Whether an object that is refused would be accepted if it were made
    /// anew: a wrong object must not cost the one that is there.
    fn helps(&self, resource: &Resource, desired: &Object, error: &kube::Error) -> bool {
        if !error.is_invalid() && error.code() != 409 {
            return false;
        }
        let options = WriteOptions {
            dry_run: true,
            ..WriteOptions::by(names::FIELD_MANAGER)
        };
        match self.client.create(resource, desired, &options) {
            Ok(_) => true,
            Err(error) => error.conflict() == Some(Conflict::AlreadyExists),
        }
    }

    fn apply_options(&self, task: &Task, dry_run: bool) -> ApplyOptions {
        let validation = task.item().map_or(FieldValidation::Strict, |item| {
            field_validation(&item.options)
        });
        ApplyOptions {
            force: true,
            dry_run,
            field_validation: validation,
            ..ApplyOptions::by(names::FIELD_MANAGER)
        }
    }

    pub fn apply(&self, task: &Task) -> Result<Applied, TaskFault> {
        let resource = self.resource(&task.gvk)?;
        let desired = desired(task)?;
        let item = task.item().expect("only desired objects are applied");
        let mut before = self
            .client
            .find(&resource, desired.namespace(), desired.name())
            .map_err(|error| fault(&error))?;
        if let Some(live) = &before
            && item.options.client_side_apply_migration != Some(false)
            && let Some(patch) = adoption_patch(live)
        {
            before = Some(self.rewrite_managers(&resource, live, patch, &adoption_patch)?);
        }
        let desired = self.respected(desired, item, before.as_ref());
        let replaces = item.options.replace == Some(true);
        let forced = self.forces(task);
        let applied = if replaces {
            self.replace(&resource, &desired, before.as_ref(), forced)
        } else {
            let options = self.apply_options(task, false);
            apply_declared(&self.client, &resource, &desired, &options)
        };
        let applied = match (applied, &before) {
            (Err(error), Some(live)) if error.is_invalid() && !replaces => {
                self.apply_seizing(&resource, &desired, live, task, error)
            }
            (applied, _) => applied,
        };
        let applied = match applied {
            Err(error) if forced && self.helps(&resource, &desired, &error) => {
                self.recreate(&resource, &desired, task)?
            }
            other => other.map_err(|error| explained(&error, task))?,
        };
        self.note(&applied);
        if desired.kind() == "CustomResourceDefinition" {
            self.await_established(&resource, desired.name())?;
        }
        let verb = match &before {
            None => "created",
            Some(before) if before.resource_version() == applied.resource_version() => "unchanged",
            Some(_) => "configured",
        };
        let message = format!(
            "{}/{} {verb}",
            match resource.group.as_str() {
                "" => resource.plural.trim_end_matches('s').to_owned(),
                group => format!("{}.{group}", resource.kind.to_lowercase()),
            },
            applied.name()
        );
        Ok(Applied {
            key: task.key.clone(),
            owned: owned_digest(&applied, names::FIELD_MANAGER),
            message,
        })
    }

    /// RespectIgnoreDifferences: what is ignored keeps its live value.
    fn respected(&self, desired: Object, item: &Item, before: Option<&Object>) -> Object {
        match before {
            Some(live) if item.options.respect_ignore_differences == Some(true) => {
                let rules = rules_for(&self.live.config(), &self.ignore_differences, &desired);
                respect(&desired, live, &rules)
            }
            _ => desired,
        }
    }

    /// A second attempt for an object whose lists hold items of others that
    /// do not go with ours: theirs are made ours, so that they go.
    fn apply_seizing(
        &self,
        resource: &Resource,
        desired: &Object,
        live: &Object,
        task: &Task,
        error: kube::Error,
    ) -> Result<Object, kube::Error> {
        let seize = |live: &Object| seizing_patch(live, desired);
        let Some(patch) = seize(live) else {
            return Err(error);
        };
        match self.rewrite_managers(resource, live, patch, &seize) {
            Ok(_) => {
                let options = self.apply_options(task, false);
                apply_declared(&self.client, resource, desired, &options)
            }
            Err(_) => Err(error),
        }
    }

    /// Gives managed fields another owner: by a patch, made again by `again`
    /// where the object changed meanwhile.
    fn rewrite_managers(
        &self,
        resource: &Resource,
        live: &Object,
        patch: Value,
        again: &dyn Fn(&Object) -> Option<Value>,
    ) -> Result<Object, TaskFault> {
        let mut live = live.clone();
        let mut patch = patch;
        for _ in 0..CONFLICT_ATTEMPTS {
            let result = self.client.patch(
                resource,
                live.namespace(),
                live.name(),
                &Patch::Json(patch),
                &WriteOptions::by(names::FIELD_MANAGER),
            );
            match result {
                Ok(adopted) => return Ok(adopted),
                // The `test` of the patch, or a conflict: it changed meanwhile.
                Err(error) if error.is_invalid() || error.code() == 409 => {
                    live = self
                        .client
                        .get(resource, live.namespace(), live.name())
                        .map_err(|error| fault(&error))?;
                    match again(&live) {
                        Some(next) => patch = next,
                        None => return Ok(live),
                    }
                }
                Err(error) => return Err(fault(&error)),
            }
        }
        Err(TaskFault {
            message: format!("{}: changes faster than it can be adopted", live.key()),
            aborts: false,
            is_transient: true,
        })
    }

    fn replace(
        &self,
        resource: &Resource,
        desired: &Object,
        before: Option<&Object>,
        forced: bool,
    ) -> Result<Object, kube::Error> {
        let options = WriteOptions::by(names::FIELD_MANAGER);
        let Some(before) = before else {
            return self.client.create(resource, desired, &options);
        };
        if forced {
            let (namespace, name) = (before.namespace(), before.name());
            self.client
                .delete(resource, namespace, name, &DeleteOptions::default())?;
            let until = Instant::now() + GONE_WAIT;
            loop {
                match self.client.create(resource, desired, &options) {
                    // The old object is still being deleted.
                    Err(error)
                        if error.conflict() == Some(Conflict::AlreadyExists)
                            && Instant::now() < until =>
                    {
                        thread::sleep(GONE_POLL);
                    }
                    result => return result,
                }
            }
        }
        let mut object = desired.clone();
        object
            .metadata_mut()
            .insert("resourceVersion", before.resource_version());
        self.client.update(resource, &object, &options)
    }

    /// Force: what cannot be changed is deleted and made anew.
    fn recreate(
        &self,
        resource: &Resource,
        desired: &Object,
        task: &Task,
    ) -> Result<Object, TaskFault> {
        let (namespace, name) = (desired.namespace(), desired.name());
        self.client
            .delete(resource, namespace, name, &DeleteOptions::default())
            .map_err(|error| fault(&error))?;
        self.await_gone(resource, namespace, name)?;
        let options = self.apply_options(task, false);
        apply_declared(&self.client, resource, desired, &options)
            .map_err(|error| explained(&error, task))
    }

    /// The answer of the API server is the newest state that there is.
    fn note(&self, object: &Object) {
        self.live.note(object);
    }

    fn await_established(&self, resource: &Resource, name: &str) -> Result<(), TaskFault> {
        let until = Instant::now() + ESTABLISHED_WAIT;
        loop {
            let crd = self
                .client
                .get(resource, "", name)
                .map_err(|error| fault(&error))?;
            let conditions = crd.at(&["status", "conditions"]).and_then(Value::as_seq);
            let is_established = conditions.unwrap_or_default().iter().any(|condition| {
                condition.get("type").and_then(Value::as_str) == Some("Established")
                    && condition.get("status").and_then(Value::as_str) == Some("True")
            });
            if is_established {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(TaskFault {
                    message: format!("CustomResourceDefinition {name}: not established in time"),
                    aborts: false,
                    is_transient: true,
                });
            }
            thread::sleep(ESTABLISHED_POLL);
        }
    }

    fn await_gone(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
    ) -> Result<(), TaskFault> {
        let until = Instant::now() + GONE_WAIT;
        loop {
            let found = self
                .client
                .find(resource, namespace, name)
                .map_err(|error| fault(&error))?;
            if found.is_none() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(TaskFault {
                    message: format!("{}: is not deleted in time", resource.key(namespace, name)),
                    aborts: false,
                    is_transient: true,
                });
            }
            thread::sleep(GONE_POLL);
        }
    }

    pub fn prune(&self, index: usize, task: &Task) -> Event {
        let Action::Prune { propagation, .. } = &task.action else {
            unreachable!("the machine prunes prune tasks only");
        };
        match self.delete(&task.gvk, &task.key, *propagation) {
            Ok(false) => Event::Pruning(index),
            result => Event::Pruned(index, result.map(|_| ())),
        }
    }

    /// Deletes an object that is still ours; false while something holds it.
    pub fn delete(
        &self,
        gvk: &Gvk,
        key: &ResourceKey,
        propagation: PropagationPolicy,
    ) -> Result<bool, TaskFault> {
        let resource = self.resource(gvk)?;
        // The watch may be behind: ours is what says so now.
        let live = self
            .client
            .find(&resource, &key.namespace, &key.name)
            .map_err(|error| fault(&error))?;
        let Some(live) = live else {
            self.live.remove(key);
            return Ok(true);
        };
        let tracking = &self.live.config().tracking;
        if !tracking.is_of(&live, &self.instance) || !live.owner_references().is_empty() {
            return Ok(true);
        }
        self.release(&resource, &live)?;
        if live.is_deleting() {
            return Ok(false);
        }
        let options = DeleteOptions {
            propagation: match propagation {
                PropagationPolicy::Foreground => Propagation::Foreground,
                PropagationPolicy::Background => Propagation::Background,
                PropagationPolicy::Orphan => Propagation::Orphan,
            },
            uid: Some(live.uid().to_owned()),
            ..DeleteOptions::default()
        };
        match self
            .client
            .delete(&resource, &key.namespace, &key.name, &options)
        {
            Ok(Deleted::Gone | Deleted::NotFound) => {
                self.live.remove(key);
                Ok(true)
            }
            Ok(Deleted::Deleting(object)) => {
                self.note(&object);
                Ok(false)
            }
            Err(error) => Err(fault(&error)),
        }
    }

    /// Takes the finalizer off a hook that was there until its end was seen.
    fn release(&self, resource: &Resource, live: &Object) -> Result<(), TaskFault> {
        let mut live = live.clone();
        for _ in 0..CONFLICT_ATTEMPTS {
            let place = live.finalizers().position(|f| f == names::HOOK_FINALIZER);
            let Some(place) = place else {
                return Ok(());
            };
            // The `test` keeps us from taking away another's finalizer.
            let path = format!("/metadata/finalizers/{place}");
            let step = |op: &str| {
                let mut step = Map::new();
                step.insert("op", op);
                step.insert("path", path.as_str());
                step
            };
            let mut test = step("test");
            test.insert("value", names::HOOK_FINALIZER);
            let patch = Value::Seq(vec![Value::Map(test), Value::Map(step("remove"))]);
            let result = self.client.patch(
                resource,
                live.namespace(),
                live.name(),
                &Patch::Json(patch),
                &WriteOptions::by(names::FIELD_MANAGER),
            );
            match result {
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) if error.is_invalid() || error.code() == 409 => {
                    let found = self
                        .client
                        .find(resource, live.namespace(), live.name())
                        .map_err(|error| fault(&error))?;
                    match found {
                        Some(newer) => live = newer,
                        None => return Ok(()),
                    }
                }
                Err(error) => return Err(fault(&error)),
            }
        }
        Err(TaskFault {
            message: format!("{}: changes faster than it can be released", live.key()),
            aborts: false,
            is_transient: true,
        })
    }

    /// The object of a task as it is.
    pub fn live_of(&self, task: &Task) -> Result<Option<Object>, TaskFault> {
        let resource = self.resource(&task.gvk)?;
        self.client
            .find(&resource, &task.key.namespace, &task.key.name)
            .map_err(|error| fault(&error))
    }

    /// The hook has ended. What goes wrong here is mended before the next run.
    pub fn release_hook(&self, task: &Task) {
        let released = self.live_of(task).and_then(|found| match found {
            Some(live) => self.release(&*self.resource(&task.gvk)?, &live),
            None => Ok(()),
        });
        if let Err(fault) = released {
            tracing::warn!(hook = %task.key, "the hook's finalizer stays: {}", fault.message);
        }
    }

    pub fn delete_hook(&self, index: usize, task: &Task) -> Event {
        let result = self.served(&task.gvk).and_then(|found| {
            // A kind that is not served holds no old hook.
            let Some(resource) = found else {
                return Ok(());
            };
            let key = &task.key;
            let options = DeleteOptions {
                propagation: Propagation::Background,
                ..DeleteOptions::default()
            };
            match self
                .client
                .delete(&resource, &key.namespace, &key.name, &options)
            {
                Ok(Deleted::Deleting(live)) => self
                    .release(&resource, &live)
                    .and_then(|()| self.await_gone(&resource, &key.namespace, &key.name)),
                Ok(Deleted::Gone | Deleted::NotFound) => Ok(()),
                Err(error) if error.is_kind_not_served() => Ok(()),
                Err(error) => Err(fault(&error)),
            }?;
            self.live.remove(key);
            Ok(())
        });
        Event::HookGone(index, result)
    }

    /// The health of a task's object as the API server has it now.
    pub fn observe(&self, index: usize, task: &Task) -> Option<Event> {
        let resource = self.resource(&task.gvk).ok()?;
        let live = self
            .client
            .find(&resource, &task.key.namespace, &task.key.name)
            .ok()?;
        Some(match live {
            None => Event::Health(index, Some(HealthStatus::Missing), "is gone".to_owned()),
            Some(live) => {
                self.note(&live);
                let is_silent = live.at(&["status"]).is_none() && task.gvk.group.contains('.');
                if self.silence_is_health && is_silent {
                    return Some(Event::Health(index, None, String::new()));
                }
                let health = match task.gvk.group == GROUP && task.gvk.kind == APPLICATION {
                    true => Some(child_health(&live)),
                    false => self.live.get(&task.key).and_then(|live| live.health),
                };
                match health {
                    Some(health) => Event::Health(index, Some(health.status), health.message),
                    None => Event::Health(index, None, String::new()),
                }
            }
        })
    }

    /// CreateNamespace: makes the destination's namespace, or brings its
    /// metadata in line where the application manages that.
    pub fn ensure_namespace(&self, name: &str, metadata: Option<&Map>) -> Result<bool, TaskFault> {
        let resource = self.resource(&Gvk::new("", "v1", "Namespace"))?;
        let live = self
            .client
            .find(&resource, "", name)
            .map_err(|error| fault(&error))?;
        if live.is_some() && metadata.is_none() {
            return Ok(false);
        }
        let mut root = Map::from_iter([("apiVersion", "v1"), ("kind", "Namespace")]);
        let mut own = metadata.cloned().unwrap_or_default();
        own.insert("name", name);
        root.insert("metadata", own);
        let object = Object::new(Value::Map(root)).expect("apiVersion and kind are set");
        if live.is_none() && metadata.is_none() {
            return match self.client.create(
                &resource,
                &object,
                &WriteOptions::by(names::FIELD_MANAGER),
            ) {
                Ok(_) => Ok(true),
                Err(error) if error.conflict() == Some(Conflict::AlreadyExists) => Ok(false),
                Err(error) => Err(fault(&error)),
            };
        }
        let options = ApplyOptions {
            force: true,
            ..ApplyOptions::by("drupelet-namespace")
        };
        let applied = self
            .client
            .apply(&resource, &object, &options)
            .map_err(|error| fault(&error))?;
        Ok(live.is_none_or(|live| live.resource_version() != applied.resource_version()))
    }
}

/// Server-side apply; with `Validate=false`, without the fields that no schema
/// knows, each of which it would be refused for.
pub(super) fn apply_declared(
    client: &Client,
    resource: &Resource,
    desired: &Object,
    options: &ApplyOptions,
) -> Result<Object, kube::Error> {
    let mut declared = None;
    let mut n_attempts = 1;
    loop {
        let object = declared.as_ref().unwrap_or(desired);
        let error = match client.apply(resource, object, options) {
            Ok(applied) => return Ok(applied),
            Err(error) => error,
        };
        if options.field_validation != FieldValidation::Ignore || n_attempts == UNDECLARED_ATTEMPTS
        {
            return Err(error);
        }
        match without_undeclared(object, &error.to_string()) {
            Some(next) => declared = Some(next),
            None => return Err(error),
        }
        n_attempts += 1;
    }
}

fn unserved(gvk: &Gvk) -> TaskFault {
    TaskFault {
        message: format!(
            "kind {} of {} is not served by the cluster; install its CRD first",
            gvk.kind,
            gvk.api_version()
        ),
        aborts: false,
        is_transient: false,
    }
}

fn desired(task: &Task) -> Result<Object, TaskFault> {
    let item = task.item().expect("only desired objects are applied");
    let value = Value::from_json(item.manifest.as_bytes()).expect("written by ourselves");
    let mut object = Object::new(value).expect("written by ourselves");
    if object.name().is_empty() {
        // A hook with generateName gets the name that its plan gave it.
        object.metadata_mut().remove("generateName");
        object.metadata_mut().insert("name", task.key.name.as_str());
        let id = object.annotation(names::TRACKING_ID).map(|id| {
            let instance = id.split(':').next().unwrap_or_default();
            crate::diff::tracking_id(instance, &task.key)
        });
        if let Some(id) = id {
            object.set_annotation(names::TRACKING_ID, &id);
        }
    }
    if task.hook.is_some() && !object.finalizers().any(|f| f == names::HOOK_FINALIZER) {
        // It must not be gone before its end was seen (ttlSecondsAfterFinished).
        let finalizers: Vec<Value> = object
            .finalizers()
            .chain([names::HOOK_FINALIZER])
            .map(Value::from)
            .collect();
        object.metadata_mut().insert("finalizers", finalizers);
    }
    Ok(object)
}

pub(super) fn fault(error: &kube::Error) -> TaskFault {
    TaskFault {
        message: error.to_string(),
        is_transient: error.is_retryable(),
        // The client has retried already: the API server is away.
        aborts: error.status().is_none() && error.is_retryable(),
    }
}

/// How the API server says that a field cannot be changed.
const IMMUTABLE: &[&str] = &[
    "field is immutable",
    "is immutable after creation",
    "is immutable when",
    "may not change once set",
    "cannot change roleRef",
    "are forbidden",
    "updates to parameters",
];

/// The fault of one object, with what helps where that is known.
fn explained(error: &kube::Error, task: &Task) -> TaskFault {
    let mut fault = fault(error);
    if let Ok(desired) = desired(task) {
        fault.message = scrub(&fault.message, &desired);
    }
    let is_immutable = IMMUTABLE.iter().any(|words| fault.message.contains(words));
    if is_immutable && error.is_invalid() {
        fault.message.push_str(&format!(
            " (a field of {} changed that cannot be changed; annotate it with {}: Force=true,Replace=true to have it deleted and created anew)",
            task.key,
            names::SYNC_OPTIONS
        ));
    }
    fault
}

/// Patches an Application: status, operation, annotations. `None`: it is gone.
pub fn patch_application(
    client: &Client,
    namespace: &str,
    name: &str,
    patch: Value,
) -> Result<Option<Object>, kube::Error> {
    let resource = application_resource();
    match client.patch(
        &resource,
        namespace,
        name,
        &Patch::Merge(patch),
        &WriteOptions::by(STATUS_MANAGER),
    ) {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the Secret of what an application's charts drew.
pub fn keep_generated(client: &Client, secret: &Object) -> Result<(), kube::Error> {
    let options = ApplyOptions {
        force: true,
        ..ApplyOptions::by(names::FIELD_MANAGER)
    };
    client
        .apply(&secret_resource(), secret, &options)
        .map(|_| ())
}

/// Applies an object as the agent's own installation (CRDs, default project),
/// only where it is missing.
pub fn create_if_missing(
    client: &Client,
    resource: &Resource,
    object: &Object,
) -> Result<bool, kube::Error> {
    if client
        .find(resource, object.namespace(), object.name())?
        .is_some()
    {
        return Ok(false);
    }
    match client.create(resource, object, &WriteOptions::by(names::FIELD_MANAGER)) {
        Ok(_) => Ok(true),
        Err(error) if error.conflict() == Some(Conflict::AlreadyExists) => Ok(false),
        Err(error) => Err(error),
    }
}
