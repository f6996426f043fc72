//! The objects at rest, the one counter of resource versions, and the last
//! events for the watches.
//!
//! Invariant: an object is kept as compact JSON without apiVersion and kind,
//! in the hub version of its shelf; every change passes through `put` or
//! `remove`, takes the next resource version and leaves one event in the ring.

mod ring;
mod selector;

pub use ring::{Event, EventType, Ring};
pub use selector::{FieldSelector, LabelSelector};

use crate::value::{Map, Value};
use hyper::body::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

/// `group/plural` of what is stored together: all versions of a resource.
pub type Shelf = Rc<str>;

/// One object at rest.
#[derive(Debug)]
pub struct Stored {
    pub namespace: Box<str>,
    pub name: Box<str>,
    pub uid: Box<str>,
    pub resource_version: u64,
    pub labels: Box<[(Box<str>, Box<str>)]>,
    /// The uids of its owners.
    pub owners: Box<[Box<str>]>,
    /// It has a deletionTimestamp.
    pub is_deleting: bool,
    /// `{"metadata":...}`, never with apiVersion or kind.
    pub body: Bytes,
}

impl Stored {
    /// The object with its apiVersion and kind.
    pub fn to_value(&self, api_version: &str, kind: &str) -> Value {
        let mut value = Value::from_json(&self.body).expect("the store wrote this JSON itself");
        if let Some(map) = value.as_map_mut() {
            map.insert("apiVersion", api_version);
            map.insert("kind", kind);
        }
        value
    }

    /// The same object under another resource version, as a watch sends what
    /// left its selection.
    pub fn at_version(&self, resource_version: u64) -> Stored {
        at_rest(&mut self.to_value("", ""), resource_version)
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(key, _)| &**key == name)
            .map(|(_, value)| &**value)
    }
}

/// Namespace and name; the namespace of cluster-wide objects is "".
pub type Place = (Box<str>, Box<str>);

pub fn place(namespace: &str, name: &str) -> Place {
    (namespace.into(), name.into())
}

#[derive(Default)]
pub struct Store {
    shelves: BTreeMap<Shelf, BTreeMap<Place, Rc<Stored>>>,
    resource_version: u64,
    ring: Ring,
}

/// A page of a list.
pub struct Page {
    pub items: Vec<Rc<Stored>>,
    /// The place after which the next page begins, and how many remain.
    pub next: Option<(Place, usize)>,
}

impl Store {
    pub fn new() -> Self {
        Store {
            resource_version: 1,
            ..Store::default()
        }
    }

    /// The version of the last change.
    pub fn resource_version(&self) -> u64 {
        self.resource_version
    }

    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    pub fn get(&self, shelf: &str, namespace: &str, name: &str) -> Option<&Rc<Stored>> {
        self.shelves.get(shelf)?.get(&place(namespace, name))
    }

    /// All objects of a shelf, by namespace and name.
    pub fn all(&self, shelf: &str) -> impl Iterator<Item = &Rc<Stored>> {
        self.shelves
            .get(shelf)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    pub fn in_namespace(&self, shelf: &str, namespace: &str) -> impl Iterator<Item = &Rc<Stored>> {
        let from = place(namespace, "");
        self.shelves
            .get(shelf)
            .into_iter()
            .flat_map(move |objects| objects.range(from.clone()..))
            .map(|(_, stored)| stored)
            .take_while(move |stored| &*stored.namespace == namespace)
    }

    pub fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        self.shelves.keys()
    }

    /// Matching objects after a place, at most `limit` (0: all).
    pub fn page(
        &self,
        shelf: &str,
        namespace: &str,
        after: Option<&Place>,
        limit: usize,
        mut matches: impl FnMut(&Stored) -> bool,
    ) -> Page {
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        let Some(objects) = self.shelves.get(shelf) else {
            return page;
        };
        let from = match after {
            Some(place) => Bound::Excluded(place.clone()),
            None => Bound::Included(place(namespace, "")),
        };
        let mut last: Option<&Place> = None;
        let mut remaining = 0;
        for (at, stored) in objects.range((from, Bound::Unbounded)) {
            if !namespace.is_empty() && *at.0 != *namespace {
                break;
            }
            if !matches(stored) {
                continue;
            }
            if limit > 0 && page.items.len() == limit {
                remaining += 1;
            } else {
                page.items.push(stored.clone());
                last = Some(at);
            }
        }
        if remaining > 0 {
            page.next = last.map(|at| (at.clone(), remaining));
        }
        page
    }

    /// Stores an object under the next resource version, which is written
    /// into its metadata.
    pub fn put(&mut self, shelf: &Shelf, mut object: Value) -> Rc<Stored> {
        self.resource_version += 1;
        let stored = Rc::new(at_rest(&mut object, self.resource_version));
        let objects = self.shelves.entry(shelf.clone()).or_default();
        let before = objects.insert(place(&stored.namespace, &stored.name), stored.clone());
        self.ring.push(Event {
            resource_version: self.resource_version,
            shelf: shelf.clone(),
            kind: if before.is_some() {
                EventType::Modified
            } else {
                EventType::Added
            },
            object: stored.clone(),
            before,
        });
        stored
    }

    /// Removes an object; its last state gets the version of the removal.
    pub fn remove(&mut self, shelf: &Shelf, namespace: &str, name: &str) -> Option<Rc<Stored>> {
        let objects = self.shelves.get_mut(shelf)?;
        let before = objects.remove(&place(namespace, name))?;
        if objects.is_empty() {
            self.shelves.remove(shelf);
        }
        self.resource_version += 1;
        let mut last = before.to_value("", "");
        let stored = Rc::new(at_rest(&mut last, self.resource_version));
        self.ring.push(Event {
            resource_version: self.resource_version,
            shelf: shelf.clone(),
            kind: EventType::Deleted,
            object: stored.clone(),
            before: Some(before),
        });
        Some(stored)
    }
}

fn at_rest(object: &mut Value, resource_version: u64) -> Stored {
    let root = object.as_map_mut().expect("objects are maps");
    root.remove("apiVersion");
    root.remove("kind");
    let metadata = root.entry_map("metadata");
    metadata.insert("resourceVersion", resource_version.to_string());
    let text = |key: &str| -> Box<str> {
        metadata
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .into()
    };
    let (namespace, name, uid) = (text("namespace"), text("name"), text("uid"));
    let labels = metadata
        .get("labels")
        .and_then(Value::as_map)
        .map(|labels| {
            labels
                .iter()
                .map(|(key, value)| (key.into(), value.as_str().unwrap_or_default().into()))
                .collect()
        })
        .unwrap_or_default();
    let owners = metadata
        .get("ownerReferences")
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .filter_map(|reference| reference.get("uid")?.as_str())
        .map(Box::from)
        .collect();
    let is_deleting = metadata.contains_key("deletionTimestamp");
    Stored {
        namespace,
        name,
        uid,
        resource_version,
        labels,
        owners,
        is_deleting,
        body: Bytes::from(json_of(root)),
    }
}

fn json_of(root: &Map) -> Vec<u8> {
    let mut text = serde_json::to_vec(root).expect("a value has no key that is not a string");
    text.shrink_to_fit();
    text
}
