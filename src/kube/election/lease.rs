//! A Lease as a value, and when it may be taken.
//!
//! Invariant: no clock here; times are those since boot, and passed in.

use super::Terms;
use crate::kube::Resource;
use crate::kube::resource::Verbs;
use crate::object::{Object, names};
use crate::shard::Members;
use crate::value::{Map, Value};
use std::time::Duration;

/// A Lease as the server has it.
#[derive(Clone, Debug)]
pub struct Lease(pub Object);

impl Lease {
    /// One that does not exist yet.
    pub fn new(terms: &Terms) -> Self {
        let metadata = Map::from_iter([
            ("name", terms.name.as_str()),
            ("namespace", terms.namespace.as_str()),
        ]);
        let value = Value::Map(Map::from_iter([
            ("apiVersion", Value::from("coordination.k8s.io/v1")),
            ("kind", Value::from("Lease")),
            ("metadata", Value::Map(metadata)),
            ("spec", Value::Map(Map::new())),
        ]));
        Lease(Object::new(value).expect("apiVersion and kind are set"))
    }

    /// One of several that share the work, of a group of agents.
    pub fn of_member(terms: &Terms, name: &str, acts_by: &Members) -> Self {
        let own = Terms {
            name: name.to_owned(),
            ..terms.clone()
        };
        let mut lease = Self::new(&own).acting_by(acts_by);
        lease.0.set_label(names::AGENTS, &terms.name);
        lease
    }

    /// The members that its agent acts by.
    pub fn acts_by(&self) -> Members {
        Members::parse(self.0.annotation(names::ACTS_BY).unwrap_or_default())
    }

    pub fn acting_by(&self, members: &Members) -> Self {
        let mut lease = self.clone();
        lease.0.set_annotation(names::ACTS_BY, &members.to_string());
        lease
    }

    /// Asks its holder for a renewal, which takes this away.
    pub fn asked(&self) -> Self {
        let mut lease = self.clone();
        lease.0.set_annotation(names::RENEWAL_ASKED, "true");
        lease
    }

    pub fn is_asked(&self) -> bool {
        self.0.annotation(names::RENEWAL_ASKED).is_some()
    }

    /// "" where it is free.
    pub fn holder(&self) -> &str {
        self.text("holderIdentity")
    }

    pub fn renewed(&self) -> &str {
        self.text("renewTime")
    }

    fn text(&self, field: &str) -> &str {
        let value = self.0.at(&["spec", field]);
        value.and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, field: &str) -> i64 {
        let value = self.0.at(&["spec", field]);
        value.and_then(Value::as_i64).unwrap_or_default()
    }

    pub fn duration(&self) -> Duration {
        let seconds = u64::try_from(self.number("leaseDurationSeconds"));
        Duration::from_secs(seconds.unwrap_or_default())
    }

    /// Held by us, at a wall clock time that only people read.
    pub fn held(&self, terms: &Terms, now: &str) -> Self {
        let mut lease = self.clone();
        if self.is_asked() {
            let annotations = lease.0.metadata_mut().entry_map("annotations");
            annotations.remove(names::RENEWAL_ASKED);
        }
        let is_new = self.holder() != terms.identity;
        let transitions = match self.holder() {
            "" if self.renewed().is_empty() => 0,
            _ if is_new => self.number("leaseTransitions").saturating_add(1),
            _ => self.number("leaseTransitions"),
        };
        let spec = lease.0.root_mut().entry_map("spec");
        spec.insert("holderIdentity", terms.identity.as_str());
        let seconds = i64::try_from(terms.duration.as_secs()).unwrap_or(i64::MAX);
        spec.insert("leaseDurationSeconds", seconds);
        spec.insert("leaseTransitions", transitions);
        if is_new {
            spec.insert("acquireTime", now);
        }
        spec.insert("renewTime", now);
        lease
    }

    /// Free for anybody, as client-go leaves one.
    pub fn released(&self, now: &str) -> Self {
        let mut lease = self.clone();
        let spec = lease.0.root_mut().entry_map("spec");
        spec.insert("holderIdentity", "");
        spec.insert("leaseDurationSeconds", 1i64);
        spec.insert("renewTime", now);
        lease
    }
}

pub fn lease_resource() -> Resource {
    Resource {
        group: "coordination.k8s.io".to_owned(),
        version: "v1".to_owned(),
        kind: "Lease".to_owned(),
        plural: "leases".to_owned(),
        namespaced: true,
        verbs: Verbs::default(),
        has_status: false,
    }
}

pub fn namespace_resource() -> Resource {
    Resource {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        plural: "namespaces".to_owned(),
        namespaced: false,
        verbs: Verbs::default(),
        has_status: true,
    }
}

/// What a follower saw of the Lease, and when.
#[derive(Debug, Default)]
pub struct Watched {
    /// Something was told at all.
    is_known: bool,
    lease: Option<Lease>,
    /// When its last change was seen.
    since: Duration,
    /// Up to when its holder may believe in it.
    holds_until: Duration,
}

impl Watched {
    /// As the server has it at this moment.
    pub fn saw(&mut self, lease: Option<Lease>, now: Duration) {
        let version = |lease: &Option<Lease>| {
            let lease = lease.as_ref();
            lease.map(|lease| lease.0.resource_version().to_owned())
        };
        if self.is_known && version(&self.lease) == version(&lease) {
            return;
        }
        self.is_known = true;
        self.since = now;
        match &lease {
            Some(lease) if lease.holder().is_empty() => self.holds_until = Duration::ZERO,
            Some(lease) => self.holds_until = now + lease.duration(),
            // Whoever held it may not know yet that it was deleted.
            None => {}
        }
        self.lease = lease;
    }

    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    pub fn holder(&self) -> &str {
        self.lease.as_ref().map_or("", Lease::holder)
    }

    /// From when on it may be taken; `None` while nothing is known. What we
    /// took without hearing of it is ours at once.
    pub fn free_from(&self, identity: &str) -> Option<Duration> {
        match self.holder() {
            _ if !self.is_known => None,
            holder if holder == identity => Some(self.since),
            _ => Some(self.holds_until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(identity: &str) -> Terms {
        Terms {
            namespace: "argocd".to_owned(),
            name: "drupelet".to_owned(),
            identity: identity.to_owned(),
            duration: Duration::from_secs(15),
            renew: Duration::from_secs(7),
        }
    }

    fn held(by: &str, version: &str) -> Lease {
        let terms = terms(by);
        let mut lease = Lease::new(&terms).held(&terms, "2026-01-01T00:00:00.000000Z");
        lease.0.metadata_mut().insert("resourceVersion", version);
        lease
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_lease_is_free_its_duration_after_the_last_change_that_was_seen() {
        let mut watched = Watched::default();
        assert_eq!(watched.free_from("b"), None);
        watched.saw(Some(held("a", "1")), at(100));
        assert_eq!(watched.free_from("b"), Some(at(115)));
        watched.saw(Some(held("a", "1")), at(110));
        assert_eq!(watched.free_from("b"), Some(at(115)), "it is the same");
        watched.saw(Some(held("a", "2")), at(110));
        assert_eq!(watched.free_from("b"), Some(at(125)));
        watched.saw(None, at(111));
        assert_eq!(watched.free_from("b"), Some(at(125)), "a knows nothing yet");
    }

    #[test]
    fn a_lease_that_was_released_never_held_or_taken_by_us_is_free_at_once() {
        let mut watched = Watched::default();
        watched.saw(None, at(100));
        assert_eq!(watched.free_from("b"), Some(at(0)));
        let mut free = held("a", "1").released("2026-01-01T00:00:00.000000Z");
        free.0.metadata_mut().insert("resourceVersion", "2");
        watched.saw(Some(free), at(100));
        assert_eq!(watched.free_from("b"), Some(at(0)));
        watched.saw(Some(held("b", "3")), at(100));
        assert_eq!(watched.free_from("b"), Some(at(100)));
    }

    #[test]
    fn transitions_count_the_changes_of_holders() {
        let count = |lease: &Lease| lease.number("leaseTransitions");
        let first = held("a", "1");
        assert_eq!(count(&first), 0);
        let again = first.held(&terms("a"), "2026-01-01T00:00:09.000000Z");
        assert_eq!(count(&again), 0);
        assert_eq!(again.text("acquireTime"), "2026-01-01T00:00:00.000000Z");
        let other = again.held(&terms("b"), "2026-01-01T00:01:00.000000Z");
        assert_eq!(count(&other), 1);
        assert_eq!(other.text("acquireTime"), "2026-01-01T00:01:00.000000Z");
    }
}
