//! CustomResourceDefinition: v1beta1 has version, schema, subresources and
//! columns once for all versions, v1 with each version.

use crate::value::{Map, Value};

/// Fields that v1beta1 may have beside `versions`, and their names in v1.
const PER_VERSION: &[(&str, &str)] = &[
    ("validation", "schema"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
];

fn spec_of(object: &mut Value) -> Option<&mut Map> {
    object.as_map_mut()?.get_mut("spec")?.as_map_mut()
}

/// Columns: `JSONPath` became `jsonPath`.
fn rename_column_paths(columns: &mut Value, from: &str, to: &str) {
    let columns = columns.as_seq_mut().into_iter().flatten();
    for column in columns.filter_map(Value::as_map_mut) {
        if let Some(path) = column.remove(from) {
            column.insert(to, path);
        }
    }
}

pub fn to_hub(object: &mut Value) {
    let Some(spec) = spec_of(object) else {
        return;
    };
    let single = spec.remove("version");
    if let Some(name) = single
        && !spec.contains_key("versions")
    {
        let mut version = Map::new();
        version.insert("name", name);
        version.insert("served", true);
        version.insert("storage", true);
        spec.insert("versions", vec![Value::Map(version)]);
    }
    let preserve = spec
        .get("preserveUnknownFields")
        .and_then(Value::as_bool)
        // v1beta1 preserves unless told; v1 prunes.
        .unwrap_or(true);
    spec.insert("preserveUnknownFields", preserve);
    for (old, new) in PER_VERSION {
        let shared = spec.remove(old);
        let versions = spec.get_mut("versions").and_then(Value::as_seq_mut);
        for version in versions.into_iter().flatten().filter_map(Value::as_map_mut) {
            if let Some(shared) = &shared
                && !version.contains_key(new)
            {
                version.insert(*new, shared.clone());
            }
            if let Some(columns) = version.get_mut("additionalPrinterColumns") {
                rename_column_paths(columns, "JSONPath", "jsonPath");
            }
        }
    }
    if let Some(conversion) = spec.get_mut("conversion").and_then(Value::as_map_mut) {
        let client = conversion.remove("webhookClientConfig");
        let versions = conversion.remove("conversionReviewVersions");
        if client.is_some() || versions.is_some() {
            let webhook = conversion.entry_map("webhook");
            if let Some(client) = client {
                webhook.insert("clientConfig", client);
            }
            if let Some(versions) = versions {
                webhook.insert("conversionReviewVersions", versions);
            }
        }
    }
}

pub fn from_hub(object: &mut Value) {
    let Some(spec) = spec_of(object) else {
        return;
    };
    let versions = spec.get_mut("versions").and_then(Value::as_seq_mut);
    let Some(versions) = versions else {
        return;
    };
    for version in versions.iter_mut().filter_map(Value::as_map_mut) {
        if let Some(columns) = version.get_mut("additionalPrinterColumns") {
            rename_column_paths(columns, "jsonPath", "JSONPath");
        }
    }
    let first = versions
        .first()
        .and_then(|version| version.get("name"))
        .cloned();
    // Where all versions agree, the field stands once at the top.
    let mut shared: Vec<(&str, Value)> = Vec::new();
    for (old, new) in PER_VERSION {
        let value = versions.first().and_then(|version| version.get(new));
        let Some(value) = value.cloned() else {
            continue;
        };
        let agree = versions.iter().all(|v| v.get(new) == Some(&value));
        if agree {
            for version in versions.iter_mut().filter_map(Value::as_map_mut) {
                version.remove(new);
            }
            shared.push((old, value));
        }
    }
    for (name, value) in shared {
        spec.insert(name, value);
    }
    if let Some(first) = first {
        spec.insert("version", first);
    }
}
