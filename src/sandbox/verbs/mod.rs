//! The verbs: what a request does to the cluster.
//!
//! Invariant: every change of a client runs through `write::complete_create`,
//! `write::complete_update` or `delete::delete_one`, and so does every change of
//! the life; dry runs take the same way and stop before the store.

mod create;
mod delete;
mod options;
mod patch;
mod read;
mod subresource;
mod update;
mod write;

pub use delete::{DeleteOptions, FOREGROUND_FINALIZER, ORPHAN_FINALIZER, Propagation, delete_one};
pub use options::{Validation, WriteOptions};
pub use write::{
    Target, Tracking, Written, complete_create, complete_update, metadata_mut, put, remove,
};

use super::catalog::Resource;
use super::cluster::Cluster;
use super::http::{Answer, Form, Query, WatchGrant};
use super::status::Refusal;
use crate::value::{self, Value};
use hyper::body::Bytes;
use std::rc::Rc;

/// One request about a resource that exists.
pub struct Call {
    pub resource: Rc<Resource>,
    pub namespace: String,
    pub name: String,
    pub subresource: String,
    pub query: Query,
    pub user_agent: String,
    pub content_type: String,
    pub body: Bytes,
    pub form: Form,
    pub is_watch: bool,
}

pub enum Granted {
    Answer(Answer),
    Watch(Box<WatchGrant>),
}

pub fn carry_out(cluster: &mut Cluster, method: &str, call: &Call) -> Result<Granted, Refusal> {
    let is_collection = call.name.is_empty();
    let verb = match (method, is_collection, call.is_watch) {
        ("GET", _, true) => "watch",
        ("GET", true, false) => "list",
        ("GET", false, false) => "get",
        ("POST", true, _) => "create",
        ("POST", false, _) if !call.subresource.is_empty() => "create",
        ("PUT", false, _) => "update",
        ("PATCH", false, _) => "patch",
        ("DELETE", false, _) => "delete",
        ("DELETE", true, _) => "deletecollection",
        _ => return Err(Refusal::method_not_allowed()),
    };
    let verbs = match call.resource.subresource(&call.subresource) {
        Some(sub) => &sub.verbs,
        None => &call.resource.verbs,
    };
    let is_served = verbs.iter().any(|served| {
        // Watching one object is granted with get and watch alike.
        served == verb || (verb == "watch" && served == "get")
    });
    if !is_served {
        return Err(if call.resource.is_custom() {
            Refusal::method_not_supported(&call.resource.group_resource(), verb)
        } else {
            Refusal::method_not_allowed()
        });
    }
    let answer = match verb {
        "watch" => return read::watch(cluster, call).map(|w| Granted::Watch(Box::new(w))),
        "list" => read::list(cluster, call)?,
        "get" if call.subresource.is_empty() => read::get(cluster, call)?,
        "get" => subresource::get(cluster, call)?,
        "create" if call.subresource.is_empty() => create::create(cluster, call)?,
        "create" => subresource::create(cluster, call)?,
        "update" if call.subresource == "scale" => subresource::update_scale(cluster, call)?,
        "update" => update::update(cluster, call)?,
        "patch" if call.subresource == "scale" => subresource::patch_scale(cluster, call)?,
        "patch" => patch::patch(cluster, call)?,
        "delete" => delete::delete(cluster, call)?,
        _ => delete::delete_collection(cluster, call)?,
    };
    Ok(Granted::Answer(answer))
}

/// How much of a body that cannot be read its refusal shows.
const MAX_SHOWN_BYTES: usize = 30;

/// The body as one object; JSON, or YAML where the content type says so.
fn parse_body(call: &Call) -> Result<Value, Refusal> {
    if call.body.is_empty() {
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
            call.resource.kind
        )));
    }
    let media = call
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    match media {
        "" | "application/json" => Value::from_json(&call.body).map_err(|error| {
            let shown: String = call
                .body
                .iter()
                .take(MAX_SHOWN_BYTES)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let dots = if call.body.len() > MAX_SHOWN_BYTES { " ..." } else { "" };
            Refusal::bad_request(format!(
                "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: {error} ({shown}{dots})",
                call.resource.kind
            ))
        }),
        "application/yaml" | "application/apply-patch+yaml" => parse_yaml(&call.body),
        // Protobuf, which clients in Go prefer for built-in kinds, is not spoken.
        _ => Err(Refusal::unknown_format(
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml",
        )),
    }
}

fn parse_yaml(text: &[u8]) -> Result<Value, Refusal> {
    // JSON is YAML, and nearly every client sends JSON.
    if let Ok(value) = Value::from_json(text) {
        return Ok(value);
    }
    let refused = |why: String| Refusal::bad_request(format!("error decoding YAML: {why}"));
    let text = std::str::from_utf8(text).map_err(|error| refused(error.to_string()))?;
    value::yaml::parse_one(text).map_err(|error| refused(error.to_string()))
}
