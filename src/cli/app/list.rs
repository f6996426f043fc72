use super::Place;
use crate::agent::application_resource;
use crate::app::Application;
use crate::cli::output::{self, Format};
use crate::kube::ListOptions;
use crate::object::Object;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
    /// Only Applications with these labels
    #[arg(short = 'l', long, value_name = "LABELS", default_value = "")]
    selector: String,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let options = ListOptions {
        namespace: arguments.place.namespace.clone(),
        label_selector: arguments.selector.clone(),
        ..ListOptions::default()
    };
    let (objects, _) = client.list_all(&application_resource(), &options)?;
    match arguments.output {
        Some(format @ (Format::Json | Format::Yaml)) => {
            let items = objects.into_iter().map(Object::into_value).collect();
            output::print_value(&output::list(items), format)?;
        }
        Some(Format::Name) => {
            for object in objects {
                output::print(&format!("application.argoproj.io/{}\n", object.name()))?;
            }
        }
        format @ (None | Some(Format::Wide)) => {
            let wide = format.is_some();
            let mut rows = Vec::new();
            for object in &objects {
                rows.push(row(&Application::read(object)?, wide));
            }
            let mut header = vec!["NAME", "SYNC", "HEALTH", "POLICY"];
            if wide {
                header.extend(["PROJECT", "REVISION", "REPO", "PATH", "CONDITIONS"]);
            }
            output::print(&output::table(&header, &rows))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(app: &Application, wide: bool) -> Vec<String> {
    let status = &app.status;
    let policy = match app.spec.automated() {
        None => "Manual".to_owned(),
        Some(automated) => match (automated.prune, automated.self_heal) {
            (false, false) => "Auto".to_owned(),
            (true, false) => "Auto-Prune".to_owned(),
            (false, true) => "Auto-SelfHeal".to_owned(),
            (true, true) => "Auto-Prune-SelfHeal".to_owned(),
        },
    };
    let mut row = vec![
        app.name.clone(),
        status.sync.status.as_str().to_owned(),
        status.health.status.clone(),
        policy,
    ];
    if wide {
        let sources = app.spec.sources();
        let first = sources.first();
        let conditions: Vec<&str> = status.conditions.iter().map(|c| c.kind.as_str()).collect();
        row.extend([
            app.spec.project().to_owned(),
            status.sync.revision.chars().take(7).collect(),
            first.map(|s| s.repo_url.clone()).unwrap_or_default(),
            first
                .map(|s| {
                    if s.chart.is_empty() {
                        s.path.clone()
                    } else {
                        s.chart.clone()
                    }
                })
                .unwrap_or_default(),
            if conditions.is_empty() {
                "<none>".to_owned()
            } else {
                conditions.join(",")
            },
        ]);
    }
    row
}
