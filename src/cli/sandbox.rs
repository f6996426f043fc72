//! `drupelet sandbox`: the embedded API server alone, in its own process.

use crate::sandbox::{KubeVersion, Options, Sandbox};
use anyhow::Context;
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Arguments {
    /// Address to serve on; beyond the loopback and with --write-kubeconfig with TLS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// Kubernetes release to be: 1.16 to 1.36
    #[arg(long, value_name = "V", default_value_t = KubeVersion::default())]
    kube_version: KubeVersion,

    /// Write a kubeconfig that leads to the server
    #[arg(long, value_name = "FILE")]
    write_kubeconfig: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let sandbox = Sandbox::start(&Options {
        listen: arguments.listen,
        kube_version: arguments.kube_version.clone(),
        tls: arguments.write_kubeconfig.is_some() || !arguments.listen.ip().is_loopback(),
        controllers: true,
    })?;
    if let Some(path) = &arguments.write_kubeconfig {
        write_kubeconfig(path, &sandbox.kubeconfig())
            .with_context(|| format!("could not write the kubeconfig {}", path.display()))?;
    }
    println!("Kubernetes {} on {}", arguments.kube_version, sandbox.url());
    match &arguments.write_kubeconfig {
        Some(path) => println!("try: kubectl --kubeconfig {} get all -A", path.display()),
        None => println!("try: kubectl --server {} get all -A", sandbox.url()),
    }
    super::interrupt::interrupted()
        .context("could not wait for Ctrl-C")?
        .recv()
        .context("the thread of the signals is gone")?;
    sandbox.stop();
    Ok(())
}

/// The file holds a secret: nobody else may read it.
pub fn write_kubeconfig(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
