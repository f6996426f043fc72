use super::view::{connections, credentials, sources, status, value};
use crate::agent::{Connection, Registered};
use crate::cli::app::Place;
use crate::cli::maps::Maps;
use crate::cli::output::{self, Format};
use crate::value::Value;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 listed, 1 error. Whether a repository can be reached is tried from here, not from where the agent runs."
)]
pub struct Arguments {
    /// List the credentials for all below a URL instead
    #[arg(long)]
    creds: bool,
    /// Do not try to reach them
    #[arg(long)]
    no_check: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    maps: Maps,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let sources = sources(&client, &arguments.place, &arguments.maps)?;
    let mut views = sources.registered();
    views.retain(|view| view.is_template == arguments.creds);
    let names_only = arguments.output == Some(Format::Name);
    let found = match arguments.no_check || names_only {
        true => vec![None; views.len()],
        false => connections(&sources, &views),
    };
    let pairs: Vec<_> = views.iter().zip(&found).collect();
    let values = || {
        let values = pairs
            .iter()
            .map(|(view, found)| value(view, found.as_ref()));
        Value::Seq(values.collect())
    };
    let names = || views.iter().map(|view| view.url.clone()).collect();
    let table = |wide: bool| match arguments.creds {
        true => templates(&views),
        false => repositories(&pairs, wide),
    };
    output::show(arguments.output, values, names, table)?;
    Ok(ExitCode::SUCCESS)
}

fn repositories(pairs: &[(&Registered, &Option<Connection>)], wide: bool) -> String {
    let mut header = vec![
        "TYPE", "NAME", "REPO", "INSECURE", "OCI", "LFS", "CREDS", "STATUS", "MESSAGE", "PROJECT",
    ];
    if wide {
        header.push("ORIGIN");
    }
    let row = |(view, found): &(&Registered, &Option<Connection>)| {
        let (status, message) = status(found.as_ref());
        let mut row = vec![
            view.kind.clone(),
            view.name.clone(),
            view.url.clone(),
            view.insecure.to_string(),
            view.enable_oci.to_string(),
            view.enable_lfs.to_string(),
            credentials(view).to_owned(),
            status.to_owned(),
            message.to_owned(),
            view.project.clone(),
        ];
        if wide {
            row.push(view.origin.clone());
        }
        row
    };
    let rows: Vec<_> = pairs.iter().map(row).collect();
    output::table(&header, &rows)
}

fn templates(views: &[Registered]) -> String {
    let rows: Vec<_> = views
        .iter()
        .map(|view| {
            vec![
                view.url.clone(),
                view.username.clone(),
                view.has_ssh_key.to_string(),
                view.origin.clone(),
            ]
        })
        .collect();
    output::table(&["URL PATTERN", "USERNAME", "SSH_CREDS", "ORIGIN"], &rows)
}
