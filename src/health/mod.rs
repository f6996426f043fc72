//! How an object fares.
//!
//! Invariant: pure; the rules look at one object and nothing else.

mod status;

pub use status::{Health, HealthStatus};
pub fn health(_: &crate::object::Object) -> Option<Health> {
    None
}
