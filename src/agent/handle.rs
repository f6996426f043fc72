//! The agent as others see it: start, stop, views of what it knows.

use super::bootstrap::BootstrapError;
use super::controller::{Controller, Jitter};
use super::live::Live;
use super::message::{AppId, Message};
use super::metrics::Metrics;
use super::pool::Pool;
use super::settings::Settings;
use super::sources::Sources;
use super::watch::Watches;
use crate::app::{Condition, OperationPhase, SyncCode};
use crate::git;
use crate::kube::Client;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Conversations with repositories at a time.
const FETCHES: usize = 6;
/// Writes on their way at a time, over all applications.
const WRITES: usize = 4;
/// One heavy job at a time: a Pi has 512 MB.
const HEAVY_JOBS: usize = 1;

/// What is known of an application.
#[derive(Clone, Debug, PartialEq)]
pub struct AppView {
    pub namespace: String,
    pub name: String,
    pub sync: SyncCode,
    pub health: String,
    pub revision: String,
    pub conditions: Vec<Condition>,
    /// Of the operation under way, or the last one.
    pub phase: Option<OperationPhase>,
    pub message: String,
    /// What it is busy with: `fetching`, `rendering`, `syncing`, or "".
    pub activity: &'static str,
    pub n_resources: usize,
}

/// Where the controller leaves its views.
#[derive(Default)]
pub(super) struct Shared {
    views: Mutex<Vec<AppView>>,
    watchers: AtomicUsize,
}

impl Shared {
    /// Views cost a little for each application: only made if somebody looks.
    pub fn publish(&self, controller: &Controller) {
        if self.watchers.load(Ordering::Relaxed) == 0 {
            return;
        }
        let now = controller.now_text();
        let views = controller
            .apps
            .values()
            .map(|app| {
                let status = controller.status(app, &now);
                AppView {
                    namespace: app.id.namespace.clone(),
                    name: app.id.name.clone(),
                    sync: status.sync.status,
                    health: status.health.status,
                    revision: app.revision(),
                    conditions: status.conditions,
                    phase: status.operation_state.as_ref().map(|state| state.phase),
                    message: status
                        .operation_state
                        .map(|state| state.message)
                        .unwrap_or_default(),
                    activity: app.activity(),
                    n_resources: status.resources.len(),
                }
            })
            .collect();
        *self.views.lock().expect("no holder of this lock panics") = views;
    }
}

/// A running agent.
pub struct Agent {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Sends triggers and reads views; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    sender: Sender<Message>,
    shared: Arc<Shared>,
    pub metrics: Arc<Metrics>,
    pub client: Client,
    live: Arc<Live>,
    sources: Arc<Sources>,
}

impl Agent {
    /// Starts to reconcile a cluster that was [bootstrapped](super::bootstrap).
    pub fn start(
        client: Client,
        sources: Sources,
        settings: Settings,
    ) -> Result<Agent, BootstrapError> {
        let discovery = client.discover(None)?;
        let kube_version = client.version()?.git_version;
        let (sender, receiver) = channel();
        let live = Arc::new(Live::default());
        let metrics = Arc::new(Metrics::default());
        let shared = Arc::new(Shared::default());
        let watches = Watches::start(&client, &settings, live.clone(), sender.clone())?;
        watches.start_fixed(&discovery);
        let release = settings.release_memory;
        let sources = Arc::new(sources);
        let controller = Controller {
            fetch_pool: Pool::new("fetch", FETCHES, || {}),
            heavy_pool: Pool::new("compare", HEAVY_JOBS, release),
            write_pool: Pool::new("write", WRITES, || {}),
            client: client.clone(),
            kube_version,
            discovery,
            live: live.clone(),
            watches,
            sources: sources.clone(),
            metrics: metrics.clone(),
            shared: shared.clone(),
            results: sender.clone(),
            apps: BTreeMap::new(),
            projects: BTreeMap::new(),
            timers: BinaryHeap::new(),
            polled: Default::default(),
            discovering: false,
            rediscover: false,
            applications_listed: false,
            projects_listed: false,
            awaiting_settled: Vec::new(),
            last_message: Instant::now(),
            numbers: 0,
            jitter: Jitter(seed()),
            settings,
        };
        let thread = thread::Builder::new()
            .name("controller".to_owned())
            .spawn(move || controller.run(receiver))
            .expect("the system can start one thread");
        Ok(Agent {
            handle: Handle {
                sender,
                shared,
                metrics,
                client,
                live,
                sources,
            },
            thread: Some(thread),
        })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Stops taking triggers; requests under way are finished.
    pub fn stop(mut self) {
        self.stop_now();
    }

    fn stop_now(&mut self) {
        // A controller that is gone has stopped already.
        let _ = self.handle.sender.send(Message::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the controller panicked");
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop_now();
    }
}

impl Handle {
    /// What is known of all applications, by name. The first call starts the
    /// making of views: it may be empty.
    pub fn apps(&self) -> Vec<AppView> {
        self.shared.watchers.store(1, Ordering::Relaxed);
        self.shared
            .views
            .lock()
            .expect("no holder of this lock panics")
            .clone()
    }

    /// Reads the sources of an application again; `hard` renders anew.
    pub fn refresh(&self, namespace: &str, name: &str, hard: bool) {
        let id = AppId {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        // A controller that has stopped refreshes nothing.
        let _ = self.sender.send(Message::Refresh(id, hard));
    }

    /// Waits until nothing runs and nothing is due but timed retries; false
    /// when that takes longer than `longest`.
    pub fn await_settled(&self, longest: Duration) -> bool {
        let (answer, settled) = channel();
        if self.sender.send(Message::AwaitSettled(answer)).is_err() {
            return false;
        }
        settled.recv_timeout(longest).is_ok()
    }

    /// What went between repositories, the cache and us.
    pub fn git_counts(&self) -> git::Counts {
        self.sources.git_counts()
    }

    /// Live objects that are known.
    pub fn n_objects(&self) -> usize {
        self.live.n_objects()
    }
}

/// Differs from start to start, so that agents do not poll in step.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() | 1
}
