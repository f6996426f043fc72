//! How a trial ended: a table, and why some applications are not there.

use crate::agent::AppView;
use crate::app::{OperationPhase, SyncCode};
use crate::cli::output;

pub fn table(apps: &[AppView]) -> String {
    let rows: Vec<Vec<String>> = apps
        .iter()
        .map(|app| {
            vec![
                app.name.clone(),
                app.sync.as_str().to_owned(),
                app.health.clone(),
                app.n_resources.to_string(),
                app.revision.chars().take(7).collect(),
            ]
        })
        .collect();
    output::table(&["NAME", "SYNC", "HEALTH", "RESOURCES", "REVISION"], &rows)
}

pub fn all_is_well(apps: &[AppView]) -> bool {
    !apps.is_empty()
        && apps
            .iter()
            .all(|app| app.sync == SyncCode::Synced && app.health != "Degraded")
}

/// A paragraph for each application that is not Synced or is Degraded.
pub fn faults(apps: &[AppView]) -> String {
    let mut text = String::new();
    for app in apps {
        if app.sync == SyncCode::Synced && app.health != "Degraded" {
            continue;
        }
        text.push_str(&format!(
            "\napp {}: {}, {}\n",
            app.name,
            app.sync.as_str(),
            app.health
        ));
        for cause in causes(app) {
            text.push_str(&format!("  {cause}\n"));
        }
    }
    text
}

/// Everything that says why, each once, one object a line.
pub fn causes(app: &AppView) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut add = |cause: &str| {
        let cause = cause.trim().to_owned();
        if !cause.is_empty() && !causes.contains(&cause) {
            causes.push(cause);
        }
    };
    for condition in &app.conditions {
        if condition.kind != "SyncError" {
            add(&format!("{}: {}", condition.kind, condition.message));
        }
    }
    let failed = matches!(
        app.phase,
        Some(OperationPhase::Failed | OperationPhase::Error | OperationPhase::Running)
    );
    if failed {
        for (index, part) in parts(&app.message).into_iter().enumerate() {
            match index {
                0 => add(part),
                _ => add(&format!("  {part}")),
            }
        }
    }
    if causes.is_empty() && app.sync == SyncCode::OutOfSync {
        causes.push("differs from git; automated sync is off or does not cover it".to_owned());
    }
    causes
}

/// The faults of a message; what stands in parentheses is one piece.
fn parts(message: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0usize, 0);
    for (at, c) in message.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ';' if depth == 0 && message[at..].starts_with("; ") => {
                parts.push(&message[begin..at]);
                begin = at + 2;
            }
            _ => {}
        }
    }
    parts.push(&message[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_is_not_torn_inside_of_parentheses() {
        let parts = super::parts("two failed: a/b (x; y): no; c/d: (");
        assert_eq!(parts, ["two failed: a/b (x; y): no", "c/d: ("]);
    }
}
