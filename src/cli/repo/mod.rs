//! `drupelet repo …`: the repositories that the agent knows credentials of.

mod add;
mod get;
mod list;
mod rm;
mod view;

use clap::Subcommand;
use std::process::ExitCode;

/// The label of a repository, and of credentials for all below a URL.
const REPOSITORY: &str = "repository";
const TEMPLATE: &str = "repo-creds";

#[derive(Subcommand)]
pub enum Command {
    /// List repositories, and whether they can be reached
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Show one repository
    Get(get::Arguments),
    /// Add a repository, or credentials for all below a URL
    Add(Box<add::Arguments>),
    /// Remove repositories
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
