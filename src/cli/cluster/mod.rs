//! `drupelet cluster …`: the clusters that Applications are deployed to.

mod access;
mod add;
mod get;
mod list;
mod rm;
mod view;

use clap::Subcommand;
use std::process::ExitCode;

/// The label of their Secrets.
const CLUSTER: &str = "cluster";

#[derive(Subcommand)]
pub enum Command {
    /// List clusters, and whether they can be reached
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Show one cluster
    Get(get::Arguments),
    /// Add the cluster of a context of the kubeconfig
    Add(Box<add::Arguments>),
    /// Remove clusters; what was deployed to them stays there
    #[command(visible_alias = "delete")]
    Rm(rm::Arguments),
}

pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Get(arguments) => get::run(arguments),
        Command::Add(arguments) => add::run(arguments),
        Command::Rm(arguments) => rm::run(arguments),
    }
}
