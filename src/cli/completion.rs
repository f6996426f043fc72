//! `drupelet completion`: for bash, zsh, fish and others.

use clap::Args;
use clap_complete::Shell;
use std::process::ExitCode;

#[derive(Args)]
#[command(after_help = "Example: drupelet completion bash > /etc/bash_completion.d/drupelet")]
pub struct Arguments {
    shell: Shell,
}

pub fn run(arguments: &Arguments, command: &mut clap::Command) -> anyhow::Result<ExitCode> {
    clap_complete::generate(arguments.shell, command, "drupelet", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
