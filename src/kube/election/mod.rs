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

mod worker;

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
use std::sync::mpsc::channel;
use std::time::Duration;
use store::Leases;
use worker::Worker;

/// A shorter lease leaves no time for writes.
pub const MIN_DURATION: Duration = Duration::from_secs(3);

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

    /// Opens a fence for as long as a renewal lasts that was begun then.
    fn open(&self, fence: &Fence, since: Duration) {
        let until = since + self.duration;
        fence.open_until(until.saturating_sub(self.margin()));
    }

    /// Closes a fence; false where writes are under way for longer than the Lease
    /// lasts, which then runs out by itself.
    fn close(&self, fence: &Fence) -> bool {
        fence.close();
        let is_over = fence.drain(self.duration);
        if !is_over {
            tracing::warn!("writes are still under way: the Lease is not released");
        }
        is_over
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

/// A candidate at work in a thread of its own. Dropped, it closes the fence, waits
/// for the writes under way, and releases the Lease if it is held: another one leads
/// at once.
pub struct Election {
    standing: Standing,
    _worker: Worker<Signal>,
}

impl Election {
    /// Stands for election. `client` must not be guarded.
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
        let worker = Worker::start(sender, || Signal::Stop, move || candidate.run())?;
        Ok(Election {
            standing,
            _worker: worker,
        })
    }

    /// Open while this process leads.
    pub fn fence(&self) -> &Fence {
        &self.standing.fence
    }

    pub fn standing(&self) -> Standing {
        self.standing.clone()
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
