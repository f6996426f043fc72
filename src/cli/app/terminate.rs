use super::Place;
use crate::app::{Application, OperationPhase};
use crate::cli::output;
use crate::kube::{self, Client};
use crate::value::{Map, Value};
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

/// The agent writes now and then meanwhile.
const ATTEMPTS: usize = 10;

#[derive(Args)]
#[command(
    after_help = "The agent ends the operation at the next step; what was applied stays.\nExit codes: 0 asked for, 1 error or nothing to terminate."
)]
pub struct Arguments {
    name: String,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    for _ in 0..ATTEMPTS {
        match ask(arguments, &client) {
            // Between the look and the wish the agent began.
            Err(error) if is_conflict(&error) => {}
            asked => return asked,
        }
    }
    bail!(
        "app {}: its status changes all the time: try again",
        arguments.name
    )
}

fn is_conflict(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<kube::Error>();
    error.is_some_and(|error| error.code() == 409)
}

fn ask(arguments: &Arguments, client: &Client) -> anyhow::Result<ExitCode> {
    let object = arguments.place.object(client, &arguments.name)?;
    let app = Application::read(&object)?;
    let version = Map::from_iter([("resourceVersion", object.resource_version())]);
    let phase = app.status.operation_state.as_ref().map(|state| state.phase);
    match phase {
        Some(OperationPhase::Running) => {
            let state = Map::from_iter([("phase", "Terminating")]);
            let status = Map::from_iter([("operationState", state)]);
            let patch = [("status", status), ("metadata", version)];
            let patch = Value::Map(Map::from_iter(patch));
            arguments.place.patch(client, &arguments.name, patch)?;
        }
        Some(OperationPhase::Terminating) => {}
        // Nobody has begun with it.
        None | Some(OperationPhase::Failed | OperationPhase::Error | OperationPhase::Succeeded)
            if app.operation.is_some() =>
        {
            let patch = [("operation", Value::Null), ("metadata", version.into())];
            let patch = Value::Map(Map::from_iter(patch));
            arguments.place.patch(client, &arguments.name, patch)?;
        }
        None | Some(OperationPhase::Failed | OperationPhase::Error | OperationPhase::Succeeded) => {
            bail!("app {}: no operation is in progress", arguments.name);
        }
    }
    output::print(&format!(
        "application.argoproj.io/{} operation terminating\n",
        arguments.name
    ))?;
    Ok(ExitCode::SUCCESS)
}
