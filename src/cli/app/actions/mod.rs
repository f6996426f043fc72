//! `drupelet app actions …`: what people do to objects by hand.

mod known;

use super::resources::Which;
use super::{CLI_MANAGER, Place};
use crate::app::{Application, ResourceStatus};
use crate::cli::objects;
use crate::cli::output::{self, Format};
use crate::kube::{Client, Patch, Resource, WriteOptions};
use crate::object::{Gvk, Object};
use crate::value::{Map, Value};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use known::{Action, Change, actions_of, find};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Subcommand)]
pub enum Command {
    /// List what can be done to an Application's objects
    List(ListArguments),
    /// Do it
    Run(RunArguments),
}

#[derive(Args)]
pub struct ListArguments {
    name: String,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet app actions run blog restart --kind Deployment --resource-name web\n  drupelet app actions run blog scale --kind Deployment --resource-name web --param replicas=3\n  drupelet app actions run backups create-job --kind CronJob --resource-name nightly\nWhere git says how many replicas there are, self-heal sets them back."
)]
pub struct RunArguments {
    name: String,
    /// restart, scale, pause, resume, suspend, create-job, … (see `list`)
    action: String,
    #[command(flatten)]
    which: Which,
    /// All objects that are meant, not only one
    #[arg(long)]
    all: bool,
    /// Parameter of the action; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Have the API server check it, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(arguments) => list(arguments),
        Command::Run(arguments) => arguments.run(),
    }
}

fn list(arguments: &ListArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let app = arguments.place.read(&client, &arguments.name)?;
    let found: Vec<(&ResourceStatus, &Action)> = app
        .status
        .resources
        .iter()
        .filter(|resource| arguments.which.is_meant(resource))
        .flat_map(|resource| {
            actions_of(&resource.group, &resource.kind).map(move |action| (resource, action))
        })
        .collect();
    output::show(
        arguments.output,
        || {
            Value::Seq(
                found
                    .iter()
                    .map(|(resource, action)| to_value(resource, action))
                    .collect(),
            )
        },
        || {
            found
                .iter()
                .map(|(_, action)| action.name.to_owned())
                .collect()
        },
        |_| {
            let rows: Vec<Vec<String>> = found
                .iter()
                .map(|(resource, action)| {
                    vec![
                        resource.group.clone(),
                        resource.kind.clone(),
                        resource.namespace.clone(),
                        resource.name.clone(),
                        action.name.to_owned(),
                        action.does.to_owned(),
                    ]
                })
                .collect();
            output::table(
                &["GROUP", "KIND", "NAMESPACE", "NAME", "ACTION", "DOES"],
                &rows,
            )
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn to_value(resource: &ResourceStatus, action: &Action) -> Value {
    Value::Map(Map::from_iter([
        ("group", resource.group.as_str()),
        ("kind", resource.kind.as_str()),
        ("namespace", resource.namespace.as_str()),
        ("name", resource.name.as_str()),
        ("action", action.name),
        ("does", action.does),
    ]))
}

impl RunArguments {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let client = self.place.cluster.client()?;
        let app = self.place.read(&client, &self.name)?;
        let meant = self.meant(&app)?;
        let discovery = client.discover(None)?;
        for (recorded, action) in meant {
            let gvk = Gvk::new(&recorded.group, &recorded.version, &recorded.kind);
            let served = discovery.resource(&gvk);
            let resource = served
                .or_else(|| discovery.preferred(&gvk.group, &gvk.kind))
                .with_context(|| format!("{gvk} is not served by the cluster"))?;
            let live = client.get(resource, &recorded.namespace, &recorded.name)?;
            let said = match (action.change)(&live, &self.parameters()?, jiff::Timestamp::now())? {
                Change::Patch { subresource, patch } => {
                    self.patch(&client, resource, &live, subresource, patch)?;
                    super::resources::name(recorded)
                }
                Change::Create(object) => {
                    let of = discovery
                        .resource(&object.gvk())
                        .with_context(|| format!("{} is not served", object.gvk()))?;
                    let made = self.create(&client, of, &object)?;
                    format!("{}.{}/{}", of.kind.to_lowercase(), of.group, made.name())
                }
            };
            let dry = objects::dry(self.dry_run);
            output::print(&format!("{said} {}{dry}\n", action.done))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The objects that can do it and were meant; more than one only with --all.
    fn meant<'a>(
        &self,
        app: &'a Application,
    ) -> anyhow::Result<Vec<(&'a ResourceStatus, &'static Action)>> {
        let resources = app.status.resources.iter();
        let all: Vec<_> = resources
            .filter(|resource| self.which.is_meant(resource))
            .collect();
        if all.is_empty() {
            bail!(
                "app {}: has no such object; see drupelet app resources",
                app.name
            );
        }
        let able: Vec<_> = all
            .iter()
            .filter_map(|resource| {
                Some((
                    *resource,
                    find(&resource.group, &resource.kind, &self.action)?,
                ))
            })
            .collect();
        match able.len() {
            0 => bail!(
                "app {}: none of its {} objects knows the action {}; see drupelet app actions list {}",
                app.name,
                all.len(),
                self.action,
                app.name
            ),
            1 => Ok(able),
            _ if self.all => Ok(able),
            n => bail!(
                "app {}: {n} objects are meant; say which with --kind and --resource-name, or --all",
                app.name
            ),
        }
    }

    fn parameters(&self) -> anyhow::Result<Vec<(&str, &str)>> {
        self.parameters
            .iter()
            .map(|text| {
                text.split_once('=')
                    .with_context(|| format!("--param {text}: NAME=VALUE expected"))
            })
            .collect()
    }

    fn patch(
        &self,
        client: &Client,
        resource: &Arc<Resource>,
        live: &Object,
        subresource: &str,
        patch: Value,
    ) -> anyhow::Result<()> {
        let options = WriteOptions {
            dry_run: self.dry_run,
            subresource: subresource.to_owned(),
            ..WriteOptions::by(CLI_MANAGER)
        };
        let patch = Patch::Merge(patch);
        if subresource.is_empty() {
            client.patch(resource, live.namespace(), live.name(), &patch, &options)?;
        } else {
            // The answer is of the subresource's kind.
            let of = Resource {
                kind: "Scale".to_owned(),
                ..Resource::clone(resource)
            };
            client.patch(&of, live.namespace(), live.name(), &patch, &options)?;
        }
        Ok(())
    }

    fn create(
        &self,
        client: &Client,
        resource: &Resource,
        object: &Object,
    ) -> anyhow::Result<Object> {
        let options = WriteOptions {
            dry_run: self.dry_run,
            ..WriteOptions::by(CLI_MANAGER)
        };
        Ok(client.create(resource, object, &options)?)
    }
}
