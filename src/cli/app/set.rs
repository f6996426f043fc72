use super::Place;
use super::spec::SpecOptions;
use crate::agent::application_resource;
use crate::app::Application;
use crate::cli::{objects, output};
use crate::kube::Patch;
use crate::value::patch::diff_merge_patch;
use crate::value::{Map, Value};
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet app set blog --revision v1.2 -p image.tag=1.2\n  drupelet app set blog --sync-policy none\n  drupelet app set blog --sync-option CreateNamespace=true --sync-option '!PruneLast'\nAn empty text removes a field. An Application that another one brings is changed in git: what is set here is reverted there."
)]
pub struct Arguments {
    name: String,
    /// Have the API server check it, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    spec: SpecOptions,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let live = arguments.place.object(&client, &arguments.name)?;
    let mut wanted = live.clone();
    arguments.spec.apply(wanted.root_mut().entry_map("spec"))?;
    Application::read(&wanted)?;
    let empty = Map::new();
    let spec = |value: Option<&Value>| value.and_then(Value::as_map).unwrap_or(&empty).clone();
    let change = diff_merge_patch(&spec(live.at(&["spec"])), &spec(wanted.at(&["spec"])));
    if change.is_empty() {
        output::print(&format!(
            "application.argoproj.io/{} unchanged\n",
            arguments.name
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut patch = Map::from_iter([("spec", change)]);
    // Lists are replaced as a whole: nobody's change in between is lost.
    let version = Map::from_iter([("resourceVersion", live.resource_version())]);
    patch.insert("metadata", version);
    client.patch(
        &application_resource(),
        &arguments.place.namespace,
        &arguments.name,
        &Patch::Merge(Value::Map(patch)),
        &objects::write_options(arguments.dry_run),
    )?;
    let dry = objects::dry(arguments.dry_run);
    output::print(&format!(
        "application.argoproj.io/{} configured{dry}\n",
        arguments.name
    ))?;
    Ok(ExitCode::SUCCESS)
}
