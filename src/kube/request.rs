//! Requests as plain values: method, path with query, headers, body.
//!
//! Invariant: nothing here knows a server; the client puts its address in front.

use super::options::{ApplyOptions, DeleteOptions, ListOptions, Patch, Propagation, WriteOptions};
use super::retry::{ATTEMPTS, Repeatable};
use crate::object::Object;
use crate::value::{Map, Value};
use http::Method;
use std::time::Duration;

pub const JSON: &str = "application/json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";
const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// Everything of a request but the server and the credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub accept: &'static str,
    pub content_type: Option<&'static str>,
    pub body: Vec<u8>,
    pub if_none_match: Option<String>,
    pub repeatable: Repeatable,
    /// The server is asked what it would do.
    pub dry_run: bool,
    /// How often it is tried, where trying again may help.
    pub attempts: u32,
    /// Each attempt is given up after this, by both sides.
    pub within: Option<Duration>,
}

impl Draft {
    pub fn get(path: &str) -> Self {
        Draft {
            method: Method::GET,
            path: path.to_owned(),
            accept: JSON,
            content_type: None,
            body: Vec::new(),
            if_none_match: None,
            repeatable: Repeatable::Yes,
            dry_run: false,
            attempts: ATTEMPTS.attempts,
            within: None,
        }
    }

    /// Changes something on the server.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET && !self.dry_run
    }

    pub fn list(collection: &str, options: &ListOptions, continue_token: &str) -> Self {
        let mut query = selectors(options);
        if options.limit > 0 {
            query.push("limit", &options.limit.to_string());
        }
        if !continue_token.is_empty() {
            query.push("continue", continue_token);
        } else if options.from_cache {
            query.push("resourceVersion", "0");
        }
        Draft {
            path: query.behind(collection),
            accept: if options.metadata_only {
                METADATA_LIST
            } else {
                JSON
            },
            ..Draft::get("")
        }
    }

    /// `seconds` is when the server shall end it.
    pub fn watch(collection: &str, options: &ListOptions, version: &str, seconds: u64) -> Self {
        let mut query = selectors(options);
        query.push("watch", "1");
        query.push("allowWatchBookmarks", "true");
        query.push("resourceVersion", version);
        query.push("timeoutSeconds", &seconds.to_string());
        Draft {
            path: query.behind(collection),
            accept: if options.metadata_only {
                METADATA
            } else {
                JSON
            },
            ..Draft::get("")
        }
    }

    pub fn create(collection: &str, object: &Object, options: &WriteOptions) -> Self {
        Draft {
            method: Method::POST,
            path: write_query(options).behind(collection),
            content_type: Some(JSON),
            body: object.to_json().into_bytes(),
            repeatable: Repeatable::No,
            dry_run: options.dry_run,
            ..Draft::get("")
        }
    }

    pub fn update(path: &str, object: &Object, options: &WriteOptions) -> Self {
        Draft {
            method: Method::PUT,
            path: write_query(options).behind(&sub(path, &options.subresource)),
            content_type: Some(JSON),
            body: object.to_json().into_bytes(),
            dry_run: options.dry_run,
            ..Draft::get("")
        }
    }

    pub fn apply(path: &str, object: &Object, options: &ApplyOptions) -> Self {
        let mut query = Query::default();
        query.push("fieldManager", &options.field_manager);
        query.push("force", if options.force { "true" } else { "false" });
        query.push("fieldValidation", options.field_validation.as_str());
        if options.dry_run {
            query.push("dryRun", "All");
        }
        Draft {
            method: Method::PATCH,
            path: query.behind(path),
            content_type: Some(APPLY_PATCH),
            // JSON is YAML.
            body: object.to_json().into_bytes(),
            repeatable: any_version(object.resource_version()),
            dry_run: options.dry_run,
            ..Draft::get("")
        }
    }

    pub fn patch(path: &str, patch: &Patch, options: &WriteOptions) -> Self {
        let (content_type, value, repeatable) = match patch {
            Patch::Merge(value) => {
                let version = value.at(&["metadata", "resourceVersion"]);
                let version = version.and_then(Value::as_str).unwrap_or_default();
                (MERGE_PATCH, value, any_version(version))
            }
            // An `add` to a list adds twice.
            Patch::Json(value) => (JSON_PATCH, value, Repeatable::No),
            Patch::Strategic(value) => (STRATEGIC_PATCH, value, Repeatable::No),
        };
        Draft {
            method: Method::PATCH,
            path: write_query(options).behind(&sub(path, &options.subresource)),
            content_type: Some(content_type),
            body: value.to_json().into_bytes(),
            repeatable,
            dry_run: options.dry_run,
            ..Draft::get("")
        }
    }

    pub fn delete(path: &str, options: &DeleteOptions) -> Self {
        let mut body = Map::new();
        body.insert("apiVersion", "v1");
        body.insert("kind", "DeleteOptions");
        body.insert(
            "propagationPolicy",
            match options.propagation {
                Propagation::Background => "Background",
                Propagation::Foreground => "Foreground",
                Propagation::Orphan => "Orphan",
            },
        );
        if let Some(seconds) = options.grace_period_seconds {
            body.insert("gracePeriodSeconds", i64::from(seconds));
        }
        let mut preconditions = Map::new();
        if let Some(uid) = &options.uid {
            preconditions.insert("uid", uid.as_str());
        }
        if let Some(version) = &options.resource_version {
            preconditions.insert("resourceVersion", version.as_str());
        }
        if !preconditions.is_empty() {
            body.insert("preconditions", preconditions);
        }
        if options.dry_run {
            body.insert("dryRun", vec![Value::from("All")]);
        }
        Draft {
            method: Method::DELETE,
            path: path.to_owned(),
            content_type: Some(JSON),
            body: Value::Map(body).to_json().into_bytes(),
            dry_run: options.dry_run,
            ..Draft::get("")
        }
    }
}

/// The query of a list or a watch that says which objects it is about.
fn selectors(options: &ListOptions) -> Query {
    let mut query = Query::default();
    if !options.label_selector.is_empty() {
        query.push("labelSelector", &options.label_selector);
    }
    if !options.field_selector.is_empty() {
        query.push("fieldSelector", &options.field_selector);
    }
    query
}

/// Of a request that does the same each time, and names this resourceVersion.
fn any_version(named: &str) -> Repeatable {
    if named.is_empty() {
        Repeatable::AnyVersion
    } else {
        Repeatable::Yes
    }
}

fn write_query(options: &WriteOptions) -> Query {
    let mut query = Query::default();
    query.push("fieldManager", &options.field_manager);
    query.push("fieldValidation", options.field_validation.as_str());
    if options.dry_run {
        query.push("dryRun", "All");
    }
    query
}

fn sub(path: &str, subresource: &str) -> String {
    match subresource {
        "" => path.to_owned(),
        name => format!("{path}/{name}"),
    }
}

/// A query string that grows by escaped pairs.
#[derive(Default)]
pub struct Query(String);

impl Query {
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    self.0.push(byte as char);
                }
                _ => self.0.push_str(&format!("%{byte:02X}")),
            }
        }
    }

    pub fn behind(self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}
