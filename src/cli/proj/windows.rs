//! `drupelet proj windows …`: when the Applications of a project may sync.

use super::{Which, add_to, change, find};
use crate::app::{AppProject, SyncWindow};
use crate::cli::app::Place;
use crate::cli::output::{self, Format};
use crate::project::is_active;
use crate::value::Value;
use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use std::process::ExitCode;

const LIST: &str = "syncWindows";

#[derive(Subcommand)]
pub enum Command {
    /// List the windows, and which are open now
    #[command(visible_alias = "ls")]
    List(ListArguments),
    /// Add a window
    Add(AddArguments),
    /// Delete a window by its number in the list
    #[command(visible_alias = "rm")]
    Delete(DeleteArguments),
}

#[derive(Args)]
pub struct ListArguments {
    /// The project
    name: String,
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Allow,
    Deny,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet proj windows add home --kind allow --schedule '0 22 * * *' --duration 2h --applications '*'\n  drupelet proj windows add home --kind deny --schedule '0 8 * * 1-5' --duration 9h --namespaces 'prod-*' --manual-sync --time-zone Europe/Berlin\nA window is for Applications that one of --applications, --namespaces and --clusters names; with --use-and-operator all that are given must."
)]
pub struct AddArguments {
    /// The project
    name: String,
    /// Whether syncs are allowed or denied in it
    #[arg(short, long, value_enum)]
    kind: Kind,
    /// When it opens: minute, hour, day, month, weekday
    #[arg(long, value_name = "CRON")]
    schedule: String,
    /// How long it is open: 30m, 1h30m
    #[arg(long, value_name = "DURATION")]
    duration: String,
    /// Applications, by name or pattern
    #[arg(long, value_delimiter = ',')]
    applications: Vec<String>,
    /// Namespaces that are deployed to
    #[arg(long, value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Clusters that are deployed to, by name or URL
    #[arg(long, value_delimiter = ',')]
    clusters: Vec<String>,
    /// Let syncs through that somebody asks for
    #[arg(long)]
    manual_sync: bool,
    /// Let a sync go on that began while it was allowed
    #[arg(long)]
    sync_overrun: bool,
    /// Time zone of the schedule
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// What is given must match all, not one
    #[arg(long)]
    use_and_operator: bool,
    /// Why it is there
    #[arg(long, default_value = "")]
    description: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
pub struct DeleteArguments {
    /// The project
    name: String,
    /// Number of the window, from 0: see `drupelet proj windows list`
    id: usize,
    #[command(flatten)]
    which: Which,
}

pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(arguments) => list(arguments),
        Command::Add(arguments) => add(arguments),
        Command::Delete(arguments) => delete(arguments),
    }
}

fn list(arguments: &ListArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let object = find(&arguments.place, &client, &arguments.name)?;
    let windows = AppProject::read(&object)?.spec.sync_windows;
    let now = jiff::Timestamp::now();
    let table = |_| {
        let header = [
            "ID",
            "STATUS",
            "KIND",
            "SCHEDULE",
            "DURATION",
            "APPLICATIONS",
            "NAMESPACES",
            "CLUSTERS",
            "MANUALSYNC",
            "TIMEZONE",
        ];
        let rows: Vec<_> = windows.iter().enumerate().collect();
        let rows: Vec<_> = rows.iter().map(|(id, w)| row(*id, w, now)).collect();
        output::table(&header, &rows)
    };
    let value = || {
        object
            .at(&["spec", LIST])
            .cloned()
            .unwrap_or(Value::Seq(Vec::new()))
    };
    let names = || (0..windows.len()).map(|id| id.to_string()).collect();
    output::show(arguments.output, value, names, table)?;
    Ok(ExitCode::SUCCESS)
}

fn row(id: usize, window: &SyncWindow, now: jiff::Timestamp) -> Vec<String> {
    let status = match offset(&window.time_zone, now).map(|offset| is_active(window, now, offset)) {
        Some(Ok(true)) => "Active",
        Some(Ok(false)) => "Inactive",
        Some(Err(_)) | None => "Invalid",
    };
    let patterns = |list: &[String]| match list.is_empty() {
        true => "-".to_owned(),
        false => list.join(","),
    };
    vec![
        id.to_string(),
        status.to_owned(),
        window.kind.clone(),
        window.schedule.clone(),
        window.duration.clone(),
        patterns(&window.applications),
        patterns(&window.namespaces),
        patterns(&window.clusters),
        match window.manual_sync {
            true => "Enabled".to_owned(),
            false => "Disabled".to_owned(),
        },
        match window.time_zone.is_empty() {
            true => "UTC".to_owned(),
            false => window.time_zone.clone(),
        },
    ]
}

/// Seconds ahead of UTC; `None` for a zone that is not known.
fn offset(zone: &str, now: jiff::Timestamp) -> Option<i64> {
    if zone.is_empty() {
        return Some(0);
    }
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    Some(i64::from(zone.to_offset(now).seconds()))
}

fn add(arguments: &AddArguments) -> anyhow::Result<ExitCode> {
    let window = SyncWindow {
        kind: match arguments.kind {
            Kind::Allow => "allow",
            Kind::Deny => "deny",
        }
        .to_owned(),
        schedule: arguments.schedule.clone(),
        duration: arguments.duration.clone(),
        applications: arguments.applications.clone(),
        namespaces: arguments.namespaces.clone(),
        clusters: arguments.clusters.clone(),
        manual_sync: arguments.manual_sync,
        sync_overrun: arguments.sync_overrun,
        time_zone: arguments.time_zone.clone(),
        and_operator: arguments.use_and_operator,
        description: arguments.description.clone(),
    };
    let names_none = [&window.applications, &window.namespaces, &window.clusters]
        .iter()
        .all(|list| list.is_empty());
    if names_none {
        bail!("a window needs one of --applications, --namespaces and --clusters; '*' is all");
    }
    let now = jiff::Timestamp::now();
    let offset = offset(&window.time_zone, now)
        .with_context(|| format!("--time-zone {}: no such zone", window.time_zone))?;
    is_active(&window, now, offset)?;
    let value = Value::of(&window)?;
    change(&arguments.which, &arguments.name, |spec| {
        add_to(spec, LIST, value);
        Ok(())
    })
}

fn delete(arguments: &DeleteArguments) -> anyhow::Result<ExitCode> {
    change(&arguments.which, &arguments.name, |spec| {
        let windows = spec.get_mut(LIST).and_then(Value::as_seq_mut);
        let n_windows = windows.as_ref().map_or(0, |windows| windows.len());
        let Some(windows) = windows.filter(|_| arguments.id < n_windows) else {
            bail!(
                "project {}: no window {} among {n_windows}; see drupelet proj windows list",
                arguments.name,
                arguments.id
            );
        };
        windows.remove(arguments.id);
        if n_windows == 1 {
            spec.remove(LIST);
        }
        Ok(())
    })
}
