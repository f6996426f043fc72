//! The thread of a candidate: follows, leads, and ends.

use super::lease::{Lease, Watched, lease_resource};
use super::roll::Roll;
use super::store::{Leases, now_text};
use super::worker::{self, LONG};
use super::{Change, Terms};
use crate::kube::Fence;
use crate::kube::error::Error;
use crate::kube::fence::since_boot;
use crate::kube::watch::{self, Event, Watcher};
use crate::shard::Members;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

pub enum Signal {
    /// The Lease as a watch tells it.
    Saw(Option<Lease>),
    Stop,
}

pub struct Candidate {
    pub leases: Leases,
    pub terms: Terms,
    pub fence: Fence,
    pub to_self: Sender<Signal>,
    pub signals: Receiver<Signal>,
    pub on_change: Box<dyn FnMut(Change) + Send>,
}

/// The Lease as we wrote it, and when we began to.
struct Held {
    lease: Lease,
    since: Duration,
}

impl Candidate {
    pub fn run(mut self) {
        if let Some(held) = self.follow() {
            tracing::info!(identity = self.terms.identity, "leads");
            self.lead(held);
        }
        self.fence.close();
    }

    /// Until the Lease is ours; `None` when stopped.
    fn follow(&self) -> Option<Held> {
        let mut watcher = None;
        let mut watched = Watched::default();
        let mut not_before = Duration::ZERO;
        let mut known_holder = String::new();
        let mut members = Roll::default();
        let mut waits_for = Members::default();
        loop {
            if watcher.is_none() {
                match self.watch() {
                    Ok(started) => watcher = Some(started),
                    Err(error) => tracing::warn!(%error, "cannot watch the Lease"),
                }
            }
            if watched.holder() != known_holder {
                known_holder = watched.holder().to_owned();
                tracing::info!(leader = known_holder, "follows");
            }
            let due = watched.free_from(&self.terms.identity);
            let wait = due.map_or(LONG, |due| due.max(not_before).saturating_sub(since_boot()));
            match self.signals.recv_timeout(wait) {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
                Ok(Signal::Saw(lease)) => {
                    watched.saw(lease, since_boot());
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if due.is_none_or(|due| since_boot() < due.max(not_before)) {
                continue;
            }
            not_before = since_boot() + self.terms.retry();
            let sharing = self.sharing(&mut members);
            if sharing.as_ref().is_none_or(|members| !members.is_empty()) {
                let sharing = sharing.unwrap_or_default();
                if sharing != waits_for {
                    tracing::warn!(agents = %sharing, "does not lead beside agents that share the work");
                    waits_for = sharing;
                }
                continue;
            }
            let since = since_boot();
            let error = match self.take(watched.lease()) {
                // One that joined meanwhile has not seen that it is taken, or
                // waits until it is free.
                Ok(lease) => match self.sharing(&mut members) {
                    Some(members) if members.is_empty() => return Some(Held { lease, since }),
                    Some(_) | None => match self.leases.update(&lease.released(&now_text())) {
                        Ok(_) => continue,
                        Err(error) => error,
                    },
                },
                Err(error) => error,
            };
            match error.conflict() {
                // Somebody was faster, or the holder lives.
                Some(_) => match self.leases.find(&self.terms.name) {
                    Ok(lease) => watched.saw(lease, since_boot()),
                    Err(error) => tracing::warn!(%error, "the Lease"),
                },
                None => tracing::warn!(%error, "the Lease cannot be taken, tried again soon"),
            }
        }
    }

    /// Renews until stopped, or until somebody else holds it.
    fn lead(&mut self, mut held: Held) {
        self.terms.open(&self.fence, held.since);
        (self.on_change)(Change::Leads);
        let mut due = held.since + self.terms.renew;
        let mut was_open = true;
        loop {
            match self.signals.recv_timeout(due.saturating_sub(since_boot())) {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    return self.release(&held);
                }
                // Of the watch that has ended.
                Ok(Signal::Saw(_)) => continue,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let since = since_boot();
            match self
                .leases
                .update(&held.lease.held(&self.terms, &now_text()))
            {
                Ok(lease) => {
                    held = Held { lease, since };
                    self.terms.open(&self.fence, since);
                    due = since + self.terms.renew;
                }
                Err(error) if error.conflict().is_some() || error.is_not_found() => {
                    match self.leases.find(&self.terms.name) {
                        // It changed under our hands: once more, on the new version.
                        Ok(Some(lease)) if lease.holder() == self.terms.identity => {
                            held.lease = lease;
                            due = since_boot() + self.terms.retry() / 4;
                        }
                        Ok(Some(lease)) => {
                            self.fence.close();
                            let why = format!("{} holds it now", lease.holder());
                            return (self.on_change)(Change::Lost(why));
                        }
                        Ok(None) => {
                            self.fence.close();
                            return (self.on_change)(Change::Lost("it was deleted".to_owned()));
                        }
                        Err(_) => due = since_boot() + self.terms.retry(),
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the Lease is not renewed, tried again soon");
                    due = since_boot() + self.terms.retry();
                }
            }
            if was_open != self.fence.is_open() {
                was_open = !was_open;
                match was_open {
                    true => tracing::info!("the Lease is renewed, and nobody took it meanwhile"),
                    false => tracing::warn!("the Lease has run out: nothing is written"),
                }
            }
        }
    }

    fn release(&self, held: &Held) {
        if !self.terms.close(&self.fence) {
            return;
        }
        if let Err(error) = self.leases.update(&held.lease.released(&now_text())) {
            tracing::warn!(%error, "the Lease is not released, it runs out by itself");
        }
    }

    /// The agents that share the work instead of having one that leads; those
    /// that are gone are deleted. `None` where that cannot be told.
    fn sharing(&self, roll: &mut Roll) -> Option<Members> {
        let leases = match self.leases.of_group(&self.terms.name) {
            Ok(leases) => leases,
            Err(error) => {
                tracing::warn!(%error, "the Leases of agents that share the work");
                return None;
            }
        };
        roll.restarted();
        for lease in leases {
            roll.saw(lease, since_boot());
        }
        roll.current(since_boot());
        let (expired, _) = roll.expired("", Duration::ZERO, since_boot());
        let expired: Vec<Lease> = expired.into_iter().cloned().collect();
        for lease in expired {
            let result = match lease.is_asked() {
                // It had its duration to answer.
                true => self.leases.delete(&lease).map(|()| {
                    roll.gone(lease.0.name(), since_boot());
                }),
                // One that is alone renews its Lease only where somebody asks.
                false => self.leases.update(&lease.asked()).map(|lease| {
                    roll.saw(lease, since_boot());
                }),
            };
            if let Err(error) = result {
                tracing::warn!(%error, "the Lease of an agent that shares the work");
            }
        }
        Some(roll.writers(since_boot()))
    }

    /// Writes us into the Lease as it was seen, or makes one.
    fn take(&self, seen: Option<&Lease>) -> Result<Lease, Error> {
        let now = now_text();
        match seen {
            None => self
                .leases
                .create(&Lease::new(&self.terms).held(&self.terms, &now)),
            Some(seen) => self.leases.update(&seen.held(&self.terms, &now)),
        }
    }

    /// A watch of the one Lease.
    fn watch(&self) -> std::io::Result<Watcher> {
        let watched = watch::Watched {
            namespace: self.terms.namespace.clone(),
            field_selector: format!("metadata.name={}", self.terms.name),
            ..watch::Watched::all(Arc::new(lease_resource()))
        };
        let mut listed = None;
        let news = move |event| {
            match event {
                Event::Restarted => {
                    listed = None;
                    return None;
                }
                // A version that was current; what is not, cannot be changed.
                Event::Applied(object) => listed = Some(Lease(object)),
                Event::Current => {}
                Event::Deleted(_) => listed = None,
                Event::Failed(error) => {
                    tracing::warn!(%error, "the Lease");
                    return None;
                }
            }
            Some(Signal::Saw(listed.clone()))
        };
        worker::watch(&self.leases.client, watched, self.to_self.clone(), news)
    }
}
