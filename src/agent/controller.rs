//! The thread that owns all applications: it takes one message at a time,
//! decides, and hands work to the pools.

use super::argocd_cm::ArgocdCm;
use super::budget::Budget;
use super::clusters::Clusters;
use super::compare::{CompareError, CompareOutcome, Comparison, Keep};
use super::destination::{ClusterId, Reach};
use super::digests::Digests;
use super::message::{AppId, Message};
use super::metrics::Metrics;
use super::operation::Stage;
use super::pool::Pool;
use super::settings::Settings;
use super::sharing::Sharing;
use super::sources::{Resolved, SourceError, Sources};
use super::state::{AppState, Job, revisions_of};
use crate::app::AppProject;
use crate::kube::Client;
use crate::sync::Event;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Events of one application are folded for so long before it is compared.
pub(super) const FOLD: Duration = Duration::from_millis(50);
/// Health changes are folded for so long before they are written.
const REPORT_FOLD: Duration = Duration::from_millis(400);
/// Settled means: nothing to do and no message for so long.
const QUIET: Duration = Duration::from_millis(700);
/// After so long without a message, what the controller's own thread has left
/// over is given back, once.
const TIDY: Duration = Duration::from_secs(1);

/// Certificates are looked at so often, however long they still are good.
const MAX_RENEWAL_PAUSE: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A repository, and the round of polls that it belongs to.
    Poll(String, u64),
    Reconcile(AppId),
    Compare(AppId),
    Report(AppId),
    SelfHeal(AppId),
    Deletion(AppId),
    RetryOperation(AppId, u64),
    SyncAgain(AppId),
    Pause(AppId, u64),
    Observe(AppId, u64),
    Held(AppId),
    /// Certificates of its charts are due for renewal.
    Renew(AppId),
    Discover(ClusterId),
    Connect(ClusterId),
    /// Applications that became ours are read again.
    TakeOver,
}

pub(super) struct Controller {
    pub settings: Settings,
    /// To the cluster where the Applications are.
    pub client: Client,
    /// The agent's own cluster among them, always reached.
    pub destinations: BTreeMap<ClusterId, Reach>,
    pub clusters: Clusters,
    pub sources: Arc<Sources>,
    pub metrics: Arc<Metrics>,
    pub budget: Budget,
    pub digests: Digests,
    pub results: Sender<Message>,
    pub apps: BTreeMap<AppId, AppState>,
    /// What other agents have; `None` where this one has everything.
    pub sharing: Option<Sharing>,
    pub projects: BTreeMap<String, Arc<AppProject>>,
    pub fetch_pool: Pool,
    pub heavy_pool: Pool,
    pub write_pool: Pool,
    pub timers: BinaryHeap<Reverse<(Instant, Timer)>>,
    /// Repositories that have a poll timer.
    pub polled: BTreeSet<String>,
    /// Counts how often the pause between polls was set anew.
    pub poll_round: u64,
    /// What argocd-cm says.
    pub config: Arc<ArgocdCm>,
    pub applications_listed: bool,
    pub projects_listed: bool,
    pub awaiting_settled: Vec<Sender<()>>,
    pub last_message: Instant,
    pub numbers: u64,
    pub jitter: Jitter,
}

/// A small generator for pauses; nothing depends on its quality.
pub(super) struct Jitter(pub u64);

impl Jitter {
    pub fn below(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(self.0 % most)
    }
}

impl Controller {
    pub fn run(mut self, messages: Receiver<Message>) {
        let mut untidy = true;
        loop {
            let now = Instant::now();
            while let Some(Reverse((due, _))) = self.timers.peek() {
                if *due > now {
                    break;
                }
                if let Some(Reverse((_, timer))) = self.timers.pop() {
                    self.timer(timer);
                }
            }
            self.tell_if_settled();
            let wake = match (self.next_wake(), untidy) {
                (Some(wait), true) => Some(wait.min(TIDY)),
                (None, true) => Some(TIDY),
                (wait, false) => wait,
            };
            let message = match wake {
                Some(wait) => match messages.recv_timeout(wait) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => {
                        if untidy && self.last_message.elapsed() >= TIDY {
                            (self.settings.allocator.rest)();
                            untidy = false;
                        }
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                },
                None => match messages.recv() {
                    Ok(message) => message,
                    Err(_) => return,
                },
            };
            if matches!(message, Message::Stop) {
                return;
            }
            untidy = true;
            self.take(message);
            // A burst is taken in at once.
            while let Ok(message) = messages.try_recv() {
                if matches!(message, Message::Stop) {
                    return;
                }
                self.take(message);
            }
        }
    }

    fn next_wake(&self) -> Option<Duration> {
        let timer = self
            .timers
            .peek()
            .map(|Reverse((due, _))| due.saturating_duration_since(Instant::now()));
        let quiet = (!self.awaiting_settled.is_empty()).then_some(QUIET / 4);
        match (timer, quiet) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    pub(super) fn after(&mut self, pause: Duration, timer: Timer) {
        self.timers.push(Reverse((Instant::now() + pause, timer)));
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Now, as Kubernetes writes times.
    pub(super) fn now_text(&self) -> String {
        jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string()
    }

    fn take(&mut self, message: Message) {
        // Answers of polls come for ever; what they set off is a message, too.
        if !matches!(
            message,
            Message::Polled(..) | Message::AwaitSettled(_) | Message::Views(_) | Message::Usage(_)
        ) {
            self.last_message = Instant::now();
        }
        match message {
            Message::Application(object) => self.application(&object),
            Message::ApplicationGone(id) => {
                self.let_go(&id);
                self.forget_elsewhere(&id);
            }
            Message::ApplicationsListed(ids) => {
                let gone = self.apps.keys().filter(|id| !ids.contains(id));
                for id in gone.cloned().collect::<Vec<_>>() {
                    self.let_go(&id);
                }
                self.retain_elsewhere(&ids);
                self.forget_digests();
                self.applications_listed = true;
                self.begin_with_ours();
                self.pump_all();
            }
            Message::Prepare(prepare) => self.prepare(prepare),
            Message::Drained(prepare) => self.drained(prepare),
            Message::Shares(share) => self.shares(share),
            Message::Taken(id, number, object) => self.taken(&id, number, object.as_deref()),
            Message::Project(project) => {
                let name = project.name.clone();
                let changed = self
                    .projects
                    .get(&name)
                    .is_none_or(|before| before.spec != project.spec);
                let project: Arc<AppProject> = Arc::from(project);
                self.sources.allow_remotes_of(&name, Some(project.clone()));
                self.projects.insert(name.clone(), project);
                if changed {
                    self.project_changed(&name);
                }
            }
            Message::ProjectGone(name) => {
                self.projects.remove(&name);
                self.sources.allow_remotes_of(&name, None);
                self.project_changed(&name);
            }
            Message::ProjectsListed => {
                self.projects_listed = true;
                self.pump_all();
            }
            Message::Configured(config) => self.configured(*config),
            Message::Live(cluster, key, moved) => self.live_moved(&cluster, &key, &moved),
            Message::KindListed => self.kind_listed(),
            Message::KindsChanged(cluster) => self.kinds_changed(&cluster),
            Message::Discovered(cluster, result) => self.discovered(&cluster, result),
            Message::Cluster(secret, cluster) => self.cluster(&secret, *cluster),
            Message::ClustersListed(secrets) => self.clusters_listed(|name| secrets.contains(name)),
            Message::ClusterGone(secret) => self.clusters_listed(|name| name != secret),
            Message::Connected(cluster, secret, result) => self.connected(cluster, &secret, result),
            Message::Resolved(id, generation, result) => self.resolved(&id, generation, result),
            Message::Polled(url, answers) => self.polled(&url, &answers),
            Message::Sifted(sifted) => self.sifted(sifted),
            Message::RepositoriesChanged => self.repositories_changed(),
            Message::Compared(id, generation, result) => self.compared(&id, generation, *result),
            Message::Task(id, number, event) => self.step(&id, number, event),
            Message::Applied(id, number, index, applied) => {
                self.applied(&id, number, index, applied);
            }
            Message::NamespaceReady(id, number, result) => {
                self.namespace_ready(&id, number, result);
            }
            Message::OwnResolved(id, number, result) => self.own_resolved(&id, number, result),
            Message::OwnCompared(id, number, result) => self.own_compared(&id, number, *result),
            Message::DeleteHooks(id, result) => self.delete_hooks_rendered(&id, result),
            Message::Reported(id, result) => self.reported(&id, result),
            Message::CascadeDone(id, result) => self.cascade_done(&id, result),
            Message::Refresh(id, hard) => self.refresh(&id, hard, false),
            Message::Pushed(push) => self.pushed(&push),
            Message::Views(answer) => {
                // Whoever asked may be gone.
                let _ = answer.send(self.apps.values().map(|app| self.view(app)).collect());
            }
            Message::Usage(answer) => {
                let _ = answer.send(self.usage());
            }
            Message::AwaitSettled(answer) => self.awaiting_settled.push(answer),
            Message::Stop => {}
        }
    }

    fn timer(&mut self, timer: Timer) {
        match timer {
            Timer::Poll(url, round) if round == self.poll_round => self.poll(url),
            // Since then the pause between polls was set anew.
            Timer::Poll(..) => {}
            Timer::Reconcile(id) => {
                if let Some(app) = self.apps.get_mut(&id)
                    && app.retry_at.is_some_and(|at| at <= Instant::now())
                {
                    app.retry_at = None;
                    app.wants.resolve = true;
                    app.wants.compare = true;
                    self.pump(&id);
                }
            }
            Timer::Compare(id) => self.pump(&id),
            Timer::Report(id) => {
                if let Some(app) = self.apps.get_mut(&id)
                    && app.report_due.is_some()
                {
                    self.report_now(&id);
                }
            }
            Timer::SelfHeal(id) => self.want_compare(&id),
            Timer::Deletion(id) => self.begin_deletion(&id),
            Timer::RetryOperation(id, number) => self.retry_operation(&id, number),
            Timer::SyncAgain(id) => self.sync_again(&id),
            Timer::Pause(id, number) => self.step(&id, number, Event::PauseOver),
            Timer::Observe(id, number) => {
                let Some(operation) = self
                    .apps
                    .get_mut(&id)
                    .and_then(|app| app.operation.as_mut())
                    .filter(|operation| operation.number == number)
                else {
                    return;
                };
                operation.has_observe_timer = !operation.observed.is_empty();
                if operation.has_observe_timer {
                    self.observe(&id, number, None);
                    // A newer commit may wait for this sync to give way.
                    self.pump(&id);
                    self.after(
                        super::operation::OBSERVE_INTERVAL,
                        Timer::Observe(id, number),
                    );
                }
            }
            Timer::Held(id) => self.try_held(&id),
            Timer::Renew(id) => {
                if let Some(app) = self.apps.get_mut(&id) {
                    app.renewal_due = None;
                }
                self.want_compare(&id);
            }
            Timer::Discover(cluster) => self.discover(&cluster),
            Timer::Connect(cluster) => self.reconnect(&cluster),
            Timer::TakeOver => self.begin_with_ours(),
        }
    }

    pub(super) fn refresh(&mut self, id: &AppId, hard: bool, annotated: bool) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        app.wants.resolve = true;
        app.wants.compare = true;
        app.wants.fresh = true;
        app.wants.render |= hard;
        app.wants.clear_refresh |= annotated;
        app.retry_at = None;
        app.failures = 0;
        self.pump(id);
    }

    pub(super) fn want_compare(&mut self, id: &AppId) {
        if let Some(app) = self.apps.get_mut(id) {
            app.wants.compare = true;
            self.pump(id);
        }
    }

    /// The ConfigMap argocd-cm was read: what changed takes effect now.
    fn configured(&mut self, config: ArgocdCm) {
        let before = self.config.clone();
        if *before == config {
            return;
        }
        for fault in &config.faults {
            tracing::warn!("{fault}");
        }
        let polls = before.poll_interval != config.poll_interval
            || before.poll_jitter != config.poll_jitter;
        let judges = before.tracking != config.tracking || before.health != config.health;
        let compares = before.comparison_digest() != config.comparison_digest();
        self.config = Arc::new(config);
        for reach in self.destinations.values() {
            if let Reach::Reached(destination) = reach {
                destination.live.set_config(self.config.clone());
                if judges {
                    destination.watches.look_again();
                }
            }
        }
        if polls {
            self.poll_round += 1;
            for url in self.polled.clone() {
                self.schedule_poll(url);
            }
        }
        if compares {
            let ids: Vec<AppId> = self.apps.keys().cloned().collect();
            for id in ids {
                self.want_compare(&id);
            }
        }
    }

    fn project_changed(&mut self, name: &str) {
        let ids: Vec<AppId> = self
            .apps
            .iter()
            .filter(|(_, app)| app.app.spec.project() == name)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.want_compare(&id);
            self.try_held(&id);
        }
    }

    /// What had to wait for a list goes on, whichever list was the last.
    fn pump_all(&mut self) {
        let ids: Vec<AppId> = self.apps.keys().cloned().collect();
        for id in ids {
            if self.apps.get(&id).is_some_and(|app| app.app.is_deleting) {
                self.begin_deletion(&id);
            }
            self.pump(&id);
        }
    }

    /// Starts the next job of an application, if it wants one and is free.
    pub(super) fn pump(&mut self, id: &AppId) {
        if !self.applications_listed
            || !self.projects_listed
            || !self.sources.repositories().is_listed()
        {
            return;
        }
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        if app.app.is_deleting {
            app.wants = super::state::Wants::default();
            return;
        }
        if app.job.is_some() || app.deleting || app.read_error.is_some() {
            if app.read_error.is_some() {
                app.wants = super::state::Wants::default();
                self.report_soon(id);
            }
            return;
        }
        if app.app.skips_reconcile() {
            app.wants = super::state::Wants::default();
            app.skipped = true;
            return;
        }
        app.skipped = false;
        let syncing = app.operation.as_ref().is_some_and(|operation| {
            matches!(
                operation.stage,
                Stage::Recording | Stage::Namespace | Stage::Syncing
            )
        });
        if app.wants.resolve {
            self.start_resolve(id);
        } else if app.wants.compare && (!syncing || app.gives_way(self.settings.hook_patience)) {
            self.start_compare(id);
        }
    }

    fn start_resolve(&mut self, id: &AppId) {
        let app = self.apps.get_mut(id).expect("pump() looked it up");
        app.wants.resolve = false;
        let fresh = std::mem::take(&mut app.wants.fresh);
        app.job = Some(Job::Resolve);
        let (wanted, generation) = (app.app.clone(), app.generation);
        let (sources, results, id) = (self.sources.clone(), self.results.clone(), id.clone());
        let server = wanted
            .spec
            .sources()
            .first()
            .map(|source| sources.server_of(&source.repo_url))
            .unwrap_or_default();
        self.fetch_pool.run_with(server, move || {
            let result = sources.resolve(&wanted, fresh).map_err(Box::new);
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Resolved(id, generation, result));
        });
    }

    fn resolved(
        &mut self,
        id: &AppId,
        generation: u64,
        result: Result<Vec<Resolved>, Box<SourceError>>,
    ) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        app.job = None;
        if app.generation != generation {
            app.wants.resolve = true;
            self.pump(id);
            return;
        }
        match result {
            Ok(resolved) => {
                app.failures = 0;
                app.source_error = None;
                app.resolved = resolved;
                app.wants.compare = true;
            }
            Err(error) => {
                tracing::warn!(app = %id, %error, "sources");
                app.source_error = Some((error.condition(), error.to_string()));
                // The last snapshot stands: self-heal goes on with it.
                if app.resolved.is_empty() && error.is_retryable() {
                    app.resolved = self.sources.last_known(&app.app).unwrap_or_default();
                    app.wants.compare = !app.resolved.is_empty();
                } else if app.resolved.is_empty() {
                    app.wants.compare = false;
                }
                // A sync goes on with the last snapshot, too.
                let stands = error.is_retryable() && !app.resolved.is_empty();
                self.retry_later(id);
                if !stands {
                    let stuck = CompareError::Render(error.to_string());
                    self.operation_without_manifests(id, &stuck);
                }
                self.report_soon(id);
            }
        }
        self.schedule_polls(id);
        self.pump(id);
    }

    /// Tries an application again after a pause that grows.
    fn retry_later(&mut self, id: &AppId) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        let pause = self
            .settings
            .retry_first
            .saturating_mul(1 << app.failures.min(10))
            .min(self.settings.retry_longest);
        app.failures = app.failures.saturating_add(1);
        app.retry_at = Some(Instant::now() + pause);
        let pause = pause + self.jitter.below(pause / 4) + Duration::from_millis(1);
        self.after(pause, Timer::Reconcile(id.clone()));
    }

    /// A comparison of an application that renders, whatever was before.
    pub(super) fn comparison(&self, app: &AppState) -> Option<Comparison> {
        let destination = self.destination(app)?;
        Some(Comparison {
            app: app.app.clone(),
            instance: app.instance.clone(),
            resolved: app.resolved.clone(),
            previous: None,
            digests: self.digests.clone(),
            force_render: false,
            keep: Keep::Always,
            given: None,
            control_namespace: self.settings.namespace.clone(),
            observe: self.settings.observe,
            client: self.client_of(app, &destination.client),
            dry_runs: match self.account(app) {
                Ok(Some(user)) => destination.client.acting_as(&user),
                // Without an account nothing is synced; it is still compared.
                Ok(None) | Err(_) => destination.client.clone(),
            },
            discovery: destination.discovery.clone(),
            kube_version: destination.kube_version.clone(),
            config: self.config.clone(),
            live: destination.live.clone(),
            permits: self.permits(app),
            watches: destination.watches.clone(),
            sources: self.sources.clone(),
            metrics: self.metrics.clone(),
        })
    }

    fn start_compare(&mut self, id: &AppId) {
        let errors = self.project_errors(id);
        if !errors.is_empty() {
            let app = self.apps.get_mut(id).expect("pump() looked it up");
            app.wants.compare = false;
            self.compared(
                id,
                self.apps[id].generation,
                Err(CompareError::Invalid(errors)),
            );
            return;
        }
        let reach = self.reach(id);
        let app = self.apps.get_mut(id).expect("pump() looked it up");
        if app.resolved.is_empty() {
            app.wants.compare = false;
            return;
        }
        match reach {
            Ok(()) => {}
            // It is compared as soon as its cluster has answered.
            Err(None) => return,
            Err(Some(error)) => {
                app.wants.compare = false;
                let generation = app.generation;
                self.compared(id, generation, Err(CompareError::Cluster(error)));
                return;
            }
        }
        app.wants.compare = false;
        let force_render = std::mem::take(&mut app.wants.render);
        app.job = Some(Job::Compare);
        let keep = match (&app.operation, app.app.spec.automated()) {
            (Some(operation), _) if operation.stage == Stage::Rendering => Keep::Always,
            (None, Some(_)) => Keep::IfOutOfSync,
            (Some(_), _) | (None, None) => Keep::Never,
        };
        let generation = app.generation;
        let app = self.apps.get(id).expect("pump() looked it up");
        let comparison = Comparison {
            previous: app.compared.clone(),
            force_render,
            keep,
            ..self.comparison(app).expect("its cluster is reached")
        };
        let (results, id, budget) = (self.results.clone(), id.clone(), self.budget.clone());
        self.heavy_pool.run(move || {
            let result = comparison.run_within(&budget);
            comparison.keep_digests(&result);
            drop(comparison);
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Compared(id, generation, Box::new(result)));
        });
    }

    fn compared(
        &mut self,
        id: &AppId,
        generation: u64,
        result: Result<CompareOutcome, CompareError>,
    ) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        app.job = None;
        if app.generation != generation {
            self.pump(id);
            return;
        }
        app.compared_at = revisions_of(&app.resolved);
        match result {
            Ok(outcome) => {
                app.compare_error = None;
                app.failures = 0;
                let before = app.compared.replace(Arc::new(outcome.compared));
                abandon_outdated(app);
                if app.compared.as_ref().is_some_and(|c| c.is_renewed) {
                    // Another certificate is as good as another commit.
                    app.auto.attempted = None;
                }
                self.schedule_renewal(id);
                self.give_way(id, before.as_deref());
                let Some(app) = self.apps.get_mut(id) else {
                    return;
                };
                let renders = app
                    .operation
                    .as_ref()
                    .is_some_and(|operation| operation.stage == Stage::Rendering);
                match outcome.items {
                    Some(items) if renders => self.begin_sync(id, items),
                    items => {
                        if renders {
                            app.wants.compare = true;
                        }
                        self.consider_auto_sync(id, items);
                    }
                }
                // What holds it back may be that another one was not at its commit.
                let is_held =
                    |app: &AppState| app.operation.as_ref().is_some_and(|it| it.is_held());
                if self.sharing.is_some() && self.apps.get(id).is_some_and(is_held) {
                    self.try_held(id);
                }
                match self.apps.get(id).is_some_and(|app| app.operation.is_none()) {
                    true => self.report_now(id),
                    false => self.report_soon(id),
                }
            }
            Err(error) if app.resolved.iter().any(Resolved::is_damaged) && app.may_refetch() => {
                tracing::warn!(app = %id, %error, "the snapshot is damaged, fetched anew");
                app.refetched_at = Some(Instant::now());
                app.wants.resolve = true;
                app.wants.compare = true;
            }
            Err(error) => {
                let error = error.brief();
                tracing::warn!(app = %id, %error, "comparison");
                let is_damaged = app.resolved.iter().any(Resolved::is_damaged);
                app.compare_error = Some(error.clone());
                if is_damaged || matches!(error, CompareError::Cluster(_)) {
                    self.retry_later(id);
                }
                self.operation_without_manifests(id, &error);
                self.report_now(id);
            }
        }
        self.pump(id);
    }

    /// At two thirds of a certificate's life it is rendered again.
    fn schedule_renewal(&mut self, id: &AppId) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        let due = app.compared.as_ref().and_then(|compared| compared.renew_at);
        if due.is_none() || app.renewal_due == due {
            return;
        }
        app.renewal_due = due;
        let seconds = due.map_or(0, |at| at - jiff::Timestamp::now().as_second());
        let pause = Duration::from_secs(seconds.max(1) as u64).min(MAX_RENEWAL_PAUSE);
        self.after(pause, Timer::Renew(id.clone()));
    }

    fn is_known(&self, id: &AppId) -> bool {
        self.apps.contains_key(id) || self.elsewhere(id).is_some()
    }

    pub(super) fn report_soon(&mut self, id: &AppId) {
        let Some(app) = self.apps.get_mut(id) else {
            return;
        };
        if app.report_due.is_none() {
            app.report_due = Some(Instant::now() + REPORT_FOLD);
            self.after(REPORT_FOLD, Timer::Report(id.clone()));
        }
    }

    fn tell_if_settled(&mut self) {
        if self.awaiting_settled.is_empty() || self.last_message.elapsed() < QUIET {
            return;
        }
        if self.is_settled() {
            for answer in self.awaiting_settled.drain(..) {
                // Whoever asked may be gone.
                let _ = answer.send(());
            }
        }
    }

    /// Nothing runs, nothing is due but retries, and every Application that
    /// another one brings is known.
    fn is_settled(&self) -> bool {
        let children_are_known = self.apps.values().all(|app| {
            app.compared.iter().flat_map(|c| &c.items).all(|item| {
                item.key.kind != crate::app::APPLICATION
                    || item.key.group != crate::app::GROUP
                    || item.is_missing
                    || item.key.namespace != self.settings.namespace
                    || self.is_known(&AppId {
                        namespace: item.key.namespace.clone(),
                        name: item.key.name.clone(),
                    })
            })
        });
        self.applications_listed
            && !self.destinations.values().any(Reach::is_busy)
            && children_are_known
            && self.apps.values().all(AppState::is_settled)
    }
}

/// An automated operation that waits for its retry has no future once there
/// is a newer commit: that one may be the mend.
fn abandon_outdated(app: &mut AppState) {
    let Some(operation) = &app.operation else {
        return;
    };
    let wanted = &operation.state.operation;
    let revision = wanted
        .sync
        .as_ref()
        .map(|sync| match sync.revisions.as_slice() {
            [] => sync.revision.clone(),
            revisions => revisions.join(","),
        });
    if operation.is_waiting_for_retry()
        && wanted.initiated_by.automated
        && revision != Some(app.revision())
    {
        app.operation = None;
        app.auto.attempted = None;
    }
}
