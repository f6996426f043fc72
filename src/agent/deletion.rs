//! Deletion of an Application that carries the resources finalizer: its
//! objects go first, highest wave first, then the finalizer.

use super::controller::Controller;
use super::live::{Live, LiveObject};
use super::message::{AppId, Message};
use super::permissions::Permits;
use super::writes::{Writer, patch_application};
use crate::app::{APPLICATION, PropagationPolicy, SyncOptions};
use crate::object::{Gvk, ResourceKey, names};
use crate::value::{Map, Value};
use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

/// One pass waits so long for a wave to go; the next pass goes on.
const WAVE_WAIT: Duration = Duration::from_secs(20);
const WAVE_POLL: Duration = Duration::from_millis(100);
const LIST_WAIT: Duration = Duration::from_secs(30);

impl Controller {
    /// Starts the cascade, unless one is under way.
    pub(super) fn begin_deletion(&mut self, id: &AppId) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let finalizers: Vec<String> = app.app.finalizers.clone();
        let ours: Vec<String> = finalizers
            .iter()
            .filter(|name| is_resources_finalizer(name))
            .cloned()
            .collect();
        // What may be deleted is the project's to say.
        if app.deleting || ours.is_empty() || self.settings.observe || !self.projects_listed {
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
        let propagation = if ours.iter().any(|name| name.ends_with("/background")) {
            PropagationPolicy::Background
        } else {
            PropagationPolicy::Foreground
        };
        let resources: Vec<_> = app
            .app
            .status
            .resources
            .iter()
            .filter_map(|resource| {
                self.discovery
                    .preferred(&resource.group, &resource.kind)
                    .cloned()
            })
            .collect();
        let kinds: BTreeSet<(String, String)> = resources
            .iter()
            .map(|resource| (resource.group.clone(), resource.kind.clone()))
            .chain(app.kinds())
            .collect();
        let options = app.app.spec.sync_options();
        let writer = self.writer(app);
        let permits = self.permits(app);
        let watches = self.watches.clone();
        let live = self.live.clone();
        let client = self.client.clone();
        let (results, id) = (self.results.clone(), id.clone());
        let app = self.apps.get_mut(&id).expect("looked up above");
        app.deleting = true;
        app.operation = None;
        app.generation += 1;
        self.write_pool.run(move || {
            watches.ensure(resources.iter());
            live.wait_listed(&kinds, LIST_WAIT);
            let result = delete_wave(&writer, &live, &id, &permits, propagation, &options);
            let result = result.and_then(|is_done| {
                if is_done {
                    let kept: Vec<Value> = finalizers
                        .iter()
                        .filter(|name| !ours.contains(name))
                        .map(|name| Value::from(name.as_str()))
                        .collect();
                    let metadata = Map::from_iter([("finalizers", Value::Seq(kept))]);
                    let patch = Value::Map(Map::from_iter([("metadata", metadata)]));
                    patch_application(&client, &id.namespace, &id.name, patch)
                        .map_err(|error| error.to_string())?;
                }
                Ok(is_done)
            });
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::CascadeDone(id, result));
        });
    }
}

fn is_resources_finalizer(name: &str) -> bool {
    name == names::RESOURCES_FINALIZER
        || name
            .strip_prefix(names::RESOURCES_FINALIZER)
            .is_some_and(|rest| rest == "/foreground" || rest == "/background")
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
        && options.delete != Some(false)
        && !options.delete_confirm
}
