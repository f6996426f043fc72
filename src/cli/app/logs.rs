use super::Place;
use super::resources::Which;
use crate::app::Application;
use crate::cli::output;
use crate::kube::{Client, ListOptions, LogOptions};
use crate::object::{Gvk, Object};
use crate::value::{Map, Value};
use anyhow::{Context, bail};
use clap::Args;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// Logs that are followed at a time: each is a thread and a connection.
const MAX_FOLLOWED: usize = 20;

#[derive(Args)]
#[command(
    after_help = "Lines of several containers have `pod container` in front of them.\nWithout a choice: the pods of all Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs and Pods of the Application."
)]
pub struct Arguments {
    name: String,
    #[command(flatten)]
    which: Which,
    /// Only this container
    #[arg(short, long)]
    container: Option<String>,
    /// Go on as lines come
    #[arg(short, long)]
    follow: bool,
    /// Of the container that ran before
    #[arg(long)]
    previous: bool,
    /// Only so many lines of the end
    #[arg(long, value_name = "LINES")]
    tail: Option<u64>,
    /// Only lines that are younger
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// Put the time in front of each line
    #[arg(long)]
    timestamps: bool,
    /// Only lines with this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let app = arguments.place.read(&client, &arguments.name)?;
    let pods = pods(&client, arguments, &app)?;
    let mut streams = Vec::new();
    for pod in pods.values() {
        for container in containers(pod) {
            if arguments
                .container
                .as_ref()
                .is_none_or(|wanted| *wanted == container)
            {
                streams.push((pod, container));
            }
        }
    }
    if streams.is_empty() {
        bail!("app {}: no pod with such a container is there", app.name);
    }
    if arguments.follow && streams.len() > MAX_FOLLOWED {
        bail!(
            "{} containers: at most {MAX_FOLLOWED} are followed; choose with --kind, --resource-name or --container",
            streams.len()
        );
    }
    let is_prefixed = streams.len() > 1;
    let failed = if arguments.follow {
        thread::scope(|scope| {
            let threads: Vec<_> = streams
                .iter()
                .map(|(pod, container)| {
                    let client = &client;
                    scope.spawn(move || arguments.print(client, pod, container, is_prefixed))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("printing does not panic"))
                .filter(|is_done| !is_done)
                .count()
        })
    } else {
        streams
            .iter()
            .filter(|(pod, container)| !arguments.print(&client, pod, container, is_prefixed))
            .count()
    };
    Ok(ExitCode::from(u8::from(failed > 0)))
}

impl Arguments {
    /// False where the log could not be had, which is said.
    fn print(&self, client: &Client, pod: &Object, container: &str, is_prefixed: bool) -> bool {
        let options = LogOptions {
            container: container.to_owned(),
            follow: self.follow,
            previous: self.previous,
            tail_lines: self.tail,
            since: self.since,
            timestamps: self.timestamps,
        };
        let prefix = match is_prefixed {
            true => format!("{} {container} ", pod.name()),
            false => String::new(),
        };
        let result = client.log(pod.namespace(), pod.name(), &options, &mut |line| {
            let text = String::from_utf8_lossy(line);
            if self
                .filter
                .as_ref()
                .is_none_or(|wanted| text.contains(wanted.as_str()))
            {
                // A reader that has gone away wants no more.
                output::print(&format!("{prefix}{text}\n")).is_ok()
            } else {
                true
            }
        });
        if let Err(error) = &result {
            eprintln!("drupelet: {error}");
        }
        result.is_ok()
    }
}

/// The containers of a pod, those of its beginning first.
fn containers(pod: &Object) -> Vec<String> {
    ["initContainers", "containers"]
        .iter()
        .flat_map(|field| {
            pod.at(&["spec", field])
                .and_then(Value::as_seq)
                .unwrap_or_default()
        })
        .filter_map(|container| Some(container.get("name")?.as_str()?.to_owned()))
        .collect()
}

/// The pods of the workloads that are meant, by namespace and name.
fn pods(
    client: &Client,
    arguments: &Arguments,
    app: &Application,
) -> anyhow::Result<BTreeMap<(String, String), Object>> {
    let discovery = client.discover(None)?;
    let of_pods = discovery
        .resource(&Gvk::new("", "v1", "Pod"))
        .context("the cluster serves no pods")?;
    let mut found = BTreeMap::new();
    for recorded in &app.status.resources {
        if !arguments.which.is_meant(recorded) {
            continue;
        }
        let has_pods = matches!(
            (recorded.group.as_str(), recorded.kind.as_str()),
            (
                "apps",
                "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet"
            ) | ("batch", "Job")
        );
        if recorded.group.is_empty() && recorded.kind == "Pod" {
            if let Some(pod) = client.find(of_pods, &recorded.namespace, &recorded.name)? {
                found.insert((recorded.namespace.clone(), recorded.name.clone()), pod);
            }
        } else if has_pods {
            let gvk = Gvk::new(&recorded.group, &recorded.version, &recorded.kind);
            let resource = discovery
                .resource(&gvk)
                .with_context(|| format!("{gvk} is not served"))?;
            let Some(owner) = client.find(resource, &recorded.namespace, &recorded.name)? else {
                continue;
            };
            let Some(selector) = owner.at(&["spec", "selector"]).and_then(selector) else {
                continue;
            };
            let options = ListOptions {
                namespace: recorded.namespace.clone(),
                label_selector: selector,
                ..ListOptions::default()
            };
            client.list(of_pods, &options, &mut |pod| {
                found.insert((pod.namespace().to_owned(), pod.name().to_owned()), pod);
            })?;
        }
    }
    Ok(found)
}

/// A LabelSelector in the syntax of requests; `None` selects nothing.
fn selector(selector: &Value) -> Option<String> {
    let labels = selector.get("matchLabels").and_then(Value::as_map);
    let mut terms: Vec<String> = labels
        .into_iter()
        .flat_map(Map::iter)
        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
        .collect();
    let expressions = selector.get("matchExpressions").and_then(Value::as_seq);
    for expression in expressions.unwrap_or_default() {
        let key = expression.get("key")?.as_str()?;
        let values: Vec<&str> = expression
            .get("values")
            .and_then(Value::as_seq)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        terms.push(match expression.get("operator")?.as_str()? {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!terms.is_empty()).then(|| terms.join(","))
}
