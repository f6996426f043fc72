//! Resources from the text of a file, as kustomize's reader takes them.

use super::resource::{Resource, scalar_text};
use super::text::{Place, Text};
use crate::value::{Value, yaml};
use std::collections::VecDeque;

/// The resources of a stream; lists are taken apart. Errors name the place.
pub fn resources(text: &Text) -> Result<Vec<Resource>, String> {
    let stream = text.as_str().replace("\r\n", "\n");
    let mut found = Vec::new();
    let documents: Vec<_> = yaml::documents(&stream).collect();
    let is_single = documents.len() == 1;
    for document in documents {
        let document = document.map_err(|error| text.wrong(&error, 1))?;
        let value = yaml::parse_resource(document.text)
            .map_err(|error| text.wrong(&error, document.line))?;
        let place = Place::new(text, document.content_line());
        let kind = value.get("kind").map(scalar_text).unwrap_or_default();
        if is_single
            && matches!(kind.as_str(), "List" | "ResourceList")
            && value.get("items").is_some()
        {
            let items = value
                .get("items")
                .and_then(Value::as_seq)
                .unwrap_or_default();
            for item in items {
                check(item, &place)?;
                found.push((item.clone(), place.clone()));
            }
            continue;
        }
        if is_empty(&value) {
            continue;
        }
        check(&value, &place)?;
        found.push((value, place));
    }
    inline_lists(found)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Map(map) => map.is_empty(),
        Value::Seq(items) => items.is_empty(),
        _ => false,
    }
}

fn check(value: &Value, place: &Place) -> Result<(), String> {
    if !matches!(value, Value::Map(_)) {
        return Err(format!(
            "{place}: a resource must be a mapping, not a {}",
            value.kind()
        ));
    }
    let kind = value.get("kind").map(scalar_text).unwrap_or_default();
    if kind.is_empty() {
        return Err(format!("{place}: missing kind in object"));
    }
    if value
        .get("apiVersion")
        .is_some_and(|v| !matches!(v, Value::Str(_) | Value::Null))
    {
        return Err(format!("{place}: apiVersion of {kind} must be a string"));
    }
    let name = value
        .at(&["metadata", "name"])
        .map(scalar_text)
        .unwrap_or_default();
    if name.is_empty() && !kind.ends_with("List") {
        return Err(format!(
            "{place}: missing metadata.name in object of kind {kind}"
        ));
    }
    Ok(())
}

/// A FooList with items is replaced by them, behind all that was read.
fn inline_lists(values: Vec<(Value, Place)>) -> Result<Vec<Resource>, String> {
    let mut todo: VecDeque<(Value, Place)> = values.into();
    let mut found = Vec::new();
    while let Some((value, place)) = todo.pop_front() {
        let kind = value.get("kind").map(scalar_text).unwrap_or_default();
        let items = if kind.ends_with("List") {
            value.get("items")
        } else {
            None
        };
        match items {
            None => found.push(Resource::read(value, place)),
            Some(Value::Null) => {}
            Some(Value::Seq(items)) => {
                for item in items.iter().filter(|item| !is_empty(item)) {
                    check(item, &place).map_err(|cause| format!("{cause} (an item of {kind})"))?;
                    todo.push_back((item.clone(), place.clone()));
                }
            }
            Some(other) => {
                return Err(format!(
                    "{place}: expected array in {kind}/items, but found a {}",
                    other.kind()
                ));
            }
        }
    }
    Ok(found)
}
