//! `drupelet migrate`: from Argo CD to drupelet, and back.
//!
//! ```text
//! (nothing)    survey ─> report                      reads only
//! --take-over  report ─> Argo CD's controller rests ─> each object is ours
//! --hand-back  each object is Argo CD's ─> its controller works again
//! ```
//! Invariant: of what applications deployed only metadata is written, so that
//! no generation moves.

mod finding;

mod survey;

mod settings;

mod controllers;

mod objects;

use super::EXIT_NOT_SYNCED;
use super::app::Place;
use super::maps::{Maps, fresh_seed};
use super::output::{self, Format};
use crate::agent::Sources;
use crate::git::Locator;
use clap::Args;
use controllers::Controller;
use finding::{Finding, Verdict};
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Exit codes of the report: 0 all carries over, 2 something does not, changes or is unknown, 1 error.\n\nExamples:\n  drupelet migrate                  what would carry over? Writes nothing\n  drupelet migrate -o wide          the same, with what carries over as it is\n  drupelet migrate --take-over      Argo CD's controller rests, its objects become drupelet's\n  drupelet migrate --hand-back      and back"
)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    maps: Maps,
    /// Do not look into the repositories for charts that would change version
    #[arg(long)]
    no_fetch: bool,
    /// Scale Argo CD's application controller to zero and make ours what it applied
    #[arg(long, conflicts_with = "hand_back")]
    take_over: bool,
    /// Give what is ours back to Argo CD and scale its application controller up again
    #[arg(long)]
    hand_back: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
    /// Ask the API server whether it would accept the writes; keep nothing of them
    #[arg(long)]
    dry_run: bool,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let namespace = &arguments.place.namespace;
    let found = survey::Found::read(&client, namespace)?;
    if arguments.hand_back {
        controllers::refuse_beside_agent(&client, namespace)?;
        if !arguments.yes && !arguments.dry_run {
            let question = format!(
                "Give the objects of {} applications back to Argo CD, and scale up {}?",
                found.applications.len(),
                names(&found.controllers)
            );
            output::confirm(&question, "--yes")?;
        }
        let counts = objects::hand_back(&client, &found, arguments.dry_run)?;
        for controller in &found.controllers {
            controller.wake(&client, arguments.dry_run)?;
        }
        return finish(arguments, &counts);
    }
    let findings = {
        let sources = match arguments.no_fetch {
            true => None,
            false => Some(sources(arguments, &client)?),
        };
        survey::findings(&found, sources.as_ref())
    };
    if !arguments.take_over {
        report(&findings, arguments.output)?;
        let stands = |finding: &Finding| finding.verdict != Verdict::CarriesOver;
        return Ok(match findings.iter().any(stands) {
            true => ExitCode::from(EXIT_NOT_SYNCED),
            false => ExitCode::SUCCESS,
        });
    }
    eprint!("{}", finding::table(&findings, false));
    if !arguments.yes && !arguments.dry_run {
        let question = format!(
            "Scale {} to zero, and take over the objects of {} applications?",
            names(&found.controllers),
            found.applications.len()
        );
        output::confirm(&question, "--yes")?;
    }
    for controller in &found.controllers {
        controller.rest(&client, arguments.dry_run)?;
    }
    let counts = objects::take_over(&client, &found, arguments.dry_run)?;
    finish(arguments, &counts)
}

fn sources(arguments: &Arguments, client: &crate::kube::Client) -> anyhow::Result<Sources> {
    let sources = arguments.maps.sources(Locator::default(), fresh_seed()?)?;
    sources.learn(client, &arguments.place.namespace)?;
    Ok(sources)
}

fn names(controllers: &[Controller]) -> String {
    match controllers {
        [] => "no application controller (there is none)".to_owned(),
        some => {
            let names: Vec<String> = some.iter().map(Controller::to_string).collect();
            names.join(" and ")
        }
    }
}

fn report(findings: &[Finding], format: Option<Format>) -> anyhow::Result<()> {
    output::show(
        format,
        || output::list(findings.iter().map(Finding::to_value).collect()),
        || {
            let stands = findings
                .iter()
                .filter(|f| f.verdict != Verdict::CarriesOver);
            stands.map(|f| f.subject.clone()).collect()
        },
        |wide| finding::table(findings, wide),
    )
}

/// One object that could not be written leaves the others, and exit code 1.
fn finish(arguments: &Arguments, counts: &objects::Counts) -> anyhow::Result<ExitCode> {
    output::print(&counts.text(arguments.hand_back, arguments.dry_run))?;
    for fault in &counts.faults {
        eprintln!("{fault}");
    }
    if !counts.faults.is_empty() {
        anyhow::bail!(
            "{} objects were not written: run this again",
            counts.faults.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}
