//! The command line: one file per command; all wiring, exit codes and hints.
//!
//! Invariant: imported by no other room; only here are exit codes chosen.

mod agent;
mod app;
mod budget;
mod chart;
mod chart_folder;
mod cluster;
mod completion;
mod connect;
mod disk;
mod documents;
mod example;
mod health;
mod helm_flags;
mod host;
mod install;
mod interrupt;
mod labelled;
mod lead;
mod maps;
mod migrate;
mod objects;
mod output;
mod proj;
mod render;
mod render_helm;
mod render_kustomize;

mod render_jsonnet;
mod repo;
mod sandbox;
mod service;
mod trial;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// The GitOps agent for Raspberry Pi and edge clusters: Argo CD's
/// Applications, reconciled by one small binary.
#[derive(Parser)]
#[command(
    name = "drupelet",
    version,
    after_help = "Start with `drupelet try`: it needs no cluster.\nExit codes: 0 done, 1 error, 2 some applications are not Synced or are Degraded."
)]
struct Arguments {
    /// Say more on stderr: -v what is done, -vv every step
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

/// Of some hundred options only those of the command at hand are built.
#[derive(Subcommand)]
#[command(defer = true)]
enum Command {
    /// Reconcile a repository of Applications into a sandbox: no cluster needed
    Try(trial::Arguments),
    /// Serve the sandbox's API server alone
    Sandbox(sandbox::Arguments),
    /// Reconcile the Applications of a cluster
    Agent(agent::Arguments),
    /// Make the agent a service of this machine
    Install(install::Arguments),
    /// Move in from Argo CD, and back: what carries over, what would change
    Migrate(migrate::Arguments),
    /// Look at and steer the Applications of a cluster
    #[command(subcommand)]
    App(app::Command),
    /// Look at and change the projects that Applications are in
    #[command(subcommand)]
    Proj(proj::Command),
    /// Look at and change what the agent knows of repositories
    #[command(subcommand)]
    Repo(repo::Command),
    /// Look at and change the clusters that Applications are deployed to
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Print manifests without a cluster
    #[command(
        subcommand,
        after_help = "drupelet render DIR: what the folder holds (a kustomization, a chart) says which."
    )]
    Render(render::Command),
    /// Look at a chart
    #[command(subcommand)]
    Chart(chart::Command),
    /// Print how objects fare, by the rules that applications are judged by
    /// (there, what is being deleted counts as Progressing)
    Health(health::Arguments),
    /// Print the script that completes commands in a shell
    Completion(completion::Arguments),
    /// Print the version
    Version,
}

/// Some applications are not in the state that was asked for.
const EXIT_NOT_SYNCED: u8 = 2;

pub fn main() -> ExitCode {
    if let Some(result) = render::alone(std::env::args_os()) {
        return exit_code(result);
    }
    crate::memory::configure();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_fault = error.use_stderr();
            // A closed stdout is nobody's fault.
            let _ = error.print();
            return ExitCode::from(u8::from(is_fault));
        }
    };
    output::start_logging(arguments.verbose);
    let result = match &arguments.command {
        Command::Try(arguments) => trial::run(arguments),
        Command::Sandbox(arguments) => sandbox::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Agent(arguments) => agent::run(arguments),
        Command::Install(arguments) => install::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Migrate(arguments) => migrate::run(arguments),
        Command::App(command) => app::run(command),
        Command::Proj(command) => proj::run(command),
        Command::Repo(command) => repo::run(command),
        Command::Cluster(command) => cluster::run(command),
        Command::Render(command) => render::run(command),
        Command::Chart(command) => chart::run(command).map(|()| ExitCode::SUCCESS),
        Command::Health(arguments) => health::run(arguments),
        Command::Completion(arguments) => {
            completion::run(arguments, &mut self::Arguments::command())
        }
        Command::Version => {
            println!("drupelet {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
    };
    exit_code(result)
}

fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("drupelet: {error:#}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn options_of_all_commands_go_together() {
        Arguments::command().debug_assert();
    }
}
