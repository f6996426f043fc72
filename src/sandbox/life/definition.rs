//! CustomResourceDefinitions: their names are accepted and they are
//! established; a deleted one goes when its instances have gone.

use super::collect::remove_finalizer;
use super::controller::{Controller, set_condition, text};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::crd::{self, Verdict};
use crate::sandbox::store::Shelf;
use crate::sandbox::verbs::{DeleteOptions, delete_one};
use crate::value::{Map, Value};

const APISERVER: Controller<'static> = Controller {
    manager: "kube-apiserver",
};
pub const CLEANUP_FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// `plural` and `group` of a shelf that may belong to a definition.
pub fn split_shelf(shelf: &Shelf) -> Option<(&str, &str)> {
    let (group, plural) = shelf.split_once('/')?;
    group.contains('.').then_some((plural, group))
}

/// An instance changed: its definition may be waiting for the last to go.
pub fn look_at_instances(cluster: &mut Cluster, plural: &str, group: &str) {
    let name = format!("{plural}.{group}");
    let is_waiting = cluster
        .store
        .get(crd::SHELF, "", &name)
        .is_some_and(|definition| definition.is_deleting);
    if is_waiting {
        look(cluster, &name);
    }
}

pub fn look(cluster: &mut Cluster, name: &str) {
    let Some(stored) = cluster.store.get(crd::SHELF, "", name).cloned() else {
        return;
    };
    let definition = stored.to_value("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    if stored.is_deleting {
        remove_instances(cluster, name, &definition);
        return;
    }
    let names = definition.at(&["spec", "names"]);
    let accepted = definition.at(&["status", "acceptedNames"]);
    let is_established = condition(&definition, "Established") == Some("True");
    if is_established && names == accepted {
        return;
    }
    let verdict = crd::judge(cluster, &definition);
    let now = cluster.clock.seconds();
    let names = names.cloned().unwrap_or_default();
    APISERVER.set_status(cluster, crd::SHELF, &stored, |status| match verdict {
        Verdict::Accepted => {
            status.insert("acceptedNames", names);
            set_condition(
                status,
                "NamesAccepted",
                "True",
                "NoConflicts",
                "no conflicts found",
                &now,
            );
            set_condition(
                status,
                "Established",
                "True",
                "InitialNamesAccepted",
                "the initial names have been accepted",
                &now,
            );
        }
        Verdict::Refused(reason, message) => {
            if !status.contains_key("acceptedNames") {
                let mut empty = Map::new();
                empty.insert("kind", "");
                empty.insert("plural", "");
                status.insert("acceptedNames", empty);
            }
            set_condition(status, "NamesAccepted", "False", reason, &message, &now);
            if !is_established {
                set_condition(
                    status,
                    "Established",
                    "False",
                    "NotAccepted",
                    "not all names are accepted",
                    &now,
                );
            }
        }
    });
}

fn condition<'a>(definition: &'a Value, kind: &str) -> Option<&'a str> {
    definition
        .at(&["status", "conditions"])
        .and_then(Value::as_seq)?
        .iter()
        .find(|c| text(c, &["type"]) == kind)
        .map(|c| text(c, &["status"]))
}

/// Deletes the instances, then lets the definition go.
fn remove_instances(cluster: &mut Cluster, name: &str, definition: &Value) {
    let has_finalizer = definition
        .at(&["metadata", "finalizers"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .any(|finalizer| finalizer.as_str() == Some(CLEANUP_FINALIZER));
    if !has_finalizer {
        return;
    }
    let shelf = format!(
        "{}/{}",
        text(definition, &["spec", "group"]),
        text(definition, &["spec", "names", "plural"])
    );
    if let Some(resource) = cluster.catalog.of_shelf(&shelf).cloned() {
        let instances: Vec<_> = cluster.store.all(&shelf).cloned().collect();
        for instance in instances.iter().filter(|instance| !instance.is_deleting) {
            // Refused only where it is gone already.
            let _ = delete_one(cluster, &resource, instance, &DeleteOptions::default());
        }
    }
    if cluster.store.all(&shelf).next().is_none()
        && let Some(stored) = cluster.store.get(crd::SHELF, "", name).cloned()
    {
        remove_finalizer(cluster, crd::SHELF, &stored, CLEANUP_FINALIZER);
    }
}
