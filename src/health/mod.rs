//! How an object fares.
//!
//! Invariant: pure; the rules look at one object and nothing else.

mod status;

mod builtin;

mod fields;

mod general;

pub use status::{Health, HealthStatus};

use crate::object::{Object, names};

/// The health of an object, `None` where its kind has none (a ConfigMap).
/// Kinds of Kubernetes itself have rules of their own; for all others the
/// conventions for conditions decide.
pub fn health(object: &Object) -> Option<Health> {
    let known = builtin::health(object).or_else(|| general::health(object));
    match pending_deletion(object) {
        Some(pending) => Some(pending),
        None => known,
    }
}

/// What is being deleted progresses, whatever it says of itself. A finished
/// hook that our own finalizer still holds fares as its kind does.
fn pending_deletion(object: &Object) -> Option<Health> {
    if !object.is_deleting() || object.finalizers().any(|f| f == names::HOOK_FINALIZER) {
        return None;
    }
    let finalizers: Vec<&str> = object.finalizers().collect();
    Some(Health::new(
        HealthStatus::Progressing,
        if finalizers.is_empty() {
            "Pending deletion".to_owned()
        } else {
            let finalizers = finalizers.join(", ");
            format!("Pending deletion; blocked by finalizers: {finalizers}")
        },
    ))
}
