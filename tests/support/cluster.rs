//! The API servers that one suite runs on: the sandbox always, the real one
//! where it is built.

use super::apiserver::ApiServer;
use drupelet::sandbox;
use std::path::PathBuf;
use std::sync::OnceLock;

/// A running API server, shared by the tests of this process: each test works
/// in namespaces of its own.
pub struct Cluster {
    /// `sandbox` or `kube-apiserver`, for messages.
    pub name: &'static str,
    pub kubeconfig: PathBuf,
    _sandbox: Option<(sandbox::Sandbox, tempfile::TempDir)>,
}

/// Runs a test on each of them, and says on which it failed.
pub fn on_each(test: impl Fn(&Cluster)) {
    for cluster in all() {
        println!("on {}:", cluster.name);
        test(cluster);
    }
}

pub fn all() -> impl Iterator<Item = &'static Cluster> {
    static SANDBOX: OnceLock<Cluster> = OnceLock::new();
    static REAL: OnceLock<Option<Cluster>> = OnceLock::new();
    let real = REAL.get_or_init(|| {
        ApiServer::shared().map(|server| Cluster {
            name: "kube-apiserver",
            kubeconfig: server.kubeconfig(),
            _sandbox: None,
        })
    });
    std::iter::once(SANDBOX.get_or_init(sandbox)).chain(real)
}

/// A sandbox of its own, with TLS and a token as the real one has them.
pub fn sandbox() -> Cluster {
    let options = sandbox::Options {
        tls: true,
        ..sandbox::Options::default()
    };
    let sandbox = sandbox::Sandbox::start(&options).expect("a port is free");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).expect("the folder is writable");
    Cluster {
        name: "sandbox",
        kubeconfig,
        _sandbox: Some((sandbox, folder)),
    }
}
