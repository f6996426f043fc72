//! What is written back on the Application: status, conditions, history, as
//! Argo CD writes them; and only what changed.

use super::application::status_of;
use super::controller::Controller;
use super::deletion::{CLEANUP, is_hook_finalizer};
use super::handle::AppView;
use super::live::LiveObject;
use super::message::{AppId, Message};
use super::operation::Stage;
use super::result::sync_result;
use super::state::AppState;
use super::told;
use super::writes::patch_application;
use crate::app::{
    AppHealth, ApplicationStatus, ComparedTo, Condition, OperationState, ResourceStatus, Summary,
    SyncCode, SyncStatus,
};
use crate::health::HealthStatus;
use crate::object::{Object, ResourceKey, names};
use crate::value::patch::diff_merge_patch;
use crate::value::{Map, Value};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// A report that could not be written is tried again after this.
const REPORT_RETRY: Duration = Duration::from_secs(5);
/// A commit that moves hundreds of applications has hundreds of reports: they
/// leave threads to the syncs.
const REPORTS: &str = "reports";

impl Controller {
    /// Writes the report of an application, if it says anything new.
    pub(super) fn report_now(&mut self, id: &AppId) {
        let now = self.now_text();
        let Some(app) = self.apps.get(id) else {
            return;
        };
        if app.reporting {
            // The answer to the one under way starts the next, by a timer of
            // its own: the one that led here is used up.
            let app = self.apps.get_mut(id).expect("looked up above");
            app.report_again = true;
            app.report_due = None;
            return;
        }
        let (patch, adds) = self.report_patch(app, &now);
        let patch = patch.filter(|_| adds.is_none() || adds != app.report_in_vain);
        self.wake_dependents(id);
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let records = is_recording(app);
        let app = self.apps.get_mut(id).expect("looked up above");
        app.report_due = None;
        if self.settings.observe {
            return;
        }
        let Some(patch) = patch else {
            if records {
                self.operation_recorded(id);
            }
            return;
        };
        app.reporting = true;
        app.report_records = records;
        app.report_adds = adds;
        self.metrics.status_patches.add_one();
        let app = self.apps.get(id).expect("looked up above");
        let client = self.client_of(app, &self.client);
        let (results, id) = (self.results.clone(), id.clone());
        self.write_pool.run_with(REPORTS.to_owned(), move || {
            let result = patch_application(&client, &id.namespace, &id.name, patch)
                .map_err(|error| error.to_string());
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Reported(id, result));
        });
    }

    pub(super) fn reported(&mut self, id: &AppId, result: Result<Option<Object>, String>) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        app.reporting = false;
        let records = std::mem::take(&mut app.report_records);
        match result {
            Ok(Some(object)) => {
                let known = status_of(&object);
                if let Some(adds) = app.report_adds.take() {
                    let kept = app.known_status.get() != known;
                    app.report_in_vain = (!kept).then_some(adds);
                }
                app.known_status.set(&known);
                app.resource_version = object.resource_version().to_owned();
                // A report that was under way when the operation ended does not
                // take `.operation` away: taken for done, the wish would start
                // a second time.
                app.clear_operation &= object.at(&["operation"]).is_some();
                let again = std::mem::take(&mut app.report_again) || app.clear_operation;
                // Somebody took the wish back before it was told that it began.
                let is_taken_back = records
                    && object.at(&["operation"]).is_none()
                    && app.operation.as_ref().is_some_and(|one| one.from_field);
                // A wish to end it may have come between two of our reports.
                if is_terminating(&object) || is_taken_back {
                    self.terminate_operation(id);
                } else if records {
                    self.operation_recorded(id);
                }
                match self.apps.get(id) {
                    // One that began while this report was on its way is not
                    // told yet, and waits for it.
                    Some(app) if again && is_recording(app) => self.report_now(id),
                    Some(_) if again => self.report_soon(id),
                    Some(_) | None => {}
                }
            }
            // Deleted meanwhile: the watch will say so.
            Ok(None) => {}
            Err(message) => {
                tracing::warn!(app = %id, message, "status is not written, tried again soon");
                app.report_due = Some(std::time::Instant::now() + REPORT_RETRY);
                self.after(REPORT_RETRY, super::controller::Timer::Report(id.clone()));
            }
        }
    }

    /// What there is to write; and where that does no more than add fields to
    /// the status, a digest of it.
    fn report_patch(&self, app: &AppState, now: &str) -> (Option<Value>, Option<u64>) {
        let known = app.known_status.get();
        let status = self.status(app, &known, now);
        let known = known.as_map().cloned().unwrap_or_default();
        let wanted = Value::of(&status).expect("a status is JSON");
        let wanted = wanted.as_map().cloned().unwrap_or_default();
        let mut patch = Map::new();
        // Fields of other tools, and of a newer Argo CD, stay as they are.
        for (key, value) in wanted.iter() {
            if known.get(key) != Some(value) {
                let change = match (known.get(key), value) {
                    (Some(Value::Map(before)), Value::Map(after)) => {
                        Value::Map(diff_merge_patch(before, after))
                    }
                    _ => value.clone(),
                };
                patch.insert(key, change);
            }
        }
        for key in [
            "conditions",
            "resources",
            "history",
            "summary",
            "operationState",
        ] {
            if known.contains_key(key) && !wanted.contains_key(key) {
                patch.insert(key, Value::Null);
            }
        }
        let mut root = Map::new();
        // An old CRD without some of our fields drops them each time: that must
        // not become a write because of a newer time.
        let mut adds = None;
        if !patch.is_empty() {
            if only_adds(&patch, &known) && known.contains_key("reconciledAt") {
                let mut hasher = DefaultHasher::new();
                Value::Map(patch.clone()).to_json().hash(&mut hasher);
                adds = Some(hasher.finish());
            } else {
                patch.insert("reconciledAt", now);
            }
            root.insert("status", patch);
        }
        if app.clear_operation && app.operation.is_none() {
            root.insert("operation", Value::Null);
        }
        let refreshed = app.wants.clear_refresh && !app.wants.resolve && !app.wants.compare;
        let mut metadata = Map::new();
        if app.app.annotations.contains_key(names::REFRESH) && (refreshed || app.job.is_none()) {
            let annotations = Map::from_iter([(names::REFRESH, Value::Null)]);
            metadata.insert("annotations", Value::Map(annotations));
        }
        if let Some(finalizers) = hook_finalizers(app) {
            // The whole list is written: only over the one that we know.
            metadata.insert("finalizers", finalizers);
            metadata.insert("resourceVersion", app.resource_version.as_str());
        }
        if !metadata.is_empty() {
            root.insert("metadata", metadata);
        }
        let adds = adds.filter(|_| root.len() == 1);
        ((!root.is_empty()).then_some(Value::Map(root)), adds)
    }

    /// What is shown of an application while it is worked on.
    pub(super) fn view(&self, app: &AppState) -> AppView {
        let extras = self.extras(app);
        let (health, n_resources) = match &app.compared {
            Some(_) => {
                let (health, resources) = self.resources(app, &extras);
                (health, resources.len())
            }
            None => (HealthStatus::Healthy.as_str().to_owned(), 0),
        };
        let operation = app.operation.as_ref().map(|operation| {
            let message = match &operation.sync {
                Some(sync) => sync.progress(),
                None => operation.state.message.clone(),
            };
            (operation.state.phase, message)
        });
        let finished = app.finished_operation.get();
        let (phase, message) = operation
            .or_else(|| finished.map(|state| (state.phase, state.message)))
            .unzip();
        let sources = app.app.spec.sources();
        AppView {
            namespace: app.id.namespace.clone(),
            name: app.id.name.clone(),
            sync: code_with(app, &extras),
            health,
            revision: app.revision(),
            conditions: conditions(app, &ApplicationStatus::default(), ""),
            phase,
            message: message.unwrap_or_default(),
            activity: app.activity(),
            n_resources,
            project: app.app.spec.project().to_owned(),
            repository: sources
                .first()
                .map_or_else(String::new, |one| one.repo_url.clone()),
            dest_server: app.dest_server().to_owned(),
            dest_namespace: app.app.spec.destination.namespace.clone(),
            is_automated: app.app.spec.automated().is_some(),
        }
    }

    /// The status of an application as it should read now.
    fn status(&self, app: &AppState, known: &Value, now: &str) -> ApplicationStatus {
        let spec = &app.app.spec;
        let known: ApplicationStatus = known.to().unwrap_or_default();
        let is_multiple = spec.has_multiple_sources();
        let extras = self.extras(app);
        let code = code_with(app, &extras);
        let revisions = app.revisions();
        let (health, resources) = match &app.compared {
            Some(_) => self.resources(app, &extras),
            None => (known.health.status.clone(), known.resources.clone()),
        };
        let health = if health.is_empty() {
            HealthStatus::Healthy.as_str().to_owned()
        } else {
            health
        };
        let since =
            if known.health.status == health && !known.health.last_transition_time.is_empty() {
                known.health.last_transition_time.clone()
            } else {
                now.to_owned()
            };
        let source_types = app
            .compared
            .as_ref()
            .map(|compared| compared.source_types.clone())
            .unwrap_or_default();
        // Until the first comparison since the start, the last one holds.
        let is_new = known.sync.compared_to.is_none();
        let kept = (app.is_uncompared() && !is_new).then_some(&known);
        let mut status = ApplicationStatus {
            sync: kept.map_or_else(
                || SyncStatus {
                    status: code,
                    compared_to: Some(Box::new(ComparedTo {
                        source: (!is_multiple).then(|| spec.source.clone()).flatten(),
                        sources: if is_multiple {
                            spec.sources.clone()
                        } else {
                            Vec::new()
                        },
                        destination: spec.destination.clone(),
                        ignore_differences: spec.ignore_differences.clone(),
                    })),
                    revision: match is_multiple {
                        true => String::new(),
                        false => revisions.first().cloned().unwrap_or_default(),
                    },
                    revisions: if is_multiple { revisions } else { Vec::new() },
                },
                |known| known.sync.clone(),
            ),
            health: AppHealth {
                status: health,
                message: String::new(),
                last_transition_time: since,
            },
            resources,
            history: app.history.get(),
            conditions: match kept {
                Some(known) => with_known(conditions(app, known, now), &known.conditions),
                None => conditions(app, &known, now),
            },
            operation_state: self.operation_state(app).map(Box::new),
            reconciled_at: known.reconciled_at.clone(),
            source_type: match (kept, is_multiple) {
                (Some(known), _) => known.source_type.clone(),
                (None, true) => String::new(),
                (None, false) => source_types.first().cloned().unwrap_or_default(),
            },
            source_types: match (kept, is_multiple) {
                (Some(known), _) => known.source_types.clone(),
                (None, true) => source_types,
                (None, false) => Vec::new(),
            },
            summary: match (kept, &app.compared) {
                (Some(known), _) => known.summary.clone(),
                (None, Some(compared)) => Summary {
                    images: compared.images.clone(),
                    external_urls: compared.external_urls.clone(),
                },
                (None, None) => Summary::default(),
            },
            controller_namespace: self.settings.namespace.clone(),
        };
        told::shorten(&mut status);
        status
    }

    fn operation_state(&self, app: &AppState) -> Option<OperationState> {
        let Some(operation) = &app.operation else {
            return app.finished_operation.get();
        };
        let mut state = operation.state.clone();
        if let Some(sync) = &operation.sync {
            state.message = match operation.last_failure.as_str() {
                "" => sync.progress(),
                failure => format!(
                    "{}, attempt #{} after: {failure}",
                    sync.progress(),
                    state.retry_count
                ),
            };
            // Results on the way are for hooks: a restart must not run them twice.
            let mut result = sync_result(app, operation, sync);
            result.resources.retain(|one| !one.hook_type.is_empty());
            state.sync_result = Some(result);
        }
        Some(state)
    }

    /// The application's health and its list of resources.
    fn resources(
        &self,
        app: &AppState,
        extras: &[(ResourceKey, LiveObject)],
    ) -> (String, Vec<ResourceStatus>) {
        let mut worst = HealthStatus::Healthy;
        let mut resources = Vec::new();
        let options = app.app.spec.sync_options();
        let asks = |live: &LiveObject| {
            let options = live.sync_options(&options);
            options.delete_confirm || options.prune_confirm
        };
        let destination = self.destination(app);
        let items = app.compared.iter().flat_map(|compared| &compared.items);
        for item in items.filter(|item| !item.is_hook) {
            let live = destination.and_then(|it| it.live.get(&item.key));
            let health = match &live {
                None if item.is_missing => Some((HealthStatus::Missing, String::new())),
                None => None,
                Some(live) => live
                    .health
                    .as_ref()
                    .map(|health| (health.status, health.message.clone())),
            };
            // A child Application counts for waves, not for its parent's health.
            let counts = !item.ignores_health && item.key.kind != crate::app::APPLICATION;
            if let Some((status, _)) = &health
                && counts
            {
                worst = worst.max(*status);
            }
            resources.push(ResourceStatus {
                group: item.key.group.clone(),
                version: item.version.clone(),
                kind: item.key.kind.clone(),
                namespace: item.key.namespace.clone(),
                name: item.key.name.clone(),
                status: item.code,
                health: health.map(|(status, message)| AppHealth {
                    status: status.as_str().to_owned(),
                    message,
                    last_transition_time: String::new(),
                }),
                requires_deletion_confirmation: live.as_ref().is_some_and(asks),
                sync_wave: i64::from(item.wave),
                ..ResourceStatus::default()
            });
        }
        for (key, extra) in extras {
            resources.push(ResourceStatus {
                group: key.group.clone(),
                version: extra.version.clone(),
                kind: key.kind.clone(),
                namespace: key.namespace.clone(),
                name: key.name.clone(),
                status: if extra.ignores_extraneous {
                    SyncCode::Synced
                } else {
                    SyncCode::OutOfSync
                },
                health: extra.health.as_ref().map(|health| AppHealth {
                    status: health.status.as_str().to_owned(),
                    message: health.message.clone(),
                    last_transition_time: String::new(),
                }),
                requires_pruning: true,
                requires_deletion_confirmation: asks(extra),
                sync_wave: i64::from(extra.wave),
                ..ResourceStatus::default()
            });
        }
        // As Argo CD lists them: by group, kind, namespace and name.
        resources.sort_by(|a, b| {
            (&a.group, &a.kind, &a.namespace, &a.name).cmp(&(
                &b.group,
                &b.kind,
                &b.namespace,
                &b.name,
            ))
        });
        (worst.as_str().to_owned(), resources)
    }
}

/// The finalizers as they should be, where PreDelete or PostDelete hooks came
/// or went.
fn hook_finalizers(app: &AppState) -> Option<Vec<Value>> {
    let compared = app.compared.as_ref()?;
    if app.app.is_deleting || app.compare_error.is_some() || app.source_error.is_some() {
        return None;
    }
    let (before, after) = compared.has_delete_hooks;
    let known = &app.app.finalizers;
    let mut wanted: Vec<String> = known
        .iter()
        .filter(|name| !is_hook_finalizer(name))
        .cloned()
        .collect();
    for (wants, name) in [
        (before, names::PRE_DELETE_FINALIZER),
        (after, names::POST_DELETE_FINALIZER),
    ] {
        if wants {
            wanted.extend([name.to_owned(), format!("{name}{CLEANUP}")]);
        }
    }
    let is_same = wanted.len() == known.len() && wanted.iter().all(|name| known.contains(name));
    (!is_same).then(|| wanted.into_iter().map(Value::from).collect())
}

fn is_recording(app: &AppState) -> bool {
    let operation = app.operation.as_ref();
    operation.is_some_and(|operation| operation.stage == Stage::Recording)
}

fn is_terminating(application: &Object) -> bool {
    let phase = application.at(&["status", "operationState", "phase"]);
    phase.and_then(Value::as_str) == Some("Terminating")
}

/// Whether a merge patch changes nothing that is there, but for what it adds.
fn only_adds(patch: &Map, known: &Map) -> bool {
    patch
        .iter()
        .all(|(key, change)| match (known.get(key), change) {
            (None, _) => true,
            (Some(Value::Map(below)), Value::Map(change)) => only_adds(change, below),
            (Some(before), change) => extends(before, change),
        })
}

/// Whether all that a value says is in the other one too.
fn extends(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Map(before), Value::Map(after)) => before.iter().all(|(key, value)| {
            let after = after.get(key);
            after.is_some_and(|after| extends(value, after))
        }),
        (Value::Seq(before), Value::Seq(after)) => {
            let mut pairs = before.iter().zip(after);
            before.len() == after.len() && pairs.all(|(before, after)| extends(before, after))
        }
        _ => before == after,
    }
}

/// An extra that counts puts an application out of sync.
fn code_with(app: &AppState, extras: &[(ResourceKey, LiveObject)]) -> SyncCode {
    let counts = extras.iter().any(|(_, extra)| !extra.ignores_extraneous);
    match app.sync_code() {
        SyncCode::Synced if counts => SyncCode::OutOfSync,
        code => code,
    }
}

/// What was known, and what is new to it.
fn with_known(mut now: Vec<Condition>, known: &[Condition]) -> Vec<Condition> {
    now.retain(|one| known.iter().all(|known| known.kind != one.kind));
    known.iter().cloned().chain(now).collect()
}

/// The conditions of now; each keeps its time while it says the same.
fn conditions(app: &AppState, known: &ApplicationStatus, now: &str) -> Vec<Condition> {
    let mut wanted: Vec<(String, String)> = Vec::new();
    if let Some(message) = &app.read_error {
        wanted.push(("InvalidSpecError".to_owned(), message.clone()));
    }
    if let Some((kind, message)) = &app.source_error {
        wanted.push(((*kind).to_owned(), message.clone()));
    }
    if let Some(error) = &app.compare_error {
        let messages = error.messages().into_iter();
        wanted.extend(messages.map(|message| (error.condition().to_owned(), message)));
    }
    if let Some(compared) = &app.compared {
        wanted.extend(compared.warnings.iter().cloned());
        for (group, kind) in &compared.unlisted {
            let place = match group.as_str() {
                "" => kind.clone(),
                group => format!("{group}/{kind}"),
            };
            wanted.push((
                "ResourceListWarning".to_owned(),
                format!("live objects of {place} could not be listed: none of them is pruned"),
            ));
        }
    }
    if let Some(message) = &app.deletion_error {
        wanted.push(("DeletionError".to_owned(), message.clone()));
    }
    if let Some((kind, message)) = &app.auto.held {
        wanted.push(((*kind).to_owned(), message.clone()));
    }
    if let Some(message) = &app.auto.condition {
        wanted.push(("SyncError".to_owned(), message.clone()));
    }
    wanted.dedup();
    wanted
        .into_iter()
        .map(|(kind, message)| {
            let message = told::brief(message);
            let before = known
                .conditions
                .iter()
                .find(|condition| condition.kind == kind && condition.message == message);
            Condition {
                last_transition_time: before
                    .map(|condition| condition.last_transition_time.clone())
                    .filter(|time| !time.is_empty())
                    .unwrap_or_else(|| now.to_owned()),
                kind,
                message,
            }
        })
        .collect()
}
