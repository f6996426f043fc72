use super::view::{Known, words};
use crate::cli::app::Place;
use crate::cli::output::{self, Format};
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    /// URL or name
    cluster: String,
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let known = Known::one(&client, &arguments.place, &arguments.cluster)?;
    let reached = known.reach();
    let describe = |_| {
        let (version, status, message) = words(&reached);
        let secret = known.secret.as_ref().map_or("", |secret| secret.name());
        let mut text = String::new();
        for (name, value) in [
            ("Server", known.server.as_str()),
            ("Name", &known.name),
            ("Project", &known.project),
            ("Secret", secret),
            ("Version", version),
            ("Status", status),
            ("Message", message),
        ] {
            if !value.is_empty() {
                text.push_str(&format!("{:<10} {value}\n", format!("{name}:")));
            }
        }
        text
    };
    output::show(
        arguments.output,
        || known.value(&reached),
        || vec![known.server.clone()],
        describe,
    )?;
    Ok(ExitCode::SUCCESS)
}
