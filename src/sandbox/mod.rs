//! The embedded API server: an in-memory kube-apiserver of any release that
//! its tables know, over real HTTP, with a little life in it.
//!
//! ```text
//! http ── verbs ── rules (decode, schema, apply, ...) ── store ── watches
//!            └── strategy, allocate, convert                └── life ── verbs
//! ```
//!
//! Invariant: it shares no code with kube, diff and agent, so that a mistake
//! of theirs cannot cancel out here.

mod status;

mod cluster;

mod store;

pub mod schema;

pub mod decode;

pub mod defaults;

pub mod apply;

pub mod patch;

mod validate;

mod catalog;
mod crd;

mod convert;
mod rules;
mod strategy;

mod allocate;
mod verbs;

mod discovery;
mod openapi;
mod table;

mod life;

mod bootstrap;

mod http;
mod tls;

pub use cluster::{DEFAULT_MINOR, KubeVersion, KubeVersionError, Writes};

use catalog::Catalog;
use cluster::Cluster;
use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use tls::Identity;
use tokio::sync::oneshot;

/// How a sandbox is started.
#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    pub kube_version: KubeVersion,
    /// TLS under a certificate of its own, and a token for who may come in.
    /// Without it, whoever reaches the address is an administrator.
    pub tls: bool,
    /// Without them, nothing happens to an object but what clients do to it, as
    /// with a kube-apiserver that has no controller manager beside it.
    pub controllers: bool,
}

impl Default for Options {
    /// Plain HTTP on any free port of the loopback.
    fn default() -> Self {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            kube_version: KubeVersion::default(),
            tls: false,
            controllers: true,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("could not listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("{0} can be reached from other machines: the sandbox serves it with TLS only")]
    Exposed(SocketAddr),
    #[error("could not make a certificate: {0}")]
    Certificate(String),
    #[error("could not start the sandbox's thread: {0}")]
    Thread(io::Error),
    #[error(transparent)]
    Release(#[from] schema::ReleaseError),
}

/// A running API server; it ends with `stop` or when it is dropped.
pub struct Sandbox {
    pub address: SocketAddr,
    pub writes: Arc<Writes>,
    identity: Option<Identity>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    pub fn start(options: &Options) -> Result<Self, StartError> {
        let listen = options.listen;
        if !options.tls && !listen.ip().is_loopback() {
            return Err(StartError::Exposed(listen));
        }
        let failed = |source| StartError::Listen {
            address: listen,
            source,
        };
        let socket = TcpListener::bind(listen).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let identity = if options.tls {
            let identity = Identity::generate(address.ip())
                .map_err(|error| StartError::Certificate(error.to_string()))?;
            Some(identity)
        } else {
            None
        };
        let release = schema::Release::load(&options.kube_version.to_string())?;
        let writes = Arc::new(Writes::default());
        let (stop, stopped) = oneshot::channel();
        let listening = http::Listening {
            socket,
            tls: identity.as_ref().map(|identity| identity.server.clone()),
            token: identity.as_ref().map(|identity| identity.token.clone()),
        };
        let root_certificate = identity
            .as_ref()
            .map(|identity| identity.root.clone())
            .unwrap_or_default();
        let version = options.kube_version.clone();
        let counted = writes.clone();
        let controllers = options.controllers;
        let thread = std::thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || {
                let catalog = Catalog::of_release(&release);
                let mut cluster = Cluster::new(version, catalog, counted);
                cluster.root_certificate = root_certificate;
                cluster.life.has_controllers = controllers;
                run(cluster, listening, stopped);
            })
            .map_err(StartError::Thread)?;
        Ok(Sandbox {
            address,
            writes,
            identity,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// `http://127.0.0.1:38291` or with https.
    pub fn url(&self) -> String {
        let scheme = if self.identity.is_some() {
            "https"
        } else {
            "http"
        };
        // Nobody can connect to 0.0.0.0.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("{scheme}://{address}")
    }

    /// A kubeconfig that leads here, as YAML.
    pub fn kubeconfig(&self) -> String {
        tls::kubeconfig(&self.url(), self.identity.as_ref())
    }

    /// Ends the server; open watches are cut.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error says that it has ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.end();
    }
}

/// The thread of the server.
fn run(mut cluster: Cluster, listening: http::Listening, stop: oneshot::Receiver<()>) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("sandbox: could not start: {error}");
            return;
        }
    };
    bootstrap::fill(&mut cluster);
    let cluster = Rc::new(RefCell::new(cluster));
    let local = tokio::task::LocalSet::new();
    local.spawn_local(live(cluster.clone()));
    if let Err(error) = local.block_on(&runtime, http::serve(cluster, listening, stop)) {
        tracing::error!("sandbox: could not serve: {error}");
    }
}

/// Steps the life as long as there is something to do.
async fn live(cluster: Rc<RefCell<Cluster>>) {
    let mut changes = cluster.borrow().changes();
    loop {
        changes.borrow_and_update();
        while !cluster.borrow().life.is_idle() {
            tokio::time::sleep(life::STEP).await;
            let mut cluster = cluster.borrow_mut();
            life::step(&mut cluster);
            cluster.announce();
        }
        let due = cluster.borrow().life.next_due();
        let sleep = async {
            match due {
                Some(due) => {
                    let left = due.duration_since(jiff::Timestamp::now());
                    let left = left.try_into().unwrap_or(std::time::Duration::ZERO);
                    tokio::time::sleep(left).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            () = sleep => {
                let mut cluster = cluster.borrow_mut();
                let now = cluster.clock.now();
                cluster.life.wake(now);
            }
        }
    }
}
