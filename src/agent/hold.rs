//! What holds a sync back: the project's sync windows, and the applications
//! that this one depends on. And when a sync that waits gives way.

use super::compare::Compared;
use super::controller::{Controller, Timer};
use super::message::AppId;
use super::operation::Stage;
use super::state::AppState;
use crate::app::{Application, SyncCode};
use crate::health::HealthStatus;
use crate::project::{Asked, can_sync, next_permission};
use crate::sync::Event;
use std::time::{Duration, Instant};

/// A border of a window further away than this is looked for again: the
/// clock may be set meanwhile.
const LONGEST_NAP: Duration = Duration::from_secs(600);

/// Type and message of the condition that tells why.
type Reason = (&'static str, String);

impl Controller {
    /// Why a sync may not begin now. `began`: when its operation started.
    pub(super) fn held_back(
        &mut self,
        id: &AppId,
        is_manual: bool,
        began: Option<&str>,
    ) -> Option<Reason> {
        if let Some(reason) = self.depends(id) {
            return Some(reason);
        }
        let app = self.apps.get(id)?;
        let project = self.projects.get(app.app.spec.project())?.clone();
        if project.spec.sync_windows.is_empty() {
            return None;
        }
        let now = jiff::Timestamp::now();
        let asked = Asked {
            now,
            is_manual,
            began: began.and_then(|text| text.parse().ok()),
        };
        let offset = |zone: &str| -> Option<i64> {
            let zone = jiff::tz::TimeZone::get(zone).ok()?;
            Some(i64::from(zone.to_offset(now).seconds()))
        };
        let (message, nap) = match can_sync(&project, &app.app, asked, &offset) {
            Ok(true) => return None,
            Ok(false) => {
                let seconds = next_permission(&project, &app.app, asked, &offset);
                let nap = seconds.map_or(LONGEST_NAP, Duration::from_secs);
                ("Sync operation blocked by sync window".to_owned(), nap)
            }
            Err(error) => (
                format!("Sync operation blocked by sync window: {error}"),
                LONGEST_NAP,
            ),
        };
        let due = Instant::now() + nap.min(LONGEST_NAP);
        let app = self.apps.get_mut(id)?;
        let is_timed = |at: Instant| at > Instant::now() && at <= due;
        if !app.auto.held_until.is_some_and(is_timed) {
            app.auto.held_until = Some(due);
            self.after(nap.min(LONGEST_NAP), Timer::Held(id.clone()));
        }
        Some(("SyncWindowWarning", message))
    }

    /// The applications that it waits for, with what they lack; or the circle
    /// in which they wait for each other.
    fn depends(&self, id: &AppId) -> Option<Reason> {
        let app = self.apps.get(id)?;
        if let Some(circle) = self.circle(id) {
            let names: Vec<&str> = circle.iter().map(|id| id.name.as_str()).collect();
            return Some((
                "DependencyError",
                format!(
                    "{} goes in a circle: {}",
                    crate::object::names::DEPENDS_ON,
                    names.join(" -> ")
                ),
            ));
        }
        let lacking: Vec<String> = dependencies(&app.app)
            .into_iter()
            .filter_map(|other| {
                let what = match (self.apps.get(&other), self.elsewhere(&other)) {
                    (Some(state), _) => self.lacks(state)?,
                    (None, Some(elsewhere)) => elsewhere.lacks_for(app)?,
                    (None, None) => "not there".to_owned(),
                };
                Some(format!("{} ({what})", other.name))
            })
            .collect();
        (!lacking.is_empty()).then(|| {
            (
                "DependencyWarning",
                format!("waiting for applications: {}", lacking.join(", ")),
            )
        })
    }

    /// What an application lacks to be Synced and Healthy at its newest commit.
    fn lacks(&self, app: &AppState) -> Option<String> {
        let is_busy =
            app.job.is_some() || app.wants.resolve || app.wants.compare || app.operation.is_some();
        let view = self.view(app);
        lacking(view.sync, &view.health, is_busy)
    }

    fn circle(&self, start: &AppId) -> Option<Vec<AppId>> {
        let mut paths = vec![vec![start.clone()]];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(path) = paths.pop() {
            let last = path.last().expect("a path has a start");
            let all = match (self.apps.get(last), self.elsewhere(last)) {
                (Some(app), _) => dependencies(&app.app),
                (None, Some(elsewhere)) => elsewhere.depends_on.clone(),
                (None, None) => continue,
            };
            for next in all {
                let mut longer = path.clone();
                longer.push(next.clone());
                if next == *start {
                    return Some(longer);
                }
                if seen.insert(next) {
                    paths.push(longer);
                }
            }
        }
        None
    }

    /// The annotation of an application changed: of those that wait in a circle
    /// with it, too, another verdict may be right.
    pub(super) fn dependencies_changed(&mut self, id: &AppId) {
        let is_in_circle = |app: &&AppState| {
            let held = app.auto.held.as_ref().map(|(kind, _)| *kind);
            held == Some("DependencyError")
        };
        let mut ids: Vec<AppId> = self
            .apps
            .values()
            .filter(is_in_circle)
            .map(|app| app.id.clone())
            .collect();
        ids.push(id.clone());
        for id in ids {
            self.want_compare(&id);
            self.try_held(&id);
        }
    }

    /// An application said something new: whoever waits for it looks again.
    pub(super) fn wake_dependents(&mut self, id: &AppId) {
        let waiting: Vec<AppId> = self
            .apps
            .values()
            .filter(|app| {
                let held = app.auto.held.as_ref().map(|(kind, _)| *kind);
                held == Some("DependencyWarning") && dependencies(&app.app).contains(id)
            })
            .map(|app| app.id.clone())
            .collect();
        for id in waiting {
            self.try_held(&id);
        }
    }

    /// Tries what is held back: an operation, or an automated sync.
    pub(super) fn try_held(&mut self, id: &AppId) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let Some(operation) = &app.operation else {
            if app.auto.held.is_some() {
                self.want_compare(id);
            }
            return;
        };
        if operation.stage != Stage::Held {
            return;
        }
        let is_manual = !operation.state.operation.initiated_by.automated;
        let began = operation.state.started_at.clone();
        let is_resumed = operation.state.sync_result.is_some();
        let held = self.held_back(id, is_manual, is_resumed.then_some(began.as_str()));
        let is_held = held.is_some();
        let app = self.apps.get_mut(id).expect("looked up above");
        let operation = app.operation.as_mut().expect("looked up above");
        let message = held
            .as_ref()
            .map_or_else(String::new, |(_, message)| message.clone());
        let is_new = app.auto.held != held || operation.state.message != message;
        operation.state.message = message;
        app.auto.held = held;
        if is_new {
            self.report_soon(id);
        }
        if !is_held {
            self.operation_released(id);
        }
    }

    /// `deletion-approved` may have come: prunes that wait for it go on.
    pub(super) fn confirm_prunes(&mut self, id: &AppId) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        if let Some(operation) = &app.operation
            && operation.sync.is_some()
            && app.app.is_confirmed_since(&operation.state.started_at)
        {
            self.step(id, operation.number, Event::Confirmed);
        }
    }

    /// A sync that only waits makes room for a newer commit, if that commit
    /// says anything else.
    pub(super) fn give_way(&mut self, id: &AppId, before: Option<&Compared>) {
        let patience = self.settings.hook_patience;
        let Some(app) = self.apps.get_mut(id).filter(|app| app.gives_way(patience)) else {
            return;
        };
        let (attempt, revision) = (app.attempt_key(), app.revision());
        let says_the_same = match (before, &app.compared) {
            (Some(before), Some(after)) => {
                let same = |(one, other): (&super::compare::ComparedItem, _)| {
                    let other: &super::compare::ComparedItem = other;
                    one.key == other.key && one.desired == other.desired
                };
                before.items.len() == after.items.len()
                    && before.items.iter().zip(&after.items).all(same)
            }
            (_, _) => false,
        };
        let operation = app.operation.as_mut().expect("it gives way");
        if says_the_same {
            operation.attempt = attempt;
            return;
        }
        operation.gives_way_to = Some(revision);
        self.terminate_operation(id);
    }
}

/// What these say that an application lacks to be Synced, Healthy and at rest.
pub(super) fn lacking(sync: SyncCode, health: &str, is_busy: bool) -> Option<String> {
    if sync != SyncCode::Synced {
        return Some(format!("{sync:?}"));
    }
    if health != HealthStatus::Healthy.as_str() {
        return Some(health.to_owned());
    }
    is_busy.then(|| "under way".to_owned())
}

/// The applications that one waits for.
pub(super) fn dependencies(app: &Application) -> Vec<AppId> {
    let named = app.depends_on().into_iter();
    named
        .map(|(namespace, name)| AppId { namespace, name })
        .collect()
}
