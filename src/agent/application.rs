//! An Application as the API server has it now: what changed of it, and what
//! it wishes for.

use super::controller::Controller;
use super::message::AppId;
use super::state::{AppState, at_rest};
use crate::app::{Application, Operation, OperationPhase, OperationState, Source, SyncCode};
use crate::diff::digest_of;
use crate::health::{Health, HealthStatus};
use crate::object::Object;
use crate::value::Value;
use std::sync::Arc;

/// An application is let go before its state has had 2^32 of them.
const GENERATIONS: u32 = 32;

impl Controller {
    /// An Application was created or changed.
    pub(super) fn application(&mut self, object: &Object) {
        let id = AppId::of(object);
        if !self.settings.serves(&id.namespace) {
            return;
        }
        if self.apps.contains_key(&id) || self.begins_with(&id, object) {
            self.take_application(&id, object);
        }
    }

    /// One that is ours.
    pub(super) fn take_application(&mut self, id: &AppId, object: &Object) {
        let (app, read_error) = match Application::read(object) {
            Ok(app) => (app, None),
            Err(error) => {
                let bare = Application {
                    name: id.name.clone(),
                    namespace: id.namespace.clone(),
                    ..Application::default()
                };
                (bare, Some(error.to_string()))
            }
        };
        let digest = digest_of(&object.at(&["spec"]).cloned().unwrap_or_default());
        let is_new = !self.apps.contains_key(id);
        let instance = app.instance_name(&self.settings.namespace);
        let generation = self.next_number() << GENERATIONS;
        let part = self.new_part();
        let state = self
            .apps
            .entry(id.clone())
            .or_insert_with(|| AppState::new(id.clone(), instance, generation, part));
        if is_older(object.resource_version(), &state.resource_version) {
            return;
        }
        state.resource_version = object.resource_version().to_owned();
        if !state.reporting {
            state.known_status.set(&status_of(object));
        }
        state.read_error = read_error;
        let operation_state = app.status.operation_state.as_deref().cloned();
        if is_new {
            state.history.set(&app.status.history);
            let finished = operation_state.clone();
            let finished = finished.filter(|operation| operation.phase.is_completed());
            restore_attempt(state, finished.as_ref());
            state.finished_operation.set(&finished);
        }
        let before = std::mem::replace(&mut state.app, Arc::new(at_rest(app)));
        let app = state.app.clone();
        if app.is_deleting {
            self.begin_deletion(id);
            return;
        }
        let spec_changed = is_new || state.spec_digest != digest;
        if spec_changed {
            state.spec_digest = digest;
            state.generation += 1;
            state.retry_at = None;
            state.failures = 0;
            state.wants.resolve = true;
            state.wants.compare = true;
        }
        let terminating = operation_state
            .as_ref()
            .is_some_and(|operation| operation.phase == OperationPhase::Terminating);
        if state.operation.is_some() && terminating {
            self.terminate_operation(id);
        }
        self.confirm_prunes(id);
        if let Some(hard) = app.wanted_refresh()
            && (is_new || before.wanted_refresh().is_none())
        {
            self.refresh(id, hard, true);
        }
        if before.skips_reconcile()
            && !app.skips_reconcile()
            && let Some(state) = self.apps.get_mut(id)
        {
            state.wants.resolve = true;
            state.wants.compare = true;
        }
        if before.depends_on() != app.depends_on() {
            self.dependencies_changed(id);
        }
        self.wished_operation(id, is_new, operation_state);
        self.pump(id);
    }

    /// `.operation` was set, or an operation was under way when the agent
    /// stopped.
    fn wished_operation(
        &mut self,
        id: &AppId,
        is_new: bool,
        operation_state: Option<OperationState>,
    ) {
        let Some(state) = self.apps.get(id) else {
            return;
        };
        if state.operation.is_some() || state.clear_operation {
            return;
        }
        let running = operation_state.filter(|operation| !operation.phase.is_completed());
        match (state.app.operation.as_deref().cloned(), running) {
            (Some(wish), Some(running)) if running.operation == wish => {
                self.resume_operation(id, wish, true, running);
            }
            (Some(wish), _) => self.start_operation(id, wish, true, None, None),
            (None, Some(running)) if is_new => {
                self.resume_operation(id, running.operation.clone(), false, running);
            }
            (None, _) => {}
        }
    }

    /// Goes on with what a restart interrupted, if only to end it.
    fn resume_operation(
        &mut self,
        id: &AppId,
        wish: Operation,
        from_field: bool,
        running: OperationState,
    ) {
        let ends = running.phase == OperationPhase::Terminating;
        self.start_operation(id, wish, from_field, None, Some(running));
        if ends {
            self.terminate_operation(id);
        }
    }
}

/// What was synced last, so that a restart does not sync it again.
pub(super) fn restore_attempt(state: &mut AppState, finished: Option<&OperationState>) {
    let Some(operation) = finished else {
        return;
    };
    let Some(result) = &operation.sync_result else {
        return;
    };
    let revision = match result.revisions.is_empty() {
        true => result.revision.clone(),
        false => result.revisions.join(","),
    };
    let sources: Vec<&Source> = match result.sources.is_empty() {
        true => result.source.iter().collect(),
        false => result.sources.iter().collect(),
    };
    let digest = digest_of(&sources);
    let succeeded = operation.phase == OperationPhase::Succeeded;
    state.auto.attempted = Some((format!("{revision} {digest:02x?}"), succeeded));
}

/// Whether an event is from before what is known already.
fn is_older(version: &str, known: &str) -> bool {
    match (version.parse::<u64>(), known.parse::<u64>()) {
        (Ok(version), Ok(known)) => version < known,
        _ => false,
    }
}

/// The status of an Application as the API server has it.
pub(super) fn status_of(object: &Object) -> Value {
    object.at(&["status"]).cloned().unwrap_or_default()
}

/// How a child Application fares, for the waves of the one that brings it: by
/// its own report, once that speaks of the spec that it has now.
pub(super) fn child_health(object: &Object) -> Health {
    let progresses = |why: &str| Health::new(HealthStatus::Progressing, why.to_owned());
    let Ok(app) = Application::read(object) else {
        return progresses("its spec cannot be read");
    };
    let status = &app.status;
    let compared = status.sync.compared_to.clone().unwrap_or_default();
    let is_of_spec = match app.spec.has_multiple_sources() {
        true => compared.sources == app.spec.sources,
        false => compared.source == app.spec.source,
    };
    let runs = status
        .operation_state
        .as_ref()
        .is_some_and(|state| !state.phase.is_completed());
    if !is_of_spec || status.sync.status == SyncCode::Unknown {
        return progresses("not compared yet");
    }
    if runs || app.operation.is_some() {
        return progresses("an operation is in progress");
    }
    let known = [
        HealthStatus::Healthy,
        HealthStatus::Suspended,
        HealthStatus::Progressing,
        HealthStatus::Missing,
        HealthStatus::Degraded,
    ];
    let named = known
        .into_iter()
        .find(|health| health.as_str() == status.health.status);
    Health::new(
        named.unwrap_or(HealthStatus::Progressing),
        status.health.message.clone(),
    )
}
