//! `drupelet render …`: manifests on stdout, without a cluster.

use super::maps::{Maps, fresh_seed};
use super::output;
use crate::agent::{Kept, RenderJob, render_application};
use crate::app::Application;
use crate::diff::tracking_id;
use crate::git::Locator;
use crate::kustomize::FILE_NAMES;
use crate::object::{Object, names};
use crate::render::Capabilities;
use crate::value::yaml;
use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Command {
    /// The manifests of one Application, as `argocd app manifests` prints them
    App(AppArguments),
    Helm(Box<super::render_helm::RenderHelm>),
    Kustomize(super::render_kustomize::RenderKustomize),
    Jsonnet(Box<super::render_jsonnet::RenderJsonnet>),
    /// A folder: what it holds says which tool it is for; the flags are theirs
    #[command(external_subcommand)]
    Folder(Vec<String>),
}

#[derive(Args)]
pub struct AppArguments {
    /// File with the Application
    file: PathBuf,
    /// Clone or folder that stands for the Application's repository
    #[arg(long, value_name = "PATH")]
    repo: Option<PathBuf>,
    #[command(flatten)]
    maps: Maps,
    /// Kubernetes version that charts are told
    #[arg(long, value_name = "V", default_value = "v1.36.0")]
    kube_version: String,
    /// API versions that charts are told are there; may be repeated
    #[arg(long, value_name = "A", value_delimiter = ',')]
    api_versions: Vec<String>,
}

pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::App(arguments) => app(arguments),
        Command::Helm(arguments) => super::render_helm::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Kustomize(arguments) => {
            super::render_kustomize::run(arguments).map(|()| ExitCode::SUCCESS)
        }
        Command::Jsonnet(arguments) => {
            super::render_jsonnet::run(arguments).map(|()| ExitCode::SUCCESS)
        }
        Command::Folder(arguments) => folder(arguments),
    }
}

/// The same command line with the tool in front that the folder is for.
#[derive(Parser)]
#[command(name = "drupelet render", no_binary_name = true)]
struct Again {
    #[command(subcommand)]
    command: Command,
}

#[derive(Parser)]
struct Alone<T: Args> {
    #[command(flatten)]
    arguments: T,
}

/// `render kustomize` and its like as a parser of their own: to describe all
/// commands and options takes longer than most renders do. `None` for other
/// commands, and where something is wrong: the whole parser knows to say it.
pub fn alone(mut line: impl Iterator<Item = OsString>) -> Option<anyhow::Result<ExitCode>> {
    let program = line.next()?;
    let _ = line.next().filter(|word| word == "render")?;
    let tool = line.next()?;
    let line = std::iter::once(program).chain(line);
    let result = match tool.to_str()? {
        "kustomize" => super::render_kustomize::run(&parse(line)?),
        "helm" => super::render_helm::run(&parse(line)?),
        "jsonnet" => super::render_jsonnet::run(&parse(line)?),
        _ => return None,
    };
    Some(result.map(|()| ExitCode::SUCCESS))
}

fn parse<T: Args>(line: impl Iterator<Item = OsString>) -> Option<T> {
    crate::memory::configure_for_once();
    let parsed = Alone::try_parse_from(line).ok()?;
    output::start_logging(0);
    Some(parsed.arguments)
}

fn folder(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let folder = Path::new(arguments.first().map_or(".", String::as_str));
    if !folder.is_dir() {
        bail!("{}: neither a command nor a folder", folder.display());
    }
    let holds = |name: &str| folder.join(name).is_file();
    let tool = if FILE_NAMES.into_iter().any(holds) {
        "kustomize"
    } else if holds("Chart.yaml") {
        "helm"
    } else {
        bail!(
            "{}: neither a kustomization.yaml nor a Chart.yaml",
            folder.display()
        );
    };
    let line = std::iter::once(tool).chain(arguments.iter().map(String::as_str));
    match Again::try_parse_from(line) {
        Ok(again) => run(&again.command),
        Err(error) => {
            // A closed stdout is nobody's fault.
            let _ = error.print();
            Ok(ExitCode::from(u8::from(error.use_stderr())))
        }
    }
}

fn app(arguments: &AppArguments) -> anyhow::Result<ExitCode> {
    let file = arguments.file.display();
    let text = std::fs::read_to_string(&arguments.file).with_context(|| file.to_string())?;
    let value = yaml::parse_one(&text).with_context(|| file.to_string())?;
    let object = Object::new(value).with_context(|| file.to_string())?;
    let app = Application::read(&object).with_context(|| file.to_string())?;
    let mut locator = Locator::default();
    if let Some(path) = &arguments.repo {
        let path = path
            .canonicalize()
            .with_context(|| path.display().to_string())?;
        for source in app.spec.sources() {
            if source.chart.is_empty() {
                locator.map(&source.repo_url, path.clone())?;
            }
        }
    }
    let sources = arguments.maps.sources(locator, fresh_seed()?)?;
    let resolved = sources
        .resolve(&app, false)
        .with_context(|| format!("app {}", app.name))?;
    let rendered = render_application(&RenderJob {
        app: &app,
        instance: &app.name,
        resolved: &resolved,
        sources: &sources,
        capabilities: &Capabilities {
            kube_version: arguments.kube_version.clone(),
            api_versions: arguments.api_versions.clone(),
        },
        kept: &Kept::none(jiff::Timestamp::now().as_second()),
        look: None,
    })
    .with_context(|| format!("app {}", app.name))?;
    for (_, warning) in &rendered.warnings {
        eprintln!("warning: {warning}");
    }
    if rendered.objects.is_empty() {
        bail!("app {}: no manifests", app.name);
    }
    for located in rendered.objects {
        let mut object = located.object;
        let id = tracking_id(&app.name, &object.key());
        object.set_annotation(names::TRACKING_ID, &id);
        output::print("---\n")?;
        output::print(&yaml::emit(&object.into_value()))?;
    }
    Ok(ExitCode::SUCCESS)
}
