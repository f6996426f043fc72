//! What the agent's memory is used for: measured when somebody asks, by making
//! a copy of each thing and looking at what the copy takes. Nothing is counted
//! at rest.

use super::budget::Allocator;
use super::compare::Compared;
use super::controller::Controller;
use super::destination::Reach;
use super::sources::Sources;
use super::state::AppState;
use crate::app::Application;
use crate::kube::Resource;
use std::mem::size_of;

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub what: &'static str,
    /// How many of them there are.
    pub count: usize,
    /// In memory; `None` where it is not told apart from the rest.
    pub bytes: Option<u64>,
    /// On disk.
    pub disk: Option<u64>,
}

impl Usage {
    fn memory(what: &'static str, count: usize, bytes: u64) -> Self {
        Usage {
            what,
            count,
            bytes: Some(bytes),
            disk: None,
        }
    }
}

/// Bytes on the heap that a copy of something takes.
pub(super) fn copied<T>(allocator: &Allocator, copy: impl FnOnce() -> T) -> u64 {
    let before = (allocator.held)();
    let copy = copy();
    let after = (allocator.held)();
    drop(copy);
    u64::try_from(after - before).unwrap_or(0)
}

/// Nodes of a B-tree are three quarters full on average.
pub(super) fn in_tree(bytes: usize) -> u64 {
    (bytes as u64) * 4 / 3
}

impl Controller {
    /// What this thread knows of.
    pub(super) fn usage(&self) -> Vec<Usage> {
        let allocator = &self.settings.allocator;
        let apps = self.apps.values();
        let of_apps: u64 = apps.clone().map(|app| app.bytes(allocator)).sum();
        let comparisons = || self.apps.values().filter_map(|app| app.compared.as_ref());
        let of_comparisons: u64 = comparisons()
            .map(|compared| {
                let below = copied(allocator, || Compared::clone(compared));
                below + size_of::<Compared>() as u64
            })
            .sum();
        let mut all = vec![
            Usage::memory("applications", apps.count(), of_apps),
            Usage::memory(
                "comparisons: desired objects",
                comparisons().map(|compared| compared.items.len()).sum(),
                of_comparisons,
            ),
        ];
        let (mut objects, mut of_objects) = (0, 0);
        let (mut kinds, mut of_kinds) = (0, 0);
        let (mut clusters, mut watches) = (0, 0);
        for reach in self.destinations.values() {
            let Reach::Reached(destination) = reach else {
                continue;
            };
            let (count, bytes) = destination.live.usage(allocator);
            objects += count;
            of_objects += bytes;
            for resource in destination.discovery.resources() {
                kinds += 1;
                of_kinds += copied(allocator, || Resource::clone(resource));
                of_kinds += size_of::<Resource>() as u64;
            }
            clusters += 1;
            watches += destination.watches.count();
        }
        all.push(Usage::memory("live index: objects", objects, of_objects));
        all.push(Usage::memory("discovery: kinds", kinds, of_kinds));
        for (what, count) in [("clusters: clients", clusters), ("watches", watches)] {
            all.push(Usage {
                what,
                count,
                bytes: None,
                disk: None,
            });
        }
        all
    }
}

impl AppState {
    fn bytes(&self, allocator: &Allocator) -> u64 {
        let spec = copied(allocator, || Application::clone(&self.app));
        let packed = self.known_status.len() + self.finished_operation.len() + self.history.len();
        let resolved = copied(allocator, || self.resolved.clone());
        let inline = size_of::<Application>() + size_of::<AppState>();
        spec + resolved + packed as u64 + in_tree(inline)
    }
}

impl Sources {
    /// What is kept of repositories.
    pub(super) fn usage(&self) -> Vec<Usage> {
        let (git_count, git_disk) = self.git_cache_usage();
        let (chart_count, chart_disk) = self.charts().usage();
        let (kept_count, kept_bytes) = self.remotes().usage();
        let on_disk = |what, count, disk| Usage {
            what,
            count,
            bytes: None,
            disk: Some(disk),
        };
        vec![
            on_disk("git cache: repositories", git_count, git_disk),
            on_disk("charts: archives", chart_count, chart_disk),
            Usage::memory("plain files that are kept", kept_count, kept_bytes),
        ]
    }
}
