use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start. Requests and fetches are counted where they
/// happen (`kube`, `git`); these are the agent's own.
#[derive(Debug, Default)]
pub struct Metrics {
    pub renders: Counter,
    /// Comparisons that needed no render.
    pub compares_without_render: Counter,
    pub syncs_succeeded: Counter,
    pub syncs_failed: Counter,
    pub status_patches: Counter,
    pub polls: Counter,
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
