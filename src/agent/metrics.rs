use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start. Requests and fetches are counted where they
/// happen (`kube`, `git`); these are the agent's own.
#[derive(Debug, Default)]
pub struct Metrics {
    pub renders: Counter,
    /// Comparisons that needed no render.
    pub compares_without_render: Counter,
    pub syncs: Syncs,
    pub status_patches: Counter,
    pub polls: Counter,
}

/// A sync that ended, as Argo CD labels it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncLabels {
    pub namespace: String,
    pub name: String,
    pub project: String,
    pub dest_server: String,
    /// `Succeeded`, `Failed` or `Error`; retries are of the one sync.
    pub phase: &'static str,
    pub dry_run: bool,
}

/// How many syncs ended how.
#[derive(Debug, Default)]
pub struct Syncs(Mutex<BTreeMap<SyncLabels, u64>>);

impl Syncs {
    pub fn add_one(&self, labels: SyncLabels) {
        let mut counts = self.0.lock().expect("no holder of this lock panics");
        *counts.entry(labels).or_default() += 1;
    }

    pub fn get(&self) -> Vec<(SyncLabels, u64)> {
        let counts = self.0.lock().expect("no holder of this lock panics");
        let counts = counts.iter();
        counts.map(|(labels, n)| (labels.clone(), *n)).collect()
    }
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
