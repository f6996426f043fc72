use super::{Which, add_to, change, take_from, text};
use crate::value::{Map, Value};
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

const LIST: &str = "destinations";

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet proj add-destination home https://kubernetes.default.svc blog\n  drupelet proj add-destination home '*' 'team-*'\n  drupelet proj add-destination home edge-1 blog --name"
)]
pub struct Arguments {
    /// The project
    name: String,
    /// URL of the cluster, or a pattern
    cluster: String,
    /// Namespace, or a pattern; with ! in front it forbids
    namespace_pattern: String,
    /// The cluster is given by its name
    #[arg(long = "name")]
    by_name: bool,
    #[command(flatten)]
    which: Which,
}

impl Arguments {
    fn field(&self) -> &'static str {
        match self.by_name {
            true => "name",
            false => "server",
        }
    }
}

pub fn add(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    change(&arguments.which, &arguments.name, |spec| {
        add_to(
            spec,
            LIST,
            destination(
                arguments.field(),
                &arguments.cluster,
                &arguments.namespace_pattern,
            ),
        );
        Ok(())
    })
}

pub fn remove(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (cluster, namespace) = (&arguments.cluster, &arguments.namespace_pattern);
    change(&arguments.which, &arguments.name, |spec| {
        let found = take_from(spec, LIST, |item| {
            text(item, arguments.field()) == cluster && text(item, "namespace") == namespace
        });
        match found {
            true => Ok(()),
            false => bail!(
                "project {}: its destinations do not name {cluster} {namespace}; see drupelet proj get",
                arguments.name
            ),
        }
    })
}

/// `field` is `server` or `name`.
pub fn destination(field: &str, cluster: &str, namespace: &str) -> Value {
    let fields = [(field, cluster), ("namespace", namespace)];
    Value::Map(Map::from_iter(fields))
}
