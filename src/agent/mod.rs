//! The agent: triggers, a queue, and the shell around the pure rooms that
//! fetches what renders need and carries out what syncs ask for.
//!
//! ```text
//!  watches ──┐                       ┌─> resolve (fetch pool): ls-refs, fetch
//!  timers ───┤   one thread owns     ├─> compare (heavy pool): render, diff
//!  commands ─┼─> all applications ───┤
//!  results ──┘   (controller)        ├─> task    (write pool): dry run, apply, prune
//!                                    └─> report  (write pool): status patches
//! ```
//! Invariants: the controller's thread never waits for anything but its next
//! message; `writes.rs` alone sends writes to the API server; at rest an
//! application is digests, not objects.

mod settings;

mod budget;

mod argocd_cm;

mod metrics;

mod pool;

mod clusters;

mod destination;

mod live;

mod watch;

mod kept;

mod host;

mod credentials;

mod sources;

mod charts;

mod remotes;

mod connection;

mod lookups;

mod rendering;

mod compare;

mod digests;

mod orphans;

mod integrity;

mod difference;

mod links;

mod message;

mod packed;

mod state;

mod application;

mod drift;

mod controller;

mod kinds;

mod polling;

mod pushed;

mod auto_sync;

mod operation;

mod own;

mod hold;

mod sharing;

mod result;

mod told;

mod permissions;

mod deletion;

mod delete_hooks;

mod report;

mod resources;

mod usage;

mod writes;

mod bootstrap;

mod handle;

pub use argocd_cm::ArgocdCm;
pub use bootstrap::{BootstrapError, Installation, bootstrap, installed_seed};
pub use budget::{Allocator, Figures, Limits, cpu_time};
pub use clusters::{ClusterSecret, Clusters, Meant};
pub use compare::CompareError;
pub use connection::Connection;
pub use credentials::{Registered, is_same_repository};
pub use difference::{Difference, differences};
pub use handle::{Agent, AppView, Handle};
pub use host::Seed;
pub use kept::{Kept, Owner};
pub use metrics::{Metrics, SyncLabels};
pub use pushed::Push;
pub use rendering::{RenderJob, generated, render_application};
pub use resources::{application_resource, config_map_resource, project_resource, secret_resource};
pub use settings::Settings;
pub use sources::{SourceError, Sources};
pub use usage::Usage;
