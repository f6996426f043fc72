//! The garbage collector: dependents follow their owners, in the background
//! or before them, or are set free.

use super::controller::MANAGER;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::{Shelf, Stored};
use crate::sandbox::verbs::{
    DeleteOptions, FOREGROUND_FINALIZER, ORPHAN_FINALIZER, Propagation, delete_one,
};
use crate::value::Value;
use std::collections::BTreeSet;
use std::rc::Rc;

fn references(object: &Value) -> &[Value] {
    object
        .at(&["metadata", "ownerReferences"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    object
        .at(&["metadata", "finalizers"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
}

/// All objects that name one of the owners.
fn dependents(cluster: &Cluster, owners: &BTreeSet<Box<str>>) -> Vec<(Shelf, Rc<Stored>)> {
    let mut found = Vec::new();
    for shelf in cluster.store.shelves() {
        for stored in cluster.store.all(shelf) {
            if stored.owners.iter().any(|uid| owners.contains(uid)) {
                found.push((shelf.clone(), stored.clone()));
            }
        }
    }
    found
}

/// Owners are gone: looks at all that they owned.
pub fn dependents_of(cluster: &mut Cluster, owners: &BTreeSet<Box<str>>) {
    for (shelf, stored) in dependents(cluster, owners) {
        look(cluster, &shelf, &stored);
    }
}

/// An object may be waiting for its dependents, or have lost its owners.
pub fn look(cluster: &mut Cluster, shelf: &Shelf, stored: &Rc<Stored>) {
    if stored.is_deleting {
        finish_deletion(cluster, shelf, stored);
    } else if !stored.owners.is_empty() {
        check_owners(cluster, shelf, stored);
    }
}

/// Removes the finalizers `orphan` and `foregroundDeletion` once their work
/// is done.
fn finish_deletion(cluster: &mut Cluster, shelf: &Shelf, stored: &Rc<Stored>) {
    let object = stored.to_value("", "");
    let owner = BTreeSet::from([stored.uid.clone()]);
    let has = |name: &str| finalizers(&object).any(|finalizer| finalizer == name);
    if has(ORPHAN_FINALIZER) {
        for (shelf, dependent) in dependents(cluster, &owner) {
            drop_references(cluster, &shelf, &dependent, &owner);
        }
        remove_finalizer(cluster, shelf, stored, ORPHAN_FINALIZER);
    } else if has(FOREGROUND_FINALIZER) {
        let mut n_blocking = 0;
        for (shelf, dependent) in dependents(cluster, &owner) {
            let value = dependent.to_value("", "");
            let blocks = references(&value).iter().any(|reference| {
                text(reference, "uid") == &*stored.uid
                    && reference
                        .get("blockOwnerDeletion")
                        .and_then(Value::as_bool)
                        .unwrap_or(false)
            });
            n_blocking += usize::from(blocks);
            if !dependent.is_deleting {
                // Its own dependents block it in turn.
                delete(cluster, &shelf, &dependent, Propagation::Foreground);
            }
        }
        if n_blocking == 0 {
            remove_finalizer(cluster, shelf, stored, FOREGROUND_FINALIZER);
        }
    }
}

/// Deletes an object none of whose owners is left, and drops references to
/// those that are gone where another one is.
fn check_owners(cluster: &mut Cluster, shelf: &Shelf, stored: &Rc<Stored>) {
    let object = stored.to_value("", "");
    let mut gone = BTreeSet::new();
    let mut n_left = 0;
    let mut is_waited_for = false;
    for reference in references(&object) {
        match find_owner(cluster, stored, reference) {
            Some(owner) => {
                n_left += 1;
                is_waited_for |= owner.is_deleting
                    && finalizers(&owner.to_value("", "")).any(|f| f == FOREGROUND_FINALIZER);
            }
            None => {
                gone.insert(Box::from(text(reference, "uid")));
            }
        }
    }
    if n_left == 0 {
        delete(cluster, shelf, stored, Propagation::Background);
    } else if n_left == 1 && is_waited_for {
        delete(cluster, shelf, stored, Propagation::Foreground);
    } else if !gone.is_empty() {
        drop_references(cluster, shelf, stored, &gone);
    }
}

fn find_owner(cluster: &Cluster, stored: &Stored, reference: &Value) -> Option<Rc<Stored>> {
    let api_version = text(reference, "apiVersion");
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let resource = cluster
        .catalog
        .find_group_kind(group, text(reference, "kind"))?;
    let namespace = if resource.namespaced {
        &*stored.namespace
    } else {
        ""
    };
    let owner = cluster
        .store
        .get(&resource.shelf, namespace, text(reference, "name"))?;
    (&*owner.uid == text(reference, "uid")).then(|| owner.clone())
}

fn delete(cluster: &mut Cluster, shelf: &Shelf, stored: &Stored, propagation: Propagation) {
    let Some(resource) = cluster.catalog.of_shelf(shelf).cloned() else {
        return;
    };
    let options = DeleteOptions {
        propagation: Some(propagation),
        ..DeleteOptions::default()
    };
    // Refused only where it is gone already.
    let _ = delete_one(cluster, &resource, stored, &options);
}

fn drop_references(
    cluster: &mut Cluster,
    shelf: &Shelf,
    stored: &Stored,
    owners: &BTreeSet<Box<str>>,
) {
    MANAGER.change(cluster, shelf, stored, "", |object| {
        let list = object
            .as_map_mut()
            .map(|root| root.entry_map("metadata"))
            .and_then(|metadata| metadata.get_mut("ownerReferences"))
            .and_then(Value::as_seq_mut);
        if let Some(list) = list {
            list.retain(|reference| !owners.contains(text(reference, "uid")));
        }
    });
}

pub fn remove_finalizer(cluster: &mut Cluster, shelf: &str, stored: &Stored, name: &str) {
    MANAGER.change(cluster, shelf, stored, "", |object| {
        let metadata = object.as_map_mut().map(|root| root.entry_map("metadata"));
        let Some(metadata) = metadata else {
            return;
        };
        let is_empty = metadata
            .get_mut("finalizers")
            .and_then(Value::as_seq_mut)
            .is_none_or(|list| {
                list.retain(|finalizer| finalizer.as_str() != Some(name));
                list.is_empty()
            });
        if is_empty {
            metadata.remove("finalizers");
        }
    });
}
