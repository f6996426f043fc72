//! Kinds that have no rule of their own: Kubernetes' conventions, as kstatus
//! reads them, where an object follows them.

use super::fields::{condition, items, text_of};
use super::{Health, HealthStatus};
use crate::object::Object;
use crate::value::Value;

/// - status.observedGeneration below metadata.generation: Progressing.
/// - condition Stalled True: Degraded; Reconciling True: Progressing.
/// - condition Ready, else Available: True is Healthy, False Progressing,
///   Degraded where its reason or another condition names a failure.
/// - no status, or none of these: the kind has no health, as upstream.
pub fn health(object: &Object) -> Option<Health> {
    let generation = object
        .at(&["metadata", "generation"])
        .and_then(Value::as_i64);
    let observed = object
        .at(&["status", "observedGeneration"])
        .and_then(Value::as_i64);
    let is = |kind: &str, status: &str| {
        condition(object, kind).filter(|condition| text_of(condition, "status") == status)
    };
    let told = |status: HealthStatus, condition: &Value| {
        Some(Health::new(status, text_of(condition, "message")))
    };
    if items(object, &["status", "conditions"]).is_empty() {
        return None;
    }
    if let (Some(generation), Some(observed)) = (generation, observed)
        && observed < generation
    {
        let message = format!("generation {generation} is not observed yet");
        return Some(Health::new(HealthStatus::Progressing, message));
    }
    if let Some(stalled) = is("Stalled", "True") {
        return told(HealthStatus::Degraded, stalled);
    }
    if let Some(reconciling) = is("Reconciling", "True") {
        return told(HealthStatus::Progressing, reconciling);
    }
    for kind in ["Ready", "Available"] {
        if let Some(fine) = is(kind, "True") {
            return told(HealthStatus::Healthy, fine);
        }
        if let Some(waits) = is(kind, "False") {
            let reason = text_of(waits, "reason");
            let failed = ["Failed", "Error", "Invalid"]
                .iter()
                .any(|word| reason.contains(word));
            return told(
                if failed {
                    HealthStatus::Degraded
                } else {
                    HealthStatus::Progressing
                },
                waits,
            );
        }
        if let Some(open) = is(kind, "Unknown") {
            return told(HealthStatus::Progressing, open);
        }
    }
    None
}
