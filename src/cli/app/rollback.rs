use super::Place;
use super::history::revision;
use super::sync::{initiator, start};
use crate::app::{Application, Operation, RevisionHistory, SyncOperation};
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args)]
#[command(
    after_help = "Automated sync has to be off (drupelet app set NAME --sync-policy none): it would sync the newest revision again.\nExit codes: 0 done, 1 error, 2 the sync did not succeed."
)]
pub struct Arguments {
    name: String,
    /// Entry of `drupelet app history`; the one before the last by default
    id: Option<i64>,
    /// Delete what that revision did not have
    #[arg(long)]
    prune: bool,
    /// Check everything against the API server and write nothing
    #[arg(long)]
    dry_run: bool,
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
    if app.spec.automated().is_some() {
        bail!(
            "app {0}: automated sync is on and would sync the newest revision again; turn it off first: drupelet app set {0} --sync-policy none",
            app.name
        );
    }
    if app.operation.is_some() {
        bail!("app {}: another operation is in progress", app.name);
    }
    let entry = entry(&app, arguments.id)?.clone();
    eprintln!(
        "app {}: back to {} ({})",
        app.name,
        entry.id,
        revision(&entry)
    );
    let operation = Operation {
        sync: Some(SyncOperation {
            revision: entry.revision,
            revisions: entry.revisions,
            source: entry.source,
            sources: entry.sources,
            prune: arguments.prune,
            dry_run: arguments.dry_run,
            ..SyncOperation::default()
        }),
        initiated_by: initiator(),
        ..Operation::default()
    };
    let waits = (!arguments.no_wait).then_some(arguments.timeout);
    start(&arguments.place, &client, app, operation, waits)
}

fn entry(app: &Application, id: Option<i64>) -> anyhow::Result<&RevisionHistory> {
    let history = &app.status.history;
    match id {
        Some(id) => match history.iter().find(|entry| entry.id == id) {
            Some(entry) => Ok(entry),
            None => bail!(
                "app {}: no entry {id} in its history; see drupelet app history {}",
                app.name,
                app.name
            ),
        },
        None => match history.iter().rev().nth(1) {
            Some(entry) => Ok(entry),
            None => bail!("app {}: nothing was synced before the last sync", app.name),
        },
    }
}
