//! How an object fares.
//!
//! Invariant: pure; the rules look at one object and nothing else.

mod status;

mod builtin;

mod rules;

mod fields;

mod general;

mod lua;

pub use lua::{LuaRule, LuaRules};
pub use status::{Health, HealthStatus};

use crate::object::{Object, names};

/// The health of an object, `None` where its kind has none (a ConfigMap).
/// Kinds of Kubernetes itself and of many projects have rules of their own;
/// for all others the conventions for conditions decide.
pub fn health(object: &Object) -> Option<Health> {
    pending_deletion(object).or_else(|| verdict(object))
}

/// The same with rules of users in front; `now` is in Unix seconds.
pub fn health_by(object: &Object, rules: &LuaRules, now: i64) -> Option<Health> {
    pending_deletion(object)
        .or_else(|| rules.health(object, now))
        .or_else(|| verdict(object))
}

/// What the kind's rule says by itself. To a rule of another project's kind
/// a deletion means what the object's status says of it.
pub fn verdict(object: &Object) -> Option<Health> {
    if builtin::has_rule(object) {
        return pending_deletion(object).or_else(|| builtin::health(object));
    }
    rules::health(object).or_else(|| general::health(object))
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
