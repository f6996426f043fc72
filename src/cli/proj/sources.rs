use super::{Which, add_to, change, take_from};
use crate::value::Value;
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

const LIST: &str = "sourceRepos";

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet proj add-source home https://github.com/me/cluster\n  drupelet proj add-source home 'https://github.com/me/*'\n  drupelet proj add-source home '!https://github.com/me/secret'"
)]
pub struct Arguments {
    /// The project
    name: String,
    /// URL, or a pattern with * in it; with ! in front it forbids
    repository: String,
    #[command(flatten)]
    which: Which,
}

pub fn add(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    change(&arguments.which, &arguments.name, |spec| {
        add_to(spec, LIST, Value::from(arguments.repository.as_str()));
        Ok(())
    })
}

pub fn remove(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let wanted = Value::from(arguments.repository.as_str());
    change(&arguments.which, &arguments.name, |spec| {
        match take_from(spec, LIST, |item| *item == wanted) {
            true => Ok(()),
            false => bail!(
                "project {}: its sources do not name {}; see drupelet proj get",
                arguments.name,
                arguments.repository
            ),
        }
    })
}
