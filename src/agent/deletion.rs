//! Deletion of an Application that carries our finalizers: PreDelete hooks,
//! then its objects, highest wave first, then PostDelete hooks. Each step
//! takes its finalizer away, so that a restarted agent goes on from there.

use super::controller::{Controller, Timer};
use super::delete_hooks::DeleteHooks;
use super::live::{Live, LiveObject};
use super::message::{AppId, Message};
use super::permissions::Permits;
use super::watch::Watches;
use super::writes::{Writer, patch_application};
use crate::app::{APPLICATION, PropagationPolicy, SyncOptions};
use crate::kube::{Client, Resource};
use crate::object::{Gvk, ResourceKey, names};
use crate::sync::{HookKind, Item};
use crate::value::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// One pass waits so long for a wave to go; the next pass goes on.
const WAVE_WAIT: Duration = Duration::from_secs(20);
const WAVE_POLL: Duration = Duration::from_millis(100);
const LIST_WAIT: Duration = Duration::from_secs(30);

impl Controller {
    /// Starts the deletion, unless one is under way.
    pub(super) fn begin_deletion(&mut self, id: &AppId) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let finalizers: Vec<String> = app.app.finalizers.clone();
        // What may be deleted is the project's to say.
        let is_ours = finalizers
            .iter()
            .any(|name| is_resources_finalizer(name) || is_hook_finalizer(name));
        if app.deleting || !is_ours || self.settings.observe || !self.projects_listed {
            return;
        }
        let project = app.app.spec.project();
        if !self.projects.contains_key(project) {
            let fault = format!(
                "cannot delete: Application referencing project {project} which does not exist"
            );
            self.cascade_done(id, Err(fault));
            return;
        }
        let (wanting, preferred) = match self.reach(id) {
            Ok(()) => {
                let app = self.apps.get(id).expect("looked up above");
                let destination = self.destination(app).expect("its cluster is reached");
                (
                    destination.live.of_instance(&app.instance),
                    destination.discovery.clone(),
                )
            }
            // It goes on as soon as its cluster has answered.
            Err(None) => return,
            Err(Some(error)) => {
                self.cascade_done(id, Err(format!("cannot delete: {error}")));
                return;
            }
        };
        let app = self.apps.get(id).expect("looked up above");
        let account = match self.account(app) {
            Ok(account) => account,
            Err(why) => {
                self.cascade_done(id, Err(format!("cannot delete: {why}")));
                return;
            }
        };
        let cluster = self.cluster_of(app).expect("it is reached");
        let runs_hooks = finalizers.iter().any(|name| {
            name == names::PRE_DELETE_FINALIZER || name == names::POST_DELETE_FINALIZER
        });
        if runs_hooks && app.delete_hooks.is_none() {
            self.render_delete_hooks(id);
            return;
        }
        let cascade = finalizers.iter().any(|name| is_resources_finalizer(name));
        let deleted_at = app.app.deletion_timestamp.clone();
        if cascade && !app.app.is_confirmed_since(&deleted_at) {
            let options = app.app.spec.sync_options();
            let wanting = wanting
                .iter()
                .find(|(_, object)| object.sync_options(&options).delete_confirm);
            if let Some((key, _)) = wanting {
                let message = format!(
                    "waiting for deletion confirmation of {key}: set the annotation {} to the time of now",
                    names::DELETION_APPROVED
                );
                let app = self.apps.get_mut(id).expect("looked up above");
                app.auto.held = Some(("DeletionWarning", message));
                self.report_soon(id);
                return;
            }
        }
        let propagation = if finalizers
            .iter()
            .any(|name| is_resources_finalizer(name) && name.ends_with("/background"))
        {
            PropagationPolicy::Background
        } else {
            PropagationPolicy::Foreground
        };
        let resources: Vec<Arc<Resource>> = app
            .app
            .status
            .resources
            .iter()
            .map(|resource| (resource.group.clone(), resource.kind.clone()))
            .chain(app.kinds())
            .collect::<BTreeSet<_>>()
            .iter()
            .filter_map(|(group, kind)| preferred.preferred(group, kind).cloned())
            .collect();
        let destination = self.destination(app).expect("its cluster is reached");
        let deletion = Deletion {
            options: app.app.spec.sync_options(),
            writer: self
                .writer_at(app, &cluster, account.as_deref())
                .expect("its cluster is reached"),
            permits: self.permits(app),
            homes: app.homes_of_applications(),
            watches: destination.watches.clone(),
            client: self.client_of(app, &self.client),
            hooks: app.delete_hooks.clone().unwrap_or_default(),
            short_revision: app.revision().chars().take(7).collect(),
            live: destination.live.clone(),
            id: id.clone(),
            deleted_at,
            finalizers,
            propagation,
            resources,
        };
        let (results, id) = (self.results.clone(), id.clone());
        let app = self.apps.get_mut(&id).expect("looked up above");
        app.deleting = true;
        app.operation = None;
        app.auto.held = None;
        app.generation += 1;
        self.write_pool.run(move || {
            let result = deletion.run();
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::CascadeDone(id, result));
        });
    }

    pub(super) fn cascade_done(&mut self, id: &AppId, result: Result<bool, String>) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        app.deleting = false;
        match result {
            Ok(true) => app.deletion_error = None,
            Ok(false) => self.after(Duration::from_secs(1), Timer::Deletion(id.clone())),
            Err(message) => {
                tracing::warn!(app = %id, message, "deletion");
                app.deletion_error = Some(message);
                self.report_soon(id);
                self.after(self.settings.retry_first, Timer::Deletion(id.clone()));
            }
        }
    }

    /// The hooks come from the sources once more; the last snapshot will do.
    fn render_delete_hooks(&mut self, id: &AppId) {
        let app = self.apps.get_mut(id).expect("its caller looked it up");
        app.deleting = true;
        app.operation = None;
        app.generation += 1;
        let app = self.apps.get(id).expect("looked up above");
        let mut comparison = self.comparison(app).expect("its cluster is reached");
        let (sources, results, id) = (self.sources.clone(), self.results.clone(), id.clone());
        let budget = self.budget.clone();
        self.fetch_pool.run(move || {
            let mut render = || -> Result<Vec<Item>, String> {
                if comparison.resolved.is_empty() {
                    comparison.resolved = match sources.resolve(&comparison.app, false) {
                        Ok(resolved) => resolved,
                        Err(error) => sources
                            .last_known(&comparison.app)
                            .ok_or_else(|| error.to_string())?,
                    };
                }
                let outcome = comparison
                    .run_within(&budget)
                    .map_err(|error| error.to_string())?;
                let mut items = outcome.items.unwrap_or_default();
                items.retain(|item| {
                    let mut hooks = item.hooks.iter();
                    hooks.any(|hook| matches!(hook, HookKind::PreDelete | HookKind::PostDelete))
                });
                Ok(items)
            };
            let result = render();
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::DeleteHooks(id, result));
        });
    }

    pub(super) fn delete_hooks_rendered(&mut self, id: &AppId, result: Result<Vec<Item>, String>) {
        match result {
            Ok(hooks) => {
                let Some(app) = self.apps.get_mut(id) else {
                    return;
                };
                app.deleting = false;
                app.delete_hooks = Some(Arc::new(hooks));
                self.begin_deletion(id);
            }
            Err(message) => {
                let message = format!("cannot render the hooks of the deletion: {message}");
                self.cascade_done(id, Err(message));
            }
        }
    }
}

fn is_resources_finalizer(name: &str) -> bool {
    name == names::RESOURCES_FINALIZER
        || name
            .strip_prefix(names::RESOURCES_FINALIZER)
            .is_some_and(|rest| rest == "/foreground" || rest == "/background")
}

/// A finalizer of PreDelete or PostDelete hooks.
pub(super) fn is_hook_finalizer(name: &str) -> bool {
    let name = name.strip_suffix(CLEANUP).unwrap_or(name);
    name == names::PRE_DELETE_FINALIZER || name == names::POST_DELETE_FINALIZER
}

/// Behind the name of a hooks' finalizer: the hooks have run, and those whose
/// policy says so are deleted.
pub(super) const CLEANUP: &str = "/cleanup";

/// One pass over what is left to do.
struct Deletion {
    writer: Writer,
    live: Arc<Live>,
    watches: Watches,
    client: Client,
    permits: Permits,
    id: AppId,
    finalizers: Vec<String>,
    propagation: PropagationPolicy,
    options: SyncOptions,
    resources: Vec<Arc<Resource>>,
    /// The namespaces of the Applications among its objects.
    homes: BTreeSet<String>,
    hooks: Arc<Vec<Item>>,
    short_revision: String,
    deleted_at: String,
}

impl Deletion {
    /// True when nothing is left to do.
    fn run(mut self) -> Result<bool, String> {
        if !self.run_hooks(HookKind::PreDelete, names::PRE_DELETE_FINALIZER)? {
            return Ok(false);
        }
        if self.has(is_resources_finalizer) {
            self.watches.ensure(self.resources.iter(), &self.homes);
            let kinds = self
                .resources
                .iter()
                .map(|resource| (resource.group.clone(), resource.kind.clone()))
                .collect();
            let unlisted = self.live.wait_listed(&kinds, LIST_WAIT);
            if let Some((group, kind)) = unlisted.first() {
                return Err(format!(
                    "cannot delete: the live objects of {group}/{kind} could not be listed"
                ));
            }
            let is_done = delete_wave(
                &self.writer,
                &self.live,
                &self.id,
                &self.permits,
                self.propagation,
                &self.options,
            )?;
            if !is_done {
                return Ok(false);
            }
            self.remove(is_resources_finalizer)?;
        }
        self.run_hooks(HookKind::PostDelete, names::POST_DELETE_FINALIZER)
    }

    fn run_hooks(&mut self, kind: HookKind, finalizer: &str) -> Result<bool, String> {
        let hooks = DeleteHooks {
            writer: &self.writer,
            permits: &self.permits,
            kind,
            items: &self.hooks,
            short_revision: &self.short_revision,
            deleted_at: &self.deleted_at,
        };
        if self.has(|name| name == finalizer) {
            if !hooks.run()? {
                return Ok(false);
            }
            self.remove(|name| name == finalizer)?;
        }
        let cleanup = format!("{finalizer}{CLEANUP}");
        if self.has(|name| name == cleanup) {
            let hooks = DeleteHooks {
                writer: &self.writer,
                permits: &self.permits,
                kind,
                items: &self.hooks,
                short_revision: &self.short_revision,
                deleted_at: &self.deleted_at,
            };
            hooks.clean_up()?;
            self.remove(|name| name == cleanup)?;
        }
        Ok(true)
    }

    fn has(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.finalizers.iter().any(|name| is_meant(name))
    }

    fn remove(&mut self, is_meant: impl Fn(&str) -> bool) -> Result<(), String> {
        self.finalizers.retain(|name| !is_meant(name));
        let kept: Vec<Value> = self
            .finalizers
            .iter()
            .map(|name| Value::from(name.as_str()))
            .collect();
        let metadata = Map::from_iter([("finalizers", Value::Seq(kept))]);
        let patch = Value::Map(Map::from_iter([("metadata", metadata)]));
        patch_application(&self.client, &self.id.namespace, &self.id.name, patch)
            .map_err(|error| error.to_string())?;
        Ok(())
    }
}

/// Deletes the highest wave that is left; true when nothing is left.
fn delete_wave(
    writer: &Writer,
    live: &Live,
    id: &AppId,
    permits: &Permits,
    propagation: PropagationPolicy,
    options: &SyncOptions,
) -> Result<bool, String> {
    loop {
        let mut left: Vec<(ResourceKey, LiveObject)> = live.of_instance(&writer.instance);
        left.retain(|(key, object)| {
            is_deleted_with_application(key, object, id, options) && permits.allows_live(key)
        });
        let Some(wave) = left.iter().map(|(_, object)| object.wave).max() else {
            return Ok(true);
        };
        left.retain(|(_, object)| object.wave == wave);
        for (key, object) in &left {
            let gvk = Gvk::new(&key.group, &object.version, &key.kind);
            writer
                .delete(&gvk, key, propagation)
                .map_err(|fault| fault.message)?;
        }
        let until = Instant::now() + WAVE_WAIT;
        while left.iter().any(|(key, _)| live.get(key).is_some()) {
            if Instant::now() > until {
                return Ok(false);
            }
            thread::sleep(WAVE_POLL);
        }
    }
}

fn is_deleted_with_application(
    key: &ResourceKey,
    object: &LiveObject,
    id: &AppId,
    options: &SyncOptions,
) -> bool {
    let itself = key.kind == APPLICATION && key.name == id.name && key.namespace == id.namespace;
    let options = object.sync_options(options);
    !itself
        && !object.has_owner
        && !object.is_kept
        && key.kind != "CustomResourceDefinition"
        && !object.is_delete_hook
        && options.delete != Some(false)
}
