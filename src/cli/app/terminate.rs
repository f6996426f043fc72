use super::Place;
use crate::app::OperationPhase;
use crate::cli::output;
use crate::value::{Map, Value};
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

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
    let app = arguments.place.read(&client, &arguments.name)?;
    let phase = app.status.operation_state.as_ref().map(|state| state.phase);
    match phase {
        Some(OperationPhase::Running) => {
            let state = Map::from_iter([("phase", "Terminating")]);
            let status = Map::from_iter([("operationState", state)]);
            let patch = Value::Map(Map::from_iter([("status", status)]));
            arguments.place.patch(&client, &arguments.name, patch)?;
        }
        Some(OperationPhase::Terminating) => {}
        // Nobody has begun with it.
        None | Some(OperationPhase::Failed | OperationPhase::Error | OperationPhase::Succeeded)
            if app.operation.is_some() =>
        {
            let patch = Value::Map(Map::from_iter([("operation", Value::Null)]));
            arguments.place.patch(&client, &arguments.name, patch)?;
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
