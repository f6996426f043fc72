//! The command line: one file per command; all wiring, exit codes and hints.
//!
//! Invariant: imported by no other room; only here are exit codes chosen.

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
    /// Print the version
    Version,
}

pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Version => {
            println!("drupelet {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
    }
}
