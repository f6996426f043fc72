use super::Place;
use crate::app::{Application, OperationPhase, SyncCode};
use clap::Args;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(500);

#[derive(Args)]
pub struct Arguments {
    name: String,
    /// Only until it is Synced
    #[arg(long)]
    sync: bool,
    /// Only until it is Healthy
    #[arg(long)]
    health: bool,
    /// Only until no operation runs
    #[arg(long)]
    operation: bool,
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let until = Instant::now() + arguments.timeout;
    let all = !arguments.sync && !arguments.health && !arguments.operation;
    loop {
        let app = arguments.place.read(&client, &arguments.name)?;
        let missing = missing(&app, arguments, all);
        if missing.is_empty() {
            println!("application.argoproj.io/{} condition met", arguments.name);
            return Ok(ExitCode::SUCCESS);
        }
        if Instant::now() > until {
            eprintln!(
                "drupelet: app {}: still {} after {}",
                arguments.name,
                missing.join(", "),
                humantime::format_duration(arguments.timeout)
            );
            return Ok(ExitCode::from(crate::cli::EXIT_NOT_SYNCED));
        }
        thread::sleep(POLL);
    }
}

fn missing(app: &Application, arguments: &Arguments, all: bool) -> Vec<String> {
    let status = &app.status;
    let mut missing = Vec::new();
    if (all || arguments.operation)
        && (app.operation.is_some()
            || status.operation_state.as_ref().is_some_and(|operation| {
                matches!(
                    operation.phase,
                    OperationPhase::Running | OperationPhase::Terminating
                )
            }))
    {
        missing.push("syncing".to_owned());
    }
    if (all || arguments.sync) && status.sync.status != SyncCode::Synced {
        missing.push(status.sync.status.as_str().to_owned());
    }
    if (all || arguments.health) && status.health.status != "Healthy" {
        missing.push(match status.health.status.as_str() {
            "" => "without health".to_owned(),
            health => health.to_owned(),
        });
    }
    missing
}
