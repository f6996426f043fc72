use super::Place;
use crate::app::{Application, ResourceStatus};
use crate::cli::output::{self, Format};
use crate::value::Value;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    name: String,
    #[command(flatten)]
    which: Which,
    /// Only what is not as git has it
    #[arg(long)]
    out_of_sync: bool,
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

/// Which objects of an Application are meant.
#[derive(Args, Default)]
pub struct Which {
    /// Only objects of this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// Only objects of this API group
    #[arg(long)]
    pub group: Option<String>,
    /// Only objects of this name
    #[arg(long, value_name = "NAME")]
    pub resource_name: Option<String>,
    /// Only objects in this namespace
    #[arg(long, value_name = "NAMESPACE")]
    pub resource_namespace: Option<String>,
}

impl Which {
    pub fn is_meant(&self, resource: &ResourceStatus) -> bool {
        let is = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == text)
        };
        self.kind
            .as_ref()
            .is_none_or(|kind| kind.eq_ignore_ascii_case(&resource.kind))
            && is(&self.group, &resource.group)
            && is(&self.resource_name, &resource.name)
            && is(&self.resource_namespace, &resource.namespace)
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let app = arguments.place.read(&client, &arguments.name)?;
    let meant: Vec<&ResourceStatus> = app
        .status
        .resources
        .iter()
        .filter(|resource| arguments.which.is_meant(resource))
        .filter(|resource| {
            !arguments.out_of_sync || resource.status != crate::app::SyncCode::Synced
        })
        .collect();
    output::show(
        arguments.output,
        || Value::of(&meant).expect("a status is JSON"),
        || meant.iter().map(|resource| name(resource)).collect(),
        |wide| table(&app, &meant, wide),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// `deployment.apps/web`, as `kubectl get -o name` prints it.
pub fn name(resource: &ResourceStatus) -> String {
    let kind = resource.kind.to_lowercase();
    match resource.group.as_str() {
        "" => format!("{kind}/{}", resource.name),
        group => format!("{kind}.{group}/{}", resource.name),
    }
}

fn table(app: &Application, meant: &[&ResourceStatus], wide: bool) -> String {
    let mut header = vec!["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH"];
    if wide {
        header.extend(["VERSION", "WAVE", "MESSAGE"]);
    }
    let results = app
        .status
        .operation_state
        .iter()
        .filter_map(|state| state.sync_result.as_ref());
    let results: Vec<_> = results.flat_map(|result| &result.resources).collect();
    let rows: Vec<Vec<String>> = meant
        .iter()
        .map(|resource| {
            let health = resource.health.clone().unwrap_or_default();
            let mut row = vec![
                resource.group.clone(),
                resource.kind.clone(),
                resource.namespace.clone(),
                resource.name.clone(),
                match resource.requires_pruning {
                    true => format!("{} (prune)", resource.status.as_str()),
                    false => resource.status.as_str().to_owned(),
                },
                health.status,
            ];
            if wide {
                // What its health says, else what the last sync said of it.
                let said = results.iter().find(|result| {
                    (&result.group, &result.kind, &result.namespace, &result.name)
                        == (
                            &resource.group,
                            &resource.kind,
                            &resource.namespace,
                            &resource.name,
                        )
                });
                let said = said
                    .map(|result| result.message.clone())
                    .unwrap_or_default();
                row.extend([
                    resource.version.clone(),
                    resource.sync_wave.to_string(),
                    if health.message.is_empty() {
                        said
                    } else {
                        health.message
                    },
                ]);
            }
            row
        })
        .collect();
    output::table(&header, &rows)
}
