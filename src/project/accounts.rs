//! `destinationServiceAccounts`: by whose rights an application is synced.

use crate::app::{AppProject, Application};
use crate::value::glob::Glob;

/// Why there is no account, in Argo CD's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error("invalid glob pattern for destination {what}: {pattern:?}: {why}")]
    Pattern {
        what: &'static str,
        pattern: String,
        why: String,
    },
    #[error("default service account contains invalid chars '{0}'")]
    Name(String),
    #[error(
        "no matching service account found for destination server {server} and namespace {namespace}"
    )]
    NoMatch { server: String, namespace: String },
}

/// `system:serviceaccount:NAMESPACE:NAME` of the first entry that fits the
/// server's URL and the destination's namespace; a name without a namespace is
/// one of the destination's.
pub fn service_account(
    project: &AppProject,
    app: &Application,
    server: &str,
) -> Result<String, AccountError> {
    let destination = &app.spec.destination.namespace;
    let namespace = match destination.is_empty() {
        true => &app.namespace,
        false => destination,
    };
    for entry in &project.spec.destination_service_accounts {
        let fits = matches("server", &entry.server, server)?
            && matches("namespace", &entry.namespace, destination)?;
        if !fits {
            continue;
        }
        let name = entry.default_service_account.as_str();
        if name.trim().is_empty() || name.contains(['!', '*', '[', ']', '{', '}', '\\', '/']) {
            return Err(AccountError::Name(name.to_owned()));
        }
        return Ok(match name.contains(':') {
            true => format!("system:serviceaccount:{name}"),
            false => format!("system:serviceaccount:{namespace}:{name}"),
        });
    }
    Err(AccountError::NoMatch {
        server: server.to_owned(),
        namespace: namespace.clone(),
    })
}

fn matches(what: &'static str, pattern: &str, text: &str) -> Result<bool, AccountError> {
    let glob = Glob::gobwas(pattern, &[]).map_err(|error| AccountError::Pattern {
        what,
        pattern: pattern.to_owned(),
        why: error.to_string(),
    })?;
    Ok(pattern == text || glob.matches(text))
}
