//! `drupelet app …`: the Applications of a cluster, over its API server.

mod diff;
mod get;
mod list;
mod refresh;
mod sync;
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

#[derive(Subcommand)]
pub enum Command {
    /// List Applications
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Show one Application: status, conditions, resources
    Get(get::Arguments),
    /// Show what a sync would change; exit 2 if there is something
    Diff(diff::Arguments),
    /// Sync an Application now
    Sync(sync::Arguments),
    /// Read the sources again
    Refresh(refresh::Arguments),
    /// Wait until an Application is Synced and Healthy
    Wait(wait::Arguments),
}

pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Get(arguments) => get::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Sync(arguments) => sync::run(arguments),
        Command::Refresh(arguments) => refresh::run(arguments),
        Command::Wait(arguments) => wait::run(arguments),
    }
}

/// Where the Applications are.
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
            &WriteOptions::by("drupelet-cli"),
        )?;
        Ok(())
    }
}
