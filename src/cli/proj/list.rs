use super::get::{count, group_kinds};
use crate::agent::project_resource;
use crate::app::{AppProject, ProjectDestination};
use crate::cli::app::Place;
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
    /// Only projects with these labels
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
    let (objects, _) = client.list_all(&project_resource(), &options)?;
    let projects = objects
        .iter()
        .map(AppProject::read)
        .collect::<Result<Vec<_>, _>>()?;
    let names = || {
        let names = projects.iter().map(|project| &project.name);
        names
            .map(|name| format!("appproject.argoproj.io/{name}"))
            .collect()
    };
    let table = |wide| {
        let mut header = vec!["NAME", "DESCRIPTION", "DESTINATIONS", "SOURCES"];
        if wide {
            header.extend(["CLUSTER-KINDS", "NAMESPACE-KINDS", "WINDOWS", "ROLES"]);
        }
        let rows: Vec<_> = projects.iter().map(|project| row(project, wide)).collect();
        output::table(&header, &rows)
    };
    let list = || output::list(objects.iter().cloned().map(Object::into_value).collect());
    output::show(arguments.output, list, names, table)?;
    Ok(ExitCode::SUCCESS)
}

fn row(project: &AppProject, wide: bool) -> Vec<String> {
    let spec = &project.spec;
    let one_or_count = |items: Vec<String>, what| match items.as_slice() {
        [one] => one.clone(),
        items => count(items.len(), what),
    };
    let mut row = vec![
        project.name.clone(),
        spec.description.clone(),
        one_or_count(
            spec.destinations.iter().map(destination).collect(),
            "destinations",
        ),
        one_or_count(spec.source_repos.clone(), "sources"),
    ];
    if wide {
        row.extend([
            group_kinds(&spec.cluster_resource_whitelist),
            match &spec.namespace_resource_whitelist {
                Some(kinds) => group_kinds(kinds),
                None => "*/*".to_owned(),
            },
            spec.sync_windows.len().to_string(),
            spec.roles.len().to_string(),
        ]);
    }
    row
}

/// `https://edge:6443,blog`, as `proj create --dest` takes it.
pub fn destination(destination: &ProjectDestination) -> String {
    let cluster = match destination.server.is_empty() {
        true => &destination.name,
        false => &destination.server,
    };
    format!("{cluster},{}", destination.namespace)
}
