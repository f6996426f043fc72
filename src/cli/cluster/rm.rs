use super::view::Known;
use crate::agent::secret_resource;
use crate::cli::app::Place;
use crate::cli::{objects, output};
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "What was deployed to the cluster stays there, and so does the ServiceAccount argocd-manager. An Application that is being deleted with its objects waits until its cluster is known again."
)]
pub struct Arguments {
    /// URLs or names
    #[arg(required = true)]
    clusters: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    // All are looked up before the first is removed.
    let mut found = Vec::new();
    for wanted in &arguments.clusters {
        let known = Known::one(&client, &arguments.place, wanted)?;
        let Some(secret) = known.secret else {
            bail!("cluster {wanted}: it is the agent's own, and no Secret is about it");
        };
        found.push((known.server, secret));
    }
    if !arguments.yes {
        let names = arguments.clusters.join(", ");
        output::confirm(&format!("Remove cluster {names}?"), "--yes")?;
    }
    for (server, secret) in found {
        objects::delete(&client, &secret_resource(), &secret)?;
        output::print(&format!("Cluster '{server}' removed\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
