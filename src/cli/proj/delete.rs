use super::find;
use crate::agent::{application_resource, project_resource};
use crate::app::DEFAULT_PROJECT;
use crate::cli::app::Place;
use crate::cli::{objects, output};
use crate::kube::{Client, ListOptions};
use crate::value::Value;
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    #[arg(required = true)]
    names: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let place = &arguments.place;
    // All are looked up before the first is deleted.
    let mut objects = Vec::new();
    for name in &arguments.names {
        if name == DEFAULT_PROJECT {
            bail!("project {name}: Applications that name no project are in it; it is not deleted");
        }
        objects.push(find(place, &client, name)?);
        let members = members(&client, name)?;
        if !members.is_empty() {
            bail!(
                "project {name}: {} in it: {}; move or delete them first",
                match members.len() {
                    1 => "an Application is".to_owned(),
                    n => format!("{n} Applications are"),
                },
                members.join(", ")
            );
        }
    }
    if !arguments.yes {
        let names = arguments.names.join(", ");
        output::confirm(&format!("Delete project {names}?"), "--yes")?;
    }
    for object in &objects {
        objects::delete(&client, &project_resource(), object)?;
        output::print(&format!(
            "appproject.argoproj.io/{} deleted\n",
            object.name()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Applications of a project, in whatever namespace they are.
fn members(client: &Client, project: &str) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    client.list(
        &application_resource(),
        &ListOptions::default(),
        &mut |app| {
            if app.at(&["spec", "project"]).and_then(Value::as_str) == Some(project) {
                found.push(format!("{}/{}", app.namespace(), app.name()));
            }
        },
    )?;
    Ok(found)
}
