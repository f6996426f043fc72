//! A little life: the controllers without which a cluster would look dead.
//!
//! Everything that a write touches is looked at once in the next step; what
//! that step writes is looked at in the step after it. So a Deployment is
//! ready some steps after it came, and a quiet cluster does nothing at all.
//!
//! Invariant: a controller reads the store and writes through the same verbs
//! as any client, under the name of the controller that it stands for; looked
//! at twice, an object changes once.

mod controller;

mod collect;
mod definition;
mod namespace;

mod pod;
mod replicas;

mod daemon;
mod deployment;
mod job;
mod stateful;

mod custom;
mod endpoints;
mod network;
mod policy;
mod service;
mod volume;

pub use controller::{Controller, KUBELET, set_condition, touch_owner};
pub use definition::CLEANUP_FINALIZER;
pub use pod::{NODE, NODE_ADDRESS};

use super::cluster::Cluster;
use super::crd;
use super::store::{Shelf, Stored};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

/// The pace of the life.
pub const STEP: Duration = Duration::from_millis(20);
/// Objects that one step looks at; the others wait for the next.
const MAX_PER_STEP: usize = 256;

/// Makes a workload, claim or the like fail; its text is the reason.
pub const FAIL_ANNOTATION: &str = "sandbox.drupelet.io/fail";

type Key = (Shelf, Box<str>, Box<str>);

/// What there is to be looked at.
#[derive(Default)]
pub struct Life {
    touched: BTreeSet<Key>,
    /// Owners that are gone: their dependents may have to go, too.
    orphaned: BTreeSet<Box<str>>,
    /// What is to be looked at again at some time.
    later: BTreeSet<(Timestamp, Key)>,
    /// Off, only what kube-apiserver itself does is done: CRDs are served.
    pub has_controllers: bool,
}

impl Life {
    pub fn notice(&mut self, shelf: &Shelf, stored: &Stored) {
        self.touch(shelf, &stored.namespace, &stored.name);
    }

    pub fn notice_removal(&mut self, shelf: &Shelf, stored: &Stored) {
        self.notice(shelf, stored);
        self.orphaned.insert(stored.uid.clone());
    }

    fn touch(&mut self, shelf: &str, namespace: &str, name: &str) {
        self.touched
            .insert((shelf.into(), namespace.into(), name.into()));
    }

    fn touch_at(&mut self, time: Timestamp, shelf: &str, stored: &Stored) {
        let key = (shelf.into(), stored.namespace.clone(), stored.name.clone());
        self.later.insert((time, key));
    }

    pub fn is_idle(&self) -> bool {
        self.touched.is_empty() && self.orphaned.is_empty()
    }

    /// When something is due that waits for its time.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.later.first().map(|(time, _)| *time)
    }

    /// Takes what is due into the next step.
    pub fn wake(&mut self, now: Timestamp) {
        while let Some((time, _)) = self.later.first() {
            if *time > now {
                break;
            }
            if let Some((_, key)) = self.later.pop_first() {
                self.touched.insert(key);
            }
        }
    }
}

/// Looks at what has been touched since the last step.
pub fn step(cluster: &mut Cluster) {
    let orphaned = std::mem::take(&mut cluster.life.orphaned);
    if !orphaned.is_empty() && cluster.life.has_controllers {
        collect::dependents_of(cluster, &orphaned);
        volume::claims_gone(cluster, &orphaned);
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
    if !cluster.life.has_controllers && &**shelf != super::crd::SHELF {
        return;
    }
    let stored = cluster.store.get(shelf, namespace, name).cloned();
    if !namespace.is_empty() {
        namespace::look_at_content(cluster, namespace, stored.is_none());
    }
    if let Some((plural, group)) = definition::split_shelf(shelf) {
        definition::look_at_instances(cluster, plural, group);
    }
    match &**shelf {
        "/namespaces" => return namespace::look(cluster, name),
        crd::SHELF => return definition::look(cluster, name),
        "/pods" => {
            endpoints::pod_changed(cluster, namespace);
            policy::touch_all(cluster, policy::BUDGETS, namespace);
        }
        "apps/deployments" | "apps/statefulsets" => {
            policy::touch_all(cluster, policy::AUTOSCALERS, namespace);
        }
        "/services" => endpoints::look(cluster, namespace, name),
        _ => {}
    }
    if let Some(stored) = stored {
        controller::touch_owner(cluster, &stored);
        collect::look(cluster, shelf, &stored);
        // The collector may have removed or changed it.
        if let Some(stored) = cluster.store.get(shelf, namespace, name).cloned() {
            look_at(cluster, shelf, &stored);
        }
    }
}

fn look_at(cluster: &mut Cluster, shelf: &Shelf, stored: &Rc<Stored>) {
    match &**shelf {
        "/pods" => pod::look(cluster, stored),
        "apps/deployments" => deployment::look(cluster, stored),
        "apps/replicasets" | "/replicationcontrollers" => replicas::look(cluster, shelf, stored),
        "apps/statefulsets" => stateful::look(cluster, stored),
        "apps/daemonsets" => daemon::look(cluster, stored),
        "batch/jobs" => job::look(cluster, stored),
        "/services" => service::look(cluster, stored),
        "/persistentvolumeclaims" => volume::look(cluster, stored),
        "/persistentvolumes" => volume::look_at_volume(cluster, stored),
        "networking.k8s.io/ingresses" => network::look(cluster, stored),
        "apiregistration.k8s.io/apiservices" => network::look_at_api_service(cluster, stored),
        "autoscaling/horizontalpodautoscalers" => policy::look_at_autoscaler(cluster, stored),
        "policy/poddisruptionbudgets" => policy::look_at_budget(cluster, stored),
        _ => custom::look(cluster, shelf, stored),
    }
}
