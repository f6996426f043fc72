use super::{REPOSITORY, TEMPLATE};
use crate::agent::{is_same_repository, secret_resource};
use crate::cli::app::Place;
use crate::cli::{labelled, objects, output};
use crate::object::Object;
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    /// Their URLs
    #[arg(required = true)]
    urls: Vec<String>,
    /// The credentials for all below the URLs, not repositories
    #[arg(long)]
    creds: bool,
    /// Of several, that of a project
    #[arg(long)]
    project: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let kind = match arguments.creds {
        true => TEMPLATE,
        false => REPOSITORY,
    };
    let secrets = labelled::list(&client, &arguments.place, kind)?;
    // All are looked up before the first is removed.
    let mut found: Vec<(&str, &Object)> = Vec::new();
    for url in &arguments.urls {
        let is_it = |secret: &&Object| {
            let project = labelled::text(secret, "project");
            is_same_repository(&labelled::text(secret, "url"), url)
                && arguments.project.as_ref().is_none_or(|p| *p == project)
        };
        let of_url: Vec<&Object> = secrets.iter().filter(is_it).collect();
        match of_url.as_slice() {
            [one] => found.push((url, one)),
            [] => bail!(
                "no Secret about the repository {url} in namespace {}; see drupelet repo list",
                arguments.place.namespace
            ),
            several => bail!(
                "{} Secrets are about the repository {url}: name one by --project",
                several.len()
            ),
        }
    }
    if !arguments.yes {
        let urls = arguments.urls.join(", ");
        output::confirm(&format!("Remove {urls}?"), "--yes")?;
    }
    for (url, secret) in found {
        objects::delete(&client, &secret_resource(), secret)?;
        output::print(&format!("Repository '{url}' removed\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
