//! The Leases of all agents that share the work, as the watch tells them.
//!
//! ```text
//! (there: a member) --not renewed for its duration--> expired: to be deleted
//!        '--deleted while held--> lingers until its duration is over
//! ```
//! Invariant: no clock here; times are those since boot, and passed in.

use super::lease::Lease;
use crate::shard::{Members, Share};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Default)]
pub struct Roll {
    /// By the name of the Lease.
    seen: BTreeMap<String, Seen>,
    /// Those that a list in progress has mentioned.
    listing: Option<BTreeSet<String>>,
    is_listed: bool,
}

struct Seen {
    lease: Lease,
    /// When this version was seen first.
    since: Duration,
    /// It was deleted. Whoever held it may not know yet.
    is_gone: bool,
}

impl Seen {
    fn ends(&self) -> Duration {
        self.since + self.lease.duration()
    }

    fn is_member(&self) -> bool {
        !self.is_gone && !self.lease.holder().is_empty()
    }

    /// Whether its holder may write.
    fn may_write(&self, now: Duration) -> bool {
        self.is_member() || (self.is_gone && now < self.ends())
    }
}

impl Roll {
    pub fn restarted(&mut self) {
        self.listing = Some(BTreeSet::new());
    }

    pub fn saw(&mut self, lease: Lease, now: Duration) {
        let name = lease.0.name().to_owned();
        if let Some(listing) = &mut self.listing {
            listing.insert(name.clone());
        }
        let version = lease.0.resource_version();
        let is_known = |seen: &Seen| !seen.is_gone && seen.lease.0.resource_version() == version;
        if self.seen.get(&name).is_some_and(is_known) {
            return;
        }
        let seen = Seen {
            lease,
            since: now,
            is_gone: false,
        };
        self.seen.insert(name, seen);
    }

    pub fn gone(&mut self, name: &str, now: Duration) {
        let Some(seen) = self.seen.get_mut(name) else {
            return;
        };
        seen.is_gone = true;
        // Who gave it up before writes nothing any more.
        if seen.lease.holder().is_empty() || seen.ends() <= now {
            self.seen.remove(name);
        }
    }

    /// The list is complete: others are gone.
    pub fn current(&mut self, now: Duration) {
        self.is_listed = true;
        if let Some(listed) = self.listing.take() {
            let all: Vec<String> = self.seen.keys().cloned().collect();
            for name in all.iter().filter(|name| !listed.contains(*name)) {
                self.gone(name, now);
            }
        }
    }

    /// `None` while a list is in progress.
    pub fn members(&self) -> Option<Members> {
        let is_known = self.is_listed && self.listing.is_none();
        let members = self.seen.values().filter(|seen| seen.is_member());
        is_known.then(|| members.map(|seen| seen.lease.holder().to_owned()).collect())
    }

    /// All who may write.
    pub fn writers(&self, now: Duration) -> Members {
        let writers = self.seen.values().filter(|seen| seen.may_write(now));
        writers.map(|seen| seen.lease.holder().to_owned()).collect()
    }

    pub fn lease(&self, name: &str) -> Option<&Lease> {
        let seen = self.seen.get(name)?;
        (!seen.is_gone).then_some(&seen.lease)
    }

    /// What an agent acts by, and who else may write.
    pub fn share(&self, own: &Lease, now: Duration) -> Share {
        let others = self
            .seen
            .values()
            .filter(|seen| seen.lease.0.name() != own.0.name() && seen.may_write(now));
        Share {
            own: own.holder().to_owned(),
            acts_by: own.acts_by(),
            others: others
                .map(|seen| (seen.lease.holder().to_owned(), seen.lease.acts_by()))
                .collect(),
        }
    }

    /// Forgets those that lingered long enough.
    pub fn tidy(&mut self, now: Duration) {
        self.seen
            .retain(|_, seen| !seen.is_gone || now < seen.ends());
    }

    /// The members that were not renewed in time, and when the next of them,
    /// or of those that linger, is to be looked at. Of those that live each
    /// waits a `step` longer than the one before it: one of them is enough to
    /// delete a Lease.
    pub fn expired(
        &self,
        own: &str,
        step: Duration,
        now: Duration,
    ) -> (Vec<&Lease>, Option<Duration>) {
        let others = || self.seen.iter().filter(|(name, _)| *name != own);
        let before = others()
            .filter(|(name, seen)| name.as_str() < own && seen.is_member() && seen.ends() > now);
        let rank = u32::try_from(before.count()).unwrap_or(u32::MAX);
        let due = |seen: &Seen| match seen.is_gone {
            true => seen.ends(),
            false => seen.ends() + step * rank,
        };
        let expired = others()
            .filter(|(_, seen)| !seen.is_gone && due(seen) <= now)
            .map(|(_, seen)| &seen.lease);
        let next = others().map(|(_, seen)| due(seen)).filter(|due| *due > now);
        (expired.collect(), next.min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::election::Terms;

    fn lease(host: &str, version: &str, acts_by: &[&str]) -> Lease {
        let terms = Terms {
            namespace: "argocd".to_owned(),
            name: "drupelet".to_owned(),
            identity: host.to_owned(),
            duration: Duration::from_secs(15),
            renew: Duration::from_secs(7),
        };
        let acts_by = acts_by.iter().map(|name| (*name).to_owned()).collect();
        let lease = Lease::of_member(&terms, &format!("lease-{host}"), &acts_by);
        let mut lease = lease.held(&terms, "2026-01-01T00:00:00.000000Z");
        lease.0.metadata_mut().insert("resourceVersion", version);
        lease
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Of `a` alone, and of `b` as `a` sees it at 100.
    fn two() -> Roll {
        let mut roll = Roll::default();
        roll.restarted();
        roll.saw(lease("a", "1", &["a"]), at(100));
        assert_eq!(roll.members(), None, "the list is not complete");
        roll.saw(lease("b", "2", &["b"]), at(100));
        roll.current(at(100));
        roll
    }

    fn names(roll: &Roll) -> String {
        roll.members().expect("it is listed").to_string()
    }

    fn others(roll: &Roll, now: u64) -> Vec<String> {
        let share = roll.share(&lease("a", "1", &["a"]), at(now));
        share.others.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_member_expires_its_duration_after_the_last_change_that_was_seen() {
        let mut roll = two();
        assert_eq!(names(&roll), "a,b");
        let expired = |roll: &Roll, now| {
            let (expired, next) = roll.expired("lease-a", at(1), at(now));
            (expired.len(), next)
        };
        assert_eq!(expired(&roll, 114), (0, Some(at(115))));
        assert_eq!(expired(&roll, 115), (1, None));
        roll.saw(lease("b", "2", &["b"]), at(110));
        assert_eq!(expired(&roll, 115), (1, None), "it is the same");
        roll.saw(lease("b", "3", &["b"]), at(110));
        assert_eq!(expired(&roll, 115), (0, Some(at(125))));
        assert_eq!(names(&roll), "a,b", "until its Lease is deleted");
    }

    #[test]
    fn of_those_that_live_one_after_the_other_deletes_what_expired() {
        let mut roll = two();
        roll.saw(lease("c", "5", &["c"]), at(110));
        // `b` is silent since 100; `a` is first to act, `c` second.
        roll.saw(lease("a", "6", &["a"]), at(110));
        let n_of = |own: &str, now| roll.expired(own, at(1), at(now)).0.len();
        assert_eq!(n_of("lease-a", 115), 1);
        assert_eq!(n_of("lease-c", 115), 0);
        assert_eq!(n_of("lease-c", 116), 1);
    }

    #[test]
    fn what_was_deleted_while_it_was_held_lingers() {
        let mut roll = two();
        roll.gone("lease-b", at(105));
        assert_eq!(names(&roll), "a");
        assert_eq!(others(&roll, 114), ["b"]);
        assert_eq!(roll.expired("lease-a", at(1), at(105)).1, Some(at(115)));
        assert_eq!(others(&roll, 115), Vec::<String>::new());
        roll.tidy(at(115));
        assert!(roll.seen.len() == 1);
    }

    #[test]
    fn what_was_given_up_or_had_expired_before_it_was_deleted_does_not() {
        let mut roll = two();
        let mut free = lease("b", "2", &["b"]).released("2026-01-01T00:00:00.000000Z");
        free.0.metadata_mut().insert("resourceVersion", "3");
        roll.saw(free, at(105));
        assert_eq!(names(&roll), "a");
        assert_eq!(others(&roll, 105), Vec::<String>::new());
        roll.gone("lease-b", at(105));
        assert_eq!(roll.seen.len(), 1);
        let mut roll = two();
        roll.gone("lease-b", at(115));
        assert_eq!(others(&roll, 115), Vec::<String>::new());
    }

    #[test]
    fn what_a_new_list_does_not_mention_is_gone() {
        let mut roll = two();
        roll.restarted();
        roll.saw(lease("a", "1", &["a"]), at(110));
        assert_eq!(roll.members(), None);
        roll.current(at(110));
        assert_eq!(names(&roll), "a");
        assert_eq!(others(&roll, 110), ["b"], "it may write until 115");
    }
}
