//! The Leases on the API server: each write once, over the version that it was
//! made from, and within its time.

use super::Terms;
use super::lease::{Lease, lease_resource, namespace_resource};
use crate::kube::error::{Attempt, Error};
use crate::kube::options::{DeleteOptions, ListOptions, WriteOptions};
use crate::kube::request::Draft;
use crate::kube::{Client, Conflict};
use crate::object::{Object, names};
use crate::value::{Map, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const FIELD_MANAGER: &str = "drupelet-lease";

/// The Leases of one namespace.
pub struct Leases {
    /// Not guarded.
    pub client: Client,
    namespace: String,
    /// One request may take so long.
    within: Duration,
    n_writes: Arc<AtomicU64>,
}

impl Leases {
    pub fn new(client: Client, terms: &Terms, n_writes: Arc<AtomicU64>) -> Self {
        Leases {
            client,
            namespace: terms.namespace.clone(),
            within: terms.request(),
            n_writes,
        }
    }

    /// Makes the namespace as well where it is not there.
    pub fn create(&self, lease: &Lease) -> Result<Lease, Error> {
        match self.create_once(lease) {
            Err(error) if error.is_not_found() => {
                self.create_namespace()?;
                self.create_once(lease)
            }
            result => result,
        }
    }

    fn create_once(&self, lease: &Lease) -> Result<Lease, Error> {
        let collection = lease_resource().collection_path(&self.namespace);
        let draft = Draft::create(&collection, &lease.0, &options());
        self.send(draft, "create", &lease.0)
    }

    /// Only over the version that it was made from.
    pub fn update(&self, lease: &Lease) -> Result<Lease, Error> {
        let path = lease_resource().object_path(&self.namespace, lease.0.name());
        let draft = Draft::update(&path, &lease.0, &options());
        self.send(draft, "update", &lease.0)
    }

    /// One attempt, within its time.
    fn once(&self, draft: Draft) -> Draft {
        Draft {
            attempts: 1,
            within: Some(self.within),
            ..draft
        }
    }

    fn send(&self, draft: Draft, verb: &'static str, object: &Object) -> Result<Lease, Error> {
        let resource = lease_resource();
        let draft = self.once(draft);
        self.n_writes.fetch_add(1, Ordering::Relaxed);
        let attempt = Attempt::on(verb, &resource, object);
        self.client.object(&draft, &attempt, &resource).map(Lease)
    }

    /// Only the version that was seen; one that is gone is no error.
    pub fn delete(&self, lease: &Lease) -> Result<(), Error> {
        self.n_writes.fetch_add(1, Ordering::Relaxed);
        let options = DeleteOptions {
            uid: Some(lease.0.uid().to_owned()),
            resource_version: Some(lease.0.resource_version().to_owned()),
            ..DeleteOptions::default()
        };
        let resource = lease_resource();
        let path = resource.object_path(&self.namespace, lease.0.name());
        let draft = self.once(Draft::delete(&path, &options));
        let attempt = Attempt::on("delete", &resource, &lease.0);
        match self.client.value(&draft, &attempt) {
            Err(error) if error.is_not_found() => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// The Leases of a group of members, as the store has them.
    pub fn of_group(&self, group: &str) -> Result<Vec<Lease>, Error> {
        let options = ListOptions {
            namespace: self.namespace.clone(),
            label_selector: group_selector(group),
            ..ListOptions::default()
        };
        let mut leases = Vec::new();
        self.client
            .list_within(1, &lease_resource(), &options, &mut |object| {
                leases.push(Lease(object));
            })?;
        Ok(leases)
    }

    pub fn find(&self, name: &str) -> Result<Option<Lease>, Error> {
        let resource = lease_resource();
        let draft = self.once(Draft::get(&resource.object_path(&self.namespace, name)));
        let attempt = Attempt::on_object("get", &resource, &self.namespace, name);
        match self.client.object(&draft, &attempt, &resource) {
            Err(error) if error.is_not_found() => Ok(None),
            result => result.map(|object| Some(Lease(object))),
        }
    }

    fn create_namespace(&self) -> Result<(), Error> {
        let metadata = Map::from_iter([("name", self.namespace.as_str())]);
        let value = Value::Map(Map::from_iter([
            ("apiVersion", Value::from("v1")),
            ("kind", Value::from("Namespace")),
            ("metadata", Value::Map(metadata)),
        ]));
        let object = Object::new(value).expect("apiVersion and kind are set");
        match self
            .client
            .create(&namespace_resource(), &object, &options())
        {
            Err(error) if error.conflict() == Some(Conflict::AlreadyExists) => Ok(()),
            result => result.map(|_| ()),
        }
    }
}

/// Of the Leases of a group of members.
pub fn group_selector(group: &str) -> String {
    format!("{}={group}", names::AGENTS)
}

fn options() -> WriteOptions {
    WriteOptions::by(FIELD_MANAGER)
}

/// Now by the wall clock, to the microsecond, as Leases have it.
pub fn now_text() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
        .to_string()
}
