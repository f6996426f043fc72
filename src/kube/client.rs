use super::config::Config;
use super::credentials::Credentials;
use super::error::{Attempt, Error};
use super::fence::Fence;
use super::list::{Listed, MAX_OBJECT_BYTES, read_list};
use super::options::{ApplyOptions, DeleteOptions, Deleted, ListOptions, Patch, WriteOptions};
use super::request::Draft;
use super::resource::Resource;
use super::retry::ATTEMPTS;
use super::send::connect;
use crate::http::{self, ClientCertificate, Roots};
use crate::object::Object;
use crate::value::Value;
use std::io::{BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Requests to one API server as one user. Cheap to clone; clones share
/// connections, credentials and counts.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
    pub(super) fence: Option<Fence>,
    /// The user in whose name it writes, where that is another than its own.
    pub(super) acts_as: Option<Arc<str>>,
}

pub(super) struct Inner {
    pub config: Config,
    pub credentials: Credentials,
    /// Made anew when the certificate or the CA changes.
    pub connection: Mutex<Arc<Connection>>,
    pub counters: Counters,
}

pub(super) struct Connection {
    pub http: http::Client,
    pub certificate: Option<ClientCertificate>,
    pub roots: Roots,
}

/// What was sent since the client was made, failed attempts among it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub reads: u64,
    pub watches: u64,
    /// Dry runs apart.
    pub writes: u64,
    pub dry_runs: u64,
    /// Attempts after the first, of both.
    pub retries: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub reads: AtomicU64,
    pub watches: AtomicU64,
    pub writes: AtomicU64,
    pub dry_runs: AtomicU64,
    pub retries: AtomicU64,
}

impl Client {
    /// Opens no connection yet. Credential plugins run with the first request.
    pub fn new(config: Config) -> Result<Self, Error> {
        let certificate = config.user.certificate.clone();
        let attempt = Attempt::on_path("connect to", &config.server);
        let connection = connect(&config, config.roots.clone(), certificate)
            .map_err(|source| Error::no_answer(&attempt, source))?;
        Ok(Self::over(config, connection))
    }

    pub(super) fn over(config: Config, connection: Connection) -> Self {
        let inner = Inner {
            credentials: Credentials::new(config.user.clone()),
            config,
            connection: Mutex::new(Arc::new(connection)),
            counters: Counters::default(),
        };
        Client {
            inner: Arc::new(inner),
            fence: None,
            acts_as: None,
        }
    }

    /// The same client, whose writes end where the fence closes. Reads and
    /// dry runs pass always.
    #[must_use]
    pub fn guarded(self, fence: Fence) -> Self {
        Client {
            fence: Some(fence),
            ..self
        }
    }

    /// The same client, whose writes and dry runs are sent in the name of a
    /// user, by whose rights the API server then goes. Reads stay its own.
    #[must_use]
    pub fn acting_as(&self, user: &str) -> Self {
        Client {
            acts_as: Some(Arc::from(user)),
            ..self.clone()
        }
    }

    pub fn fence(&self) -> Option<&Fence> {
        self.fence.as_ref()
    }

    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    pub fn counts(&self) -> Counts {
        let counters = &self.inner.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            reads: read(&counters.reads),
            watches: read(&counters.watches),
            writes: read(&counters.writes),
            dry_runs: read(&counters.dry_runs),
            retries: read(&counters.retries),
        }
    }

    pub fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Object, Error> {
        let draft = Draft::get(&resource.object_path(namespace, name));
        let attempt = Attempt::on_object("get", resource, namespace, name);
        self.object(&draft, &attempt, resource)
    }

    /// None where the object is not there; a kind that is not served is an error.
    pub fn find(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Object>, Error> {
        match self.get(resource, namespace, name) {
            Err(error) if error.is_not_found() && !error.is_kind_not_served() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Hands every object to `on_item`, one at a time. After an error some may
    /// have been handed on; a list that [expired](Error::is_expired) between
    /// two chunks is taken again without chunks.
    pub fn list(
        &self,
        resource: &Resource,
        options: &ListOptions,
        on_item: &mut dyn FnMut(Object),
    ) -> Result<Listed, Error> {
        self.list_within(ATTEMPTS.attempts, resource, options, on_item)
    }

    /// The same with a number of attempts a chunk.
    pub(super) fn list_within(
        &self,
        attempts: u32,
        resource: &Resource,
        options: &ListOptions,
        on_item: &mut dyn FnMut(Object),
    ) -> Result<Listed, Error> {
        let collection = resource.collection_path(&options.namespace);
        let attempt = Attempt::on_kind("list", resource, &options.namespace);
        let mut total = 0;
        let mut token = String::new();
        loop {
            let draft = Draft {
                attempts,
                ..Draft::list(&collection, options, &token)
            };
            let response = self.run(&draft, &attempt, &mut Ok)?;
            let body = response.into_body().into_reader();
            let listed = read_list(body, resource, on_item)
                .map_err(|error| self.broken_body(&draft, &attempt, error))?;
            total += listed.n_items;
            token.clone_from(&listed.continue_token);
            if token.is_empty() {
                return Ok(Listed {
                    n_items: total,
                    ..listed
                });
            }
        }
    }

    pub fn list_all(
        &self,
        resource: &Resource,
        options: &ListOptions,
    ) -> Result<(Vec<Object>, Listed), Error> {
        let mut objects = Vec::new();
        let result = self.list(resource, options, &mut |object| objects.push(object));
        match result {
            Err(error) if error.is_expired() => {
                objects.clear();
                let whole = ListOptions {
                    limit: 0,
                    ..options.clone()
                };
                let listed = self.list(resource, &whole, &mut |object| objects.push(object))?;
                Ok((objects, listed))
            }
            result => Ok((objects, result?)),
        }
    }

    pub fn create(
        &self,
        resource: &Resource,
        object: &Object,
        options: &WriteOptions,
    ) -> Result<Object, Error> {
        let collection = resource.collection_path(object.namespace());
        let attempt = Attempt::on("create", resource, object);
        self.object(
            &Draft::create(&collection, object, options),
            &attempt,
            resource,
        )
    }

    /// Server-side apply.
    pub fn apply(
        &self,
        resource: &Resource,
        object: &Object,
        options: &ApplyOptions,
    ) -> Result<Object, Error> {
        let path = resource.object_path(object.namespace(), object.name());
        let attempt = Attempt::on(
            if options.dry_run { "dry-run" } else { "apply" },
            resource,
            object,
        );
        self.object(&Draft::apply(&path, object, options), &attempt, resource)
    }

    pub fn update(
        &self,
        resource: &Resource,
        object: &Object,
        options: &WriteOptions,
    ) -> Result<Object, Error> {
        let path = resource.object_path(object.namespace(), object.name());
        let attempt = Attempt::on("update", resource, object);
        self.object(&Draft::update(&path, object, options), &attempt, resource)
    }

    pub fn patch(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<Object, Error> {
        let path = resource.object_path(namespace, name);
        let attempt = Attempt::on_object("patch", resource, namespace, name);
        self.object(&Draft::patch(&path, patch, options), &attempt, resource)
    }

    /// What is not there any more is no error.
    pub fn delete(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Error> {
        let draft = Draft::delete(&resource.object_path(namespace, name), options);
        let attempt = Attempt::on_object("delete", resource, namespace, name);
        let value = match self.value(&draft, &attempt) {
            Ok(value) => value,
            Err(error) if error.is_not_found() && !error.is_kind_not_served() => {
                return Ok(Deleted::NotFound);
            }
            Err(error) => return Err(error),
        };
        // A Status says that it is gone; the object itself, that something holds it.
        match Object::new(value) {
            Ok(object) if object.is_deleting() => Ok(Deleted::Deleting(Box::new(object))),
            Ok(_) | Err(_) => Ok(Deleted::Gone),
        }
    }

    pub(super) fn object(
        &self,
        draft: &Draft,
        attempt: &Attempt,
        resource: &Resource,
    ) -> Result<Object, Error> {
        let value = self.value(draft, attempt)?;
        let object = Object::new(value).map_err(|error| self.odd(attempt, &error.to_string()))?;
        if object.kind() != resource.kind {
            let what = format!("a {} instead", object.kind());
            return Err(self.odd(attempt, &what));
        }
        Ok(object)
    }

    /// One JSON value; a body that breaks off is worth another attempt.
    pub(super) fn value(&self, draft: &Draft, attempt: &Attempt) -> Result<Value, Error> {
        self.run(draft, attempt, &mut |response| {
            let limited = response.into_body().into_reader().take(MAX_OBJECT_BYTES);
            serde_json::from_reader(BufReader::new(limited))
                .map_err(|error| self.broken_body(draft, attempt, error))
        })
    }
}
