//! Volumes, claims, and what configures them.

use super::cell::Row;
use crate::value::Value;

fn modes(row: Row<'_>, path: &[&str]) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let list = row.list(path);
    SHORT
        .iter()
        .filter(|(mode, _)| list.iter().any(|own| own.as_str() == Some(mode)))
        .map(|(_, short)| *short)
        .collect::<Vec<_>>()
        .join(",")
}

fn phase(row: Row<'_>) -> Value {
    Value::from(if row.is_deleting() {
        "Terminating"
    } else {
        row.text(&["status", "phase"])
    })
}

/// The class, which once was an annotation.
fn class<'a>(row: Row<'a>) -> &'a str {
    row.text_or(
        &[
            "metadata",
            "annotations",
            "volume.beta.kubernetes.io/storage-class",
        ],
        row.text(&["spec", "storageClassName"]),
    )
}

pub fn volume(row: Row<'_>) -> Vec<Value> {
    let claim = match row.at(&["spec", "claimRef"]).map(Row) {
        Some(claim) => format!("{}/{}", claim.text(&["namespace"]), claim.text(&["name"])),
        None => String::new(),
    };
    vec![
        row.name(),
        Value::from(row.text_or(&["spec", "capacity", "storage"], "0")),
        Value::from(modes(row, &["spec", "accessModes"])),
        Value::from(row.text(&["spec", "persistentVolumeReclaimPolicy"])),
        phase(row),
        Value::from(claim),
        Value::from(class(row)),
        Value::from(row.text_or(&["spec", "volumeAttributesClassName"], "<unset>")),
        Value::from(row.text(&["status", "reason"])),
        row.age(),
        Value::from(row.text_or(&["spec", "volumeMode"], "<unset>")),
    ]
}

pub fn claim(row: Row<'_>) -> Vec<Value> {
    let volume = row.text(&["spec", "volumeName"]);
    let (capacity, modes) = if volume.is_empty() {
        ("", String::new())
    } else {
        (
            row.text_or(&["status", "capacity", "storage"], "0"),
            modes(row, &["status", "accessModes"]),
        )
    };
    vec![
        row.name(),
        phase(row),
        Value::from(volume),
        Value::from(capacity),
        Value::from(modes),
        Value::from(class(row)),
        Value::from(row.text_or(&["spec", "volumeAttributesClassName"], "<unset>")),
        row.age(),
        Value::from(row.text_or(&["spec", "volumeMode"], "<unset>")),
    ]
}

pub fn storage_class(row: Row<'_>) -> Vec<Value> {
    let is_default = |key: &str| row.text(&["metadata", "annotations", key]) == "true";
    let mut name = row.text(&["metadata", "name"]).to_owned();
    if is_default("storageclass.kubernetes.io/is-default-class")
        || is_default("storageclass.beta.kubernetes.io/is-default-class")
    {
        name.push_str(" (default)");
    }
    vec![
        Value::from(name),
        Value::from(row.text(&["provisioner"])),
        Value::from(row.text_or(&["reclaimPolicy"], "Delete")),
        Value::from(row.text_or(&["volumeBindingMode"], "Immediate")),
        Value::Bool(row.flag(&["allowVolumeExpansion"])),
        row.age(),
    ]
}

pub fn driver(row: Row<'_>) -> Vec<Value> {
    let attach = row
        .at(&["spec", "attachRequired"])
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let modes: Vec<&str> = row
        .list(&["spec", "volumeLifecycleModes"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let audiences = row.at(&["spec", "tokenRequests"]).map_or_else(
        || "<unset>".to_owned(),
        |_| {
            row.list(&["spec", "tokenRequests"])
                .iter()
                .map(|request| Row(request).text(&["audience"]))
                .collect::<Vec<_>>()
                .join(",")
        },
    );
    vec![
        row.name(),
        Value::Bool(attach),
        Value::Bool(row.flag(&["spec", "podInfoOnMount"])),
        Value::Bool(row.flag(&["spec", "storageCapacity"])),
        Value::from(audiences),
        Value::Bool(row.flag(&["spec", "requiresRepublish"])),
        Value::from(super::cell::or_none(modes.join(","))),
        row.age(),
    ]
}
