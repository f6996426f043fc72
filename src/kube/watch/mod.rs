//! Watches of many kinds on one thread: each lists, then follows what changes,
//! resumes where it was after a break, and lists again when that is too old.
//!
//! Invariant: between a [`Event::Restarted`] and the next [`Event::Current`]
//! everything that there is of the kind comes as [`Event::Applied`]; after
//! [`Event::Failed`] and until the next `Current`, what is known may be old,
//! and nothing may be concluded from what is missing. A watch of changes only
//! ([`Watched::changes`]) lists nothing and is never `Restarted`: its `Current`
//! says that changes are told from here on, and that some may have been missed.
//!
//! ```text
//!          Restarted, Applied.., Current          Applied, Deleted
//! (list) ---------------------------------> (watch) ----------------.
//!   ^  |                                     ^   |  ^               |
//!   |  '-- Failed, backoff                   |   |  '---------------'
//!   |                                        |   '- break: backoff, resume
//!   '----------------- 410 ------------------'      (Failed, later Current)
//! ```
//!
//! Lists go over ureq, one at a time, streamed; the watches are tokio tasks of
//! some 16 KB each, where a thread with its buffers would cost ten times that.

mod event;

mod connect;

mod exchange;

mod session;

use super::{Client, Error, Resource};
use crate::object::Object;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;

/// Events that wait for their reader; beyond them the watches wait.
const QUEUED_EVENTS: usize = 64;
/// One lists; the others resolve names and ask for credentials.
const BLOCKING_THREADS: usize = 3;
/// A thread that has nothing to do ends: lists are rare.
const IDLE_THREAD: Duration = Duration::from_secs(1);
/// Deep enough for JSON of serde_json's 128 levels.
const THREAD_STACK_BYTES: usize = 1024 * 1024;

/// What is watched: the objects of a kind that match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watched {
    pub resource: Arc<Resource>,
    /// "" for all namespaces.
    pub namespace: String,
    /// "" for all objects.
    pub label_selector: String,
    pub field_selector: String,
    /// Only apiVersion, kind and metadata of each object.
    pub metadata_only: bool,
    /// What there is does not matter, only that it changes: no list.
    pub changes_only: bool,
}

impl Watched {
    pub fn all(resource: Arc<Resource>) -> Self {
        Watched {
            resource,
            namespace: String::new(),
            label_selector: String::new(),
            field_selector: String::new(),
            metadata_only: false,
            changes_only: false,
        }
    }

    /// For whom it is enough to know that something changed.
    pub fn changes(resource: Arc<Resource>) -> Self {
        Watched {
            metadata_only: true,
            changes_only: true,
            ..Self::all(resource)
        }
    }

    pub fn labelled(resource: Arc<Resource>, label_selector: &str) -> Self {
        Watched {
            label_selector: label_selector.to_owned(),
            ..Self::all(resource)
        }
    }
}

#[derive(Debug)]
pub enum Event {
    /// Forget what is known of the kind: all of it follows.
    Restarted,
    /// It is there, new or changed.
    Applied(Object),
    /// It is gone, or no longer matches the selector; as it was last seen.
    Deleted(Object),
    /// What was told is the state as of now.
    Current,
    /// What is known may be old. Tried again until it works.
    Failed(Arc<Error>),
}

/// An event and the watch that it belongs to. After a watch was removed, a
/// few of its events may still be in the queue.
pub type Notice = (Arc<Watched>, Event);

/// The watches of one client. Dropping it ends them all.
pub struct Watcher {
    runtime: Handle,
    shared: Arc<Shared>,
    running: Mutex<HashMap<Arc<Watched>, AbortHandle>>,
    /// Its end is the end of the runtime.
    _stop: oneshot::Sender<()>,
}

struct Shared {
    client: Client,
    notices: mpsc::Sender<Notice>,
    /// Lists go one at a time: their memory does not add up.
    listing: Arc<Semaphore>,
}

impl Watcher {
    /// Starts the thread of the watches and those that are asked for. Read
    /// the receiver by `recv().await` or `blocking_recv()`.
    pub fn start(
        client: Client,
        watched: impl IntoIterator<Item = Watched>,
    ) -> std::io::Result<(Self, mpsc::Receiver<Notice>)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_keep_alive(IDLE_THREAD)
            .thread_stack_size(THREAD_STACK_BYTES)
            .build()?;
        let (notices, receiver) = mpsc::channel(QUEUED_EVENTS);
        let (stop, stopped) = oneshot::channel();
        let watcher = Watcher {
            runtime: runtime.handle().clone(),
            shared: Arc::new(Shared {
                client,
                notices,
                listing: Arc::new(Semaphore::new(1)),
            }),
            running: Mutex::default(),
            _stop: stop,
        };
        std::thread::Builder::new()
            .name("watches".to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || {
                // An error is the sender's end as well.
                let _ = runtime.block_on(stopped);
                // A list in progress ends with its next item.
                runtime.shutdown_background();
            })?;
        for watched in watched {
            watcher.add(watched);
        }
        Ok((watcher, receiver))
    }

    /// Starts a watch, unless it runs already.
    pub fn add(&self, watched: Watched) -> Arc<Watched> {
        let mut running = self.running.lock().expect("no holder panics");
        if let Some((known, _)) = running.get_key_value(&watched) {
            return Arc::clone(known);
        }
        let watched = Arc::new(watched);
        let session = session::run(Arc::clone(&self.shared), Arc::clone(&watched));
        let task = self.runtime.spawn(session);
        running.insert(Arc::clone(&watched), task.abort_handle());
        watched
    }

    /// Ends a watch; false where there is none.
    pub fn remove(&self, watched: &Watched) -> bool {
        let mut running = self.running.lock().expect("no holder panics");
        running.remove(watched).map(|task| task.abort()).is_some()
    }

    pub fn watched(&self) -> Vec<Arc<Watched>> {
        let running = self.running.lock().expect("no holder panics");
        running.keys().cloned().collect()
    }
}
