//! The clusters that applications are deployed to: the agent's own, and those
//! of cluster Secrets, connected when the first application needs one.
//!
//! ```text
//! Secret -> Clusters -> (an application means it) connect -> Destination
//!                                                   '- Failed, tried again later
//! ```
//! Invariant: an application whose cluster is not known or not reached has no
//! destination at all; it is never that of another cluster.

use super::clusters::{ClusterSecret, Meant};
use super::controller::{Controller, Timer};
use super::live::Live;
use super::message::{AppId, Message};
use super::state::AppState;
use super::watch::Watches;
use crate::diff::Digest;
use crate::kube::{Client, Discovery, Fence};
use std::sync::Arc;
use std::time::Duration;

/// A cluster that was not reached is tried again after this, and later.
const RECONNECT: Duration = Duration::from_secs(10);

/// The server of a cluster's Secret; "" is the agent's own cluster.
pub(super) type ClusterId = Arc<str>;

/// The agent's own cluster.
pub(super) fn own() -> ClusterId {
    Arc::from("")
}

/// All that it takes to compare with a cluster and to write to it.
pub(super) struct Destination {
    /// Of the Secret that it was reached by; the own cluster has none.
    pub secret: Option<Digest>,
    pub client: Client,
    pub kube_version: String,
    pub discovery: Arc<Discovery>,
    pub live: Arc<Live>,
    pub watches: Watches,
    /// A discovery is due or under way.
    pub discovering: bool,
    /// A kind changed meanwhile.
    pub rediscover: bool,
}

/// How far a cluster has come.
pub(super) enum Reach {
    Connecting(Digest),
    Reached(Box<Destination>),
    Failed(Digest, String),
}

impl Reach {
    /// Something of it is under way that will not last.
    pub fn is_busy(&self) -> bool {
        match self {
            Reach::Connecting(_) => true,
            Reach::Reached(destination) => destination.discovering,
            Reach::Failed(..) => false,
        }
    }

    fn is_by(&self, secret: Digest) -> bool {
        match self {
            Reach::Connecting(by) | Reach::Failed(by, _) => *by == secret,
            Reach::Reached(destination) => destination.secret == Some(secret),
        }
    }
}

/// What a connection needs to become a destination.
pub(super) struct Connected {
    client: Client,
    kube_version: String,
    discovery: Arc<Discovery>,
}

/// Asks a cluster who it is. What may not be written to the own one, may not
/// be written there.
fn connect(cluster: &ClusterSecret, fence: Option<Fence>) -> Result<Connected, String> {
    let config = cluster.config.clone()?;
    let fault = |error: crate::kube::Error| format!("{}: {error}", cluster.origin);
    let client = Client::new(config).map_err(fault)?;
    let client = match fence {
        Some(fence) => client.guarded(fence),
        None => client,
    };
    Ok(Connected {
        kube_version: client.version().map_err(fault)?.git_version,
        discovery: client.discover(None).map_err(fault)?,
        client,
    })
}

impl Controller {
    /// The cluster of an application; `Err` where there is none.
    pub(super) fn cluster_of(&self, app: &AppState) -> Result<ClusterId, String> {
        Ok(match self.clusters.meant(&app.app.spec.destination)? {
            Meant::Own(_) => own(),
            Meant::Other(cluster) => Arc::from(cluster.server.as_str()),
        })
    }

    /// Where an application goes, once that is reached.
    pub(super) fn destination(&self, app: &AppState) -> Option<&Destination> {
        self.destination_at(&self.cluster_of(app).ok()?)
    }

    pub(super) fn destination_at(&self, cluster: &str) -> Option<&Destination> {
        match self.destinations.get(cluster)? {
            Reach::Reached(destination) => Some(destination),
            Reach::Connecting(_) | Reach::Failed(..) => None,
        }
    }

    pub(super) fn destination_at_mut(&mut self, cluster: &str) -> Option<&mut Destination> {
        match self.destinations.get_mut(cluster)? {
            Reach::Reached(destination) => Some(destination),
            Reach::Connecting(_) | Reach::Failed(..) => None,
        }
    }

    /// Why the cluster of an application cannot be compared with yet; `None`
    /// in the error: it is being connected.
    pub(super) fn reach(&mut self, id: &AppId) -> Result<(), Option<String>> {
        let Some(app) = self.apps.get(id) else {
            return Ok(());
        };
        let cluster = self.cluster_of(app).map_err(Some)?;
        match self.destinations.get(&cluster) {
            Some(Reach::Reached(_)) => Ok(()),
            Some(Reach::Connecting(_)) => Err(None),
            Some(Reach::Failed(_, error)) => Err(Some(error.clone())),
            None => {
                self.connect(&cluster);
                Err(None)
            }
        }
    }

    pub(super) fn connect(&mut self, cluster: &ClusterId) {
        let Some(secret) = self.clusters.with_server(cluster).cloned() else {
            self.destinations.remove(cluster);
            return;
        };
        self.destinations
            .insert(cluster.clone(), Reach::Connecting(secret.digest));
        let (results, cluster) = (self.results.clone(), cluster.clone());
        let fence = self.client.fence().cloned();
        self.fetch_pool.run_with(cluster.to_string(), move || {
            let result = connect(&secret, fence);
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Connected(cluster, secret, result.map(Box::new)));
        });
    }

    pub(super) fn connected(
        &mut self,
        cluster: ClusterId,
        secret: &Arc<ClusterSecret>,
        result: Result<Box<Connected>, String>,
    ) {
        let is_current = self
            .clusters
            .with_server(&cluster)
            .is_some_and(|known| known.digest == secret.digest);
        if !is_current {
            // It was changed or deleted meanwhile.
            self.connect(&cluster);
            return;
        }
        let reach = result.and_then(|connected| {
            let connected = *connected;
            let live = Arc::new(Live::default());
            live.set_config(self.config.clone());
            let watches = Watches::start(
                &connected.client,
                &self.settings,
                live.clone(),
                self.sources.clone(),
                self.results.clone(),
                cluster.clone(),
            )
            .map_err(|error| error.to_string())?;
            watches.start_definitions(&connected.discovery);
            Ok(Destination {
                secret: Some(secret.digest),
                client: connected.client,
                kube_version: connected.kube_version,
                discovery: connected.discovery,
                live,
                watches,
                discovering: false,
                rediscover: false,
            })
        });
        let reach = match reach {
            Ok(destination) => {
                tracing::info!(%cluster, "connected");
                Reach::Reached(Box::new(destination))
            }
            Err(error) => {
                tracing::warn!(%cluster, error, "cluster is not reached, tried again soon");
                self.after(RECONNECT, Timer::Connect(cluster.clone()));
                Reach::Failed(secret.digest, error)
            }
        };
        self.destinations.insert(cluster.clone(), reach);
        self.want_compare_at(&cluster);
    }

    /// A pause is over: is a cluster still away?
    pub(super) fn reconnect(&mut self, cluster: &ClusterId) {
        if matches!(self.destinations.get(cluster), Some(Reach::Failed(..))) {
            self.connect(cluster);
        }
    }

    /// A cluster Secret is there.
    pub(super) fn cluster(&mut self, secret: &str, cluster: ClusterSecret) {
        if self.clusters.put(secret, cluster) {
            self.clusters_changed();
        }
    }

    pub(super) fn clusters_listed(&mut self, is_there: impl Fn(&str) -> bool) {
        if self.clusters.retain(is_there) {
            self.clusters_changed();
        }
    }

    /// What was connected by another Secret than there is now is let go.
    fn clusters_changed(&mut self) {
        let clusters = &self.clusters;
        self.destinations.retain(|server, reach| {
            let known = clusters.with_server(server);
            server.is_empty() || known.is_some_and(|known| reach.is_by(known.digest))
        });
        let ids: Vec<AppId> = self
            .apps
            .iter()
            .filter(|(_, app)| !app.app.spec.destination.is_in_cluster())
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.want_compare(&id);
            self.try_held(&id);
        }
    }

    fn want_compare_at(&mut self, cluster: &ClusterId) {
        let ids: Vec<AppId> = self
            .apps
            .iter()
            .filter(|(_, app)| self.cluster_of(app).as_ref() == Ok(cluster))
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            if self.apps.get(&id).is_some_and(|app| app.app.is_deleting) {
                self.begin_deletion(&id);
            }
            self.want_compare(&id);
        }
    }
}
