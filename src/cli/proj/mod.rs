//! `drupelet proj …`: the AppProjects of a cluster, over its API server.

mod accounts;
mod create;
mod delete;
mod destinations;
mod get;
mod list;
mod resources;
mod signers;
mod sources;
mod windows;

use super::app::Place;
use super::{objects, output};
use crate::agent::project_resource;
use crate::app::AppProject;
use crate::kube::{Client, Patch};
use crate::object::Object;
use crate::value::patch::diff_merge_patch;
use crate::value::{Map, Value};
use anyhow::bail;
use clap::{Args, Subcommand};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Command {
    /// List projects
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Show what a project allows
    Get(get::Arguments),
    /// Create a project from options or from a file
    Create(Box<create::Arguments>),
    /// Delete projects that no Application is in
    #[command(visible_alias = "rm")]
    Delete(delete::Arguments),
    /// Allow a repository, as a URL or a pattern
    AddSource(sources::Arguments),
    /// Take a repository away
    RemoveSource(sources::Arguments),
    /// Allow a cluster and namespace to deploy to
    AddDestination(destinations::Arguments),
    /// Take a cluster and namespace away
    RemoveDestination(destinations::Arguments),
    /// Allow a kind that belongs to no namespace
    AllowClusterResource(resources::ClusterArguments),
    /// Forbid a kind that belongs to no namespace
    DenyClusterResource(resources::ClusterArguments),
    /// Allow a kind in namespaces
    AllowNamespaceResource(resources::NamespaceArguments),
    /// Forbid a kind in namespaces
    DenyNamespaceResource(resources::NamespaceArguments),
    /// Ask for commits signed with a key
    AddSignatureKey(signers::Arguments),
    /// Take a key away
    RemoveSignatureKey(signers::Arguments),
    /// By which account is written to a cluster and namespace
    AddDestinationServiceAccount(accounts::Arguments),
    /// Take the account of a cluster and namespace away
    RemoveDestinationServiceAccount(accounts::Entry),
    /// When Applications may sync
    #[command(subcommand)]
    Windows(windows::Command),
}

pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Get(arguments) => get::run(arguments),
        Command::Create(arguments) => create::run(arguments),
        Command::Delete(arguments) => delete::run(arguments),
        Command::AddSource(arguments) => sources::add(arguments),
        Command::RemoveSource(arguments) => sources::remove(arguments),
        Command::AddDestination(arguments) => destinations::add(arguments),
        Command::RemoveDestination(arguments) => destinations::remove(arguments),
        Command::AllowClusterResource(arguments) => resources::allow_cluster(arguments),
        Command::DenyClusterResource(arguments) => resources::deny_cluster(arguments),
        Command::AllowNamespaceResource(arguments) => resources::allow_namespaced(arguments),
        Command::DenyNamespaceResource(arguments) => resources::deny_namespaced(arguments),
        Command::AddSignatureKey(arguments) => signers::add(arguments),
        Command::RemoveSignatureKey(arguments) => signers::remove(arguments),
        Command::AddDestinationServiceAccount(arguments) => accounts::add(arguments),
        Command::RemoveDestinationServiceAccount(entry) => accounts::remove(entry),
        Command::Windows(command) => windows::run(command),
    }
}

/// Which project, and where it is.
#[derive(Args)]
pub struct Which {
    #[command(flatten)]
    place: Place,
    /// Have the API server check it, and write nothing
    #[arg(long)]
    dry_run: bool,
}

fn find(place: &Place, client: &Client, name: &str) -> anyhow::Result<Object> {
    match client.find(&project_resource(), &place.namespace, name)? {
        Some(object) => Ok(object),
        None => bail!(
            "no AppProject {name} in namespace {}; see drupelet proj list",
            place.namespace
        ),
    }
}

/// Changes the spec of a project, and says what came of it.
fn change(
    which: &Which,
    name: &str,
    edit: impl FnOnce(&mut Map) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let client = which.place.cluster.client()?;
    let live = find(&which.place, &client, name)?;
    // Nothing is built on what cannot be read.
    AppProject::read(&live)?;
    let mut wanted = live.clone();
    edit(wanted.root_mut().entry_map("spec"))?;
    AppProject::read(&wanted)?;
    let empty = Map::new();
    let spec = |object: &Object| {
        let spec = object.at(&["spec"]).and_then(Value::as_map);
        spec.unwrap_or(&empty).clone()
    };
    let change = diff_merge_patch(&spec(&live), &spec(&wanted));
    let verb = if change.is_empty() {
        "unchanged"
    } else {
        let mut patch = Map::from_iter([("spec", change)]);
        // Lists are replaced as a whole: nobody's change in between is lost.
        let version = Map::from_iter([("resourceVersion", live.resource_version())]);
        patch.insert("metadata", version);
        client.patch(
            &project_resource(),
            &which.place.namespace,
            name,
            &Patch::Merge(Value::Map(patch)),
            &objects::write_options(which.dry_run),
        )?;
        "configured"
    };
    let dry = objects::dry(which.dry_run);
    output::print(&format!("appproject.argoproj.io/{name} {verb}{dry}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Adds to a list of the spec what is not in it.
fn add_to(spec: &mut Map, list: &str, item: Value) {
    let slot = spec.entry(list, Value::default);
    match slot.as_seq_mut() {
        Some(items) if items.contains(&item) => {}
        Some(items) => items.push(item),
        None => *slot = Value::Seq(vec![item]),
    }
}

/// Takes out of a list; false where nothing was in it. An empty list stays
/// where it means something else than none.
fn take_from(spec: &mut Map, list: &str, is_it: impl Fn(&Value) -> bool) -> bool {
    let Some(items) = spec.get_mut(list).and_then(Value::as_seq_mut) else {
        return false;
    };
    let before = items.len();
    items.retain(|item| !is_it(item));
    let (is_empty, is_less) = (items.is_empty(), items.len() < before);
    if is_empty && list != resources::NAMESPACED_ALLOWED {
        spec.remove(list);
    }
    is_less
}

/// The texts of `group`, `kind` and the like in an item of a list.
fn text<'a>(item: &'a Value, field: &str) -> &'a str {
    item.get(field).and_then(Value::as_str).unwrap_or_default()
}
