use super::Place;
use crate::app::{Application, RevisionHistory};
use crate::cli::output::{self, Format};
use crate::value::Value;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
#[command(after_help = "The id of an entry is what `drupelet app rollback NAME ID` takes.")]
pub struct Arguments {
    name: String,
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let object = arguments.place.object(&client, &arguments.name)?;
    let app = Application::read(&object)?;
    let history = &app.status.history;
    output::show(
        arguments.output,
        || {
            object
                .at(&["status", "history"])
                .cloned()
                .unwrap_or(Value::Seq(Vec::new()))
        },
        || history.iter().map(|entry| entry.id.to_string()).collect(),
        |wide| {
            let mut header = vec!["ID", "DEPLOYED", "REVISION"];
            if wide {
                header.extend(["TOOK", "BY", "SOURCE"]);
            }
            let rows: Vec<_> = history.iter().map(|entry| row(entry, wide)).collect();
            output::table(&header, &rows)
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn row(entry: &RevisionHistory, wide: bool) -> Vec<String> {
    let mut row = vec![
        entry.id.to_string(),
        entry.deployed_at.clone(),
        revision(entry),
    ];
    if wide {
        let by = match entry.initiated_by.username.as_str() {
            "" if entry.initiated_by.automated => "automated",
            "" => "unknown",
            name => name,
        };
        let sources = entry.source.iter().chain(&entry.sources);
        let sources = sources.map(|source| match source.chart.as_str() {
            "" => format!("{} {}", source.repo_url, source.path),
            chart => format!("{} {chart}", source.repo_url),
        });
        row.extend([
            took(&entry.deploy_started_at, &entry.deployed_at),
            by.to_owned(),
            sources.collect::<Vec<_>>().join(", "),
        ]);
    }
    row
}

/// The revision, or those of several sources.
pub fn revision(entry: &RevisionHistory) -> String {
    match entry.revisions.is_empty() {
        true => entry.revision.clone(),
        false => entry.revisions.join(","),
    }
}

fn took(from: &str, to: &str) -> String {
    match (
        from.parse::<jiff::Timestamp>(),
        to.parse::<jiff::Timestamp>(),
    ) {
        (Ok(from), Ok(to)) => format!("{}s", (to.as_second() - from.as_second()).max(0)),
        _ => "<unknown>".to_owned(),
    }
}
