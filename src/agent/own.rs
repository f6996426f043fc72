//! Operations that name what they sync: a revision (a rollback), sources, or
//! manifests. They are rendered apart from the application's own comparison.

use super::compare::{CompareError, CompareOutcome, Compared, Comparison};
use super::controller::Controller;
use super::message::{AppId, Message};
use super::operation::{RunningOperation, Stage};
use super::sources::{Resolved, SourceError};
use super::state::{AppState, revisions_of};
use crate::app::{Application, Operation};
use std::sync::Arc;

/// What such an operation syncs.
pub(super) struct Own {
    /// The application with the operation's sources and revisions.
    pub app: Arc<Application>,
    pub resolved: Vec<Resolved>,
    pub compared: Option<Arc<Compared>>,
    given: Option<Vec<String>>,
}

impl RunningOperation {
    /// What it syncs to, pinned.
    pub fn revisions(&self, app: &AppState) -> Vec<String> {
        match &self.own {
            Some(own) => revisions_of(&own.resolved),
            None => app.revisions(),
        }
    }
}

impl AppState {
    /// What an operation names of its own; `None` where it means the spec.
    pub fn own_sources(&self, operation: &Operation) -> Option<Own> {
        let sync = operation.sync.as_ref()?;
        if operation.initiated_by.automated {
            return None;
        }
        let mut app = Application::clone(&self.app);
        if !sync.sources.is_empty() {
            app.spec.sources.clone_from(&sync.sources);
        } else if let Some(source) = &sync.source {
            app.spec.source = Some(source.clone());
            app.spec.sources = Vec::new();
        }
        if app.spec.has_multiple_sources() {
            for (source, revision) in app.spec.sources.iter_mut().zip(&sync.revisions) {
                if !revision.is_empty() {
                    source.target_revision.clone_from(revision);
                }
            }
        } else if let Some(source) = &mut app.spec.source
            && !sync.revision.is_empty()
        {
            source.target_revision.clone_from(&sync.revision);
        }
        let given = (!sync.manifests.is_empty()).then(|| sync.manifests.clone());
        if given.is_none() && app.spec.sources() == self.app.spec.sources() {
            return None;
        }
        Some(Own {
            app: Arc::new(app),
            resolved: Vec::new(),
            compared: None,
            given,
        })
    }
}

impl Controller {
    /// Pins what the operation names; the rest follows from the answer.
    pub(super) fn render_own(&mut self, id: &AppId) {
        let Some(operation) = self.apps.get_mut(id).and_then(|app| app.operation.as_mut()) else {
            return;
        };
        let Some(own) = &operation.own else {
            return;
        };
        operation.stage = Stage::RenderingOwn;
        let (app, number) = (own.app.clone(), operation.number);
        let (sources, results, id) = (self.sources.clone(), self.results.clone(), id.clone());
        let server = app
            .spec
            .sources()
            .first()
            .map(|source| sources.server_of(&source.repo_url))
            .unwrap_or_default();
        self.fetch_pool.run_with(server, move || {
            let result = sources.resolve(&app, true).map_err(Box::new);
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::OwnResolved(id, number, result));
        });
    }

    pub(super) fn own_resolved(
        &mut self,
        id: &AppId,
        number: u64,
        result: Result<Vec<Resolved>, Box<SourceError>>,
    ) {
        let Some(operation) = self.rendering_own(id, number) else {
            return;
        };
        let own = operation.own.as_mut().expect("its stage says so");
        match result {
            Ok(resolved) => own.resolved = resolved,
            Err(error) => {
                let stuck = CompareError::Render(error.to_string());
                self.operation_without_manifests(id, &stuck);
                return;
            }
        }
        let (own_app, resolved, given) = (own.app.clone(), own.resolved.clone(), own.given.clone());
        let app = self.apps.get(id).expect("it has an operation");
        let Some(comparison) = self.comparison(app) else {
            let stuck = CompareError::Cluster("the cluster is not reached".to_owned());
            self.operation_without_manifests(id, &stuck);
            return;
        };
        let comparison = Comparison {
            app: own_app,
            resolved,
            given,
            ..comparison
        };
        let (results, id, budget) = (self.results.clone(), id.clone(), self.budget.clone());
        self.heavy_pool.run(move || {
            let result = comparison.run_within(&budget);
            drop(comparison);
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::OwnCompared(id, number, Box::new(result)));
        });
    }

    pub(super) fn own_compared(
        &mut self,
        id: &AppId,
        number: u64,
        result: Result<CompareOutcome, CompareError>,
    ) {
        let Some(operation) = self.rendering_own(id, number) else {
            return;
        };
        let own = operation.own.as_mut().expect("its stage says so");
        match result {
            Ok(outcome) => {
                own.compared = Some(Arc::new(outcome.compared));
                let items = outcome.items.expect("they were asked for");
                self.begin_sync(id, items);
            }
            Err(error) => self.operation_without_manifests(id, &error),
        }
    }

    fn rendering_own(&mut self, id: &AppId, number: u64) -> Option<&mut RunningOperation> {
        let operation = self.apps.get_mut(id)?.operation.as_mut()?;
        (operation.number == number && operation.stage == Stage::RenderingOwn).then_some(operation)
    }
}
