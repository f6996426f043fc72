//! Versions of charts and of Kubernetes against constraints.

use crate::value::semver::{Constraint, Version};

/// Whether Helm takes this as the version of a chart.
pub fn is_valid(version: &str) -> bool {
    Version::parse(version).is_ok()
}

/// Helm's IsCompatibleRange: false where either does not parse.
pub fn satisfies(version: &str, constraint: &str) -> bool {
    match (Version::parse(version), Constraint::parse(constraint)) {
        (Ok(version), Ok(constraint)) => constraint.matches(&version),
        _ => false,
    }
}
