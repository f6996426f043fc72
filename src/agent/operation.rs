//! Operations: from the wish to sync to its outcome, with retries.

use super::application::restore_attempt;
use super::compare::{CompareError, Compared};
use super::controller::{Controller, Timer};
use super::destination::ClusterId;
use super::message::{AppId, Message};
use super::metrics::SyncLabels;
use super::own::Own;
use super::result::{bare_result, record_applied, remember_history, sync_result};
use super::state::AppState;
use super::writes::{Applied, Writer};
use crate::app::{Operation, OperationPhase, OperationState, Retry, SyncOptions};
use crate::diff::Digest;
use crate::object::ResourceKey;
use crate::sync::{self, Effect, Event, Item, Outcome, Prunable, Settings, Sync, TaskFault, plan};
use crate::value::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the health of awaited objects is asked for, besides the watch.
pub(super) const OBSERVE_INTERVAL: Duration = Duration::from_secs(3);
/// A custom resource on which nobody reports after so long is not waited for:
/// its controller is older than its status, or not there.
const SILENCE: Duration = Duration::from_secs(10);

pub(super) struct RunningOperation {
    /// Where its writes go, once it writes.
    pub cluster: Option<ClusterId>,
    /// In whose name it writes; `None` is the agent itself.
    pub account: Option<Arc<str>>,
    /// Tells the events of this run from those of an earlier one.
    pub number: u64,
    pub state: OperationState,
    pub stage: Stage,
    pub sync: Option<Sync>,
    /// Where it names sources, revisions or manifests of its own.
    pub own: Option<Own>,
    /// Revisions and sources that it syncs to.
    pub attempt: String,
    /// The revision to which it gives way.
    pub gives_way_to: Option<String>,
    /// `.operation` is set on the Application and has to be removed.
    pub from_field: bool,
    /// The digests of our fields as the answers to the applies had them.
    pub applied: BTreeMap<ResourceKey, Option<Digest>>,
    /// Tasks whose health is awaited.
    pub observed: BTreeSet<usize>,
    /// When the health of a task was asked for first.
    pub observed_since: BTreeMap<usize, Instant>,
    /// The timer that asks for the health of what is awaited is running.
    pub has_observe_timer: bool,
    pub terminate: bool,
    /// Why the attempt before this one failed.
    pub last_failure: String,
    /// What failed last may succeed later without anybody's doing.
    pub is_transient: bool,
    /// Items of the comparison that asked for this sync.
    pub items: Option<Vec<Item>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its start is being written to the Application: a restarted agent goes
    /// on from there.
    Recording,
    /// A sync window or another application keeps it waiting.
    Held,
    /// Its manifests are being rendered.
    Rendering,
    /// Those that it names itself are.
    RenderingOwn,
    /// The destination's namespace is being made.
    Namespace,
    Syncing,
    WaitingForRetry {
        at: Instant,
    },
}

impl RunningOperation {
    pub fn is_waiting_for_retry(&self) -> bool {
        matches!(self.stage, Stage::WaitingForRetry { .. })
    }

    pub fn is_held(&self) -> bool {
        self.stage == Stage::Held
    }
}

impl Controller {
    /// Starts an operation, or goes on with one that a restart interrupted.
    pub(super) fn start_operation(
        &mut self,
        id: &AppId,
        operation: Operation,
        from_field: bool,
        items: Option<Vec<Item>>,
        resumed: Option<OperationState>,
    ) {
        if self.settings.observe {
            return;
        }
        let now = self.now_text();
        let number = self.next_number();
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        let state = resumed.unwrap_or_else(|| OperationState {
            operation,
            phase: OperationPhase::Running,
            started_at: now,
            ..OperationState::default()
        });
        tracing::info!(app = %id, revision = %app.revision(), automated = state.operation.initiated_by.automated, "sync starts");
        let own = app.own_sources(&state.operation);
        app.operation = Some(Box::new(RunningOperation {
            cluster: None,
            account: None,
            number,
            state,
            stage: Stage::Recording,
            sync: None,
            own,
            attempt: app.attempt_key(),
            gives_way_to: None,
            from_field,
            applied: BTreeMap::new(),
            observed: BTreeSet::new(),
            observed_since: BTreeMap::new(),
            has_observe_timer: false,
            terminate: false,
            last_failure: String::new(),
            is_transient: false,
            items,
        }));
        self.report_now(id);
    }

    /// The start of the operation is written: go on.
    pub(super) fn operation_recorded(&mut self, id: &AppId) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        let Some(operation) = &mut app.operation else {
            return;
        };
        if operation.stage != Stage::Recording {
            return;
        }
        operation.stage = Stage::Held;
        self.try_held(id);
    }

    /// Nothing holds it back any more: the manifests are next.
    pub(super) fn operation_released(&mut self, id: &AppId) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        let Some(operation) = &mut app.operation else {
            return;
        };
        operation.stage = Stage::Rendering;
        if operation.own.is_some() {
            self.render_own(id);
            return;
        }
        match operation.items.take() {
            Some(items) => self.begin_sync(id, items),
            None => {
                // Whoever asks for a sync means what is there now.
                app.wants.resolve |= !operation.state.operation.initiated_by.automated;
                app.wants.fresh |= app.wants.resolve;
                app.wants.compare = true;
                self.pump(id);
            }
        }
    }

    /// The comparison failed on which an operation waits.
    pub(super) fn operation_without_manifests(&mut self, id: &AppId, error: &CompareError) {
        let operation = self.apps.get_mut(id).and_then(|app| app.operation.as_mut());
        let renders = |stage| matches!(stage, Stage::Rendering | Stage::RenderingOwn);
        if let Some(operation) = operation.filter(|o| renders(o.stage)) {
            operation.is_transient = matches!(error, CompareError::Cluster(_));
            self.end_operation(
                id,
                Outcome {
                    phase: OperationPhase::Error,
                    message: error.to_string(),
                },
            );
        }
    }

    /// Plans and starts the sync with the manifests in hand.
    pub(super) fn begin_sync(&mut self, id: &AppId, items: Vec<Item>) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let Some(operation) = &app.operation else {
            return;
        };
        let own = operation.own.as_ref();
        let compared = own.and_then(|own| own.compared.clone());
        let Some(compared) = compared.or_else(|| app.compared.clone()) else {
            return;
        };
        if let Some((outcome, result)) = self.forbidden(id, &items) {
            let app = self.apps.get_mut(id).expect("looked up above");
            let operation = app.operation.as_mut().expect("looked up above");
            operation.state.sync_result = Some(result);
            self.end_operation(id, outcome);
            return;
        }
        if let Some(refusal) = refusal(app, &compared, &items) {
            self.end_operation(id, refusal);
            return;
        }
        let wanted = operation.state.operation.sync.clone().unwrap_or_default();
        let mut options = app.app.spec.sync_options();
        let started = operation.state.started_at.clone();
        if !wanted.sync_options.is_empty() {
            let own = SyncOptions::parse(wanted.sync_options.iter().map(String::as_str));
            options = options.overlaid(&own);
        }
        let strategy = wanted.sync_strategy.clone().unwrap_or_default();
        let started_at = operation
            .state
            .started_at
            .parse::<jiff::Timestamp>()
            .map_or(0, |time| time.as_second());
        let is_self_heal = wanted.self_heal_attempts_count > 0;
        let settings = Settings {
            prune: wanted.prune,
            hooks: strategy.apply.is_none() && wanted.resources.is_empty() && !is_self_heal,
            dry_run: wanted.dry_run,
            force: strategy.apply.is_some_and(|apply| apply.force)
                || strategy.hook.is_some_and(|hook| hook.force),
            only: wanted.resources.clone(),
            short_revision: operation.revisions(app).join(",").chars().take(7).collect(),
            started_at,
            options,
        };
        let prunables = self
            .extras_of(app, &compared)
            .into_iter()
            .filter(|(key, _)| {
                !compared
                    .unlisted
                    .contains(&(key.group.clone(), key.kind.clone()))
            })
            .filter(|(_, object)| !object.ignores_extraneous || wanted.prune)
            .map(|(key, object)| Prunable {
                gvk: crate::object::Gvk::new(&key.group, &object.version, &key.kind),
                wave: object.wave,
                options: object.sync_options(&settings.options),
                confirmed: app.app.is_confirmed_since(&started),
                key,
            })
            .collect();
        let mut sync = Sync::new(plan(items, prunables, &settings));
        if let Some(result) = &operation.state.sync_result {
            for done in &result.resources {
                if !done.hook_type.is_empty() {
                    let key = ResourceKey {
                        group: done.group.clone(),
                        kind: done.kind.clone(),
                        namespace: done.namespace.clone(),
                        name: done.name.clone(),
                    };
                    sync.resume_hook(&key, &done.sync_phase, &done.hook_phase);
                }
            }
        }
        let namespace = app.app.spec.destination.namespace.clone();
        let makes_namespace = settings.options.create_namespace == Some(true)
            && !namespace.is_empty()
            && !settings.dry_run;
        let metadata = managed_namespace_metadata(app);
        let Ok(cluster) = self.cluster_of(app) else {
            self.lost_destination(id);
            return;
        };
        let account = match self.account(app) {
            Ok(account) => account,
            Err(message) => {
                let app = self.apps.get_mut(id).expect("looked up above");
                let operation = app.operation.as_mut().expect("looked up above");
                // As soon as the project names one.
                operation.is_transient = true;
                let phase = OperationPhase::Error;
                self.end_operation(id, Outcome { phase, message });
                return;
            }
        };
        let Some(writer) = self.writer_at(app, &cluster, account.as_deref()) else {
            self.lost_destination(id);
            return;
        };
        let attempt = app.attempt_key();
        let app = self.apps.get_mut(id).expect("looked up above");
        let operation = app.operation.as_mut().expect("looked up above");
        operation.attempt = attempt;
        operation.cluster = Some(cluster);
        operation.account = account;
        operation.sync = Some(sync);
        let number = operation.number;
        if makes_namespace {
            operation.stage = Stage::Namespace;
            let (results, id) = (self.results.clone(), id.clone());
            self.write_pool.run(move || {
                let result = writer.ensure_namespace(&namespace, metadata.as_ref());
                let result = result.map(|_| ());
                // The controller may have stopped: nobody waits then.
                let _ = results.send(Message::NamespaceReady(id, number, result));
            });
        } else {
            operation.stage = Stage::Syncing;
            self.step(id, number, Event::Started);
        }
    }

    pub(super) fn namespace_ready(
        &mut self,
        id: &AppId,
        number: u64,
        result: Result<(), TaskFault>,
    ) {
        let Some(operation) = self.running(id, number) else {
            return;
        };
        match result {
            Ok(()) => {
                operation.stage = Stage::Syncing;
                self.step(id, number, Event::Started);
            }
            Err(fault) => {
                operation.is_transient = fault.is_transient;
                self.end_operation(
                    id,
                    Outcome {
                        phase: OperationPhase::Failed,
                        message: format!("cannot create the namespace: {}", fault.message),
                    },
                );
            }
        }
    }

    fn running(&mut self, id: &AppId, number: u64) -> Option<&mut RunningOperation> {
        self.apps
            .get_mut(id)?
            .operation
            .as_deref_mut()
            .filter(|operation| operation.number == number)
    }

    /// Feeds an event to the sync and carries out what it asks for.
    pub(super) fn step(&mut self, id: &AppId, number: u64, event: Event) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let writer = self.writer(app);
        let Some(operation) = self.running(id, number) else {
            return;
        };
        let Some(sync) = &mut operation.sync else {
            return;
        };
        let Some(writer) = writer else {
            self.lost_destination(id);
            return;
        };
        if let Event::Health(index, ..) = &event {
            operation.observed.remove(index);
        }
        let awaited = match &event {
            Event::Health(index, ..) => Some(*index),
            _ => None,
        };
        let applied_crd = match &event {
            Event::Applied(index, Ok(_)) => {
                sync.task(*index).key.kind == "CustomResourceDefinition"
            }
            _ => false,
        };
        let effects = sync.step(event);
        let outcome = sync.outcome().cloned();
        operation.is_transient = sync.failed_for_now();
        if let Some(index) = awaited
            && outcome.is_none()
            && sync.awaits(index)
        {
            operation.observed.insert(index);
        }
        let mut jobs: Vec<(Effect, sync::Task)> = Vec::new();
        let mut report = false;
        let mut pause = None;
        for effect in effects {
            match effect {
                Effect::DryRun(index)
                | Effect::Apply(index)
                | Effect::Prune(index)
                | Effect::DeleteHook(index)
                | Effect::ReleaseHook(index) => jobs.push((effect, sync.task(index).clone())),
                Effect::ObserveHealth(index) => {
                    operation.observed.insert(index);
                    operation
                        .observed_since
                        .entry(index)
                        .or_insert_with(Instant::now);
                    report = true;
                    jobs.push((effect, sync.task(index).clone()));
                }
                Effect::Pause { milliseconds } => pause = Some(Duration::from_millis(milliseconds)),
                Effect::Report => report = true,
            }
        }
        let observes = !operation.observed.is_empty() && !operation.has_observe_timer;
        operation.has_observe_timer |= observes;
        for (effect, task) in jobs {
            self.carry_out(id, number, effect, task, writer.clone());
        }
        if let Some(pause) = pause {
            self.after(pause, Timer::Pause(id.clone(), number));
        }
        if observes {
            self.after(OBSERVE_INTERVAL, Timer::Observe(id.clone(), number));
        }
        if applied_crd {
            let cluster = self.apps.get(id).and_then(|app| app.operation.as_ref());
            if let Some(cluster) = cluster.and_then(|operation| operation.cluster.clone()) {
                self.kinds_changed(&cluster);
            }
        }
        match outcome {
            Some(outcome) => self.end_operation(id, outcome),
            None if report => self.report_soon(id),
            None => {}
        }
    }

    fn carry_out(&self, id: &AppId, number: u64, effect: Effect, task: sync::Task, writer: Writer) {
        let (results, id) = (self.results.clone(), id.clone());
        self.write_pool.run(move || {
            let message = match effect {
                Effect::DryRun(index) => Message::Task(id, number, writer.dry_run(index, &task)),
                Effect::Apply(index) => match writer.apply(&task) {
                    Ok(applied) => Message::Applied(id, number, index, applied),
                    Err(fault) => Message::Task(id, number, Event::Applied(index, Err(fault))),
                },
                Effect::Prune(index) => Message::Task(id, number, writer.prune(index, &task)),
                Effect::DeleteHook(index) => {
                    Message::Task(id, number, writer.delete_hook(index, &task))
                }
                Effect::ReleaseHook(_) => {
                    writer.release_hook(&task);
                    return;
                }
                Effect::ObserveHealth(index) => match writer.observe(index, &task) {
                    Some(event) => Message::Task(id, number, event),
                    None => return,
                },
                Effect::Pause { .. } | Effect::Report => return,
            };
            // The controller may have stopped: nobody waits then.
            let _ = results.send(message);
        });
    }

    pub(super) fn applied(&mut self, id: &AppId, number: u64, index: usize, applied: Applied) {
        if let Some(operation) = self.running(id, number) {
            operation.applied.insert(applied.key, applied.owned);
            self.step(id, number, Event::Applied(index, Ok(applied.message)));
        }
    }

    /// Asks again for the health of what is awaited: all of it, or what an
    /// event named.
    pub(super) fn observe(&mut self, id: &AppId, number: u64, only: Option<&ResourceKey>) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let Some(writer) = self.writer(app) else {
            return;
        };
        let Some(operation) = self.running(id, number) else {
            return;
        };
        let Some(sync) = &operation.sync else {
            return;
        };
        let tasks: Vec<(usize, sync::Task, bool)> = operation
            .observed
            .iter()
            .map(|index| (*index, sync.task(*index)))
            .filter(|(_, task)| only.is_none_or(|key| task.key == *key))
            .map(|(index, task)| {
                let since = operation.observed_since.get(&index);
                let silent_for_long = since.is_some_and(|since| since.elapsed() > SILENCE);
                (index, task.clone(), silent_for_long)
            })
            .collect();
        for (index, task, silence_is_health) in tasks {
            let writer = Writer {
                silence_is_health,
                ..writer.clone()
            };
            self.carry_out(id, number, Effect::ObserveHealth(index), task, writer);
        }
    }

    /// The sync is over: retry it later, or close the operation.
    pub(super) fn end_operation(&mut self, id: &AppId, mut outcome: Outcome) {
        let finished_at = self.now_text();
        let observes_retry = |operation: &RunningOperation| -> Retry {
            operation.state.operation.retry.clone().unwrap_or_default()
        };
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        let Some(mut operation) = app.operation.take() else {
            return;
        };
        if let Some(revision) = &operation.gives_way_to {
            outcome.message = format!("gave way to revision {revision}");
        }
        // What else was applied than the newest comparison knows is compared anew.
        // So where a comparison of another commit came in before it ended.
        let is_outdated = operation.sync.is_some() && operation.attempt != app.attempt_key();
        if operation.own.is_some() || operation.gives_way_to.is_some() || is_outdated {
            app.wants.compare = true;
        } else if let Some(sync) = &operation.sync {
            record_applied(app, sync, &operation.applied);
        }
        let result = match &operation.sync {
            Some(sync) => Some(sync_result(app, &operation, sync)),
            None if operation.state.sync_result.is_none() => {
                Some(bare_result(app, Some(&operation)))
            }
            None => None,
        };
        if let Some(result) = result {
            operation.state.sync_result = Some(result);
        }
        operation.sync = None;
        operation.observed.clear();
        operation.observed_since.clear();
        operation.has_observe_timer = false;
        let retry = observes_retry(&operation);
        let failed = outcome.phase != OperationPhase::Succeeded;
        let tries_left = retry.limit < 0 || operation.state.retry_count < retry.limit;
        if failed && tries_left && !operation.terminate {
            let attempt = u32::try_from(operation.state.retry_count).unwrap_or(u32::MAX);
            let pause = Duration::from_millis(retry.pause_ms(attempt));
            operation.state.retry_count += 1;
            operation.state.phase = OperationPhase::Running;
            operation.state.message = format!(
                "{}. Retrying attempt #{} in {}",
                outcome.message,
                operation.state.retry_count,
                humantime::format_duration(Duration::from_secs(pause.as_secs().max(1)))
            );
            tracing::warn!(app = %id, "{}", operation.state.message);
            operation.last_failure = outcome.message;
            let number = operation.number;
            operation.stage = Stage::WaitingForRetry {
                at: Instant::now() + pause,
            };
            app.operation = Some(operation);
            self.after(pause, Timer::RetryOperation(id.clone(), number));
            self.report_soon(id);
            return;
        }
        operation.state.phase = outcome.phase;
        operation.state.message = outcome.message.clone();
        operation.state.finished_at = finished_at.clone();
        if failed {
            tracing::warn!(app = %id, "sync failed: {}", outcome.message);
        } else {
            tracing::info!(app = %id, "{}", outcome.message);
            remember_history(app, &operation.state, &finished_at);
        }
        let dry = operation
            .state
            .operation
            .sync
            .as_ref()
            .is_some_and(|sync| sync.dry_run);
        if !dry && operation.gives_way_to.is_none() {
            app.auto.attempted = Some((operation.attempt.clone(), !failed));
            if operation.own.is_some() {
                // What it was told to sync to, which git has somewhere else.
                restore_attempt(app, Some(&operation.state));
            }
        }
        let again = failed && operation.is_transient && !operation.terminate;
        let pause = self.settings.retry_longest;
        let phase = operation.state.phase;
        app.finished_operation.set(&Some(operation.state));
        app.clear_operation |= operation.from_field;
        if app.compare_when_idle {
            app.compare_when_idle = false;
            app.wants.compare = true;
        }
        self.count_sync(id, phase, dry);
        if !failed && !dry {
            self.keep_digests(id);
        }
        if again {
            self.after(pause, Timer::SyncAgain(id.clone()));
        }
        self.report_now(id);
        self.consider_auto_sync(id, None);
        self.pump(id);
    }

    pub(super) fn retry_operation(&mut self, id: &AppId, number: u64) {
        let Some(operation) = self.running(id, number) else {
            return;
        };
        if !operation.is_waiting_for_retry() {
            return;
        }
        operation.stage = Stage::Held;
        let app = self.apps.get_mut(id).expect("running() found it");
        app.wants.resolve = true;
        self.try_held(id);
    }

    fn count_sync(&self, id: &AppId, phase: OperationPhase, dry_run: bool) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        self.metrics.syncs.add_one(SyncLabels {
            namespace: id.namespace.clone(),
            name: id.name.clone(),
            project: app.app.spec.project().to_owned(),
            dest_server: app.dest_server().to_owned(),
            phase: phase.as_str(),
            dry_run,
        });
    }

    /// `status.operationState.phase=Terminating`, or a newer wish.
    pub(super) fn terminate_operation(&mut self, id: &AppId) {
        let Some(operation) = self.apps.get_mut(id).and_then(|app| app.operation.as_mut()) else {
            return;
        };
        operation.terminate = true;
        let number = operation.number;
        if operation.sync.is_some() {
            self.step(id, number, Event::Terminate);
        } else {
            self.end_operation(
                id,
                Outcome {
                    phase: OperationPhase::Failed,
                    message: "Operation terminated".to_owned(),
                },
            );
        }
    }

    /// The cluster went away, or its Secret, while a sync ran.
    fn lost_destination(&mut self, id: &AppId) {
        if let Some(operation) = self.apps.get_mut(id).and_then(|app| app.operation.as_mut()) {
            operation.is_transient = true;
        }
        let outcome = Outcome {
            phase: OperationPhase::Error,
            message: "the destination's cluster is not known any more".to_owned(),
        };
        self.end_operation(id, outcome);
    }

    /// Writes to the cluster that the sync under way began with, in the name
    /// that it began in.
    fn writer(&self, app: &AppState) -> Option<Writer> {
        let operation = app.operation.as_ref()?;
        let cluster = operation.cluster.clone()?;
        self.writer_at(app, &cluster, operation.account.as_deref())
    }

    pub(super) fn writer_at(
        &self,
        app: &AppState,
        cluster: &str,
        account: Option<&str>,
    ) -> Option<Writer> {
        let destination = self.destination_at(cluster)?;
        let force = app.operation.as_ref().is_some_and(|operation| {
            let strategy = operation
                .state
                .operation
                .sync
                .as_ref()
                .and_then(|sync| sync.sync_strategy.as_ref());
            strategy.is_some_and(|strategy| {
                strategy.apply.as_ref().is_some_and(|apply| apply.force)
                    || strategy.hook.as_ref().is_some_and(|hook| hook.force)
            })
        });
        let client = self.client_of(app, &destination.client);
        Some(Writer {
            silence_is_health: false,
            client: match account {
                Some(user) => client.acting_as(user),
                None => client,
            },
            discovery: destination.discovery.clone(),
            live: destination.live.clone(),
            instance: app.instance.clone(),
            ignore_differences: app.app.spec.ignore_differences.clone(),
            force,
        })
    }
}

/// What keeps a sync from starting; nothing has been written then.
fn refusal(app: &AppState, compared: &Compared, items: &[Item]) -> Option<Outcome> {
    let missing: Vec<String> = compared
        .unserved
        .iter()
        .filter(|unserved| !unserved.may_wait)
        .map(|unserved| unserved.message())
        .collect();
    if !missing.is_empty() {
        return Some(Outcome {
            phase: OperationPhase::Failed,
            message: format!(
                "one or more synchronization tasks are not valid: {}",
                missing.join("; ")
            ),
        });
    }
    let operation = app.operation.as_ref()?;
    let mut options = app.app.spec.sync_options();
    if let Some(sync) = &operation.state.operation.sync {
        let own = SyncOptions::parse(sync.sync_options.iter().map(String::as_str));
        options = options.overlaid(&own);
    }
    if options.fail_on_shared_resource == Some(true) && !compared.shared.is_empty() {
        let found: Vec<String> = compared
            .shared
            .iter()
            .map(|(key, other)| {
                format!(
                    "{}/{} is part of applications {} and {other}",
                    key.kind, key.name, app.instance
                )
            })
            .collect();
        return Some(Outcome {
            phase: OperationPhase::Failed,
            message: format!("Shared resource found: {}", found.join("; ")),
        });
    }
    let automated = app.app.spec.automated()?;
    let is_automated = operation.state.operation.initiated_by.automated;
    let prunes = operation
        .state
        .operation
        .sync
        .as_ref()
        .is_some_and(|sync| sync.prune);
    if is_automated && prunes && items.is_empty() && !automated.allow_empty {
        return Some(Outcome {
            phase: OperationPhase::Failed,
            message: "auto-sync will wipe out all resources: the render is empty; set allowEmpty to allow it".to_owned(),
        });
    }
    None
}

fn managed_namespace_metadata(app: &AppState) -> Option<Map> {
    let managed = app
        .app
        .spec
        .sync_policy
        .as_ref()?
        .managed_namespace_metadata
        .as_ref()?;
    let texts = |texts: &std::collections::BTreeMap<String, String>| -> Map {
        texts
            .iter()
            .map(|(key, text)| (key.clone(), Value::from(text.as_str())))
            .collect()
    };
    let mut metadata = Map::new();
    if !managed.labels.is_empty() {
        metadata.insert("labels", texts(&managed.labels));
    }
    if !managed.annotations.is_empty() {
        metadata.insert("annotations", texts(&managed.annotations));
    }
    Some(metadata)
}
