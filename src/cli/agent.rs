//! `drupelet agent`: reconciles the Applications of a cluster.

use super::connect::Cluster;
use super::interrupt::interrupted;
use super::maps::Maps;
use super::service::{self, Service};
use crate::agent::{Agent, Settings, bootstrap};
use crate::git::Locator;
use crate::server;
use anyhow::Context;
use clap::Args;
use std::net::SocketAddr;
use std::process::ExitCode;
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
    /// Serve /metrics, /healthz and /readyz here
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Pause between two polls of a repository; up to half of it is added at random
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = humantime::parse_duration)]
    poll: Duration,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let interrupt = interrupted().context("cannot wait for signals")?;
    if let Some(warning) = service::idle_memory_limit() {
        eprintln!("warning: {warning}");
    }
    let client = arguments.cluster.client()?;
    let settings = Settings {
        namespace: arguments.namespace.clone(),
        application_namespaces: arguments.application_namespaces.clone(),
        observe: arguments.observe,
        beside_argocd: arguments.beside_argocd,
        poll_interval: arguments.poll,
        poll_jitter: arguments.poll / 2,
        release_memory: crate::memory::release,
        ..Settings::default()
    };
    let seed = bootstrap(&client, &settings)?;
    let sources = arguments.maps.sources(Locator::default(), seed)?;
    let agent = Agent::start(client, sources, settings)?;
    let _server = match arguments.listen {
        Some(address) => {
            let server = server::Server::start(address, agent.handle().clone())?;
            println!("serving /metrics on http://{}", server.address());
            Some(server)
        }
        None => None,
    };
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
    let handle = agent.handle().clone();
    let service = Service::start(move || handle.is_alive())?;
    service.ready();
    if arguments.observe {
        super::trial::progress::follow(agent.handle(), &interrupt);
    } else {
        interrupt
            .recv()
            .context("the thread of the signals is gone")?;
    }
    drop(service);
    agent.stop();
    Ok(ExitCode::SUCCESS)
}
