//! The thread of a member: joins, follows who comes and goes, and leaves.

use super::lease::{Lease, Watched, lease_resource};
use super::roll::Roll;
use super::store::{Leases, group_selector, now_text};
use super::worker::{self, LONG};
use super::{Terms, Turn};
use crate::kube::Fence;
use crate::kube::error::Error;
use crate::kube::fence::since_boot;
use crate::kube::watch::{self, Event, Watcher};
use crate::shard::{Members, Share};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

pub enum Signal {
    Watch(Event),
    /// Of this number: nothing is written any more of what is another's.
    Prepared(u64),
    /// A write waits for a renewal.
    Asked,
    Stop,
}

/// An agent is to act by other members: first it gives up what is no longer its
/// own.
#[derive(Debug)]
pub struct Prepare {
    pub own: String,
    pub members: Members,
    number: u64,
    to_self: Sender<Signal>,
}

impl Prepare {
    /// The last write of what is given up is over.
    pub fn done(self) {
        // A member that has ended publishes nothing.
        let _ = self.to_self.send(Signal::Prepared(self.number));
    }
}

pub struct Member {
    pub leases: Leases,
    pub terms: Terms,
    /// Of its own Lease.
    pub name: String,
    pub fence: Fence,
    pub n_members: Arc<AtomicUsize>,
    pub stands_by: Arc<AtomicBool>,
    pub to_self: Sender<Signal>,
    pub signals: Receiver<Signal>,
    pub on_turn: Box<dyn FnMut(Turn) + Send>,
}

/// How the thread goes on.
enum Next {
    On,
    Stop,
    Lost(String),
}

/// What a member has published and knows.
struct Known {
    roll: Roll,
    /// The Lease by which one agent leads, while it may be held: nothing is
    /// worked on beside that one.
    leader: Option<Watched>,
    /// The Lease as we wrote it last, and when we began to.
    lease: Lease,
    since: Duration,
    /// The version of the Lease with which what it acts by was published.
    claimed: String,
    /// What was asked to be prepared for last, and how often that was.
    wanted: Members,
    n_prepares: u64,
    /// That is done, and is to be published.
    is_prepared: bool,
    /// A write waits for a renewal.
    is_asked: bool,
    /// Nothing is written before.
    not_before: Duration,
    shared: Option<Share>,
}

impl Member {
    pub fn run(mut self) {
        let watcher = match self.watch() {
            Ok(watcher) => watcher,
            Err(error) => {
                let why = format!("the Leases cannot be watched: {error}");
                return (self.on_turn)(Turn::Lost(why));
            }
        };
        if let Some(known) = self.join() {
            self.share(known);
        }
        self.fence.close();
        drop(watcher);
    }

    /// Until there is a Lease of our own; `None` when stopped.
    fn join(&self) -> Option<Known> {
        let mut roll = Roll::default();
        let mut due = None;
        loop {
            let wait = due.map_or(LONG, |due: Duration| due.saturating_sub(since_boot()));
            match self.signals.recv_timeout(wait) {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
                Ok(Signal::Watch(event)) => take(&mut roll, event),
                Ok(Signal::Prepared(_) | Signal::Asked) | Err(RecvTimeoutError::Timeout) => {}
            }
            let Some(mut members) = roll.members() else {
                continue;
            };
            if due.is_some_and(|due| since_boot() < due) {
                continue;
            }
            members.insert(&self.terms.identity);
            let since = since_boot();
            let lease = Lease::of_member(&self.terms, &self.name, &members);
            let created = self.leases.create(&lease.held(&self.terms, &now_text()));
            // An attempt without an answer may have made it.
            let created = created.or_else(|error| match self.leases.find(&self.name) {
                Ok(Some(lease)) if lease.holder() == self.terms.identity => Ok(lease),
                Ok(_) | Err(_) => Err(error),
            });
            let error = match created {
                Ok(lease) => {
                    self.terms.open(&self.fence, since);
                    return Some(Known {
                        roll,
                        leader: Some(Watched::default()),
                        claimed: lease.0.resource_version().to_owned(),
                        wanted: lease.acts_by(),
                        n_prepares: 0,
                        lease,
                        since,
                        is_prepared: false,
                        is_asked: false,
                        not_before: Duration::ZERO,
                        shared: None,
                    });
                }
                Err(error) => error,
            };
            tracing::warn!(%error, "cannot join, tried again soon");
            due = Some(since_boot() + self.terms.retry());
        }
    }

    /// Until stopped, or until somebody deleted our Lease.
    fn share(&mut self, mut known: Known) {
        loop {
            let due = self.due(&known);
            let wait = due.saturating_sub(since_boot());
            let next = match self.signals.recv_timeout(wait) {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => Next::Stop,
                Ok(Signal::Watch(event)) => self.watched(&mut known, event),
                Ok(Signal::Prepared(number)) => {
                    known.is_prepared |= number == known.n_prepares;
                    Next::On
                }
                Ok(Signal::Asked) => {
                    known.is_asked = true;
                    Next::On
                }
                Err(RecvTimeoutError::Timeout) => Next::On,
            };
            let next = match next {
                Next::On => self.turn(&mut known),
                next => next,
            };
            match next {
                Next::On => {}
                Next::Stop => return self.leave(&known),
                Next::Lost(why) => {
                    self.fence.close();
                    return (self.on_turn)(Turn::Lost(why));
                }
            }
        }
    }

    /// When something is to be done that no signal tells of.
    fn due(&self, known: &Known) -> Duration {
        let step = self.terms.retry();
        let (expired, next) = known.roll.expired(&self.name, step, since_boot());
        let mut due = since_boot() + LONG;
        if known.leader.is_some() {
            due = since_boot() + step;
        }
        if let Some(next) = next {
            due = due.min(next);
        }
        if !expired.is_empty() || self.has_to_publish(known) {
            due = known.not_before;
        }
        if let Some(renewal) = self.renewal(known) {
            due = due.min(renewal.max(known.not_before));
        }
        due
    }

    /// What was prepared and is not published yet.
    fn has_to_publish(&self, known: &Known) -> bool {
        known.is_prepared && known.lease.acts_by() != known.wanted
    }

    /// When the Lease is to be renewed; `None` where nobody waits for it. One that
    /// has Leases of others to delete renews its own before.
    fn renewal(&self, known: &Known) -> Option<Duration> {
        let (expired, _) = known
            .roll
            .expired(&self.name, self.terms.retry(), since_boot());
        let is_awaited = known.is_asked || !is_alone(known) || !expired.is_empty();
        is_awaited.then_some(known.since + self.terms.renew)
    }

    fn watched(&self, known: &mut Known, event: Event) -> Next {
        take(&mut known.roll, event);
        if let Some(own) = known.roll.lease(&self.name) {
            if own.is_asked()
                && !is_at_least(known.lease.0.resource_version(), own.0.resource_version())
            {
                known.lease = own.clone();
                known.is_asked = true;
            }
            return Next::On;
        }
        if known.roll.members().is_none() {
            return Next::On;
        }
        // A list from a cache may be older than our Lease.
        match self.leases.find(&self.name) {
            Ok(Some(_)) => Next::On,
            Ok(None) => Next::Lost("its Lease was deleted".to_owned()),
            Err(error) => {
                tracing::warn!(%error, "the Lease");
                Next::On
            }
        }
    }

    /// Whether an agent may still lead: that is seen after our own Lease is
    /// there, which it would see.
    fn await_leader(&mut self, known: &mut Known) {
        let Some(leader) = &mut known.leader else {
            return;
        };
        let before = leader.holder().to_owned();
        match self.leases.find(&self.terms.name) {
            Ok(lease) => leader.saw(lease, since_boot()),
            Err(error) => tracing::warn!(%error, "the Lease of the agent that leads"),
        }
        let due = leader.free_from(&self.terms.identity);
        if due.is_none_or(|due| due > since_boot()) {
            self.stands_by.store(true, Ordering::Relaxed);
            if before != leader.holder() {
                tracing::warn!(leader = leader.holder(), "waits until nobody leads");
            }
            return;
        }
        // One that was silent for too long must not renew it any more.
        let silent = leader.lease().filter(|lease| !lease.holder().is_empty());
        if let Some(lease) = silent
            && let Err(error) = self.leases.update(&lease.released(&now_text()))
        {
            tracing::warn!(%error, "the Lease of an agent that led");
            return;
        }
        tracing::info!(identity = self.terms.identity, "joins");
        known.leader = None;
        self.stands_by.store(false, Ordering::Relaxed);
        (self.on_turn)(Turn::Joined);
    }

    /// All that follows from what is known now.
    fn turn(&mut self, known: &mut Known) -> Next {
        known.roll.tidy(since_boot());
        self.await_leader(known);
        if let Some(mut members) = known.roll.members() {
            members.insert(&self.terms.identity);
            self.n_members.store(members.len(), Ordering::Relaxed);
            if members != known.wanted {
                tracing::info!(%members, "agents came or went");
                known.wanted = members.clone();
                known.n_prepares += 1;
                // Before it works on anything there is nothing to give up.
                known.is_prepared = known.leader.is_some();
                if known.leader.is_none() {
                    (self.on_turn)(Turn::Prepare(Prepare {
                        own: self.terms.identity.clone(),
                        members,
                        number: known.n_prepares,
                        to_self: self.to_self.clone(),
                    }));
                }
            }
        }
        let now = since_boot();
        let is_due = self.renewal(known).is_some_and(|due| due <= now);
        if now >= known.not_before && (is_due || self.has_to_publish(known)) {
            match self.write(known) {
                Next::On => {}
                next => return next,
            }
        }
        self.delete_expired(known);
        self.pace(known);
        self.tell_share(known);
        Next::On
    }

    /// Renews the Lease, and publishes what was prepared.
    fn write(&self, known: &mut Known) -> Next {
        let since = since_boot();
        let mut wanted = known.lease.held(&self.terms, &now_text());
        let publishes = self.has_to_publish(known);
        if publishes {
            wanted = wanted.acting_by(&known.wanted);
        }
        match self.leases.update(&wanted) {
            Ok(lease) => {
                if publishes {
                    known.claimed = lease.0.resource_version().to_owned();
                    known.shared = None;
                }
                known.lease = lease;
                known.since = since;
                known.is_asked = false;
                known.not_before = Duration::ZERO;
                self.terms.open(&self.fence, since);
                Next::On
            }
            Err(error) if error.conflict().is_some() || error.is_not_found() => {
                match self.leases.find(&self.name) {
                    // It changed under our hands, or an answer was lost: once
                    // more, on the new version.
                    Ok(Some(lease)) if lease.holder() == self.terms.identity => {
                        known.claimed = lease.0.resource_version().to_owned();
                        known.shared = None;
                        known.lease = lease;
                        known.not_before = since_boot() + self.terms.retry() / 4;
                        Next::On
                    }
                    Ok(_) => Next::Lost("its Lease was not renewed in time".to_owned()),
                    Err(error) => self.not_written(known, &error),
                }
            }
            Err(error) => self.not_written(known, &error),
        }
    }

    fn not_written(&self, known: &mut Known, error: &Error) -> Next {
        tracing::warn!(%error, "the Lease is not renewed, tried again soon");
        known.not_before = since_boot() + self.terms.retry();
        Next::On
    }

    /// Members that were silent for too long: each deletion names the version
    /// that was seen, so that one which lives stays. One that was silent itself
    /// has nothing to say of others.
    fn delete_expired(&self, known: &mut Known) {
        let now = since_boot();
        if now < known.not_before || now >= known.since + self.terms.duration {
            return;
        }
        let (expired, _) = known.roll.expired(&self.name, self.terms.retry(), now);
        let expired: Vec<Lease> = expired.into_iter().cloned().collect();
        for lease in expired {
            let name = lease.0.name();
            match self.leases.delete(&lease) {
                Ok(()) => {
                    tracing::info!(agent = lease.holder(), "is gone");
                    known.roll.gone(name, since_boot());
                }
                Err(error) if error.conflict().is_some() => match self.leases.find(name) {
                    Ok(Some(lease)) => known.roll.saw(lease, since_boot()),
                    Ok(None) => known.roll.gone(name, since_boot()),
                    Err(error) => {
                        tracing::warn!(%error, "the Lease of another agent");
                        known.not_before = since_boot() + self.terms.retry();
                    }
                },
                Err(error) => {
                    tracing::warn!(%error, "what an agent that is gone had is not taken over");
                    known.not_before = since_boot() + self.terms.retry();
                }
            }
        }
    }

    /// One that is alone renews only before it writes something else.
    fn pace(&self, known: &Known) {
        match is_alone(known) {
            true => {
                let left =
                    (self.terms.duration - self.terms.margin()).saturating_sub(self.terms.renew);
                let to_self = self.to_self.clone();
                let ask = move || {
                    // A member that has ended opens nothing.
                    let _ = to_self.send(Signal::Asked);
                };
                let patience = self.terms.request() + self.terms.retry();
                self.fence.open_on_demand(left, patience, ask);
            }
            false => self.fence.open_by_itself(),
        }
    }

    /// Tells what may be worked on, once the watch has come by what was
    /// published: whoever publishes later sees it.
    fn tell_share(&mut self, known: &mut Known) {
        let own = match known.roll.lease(&self.name) {
            Some(own) if is_at_least(own.0.resource_version(), &known.claimed) => own,
            Some(_) | None => return,
        };
        let is_known = known.roll.members().is_some() && known.leader.is_none();
        if !is_known || own.acts_by() != known.lease.acts_by() {
            return;
        }
        let share = known.roll.share(&known.lease, since_boot());
        if known.shared.as_ref() != Some(&share) {
            known.shared = Some(share.clone());
            (self.on_turn)(Turn::Shares(share));
        }
    }

    fn leave(&self, known: &Known) {
        if !self.terms.close(&self.fence) {
            return;
        }
        let released = known.lease.released(&now_text());
        let result = self.leases.update(&released);
        let result = result.and_then(|lease| self.leases.delete(&lease));
        if let Err(error) = result {
            tracing::warn!(%error, "the Lease is not released, it runs out by itself");
        }
    }

    /// A watch of all Leases of the group.
    fn watch(&self) -> std::io::Result<Watcher> {
        let selector = group_selector(&self.terms.name);
        let watched = watch::Watched {
            namespace: self.terms.namespace.clone(),
            ..watch::Watched::labelled(Arc::new(lease_resource()), &selector)
        };
        let news = |event| Some(Signal::Watch(event));
        worker::watch(&self.leases.client, watched, self.to_self.clone(), news)
    }
}

fn take(roll: &mut Roll, event: Event) {
    let now = since_boot();
    match event {
        Event::Restarted => roll.restarted(),
        Event::Applied(object) => roll.saw(Lease(object), now),
        Event::Deleted(object) => roll.gone(object.name(), now),
        Event::Current => roll.current(now),
        Event::Failed(error) => tracing::warn!(%error, "the Leases"),
    }
}

/// Nobody else waits for signs of life, and nothing is to be published.
fn is_alone(known: &Known) -> bool {
    let members = known.roll.members();
    members.is_some_and(|members| members.len() == 1)
        && known.wanted.len() == 1
        && known.lease.acts_by() == known.wanted
}

/// Whether a version is not older than another one.
fn is_at_least(version: &str, other: &str) -> bool {
    match (version.parse::<u64>(), other.parse::<u64>()) {
        (Ok(version), Ok(other)) => version >= other,
        _ => version == other,
    }
}
