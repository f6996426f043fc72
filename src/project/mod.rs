//! What an AppProject allows: repositories, destinations, kinds, and when.
//!
//! Invariant: pure, and closed where it is in doubt: a pattern that cannot be
//! read allows nothing, and as a denial it denies everything.

mod permissions;

mod patterns;

mod integrity;

mod accounts;

mod windows;

mod cron;

pub use accounts::{AccountError, service_account};
pub use integrity::{Demand, Scope, demand};
pub use permissions::{
    Cluster, Refusal, check_application, check_namespace, check_resource, is_source_permitted,
};
pub use windows::{Asked, WindowError, can_sync, is_active, next_permission};
