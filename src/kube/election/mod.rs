//! One leader among several processes, by a Lease of coordination.k8s.io/v1
//! as Kubernetes' own components use it; or several that share the work
//! ([`Membership`]).
//!
//! ```text
//!            the Lease is free, or was not renewed
//!            for its duration by our own clock
//! (follows) ------------------------------------> (leads) --. renews
//!     | watches the Lease, writes nothing            |  ^---'
//!     '- stop                                        |- stop: releases it
//!                                                    '- lost: another holds it
//! ```
//! Nobody's clock but the own one counts: a follower measures from when it saw
//! a renewal, the leader from before it sent one. So the leader's [`Fence`]
//! closes before a follower may begin, and every write of the Lease names the
//! version that it changes. A leader that could not renew goes on leading
//! where nobody else took the Lease meanwhile; its fence was closed that long.

mod lease;

mod store;

mod candidate;

mod roll;

mod member;

mod membership;

pub use member::Prepare;
pub use membership::{Figures, Membership, Turn};

use super::{Client, Fence};
use candidate::{Candidate, Signal};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use store::Leases;

/// A shorter lease leaves no time for writes.
pub const MIN_DURATION: Duration = Duration::from_secs(3);
const STACK_BYTES: usize = 512 * 1024;

/// Which Lease, and at what pace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub namespace: String,
    pub name: String,
    /// Who holds it: no two processes may ever have the same.
    pub identity: String,
    /// After so long without a renewal another one takes over; whole seconds.
    pub duration: Duration,
    /// Pause between two renewals.
    pub renew: Duration,
}

impl Terms {
    /// What is left of the lease at its end for writes that the server has
    /// begun with, and for clocks that differ in pace.
    fn margin(&self) -> Duration {
        self.duration / 10
    }

    /// Pause between attempts at what failed.
    fn retry(&self) -> Duration {
        self.duration / 15
    }

    /// One request about the Lease may take so long.
    fn request(&self) -> Duration {
        self.duration / 5
    }
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Leads,
    /// Another one took the Lease, or somebody deleted it: this election is over.
    Lost(String),
}

/// How a candidate stands at this moment; cheap to clone.
#[derive(Clone, Debug)]
pub struct Standing {
    fence: Fence,
    n_writes: Arc<AtomicU64>,
}

impl Standing {
    pub fn leads(&self) -> bool {
        self.fence.is_open()
    }

    /// How often the Lease was written, or was tried to.
    pub fn n_writes(&self) -> u64 {
        self.n_writes.load(Ordering::Relaxed)
    }
}

/// A candidate at work in a thread of its own.
pub struct Election {
    standing: Standing,
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

impl Election {
    /// Stands for election until stopped. `client` must not be guarded.
    pub fn start(
        client: Client,
        terms: Terms,
        on_change: impl FnMut(Change) + Send + 'static,
    ) -> std::io::Result<Self> {
        let standing = Standing {
            fence: Fence::new(),
            n_writes: Arc::default(),
        };
        let (sender, signals) = channel();
        let candidate = Candidate {
            leases: Leases::new(client, &terms, standing.n_writes.clone()),
            terms,
            fence: standing.fence.clone(),
            to_self: sender.clone(),
            signals,
            on_change: Box::new(on_change),
        };
        let thread = thread::Builder::new()
            .name("lease".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || candidate.run())?;
        Ok(Election {
            standing,
            signals: sender,
            thread: Some(thread),
        })
    }

    /// Open while this process leads.
    pub fn fence(&self) -> &Fence {
        &self.standing.fence
    }

    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Closes the fence, waits for the writes under way, and releases the
    /// Lease if it is held: another one leads at once.
    pub fn stop(mut self) {
        self.stop_now();
    }

    fn stop_now(&mut self) {
        // A candidate that lost has ended already.
        let _ = self.signals.send(Signal::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the Lease panicked");
        }
    }
}

impl Drop for Election {
    fn drop(&mut self) {
        self.stop_now();
    }
}

/// The host's name and a number drawn for this process.
pub fn identity() -> Result<String, std::io::Error> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "drupelet",
        host => host,
    };
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{host}_{:016x}", u64::from_le_bytes(bytes)))
}
