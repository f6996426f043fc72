//! `drupelet try`: sandbox and agent in one process, on somebody's repository.

pub mod progress;
mod report;
mod roots;

use super::budget::{self, Budget};
use super::example;
use super::interrupt::interrupted;
use super::maps::{Maps, fresh_seed};
use super::output::{self, Format};
use crate::agent::{Agent, Handle, Settings, application_resource, bootstrap, project_resource};
use crate::app::{API_VERSION, APPLICATION, DEFAULT_NAMESPACE};
use crate::git::{LocalRepository, Locator};
use crate::http::Roots;
use crate::kube::{ApplyOptions, Client, Config, FieldValidation, ListOptions, Resource};
use crate::object::{Gvk, Object, names};
use crate::sandbox::{KubeVersion, Options, Sandbox};
use crate::tree::Tree;
use crate::value::Value;
use crate::value::yaml;
use anyhow::{Context, bail};
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// `--once` gives up on settling after this.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet try                                  the example inside the binary\n  drupelet try ./my-cluster                     a clone of your cluster's repository\n  drupelet try ./my-cluster --kube-version 1.34 --once   what breaks on 1.34?\n  drupelet try ./my-cluster --write-kubeconfig kc & kubectl --kubeconfig kc get app -A"
)]
pub struct Arguments {
    /// A clone, a folder, or a repository URL; the example inside the binary if absent
    #[arg(value_name = "PATH-OR-URL")]
    repository: Option<String>,
    /// One more Application to apply; may be repeated
    #[arg(long = "app", value_name = "FILE")]
    apps: Vec<PathBuf>,
    #[command(flatten)]
    maps: Maps,
    /// Kubernetes release that the sandbox is: 1.16 to 1.36
    #[arg(long, value_name = "V", default_value_t = KubeVersion::default())]
    kube_version: KubeVersion,
    /// End when everything has settled; exit 2 if not all is Synced
    #[arg(long)]
    once: bool,
    /// Address of the sandbox's API server
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Write a kubeconfig that leads to the sandbox
    #[arg(long, value_name = "FILE")]
    write_kubeconfig: Option<PathBuf>,
    #[command(flatten)]
    budget: Budget,
    /// Print the Applications as a List when settled
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let interrupt = interrupted().context("cannot wait for Ctrl-C")?;
    let (maps, _own_cache) = arguments.maps.apart_where_in_use()?;
    let mut locator = Locator::default();
    let mut settings = Settings {
        limits: arguments.budget.limits(None),
        allocator: budget::allocator(),
        ..Settings::default()
    };
    let _example;
    let trees = match &arguments.repository {
        None => {
            let extracted = example::extract().context("cannot unpack the example")?;
            eprintln!("example repository: {}", extracted.path().display());
            locator.map(example::URL, extracted.path().to_owned())?;
            let trees = open(extracted.path(), &mut locator)?;
            _example = extracted;
            trees
        }
        Some(text) if Path::new(text).exists() => open(Path::new(text), &mut locator)?,
        Some(url) if url.contains("://") || url.contains('@') => {
            settings.poll_interval = Duration::from_secs(30);
            settings.poll_jitter = Duration::from_secs(5);
            let sources = maps.sources(locator.clone(), fresh_seed()?)?;
            sources.tree_of(url)?
        }
        Some(text) => bail!("{text}: no such path, and no URL either"),
    };
    let sources = maps.sources(locator, fresh_seed()?)?;
    let found = roots::find(trees.as_ref(), &sources)?;
    for set in &found.sets {
        eprintln!("{set}: an ApplicationSet; the Applications that it would make are not tried");
    }
    let mut applications = found.applications.clone();
    for path in &arguments.apps {
        applications.extend(read_applications(path)?);
    }
    if applications.is_empty() {
        bail!("no Application found: give a repository that holds some, or --app FILE");
    }
    let sandbox = Sandbox::start(&Options {
        listen: arguments.listen,
        kube_version: arguments.kube_version.clone(),
        tls: arguments.write_kubeconfig.is_some() || !arguments.listen.ip().is_loopback(),
        controllers: true,
    })?;
    let client = match &arguments.write_kubeconfig {
        Some(path) => {
            super::sandbox::write_kubeconfig(path, &sandbox.kubeconfig())
                .with_context(|| format!("cannot write {}", path.display()))?;
            let config = Config::from_files(
                std::slice::from_ref(path),
                None,
                crate::http::ProxyChoice::Direct,
            )?;
            Client::new(config)?
        }
        None if !arguments.listen.ip().is_loopback() => {
            bail!(
                "--listen {}: add --write-kubeconfig FILE, it holds the key to the server",
                arguments.listen
            )
        }
        None => Client::new(Config::new(&sandbox.url(), Roots::Public))?,
    };
    eprintln!(
        "sandbox: Kubernetes {} at {}",
        arguments.kube_version,
        sandbox.url()
    );
    let installation = bootstrap(&client, &settings)?;
    let agent = Agent::start(client.clone(), installation.discovery, sources, settings)?;
    for project in &found.projects {
        apply(&client, &project_resource(), project)?;
    }
    for application in &applications {
        if application.gvk() != Gvk::parse(API_VERSION, APPLICATION)? {
            bail!("{}: an Application was expected", application.key());
        }
        apply(&client, &application_resource(), application)?;
    }
    let code = if arguments.once {
        settle(arguments, &agent, &client, &interrupt)?
    } else {
        progress::follow(agent.handle(), &interrupt);
        if let Some(format) = arguments.output {
            print_applications(&client, format)?;
        }
        exit_code(agent.handle())
    };
    agent.stop();
    sandbox.stop();
    Ok(code)
}

/// Waits until everything has settled and tells how it ended.
fn settle(
    arguments: &Arguments,
    agent: &Agent,
    client: &Client,
    interrupt: &std::sync::mpsc::Receiver<()>,
) -> anyhow::Result<ExitCode> {
    let handle = agent.handle();
    let settled = progress::until_settled(handle, interrupt, LONGEST);
    if !settled {
        eprintln!("not settled after {}", humantime::format_duration(LONGEST));
    }
    match arguments.output {
        Some(format) => print_applications(client, format)?,
        None => output::print(&report::table(&handle.apps()))?,
    }
    let faults = report::faults(&handle.apps());
    if !faults.is_empty() {
        eprint!("{faults}");
    }
    Ok(exit_code(handle))
}

fn exit_code(handle: &Handle) -> ExitCode {
    match report::all_is_well(&handle.apps()) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(super::EXIT_NOT_SYNCED),
    }
}

/// A path: its HEAD commit where it is in a repository, else as it is. Its
/// remotes are mapped to it.
fn open(path: &Path, locator: &mut Locator) -> anyhow::Result<Box<dyn Tree>> {
    let path = path
        .canonicalize()
        .with_context(|| path.display().to_string())?;
    let Some((repository, _)) = LocalRepository::discover(&path)? else {
        eprintln!("{}: no git repository, taken as it is", path.display());
        return Ok(Box::new(crate::git::FolderTree::new(path)));
    };
    let changes = repository.changes()?;
    if !changes.is_clean() {
        let more = changes.n_paths.saturating_sub(1);
        let named = changes.paths.first().map_or("", String::as_str);
        eprintln!(
            "{}: {named}{} changed but not committed: what counts is HEAD",
            path.display(),
            match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            }
        );
    }
    for remote in repository.remotes() {
        // A remote in a form that no Application can name is of no use here.
        if let Err(error) = locator.map(&remote, path.clone()) {
            tracing::debug!(%error, "remote");
        }
    }
    let head = repository.resolve("HEAD", crate::git::Branches::MeanHead)?;
    Ok(repository.snapshot(&head)?.tree()?)
}

fn read_applications(path: &Path) -> anyhow::Result<Vec<Object>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut found = Vec::new();
    for document in yaml::parse_stream(&text).with_context(|| path.display().to_string())? {
        let object = Object::new(document.value).with_context(|| path.display().to_string())?;
        found.push(roots::placed(object));
    }
    Ok(found)
}

/// As `kubectl apply` of the user would: the agent finds it there.
fn apply(client: &Client, resource: &Resource, object: &Object) -> anyhow::Result<()> {
    let options = ApplyOptions {
        force: true,
        field_validation: FieldValidation::Ignore,
        ..ApplyOptions::by(names::FIELD_MANAGER)
    };
    client.apply(resource, object, &options)?;
    Ok(())
}

fn print_applications(client: &Client, format: Format) -> anyhow::Result<()> {
    let options = ListOptions {
        namespace: DEFAULT_NAMESPACE.to_owned(),
        ..ListOptions::default()
    };
    let (objects, _) = client.list_all(&application_resource(), &options)?;
    let items: Vec<Value> = objects.into_iter().map(Object::into_value).collect();
    output::print_value(&output::list(items), format)
}
