//! What went over the network and onto the disk, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start; shared by every repository of a cache.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    bytes_received: AtomicU64,
    polls: AtomicU64,
    fetches: AtomicU64,
    objects: AtomicU64,
    bytes_written: AtomicU64,
    compactions: AtomicU64,
    refetches: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// HTTP requests and ssh sessions.
    pub requests: u64,
    pub bytes_received: u64,
    /// Revisions resolved by asking the server.
    pub polls: u64,
    pub fetches: u64,
    /// Objects that came in packs.
    pub objects: u64,
    /// Bytes of packs and indices written to the cache.
    pub bytes_written: u64,
    pub compactions: u64,
    /// Mirrors thrown away because something in them was damaged.
    pub refetches: u64,
}

impl Counters {
    pub fn now(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            requests: get(&self.requests),
            bytes_received: get(&self.bytes_received),
            polls: get(&self.polls),
            fetches: get(&self.fetches),
            objects: get(&self.objects),
            bytes_written: get(&self.bytes_written),
            compactions: get(&self.compactions),
            refetches: get(&self.refetches),
        }
    }

    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.bytes_received
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn poll(&self) {
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fetch(&self, objects: u64, bytes: u64) {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        self.objects.fetch_add(objects, Ordering::Relaxed);
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn compaction(&self, bytes: u64) {
        self.compactions.fetch_add(1, Ordering::Relaxed);
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn refetch(&self) {
        self.refetches.fetch_add(1, Ordering::Relaxed);
    }
}
