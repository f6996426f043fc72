//! Automated sync: when a comparison leads to an operation by itself.

use super::controller::{Controller, Timer};
use super::message::AppId;
use crate::app::{InitiatedBy, Operation, Retry, SyncCode, SyncOperation, SyncOperationResource};
use crate::sync::Item;
use std::time::{Duration, Instant};

/// Pauses between self-heals of the same revision, in seconds.
const SELF_HEAL_PAUSES: [u64; 7] = [0, 2, 6, 18, 54, 162, 300];
/// An application that stayed in sync for so long starts over.
const SELF_HEAL_FORGIVEN: Duration = Duration::from_secs(600);

impl Controller {
    /// The API server was away until the last retry of an automated sync:
    /// another attempt, much later.
    pub(super) fn sync_again(&mut self, id: &AppId) {
        if let Some(app) = self.apps.get_mut(id)
            && app.operation.is_none()
            && app
                .auto
                .attempted
                .as_ref()
                .is_some_and(|(_, succeeded)| !succeeded)
        {
            app.auto.attempted = None;
            self.want_compare(id);
        }
    }

    /// Decides after a comparison; `items` are its manifests.
    pub(super) fn consider_auto_sync(&mut self, id: &AppId, items: Option<Vec<Item>>) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        if self.settings.observe
            || app.operation.is_some()
            || app.deleting
            || app.app.is_deleting
            || app.compare_error.is_some()
            || app.read_error.is_some()
        {
            return;
        }
        let Some(compared) = app.compared.clone() else {
            return;
        };
        let Some(automated) = app.app.spec.automated().cloned() else {
            return;
        };
        let extras = self.extras(app);
        let prunes = automated.prune && !extras.is_empty();
        let differs = compared.code() == SyncCode::OutOfSync;
        if !differs && !prunes {
            let app = self.apps.get_mut(id).expect("looked up above");
            app.auto.condition = None;
            app.auto.held = None;
            return;
        }
        let held = self.held_back(id, false, None);
        let app = self.apps.get_mut(id).expect("looked up above");
        if held.is_some() {
            if app.auto.held != held {
                app.auto.held = held;
                self.report_soon(id);
            }
            return;
        }
        let app = self.apps.get(id).expect("looked up above");
        let attempt = app.attempt_key();
        let mut self_heal_attempts = 0;
        let mut only = Vec::new();
        if let Some((key, succeeded)) = &app.auto.attempted
            && *key == attempt
        {
            if !succeeded {
                let state = app.finished_operation.get();
                let message = state.map_or_else(String::new, |state| state.message);
                let condition = format!(
                    "Failed last sync attempt to [{}]: {message}",
                    app.revision()
                );
                let app = self.apps.get_mut(id).expect("looked up above");
                if app.auto.condition.as_ref() != Some(&condition) {
                    app.auto.condition = Some(condition);
                    self.report_soon(id);
                }
                return;
            }
            if !automated.self_heal {
                return;
            }
            let attempts = match app.auto.self_heal_at {
                Some(at) if at.elapsed() > SELF_HEAL_FORGIVEN => 0,
                Some(_) | None => app.auto.self_heal_attempts,
            };
            let pause = SELF_HEAL_PAUSES
                .get(attempts as usize)
                .copied()
                .unwrap_or(SELF_HEAL_PAUSES[SELF_HEAL_PAUSES.len() - 1]);
            if let Some(at) = app.auto.self_heal_at {
                let due = at + Duration::from_secs(pause);
                let left = due.saturating_duration_since(Instant::now());
                if attempts > 0 && !left.is_zero() {
                    self.after(left, Timer::SelfHeal(id.clone()));
                    return;
                }
            }
            self_heal_attempts = i64::from(attempts) + 1;
            only = compared
                .items
                .iter()
                .filter(|item| !item.is_hook && item.code == SyncCode::OutOfSync)
                .map(|item| &item.key)
                .chain(
                    extras
                        .iter()
                        .filter(|_| automated.prune)
                        .map(|(key, _)| key),
                )
                .map(|key| SyncOperationResource {
                    group: key.group.clone(),
                    kind: key.kind.clone(),
                    name: key.name.clone(),
                    namespace: key.namespace.clone(),
                })
                .collect();
            let app = self.apps.get_mut(id).expect("looked up above");
            app.auto.self_heal_attempts = attempts + 1;
            app.auto.self_heal_at = Some(Instant::now());
        } else {
            let app = self.apps.get_mut(id).expect("looked up above");
            app.auto.self_heal_attempts = 0;
            app.auto.self_heal_at = None;
        }
        let app = self.apps.get_mut(id).expect("looked up above");
        app.auto.condition = None;
        app.auto.held = None;
        let policy = app.app.spec.sync_policy.clone().unwrap_or_default();
        let is_multiple = app.app.spec.has_multiple_sources();
        let revisions = app.revisions();
        let operation = Operation {
            sync: Some(SyncOperation {
                revision: match is_multiple {
                    true => String::new(),
                    false => revisions.first().cloned().unwrap_or_default(),
                },
                revisions: if is_multiple { revisions } else { Vec::new() },
                prune: automated.prune,
                resources: only,
                sync_options: policy.sync_options,
                self_heal_attempts_count: self_heal_attempts,
                ..SyncOperation::default()
            }),
            initiated_by: InitiatedBy {
                automated: true,
                ..InitiatedBy::default()
            },
            retry: Some(policy.retry.unwrap_or(Retry {
                limit: Retry::AUTOMATED_LIMIT,
                ..Retry::default()
            })),
            ..Operation::default()
        };
        self.start_operation(id, operation, false, items, None);
    }
}
