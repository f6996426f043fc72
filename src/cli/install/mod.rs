//! `drupelet install --systemd`: the agent as a service of this machine, with
//! an account of its own in the cluster.
//!
//! ```text
//! an administrator's kubeconfig -> objects (chart's RBAC) -> token -> kubeconfig of the agent
//!                                                     unit, user, options -> files below --root
//! ```

mod account;

mod files;

use super::connect::Cluster;
use crate::agent::{Settings, bootstrap};
use anyhow::bail;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// As a service of systemd; there is no other way yet
    #[arg(long, required = true)]
    systemd: bool,
    /// An administrator of the cluster: he makes the agent's account
    #[command(flatten)]
    cluster: Cluster,
    /// Write below this folder instead of /
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// API server as this machine reaches it; else that of the kubeconfig
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Namespace of the Applications
    #[arg(long, short, default_value = crate::app::DEFAULT_NAMESPACE)]
    namespace: String,
    /// How much the agent may do
    #[arg(long, value_enum, default_value_t = Profile::Cluster)]
    profile: Profile,
    /// Where an agent of the profile namespaced deploys to, or one of the profile
    /// impersonating has the ServiceAccounts; may be repeated
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    deploy_to: Vec<String>,
    /// Share the Applications with the agents of other nodes, instead of one leading
    #[arg(long)]
    shard: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// Deploys everything everywhere
    Cluster,
    /// Deploys to the namespaces of --deploy-to, reads in all of them
    Namespaced,
    /// Deploys by the ServiceAccounts in the namespaces of --deploy-to that
    /// projects name in destinationServiceAccounts
    Impersonating,
    /// Reports what would change
    ReadOnly,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Cluster => "cluster",
            Profile::Namespaced => "namespaced",
            Profile::Impersonating => "impersonating",
            Profile::ReadOnly => "read-only",
        }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let goes_by_namespaces = match arguments.profile {
        Profile::Namespaced | Profile::Impersonating => true,
        Profile::Cluster | Profile::ReadOnly => false,
    };
    if goes_by_namespaces == arguments.deploy_to.is_empty() {
        bail!("--profile namespaced or impersonating and --deploy-to NAMESPACE belong together");
    }
    if arguments.shard && arguments.profile == Profile::ReadOnly {
        bail!("--shard is for agents that write: one that only reads needs no other");
    }
    let program = files::program()?;
    let client = arguments.cluster.client()?;
    let objects = account::objects(
        &arguments.namespace,
        arguments.profile.name(),
        &arguments.deploy_to,
    )?;
    let token = account::create(&client, &objects, &arguments.namespace)?;
    // What the agent begins with, by somebody who may: not every profile may make
    // CRDs, and the first Application need not wait for the first agent.
    let settings = Settings {
        namespace: arguments.namespace.clone(),
        // The agent refuses where that matters: when it starts.
        beside_argocd: true,
        ..Settings::default()
    };
    bootstrap(&client, &settings)?;
    let kubeconfig = account::kubeconfig(client.config(), arguments.server.as_deref(), &token)?;
    for path in files::write(&arguments.root, &program, &options(arguments), &kubeconfig)? {
        println!("wrote {}", path.display());
    }
    println!(
        "next: systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload && systemctl enable --now drupelet"
    );
    Ok(())
}

/// Of the agent, beyond those of the unit.
fn options(arguments: &Arguments) -> String {
    let way = match arguments.profile {
        Profile::ReadOnly => "--observe",
        Profile::Cluster | Profile::Namespaced | Profile::Impersonating if arguments.shard => {
            "--shard"
        }
        Profile::Cluster | Profile::Namespaced | Profile::Impersonating => "--leader-elect",
    };
    let mut options = way.to_owned();
    if arguments.namespace != crate::app::DEFAULT_NAMESPACE {
        options.push_str(" --namespace ");
        options.push_str(&arguments.namespace);
    }
    options
}
