use super::{CLI_MANAGER, Place};
use crate::agent::application_resource;
use crate::cli::{objects, output};
use crate::kube::{Client, Deleted, Patch, WriteOptions};
use crate::object::{Object, names};
use crate::value::{Map, Value};
use clap::{Args, ValueEnum};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(300);

#[derive(Args)]
#[command(
    after_help = "With --cascade (as it is by default) the agent deletes what the Application deployed, then the Application goes; --cascade=false leaves the objects in the cluster.\nExit codes: 0 deleted (or on its way, without --wait), 1 error, 2 not gone within --timeout."
)]
pub struct Arguments {
    #[arg(required = true)]
    names: Vec<String>,
    /// Delete what it deployed, too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value = "true", default_missing_value = "true", action = clap::ArgAction::Set)]
    cascade: bool,
    /// How the objects that others own go
    #[arg(short, long, value_enum, default_value = "foreground")]
    propagation_policy: Policy,
    /// Wait until it is gone
    #[arg(long)]
    wait: bool,
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    Foreground,
    Background,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    // All are looked up before the first is deleted.
    let objects = arguments
        .names
        .iter()
        .map(|name| arguments.place.object(&client, name))
        .collect::<anyhow::Result<Vec<Object>>>()?;
    if !arguments.yes {
        let what = match arguments.cascade {
            true => "and everything that was deployed by it",
            false => "and leave what was deployed by it",
        };
        let names = arguments.names.join(", ");
        output::confirm(&format!("Delete {names} {what}?"), "--yes")?;
    }
    for object in &objects {
        arguments.delete(&client, object)?;
    }
    if !arguments.wait {
        return Ok(ExitCode::SUCCESS);
    }
    let until = Instant::now() + arguments.timeout;
    for name in &arguments.names {
        while let Some(left) =
            client.find(&application_resource(), &arguments.place.namespace, name)?
        {
            if Instant::now() > until {
                eprintln!(
                    "drupelet: app {name}: still there after {}, held by {}",
                    humantime::format_duration(arguments.timeout),
                    left.finalizers().collect::<Vec<_>>().join(", ")
                );
                return Ok(ExitCode::from(crate::cli::EXIT_NOT_SYNCED));
            }
            thread::sleep(POLL);
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn delete(&self, client: &Client, object: &Object) -> anyhow::Result<()> {
        let wanted = self.finalizers(object);
        if wanted != object.finalizers().collect::<Vec<_>>() {
            let list: Vec<Value> = wanted.into_iter().map(Value::from).collect();
            let mut metadata = Map::from_iter([("finalizers", Value::Seq(list))]);
            metadata.insert("resourceVersion", object.resource_version());
            let patch = Value::Map(Map::from_iter([("metadata", metadata)]));
            client.patch(
                &application_resource(),
                object.namespace(),
                object.name(),
                &Patch::Merge(patch),
                &WriteOptions::by(CLI_MANAGER),
            )?;
        }
        let verb = match objects::delete(client, &application_resource(), object)? {
            Deleted::Gone | Deleted::NotFound => "deleted",
            Deleted::Deleting(_) => "deletion requested",
        };
        output::print(&format!(
            "application.argoproj.io/{} {verb}\n",
            object.name()
        ))
    }

    /// Finalizers of others stay; of ours there is the one that was asked for.
    fn finalizers<'a>(&self, object: &'a Object) -> Vec<&'a str> {
        let is_ours = |name: &&str| name.split('/').next() == Some(names::RESOURCES_FINALIZER);
        let mut list: Vec<&str> = object.finalizers().filter(|name| !is_ours(name)).collect();
        if self.cascade {
            list.push(match self.propagation_policy {
                Policy::Foreground => names::RESOURCES_FINALIZER,
                Policy::Background => names::RESOURCES_FINALIZER_BACKGROUND,
            });
        }
        list
    }
}
