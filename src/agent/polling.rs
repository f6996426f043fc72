//! Polls of repositories: each is asked once for all applications that use it.

use super::compare::Compared;
use super::controller::{Controller, Timer};
use super::message::{AppId, Message};
use super::rendering::reads_the_same;
use super::sources::{Resolved, Sources, Tracked};
use super::state::{AppState, Job, Wants, revisions_of};
use crate::app::{Application, SyncCode};
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An application in sync, which a new commit may leave untouched.
pub(super) struct Candidate {
    id: AppId,
    generation: u64,
    app: Arc<Application>,
    compared: Arc<Compared>,
}

/// What became of it: its sources at the new commit, where nothing of what was
/// read of them changed.
pub(super) struct Sifted {
    id: AppId,
    generation: u64,
    untouched: Option<Vec<Resolved>>,
}

impl Controller {
    /// Every repository in use is polled, once for all its applications.
    pub(super) fn schedule_polls(&mut self, id: &AppId) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let urls: Vec<String> = app
            .app
            .spec
            .sources()
            .iter()
            .filter(|source| source.chart.is_empty())
            .map(|source| source.repo_url.clone())
            .collect();
        for url in urls {
            if self.polled.insert(url.clone()) {
                self.schedule_poll(url);
            }
        }
    }

    pub(super) fn schedule_poll(&mut self, url: String) {
        let pause = if self.sources.is_local(&url) {
            self.settings.local_poll_interval
        } else {
            let config = self.config.clone();
            let interval = config.poll_interval.unwrap_or(self.settings.poll_interval);
            if interval.is_zero() {
                // Switched off: webhooks and refreshes are left.
                return;
            }
            let jitter = config.poll_jitter.unwrap_or(self.settings.poll_jitter);
            interval + self.jitter.below(jitter)
        };
        self.after(pause, Timer::Poll(url, self.poll_round));
    }

    pub(super) fn poll(&mut self, url: String) {
        let mut tracked = BTreeSet::new();
        for app in self.apps.values() {
            for source in app.app.spec.sources() {
                if source.repo_url == url && source.chart.is_empty() {
                    tracked.insert(Tracked::of(source, app.app.spec.project()));
                }
            }
        }
        if tracked.is_empty() {
            self.polled.remove(&url);
            return;
        }
        self.metrics.polls.add_one();
        let tracked: Vec<Tracked> = tracked.into_iter().collect();
        let (sources, results) = (self.sources.clone(), self.results.clone());
        self.fetch_pool.run_with(sources.server_of(&url), move || {
            let answers = sources.poll(&url, tracked);
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Polled(url, answers));
        });
    }

    pub(super) fn polled(&mut self, url: &str, answers: &[(Tracked, Option<String>)]) {
        self.schedule_poll(url.to_owned());
        let mut moved = Vec::new();
        for (id, app) in &self.apps {
            let sources = app.app.spec.sources();
            let is_behind = sources.iter().enumerate().any(|(index, source)| {
                source.repo_url == url
                    && source.chart.is_empty()
                    && answers.iter().any(|(tracked, commit)| {
                        let failed = app.source_error.is_some();
                        let is_at = app.resolved.get(index).map(|r| &r.revision);
                        *tracked == Tracked::of(source, app.app.spec.project())
                            && match commit {
                                // What kept the sources away may be over.
                                Some(commit) => failed || is_at != Some(commit),
                                // Told once; the last snapshot stands.
                                None => !failed,
                            }
                    })
            });
            if is_behind {
                moved.push(id.clone());
            }
        }
        let mut candidates = Vec::new();
        for id in moved {
            let Some(app) = self.apps.get(&id) else {
                continue;
            };
            // A new commit must be signed, whatever it touches.
            let candidate = match self.asks_for_signatures(app) {
                true => None,
                false => Candidate::of(app),
            };
            let app = self.apps.get_mut(&id).expect("it was there just now");
            match candidate {
                Some(candidate) => {
                    app.job = Some(Job::Resolve);
                    candidates.push(candidate);
                }
                None => {
                    app.wants.resolve = true;
                    app.wants.compare = true;
                    self.pump(&id);
                }
            }
        }
        if candidates.is_empty() {
            return;
        }
        let (sources, results) = (self.sources.clone(), self.results.clone());
        self.fetch_pool.run_with(sources.server_of(url), move || {
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Sifted(sift(&sources, candidates)));
        });
    }

    /// What failed for want of credentials is tried again at once; so is what is
    /// signed, and what has large files now, or no longer.
    pub(super) fn repositories_changed(&mut self) {
        // Keys may have come or gone.
        let signed = self
            .apps
            .iter()
            .filter(|(_, app)| self.asks_for_signatures(app));
        let signed: Vec<AppId> = signed.map(|(id, _)| id.clone()).collect();
        for (id, app) in &mut self.apps {
            if signed.contains(id) {
                app.wants.compare = true;
            }
            let sources = app.app.spec.sources();
            let project = app.app.spec.project();
            let has_other_files = sources
                .iter()
                .zip(&app.resolved)
                .any(|(source, resolved)| self.sources.changed_lfs(source, project, resolved));
            if has_other_files || app.source_error.is_some() || app.compare_error.is_some() {
                app.wants.resolve = true;
                app.wants.compare = true;
                app.wants.fresh = true;
                app.retry_at = None;
                app.failures = 0;
            }
        }
        let ids: Vec<AppId> = self.apps.keys().cloned().collect();
        for id in ids {
            self.pump(&id);
        }
    }

    /// Those that a commit touched come first; of the others it is told that
    /// they are at that commit, too.
    pub(super) fn sifted(&mut self, mut sifted: Vec<Sifted>) {
        sifted.sort_by_key(|one| one.untouched.is_some());
        for Sifted {
            id,
            generation,
            untouched,
        } in sifted
        {
            let Some(app) = self.apps.get_mut(&id) else {
                continue;
            };
            app.job = None;
            match untouched {
                Some(resolved) if app.generation == generation => {
                    app.compared_at = revisions_of(&resolved);
                    app.resolved = resolved;
                    app.failures = 0;
                    self.metrics.compares_without_render.add_one();
                    self.report_soon(&id);
                }
                Some(_) | None => {
                    app.wants.resolve = true;
                    app.wants.compare = true;
                }
            }
            self.pump(&id);
        }
    }
}

impl Candidate {
    /// Only where all is well: whatever is the matter with an application, a
    /// new commit may be the mend.
    fn of(app: &AppState) -> Option<Self> {
        let compared = app.compared.as_ref()?;
        let is_well = app.job.is_none()
            && app.wants == Wants::default()
            && app.operation.is_none()
            && app.source_error.is_none()
            && app.compare_error.is_none()
            && app.read_error.is_none()
            && app.auto.condition.is_none()
            && app.auto.held.is_none()
            && !app.deleting
            && !app.app.is_deleting
            && !app.app.skips_reconcile()
            && compared.unlisted.is_empty()
            && compared.code() == SyncCode::Synced;
        is_well.then(|| Candidate {
            id: app.id.clone(),
            generation: app.generation,
            app: app.app.clone(),
            compared: compared.clone(),
        })
    }
}

/// Each source is asked for once, however many applications share it.
fn sift(sources: &Sources, candidates: Vec<Candidate>) -> Vec<Sifted> {
    let mut known: Known = BTreeMap::new();
    let sifted = candidates.into_iter().map(|candidate| Sifted {
        untouched: untouched(sources, &candidate, &mut known),
        id: candidate.id,
        generation: candidate.generation,
    });
    sifted.collect()
}

/// By URL, what is tracked, and the chart's name, "" for git.
type Known = BTreeMap<(String, Tracked, String), Option<(Resolved, Box<dyn Tree>)>>;

fn untouched(sources: &Sources, candidate: &Candidate, known: &mut Known) -> Option<Vec<Resolved>> {
    let spec = &candidate.app.spec;
    let all = spec.sources();
    let keys: Vec<_> = all
        .iter()
        .map(|source| {
            let tracked = Tracked::of(source, spec.project());
            (source.repo_url.clone(), tracked, source.chart.clone())
        })
        .collect();
    for (source, key) in all.iter().zip(&keys) {
        known.entry(key.clone()).or_insert_with(|| {
            let revision = &source.target_revision;
            let resolved = sources.resolve_source(source, revision, spec.project(), false);
            let resolved = resolved.ok()?;
            let tree = resolved.tree().ok()?;
            Some((resolved, tree))
        });
    }
    let found = keys.iter().map(|key| known.get(key)?.as_ref());
    let found: Vec<&(Resolved, Box<dyn Tree>)> = found.collect::<Option<_>>()?;
    let pinned: Vec<(&str, &dyn Tree)> = found
        .iter()
        .map(|(resolved, tree)| (resolved.revision.as_str(), tree.as_ref()))
        .collect();
    reads_the_same(&all, &pinned, &candidate.compared.inputs)
        .then(|| found.iter().map(|(resolved, _)| resolved.clone()).collect())
}
