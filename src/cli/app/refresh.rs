use super::Place;
use crate::object::names;
use crate::value::{Map, Value};
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    name: String,
    /// Render again even if nothing changed
    #[arg(long)]
    hard: bool,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    arguments.place.object(&client, &arguments.name)?;
    let kind = if arguments.hard { "hard" } else { "normal" };
    let annotations = Map::from_iter([(names::REFRESH, kind)]);
    let metadata = Map::from_iter([("annotations", annotations)]);
    let patch = Value::Map(Map::from_iter([("metadata", metadata)]));
    arguments.place.patch(&client, &arguments.name, patch)?;
    println!(
        "application.argoproj.io/{} refresh requested",
        arguments.name
    );
    Ok(ExitCode::SUCCESS)
}
