//! What stays of a sync: its result, the digests that later events are held
//! against, the history.

use super::operation::RunningOperation;
use super::state::AppState;
use crate::app::{OperationState, RevisionHistory, SyncCode, SyncResult};
use crate::diff::Digest;
use crate::object::ResourceKey;
use crate::sync::Sync;
use std::collections::BTreeMap;

/// `status.history` keeps so many entries unless the spec says otherwise.
const HISTORY_LIMIT: usize = 10;

/// What was applied is as desired: the digest of its fields now is the one
/// that later events are held against.
pub(super) fn record_applied(
    app: &mut AppState,
    sync: &Sync,
    applied: &BTreeMap<ResourceKey, Option<Digest>>,
) {
    let Some(compared) = &mut app.compared else {
        return;
    };
    let compared = std::sync::Arc::make_mut(compared);
    for task in sync.applied() {
        if let Some(digest) = applied.get(&task.key)
            && let Some(item) = compared.item_mut(&task.key)
        {
            item.code = SyncCode::Synced;
            item.is_missing = false;
            item.expected = *digest;
        }
    }
}

pub(super) fn bare_result(app: &AppState, operation: Option<&RunningOperation>) -> SyncResult {
    let own = operation.and_then(|operation| operation.own.as_ref());
    let spec = own.map_or(&app.app.spec, |own| &own.app.spec);
    let revisions = operation.map_or_else(|| app.revisions(), |one| one.revisions(app));
    let is_multiple = spec.has_multiple_sources();
    SyncResult {
        resources: Vec::new(),
        revision: match is_multiple {
            true => String::new(),
            false => revisions.first().cloned().unwrap_or_default(),
        },
        revisions: if is_multiple { revisions } else { Vec::new() },
        source: (!is_multiple).then(|| spec.source.clone()).flatten(),
        sources: if is_multiple {
            spec.sources.clone()
        } else {
            Vec::new()
        },
        managed_namespace_metadata: None,
    }
}

pub(super) fn sync_result(app: &AppState, operation: &RunningOperation, sync: &Sync) -> SyncResult {
    SyncResult {
        resources: sync.results(),
        ..bare_result(app, Some(operation))
    }
}

/// Selective syncs and self-heal write no history.
pub(super) fn remember_history(app: &mut AppState, state: &OperationState, deployed_at: &str) {
    let wanted = state.operation.sync.clone().unwrap_or_default();
    if !wanted.resources.is_empty() || wanted.self_heal_attempts_count > 0 || wanted.dry_run {
        return;
    }
    let Some(result) = &state.sync_result else {
        return;
    };
    let mut history = app.history.get();
    let id = history.last().map_or(0, |last| last.id + 1);
    history.push(RevisionHistory {
        revision: result.revision.clone(),
        revisions: result.revisions.clone(),
        deployed_at: deployed_at.to_owned(),
        deploy_started_at: state.started_at.clone(),
        id,
        source: result.source.clone(),
        sources: result.sources.clone(),
        initiated_by: state.operation.initiated_by.clone(),
    });
    let limit = app
        .app
        .spec
        .revision_history_limit
        .map_or(HISTORY_LIMIT, |limit| usize::try_from(limit).unwrap_or(0));
    let excess = history.len().saturating_sub(limit);
    history.drain(..excess);
    app.history.set(&history);
}
