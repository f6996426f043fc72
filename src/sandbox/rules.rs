//! The one door to what is known of kinds: decoding, defaults, validation,
//! patches, field managers.

use super::apply::{self, ApplyError, FieldSet, Writer};
use super::catalog::{Resource, Review};
use super::cluster::Cluster;
use super::crd;
use super::decode;
use super::status::{Cause, FieldError, Refusal};
use super::verbs::Call;
use crate::value::{self, Map, Value};
use std::rc::Rc;

pub use decode::duplicate_fields;

/// The API server's own limit.
const MAX_JSON_PATCH_OPERATIONS: usize = 10_000;

/// Reads an object as the server does; what the kind does not know is gone
/// and named. An error is in the words of Go's decoder.
pub fn decode(resource: &Resource, object: &mut Value) -> Result<Vec<String>, String> {
    match &resource.custom {
        Some(custom) if custom.preserves_unknown => Ok(Vec::new()),
        Some(custom) => Ok(match custom.open_api() {
            Some(schema) => decode::prune_custom(schema, object),
            None => Vec::new(),
        }),
        None => {
            let decoded =
                decode::decode(resource.schema(), object).map_err(|error| error.to_string())?;
            *object = decoded.object;
            // The Go types know neither; the codec adds them.
            if let Some(root) = object.as_map_mut() {
                root.insert("apiVersion", resource.api_version());
                root.insert("kind", resource.kind.as_str());
            }
            Ok(decoded.strict)
        }
    }
}

/// Fills in what the kind has by default.
pub fn default(_cluster: &Cluster, resource: &Resource, object: &mut Value) {
    if let Some(custom) = &resource.custom
        && let Some(schema) = custom.open_api()
    {
        decode::default_custom(schema, object);
    }
}

/// What admission plugins do to objects.
pub fn admit(
    _cluster: &Cluster,
    _resource: &Resource,
    _object: &mut Value,
    _live: Option<&Value>,
) -> Result<(), Refusal> {
    Ok(())
}

/// All that is wrong with an object.
pub fn validate(
    _cluster: &Cluster,
    resource: &Resource,
    object: &Value,
    _live: Option<&Value>,
) -> Vec<FieldError> {
    match &resource.custom {
        Some(custom) => crd::validate(custom, object),
        None => Vec::new(),
    }
}

/// Warnings about what is allowed and will not last.
pub fn warn(_resource: &Resource, _object: &Value, _warnings: &mut Vec<String>) {}

/// What a way in never takes from a request, so that nobody owns it by it.
fn reset_fields(resource: &Resource, subresource: &str) -> FieldSet {
    let has_status = resource.subresource("status").is_some();
    match subresource {
        "" | "scale" if has_status => FieldSet::of_fields(&[&["status"]]),
        "status" => FieldSet::of_fields(&[&["spec"], &["metadata", "labels"]]),
        _ => FieldSet::of_fields(&[]),
    }
}

/// managedFields after a create, an update or a patch.
pub fn track(
    cluster: &Cluster,
    resource: &Resource,
    live: Option<&Value>,
    object: &mut Value,
    manager: &str,
    subresource: &str,
) {
    let api_version = resource.api_version();
    let empty;
    let live = match live {
        Some(live) => live,
        None => {
            empty = decode::empty_object(resource.schema(), &api_version, &resource.kind);
            &empty
        }
    };
    let writer = Writer {
        manager,
        api_version: &api_version,
        subresource,
        now: &cluster.clock.seconds(),
        schema: resource.schema(),
        reset: &reset_fields(resource, subresource),
    };
    *object = apply::track_update(live, std::mem::take(object), &writer);
}

pub fn keep_times_if_unchanged(object: &mut Value, live: &Value) {
    apply::keep_times_of_noop(live, object);
}

/// Server-side apply: the object with its managedFields, undefaulted.
pub fn apply(
    cluster: &Cluster,
    call: &Call,
    live: Option<&Value>,
    config: &Value,
    manager: &str,
) -> Result<Value, Refusal> {
    let resource = &call.resource;
    let api_version = resource.api_version();
    let empty;
    let live = match live {
        Some(live) => live,
        None => {
            empty = decode::empty_object(resource.schema(), &api_version, &resource.kind);
            &empty
        }
    };
    let writer = Writer {
        manager,
        api_version: &api_version,
        subresource: &call.subresource,
        now: &cluster.clock.seconds(),
        schema: resource.schema(),
        reset: &reset_fields(resource, &call.subresource),
    };
    apply::apply(live, config, &writer, call.query.flag("force")).map_err(|error| match error {
        ApplyError::BadRequest(text) => Refusal::bad_request(text),
        ApplyError::Typed { .. } => Refusal::failed(error.to_string()),
        ApplyError::Conflicts(ref conflicts) => {
            let causes = conflicts
                .iter()
                .map(|conflict| Cause {
                    reason: "FieldManagerConflict".to_owned(),
                    message: conflict.message(),
                    field: conflict.field(),
                })
                .collect();
            Refusal::apply_conflict(error.to_string(), causes)
        }
    })
}

/// The answer to a question: everything is allowed, everybody is an admin.
pub fn review(resource: &Rc<Resource>, review: Review, mut object: Value) -> Value {
    let Some(root) = object.as_map_mut() else {
        return object;
    };
    root.insert("apiVersion", resource.api_version());
    root.insert("kind", resource.kind.as_str());
    let strings = |texts: &[&str]| texts.iter().map(|t| Value::from(*t)).collect::<Vec<_>>();
    let mut user = Map::new();
    user.insert("username", "sandbox");
    user.insert(
        "groups",
        strings(&["system:masters", "system:authenticated"]),
    );
    let status = root.entry_map("status");
    match review {
        Review::Access => {
            status.insert("allowed", true);
        }
        Review::Rules => {
            let mut rule = Map::new();
            rule.insert("verbs", strings(&["*"]));
            let mut anything = rule.clone();
            anything.insert("nonResourceURLs", strings(&["*"]));
            rule.insert("apiGroups", strings(&["*"]));
            rule.insert("resources", strings(&["*"]));
            status.insert("resourceRules", vec![Value::Map(rule)]);
            status.insert("nonResourceRules", vec![Value::Map(anything)]);
            status.insert("incomplete", false);
        }
        Review::Token => {
            status.insert("authenticated", true);
            status.insert("user", user);
        }
        Review::Identity => {
            status.insert("userInfo", user);
        }
    }
    object
}

/// RFC 6902, as evanphx/json-patch reads it.
pub fn json_patch(live: &Value, patch: &Value) -> Result<Value, Refusal> {
    let operations =
        value::patch::json_patch(patch).map_err(|error| Refusal::bad_request(error.to_string()))?;
    if operations.len() > MAX_JSON_PATCH_OPERATIONS {
        return Err(Refusal::too_large(&format!(
            "The allowed maximum operations in a JSON patch is {MAX_JSON_PATCH_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    let mut object = live.clone();
    value::patch::apply_json_patch(&mut object, operations)
        .map_err(|error| Refusal::unprocessable(&error.to_string()))?;
    Ok(object)
}

/// RFC 7386.
pub fn merge_patch(live: &Value, patch: &Value) -> Result<Value, Refusal> {
    let mut object = live.clone();
    value::patch::merge_patch(&mut object, patch.clone());
    Ok(object)
}

/// A strategic merge patch.
pub fn strategic_patch(
    _resource: &Resource,
    live: &Value,
    patch: &Value,
) -> Result<Value, Refusal> {
    merge_patch(live, patch)
}
