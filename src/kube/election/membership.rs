//! Several processes that share the work, each with a Lease of its own.
//!
//! ```text
//! (joins: creates its Lease) -> Joined -> agents come or go -> Prepare --done-->
//!     publishes what it acts by -> the watch has come by that -> Shares -> ...
//!                                        its Lease is gone -> Lost
//! ```
//! Members are the Leases that are there: a Lease goes when its agent leaves, or
//! when another agent has seen no renewal of it for its duration and deletes the
//! version that it saw. By then the fence of the one that was silent has closed,
//! and it cannot renew what is not there. All agents see the Leases change in one
//! order, so that of two claims to one application the later sees the earlier.
//! An agent that is alone renews its Lease before it writes something else, and
//! at no other time.

use super::Terms;
use super::member::{Member, Prepare, Signal};
use super::store::Leases;
use super::worker::Worker;
use crate::kube::{Client, Fence};
use crate::shard::Share;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

/// What a member is told.
#[derive(Debug)]
pub enum Turn {
    /// Its fence is open. Of the applications it has none yet.
    Joined,
    Prepare(Prepare),
    /// What it may work on from now on.
    Shares(Share),
    /// Its Lease is gone: it is no member any more.
    Lost(String),
}

/// A member's figures; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    n_members: Arc<AtomicUsize>,
    n_writes: Arc<AtomicU64>,
    stands_by: Arc<AtomicBool>,
}

impl Figures {
    /// How many agents share the work, as far as it knows.
    pub fn n_members(&self) -> usize {
        self.n_members.load(Ordering::Relaxed)
    }

    /// Whether it waits until another agent leads no more.
    pub fn stands_by(&self) -> bool {
        self.stands_by.load(Ordering::Relaxed)
    }

    /// How often Leases were written, or were tried to.
    pub fn n_writes(&self) -> u64 {
        self.n_writes.load(Ordering::Relaxed)
    }
}

/// A member at work in a thread of its own. Dropped, it closes the fence, waits for
/// the writes under way, and takes the Lease away: others go on at once.
pub struct Membership {
    fence: Fence,
    figures: Figures,
    _worker: Worker<Signal>,
}

impl Membership {
    /// A member of the group that `terms` name. `client` must not be guarded.
    pub fn start(
        client: Client,
        terms: Terms,
        on_turn: impl FnMut(Turn) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (fence, figures) = (Fence::new(), Figures::default());
        let (sender, signals) = channel();
        // The number of this process: its host may have had others.
        let number = terms.identity.rsplit('_').next().unwrap_or_default();
        let member = Member {
            leases: Leases::new(client, &terms, figures.n_writes.clone()),
            name: format!("{}-agent-{number}", terms.name),
            terms,
            fence: fence.clone(),
            n_members: figures.n_members.clone(),
            stands_by: figures.stands_by.clone(),
            to_self: sender.clone(),
            signals,
            on_turn: Box::new(on_turn),
        };
        let worker = Worker::start(sender, || Signal::Stop, move || member.run())?;
        Ok(Membership {
            fence,
            figures,
            _worker: worker,
        })
    }

    /// Open while this process may write.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    pub fn figures(&self) -> Figures {
        self.figures.clone()
    }
}
