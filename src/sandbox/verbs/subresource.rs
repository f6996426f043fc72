use super::read::find;
use super::write::{self, Target, Tracking, text};
use super::{Call, WriteOptions, delete, parse_body};
use crate::sandbox::catalog::Resource;
use crate::sandbox::cluster::{Cluster, rfc3339};
use crate::sandbox::http::{Answer, Body};
use crate::sandbox::status::{FieldError, GroupName, Refusal};
use crate::sandbox::{convert, rules};
use crate::value::{Map, Value};
use hyper::body::Bytes;

pub fn get(cluster: &Cluster, call: &Call) -> Result<Answer, Refusal> {
    let stored = find(cluster, call)?;
    let object = convert::from_store(&call.resource, &stored);
    match call.subresource.as_str() {
        "scale" => {
            if let Some(custom) = &call.resource.custom
                && let Some(paths) = &custom.scale
                && at(&object, &scale_paths(&call.resource).0).is_none()
            {
                return Err(Refusal::internal(&format!(
                    "the spec replicas field {:?} does not exist",
                    paths.spec
                )));
            }
            Ok(Answer::object(200, scale_of(&call.resource, &object)))
        }
        "log" => Ok(Answer::ok(Body::Raw(
            "text/plain",
            Bytes::from_static(b"the sandbox runs no containers\n"),
        ))),
        _ => Ok(Answer::ok(Body::Stored(call.resource.clone(), stored))),
    }
}

/// Creations below an object: tokens, evictions, bindings.
pub fn create(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    match call.subresource.as_str() {
        "token" => token(cluster, call),
        "eviction" => evict(cluster, call),
        "binding" => bind(cluster, call),
        _ => Err(Refusal::method_not_allowed()),
    }
}

/// A token that this server alone would know again; its lifetime is as asked.
fn token(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    find(cluster, call)?;
    let mut request = parse_body(call)?;
    let seconds = request
        .at(&["spec", "expirationSeconds"])
        .and_then(Value::as_i64)
        .unwrap_or(3600);
    let until = cluster.clock.now() + jiff::SignedDuration::from_secs(seconds);
    let token = format!("sandbox.{}", cluster.randomness.uid());
    if let Some(root) = request.as_map_mut() {
        root.insert("apiVersion", "authentication.k8s.io/v1");
        root.insert("kind", "TokenRequest");
        let spec = root.entry_map("spec");
        spec.insert("expirationSeconds", seconds);
        let status = root.entry_map("status");
        status.insert("token", token);
        status.insert("expirationTimestamp", rfc3339(until));
    }
    Ok(Answer::object(201, request))
}

fn evict(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let stored = find(cluster, call)?;
    let options = delete::DeleteOptions::default();
    delete::delete_one(cluster, &call.resource, &stored, &options)?;
    cluster.writes.count("create");
    let mut status = Map::new();
    status.insert("kind", "Status");
    status.insert("apiVersion", "v1");
    status.insert("metadata", Map::new());
    status.insert("status", "Success");
    status.insert("code", 201i64);
    Ok(Answer::object(201, Value::Map(status)))
}

fn bind(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let stored = find(cluster, call)?;
    let binding = parse_body(call)?;
    let mut pod = convert::from_store(&call.resource, &stored);
    let node = text(&binding, &["target", "name"]).to_owned();
    if let Some(root) = pod.as_map_mut() {
        root.entry_map("spec").insert("nodeName", node);
    }
    write::put(cluster, &call.resource, pod);
    cluster.writes.count("create");
    let mut status = Map::new();
    status.insert("kind", "Status");
    status.insert("apiVersion", "v1");
    status.insert("metadata", Map::new());
    status.insert("status", "Success");
    status.insert("code", 201i64);
    Ok(Answer::object(201, Value::Map(status)))
}

/// Where a kind keeps its replicas: wanted, there, and the selector.
fn scale_paths(resource: &Resource) -> (Vec<String>, Vec<String>, Option<Vec<String>>) {
    let steps = |path: &str| -> Vec<String> {
        path.split('.')
            .filter(|step| !step.is_empty())
            .map(str::to_owned)
            .collect()
    };
    match resource
        .custom
        .as_ref()
        .and_then(|custom| custom.scale.as_ref())
    {
        Some(scale) => (
            steps(&scale.spec),
            steps(&scale.status),
            scale.selector.as_deref().map(steps),
        ),
        None => (
            steps("spec.replicas"),
            steps("status.replicas"),
            Some(steps("spec.selector")),
        ),
    }
}

fn at<'a>(object: &'a Value, steps: &[String]) -> Option<&'a Value> {
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    object.at(&steps)
}

fn scale_of(resource: &Resource, object: &Value) -> Value {
    let (wanted, there, selector) = scale_paths(resource);
    let number = |steps: &[String]| at(object, steps).and_then(Value::as_i64).unwrap_or(0);
    let mut metadata = Map::new();
    for key in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        if let Some(value) = object.at(&["metadata", key]) {
            metadata.insert(key, value.clone());
        }
    }
    let mut spec = Map::new();
    // Go leaves a zero out.
    if number(&wanted) != 0 {
        spec.insert("replicas", number(&wanted));
    }
    let mut status = Map::new();
    status.insert("replicas", number(&there));
    let selector = selector.as_deref().and_then(|steps| at(object, steps));
    let selector = selector.map(selector_text).unwrap_or_default();
    if !selector.is_empty() {
        status.insert("selector", selector);
    }
    let mut scale = Map::new();
    scale.insert("kind", "Scale");
    scale.insert("apiVersion", "autoscaling/v1");
    scale.insert("metadata", metadata);
    scale.insert("spec", spec);
    scale.insert("status", status);
    Value::Map(scale)
}

/// A selector in the form of a query: `app=web,tier in (a,b)`.
fn selector_text(selector: &Value) -> String {
    if let Some(text) = selector.as_str() {
        return text.to_owned();
    }
    let is_plain =
        selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none();
    let labels = if is_plain {
        Some(selector)
    } else {
        selector.get("matchLabels")
    };
    let mut terms: Vec<String> = labels
        .and_then(Value::as_map)
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let expressions = selector.get("matchExpressions").and_then(Value::as_seq);
    for expression in expressions.unwrap_or_default() {
        let key = text(expression, &["key"]);
        let mut values: Vec<&str> = expression
            .get("values")
            .and_then(Value::as_seq)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        values.sort_unstable();
        let values = values.join(",");
        terms.push(match text(expression, &["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.sort();
    terms.join(",")
}

pub fn update_scale(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let options = WriteOptions::of(call, "UpdateOptions")?;
    let scale = parse_body(call)?;
    let answer = set_scale(cluster, call, &scale, &options)?;
    if !options.dry_run {
        cluster.writes.count("update");
    }
    Ok(answer)
}

pub fn patch_scale(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let options = WriteOptions::of(call, "PatchOptions")?;
    let stored = find(cluster, call)?;
    let live = scale_of(
        &call.resource,
        &convert::from_store(&call.resource, &stored),
    );
    let patch = super::parse_yaml(&call.body)?;
    let media = call.content_type.split(';').next().unwrap_or_default();
    let scale = if media == "application/json-patch+json" {
        rules::json_patch(&live, &patch)?
    } else {
        // A Scale has neither lists nor nulls: all other patches merge.
        rules::merge_patch(&live, &patch)?
    };
    let answer = set_scale(cluster, call, &scale, &options)?;
    if !options.dry_run {
        cluster.writes.count("patch");
    }
    Ok(answer)
}

fn set_scale(
    cluster: &mut Cluster,
    call: &Call,
    scale: &Value,
    options: &WriteOptions,
) -> Result<Answer, Refusal> {
    let stored = find(cluster, call)?;
    let live = convert::from_store(&call.resource, &stored);
    let replicas = scale
        .at(&["spec", "replicas"])
        .and_then(Value::as_i64)
        .unwrap_or(0);
    if replicas < 0 {
        let error = FieldError::invalid(
            "spec.replicas",
            &Value::Int(replicas),
            "must be greater than or equal to 0",
        );
        let kind = GroupName::new("autoscaling", "Scale");
        return Err(Refusal::invalid(&kind, &call.name, &[error]));
    }
    let version = text(scale, &["metadata", "resourceVersion"]);
    let mut object = live.clone();
    if !version.is_empty() {
        write::metadata_mut(&mut object).insert("resourceVersion", version);
    }
    let (wanted, _, _) = scale_paths(&call.resource);
    if let Some((last, parents)) = wanted.split_last() {
        let mut at = object.as_map_mut();
        for step in parents {
            at = at.map(|map| map.entry_map(step));
        }
        if let Some(map) = at {
            map.insert(last.as_str(), replicas);
        }
    }
    let target = Target {
        resource: &call.resource,
        namespace: &call.namespace,
        name: &call.name,
        subresource: "scale",
    };
    // The real server tracks the scale of built-in kinds alone.
    let tracking = if call.resource.is_custom() {
        Tracking::Applied
    } else {
        Tracking::Update
    };
    let written = write::complete_update(cluster, target, &live, object, options, tracking)?;
    Ok(Answer::object(
        200,
        scale_of(&call.resource, &written.object),
    ))
}
