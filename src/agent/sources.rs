//! From the sources of an application to snapshots: which commit a revision
//! means, fetched once for all applications that share a repository.

use super::budget::{self, Budget, OverBudget, Steps};
use super::charts::Asker;
use super::credentials::{Repositories, Way};
use super::host::{RenderHost, Seed, SourceTime};
use super::integrity::Proofs;
use super::kept::Kept;
use super::lookups::{Look, MAX_LOOKUPS};
use super::remotes::{Brought, MAX_REMOTES, Remotes};
use crate::app::{Application, Source, is_reference};
use crate::git;
use crate::helm::{self, chart::packed_at};
use crate::http;
use crate::kube;
use crate::kustomize::Need;
use crate::registry;
use crate::render;
use crate::tree::{MemoryTree, Tree};
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

/// A packed chart may be so large in a budget of 64 MiB.
const MAX_ARCHIVE: u64 = 16 << 20;

/// Applications that are triggered together share one answer of the remote.
const SHARED_FOR: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("no source: set spec.source or spec.sources")]
    None,
    #[error("source {0}: set one of path and chart")]
    Ambiguous(String),
    #[error("multiple application sources defined: {0}")]
    MultipleTools(String),
    #[error(
        "plugin {0:?}: config management plugins are not run; render to plain manifests, Helm or Kustomize"
    )]
    Plugin(String),
    #[error("source reference {0:?}: must be unique and of letters, digits, _ and -")]
    Reference(String),
    #[error("a source with ref {0:?} may not have a chart")]
    ReferenceChart(String),
    #[error(
        "source {0}: of OCI registries only Helm charts are served: name the chart in chart, and its folder of the registry in repoURL"
    )]
    Oci(String),
    #[error(transparent)]
    Git(#[from] Arc<git::Error>),
    #[error(transparent)]
    Chart(#[from] registry::Error),
    /// There is not so much memory as this takes.
    #[error("fetching {0} {1}")]
    Budget(String, OverBudget),
}

impl From<git::Error> for SourceError {
    fn from(error: git::Error) -> Self {
        SourceError::Git(Arc::new(error))
    }
}

impl SourceError {
    /// May the same succeed later without anybody's doing?
    pub fn is_retryable(&self) -> bool {
        match self {
            SourceError::Git(error) => error.is_retryable(),
            SourceError::Chart(error) => error.is_retryable(),
            // Other work may be over then; the last snapshot stands.
            SourceError::Budget(..) => true,
            SourceError::None
            | SourceError::Ambiguous(_)
            | SourceError::MultipleTools(_)
            | SourceError::Plugin(_)
            | SourceError::Reference(_)
            | SourceError::Oci(_)
            | SourceError::ReferenceChart(_) => false,
        }
    }

    /// The type of the condition that tells it.
    pub fn condition(&self) -> &'static str {
        match self {
            SourceError::Git(_) | SourceError::Chart(_) | SourceError::Budget(..) => {
                "ComparisonError"
            }
            SourceError::None
            | SourceError::Ambiguous(_)
            | SourceError::MultipleTools(_)
            | SourceError::Plugin(_)
            | SourceError::Reference(_)
            | SourceError::Oci(_)
            | SourceError::ReferenceChart(_) => "InvalidSpecError",
        }
    }
}

/// One source, pinned: equal revisions mean equal content.
#[derive(Clone)]
pub struct Resolved {
    pub url: String,
    /// The commit, or the version of the chart.
    pub revision: String,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Git(git::Snapshot),
    /// The archive itself is in the cache of charts.
    Chart(registry::Pinned),
}

impl Resolved {
    /// Of a chart, pinned to its archive.
    pub(super) fn of_chart(url: &str, pinned: registry::Pinned) -> Self {
        Resolved {
            url: url.to_owned(),
            revision: pinned.version.clone(),
            content: Content::Chart(pinned),
        }
    }

    /// `None` for git.
    pub(super) fn chart(&self) -> Option<&registry::Pinned> {
        match &self.content {
            Content::Git(_) => None,
            Content::Chart(pinned) => Some(pinned),
        }
    }

    /// The tree, opened for reading on this thread.
    pub fn tree(&self) -> Result<Box<dyn Tree>, SourceError> {
        match &self.content {
            Content::Git(snapshot) => Ok(Box::new(Steps(snapshot.tree()?))),
            Content::Chart(_) => Ok(Box::new(MemoryTree::default())),
        }
    }

    /// Did reading find the snapshot gone or damaged? Then resolve again.
    pub fn is_damaged(&self) -> bool {
        match &self.content {
            Content::Git(snapshot) => snapshot.is_damaged(),
            // Charts are looked up in their own cache each time.
            Content::Chart(_) => false,
        }
    }

    /// What may have been signed; nothing in a plain folder, and of charts.
    pub(super) fn signed(&self) -> Result<Option<git::Signed>, SourceError> {
        match &self.content {
            Content::Git(snapshot) => Ok(snapshot.signed()?),
            Content::Chart(_) => Ok(None),
        }
    }

    /// Whether pointers of Git LFS are read as what they stand for.
    pub(super) fn has_lfs(&self) -> bool {
        match &self.content {
            Content::Git(snapshot) => snapshot.has_lfs(),
            Content::Chart(_) => false,
        }
    }

    /// When the commit was made, in Unix seconds.
    pub fn committed_at(&self) -> Option<i64> {
        match &self.content {
            Content::Git(snapshot) => Some(snapshot.info().ok()??.committed),
            Content::Chart(_) => None,
        }
    }
}

/// What was asked of which repository.
type Question = (String, Tracked);
/// What came back; a refusal too is shared, or a repository that hangs would
/// be waited for once an application.
type Reply = Result<git::Resolved, Arc<git::Error>>;

/// A revision that applications of a project follow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tracked {
    pub revision: String,
    /// Of the tags that a range is held against.
    pub tag_prefix: String,
    pub project: String,
}

impl Tracked {
    pub fn of(source: &Source, project: &str) -> Self {
        Self {
            revision: source.target_revision.clone(),
            tag_prefix: source.tag_prefix.clone(),
            project: project.to_owned(),
        }
    }
}

pub struct Sources {
    locator: git::Locator,
    seed: Seed,
    charts: registry::Charts,
    repositories: Repositories,
    remotes: Remotes,
    /// Charts may look things up in the cluster.
    has_lookups: AtomicBool,
    /// Histories that were signed as they should be.
    proofs: Proofs,
    /// Of the agent; commands fetch without.
    budget: OnceLock<Budget>,
    recent: Mutex<BTreeMap<Question, (Reply, Instant)>>,
    /// One conversation at a time with each repository.
    busy: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
}

impl Sources {
    pub fn new(
        locator: git::Locator,
        charts: registry::Charts,
        http: http::Client,
        seed: Seed,
    ) -> Self {
        Sources {
            locator,
            charts,
            seed,
            repositories: Repositories::new(http),
            remotes: Remotes::default(),
            has_lookups: AtomicBool::new(false),
            proofs: Proofs::default(),
            budget: OnceLock::new(),
            recent: Mutex::default(),
            busy: Mutex::default(),
        }
    }

    fn recent(&self) -> MutexGuard<'_, BTreeMap<Question, (Reply, Instant)>> {
        self.recent.lock().expect("no holder of this lock panics")
    }

    /// Takes the credentials that a cluster has for repositories.
    pub fn log_in(&self, client: &kube::Client, namespace: &str) -> Result<(), kube::Error> {
        self.repositories.load(client, namespace)
    }

    pub(super) fn repositories(&self) -> &Repositories {
        &self.repositories
    }

    pub(super) fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    /// The commits behind a source's, which are fetched as they are read.
    pub(super) fn history(
        &self,
        resolved: &Resolved,
        project: &str,
    ) -> Result<git::History, git::Error> {
        let repository = self.repository(&resolved.url, project)?;
        repository.history(&resolved.revision)
    }

    pub(super) fn remotes(&self) -> &Remotes {
        &self.remotes
    }

    /// Fetches ask this one from now on.
    pub(super) fn attach_budget(&self, budget: Budget) {
        if let Some(cache) = &self.locator.cache {
            cache.set_step(|| budget::checkpoint().map_err(|over| over.to_string()));
        }
        self.charts.limit_archives(budget.scaled(MAX_ARCHIVE));
        // An agent has one.
        let _ = self.budget.set(budget);
    }

    /// Does a heavy part of a fetch, when there is memory for it.
    pub(super) fn within<T>(
        &self,
        what: &str,
        floor: u64,
        job: impl Fn() -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        match self.budget.get() {
            None => job(),
            Some(budget) => budget
                .run(what, floor, job)
                .unwrap_or_else(|over| Err(SourceError::Budget(what.to_owned(), over))),
        }
    }

    /// A limit that shrinks with a small budget.
    pub(super) fn scaled(&self, whole: usize) -> usize {
        let scaled = self.budget.get().map(|b| b.scaled(whole as u64));
        scaled.map_or(whole, |n| usize::try_from(n).unwrap_or(whole))
    }

    /// What a render may take: less in a smaller budget.
    pub(super) fn render_limits(&self) -> render::Limits {
        let mut limits = render::Limits::default();
        if let Some(budget) = self.budget.get() {
            let jsonnet = budget.scaled(limits.jsonnet.memory as u64 / 2);
            limits.jsonnet.memory = usize::try_from(jsonnet).unwrap_or(usize::MAX);
            limits.templates.bytes = budget.scaled(limits.templates.bytes);
        }
        limits
    }

    /// Zeros where all repositories are mapped to this machine.
    pub fn git_counts(&self) -> git::Counts {
        let cache = self.locator.cache.as_ref();
        cache.map(git::Cache::counts).unwrap_or_default()
    }

    /// How many repositories the cache holds, and their bytes on disk.
    pub(super) fn git_cache_usage(&self) -> (usize, u64) {
        let cache = self.locator.cache.as_ref();
        cache.map(git::Cache::usage).unwrap_or_default()
    }

    /// Whether a repository is on this machine: polled more often.
    pub fn is_local(&self, url: &str) -> bool {
        git::RepositoryUrl::parse(url)
            .is_ok_and(|url| self.locator.mapped(&url).is_some() || url.local_path().is_some())
    }

    /// The server of a repository, "" for one on this machine.
    pub(super) fn server_of(&self, url: &str) -> String {
        if self.is_local(url) {
            return String::new();
        }
        git::RepositoryUrl::parse(url).map_or_else(|_| String::new(), |url| url.authority())
    }

    /// Whether a source was pinned with another word on Git LFS than now.
    pub(super) fn changed_lfs(&self, source: &Source, project: &str, resolved: &Resolved) -> bool {
        let is_remote = source.chart.is_empty() && !self.is_local(&source.repo_url);
        is_remote && self.repositories.has_lfs(&source.repo_url, project) != resolved.has_lfs()
    }

    pub(super) fn charts(&self) -> &registry::Charts {
        &self.charts
    }

    pub(super) fn repository(
        &self,
        url: &str,
        project: &str,
    ) -> Result<git::Repository, git::Error> {
        self.locator
            .repository(url, |_| access(url, self.repositories.way(url, project)))
    }

    /// A snapshot with its submodules, brought in its way.
    fn mounted(
        &self,
        repository: &git::Repository,
        snapshot: git::Snapshot,
        project: &str,
        bring: impl Fn(&git::Repository, &str) -> Result<git::Snapshot, git::Error>,
    ) -> Result<git::Snapshot, git::Error> {
        if !self.repositories.has_submodules() {
            return Ok(snapshot);
        }
        git::with_submodules(snapshot, repository.url(), &|submodule, parent| {
            let url = submodule.url.to_string();
            if self.locator.cache.is_none() && self.locator.mapped(&submodule.url).is_none() {
                tracing::warn!(
                    path = submodule.path,
                    url,
                    "this submodule is left empty: only mapped repositories are served here"
                );
                return Ok(None);
            }
            let found = self.locator.open(submodule.url.clone(), |_| {
                let way = self
                    .repositories
                    .way_of_submodule(&url, &parent.to_string(), project);
                access(&url, way)
            })?;
            bring(&found, &submodule.commit).map(Some)
        })
    }

    /// What can be said of an application's sources without asking anybody.
    pub fn check(app: &Application) -> Result<(), SourceError> {
        let sources = app.spec.sources();
        if sources.is_empty() {
            return Err(SourceError::None);
        }
        let mut references: Vec<&str> = Vec::new();
        for source in sources {
            if source.repo_url.is_empty() {
                return Err(SourceError::None);
            }
            if let Some(plugin) = &source.plugin {
                return Err(SourceError::Plugin(plugin.name.clone()));
            }
            if source.chart.is_empty() && source.repo_url.to_lowercase().starts_with("oci://") {
                return Err(SourceError::Oci(source.repo_url.clone()));
            }
            if !source.chart.is_empty() && !source.path.is_empty() {
                return Err(SourceError::Ambiguous(source.repo_url.clone()));
            }
            let tools = source.tools();
            if tools.len() > 1 {
                return Err(SourceError::MultipleTools(tools.join(", ")));
            }
            let reference = source.reference.as_str();
            if !reference.is_empty() {
                if !is_reference(reference) || references.contains(&reference) {
                    return Err(SourceError::Reference(reference.to_owned()));
                }
                if !source.chart.is_empty() {
                    return Err(SourceError::ReferenceChart(reference.to_owned()));
                }
                references.push(reference);
            }
        }
        Ok(())
    }

    /// Pins all sources of an application and brings their snapshots.
    /// `fresh` asks the remote even if it was asked a moment ago.
    pub fn resolve(&self, app: &Application, fresh: bool) -> Result<Vec<Resolved>, SourceError> {
        Self::check(app)?;
        let sources = app.spec.sources();
        sources
            .iter()
            .map(|source| {
                let revision = &source.target_revision;
                self.resolve_source(source, revision, app.spec.project(), fresh)
            })
            .collect()
    }

    /// The snapshots of the last comparison, from this machine alone: what an
    /// application stands by while its repositories are away.
    pub fn last_known(&self, app: &Application) -> Option<Vec<Resolved>> {
        let status = &app.status.sync;
        let revisions = match status.revisions.as_slice() {
            [] => std::slice::from_ref(&status.revision),
            revisions => revisions,
        };
        let sources = app.spec.sources();
        if sources.len() != revisions.len() {
            return None;
        }
        let project = app.spec.project();
        let pinned = sources.iter().zip(revisions).map(|(source, revision)| {
            if !source.chart.is_empty() {
                return self.resolve_chart(source, revision, project).ok();
            }
            let snapshot = self.stored_snapshot(&source.repo_url, revision, project, true);
            let snapshot = snapshot.ok()??;
            Some(Resolved {
                url: source.repo_url.clone(),
                revision: revision.clone(),
                content: Content::Git(snapshot),
            })
        });
        pinned.collect()
    }

    /// A commit of a repository, from this machine alone.
    pub(super) fn stored_snapshot(
        &self,
        url: &str,
        commit: &str,
        project: &str,
        submodules: bool,
    ) -> Result<Option<git::Snapshot>, SourceError> {
        let repository = self.repository(url, project)?;
        let Some(snapshot) = repository.cached(commit) else {
            return Ok(None);
        };
        if !submodules {
            return Ok(Some(snapshot));
        }
        let bring = |repository: &git::Repository, commit: &str| {
            repository.cached(commit).ok_or_else(|| {
                let url = repository.url().to_string();
                git::Error::new(&url, "look into the cache", git::Fault::NotFound)
            })
        };
        Ok(Some(self.mounted(&repository, snapshot, project, bring)?))
    }

    /// Pins one source at another revision than its own.
    pub fn resolve_source(
        &self,
        source: &Source,
        revision: &str,
        project: &str,
        fresh: bool,
    ) -> Result<Resolved, SourceError> {
        if !source.chart.is_empty() {
            return self.resolve_chart(source, revision, project);
        }
        let tracked = Tracked {
            revision: revision.to_owned(),
            ..Tracked::of(source, project)
        };
        let (commit, snapshot) = self.snapshot(&source.repo_url, tracked, fresh, true)?;
        Ok(Resolved {
            url: source.repo_url.clone(),
            revision: commit,
            content: Content::Git(snapshot),
        })
    }

    /// The commit that a revision means now, and what it holds.
    pub(super) fn snapshot(
        &self,
        url: &str,
        tracked: Tracked,
        fresh: bool,
        submodules: bool,
    ) -> Result<(String, git::Snapshot), SourceError> {
        let repository = self.repository(url, &tracked.project)?;
        let lock = self.lock_of(url);
        let one_at_a_time = lock.lock().expect("no holder of this lock panics");
        let project = tracked.project.clone();
        let question = (url.to_owned(), tracked);
        let known = self
            .recent()
            .get(&question)
            .filter(|(_, asked)| !fresh && asked.elapsed() < SHARED_FOR)
            .map(|(resolved, _)| resolved.clone());
        let resolved = match known {
            Some(reply) => reply?,
            None => self.ask(&repository, question)?,
        };
        // A submodule may be of the same repository; and whoever waits for
        // memory holds no lock.
        drop(one_at_a_time);
        let snapshot = match repository.cached(&resolved.commit) {
            Some(snapshot) => snapshot,
            None => self.within(url, budget::FETCH, || {
                let lock = self.lock_of(url);
                let _one_at_a_time = lock.lock().expect("no holder of this lock panics");
                Ok(repository.fetch(&resolved)?)
            })?,
        };
        let snapshot = match submodules {
            true => self.mounted(&repository, snapshot, &project, |repository, commit| {
                if let Some(snapshot) = repository.cached(commit) {
                    return Ok(snapshot);
                }
                let url = repository.url().to_string();
                self.within(&url, budget::FETCH, || {
                    Ok(repository.fetch(&repository.resolve(commit)?)?)
                })
                .map_err(|error| {
                    let told = git::Fault::Stopped(error.to_string());
                    let own = match error {
                        SourceError::Git(error) => Arc::try_unwrap(error).ok(),
                        _ => None,
                    };
                    own.unwrap_or_else(|| git::Error::new(&url, "fetch", told))
                })
            })?,
            false => snapshot,
        };
        Ok((resolved.commit, snapshot))
    }

    /// The tree of a repository's HEAD.
    pub fn tree_of(&self, url: &str) -> Result<Box<dyn Tree>, SourceError> {
        let source = Source {
            repo_url: url.to_owned(),
            ..Source::default()
        };
        self.resolve_source(&source, "", crate::app::DEFAULT_PROJECT, false)?
            .tree()
    }

    /// Asks a repository what its revisions mean now, each for a project;
    /// `None` where it cannot be told.
    pub fn poll(&self, url: &str, tracked: Vec<Tracked>) -> Vec<(Tracked, Option<String>)> {
        let lock = self.lock_of(url);
        let _one_at_a_time = lock.lock().expect("no holder of this lock panics");
        let ask = |tracked: &Tracked| {
            let question = (url.to_owned(), tracked.clone());
            let answer = self
                .repository(url, &tracked.project)
                .map_err(Arc::new)
                .and_then(|repository| self.ask(&repository, question));
            match answer {
                Ok(resolved) => Some(resolved.commit),
                Err(error) => {
                    tracing::debug!(%error, "poll");
                    None
                }
            }
        };
        let answers = tracked.into_iter().map(|tracked| {
            let commit = ask(&tracked);
            (tracked, commit)
        });
        answers.collect()
    }

    /// What a repository answered a moment ago does not count any more.
    pub(super) fn forget_answers(&self, url: &str) {
        self.recent().retain(|(asked, _), _| asked != url);
    }

    /// Asks the remote, and remembers the answer for a moment.
    fn ask(&self, repository: &git::Repository, question: Question) -> Reply {
        let Tracked {
            revision,
            tag_prefix,
            ..
        } = &question.1;
        let reply = repository
            .resolve_tagged(revision, tag_prefix)
            .map_err(Arc::new);
        self.recent()
            .insert(question, (reply.clone(), Instant::now()));
        reply
    }

    fn lock_of(&self, url: &str) -> Arc<Mutex<()>> {
        let mut busy = self.busy.lock().expect("no holder of this lock panics");
        busy.entry(url.to_owned()).or_default().clone()
    }

    /// What the templates of an application are told of time and chance.
    /// A packed chart has no commit: the time at which it was packed stands.
    pub(super) fn host<'a>(
        &self,
        instance: &str,
        resolved: &'a Resolved,
        archive: Option<&[u8]>,
        kept: &'a Kept<'a>,
    ) -> RenderHost<'a> {
        let time = match archive {
            Some(packed) => packed_at(packed),
            None => resolved.committed_at(),
        };
        let time = match time {
            Some(seconds) => SourceTime::At(seconds),
            None => SourceTime::FirstRenderOf {
                revision: &resolved.revision,
            },
        };
        RenderHost::new(&self.seed, instance, time, kept)
    }

    /// Lets charts look up what their projects allow.
    pub fn allow_lookups(&self) {
        self.has_lookups.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_lookups(&self) -> bool {
        self.has_lookups.load(Ordering::Relaxed)
    }

    /// Renders one source; what it needs from outside is brought in between.
    pub fn render(
        &self,
        request: &render::Request<'_>,
        look: Option<Look<'_>>,
    ) -> Result<render::Manifests, render::RenderError> {
        let mut pulled: BTreeMap<helm::Need, Vec<u8>> = BTreeMap::new();
        let mut brought = Brought::default();
        let mut looked: BTreeMap<helm::Lookup, Value> = BTreeMap::new();
        loop {
            let charts = |need: &helm::Need| pulled.get(need).cloned();
            let answers = |lookup: &helm::Lookup| looked.get(lookup).cloned();
            let outcome = render::render(&render::Request {
                charts: &charts,
                remotes: &brought,
                lookups: look.map(|_| &answers as render::Answers<'_>),
                ..*request
            })?;
            let needs = match outcome {
                render::Outcome::Rendered(manifests) => return Ok(manifests),
                render::Outcome::Needs(needs) => needs,
            };
            for need in needs {
                let fault = |cause: String| render::RenderError::unmet(&need, &cause);
                let is_remote = matches!(need, Need::Repository(_) | Need::File { .. });
                if brought.len() == MAX_REMOTES && is_remote {
                    return Err(fault(format!("more than {MAX_REMOTES} remote resources")));
                }
                let project = request.project;
                match &need {
                    Need::Chart(chart) => {
                        let asker = Asker::of(request.source, project);
                        let bytes = self.pull(chart, asker).map_err(fault)?;
                        pulled.insert(chart.clone(), bytes);
                    }
                    Need::Repository(wanted) => self
                        .bring_repository(wanted, project, &mut brought)
                        .map_err(fault)?,
                    Need::File { url } => {
                        self.bring_file(url, project, &mut brought).map_err(fault)?
                    }
                    Need::Lookup(_) if looked.len() == MAX_LOOKUPS => {
                        return Err(fault(format!("more than {MAX_LOOKUPS} lookups")));
                    }
                    Need::Lookup(lookup) => {
                        let look = look.expect("lookups are needed where they are on");
                        looked.insert(lookup.clone(), look(lookup).map_err(fault)?);
                    }
                }
            }
        }
    }
}

/// The access that a way is.
fn access(url: &str, way: Result<Way, String>) -> Result<git::Access, git::Error> {
    let way =
        way.map_err(|cause| git::Error::new(url, "log in", git::Fault::Credentials(cause)))?;
    Ok(git::Access {
        client: way.client,
        credentials: way.credentials,
        ssh: way.ssh,
        lfs: way.lfs,
    })
}
