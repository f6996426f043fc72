//! metadata.

use super::checks::{Check, items, map, same, text};
use super::formats;
use crate::object::Gvk;
use crate::sandbox::status::FieldError;
use crate::value::Value;

const MAX_ANNOTATIONS_BYTES: usize = 256 << 10;

pub fn create(check: &mut Check, gvk: &Gvk, object: &Value) {
    let Some(metadata) = object.get("metadata") else {
        return;
    };
    let name = text(metadata, "name");
    let generate = text(metadata, "generateName");
    let form = name_form(gvk);
    if !generate.is_empty() {
        // A prefix may end with what a name may not.
        let mut prefix = generate.to_owned();
        if prefix.ends_with('-') {
            prefix.pop();
            prefix.push('a');
        }
        check.form("metadata.generateName", generate, form(&prefix));
    }
    if name.is_empty() {
        check.required("metadata.name", "name or generateName is required");
    } else {
        check.form("metadata.name", name, form(name));
    }
    common(check, metadata);
}

pub fn update(check: &mut Check, object: &Value, live: &Value) {
    let (Some(new), Some(old)) = (object.get("metadata"), live.get("metadata")) else {
        return;
    };
    if !text(old, "deletionTimestamp").is_empty() {
        let extra: Vec<&str> = items(new, "finalizers")
            .iter()
            .filter(|finalizer| !items(old, "finalizers").contains(finalizer))
            .filter_map(Value::as_str)
            .collect();
        if !extra.is_empty() {
            let quoted: Vec<String> = extra.iter().map(|f| format!("{f:?}")).collect();
            check.forbidden(
                "metadata.finalizers",
                &format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    quoted.join(", ")
                ),
            );
        }
    }
    for key in ["name", "namespace", "uid", "creationTimestamp"] {
        if !same(new.get(key), old.get(key)) {
            check.immutable(&format!("metadata.{key}"), new.get(key), old.get(key));
        }
    }
    common(check, new);
}

/// metadata of a custom resource.
pub fn custom_meta(object: &Value) -> Vec<FieldError> {
    let mut check = Check::default();
    create(&mut check, &Gvk::new("custom", "", ""), object);
    check.into_faults()
}

pub fn custom_meta_update(object: &Value, live: &Value) -> Vec<FieldError> {
    let mut check = Check::default();
    update(&mut check, object, live);
    check.into_faults()
}

fn common(check: &mut Check, metadata: &Value) {
    labels(check, "metadata.labels", metadata.get("labels"));
    annotations(check, "metadata.annotations", metadata.get("annotations"));
    let mut controllers = 0;
    for (at, owner) in items(metadata, "ownerReferences").iter().enumerate() {
        let path = format!("metadata.ownerReferences[{at}]");
        for (key, what) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "kind must not be empty"),
            ("name", "name must not be empty"),
            ("uid", "uid must not be empty"),
        ] {
            if text(owner, key).is_empty() {
                check.invalid_text(format!("{path}.{key}"), "", what);
            }
        }
        if owner.get("controller").and_then(Value::as_bool) == Some(true) {
            controllers += 1;
            if controllers > 1 {
                check.invalid(
                    "metadata.ownerReferences",
                    metadata.get("ownerReferences"),
                    "Only one reference can have Controller set to true",
                );
            }
        }
    }
    for finalizer in items(metadata, "finalizers") {
        let finalizer = finalizer.as_str().unwrap_or_default();
        check.form(
            "metadata.finalizers",
            finalizer,
            formats::qualified_name(finalizer),
        );
    }
}

/// The finalizers of Kubernetes' own kinds: a name without a domain must be
/// one that Kubernetes knows. Custom resources may have any.
pub fn known_finalizers(check: &mut Check, object: &Value) {
    let Some(metadata) = object.get("metadata") else {
        return;
    };
    for (at, finalizer) in items(metadata, "finalizers").iter().enumerate() {
        let finalizer = finalizer.as_str().unwrap_or_default();
        let is_bare = !finalizer.contains('/')
            && !matches!(finalizer, "orphan" | "foregroundDeletion" | "kubernetes");
        if is_bare && formats::qualified_name(finalizer).is_empty() {
            check.invalid_text(
                format!("metadata.finalizers[{at}]"),
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            );
        }
    }
}

pub fn labels(check: &mut Check, path: &str, labels: Option<&Value>) {
    let Some(labels) = labels.and_then(Value::as_map) else {
        return;
    };
    for (key, value) in labels.iter() {
        check.form(path, key, formats::qualified_name(key));
        let value = value.as_str().unwrap_or_default();
        check.form(&format!("{path}.{key}"), value, formats::label_value(value));
    }
}

pub fn annotations(check: &mut Check, path: &str, annotations: Option<&Value>) {
    let Some(annotations) = annotations.and_then(Value::as_map) else {
        return;
    };
    let mut size = 0;
    for (key, value) in annotations.iter() {
        check.form(path, key, formats::qualified_name(&key.to_lowercase()));
        size += key.len() + value.as_str().unwrap_or_default().len();
    }
    if size > MAX_ANNOTATIONS_BYTES {
        check.too_long(path, MAX_ANNOTATIONS_BYTES);
    }
}

fn name_form(gvk: &Gvk) -> fn(&str) -> formats::Faults {
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "Namespace") => formats::dns_label,
        ("", "Service") => formats::dns_1035,
        ("apps", "StatefulSet") => formats::dns_label,
        ("rbac.authorization.k8s.io", _) | ("", "Event") => formats::path_segment,
        _ => formats::dns_subdomain,
    }
}

/// A label selector. An empty one is no fault here.
pub fn selector(check: &mut Check, path: &str, selector: Option<&Value>) {
    let Some(selector) = selector else {
        return;
    };
    labels_of_selector(check, &format!("{path}.matchLabels"), selector);
    for (at, expression) in items(selector, "matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{at}]");
        let values = items(expression, "values");
        match text(expression, "operator") {
            "In" | "NotIn" => {
                if values.is_empty() {
                    check.required(
                        format!("{path}.values"),
                        "must be specified when `operator` is 'In' or 'NotIn'",
                    );
                }
            }
            "Exists" | "DoesNotExist" => {
                if !values.is_empty() {
                    check.forbidden(
                        format!("{path}.values"),
                        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                    );
                }
            }
            other => check.invalid_text(
                format!("{path}.operator"),
                other,
                "not a valid selector operator",
            ),
        }
        let key = text(expression, "key");
        check.form(&format!("{path}.key"), key, formats::qualified_name(key));
        for (at, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            check.form(
                &format!("{path}.values[{at}]"),
                value,
                formats::label_value(value),
            );
        }
    }
}

fn labels_of_selector(check: &mut Check, path: &str, selector: &Value) {
    for (key, value) in map(selector, "matchLabels").iter() {
        check.form(path, key, formats::qualified_name(key));
        let value = value.as_str().unwrap_or_default();
        check.form(&format!("{path}.{key}"), value, formats::label_value(value));
    }
}

/// Says whether a selector (null: nothing) matches labels.
pub fn matches(selector: &Value, labels: Option<&Value>) -> bool {
    let label = |key: &str| {
        labels
            .and_then(|labels| labels.get(key))
            .and_then(Value::as_str)
    };
    let listed = |expression: &Value, value: &str| {
        items(expression, "values")
            .iter()
            .any(|item| item.as_str() == Some(value))
    };
    map(selector, "matchLabels")
        .iter()
        .all(|(key, value)| label(key) == value.as_str())
        && items(selector, "matchExpressions")
            .iter()
            .all(|expression| {
                let found = label(text(expression, "key"));
                match text(expression, "operator") {
                    "In" => found.is_some_and(|value| listed(expression, value)),
                    "NotIn" => !found.is_some_and(|value| listed(expression, value)),
                    "Exists" => found.is_some(),
                    "DoesNotExist" => found.is_none(),
                    _ => false,
                }
            })
}
