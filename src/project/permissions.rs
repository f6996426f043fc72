//! May this application, and may this object? In Argo CD's words
//! (util/argo ValidatePermissions, controller validateSyncPermissions).

use super::patterns::{Match, match_with_denial, matches, normalized_url};
use crate::app::{AppProject, Application, GroupKind};
use crate::object::ResourceKey;
use crate::value::glob::Glob;
use regex::Regex;

/// Why a project does not allow something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("application repo {repository} is not permitted in project '{project}'")]
    Source { repository: String, project: String },
    #[error(
        "application destination server '{server}' and namespace '{namespace}' do not match any of the allowed destinations in project '{project}'"
    )]
    Destination {
        server: String,
        namespace: String,
        project: String,
    },
    #[error("resource {group}:{kind} is not permitted in project {project}")]
    Kind {
        group: String,
        kind: String,
        project: String,
    },
    #[error("namespace {namespace} is not permitted in project '{project}'")]
    Namespace { namespace: String, project: String },
    #[error(
        "application '{application}' in namespace '{namespace}' is not permitted to use project '{project}'"
    )]
    ApplicationNamespace {
        application: String,
        namespace: String,
        project: String,
    },
}

/// A destination's cluster, under both of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cluster<'a> {
    pub server: &'a str,
    pub name: &'a str,
    /// Whether its Secret names this project.
    pub is_project_scoped: bool,
}

/// All that a project has against an application, before anything of it is
/// rendered.
pub fn check_application(
    project: &AppProject,
    app: &Application,
    cluster: Cluster<'_>,
    control_namespace: &str,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    refusals.extend(check_namespace(project, app, control_namespace).err());
    for source in app.spec.sources() {
        if !is_source_permitted(project, &source.repo_url) {
            refusals.push(Refusal::Source {
                repository: source.repo_url.clone(),
                project: project.name.clone(),
            });
        }
    }
    let destination = &app.spec.destination;
    if !is_destination_permitted(project, cluster, &destination.namespace) {
        let server = match destination.name.as_str() {
            "" => cluster.server,
            _ => cluster.name,
        };
        refusals.push(Refusal::Destination {
            server: server.to_owned(),
            namespace: destination.namespace.clone(),
            project: project.name.clone(),
        });
    }
    refusals
}

/// Whether an Application outside of the control namespace may name the
/// project: sourceNamespaces, globs or `/regular expressions/`.
pub fn check_namespace(
    project: &AppProject,
    app: &Application,
    control_namespace: &str,
) -> Result<(), Refusal> {
    let namespace = app.namespace.as_str();
    let is_listed = |pattern: &String| {
        let expression = pattern
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        match expression {
            Some(expression) => Regex::new(expression).is_ok_and(|regex| regex.is_match(namespace)),
            None => matches(pattern, namespace, &[]),
        }
    };
    let is_home = namespace.is_empty() || namespace == control_namespace;
    if is_home || project.spec.source_namespaces.iter().any(is_listed) {
        return Ok(());
    }
    Err(Refusal::ApplicationNamespace {
        application: app.name.clone(),
        namespace: namespace.to_owned(),
        project: project.name.clone(),
    })
}

/// One denial forbids; otherwise one match is needed.
pub fn is_source_permitted(project: &AppProject, repository: &str) -> bool {
    let repository = normalized_url(repository);
    let mut is_allowed = false;
    for pattern in &project.spec.source_repos {
        let pattern = match pattern.strip_prefix('!') {
            Some(denied) => format!("!{}", normalized_url(denied)),
            None => normalized_url(pattern),
        };
        match match_with_denial(&pattern, &repository, &['/']) {
            Match::Yes => is_allowed = true,
            Match::No => {}
            Match::Denied => return false,
        }
    }
    is_allowed
}

/// Checks one desired or live object, hooks too, before it is touched.
pub fn check_resource(
    project: &AppProject,
    key: &ResourceKey,
    is_namespaced: bool,
    cluster: Cluster<'_>,
) -> Result<(), Refusal> {
    if !is_kind_permitted(project, key, is_namespaced) {
        return Err(Refusal::Kind {
            group: key.group.clone(),
            kind: key.kind.clone(),
            project: project.name.clone(),
        });
    }
    if is_namespaced && !is_destination_permitted(project, cluster, &key.namespace) {
        return Err(Refusal::Namespace {
            namespace: key.namespace.clone(),
            project: project.name.clone(),
        });
    }
    Ok(())
}

fn is_kind_permitted(project: &AppProject, key: &ResourceKey, is_namespaced: bool) -> bool {
    let spec = &project.spec;
    let (is_allowed, denied) = if is_namespaced {
        let allowed = spec.namespace_resource_whitelist.as_deref();
        (
            allowed.is_none_or(|allowed| allowed.iter().any(|item| names(item, key, false))),
            &spec.namespace_resource_blacklist,
        )
    } else {
        let allowed = &spec.cluster_resource_whitelist;
        (
            allowed.iter().any(|item| names(item, key, false)),
            &spec.cluster_resource_blacklist,
        )
    };
    is_allowed && !denied.iter().any(|item| names(item, key, true))
}

/// Whether an item of a list names an object; `if_unreadable` for a pattern
/// that cannot be read.
fn names(item: &GroupKind, key: &ResourceKey, if_unreadable: bool) -> bool {
    let fits = |pattern: &str, text: &str| match Glob::doublestar(pattern) {
        Ok(glob) => glob.matches(text),
        Err(_) => if_unreadable,
    };
    fits(&item.kind, &key.kind)
        && fits(&item.group, &key.group)
        && (item.name.is_empty() || fits(&item.name, &key.name))
}

fn is_destination_permitted(project: &AppProject, cluster: Cluster<'_>, namespace: &str) -> bool {
    if project.spec.permit_only_project_scoped_clusters && !cluster.is_project_scoped {
        return false;
    }
    let mut is_allowed = false;
    for item in &project.spec.destinations {
        let of_cluster = |pattern: &str, text: &str| match text {
            // A cluster without that name is not proven to be another one.
            "" if pattern.starts_with('!') => Match::Denied,
            "" => Match::No,
            _ => match_with_denial(pattern, text, &[]),
        };
        let name = of_cluster(&item.name, cluster.name);
        let server = of_cluster(&item.server, cluster.server);
        let in_namespace = match_with_denial(&item.namespace, namespace, &[]);
        let is_cluster = name == Match::Yes || server == Match::Yes;
        let is_denied_cluster = name == Match::Denied || server == Match::Denied;
        if is_cluster && in_namespace == Match::Yes {
            is_allowed = true;
        } else if (is_denied_cluster && in_namespace == Match::Yes)
            || (in_namespace == Match::Denied && server == Match::Yes)
        {
            return false;
        }
    }
    is_allowed
}
