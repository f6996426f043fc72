use super::Place;
use super::resources::Which;
use crate::app::{Application, ResourceStatus};
use crate::cli::output::{self, Format};
use crate::kube::{Client, ListOptions};
use crate::object::{Gvk, Object};
use crate::value::Value;
use anyhow::Context;
use clap::Args;
use std::collections::BTreeSet;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Oldest first. With --kind, --resource-name and so on only those of such objects."
)]
pub struct Arguments {
    name: String,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let app = arguments.place.read(&client, &arguments.name)?;
    let mut events = events(&client, arguments, &app)?;
    events.sort_by(|a, b| last_seen(a).cmp(last_seen(b)));
    let now = jiff::Timestamp::now();
    output::show(
        arguments.output,
        || output::list(events.iter().cloned().map(Object::into_value).collect()),
        || {
            events
                .iter()
                .map(|event| format!("event/{}", event.name()))
                .collect()
        },
        |wide| {
            let mut header = vec!["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
            if wide {
                header.extend(["COUNT", "NAMESPACE"]);
            }
            let rows: Vec<_> = events.iter().map(|event| row(event, now, wide)).collect();
            output::table(&header, &rows)
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn events(
    client: &Client,
    arguments: &Arguments,
    app: &Application,
) -> anyhow::Result<Vec<Object>> {
    let discovery = client.discover(None)?;
    let resource = discovery
        .resource(&Gvk::new("", "v1", "Event"))
        .context("the cluster serves no events")?;
    let own = ResourceStatus {
        group: crate::app::GROUP.to_owned(),
        kind: crate::app::APPLICATION.to_owned(),
        namespace: app.namespace.clone(),
        name: app.name.clone(),
        ..ResourceStatus::default()
    };
    let about: Vec<&ResourceStatus> = std::iter::once(&own)
        .chain(&app.status.resources)
        .filter(|resource| arguments.which.is_meant(resource))
        .collect();
    // Events of cluster-wide objects are kept in the namespace default.
    let namespaces: BTreeSet<&str> = about
        .iter()
        .map(|resource| match resource.namespace.as_str() {
            "" => "default",
            namespace => namespace,
        })
        .collect();
    let mut found = Vec::new();
    for namespace in namespaces {
        let options = ListOptions {
            namespace: namespace.to_owned(),
            ..ListOptions::default()
        };
        client.list(resource, &options, &mut |event| {
            if about.iter().any(|resource| is_about(&event, resource)) {
                found.push(event);
            }
        })?;
    }
    Ok(found)
}

fn is_about(event: &Object, resource: &ResourceStatus) -> bool {
    let field = |name: &str| text(event, &["involvedObject", name]);
    let group = match field("apiVersion").split_once('/') {
        Some((group, _)) => group,
        None => "",
    };
    field("name") == resource.name
        && field("kind") == resource.kind
        && group == resource.group
        && field("namespace") == resource.namespace
}

fn text<'a>(event: &'a Object, path: &[&str]) -> &'a str {
    event.at(path).and_then(Value::as_str).unwrap_or_default()
}

/// RFC 3339 times of one length sort as texts.
fn last_seen(event: &Object) -> &str {
    ["lastTimestamp", "eventTime", "firstTimestamp"]
        .iter()
        .map(|field| text(event, &[field]))
        .find(|time| !time.is_empty())
        .unwrap_or_default()
}

fn row(event: &Object, now: jiff::Timestamp, wide: bool) -> Vec<String> {
    let kind = text(event, &["involvedObject", "kind"]).to_lowercase();
    let name = text(event, &["involvedObject", "name"]);
    let mut row = vec![
        output::age(last_seen(event), now),
        text(event, &["type"]).to_owned(),
        text(event, &["reason"]).to_owned(),
        format!("{kind}/{name}"),
        text(event, &["message"]).trim().replace('\n', " "),
    ];
    if wide {
        let count = event.at(&["count"]).and_then(Value::as_i64).unwrap_or(1);
        row.extend([count.to_string(), event.namespace().to_owned()]);
    }
    row
}
