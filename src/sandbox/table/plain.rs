//! Kinds of which a table says little.

use super::cell::Row;
use super::since;
use crate::value::Value;

pub fn namespace(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name(),
        Value::from(row.text(&["status", "phase"])),
        row.age(),
    ]
}

pub fn config_map(row: Row<'_>) -> Vec<Value> {
    let count = row.count(&["data"]) + row.count(&["binaryData"]);
    vec![row.name(), Value::Int(count), row.age()]
}

pub fn secret(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name(),
        Value::from(row.text(&["type"])),
        Value::Int(row.count(&["data"])),
        row.age(),
    ]
}

pub fn service_account(row: Row<'_>) -> Vec<Value> {
    vec![row.name(), Value::Int(row.count(&["secrets"])), row.age()]
}

pub fn node(row: Row<'_>) -> Vec<Value> {
    let mut status = match row.condition("Ready") {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if row.flag(&["spec", "unschedulable"]) {
        status.push_str(",SchedulingDisabled");
    }
    let roles: Vec<&str> = row
        .at(&["metadata", "labels"])
        .and_then(Value::as_map)
        .into_iter()
        .flat_map(|labels| labels.keys())
        .filter_map(|key| key.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    let address = |kind: &str| {
        let found = row
            .list(&["status", "addresses"])
            .iter()
            .map(Row)
            .find(|address| address.text(&["type"]) == kind);
        Value::from(found.map_or("<none>", |address| address.text(&["address"])))
    };
    let info = |key: &str| Value::from(row.text_or(&["status", "nodeInfo", key], "<unknown>"));
    vec![
        row.name(),
        Value::from(status),
        Value::from(super::cell::or_none(roles.join(","))),
        row.age(),
        Value::from(row.text(&["status", "nodeInfo", "kubeletVersion"])),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

/// The only kind whose first column is not its name.
pub fn event(row: Row<'_>) -> Vec<Value> {
    let time = |path: &[&str]| row.text(path);
    let first = match time(&["firstTimestamp"]) {
        "" => time(&["eventTime"]),
        first => first,
    };
    let mut last = match time(&["lastTimestamp"]) {
        "" => first,
        last => last,
    };
    let mut count = row.number(&["count"]).max(1);
    if row.at(&["series"]).is_some() {
        last = time(&["series", "lastObservedTime"]);
        count = row.number(&["series", "count"]);
    }
    let kind = row.text(&["involvedObject", "kind"]).to_lowercase();
    let object = match row.text(&["involvedObject", "name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let component = row.text_or(&["source", "component"], row.text(&["reportingComponent"]));
    let source = match row.text_or(&["source", "host"], row.text(&["reportingInstance"])) {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    };
    vec![
        Value::from(since(last)),
        Value::from(row.text(&["type"])),
        Value::from(row.text(&["reason"])),
        Value::from(object),
        Value::from(row.text(&["involvedObject", "fieldPath"])),
        Value::from(source),
        Value::from(row.text(&["message"]).trim()),
        Value::from(since(first)),
        Value::Int(count),
        row.name(),
    ]
}

pub fn role_binding(row: Row<'_>) -> Vec<Value> {
    let of_kind = |kind: &str| {
        let names: Vec<String> = row
            .list(&["subjects"])
            .iter()
            .map(Row)
            .filter(|subject| subject.text(&["kind"]) == kind)
            .map(|subject| match subject.text(&["namespace"]) {
                "" => subject.text(&["name"]).to_owned(),
                namespace => format!("{namespace}/{}", subject.text(&["name"])),
            })
            .collect();
        Value::from(names.join(", "))
    };
    vec![
        row.name(),
        Value::from(format!(
            "{}/{}",
            row.text(&["roleRef", "kind"]),
            row.text(&["roleRef", "name"])
        )),
        row.age(),
        of_kind("User"),
        of_kind("Group"),
        of_kind("ServiceAccount"),
    ]
}

/// Roles and definitions: when they came, to the second.
pub fn created(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name(),
        Value::from(row.text(&["metadata", "creationTimestamp"])),
    ]
}

pub fn lease(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name(),
        Value::from(row.text(&["spec", "holderIdentity"])),
        row.age(),
    ]
}

pub fn priority_class(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name(),
        Value::Int(row.number(&["value"])),
        Value::Bool(row.flag(&["globalDefault"])),
        row.age(),
        Value::from(row.text(&["preemptionPolicy"])),
    ]
}

pub fn runtime_class(row: Row<'_>) -> Vec<Value> {
    vec![row.name(), Value::from(row.text(&["handler"])), row.age()]
}

pub fn webhooks(row: Row<'_>) -> Vec<Value> {
    vec![row.name(), Value::Int(row.count(&["webhooks"])), row.age()]
}

pub fn named(row: Row<'_>) -> Vec<Value> {
    vec![row.name(), row.age()]
}

pub fn quota(row: Row<'_>) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    let hard = row.at(&["status", "hard"]).and_then(Value::as_map);
    for (name, most) in hard.into_iter().flat_map(|hard| hard.iter()) {
        let used = row.text_or(&["status", "used", name], "0");
        let text = format!("{name}: {used}/{}", most.as_str().unwrap_or_default());
        if name.starts_with("limits.") {
            limits.push(text);
        } else {
            requests.push(text);
        }
    }
    vec![
        row.name(),
        Value::from(requests.join(", ")),
        Value::from(limits.join(", ")),
        row.age(),
    ]
}
