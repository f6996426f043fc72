//! The one door to what is known of kinds: decoding, defaults, validation,
//! patches, field managers.

use super::apply::{self, ApplyError, FieldSet, Writer};
use super::catalog::{Resource, Review};
use super::cluster::Cluster;
use super::patch::{self, PatchError};
use super::status::{Cause, FieldError, Refusal};
use super::verbs::Call;
use super::{crd, decode, defaults, validate};
use crate::object::Gvk;
use crate::value::{Map, Value};
use std::rc::Rc;

pub use decode::duplicate_fields;

/// Reads an object as the server does; what the kind does not know is gone
/// and named. An error is in the words of Go's decoder.
pub fn decode(resource: &Resource, object: &mut Value) -> Result<Vec<String>, String> {
    match &resource.custom {
        Some(custom) => {
            let mut strict = decode::custom_metadata(resource.schema(), object)
                .map_err(|error| error.to_string())?;
            if let (false, Some(schema)) = (custom.preserves_unknown, custom.open_api()) {
                strict.extend(decode::prune_custom(schema, object));
                decode::drop_nulls(schema, object);
            }
            Ok(strict)
        }
        None => {
            let decoded =
                decode::decode(resource.schema(), object).map_err(|error| error.to_string())?;
            let empties = sent_empties(resource, object);
            *object = decoded.object;
            set_kind(resource, object);
            put_empties(object, &empties);
            Ok(decoded.strict)
        }
    }
}

/// Reads what an apply made, in which nothing is unknown: the schema was asked
/// before. A custom resource is not pruned then, of nulls neither.
pub fn decode_applied(resource: &Resource, object: &mut Value) -> Result<(), String> {
    match &resource.custom {
        Some(_) => decode::custom_metadata(resource.schema(), object)
            .map(drop)
            .map_err(|error| error.to_string()),
        None => decode(resource, object).map(drop),
    }
}

/// Fills in what the kind has by default.
pub fn default(resource: &Resource, object: &mut Value) {
    match &resource.custom {
        Some(custom) => {
            if let Some(schema) = custom.open_api() {
                decode::default_custom(schema, object);
            }
        }
        None => {
            let gvk = gvk(resource);
            defaults::set_defaults(&gvk, resource.schema(), object);
            decode::through_internal(&gvk, object);
        }
    }
}

/// The status of a new object, as Go prints one of which nothing is set.
pub fn empty_status(resource: &Resource) -> Option<Value> {
    let empty = decode::empty_object(resource.schema(), &resource.api_version(), &resource.kind);
    empty.get("status").cloned()
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
pub fn validate(resource: &Resource, object: &Value, live: Option<&Value>) -> Vec<FieldError> {
    match (&resource.custom, live) {
        (Some(custom), live) => {
            let mut faults = match live {
                Some(live) => validate::custom_meta_update(object, live),
                None => validate::custom_meta(object),
            };
            faults.extend(crd::validate(custom, object));
            faults
        }
        (None, live) => {
            let mut faults = match live {
                Some(live) => validate::update(&gvk(resource), object, live),
                None => validate::create(&gvk(resource), object),
            };
            if &*resource.shelf == crd::SHELF && resource.version == "v1" {
                faults.extend(crd::check(object));
            }
            faults
        }
    }
}

fn gvk(resource: &Resource) -> Gvk {
    Gvk::new(&resource.group, &resource.version, &resource.kind)
}

/// Warnings about what is allowed and will not last.
pub fn warn(_resource: &Resource, _object: &Value, _warnings: &mut Vec<String>) {}

/// What a way in never takes from a request, so that nobody owns it by it.
fn reset_fields(resource: &Resource, subresource: &str) -> FieldSet {
    let has_status = resource.subresource("status").is_some();
    match subresource {
        "" | "scale" if has_status => FieldSet::of_fields(&[&["status"]]),
        "status" if resource.is_custom() => {
            let schema = resource.schema();
            let known = schema.struct_of(schema.root());
            let names = known.map(|root| root.fields.iter().map(|field| &*field.name));
            let mut paths: Vec<&[&str]> = vec![&["spec"]];
            let names: Vec<[&str; 1]> = names
                .into_iter()
                .flatten()
                .filter(|name| !matches!(*name, "status" | "metadata"))
                .map(|name| [name])
                .collect();
            paths.extend(names.iter().map(<[&str; 1]>::as_slice));
            FieldSet::of_fields(&paths)
        }
        "status" => match &*resource.shelf {
            "apps/deployments" => FieldSet::of_fields(&[&["spec"], &["metadata", "labels"]]),
            "/pods" => FieldSet::of_fields(&[
                &["spec"],
                &["metadata", "deletionTimestamp"],
                &["metadata", "ownerReferences"],
            ]),
            _ => FieldSet::of_fields(&[&["spec"]]),
        },
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
    // The real server notes no time for changes by way of the scale.
    let now = match subresource {
        "scale" => String::new(),
        _ => cluster.clock.seconds(),
    };
    let writer = Writer {
        manager,
        api_version: &api_version,
        subresource,
        now: &now,
        schema: resource.schema(),
        reset: &reset_fields(resource, subresource),
    };
    let empties = sent_empties(resource, object);
    for path in &empties {
        if let Some(parent) = parent_mut(object, path) {
            parent.remove(path[path.len() - 1]);
        }
    }
    *object = apply::track_update(live, std::mem::take(object), &writer);
    put_empties(object, &empties);
}

/// Fields of which the server knows an empty value from none, because it
/// compares them by reflect.DeepEqual: a NetworkPolicy's generation, an
/// immutable Secret. They stay in the object until `stored`; nobody owns them.
const KNOWN_EMPTIES: &[(&str, &[&[&str]])] = &[
    (
        "networking.k8s.io/networkpolicies",
        &[&["spec", "ingress"], &["spec", "egress"]],
    ),
    ("/secrets", &[&["data"]]),
    ("/configmaps", &[&["binaryData"]]),
];

fn sent_empties(resource: &Resource, object: &Value) -> Vec<&'static [&'static str]> {
    let Some((_, paths)) = KNOWN_EMPTIES
        .iter()
        .find(|(shelf, _)| *shelf == &*resource.shelf)
    else {
        return Vec::new();
    };
    let is_empty = |value: &Value| match value {
        Value::Seq(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    };
    paths
        .iter()
        .copied()
        .filter(|path| object.at(path).is_some_and(is_empty))
        .collect()
}

fn put_empties(object: &mut Value, paths: &[&'static [&'static str]]) {
    for path in paths {
        let empty = match path.first() {
            Some(&"spec") => Value::Seq(Vec::new()),
            _ => Value::Map(Map::new()),
        };
        if let Some(parent) = parent_mut(object, path) {
            parent.insert(path[path.len() - 1], empty);
        }
    }
}

/// The map that holds the last step of a path.
fn parent_mut<'a>(object: &'a mut Value, path: &[&str]) -> Option<&'a mut Map> {
    let (_, above) = path.split_last()?;
    above.iter().try_fold(object.as_map_mut()?, |map, key| {
        map.get_mut(key)?.as_map_mut()
    })
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

fn patch_refusal(error: PatchError) -> Refusal {
    match error {
        PatchError::BadRequest(text) => Refusal::bad_request(text),
        PatchError::Unprocessable(_) => Refusal::unfit(),
        PatchError::TooLarge(text) => Refusal::too_large(&text),
        PatchError::Other(text) => Refusal::failed(text),
    }
}

pub fn json_patch(live: &Value, patch: &Value) -> Result<Value, Refusal> {
    patch::json(live, patch).map_err(patch_refusal)
}

pub fn merge_patch(live: &Value, patch: &Value) -> Result<Value, Refusal> {
    patch::merge(live, patch).map_err(patch_refusal)
}

pub fn strategic_patch(resource: &Resource, live: &Value, patch: &Value) -> Result<Value, Refusal> {
    patch::strategic(resource.schema(), live, patch).map_err(patch_refusal)
}

/// The object as it comes back from the store.
pub fn stored(resource: &Resource, object: Value) -> Value {
    if resource.is_custom() {
        return object;
    }
    let mut object = decode::stored(resource.schema(), &object);
    set_kind(resource, &mut object);
    object
}

/// The Go types know neither; the codec adds them.
fn set_kind(resource: &Resource, object: &mut Value) {
    if let Some(root) = object.as_map_mut() {
        root.insert("apiVersion", resource.api_version());
        root.insert("kind", resource.kind.as_str());
    }
}
