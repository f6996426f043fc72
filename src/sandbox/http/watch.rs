use super::answer::{Form, object_bytes};
use crate::sandbox::catalog::Resource;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::status::Refusal;
use crate::sandbox::store::{EventType, FieldSelector, LabelSelector, Stored};
use crate::sandbox::table;
use crate::value::{Map, Value};
use hyper::body::Bytes;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a watch lives whose client names no timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);
/// How often a quiet watch hears of the current version.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// Events are joined into chunks of about this size.
const CHUNK_BYTES: usize = 32 << 10;

enum Progress {
    /// Nothing more is in the ring.
    Drained,
    /// A chunk is full; more may follow.
    Full,
    /// Events were lost, or the resource itself is no longer served.
    Ended,
}

/// A watch that has been granted.
pub struct WatchGrant {
    pub resource: Rc<Resource>,
    pub namespace: String,
    pub labels: LabelSelector,
    pub fields: FieldSelector,
    pub form: Form,
    pub bookmarks: bool,
    /// The version after which events are wanted.
    pub from: u64,
    /// What is there already, to be sent as ADDED first.
    pub initial: Vec<Rc<Stored>>,
    /// A bookmark with `k8s.io/initial-events-end` ends the initial events.
    pub mark_initial_end: bool,
    pub timeout: Duration,
}

impl WatchGrant {
    pub const DEFAULT_TIMEOUT: Duration = DEFAULT_TIMEOUT;

    /// Sends until the client leaves, the time is over, or the events that
    /// come next are gone.
    pub async fn run(mut self, cluster: Rc<RefCell<Cluster>>, sender: mpsc::Sender<Bytes>) {
        let end = Instant::now() + self.timeout;
        let mut lines = Lines::new(self.form);
        let mut changes = cluster.borrow().changes();
        for stored in std::mem::take(&mut self.initial) {
            lines.event("ADDED", &self.resource, &stored);
            if lines.is_full() && sender.send(lines.take()).await.is_err() {
                return;
            }
        }
        if self.mark_initial_end {
            lines.bookmark(&self.resource, self.from, true);
        }
        let mut bookmark_at = Instant::now() + BOOKMARK_EVERY;
        let mut bookmarked = self.from;
        loop {
            changes.borrow_and_update();
            let progress = self.collect(&cluster.borrow(), &mut lines);
            if !lines.is_empty() && sender.send(lines.take()).await.is_err() {
                return;
            }
            match progress {
                Progress::Full => continue,
                Progress::Ended => return,
                Progress::Drained => {}
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() {
                    return;
                },
                () = sender.closed() => return,
                () = tokio::time::sleep_until(end) => {
                    if self.bookmarks && bookmarked != self.from {
                        lines.bookmark(&self.resource, self.from, false);
                        let _ = sender.send(lines.take()).await;
                    }
                    return;
                }
                () = tokio::time::sleep_until(bookmark_at) => {
                    bookmark_at = Instant::now() + BOOKMARK_EVERY;
                    if self.bookmarks && bookmarked != self.from {
                        bookmarked = self.from;
                        lines.bookmark(&self.resource, self.from, false);
                    }
                }
            }
        }
    }

    /// Takes what the ring has for us.
    fn collect(&mut self, cluster: &Cluster, lines: &mut Lines) -> Progress {
        loop {
            let event = match cluster.store.ring().after(self.from) {
                Ok(Some(event)) => event,
                Ok(None) => {
                    let is_served = cluster
                        .catalog
                        .find(
                            &self.resource.group,
                            &self.resource.version,
                            &self.resource.plural,
                        )
                        .is_some();
                    return if is_served {
                        Progress::Drained
                    } else {
                        Progress::Ended
                    };
                }
                Err(gone) => {
                    let refusal = Refusal::gone(format!(
                        "too old resource version: {} ({})",
                        self.from, gone.oldest
                    ));
                    lines.error(&refusal);
                    return Progress::Ended;
                }
            };
            self.from = event.resource_version;
            if event.shelf != self.resource.shelf {
                continue;
            }
            let was = event.before.as_ref().is_some_and(|b| self.selects(b));
            let is = event.kind != EventType::Deleted && self.selects(&event.object);
            let name = match (was, is) {
                (false, true) => "ADDED",
                (true, true) => "MODIFIED",
                (true, false) => "DELETED",
                (false, false) => continue,
            };
            if name == "DELETED" && event.kind != EventType::Deleted {
                // It left the selection: its former state, at this version.
                if let Some(before) = &event.before {
                    let former = before.at_version(event.resource_version);
                    lines.event(name, &self.resource, &former);
                }
            } else {
                lines.event(name, &self.resource, &event.object);
            }
            if lines.is_full() {
                return Progress::Full;
            }
        }
    }

    fn selects(&self, stored: &Stored) -> bool {
        (self.namespace.is_empty() || *stored.namespace == *self.namespace)
            && self.labels.matches(stored)
            && self.fields.matches(stored)
    }
}

/// Events as lines of JSON, gathered for one chunk.
struct Lines {
    form: Form,
    buffer: Vec<u8>,
    /// Only the first table carries its column definitions.
    sent_columns: bool,
}

impl Lines {
    fn new(form: Form) -> Self {
        Lines {
            form,
            buffer: Vec::new(),
            sent_columns: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn is_full(&self) -> bool {
        self.buffer.len() >= CHUNK_BYTES
    }

    fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.buffer))
    }

    fn event(&mut self, kind: &str, resource: &Resource, stored: &Stored) {
        let object = match self.form {
            Form::Table(include) => {
                let table = table::of(resource, &[stored], include, !self.sent_columns);
                self.sent_columns = true;
                Bytes::from(table.to_json())
            }
            Form::Json | Form::PartialMetadata => object_bytes(resource, stored, self.form),
        };
        self.line(kind, &object);
    }

    fn bookmark(&mut self, resource: &Resource, version: u64, is_initial_end: bool) {
        let mut metadata = Map::new();
        metadata.insert("resourceVersion", version.to_string());
        metadata.insert("creationTimestamp", Value::Null);
        if is_initial_end {
            metadata
                .entry_map("annotations")
                .insert("k8s.io/initial-events-end", "true");
        }
        let mut object = Map::new();
        match self.form {
            Form::Json => {
                object.insert("kind", resource.kind.as_str());
                object.insert("apiVersion", resource.api_version());
                object.insert("metadata", metadata);
            }
            Form::PartialMetadata => {
                object.insert("kind", "PartialObjectMetadata");
                object.insert("apiVersion", "meta.k8s.io/v1");
                object.insert("metadata", metadata);
            }
            Form::Table(_) => {
                object.insert("kind", "Table");
                object.insert("apiVersion", "meta.k8s.io/v1");
                object.insert("metadata", metadata);
                object.insert("columnDefinitions", Value::Null);
                object.insert("rows", Vec::<Value>::new());
            }
        }
        self.line("BOOKMARK", Value::Map(object).to_json().as_bytes());
    }

    fn error(&mut self, refusal: &Refusal) {
        self.line("ERROR", refusal.to_value().to_json().as_bytes());
    }

    fn line(&mut self, kind: &str, object: &[u8]) {
        self.buffer.extend_from_slice(br#"{"type":""#);
        self.buffer.extend_from_slice(kind.as_bytes());
        self.buffer.extend_from_slice(br#"","object":"#);
        self.buffer.extend_from_slice(object);
        self.buffer.extend_from_slice(b"}\n");
    }
}
