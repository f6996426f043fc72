use super::Place;
use crate::agent::{Difference, differences, installed_seed};
use crate::cli::maps::Maps;
use crate::cli::output::{self, Format};
use crate::git::Locator;
use crate::value::{Map, Value};
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "The manifests are rendered here: with the credentials of repositories that the cluster has. Map a repository to a clone if it is not reachable from here."
)]
pub struct Arguments {
    name: String,
    #[command(flatten)]
    maps: Maps,
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let app = arguments.place.read(&client, &arguments.name)?;
    let seed = installed_seed(&client, &arguments.place.namespace)?;
    let sources = arguments.maps.sources(Locator::default(), seed)?;
    sources.log_in(&client, &arguments.place.namespace)?;
    let found = differences(&client, &app, &arguments.place.namespace, &sources)?;
    match arguments.output {
        Some(format @ (Format::Json | Format::Yaml)) => {
            let items = found.iter().map(to_value).collect();
            output::print_value(&Value::Seq(items), format)?;
        }
        Some(Format::Name) => {
            for difference in &found {
                output::print(&format!("{}\n", difference.key))?;
            }
        }
        None | Some(Format::Wide) => {
            for difference in &found {
                output::print(&describe(difference))?;
            }
        }
    }
    Ok(match found.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(crate::cli::EXIT_NOT_SYNCED),
    })
}

fn describe(difference: &Difference) -> String {
    let mut text = format!("===== {} {}\n", difference.key, difference.what);
    for change in &difference.changes {
        if let Some(live) = &change.live {
            text.push_str(&format!("- {}: {}\n", change.path, live.to_json()));
        }
        if let Some(predicted) = &change.predicted {
            text.push_str(&format!("+ {}: {}\n", change.path, predicted.to_json()));
        }
    }
    text
}

fn to_value(difference: &Difference) -> Value {
    let changes = difference
        .changes
        .iter()
        .map(|change| {
            let mut map = Map::from_iter([("path", change.path.as_str())]);
            if let Some(live) = &change.live {
                map.insert("live", live.clone());
            }
            if let Some(predicted) = &change.predicted {
                map.insert("predicted", predicted.clone());
            }
            Value::Map(map)
        })
        .collect();
    Value::Map(Map::from_iter([
        ("group", Value::from(difference.key.group.as_str())),
        ("kind", Value::from(difference.key.kind.as_str())),
        ("namespace", Value::from(difference.key.namespace.as_str())),
        ("name", Value::from(difference.key.name.as_str())),
        ("status", Value::from(difference.what)),
        ("changes", Value::Seq(changes)),
    ]))
}
