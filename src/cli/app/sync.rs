use super::Place;
use crate::app::{
    InitiatedBy, Operation, SyncOperation, SyncOperationResource, SyncStrategy, SyncStrategyApply,
};
use crate::value::{Map, Value};
use anyhow::{Context, bail};
use clap::Args;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(300);

#[derive(Args)]
pub struct Arguments {
    name: String,
    /// Another revision than the Application's
    #[arg(long, default_value = "")]
    revision: String,
    /// Delete what git no longer has
    #[arg(long)]
    prune: bool,
    /// Check everything against the API server and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete and create anew what cannot be changed
    #[arg(long)]
    force: bool,
    /// Only this one: GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; may be repeated
    #[arg(long = "resource", value_name = "RESOURCE")]
    resources: Vec<String>,
    /// Do not wait for the end
    #[arg(long = "async")]
    no_wait: bool,
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let app = arguments.place.read(&client, &arguments.name)?;
    if app.operation.is_some() {
        bail!("app {}: another operation is in progress", arguments.name);
    }
    let resources = arguments
        .resources
        .iter()
        .map(|text| resource(text))
        .collect::<anyhow::Result<_>>()?;
    let strategy = arguments.force.then(|| SyncStrategy {
        hook: Some(SyncStrategyApply { force: true }),
        ..SyncStrategy::default()
    });
    let operation = Operation {
        sync: Some(SyncOperation {
            revision: arguments.revision.clone(),
            prune: arguments.prune,
            dry_run: arguments.dry_run,
            sync_strategy: strategy,
            resources,
            ..SyncOperation::default()
        }),
        initiated_by: InitiatedBy {
            username: std::env::var("USER").unwrap_or_default(),
            automated: false,
        },
        ..Operation::default()
    };
    let before = app.status.operation_state.map(|state| state.started_at);
    let value = Value::of(&operation).context("the operation is no JSON")?;
    let patch = Value::Map(Map::from_iter([("operation", value)]));
    arguments.place.patch(&client, &arguments.name, patch)?;
    if arguments.no_wait {
        println!("application.argoproj.io/{} sync requested", arguments.name);
        return Ok(ExitCode::SUCCESS);
    }
    let until = Instant::now() + arguments.timeout;
    let mut told = String::new();
    loop {
        let app = arguments.place.read(&client, &arguments.name)?;
        if let Some(state) = &app.status.operation_state
            && (app.operation.is_none() || Some(&state.started_at) != before.as_ref())
        {
            if state.message != told {
                eprintln!("{}", state.message);
                told.clone_from(&state.message);
            }
            if state.phase.is_completed() && app.operation.is_none() {
                println!(
                    "application.argoproj.io/{} {:?}: {}",
                    arguments.name, state.phase, state.message
                );
                return Ok(match state.phase {
                    crate::app::OperationPhase::Succeeded => ExitCode::SUCCESS,
                    _ => ExitCode::from(crate::cli::EXIT_NOT_SYNCED),
                });
            }
        }
        if Instant::now() > until {
            bail!(
                "app {}: the sync did not end in {}; is the agent running?",
                arguments.name,
                humantime::format_duration(arguments.timeout)
            );
        }
        thread::sleep(POLL);
    }
}

fn resource(text: &str) -> anyhow::Result<SyncOperationResource> {
    let mut parts = text.splitn(3, ':');
    let (Some(group), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        bail!("--resource {text}: GROUP:KIND:NAME expected");
    };
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    Ok(SyncOperationResource {
        group: group.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
    })
}
