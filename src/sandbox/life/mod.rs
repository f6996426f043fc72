//! A little life: the controllers without which a cluster would look dead.
//!
//! Everything that a write touches is looked at once in the next step; what
//! that step writes is looked at in the step after it. So a Deployment is
//! ready some steps after it came, and a quiet cluster does nothing at all.
//!
//! Invariant: a controller reads the store and writes through the same verbs
//! as any client, under the name of the controller that it stands for.

mod collect;
mod definition;
mod namespace;

pub use definition::{CLEANUP_FINALIZER, set_condition};

use super::catalog::Resource;
use super::cluster::Cluster;
use super::convert;
use super::status::Refusal;
use super::store::{Shelf, Stored};
use super::verbs::{Target, Tracking, Validation, WriteOptions, Written};
use super::verbs::{complete_create, complete_update};
use crate::value::Value;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

/// The pace of the life.
pub const STEP: Duration = Duration::from_millis(20);
/// Objects that one step looks at; the others wait for the next.
const MAX_PER_STEP: usize = 256;

pub const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// What there is to be looked at.
#[derive(Default)]
pub struct Life {
    touched: BTreeSet<(Shelf, Box<str>, Box<str>)>,
    /// Owners that are gone: their dependents may have to go, too.
    orphaned: BTreeSet<Box<str>>,
}

impl Life {
    pub fn notice(&mut self, shelf: &Shelf, stored: &Stored) {
        self.touched
            .insert((shelf.clone(), stored.namespace.clone(), stored.name.clone()));
    }

    pub fn notice_removal(&mut self, shelf: &Shelf, stored: &Stored) {
        self.notice(shelf, stored);
        self.orphaned.insert(stored.uid.clone());
    }

    pub fn is_idle(&self) -> bool {
        self.touched.is_empty() && self.orphaned.is_empty()
    }
}

/// Looks at what has been touched since the last step.
pub fn step(cluster: &mut Cluster) {
    let orphaned = std::mem::take(&mut cluster.life.orphaned);
    if !orphaned.is_empty() {
        collect::dependents_of(cluster, &orphaned);
    }
    let mut touched = std::mem::take(&mut cluster.life.touched);
    for _ in 0..MAX_PER_STEP {
        let Some((shelf, namespace, name)) = touched.pop_first() else {
            break;
        };
        look(cluster, &shelf, &namespace, &name);
    }
    cluster.life.touched.append(&mut touched);
}

fn look(cluster: &mut Cluster, shelf: &Shelf, namespace: &str, name: &str) {
    let stored = cluster.store.get(shelf, namespace, name).cloned();
    if !namespace.is_empty() {
        namespace::look_at_content(cluster, namespace, stored.is_none());
    }
    if let Some(stored) = &stored {
        collect::look(cluster, shelf, stored);
    }
    match &**shelf {
        "/namespaces" => namespace::look(cluster, name),
        super::crd::SHELF => definition::look(cluster, name),
        _ => {}
    }
    if let Some((plural, group)) = definition::split_shelf(shelf) {
        definition::look_at_instances(cluster, plural, group);
    }
}

/// Writes as a controller does. A refusal is the object's own business: it
/// was deleted meanwhile, or its namespace goes.
pub struct Controller<'a> {
    pub manager: &'a str,
}

impl Controller<'_> {
    fn options(&self) -> WriteOptions {
        WriteOptions {
            manager: self.manager.to_owned(),
            dry_run: false,
            validation: Validation::Ignore,
        }
    }

    /// The newest version of a kind, in the form of the store.
    pub fn resource(cluster: &Cluster, shelf: &str) -> Option<Rc<Resource>> {
        cluster
            .catalog
            .all()
            .filter(|resource| &*resource.shelf == shelf && convert::is_hub(resource))
            .min_by_key(|resource| super::discovery::version_order(&resource.version))
            .cloned()
    }

    pub fn create(
        &self,
        cluster: &mut Cluster,
        shelf: &str,
        namespace: &str,
        object: Value,
    ) -> Option<Written> {
        let resource = Self::resource(cluster, shelf)?;
        let mut object = object;
        let target = Target {
            resource: &resource,
            namespace,
            name: "",
            subresource: "",
        };
        super::rules::decode(&resource, &mut object).ok()?;
        super::rules::default(&resource, &mut object);
        complete_create(cluster, target, object, &self.options(), Tracking::Update).ok()
    }

    /// Changes an object, or with a subresource its status; no write where
    /// nothing changes.
    pub fn change(
        &self,
        cluster: &mut Cluster,
        shelf: &str,
        stored: &Stored,
        subresource: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Option<Written>, Refusal> {
        let Some(resource) = Self::resource(cluster, shelf) else {
            return Ok(None);
        };
        let live = convert::from_store(&resource, stored);
        let mut object = live.clone();
        change(&mut object);
        if object == live {
            return Ok(None);
        }
        if super::rules::decode(&resource, &mut object).is_err() || object == live {
            return Ok(None);
        }
        let target = Target {
            resource: &resource,
            namespace: &stored.namespace,
            name: &stored.name,
            subresource,
        };
        let options = self.options();
        complete_update(cluster, target, &live, object, &options, Tracking::Update).map(Some)
    }
}
