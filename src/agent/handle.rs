//! The agent as others see it: start, stop, views of what it knows.

use super::argocd_cm::ArgocdCm;
use super::bootstrap::BootstrapError;
use super::budget::{Budget, Figures};
use super::controller::{Controller, Jitter};
use super::destination::{Destination, Reach, own};
use super::digests::Digests;
use super::live::Live;
use super::message::{AppId, Message};
use super::metrics::Metrics;
use super::pool::Pool;
use super::pushed::Push;
use super::resources::secret_resource;
use super::settings::Settings;
use super::sharing::Sharing;
use super::sources::Sources;
use super::usage::Usage;
use super::watch::Watches;
use crate::app::{Condition, OperationPhase, SyncCode};
use crate::git;
use crate::kube::election::Prepare;
use crate::kube::{Client, Discovery};
use crate::shard::Share;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Conversations with repositories at a time.
const FETCHES: usize = 6;
/// Writes on their way at a time, over all applications.
const WRITES: usize = 4;
/// One heavy job at a time: a Pi has 512 MB.
const HEAVY_JOBS: usize = 1;

/// Argo CD's own Secret.
const ARGOCD_SECRET: &str = "argocd-secret";

/// The controller answers within this, unless it has stopped.
const ANSWER: Duration = Duration::from_secs(5);

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
    pub project: String,
    /// Of its first source.
    pub repository: String,
    /// As the spec names it: the server, or else the name.
    pub dest_server: String,
    pub dest_namespace: String,
    pub is_automated: bool,
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
    pub metrics: Arc<Metrics>,
    pub client: Client,
    live: Arc<Live>,
    sources: Arc<Sources>,
    budget: Budget,
    namespace: String,
}

impl Agent {
    /// Starts to reconcile a cluster that was [bootstrapped](super::bootstrap),
    /// and serves what that found.
    pub fn start(
        client: Client,
        discovery: Arc<Discovery>,
        sources: Sources,
        settings: Settings,
    ) -> Result<Agent, BootstrapError> {
        let kube_version = client.version()?.git_version;
        let (sender, receiver) = channel();
        let live = Arc::new(Live::default());
        match ArgocdCm::fetch(&client, &settings.namespace) {
            Ok(config) => live.set_config(Arc::new(config)),
            // The watch tells it, before anything is compared.
            Err(error) if error.is_retryable() => tracing::warn!(%error, "argocd-cm"),
            Err(error) => return Err(error.into()),
        }
        let metrics = Arc::new(Metrics::default());
        let sources = Arc::new(sources);
        sources
            .repositories()
            .attach(client.clone(), &settings.namespace);
        let watches = Watches::start(
            &client,
            &settings,
            live.clone(),
            sources.clone(),
            sender.clone(),
            own(),
        )?;
        watches.start_fixed(&discovery);
        let destination = Destination {
            secret: None,
            client: client.clone(),
            kube_version,
            discovery,
            live: live.clone(),
            watches,
            discovering: false,
            rediscover: false,
        };
        let release = settings.allocator.release;
        let budget = Budget::new(settings.limits, settings.allocator);
        sources.attach_budget(budget.clone());
        let namespace = settings.namespace.clone();
        sources.limit_remotes();
        let controller = Controller {
            fetch_pool: Pool::new("fetch", FETCHES, || {}),
            heavy_pool: Pool::new("compare", HEAVY_JOBS, release),
            write_pool: Pool::new("write", WRITES, || {}),
            client: client.clone(),
            destinations: BTreeMap::from([(own(), Reach::Reached(Box::new(destination)))]),
            clusters: Default::default(),
            sources: sources.clone(),
            metrics: metrics.clone(),
            budget: budget.clone(),
            digests: Digests::new(settings.digests.clone()),
            results: sender.clone(),
            apps: BTreeMap::new(),
            sharing: settings.shares.then(Sharing::default),
            projects: BTreeMap::new(),
            timers: BinaryHeap::new(),
            polled: Default::default(),
            poll_round: 0,
            config: live.config(),
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
                metrics,
                client,
                live,
                sources,
                budget,
                namespace,
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
    /// What is known of all applications, by name; nothing of an agent that
    /// has stopped.
    pub fn apps(&self) -> Vec<AppView> {
        let (answer, views) = channel();
        if self.sender.send(Message::Views(answer)).is_err() {
            return Vec::new();
        }
        views.recv_timeout(ANSWER).unwrap_or_default()
    }

    /// Whether the controller still takes messages: one that hangs does not.
    pub fn is_alive(&self) -> bool {
        let (answer, views) = channel();
        self.sender.send(Message::Views(answer)).is_ok() && views.recv_timeout(ANSWER).is_ok()
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

    /// Other agents came or went: gives up what is theirs now.
    pub fn prepare(&self, prepare: Prepare) {
        // A controller that has stopped gives up nothing: its Lease goes next.
        let _ = self.sender.send(Message::Prepare(prepare));
    }

    /// Tells what may be worked on from now on.
    pub fn shares(&self, share: Share) {
        // A controller that has stopped begins with nothing.
        let _ = self.sender.send(Message::Shares(share));
    }

    /// Reads a repository again for the applications that new commits concern.
    pub fn pushed(&self, push: Push) {
        // A controller that has stopped reads nothing.
        let _ = self.sender.send(Message::Pushed(Box::new(push)));
    }

    /// The keys `webhook.…` of the Secret argocd-secret, by which forges show
    /// who they are; without it none.
    pub fn webhook_secrets(&self) -> Result<BTreeMap<String, Vec<u8>>, String> {
        let found = self
            .client
            .find(&secret_resource(), &self.namespace, ARGOCD_SECRET)
            .map_err(|error| error.to_string())?;
        let data = found
            .as_ref()
            .and_then(|secret| secret.at(&["data"])?.as_map());
        let keys = data.into_iter().flat_map(|data| data.iter());
        keys.filter(|(key, _)| key.starts_with("webhook."))
            .map(|(key, value)| {
                let text = value.as_str().unwrap_or_default();
                match STANDARD.decode(text) {
                    Ok(bytes) => Ok((key.to_owned(), bytes)),
                    Err(error) => Err(format!("Secret {ARGOCD_SECRET}: {key}: {error}")),
                }
            })
            .collect()
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

    /// What the budget did, and is doing.
    pub fn budget(&self) -> Figures {
        self.budget.figures()
    }

    /// What the memory is used for; nothing of an agent that has stopped.
    pub fn usage(&self) -> Vec<Usage> {
        let (answer, usage) = channel();
        if self.sender.send(Message::Usage(answer)).is_err() {
            return Vec::new();
        }
        let mut all = usage.recv_timeout(ANSWER).unwrap_or_default();
        all.extend(self.sources.usage());
        all
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
