use super::{Which, add_to, change, take_from, text};
use crate::value::{Map, Value};
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

const LIST: &str = "destinationServiceAccounts";

#[derive(Args)]
#[command(
    after_help = "The first entry that fits counts; application.sync.impersonation.enabled of argocd-cm switches them on.\n\nExamples:\n  drupelet proj add-destination-service-account home https://kubernetes.default.svc blog deployer\n  drupelet proj add-destination-service-account home '*' 'team-*' deployer --service-account-namespace accounts"
)]
pub struct Arguments {
    /// The project
    name: String,
    /// URL of the cluster, or a pattern
    server: String,
    /// Namespace of the destination, or a pattern
    namespace_pattern: String,
    /// The account by which is written there
    service_account: String,
    /// Where the account is, if not in the namespace of the destination
    #[arg(long, value_name = "NAMESPACE")]
    service_account_namespace: Option<String>,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
pub struct Entry {
    /// The project
    name: String,
    /// URL of the cluster, or the pattern
    server: String,
    /// Namespace of the destination, or the pattern
    namespace_pattern: String,
    #[command(flatten)]
    which: Which,
}

pub fn add(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let account = match &arguments.service_account_namespace {
        Some(namespace) => format!("{namespace}:{}", arguments.service_account),
        None => arguments.service_account.clone(),
    };
    let (server, namespace) = (&arguments.server, &arguments.namespace_pattern);
    change(&arguments.which, &arguments.name, |spec| {
        let known = spec.get(LIST).and_then(Value::as_seq).unwrap_or_default();
        let other = known.iter().find(|item| is_for(item, server, namespace));
        let other = other.map(|item| text(item, "defaultServiceAccount"));
        if let Some(other) = other.filter(|other| *other != account) {
            bail!(
                "project {}: {other} is the account for {server} {namespace} already; remove it first",
                arguments.name
            );
        }
        let entry = Map::from_iter([
            ("server", server.as_str()),
            ("namespace", namespace.as_str()),
            ("defaultServiceAccount", account.as_str()),
        ]);
        add_to(spec, LIST, Value::Map(entry));
        Ok(())
    })
}

pub fn remove(entry: &Entry) -> anyhow::Result<ExitCode> {
    let (server, namespace) = (&entry.server, &entry.namespace_pattern);
    change(&entry.which, &entry.name, |spec| {
        match take_from(spec, LIST, |item| is_for(item, server, namespace)) {
            true => Ok(()),
            false => bail!(
                "project {}: it has no account for {server} {namespace}; see drupelet proj get",
                entry.name
            ),
        }
    })
}

fn is_for(item: &Value, server: &str, namespace: &str) -> bool {
    text(item, "server") == server && text(item, "namespace") == namespace
}
