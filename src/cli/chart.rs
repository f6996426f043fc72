//! `drupelet chart deps`: what a chart depends on, and how that stands.

use super::output;
use super::render_helm::load;
use crate::gotmpl::Map;
use crate::helm::{LockState, Requirement, Requirements, Vendored, requirements};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub enum Command {
    /// What Chart.yaml asks for, what charts/ holds, what would be used and
    /// from where
    Deps(Deps),
}

#[derive(Args)]
pub struct Deps {
    /// A chart's folder or a packed chart
    #[arg(default_value = ".")]
    path: String,
}

pub fn run(command: &Command) -> anyhow::Result<()> {
    let Command::Deps(deps) = command;
    let chart = load(&deps.path)?;
    print!("{}", report(&requirements(&chart, &Map::new())));
    Ok(())
}

fn report(all: &Requirements) -> String {
    let mut text = String::new();
    if all.requirements.is_empty() {
        text.push_str("Chart.yaml lists no dependencies.\n");
    } else {
        let header = ["NAME", "WANTED", "CHARTS/", "STATE", "USED"];
        let rows: Vec<Vec<String>> = all.requirements.iter().map(row).collect();
        text.push_str(&output::table(&header, &rows));
    }
    if all.lock == LockState::OutOfStep {
        text.push_str(
            "Chart.lock is out of step with Chart.yaml and pins nothing: run helm dependency update.\n",
        );
    }
    for (entry, name, version) in &all.unlisted {
        text.push_str(&format!(
            "charts/{entry} ({name} {version}) is not in Chart.yaml; it is rendered all the same.\n"
        ));
    }
    text
}

fn row(requirement: &Requirement) -> Vec<String> {
    let name = match requirement.alias.as_str() {
        "" => requirement.name.clone(),
        alias => format!("{} as {alias}", requirement.name),
    };
    let wanted = match &requirement.pinned {
        Some(pinned) if *pinned != requirement.range => {
            format!("{pinned} (locked, {})", requirement.range)
        }
        Some(_) | None => requirement.range.clone(),
    };
    let (vendored, state) = match &requirement.vendored {
        Vendored::Matching { version } => (version.as_str(), "vendored"),
        Vendored::Stale { version } => (version.as_str(), "stale"),
        Vendored::Missing => ("", "missing"),
    };
    let used = if requirement.is_disabled {
        "nothing: disabled".to_owned()
    } else if requirement.need().is_none() {
        "charts/".to_owned()
    } else {
        format!("{} {}", requirement.wanted(), requirement.repository)
    };
    vec![name, wanted, vendored.to_owned(), state.to_owned(), used]
}
