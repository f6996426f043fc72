//! From watch events to the live index and to messages.

use super::argocd_cm::{self, ArgocdCm};
use super::clusters::ClusterSecret;
use super::credentials::{CONFIG_SELECTOR, SECRET_SELECTOR};
use super::destination::ClusterId;
use super::live::{KindState, Live};
use super::message::{AppId, Message};
use super::resources::{
    application_resource, config_map_resource, project_resource, secret_resource,
};
use super::settings::Settings;
use super::sources::Sources;
use crate::app::{APP_PROJECT, APPLICATION, AppProject, GROUP};
use crate::kube::watch::{Event, Watched, Watcher};
use crate::kube::{Client, Discovery, Resource};
use crate::object::{Gvk, Object, ResourceKey, names};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

const STACK_BYTES: usize = 512 * 1024;

/// The watches of the agent: Applications, projects, CRDs, and every kind
/// that an application has objects of, filtered by our label.
///
/// A kind is listed once. Applications that applications deploy are told by the
/// watch of all Applications as long as none lives where that does not look. Of
/// Secrets and ConfigMaps there are two lists, of different objects: those that
/// are settings carry Argo CD's labels, those that applications deploy carry ours,
/// and no selector means "either" of two labels.
#[derive(Clone)]
pub struct Watches {
    watcher: Arc<Watcher>,
    live: Arc<Live>,
    namespace: String,
    /// Applications of other namespaces are served, too.
    everywhere: bool,
    kinds: Arc<Mutex<Kinds>>,
}

/// The kinds of which live objects are told.
#[derive(Default)]
struct Kinds {
    watched: BTreeSet<(String, String)>,
    /// Live Applications come with the watch of all Applications.
    has_applications: bool,
}

fn lock(kinds: &Mutex<Kinds>) -> MutexGuard<'_, Kinds> {
    kinds.lock().expect("no holder of this lock panics")
}

impl Watches {
    pub fn start(
        client: &Client,
        settings: &Settings,
        live: Arc<Live>,
        sources: Arc<Sources>,
        results: Sender<Message>,
        cluster: ClusterId,
    ) -> std::io::Result<Self> {
        let (watcher, mut notices) = Watcher::start(client.clone(), [])?;
        let pump_live = live.clone();
        let kinds: Arc<Mutex<Kinds>> = Arc::default();
        let pump_kinds = kinds.clone();
        thread::Builder::new()
            .name("events".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let mut events = Events {
                    live: pump_live,
                    kinds: pump_kinds,
                    sources,
                    results,
                    cluster,
                    seen: BTreeMap::new(),
                    listing_applications: None,
                    listing: None,
                    listing_configs: None,
                    has_config: false,
                };
                while let Some((watched, event)) = notices.blocking_recv() {
                    if !events.take(&watched, event) {
                        return;
                    }
                }
            })?;
        Ok(Watches {
            watcher: Arc::new(watcher),
            live,
            namespace: settings.namespace.clone(),
            everywhere: !settings.application_namespaces.is_empty(),
            kinds,
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.watcher.watched().len()
    }

    /// The watches that every agent has.
    pub fn start_fixed(&self, discovery: &Discovery) {
        lock(&self.kinds).has_applications = true;
        self.start_applications();
        self.watcher.add(Watched {
            namespace: self.namespace.clone(),
            ..Watched::all(Arc::new(project_resource()))
        });
        for (resource, selector) in [
            (secret_resource(), SECRET_SELECTOR),
            (config_map_resource(), CONFIG_SELECTOR),
        ] {
            self.watcher.add(Watched {
                namespace: self.namespace.clone(),
                ..Watched::labelled(Arc::new(resource), selector)
            });
        }
        self.start_definitions(discovery);
    }

    /// The watch of the kinds themselves: of every cluster.
    pub fn start_definitions(&self, discovery: &Discovery) {
        let crd = Gvk::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        if let Some(resource) = discovery.resource(&crd) {
            self.watcher.add(Watched::changes(resource.clone()));
        }
    }

    fn start_applications(&self) {
        let resource = application_resource();
        self.live.set_kind(&resource.gvk(), KindState::Listing);
        self.watcher.add(self.applications());
    }

    fn applications(&self) -> Watched {
        Watched {
            namespace: match self.everywhere {
                true => String::new(),
                false => self.namespace.clone(),
            },
            ..Watched::all(Arc::new(application_resource()))
        }
    }

    /// Lists all that carries our label anew: it is to be judged by other
    /// rules.
    pub fn look_again(&self) {
        let ours = managed_selector();
        for watched in self.watcher.watched() {
            if watched.label_selector == ours {
                self.live
                    .set_kind(&watched.resource.gvk(), KindState::Listing);
                self.watcher.remove(&watched);
                self.watcher.add(Watched::clone(&watched));
            }
        }
        if lock(&self.kinds).has_applications {
            self.watcher.remove(&self.applications());
            self.start_applications();
        }
    }

    /// Watches kinds that are not watched yet; their first lists are awaited
    /// through [`Live::wait_listed`]. Applications among the objects are in
    /// these namespaces.
    pub fn ensure<'a>(
        &self,
        resources: impl Iterator<Item = &'a Arc<Resource>>,
        homes: &BTreeSet<String>,
    ) {
        let selector = managed_selector();
        let is_seen = |namespace: &String| self.everywhere || *namespace == self.namespace;
        for resource in resources {
            let mut kinds = lock(&self.kinds);
            if kinds.has_applications && is_application(&resource.group, &resource.kind) {
                if homes.iter().all(is_seen) {
                    continue;
                }
                kinds.has_applications = false;
            }
            let kind = (resource.group.clone(), resource.kind.clone());
            if kinds.watched.insert(kind) {
                self.live.set_kind(&resource.gvk(), KindState::Listing);
                self.watcher
                    .add(Watched::labelled(resource.clone(), &selector));
            }
        }
    }
}

pub(super) fn is_application(group: &str, kind: &str) -> bool {
    group == GROUP && kind == APPLICATION
}

/// The namespace of an object that is an Application.
pub(super) fn home_of_application(key: ResourceKey) -> Option<String> {
    is_application(&key.group, &key.kind).then_some(key.namespace)
}

fn is_managed(object: &Object) -> bool {
    object.label(names::MANAGED_LABEL) == Some(names::MANAGED_LABEL_VALUE)
}

fn managed_selector() -> String {
    format!("{}={}", names::MANAGED_LABEL, names::MANAGED_LABEL_VALUE)
}

/// The one reader of the watches' queue.
struct Events {
    live: Arc<Live>,
    kinds: Arc<Mutex<Kinds>>,
    sources: Arc<Sources>,
    results: Sender<Message>,
    /// Where this happens.
    cluster: ClusterId,
    /// The Secrets that a list in progress has mentioned.
    listing: Option<BTreeSet<String>>,
    /// The ConfigMaps likewise.
    listing_configs: Option<BTreeSet<String>>,
    /// What a list in progress has mentioned, by kind.
    seen: BTreeMap<(String, String), BTreeSet<ResourceKey>>,
    /// The Applications that a list in progress has mentioned. A watch that goes on
    /// after it failed says that it is current, too, without a list.
    listing_applications: Option<BTreeSet<AppId>>,
    /// The list of ConfigMaps in progress, or the last, has argocd-cm.
    has_config: bool,
}

impl Events {
    /// False when nobody listens any more.
    fn take(&mut self, watched: &Watched, event: Event) -> bool {
        let resource = &watched.resource;
        if watched.label_selector.is_empty() {
            return match (resource.group.as_str(), resource.kind.as_str()) {
                (GROUP, APPLICATION) => self.application(event),
                (GROUP, APP_PROJECT) => self.project(event),
                _ => self.definition(event),
            };
        }
        match watched.label_selector.as_str() {
            SECRET_SELECTOR => self.repository_secret(event),
            CONFIG_SELECTOR => self.config_map(event),
            _ => self.live_object(&resource.gvk(), &event),
        }
    }

    fn send(&self, message: Message) -> bool {
        self.results.send(message).is_ok()
    }

    fn application(&mut self, event: Event) -> bool {
        if !self.deployed_application(&event) {
            return false;
        }
        match event {
            Event::Restarted => {
                self.listing_applications = Some(BTreeSet::new());
                true
            }
            Event::Applied(object) => {
                if let Some(listing) = &mut self.listing_applications {
                    listing.insert(AppId::of(&object));
                }
                self.send(Message::Application(Box::new(object)))
            }
            Event::Deleted(object) => {
                let id = AppId::of(&object);
                if let Some(listing) = &mut self.listing_applications {
                    listing.remove(&id);
                }
                self.send(Message::ApplicationGone(id))
            }
            Event::Current => {
                let listed = self.listing_applications.take();
                listed.is_none_or(|ids| self.send(Message::ApplicationsListed(ids)))
            }
            Event::Failed(error) => {
                tracing::warn!(%error, "watch of Applications");
                true
            }
        }
    }

    fn project(&self, event: Event) -> bool {
        match event {
            Event::Restarted => true,
            Event::Applied(object) => match AppProject::read(&object) {
                Ok(project) => self.send(Message::Project(Box::new(project))),
                Err(error) => {
                    tracing::warn!(project = object.name(), %error, "AppProject is not read");
                    true
                }
            },
            Event::Deleted(object) => self.send(Message::ProjectGone(object.name().to_owned())),
            Event::Current => self.send(Message::ProjectsListed),
            Event::Failed(error) => {
                tracing::warn!(%error, "watch of AppProjects");
                true
            }
        }
    }

    /// What the Secrets with Argo CD's label say of clusters.
    fn cluster_secret(&self, event: &Event) -> bool {
        match event {
            Event::Applied(secret) => match ClusterSecret::read(secret) {
                Some(cluster) => self.send(Message::Cluster(
                    secret.name().to_owned(),
                    Box::new(cluster),
                )),
                None => true,
            },
            Event::Deleted(secret) => self.send(Message::ClusterGone(secret.name().to_owned())),
            Event::Current => {
                let listed = self.listing.clone();
                listed.is_none_or(|listed| self.send(Message::ClustersListed(listed)))
            }
            Event::Restarted | Event::Failed(_) => true,
        }
    }

    fn repository_secret(&mut self, event: Event) -> bool {
        if !self.cluster_secret(&event) {
            return false;
        }
        let repositories = self.sources.repositories();
        let is_news = match event {
            Event::Restarted => {
                self.listing = Some(BTreeSet::new());
                false
            }
            Event::Applied(secret) => {
                if let Some(listing) = &mut self.listing {
                    listing.insert(secret.name().to_owned());
                }
                repositories.put(&secret)
            }
            Event::Deleted(secret) => repositories.retain(|name| name != secret.name()),
            Event::Current => {
                if let Some(listed) = self.listing.take() {
                    repositories.retain(|name| listed.contains(name));
                }
                repositories.set_secrets_listed();
                true
            }
            Event::Failed(error) => {
                tracing::warn!(%error, "watch of the Secrets of repositories");
                // Whoever may not read them works without.
                if error.is_forbidden() {
                    repositories.set_secrets_listed();
                }
                error.is_forbidden()
            }
        };
        !is_news || self.send(Message::RepositoriesChanged)
    }

    fn config_map(&mut self, event: Event) -> bool {
        let is_alive = match &event {
            Event::Applied(object) if object.name() == argocd_cm::NAME => {
                self.has_config = true;
                self.send(Message::Configured(Box::new(ArgocdCm::read(object))))
            }
            Event::Restarted => {
                self.has_config = false;
                true
            }
            Event::Deleted(object) if object.name() == argocd_cm::NAME => {
                self.has_config = false;
                self.send(Message::Configured(Box::default()))
            }
            // It went while nobody watched.
            Event::Current if !self.has_config => self.send(Message::Configured(Box::default())),
            Event::Applied(_) | Event::Deleted(_) | Event::Current | Event::Failed(_) => true,
        };
        if !is_alive {
            return false;
        }
        let repositories = self.sources.repositories();
        let is_news = match event {
            Event::Restarted => {
                self.listing_configs = Some(BTreeSet::new());
                false
            }
            Event::Applied(config) => {
                if let Some(listing) = &mut self.listing_configs {
                    listing.insert(config.name().to_owned());
                }
                repositories.configure(config.name(), Some(&config))
            }
            Event::Deleted(config) => repositories.configure(config.name(), None),
            Event::Current => {
                if let Some(listed) = self.listing_configs.take() {
                    repositories.retain_configs(|name| listed.contains(name));
                }
                repositories.set_configs_listed();
                true
            }
            Event::Failed(error) => {
                tracing::warn!(%error, "watch of the ConfigMaps of Argo CD");
                if error.is_forbidden() {
                    repositories.set_configs_listed();
                }
                error.is_forbidden()
            }
        };
        !is_news || self.send(Message::RepositoriesChanged)
    }

    fn definition(&self, event: Event) -> bool {
        match event {
            // Also where changes may have been missed.
            Event::Applied(_) | Event::Deleted(_) | Event::Current => {
                self.send(Message::KindsChanged(self.cluster.clone()))
            }
            Event::Restarted => true,
            Event::Failed(error) => {
                tracing::warn!(%error, "watch of CustomResourceDefinitions");
                true
            }
        }
    }

    /// An event of all Applications, as one of those that are deployed by
    /// others: what the watch by our label would tell.
    fn deployed_application(&mut self, event: &Event) -> bool {
        let kinds = self.kinds.clone();
        // Held, so that the other watch does not begin in between.
        let kinds = lock(&kinds);
        if !kinds.has_applications {
            return true;
        }
        let gvk = application_resource().gvk();
        match event {
            Event::Applied(object) if !is_managed(object) => {
                self.live.get(&object.key()).is_none() || self.live_gone(object.key())
            }
            Event::Deleted(object) if self.live.get(&object.key()).is_none() => true,
            event => self.live_object(&gvk, event),
        }
    }

    fn live_gone(&self, key: ResourceKey) -> bool {
        let moved = self.live.remove(&key);
        self.send(Message::Live(self.cluster.clone(), key, moved))
    }

    fn live_object(&mut self, gvk: &Gvk, event: &Event) -> bool {
        let kind = (gvk.group.clone(), gvk.kind.clone());
        match event {
            Event::Restarted => {
                self.seen.insert(kind, BTreeSet::new());
                true
            }
            Event::Applied(object) => {
                let (key, moved) = self.live.note(object);
                if let Some(seen) = self.seen.get_mut(&kind) {
                    seen.insert(key.clone());
                }
                let is_news = moved.fields || moved.content || moved.health;
                !is_news || self.send(Message::Live(self.cluster.clone(), key, moved))
            }
            Event::Deleted(object) => self.live_gone(object.key()),
            Event::Current => {
                let gone = match self.seen.remove(&kind) {
                    Some(seen) => self.live.retain_kind(gvk, &seen),
                    None => Vec::new(),
                };
                self.live.set_kind(gvk, KindState::Listed);
                gone.into_iter()
                    .all(|(key, moved)| self.send(Message::Live(self.cluster.clone(), key, moved)))
                    && self.send(Message::KindListed)
            }
            Event::Failed(error) => {
                tracing::debug!(%error, kind = gvk.kind, "watch");
                self.live
                    .set_kind(gvk, KindState::Failed(error.to_string()));
                self.send(Message::KindListed)
            }
        }
    }
}
