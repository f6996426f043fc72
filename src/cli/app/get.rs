use super::Place;
use crate::app::Application;
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
    let object = arguments.place.object(&client, &arguments.name)?;
    match arguments.output {
        Some(format @ (Format::Json | Format::Yaml)) => {
            output::print_value(&object.into_value(), format)?;
        }
        Some(Format::Name) => {
            output::print(&format!("application.argoproj.io/{}\n", object.name()))?;
        }
        format @ (None | Some(Format::Wide)) => {
            let app = Application::read(&object)?;
            output::print(&describe(&app, format.is_some()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(app: &Application, wide: bool) -> String {
    let status = &app.status;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{:<14} {value}\n", format!("{name}:")));
        }
    };
    line("Name", &format!("{}/{}", app.namespace, app.name));
    line("Project", app.spec.project());
    for source in app.spec.sources() {
        line("Repository", &source.repo_url);
        line("Revision", source.revision_or_head());
        line("Path", &source.path);
        line("Chart", &source.chart);
    }
    line("Namespace", &app.spec.destination.namespace);
    line(
        "Sync",
        &format!("{} {}", status.sync.status.as_str(), status.sync.revision),
    );
    line("Health", &status.health.status);
    if let Some(operation) = &status.operation_state {
        line("Operation", &format!("{:?}", operation.phase));
        line("Message", &operation.message);
    }
    for condition in &status.conditions {
        line(&condition.kind, &condition.message);
    }
    let mut header = vec!["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH"];
    if wide {
        header.extend(["WAVE", "MESSAGE"]);
    }
    let rows: Vec<Vec<String>> = status
        .resources
        .iter()
        .map(|resource| {
            let health = resource.health.clone().unwrap_or_default();
            let mut row = vec![
                resource.group.clone(),
                resource.kind.clone(),
                resource.namespace.clone(),
                resource.name.clone(),
                if resource.requires_pruning {
                    format!("{} (prune)", resource.status.as_str())
                } else {
                    resource.status.as_str().to_owned()
                },
                health.status,
            ];
            if wide {
                row.extend([resource.sync_wave.to_string(), health.message]);
            }
            row
        })
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&output::table(&header, &rows));
    }
    text
}
