use super::find;
use super::list::destination;
use crate::app::{AppProject, GroupKind, IntegrityPolicies, SourceIntegrity};
use crate::cli::app::Place;
use crate::cli::output::{self, Format};
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    name: String,
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let object = find(&arguments.place, &client, &arguments.name)?;
    let project = AppProject::read(&object)?;
    output::show(
        arguments.output,
        || object.into_value(),
        || vec![format!("appproject.argoproj.io/{}", project.name)],
        |_| describe(&project),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn describe(project: &AppProject) -> String {
    let spec = &project.spec;
    let mut text = String::new();
    let mut lines = |name: &str, values: Vec<String>| {
        let mut label = format!("{name}:");
        for value in values {
            text.push_str(format!("{label:<26} {value}").trim_end());
            text.push('\n');
            label.clear();
        }
    };
    lines(
        "Name",
        vec![format!("{}/{}", project.namespace, project.name)],
    );
    lines("Description", some(&spec.description));
    lines(
        "Destinations",
        or_none(spec.destinations.iter().map(destination).collect()),
    );
    lines("Repositories", or_none(spec.source_repos.clone()));
    lines("Namespaces of Applications", spec.source_namespaces.clone());
    lines(
        "Allowed cluster kinds",
        vec![group_kinds(&spec.cluster_resource_whitelist)],
    );
    lines(
        "Denied cluster kinds",
        vec![group_kinds(&spec.cluster_resource_blacklist)],
    );
    lines(
        "Allowed namespaced kinds",
        vec![match &spec.namespace_resource_whitelist {
            Some(kinds) => group_kinds(kinds),
            None => "*/*".to_owned(),
        }],
    );
    lines(
        "Denied namespaced kinds",
        vec![group_kinds(&spec.namespace_resource_blacklist)],
    );
    lines(
        "Signature keys",
        spec.signature_keys
            .iter()
            .map(|key| key.key_id.clone())
            .collect(),
    );
    lines("Signed sources", integrity(spec.source_integrity.as_ref()));
    lines(
        "Service accounts",
        spec.destination_service_accounts
            .iter()
            .map(|it| {
                format!(
                    "{},{}: {}",
                    it.server, it.namespace, it.default_service_account
                )
            })
            .collect(),
    );
    lines(
        "Orphaned resources",
        vec![match &spec.orphaned_resources {
            None => "not watched".to_owned(),
            Some(orphaned) => match orphaned.warn.unwrap_or(true) {
                true => "watched, with a warning".to_owned(),
                false => "watched".to_owned(),
            },
        }],
    );
    lines(
        "Roles",
        spec.roles.iter().map(|role| role.name.clone()).collect(),
    );
    lines(
        "Sync windows",
        spec.sync_windows
            .iter()
            .map(|w| format!("{} {} for {}", w.kind, w.schedule, w.duration))
            .collect(),
    );
    text
}

/// `git https://example.com/*: head 4AEE18F83AFDEB23`.
fn integrity(integrity: Option<&SourceIntegrity>) -> Vec<String> {
    let policies = |what: &str, policies: Option<&IntegrityPolicies>| -> Vec<String> {
        let all = policies.into_iter().flat_map(|it| &it.policies);
        all.map(|policy| {
            let urls: Vec<&str> = policy.repos.iter().map(|it| it.url.as_str()).collect();
            let asked = match (&policy.gpg, &policy.provenance) {
                (Some(gpg), _) => format!("{} {}", gpg.mode, gpg.keys.join(", ")),
                (None, Some(it)) => format!("provenance {}", it.keys.join(", ")),
                (None, None) => "none".to_owned(),
            };
            format!("{what} {}: {asked}", urls.join(", "))
        })
        .collect()
    };
    let Some(integrity) = integrity else {
        return Vec::new();
    };
    let mut told = policies("git", integrity.git.as_ref());
    told.extend(policies("helm", integrity.helm.as_ref()));
    told
}

fn some(text: &str) -> Vec<String> {
    match text.is_empty() {
        true => Vec::new(),
        false => vec![text.to_owned()],
    }
}

fn or_none(values: Vec<String>) -> Vec<String> {
    match values.is_empty() {
        true => vec!["<none>".to_owned()],
        false => values,
    }
}

/// `apps/Deployment, /Namespace`; `<none>`.
pub fn group_kinds(kinds: &[GroupKind]) -> String {
    if kinds.is_empty() {
        return "<none>".to_owned();
    }
    let one = |kind: &GroupKind| match kind.name.is_empty() {
        true => format!("{}/{}", kind.group, kind.kind),
        false => format!("{}/{}/{}", kind.group, kind.kind, kind.name),
    };
    kinds.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub fn count(n: usize, what: &str) -> String {
    match n {
        0 => "<none>".to_owned(),
        n => format!("{n} {what}"),
    }
}
