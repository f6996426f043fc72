//! Which cluster a command talks to.

use crate::kube::{Client, Config};
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone)]
pub struct Cluster {
    /// Kubeconfig file; else $KUBECONFIG, ~/.kube/config, the pod's own account
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl Cluster {
    pub fn client(&self) -> anyhow::Result<Client> {
        let variable = |name: &str| std::env::var(name).ok();
        let config = Config::find(
            self.kubeconfig.as_deref(),
            self.context.as_deref(),
            &variable,
        )
        .context("no cluster to talk to")?;
        Ok(Client::new(config)?)
    }
}
