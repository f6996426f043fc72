use super::Place;
use crate::app::{
    Application, InitiatedBy, Operation, OperationPhase, SyncOperation, SyncOperationResource,
    SyncStrategy, SyncStrategyApply,
};
use crate::kube::Client;
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
        initiated_by: initiator(),
        ..Operation::default()
    };
    let waits = (!arguments.no_wait).then_some(arguments.timeout);
    start(&arguments.place, &client, app, operation, waits)
}

/// Sets the operation of an Application, and waits for its end if asked to.
pub fn start(
    place: &Place,
    client: &Client,
    app: Application,
    operation: Operation,
    waits: Option<Duration>,
) -> anyhow::Result<ExitCode> {
    let name = app.name;
    let before = app.status.operation_state.map(|state| state.started_at);
    let value = Value::of(&operation).context("the operation is no JSON")?;
    let patch = Value::Map(Map::from_iter([("operation", value)]));
    place.patch(client, &name, patch)?;
    let Some(timeout) = waits else {
        println!("application.argoproj.io/{name} sync requested");
        return Ok(ExitCode::SUCCESS);
    };
    let until = Instant::now() + timeout;
    let mut told = String::new();
    loop {
        let app = place.read(client, &name)?;
        if let Some(state) = &app.status.operation_state
            && (app.operation.is_none() || Some(&state.started_at) != before.as_ref())
        {
            if state.message != told {
                eprintln!("{}", state.message);
                told.clone_from(&state.message);
            }
            if state.phase.is_completed() && app.operation.is_none() {
                println!(
                    "application.argoproj.io/{name} {:?}: {}",
                    state.phase, state.message
                );
                return Ok(match state.phase {
                    OperationPhase::Succeeded => ExitCode::SUCCESS,
                    _ => ExitCode::from(crate::cli::EXIT_NOT_SYNCED),
                });
            }
        }
        if Instant::now() > until {
            bail!(
                "app {name}: the sync did not end in {}; is the agent running?",
                humantime::format_duration(timeout)
            );
        }
        thread::sleep(POLL);
    }
}

/// Who is at the keyboard, as far as the environment says.
pub fn initiator() -> InitiatedBy {
    InitiatedBy {
        username: std::env::var("USER").unwrap_or_default(),
        automated: false,
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
