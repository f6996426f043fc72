//! `drupelet agent`: reconciles the Applications of a cluster.

use super::budget::{self, Budget};
use super::connect::Cluster;
use super::interrupt::interrupted_or_asked;
use super::lead::Lead;
use super::maps::Maps;
use super::service::{self, Service};
use crate::agent::{Agent, Settings, bootstrap};
use crate::git::Locator;
use crate::kube::Client;
use crate::kube::election::{Change, Election};
use crate::server::{self, Leadership, Subject};
use anyhow::{Context, anyhow};
use clap::Args;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    cluster: Cluster,
    /// Namespace of the Applications
    #[arg(long, short, default_value = crate::app::DEFAULT_NAMESPACE)]
    namespace: String,
    /// Serve Applications of these namespaces, too (globs), where their project lists them
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    application_namespaces: Vec<String>,
    #[command(flatten)]
    maps: Maps,
    /// Reconcile and report to stdout and /metrics; write nothing to the cluster
    #[arg(long)]
    observe: bool,
    /// Start although an Argo CD controller runs in the cluster
    #[arg(long)]
    beside_argocd: bool,
    /// Let `lookup` of charts read what their project allows; without, it finds nothing
    #[arg(long)]
    helm_lookup: bool,
    /// Serve /metrics, /debug/memory, /healthz and /readyz here
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Pause between two polls of a repository; up to half of it is added at random
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = humantime::parse_duration)]
    poll: Duration,
    #[command(flatten)]
    lead: Lead,
    #[command(flatten)]
    budget: Budget,
}

/// What the process is woken by.
enum Wake {
    Asked,
    Election(Change),
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (sender, wakes) = channel();
    let shown: Arc<OnceLock<Subject>> = Arc::default();
    let asked = {
        let shown = shown.clone();
        move || {
            if let Some(subject) = shown.get() {
                eprint!("{}", server::memory_table(subject));
            }
        }
    };
    interrupted_or_asked(sender.clone(), Wake::Asked, asked).context("cannot wait for signals")?;
    if let Some(warning) = service::idle_memory_limit() {
        eprintln!("warning: {warning}");
    }
    let client = arguments.cluster.client()?;
    let Some(terms) = arguments.lead.terms(&arguments.namespace)? else {
        let subject = Subject::default();
        let _ = shown.set(subject.clone());
        let _server = serve(arguments, &subject)?;
        let service = watched(&subject)?;
        return work(arguments, client, &subject, service, &wakes);
    };
    let lease = format!("the Lease {}/{}", terms.namespace, terms.name);
    let identity = terms.identity.clone();
    let election = Election::start(client.clone(), terms, move |change| {
        // The process may be on its way out.
        let _ = sender.send(Wake::Election(change));
    })?;
    let standing = election.standing();
    let subject = Subject::elected(move || Leadership {
        leads: standing.leads(),
        lease_writes: standing.n_writes(),
    });
    let _ = shown.set(subject.clone());
    let _server = serve(arguments, &subject)?;
    println!("stands by for {lease} as {identity}");
    let service = watched(&subject)?;
    service.ready();
    let result = match wakes.recv().context("the thread of the signals is gone")? {
        Wake::Asked => Ok(ExitCode::SUCCESS),
        Wake::Election(Change::Leads) => {
            let client = client.guarded(election.fence().clone());
            work(arguments, client, &subject, service, &wakes)
        }
        Wake::Election(Change::Lost(why)) => Err(anyhow!(why)),
    };
    election.stop();
    result.with_context(|| format!("no longer leads by {lease}"))
}

fn serve(arguments: &Arguments, subject: &Subject) -> anyhow::Result<Option<server::Server>> {
    let Some(address) = arguments.listen else {
        return Ok(None);
    };
    let server = server::Server::start(address, subject.clone())?;
    println!("serving /metrics on http://{}", server.address());
    Ok(Some(server))
}

/// An agent that stands by is alive as well.
fn watched(subject: &Subject) -> std::io::Result<Service> {
    let subject = subject.clone();
    Service::start(move || subject.is_alive())
}

/// Reconciles until it is asked to end, or the Lease is lost.
fn work(
    arguments: &Arguments,
    client: Client,
    subject: &Subject,
    service: Service,
    wakes: &Receiver<Wake>,
) -> anyhow::Result<ExitCode> {
    let settings = Settings {
        namespace: arguments.namespace.clone(),
        application_namespaces: arguments.application_namespaces.clone(),
        observe: arguments.observe,
        beside_argocd: arguments.beside_argocd,
        poll_interval: arguments.poll,
        poll_jitter: arguments.poll / 2,
        limits: arguments.budget.limits(Some(budget::DEFAULT_MEMORY)),
        allocator: budget::allocator(),
        digests: Some(arguments.maps.cache_directory().join("digests")),
        ..Settings::default()
    };
    let installation = bootstrap(&client, &settings)?;
    let sources = arguments
        .maps
        .sources(Locator::default(), installation.seed)?;
    if arguments.helm_lookup {
        sources.allow_lookups();
    }
    let agent = Agent::start(client, installation.discovery, sources, settings)?;
    subject.set_agent(agent.handle().clone());
    println!(
        "drupelet {} reconciles the Applications of namespace {}{}",
        env!("CARGO_PKG_VERSION"),
        arguments.namespace,
        if arguments.observe {
            ", writing nothing"
        } else {
            ""
        }
    );
    service.ready();
    let wake = match arguments.observe {
        true => super::trial::progress::follow(agent.handle(), wakes),
        false => wakes.recv().ok(),
    };
    drop(service);
    agent.stop();
    match wake.context("the thread of the signals is gone")? {
        // An election tells of its lead once, before this.
        Wake::Asked | Wake::Election(Change::Leads) => Ok(ExitCode::SUCCESS),
        Wake::Election(Change::Lost(why)) => Err(anyhow!(why)),
    }
}
