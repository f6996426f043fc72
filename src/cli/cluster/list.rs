use super::view::{Known, reach_all, words};
use crate::cli::app::Place;
use crate::cli::output::{self, Format};
use crate::value::Value;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 listed, 1 error. Whether a cluster can be reached is tried from here, not from where the agent runs."
)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let all = Known::all(&client, &arguments.place)?;
    if arguments.output == Some(Format::Name) {
        let names: Vec<_> = all.iter().map(|known| known.server.as_str()).collect();
        output::print(&(names.join("\n") + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let reached = reach_all(&all);
    let pairs: Vec<_> = all.iter().zip(&reached).collect();
    let values = || {
        let values = pairs.iter().map(|(known, reached)| known.value(reached));
        Value::Seq(values.collect())
    };
    let table = |wide: bool| {
        let mut header = vec!["SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT"];
        if wide {
            header.push("SECRET");
        }
        let rows: Vec<_> = pairs
            .iter()
            .map(|(known, reached)| {
                let (version, status, message) = words(reached);
                let mut row: Vec<String> = [
                    &known.server,
                    &known.name,
                    version,
                    status,
                    message,
                    &known.project,
                ]
                .map(str::to_owned)
                .into();
                if wide {
                    let secret = known.secret.as_ref();
                    row.push(secret.map_or(String::new(), |secret| secret.name().to_owned()));
                }
                row
            })
            .collect();
        output::table(&header, &rows)
    };
    output::show(arguments.output, values, Vec::new, table)?;
    Ok(ExitCode::SUCCESS)
}
