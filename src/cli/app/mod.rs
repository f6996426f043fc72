//! `drupelet app …`: the Applications of a cluster, over its API server.

mod actions;
mod create;
mod delete;
mod diff;
mod events;
mod get;
mod history;
mod list;
mod logs;
mod manifests;
mod refresh;
mod resources;
mod rollback;
mod set;
mod spec;
mod sync;
mod terminate;
mod wait;

use super::connect::Cluster;
use crate::agent::application_resource;
use crate::app::{Application, DEFAULT_NAMESPACE};
use crate::kube::{Client, Patch, WriteOptions};
use crate::object::Object;
use crate::value::Value;
use anyhow::bail;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Who writes what a user asks for by a command.
pub const CLI_MANAGER: &str = "drupelet-cli";

#[derive(Subcommand)]
pub enum Command {
    /// List Applications
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Show one Application: status, conditions, resources
    Get(get::Arguments),
    /// Create an Application from options or from a file
    Create(Box<create::Arguments>),
    /// Change an Application's spec
    Set(Box<set::Arguments>),
    /// Delete Applications, and what they deployed
    Delete(delete::Arguments),
    /// Show what a sync would change; exit 2 if there is something
    Diff(diff::Arguments),
    /// Sync an Application now
    Sync(sync::Arguments),
    /// Read the sources again
    Refresh(refresh::Arguments),
    /// Wait until an Application is Synced and Healthy
    Wait(wait::Arguments),
    /// List the syncs that succeeded
    History(history::Arguments),
    /// Sync an earlier entry of the history again
    Rollback(rollback::Arguments),
    /// End the operation that is running
    #[command(visible_alias = "terminate-op")]
    Terminate(terminate::Arguments),
    /// Print the manifests, from the sources or from the cluster
    Manifests(manifests::Arguments),
    /// List the objects of an Application
    Resources(resources::Arguments),
    /// Print the logs of an Application's pods
    Logs(logs::Arguments),
    /// List the events of an Application and of its objects
    Events(events::Arguments),
    /// Restart, scale, pause and the like
    #[command(subcommand)]
    Actions(actions::Command),
}

pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Get(arguments) => get::run(arguments),
        Command::Create(arguments) => create::run(arguments),
        Command::Set(arguments) => set::run(arguments),
        Command::Delete(arguments) => delete::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Sync(arguments) => sync::run(arguments),
        Command::Refresh(arguments) => refresh::run(arguments),
        Command::Wait(arguments) => wait::run(arguments),
        Command::History(arguments) => history::run(arguments),
        Command::Rollback(arguments) => rollback::run(arguments),
        Command::Terminate(arguments) => terminate::run(arguments),
        Command::Manifests(arguments) => manifests::run(arguments),
        Command::Resources(arguments) => resources::run(arguments),
        Command::Logs(arguments) => logs::run(arguments),
        Command::Events(arguments) => events::run(arguments),
        Command::Actions(command) => actions::run(command),
    }
}

// Where the Applications are. A doc comment would be what the commands are about
// whose options these are among.
#[derive(Args, Clone)]
pub struct Place {
    #[command(flatten)]
    pub cluster: Cluster,
    /// Namespace of the Applications
    #[arg(long, short, default_value = DEFAULT_NAMESPACE)]
    pub namespace: String,
}

impl Place {
    fn object(&self, client: &Client, name: &str) -> anyhow::Result<Object> {
        match client.find(&application_resource(), &self.namespace, name)? {
            Some(object) => Ok(object),
            None => bail!(
                "no Application {name} in namespace {}; see drupelet app list",
                self.namespace
            ),
        }
    }

    fn read(&self, client: &Client, name: &str) -> anyhow::Result<Application> {
        Ok(Application::read(&self.object(client, name)?)?)
    }

    fn patch(&self, client: &Client, name: &str, patch: Value) -> anyhow::Result<()> {
        client.patch(
            &application_resource(),
            &self.namespace,
            name,
            &Patch::Merge(patch),
            &WriteOptions::by(CLI_MANAGER),
        )?;
        Ok(())
    }
}
