use super::view::{connection, credentials, sources, status, value};
use crate::agent::{Connection, Registered, is_same_repository};
use crate::cli::app::Place;
use crate::cli::maps::Maps;
use crate::cli::output::{self, Format};
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    /// Its URL
    url: String,
    /// Of several, that of a project
    #[arg(long, default_value = "")]
    project: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    maps: Maps,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let sources = sources(&client, &arguments.place, &arguments.maps)?;
    let is_it = |view: &Registered| {
        is_same_repository(&view.url, &arguments.url)
            && (arguments.project.is_empty() || view.project == arguments.project)
    };
    let Some(view) = sources.registered().into_iter().find(is_it) else {
        bail!(
            "no repository {} in namespace {}; see drupelet repo list",
            arguments.url,
            arguments.place.namespace
        );
    };
    let found = connection(&sources, &view);
    output::show(
        arguments.output,
        || value(&view, found.as_ref()),
        || vec![view.url.clone()],
        |_| describe(&view, found.as_ref()),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn describe(view: &Registered, connection: Option<&Connection>) -> String {
    let (status, message) = status(connection);
    let mut text = String::new();
    for (name, value) in [
        ("URL", view.url.as_str()),
        ("Type", &view.kind),
        ("Name", &view.name),
        ("Project", &view.project),
        ("From", &view.origin),
        ("User name", &view.username),
        ("Credentials", credentials(view)),
        ("Proxy", &view.proxy),
        ("Insecure", if view.insecure { "true" } else { "" }),
        ("Status", status),
        ("Message", message),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("{:<14} {value}\n", format!("{name}:")));
        }
    }
    text
}
