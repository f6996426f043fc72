//! How long the texts in a status may be. A template's `fail` may have megabytes
//! to say: an Application with them would be refused by the API server, and so
//! nobody would be told anything.

use crate::app::{ApplicationStatus, OperationState};

/// Of a condition, and of an operation.
const MAX_BYTES: usize = 16 * 1024;
/// Of each resource; there may be thousands.
const MAX_RESOURCE_BYTES: usize = 2 * 1024;

/// The text, or its beginning and its end: what is at fault stands in one of them.
pub(super) fn brief(text: String) -> String {
    shortened(text, MAX_BYTES)
}

/// Shortens what the conditions, which are brief already, do not say.
pub(super) fn shorten(status: &mut ApplicationStatus) {
    for resource in &mut status.resources {
        if let Some(health) = &mut resource.health {
            shorten_to(MAX_RESOURCE_BYTES, &mut health.message);
        }
    }
    if let Some(state) = &mut status.operation_state {
        shorten_operation(state);
    }
}

pub(super) fn shorten_operation(state: &mut OperationState) {
    shorten_to(MAX_BYTES, &mut state.message);
    for resource in state.sync_result.iter_mut().flat_map(|r| &mut r.resources) {
        shorten_to(MAX_RESOURCE_BYTES, &mut resource.message);
    }
}

fn shorten_to(limit: usize, text: &mut String) {
    *text = shortened(std::mem::take(text), limit);
}

fn shortened(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let head = text.floor_char_boundary(limit / 2);
    let tail = text.ceil_char_boundary(text.len() - limit / 2);
    format!(
        "{} ... ({} bytes are left out) ... {}",
        &text[..head],
        tail - head,
        &text[tail..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        assert_eq!(brief("short".to_owned()), "short");
        let whole = "x".repeat(MAX_BYTES);
        assert_eq!(brief(whole.clone()), whole);
        let long = brief(format!("begin{}end", "ä".repeat(MAX_BYTES)));
        assert!(long.len() < MAX_BYTES + 64, "{}", long.len());
        assert!(long.starts_with("begin") && long.ends_with("end"));
        assert!(long.contains("bytes are left out"));
    }
}
