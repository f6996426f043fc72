use crate::health::fields::{items, text_of};
use crate::health::{Health, HealthStatus};
use crate::object::Object;

/// The conditions of a job as they stand; of each type the last.
pub fn job(object: &Object) -> Health {
    let (mut failed, mut suspended, mut ended) = (None, false, false);
    let mut message = "";
    for condition in items(object, &["status", "conditions"]) {
        let text = text_of(condition, "message");
        match text_of(condition, "type") {
            "Failed" => failed = Some(text),
            "Complete" => (ended, message) = (true, text),
            "Suspended" => {
                (ended, message) = (true, text);
                suspended |= text_of(condition, "status") == "True";
            }
            _ => {}
        }
    }
    match failed {
        Some(message) => Health::new(HealthStatus::Degraded, message),
        None if !ended => Health::new(HealthStatus::Progressing, message),
        None if suspended => Health::new(HealthStatus::Suspended, message),
        None => Health::new(HealthStatus::Healthy, message),
    }
}
