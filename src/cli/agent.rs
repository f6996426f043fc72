//! `drupelet agent`: reconciles the Applications of a cluster.

use super::budget::{self, Budget};
use super::connect::Cluster;
use super::interrupt::interrupted_or_asked;
use super::lead::{Lead, Together};
use super::maps::Maps;
use super::service::{self, Service};
use crate::agent::{Agent, Handle, Settings, bootstrap};
use crate::git::Locator;
use crate::kube::Client;
use crate::kube::election::{Change, Election, Membership, Terms, Turn};
use crate::server::{self, Beside, Subject};
use anyhow::{Context, anyhow};
use clap::Args;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
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
    /// Serve /metrics, /debug/memory, /healthz, /readyz and /api/webhook here
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
    Member(Turn),
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
    match arguments.lead.together(&arguments.namespace)? {
        Some(Together::Leads(terms)) => stand_by(arguments, client, terms, sender, &wakes, &shown),
        Some(Together::Shares(terms)) => share(arguments, client, terms, sender, &wakes, &shown),
        None => {
            let subject = Subject::default();
            let _ = shown.set(subject.clone());
            let _server = serve(arguments, &subject)?;
            let service = watched(&subject)?;
            work(arguments, client, &subject, service, &wakes)
        }
    }
}

/// Works while it holds the Lease.
fn stand_by(
    arguments: &Arguments,
    client: Client,
    terms: Terms,
    sender: Sender<Wake>,
    wakes: &Receiver<Wake>,
    shown: &OnceLock<Subject>,
) -> anyhow::Result<ExitCode> {
    let lease = format!("the Lease {}/{}", terms.namespace, terms.name);
    let greeting = format!("stands by for {lease} as {}", terms.identity);
    let election = Election::start(client.clone(), terms, move |change| {
        // The process may be on its way out.
        let _ = sender.send(Wake::Election(change));
    })?;
    let standing = election.standing();
    let subject = Subject::beside_others(move || Beside::Election {
        leads: standing.leads(),
        lease_writes: standing.n_writes(),
    });
    let _ = shown.set(subject.clone());
    let _server = serve(arguments, &subject)?;
    let client = client.guarded(election.fence().clone());
    let result = beside_others(arguments, client, &subject, &greeting, wakes);
    drop(election);
    result.with_context(|| format!("no longer leads by {lease}"))
}

/// Works on its share of the Applications while its Lease is there.
fn share(
    arguments: &Arguments,
    client: Client,
    terms: Terms,
    sender: Sender<Wake>,
    wakes: &Receiver<Wake>,
    shown: &OnceLock<Subject>,
) -> anyhow::Result<ExitCode> {
    let identity = terms.identity.clone();
    let membership = Membership::start(client.clone(), terms, move |turn| {
        // The process may be on its way out.
        let _ = sender.send(Wake::Member(turn));
    })?;
    let figures = membership.figures();
    let subject = Subject::beside_others(move || Beside::Members {
        n_members: figures.n_members(),
        stands_by: figures.stands_by(),
        lease_writes: figures.n_writes(),
    });
    let _ = shown.set(subject.clone());
    let _server = serve(arguments, &subject)?;
    let client = client.guarded(membership.fence().clone());
    let greeting = format!("shares the Applications as {identity}");
    let result = beside_others(arguments, client, &subject, &greeting, wakes);
    drop(membership);
    result.with_context(|| format!("{identity} does not share the Applications any more"))
}

/// Waits until it may work, and works.
fn beside_others(
    arguments: &Arguments,
    client: Client,
    subject: &Subject,
    greeting: &str,
    wakes: &Receiver<Wake>,
) -> anyhow::Result<ExitCode> {
    println!("{greeting}");
    let service = watched(subject)?;
    service.ready();
    match wakes.recv().context("the thread of the signals is gone")? {
        Wake::Election(Change::Leads) | Wake::Member(Turn::Joined) => {
            work(arguments, client, subject, service, wakes)
        }
        Wake::Election(Change::Lost(why)) | Wake::Member(Turn::Lost(why)) => Err(anyhow!(why)),
        Wake::Member(Turn::Prepare(_) | Turn::Shares(_)) | Wake::Asked => Ok(ExitCode::SUCCESS),
    }
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

/// Reconciles until it is asked to end, or its Lease is lost.
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
        shares: arguments.lead.shard,
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
        false => next_end(agent.handle(), wakes),
    };
    drop(service);
    agent.stop();
    match wake.context("the thread of the signals is gone")? {
        Wake::Election(Change::Lost(why)) | Wake::Member(Turn::Lost(why)) => Err(anyhow!(why)),
        Wake::Asked | Wake::Election(Change::Leads) | Wake::Member(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Hands on what a member is told, until it is to end.
fn next_end(agent: &Handle, wakes: &Receiver<Wake>) -> Option<Wake> {
    loop {
        match wakes.recv().ok()? {
            Wake::Member(Turn::Prepare(prepare)) => agent.prepare(prepare),
            Wake::Member(Turn::Shares(share)) => agent.shares(share),
            // Both are told once, before this.
            Wake::Member(Turn::Joined) | Wake::Election(Change::Leads) => {}
            end @ (Wake::Asked | Wake::Election(Change::Lost(_)) | Wake::Member(Turn::Lost(_))) => {
                return Some(end);
            }
        }
    }
}
