//! What the controller knows of one application.

use super::compare::{CompareError, Compared};
use super::message::AppId;
use super::operation::RunningOperation;
use super::packed::Packed;
use super::sources::Resolved;
use super::watch::{home_of_application, is_application};
use crate::app::{
    Application, ApplicationStatus, OperationState, ResourceStatus, RevisionHistory, SyncCode,
    SyncStatus,
};
use crate::diff::Digest;
use crate::kube::Fence;
use crate::object::ResourceKey;
use crate::sync::Item;
use crate::value::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Snapshots found damaged are fetched anew at once, but not more often.
const REFETCH_PAUSE: Duration = Duration::from_secs(60);

pub(super) struct AppState {
    pub id: AppId,
    /// Of its status only what comparisons ask for: see [`at_rest`].
    pub app: Arc<Application>,
    pub instance: String,
    /// Where several agents share the work: what its writes pass.
    pub fence: Option<Fence>,
    /// Digest of the spec: a change asks for a reconcile.
    pub spec_digest: Digest,
    /// The status as the API server has it, for the next patch.
    pub known_status: Packed<Value>,
    /// Raised by whatever makes results of jobs under way stale.
    pub generation: u64,
    pub wants: Wants,
    /// The job under way, where there is one.
    pub job: Option<Job>,
    pub resolved: Vec<Resolved>,
    /// The revisions that the last comparison was made at: its sources may be
    /// further by now.
    pub compared_at: Vec<String>,
    /// Why the sources cannot be had; the last snapshot stands meanwhile.
    pub source_error: Option<(&'static str, String)>,
    pub compare_error: Option<CompareError>,
    pub read_error: Option<String>,
    pub compared: Option<Arc<Compared>>,
    pub operation: Option<Box<RunningOperation>>,
    /// The last operation, once it is over.
    pub finished_operation: Packed<Option<OperationState>>,
    /// `.operation` of the Application is to be removed with the next report.
    pub clear_operation: bool,
    /// Live objects moved while a sync ran: look again when it is over.
    pub compare_when_idle: bool,
    pub history: Packed<Vec<RevisionHistory>>,
    pub auto: AutoMemory,
    pub reporting: bool,
    /// The report on its way tells that an operation begins.
    pub report_records: bool,
    /// The report under way only adds fields, by its digest; and the last such
    /// one of which nothing was kept: an old CRD has no room for them.
    pub report_adds: Option<u64>,
    pub report_in_vain: Option<u64>,
    /// Something changed while a report was on its way.
    pub report_again: bool,
    pub report_due: Option<Instant>,
    pub deleting: bool,
    /// The hooks of its deletion, once they are rendered.
    pub delete_hooks: Option<Arc<Vec<Item>>>,
    pub deletion_error: Option<String>,
    /// The skip-reconcile annotation is set.
    pub skipped: bool,
    /// Of the newest state of the Application that was seen.
    pub resource_version: String,
    /// When to try again what failed by itself.
    pub retry_at: Option<Instant>,
    pub failures: u32,
    /// When a timer looks at its certificates, in Unix seconds.
    pub renewal_due: Option<i64>,
    /// When a damaged snapshot was last fetched anew.
    pub refetched_at: Option<Instant>,
}

/// What is to be done next; folded while a job runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wants {
    pub resolve: bool,
    pub compare: bool,
    /// Render even if no input changed: somebody asked for a hard refresh.
    pub render: bool,
    /// Ask the remote even if it was asked a moment ago.
    pub fresh: bool,
    /// A refresh annotation is to be removed.
    pub clear_refresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Resolve,
    Compare,
}

/// What automated sync remembers between comparisons.
#[derive(Default)]
pub(super) struct AutoMemory {
    /// Revisions and spec of the last attempt, and how it ended.
    pub attempted: Option<(String, bool)>,
    pub self_heal_attempts: u32,
    pub self_heal_at: Option<Instant>,
    pub condition: Option<String>,
    /// Why a sync that is due does not begin: type and message of a condition.
    pub held: Option<(&'static str, String)>,
    /// When a timer looks at the sync windows again.
    pub held_until: Option<Instant>,
}

impl AppState {
    /// `generation` is higher than that of any state that was let go.
    pub fn new(id: AppId, instance: String, generation: u64, fence: Option<Fence>) -> Self {
        AppState {
            id,
            app: Arc::default(),
            instance,
            fence,
            spec_digest: Digest::default(),
            known_status: Packed::default(),
            generation,
            wants: Wants::default(),
            job: None,
            resolved: Vec::new(),
            compared_at: Vec::new(),
            source_error: None,
            compare_error: None,
            read_error: None,
            compared: None,
            operation: None,
            finished_operation: Packed::default(),
            clear_operation: false,
            compare_when_idle: false,
            history: Packed::default(),
            auto: AutoMemory::default(),
            reporting: false,
            report_records: false,
            report_adds: None,
            report_in_vain: None,
            report_again: false,
            report_due: None,
            deleting: false,
            delete_hooks: None,
            deletion_error: None,
            skipped: false,
            resource_version: String::new(),
            retry_at: None,
            failures: 0,
            renewal_due: None,
            refetched_at: None,
        }
    }

    /// The cache may be deleted under our hands: that is mended at once, but
    /// a disk that damages everything is not hammered.
    pub fn may_refetch(&self) -> bool {
        self.refetched_at
            .is_none_or(|at| at.elapsed() > REFETCH_PAUSE)
    }

    pub fn sync_code(&self) -> SyncCode {
        if self.read_error.is_some() || self.compare_error.is_some() {
            return SyncCode::Unknown;
        }
        match &self.compared {
            None => SyncCode::Unknown,
            Some(_) if self.source_error.is_some() && self.resolved.is_empty() => SyncCode::Unknown,
            Some(compared) => compared.code(),
        }
    }

    /// Nothing has been found out about it since the start of the agent.
    pub fn is_uncompared(&self) -> bool {
        let has_failed = self.read_error.is_some()
            || self.compare_error.is_some()
            || self.source_error.is_some();
        self.compared.is_none() && !has_failed
    }

    /// What the last comparison was made at; before the first, where the sources
    /// are.
    pub fn revisions(&self) -> Vec<String> {
        match self.compared_at.is_empty() {
            true => revisions_of(&self.resolved),
            false => self.compared_at.clone(),
        }
    }

    /// The same as `commit` or `commit,commit`.
    pub fn revision(&self) -> String {
        self.revisions().join(",")
    }

    /// Its destination, as the spec names it.
    pub fn dest_server(&self) -> &str {
        let destination = &self.app.spec.destination;
        match destination.server.as_str() {
            "" => &destination.name,
            server => server,
        }
    }

    /// What it is busy with, in a word.
    pub fn activity(&self) -> &'static str {
        match (&self.operation, self.job) {
            (Some(operation), _) if operation.is_waiting_for_retry() => "waiting to retry",
            (Some(operation), _) if operation.is_held() => "held back",
            (Some(_), _) => "syncing",
            (None, Some(Job::Resolve)) => "fetching",
            (None, Some(Job::Compare)) => "comparing",
            (None, None) if self.deleting => "deleting",
            (None, None) => "",
        }
    }

    /// What an automated sync is not repeated for: revisions and sources.
    pub fn attempt_key(&self) -> String {
        self.attempt_key_at(&self.revision())
    }

    fn attempt_key_at(&self, revision: &str) -> String {
        let sources = crate::diff::digest_of(&self.app.spec.sources());
        format!("{revision} {sources:02x?}")
    }

    /// Whether the running sync only waits, and would make room for another
    /// commit: where a hook runs, only after a while.
    pub fn gives_way(&self, hook_patience: Duration) -> bool {
        let Some(operation) = &self.operation else {
            return false;
        };
        let waits = operation.sync.as_ref().and_then(crate::sync::Sync::waits);
        let newest = revisions_of(&self.resolved).join(",");
        let is_outdated = operation.attempt != self.attempt_key_at(&newest);
        let is_automated = operation.state.operation.initiated_by.automated;
        let is_patient = |since: &Instant| since.elapsed() < hook_patience;
        is_automated
            && is_outdated
            && match waits {
                None => false,
                Some(false) => true,
                Some(true) => !operation.observed_since.values().any(is_patient),
            }
    }

    /// Nothing is under way or due but timers.
    pub fn is_settled(&self) -> bool {
        let operation_waits = self
            .operation
            .as_ref()
            .is_none_or(|operation| operation.is_waiting_for_retry() || operation.is_held());
        self.job.is_none()
            && !self.wants.resolve
            && !self.wants.compare
            && operation_waits
            && !self.reporting
            && self.report_due.is_none()
            && !self.deleting
            && (self.skipped
                || self.compared.is_some()
                || self.compare_error.is_some()
                || self.source_error.is_some()
                || self.read_error.is_some())
    }

    /// The kinds that must be watched for this application.
    pub fn kinds(&self) -> BTreeSet<(String, String)> {
        let rendered = self.compared.iter().flat_map(|compared| {
            compared
                .items
                .iter()
                .map(|item| (item.key.group.clone(), item.key.kind.clone()))
        });
        let recorded = self
            .app
            .status
            .resources
            .iter()
            .map(|resource| (resource.group.clone(), resource.kind.clone()));
        rendered.chain(recorded).collect()
    }

    /// The namespaces of the Applications that this one deploys.
    pub fn homes_of_applications(&self) -> BTreeSet<String> {
        let compared = self.compared.iter().flat_map(|compared| &compared.items);
        let rendered = compared.filter_map(|item| home_of_application(item.key.clone()));
        rendered.chain(recorded_homes(&self.app.status)).collect()
    }
}

/// The namespaces of the Applications that a status mentions.
pub(super) fn recorded_homes(status: &ApplicationStatus) -> impl Iterator<Item = String> {
    let recorded = status.resources.iter();
    recorded.filter_map(|resource| {
        home_of_application(ResourceKey {
            group: resource.group.clone(),
            kind: resource.kind.clone(),
            namespace: resource.namespace.clone(),
            name: String::new(),
        })
    })
}

pub(super) fn revisions_of(resolved: &[Resolved]) -> Vec<String> {
    resolved.iter().map(|one| one.revision.clone()).collect()
}

/// What is kept of an Application: of its status the kinds, once each (of
/// Applications for each namespace), and what it was compared to.
pub(super) fn at_rest(mut app: Application) -> Application {
    let resources = std::mem::take(&mut app.status.resources).into_iter();
    let kinds: BTreeSet<_> = resources
        .map(|resource| {
            let is_application = is_application(&resource.group, &resource.kind);
            let namespace = is_application.then_some(resource.namespace);
            (resource.group, resource.kind, namespace.unwrap_or_default())
        })
        .collect();
    app.status = ApplicationStatus {
        resources: kinds
            .into_iter()
            .map(|(group, kind, namespace)| ResourceStatus {
                group,
                kind,
                namespace,
                ..ResourceStatus::default()
            })
            .collect(),
        sync: SyncStatus {
            compared_to: None,
            ..app.status.sync
        },
        ..ApplicationStatus::default()
    };
    app
}
