//! The command line: one file per command; all wiring, exit codes and hints.
//!
//! Invariant: imported by no other room; only here are exit codes chosen.

mod render_helm;
mod sandbox;

mod chart_folder;
mod host;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The GitOps agent for Raspberry Pi and edge clusters.
#[derive(Parser)]
#[command(name = "drupelet", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the embedded API server alone
    Sandbox(sandbox::Arguments),
    /// Print the manifests of an application or of a chart
    #[command(subcommand)]
    Render(Render),
    /// Print the version
    Version,
}

#[derive(Subcommand)]
enum Render {
    Helm(Box<render_helm::RenderHelm>),
}

pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Sandbox(arguments) => finish(sandbox::run(&arguments)),
        Command::Version => {
            println!("drupelet {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Command::Render(Render::Helm(arguments)) => finish(render_helm::run(&arguments)),
    }
}

/// Failures go to stderr with their causes; the exit code is 1.
fn finish(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("drupelet: {error:#}");
            ExitCode::FAILURE
        }
    }
}
