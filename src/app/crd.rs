//! The CustomResourceDefinitions, generated from the Rust types: structural
//! schemas with every field of the contract, unknown fields preserved.

use super::application::ApplicationSpec;
use super::operation::Operation;
use super::project::AppProjectSpec;
use super::status::ApplicationStatus;
use super::{APP_PROJECT, APPLICATION, GROUP};
use crate::value::{Map, Value};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};

/// The CRD of Application. As in Argo CD there is no status subresource.
pub fn application_crd() -> Value {
    let columns = [
        ("Sync Status", ".status.sync.status", 0),
        ("Health Status", ".status.health.status", 0),
        ("Revision", ".status.sync.revision", 10),
        ("Project", ".spec.project", 10),
    ]
    .map(|(name, path, priority)| {
        let mut column = Map::from_iter([
            ("name", Value::from(name)),
            ("type", Value::from("string")),
            ("jsonPath", Value::from(path)),
        ]);
        if priority > 0 {
            column.insert("priority", priority);
        }
        Value::Map(column)
    });
    definition(
        APPLICATION,
        "applications",
        &["app", "apps"],
        Map::from_iter([
            ("spec", schema::<ApplicationSpec>()),
            ("operation", schema::<Operation>()),
            ("status", schema::<ApplicationStatus>()),
        ]),
        columns.to_vec(),
    )
}

pub fn appproject_crd() -> Value {
    let status = Map::from_iter([
        ("type", Value::from("object")),
        (PRESERVE, Value::Bool(true)),
    ]);
    definition(
        APP_PROJECT,
        "appprojects",
        &["appproj", "appprojs"],
        Map::from_iter([
            ("spec", schema::<AppProjectSpec>()),
            ("status", Value::Map(status)),
        ]),
        Vec::new(),
    )
}

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";

fn definition(
    kind: &str,
    plural: &str,
    short_names: &[&str],
    mut properties: Map,
    columns: Vec<Value>,
) -> Value {
    let text = |text: &str| Value::from(text);
    for field in ["apiVersion", "kind"] {
        properties.insert(field, Map::from_iter([("type", "string")]));
    }
    properties.insert("metadata", Map::from_iter([("type", "object")]));
    let root = Map::from_iter([
        ("type", text("object")),
        ("required", Value::Seq(vec![text("metadata"), text("spec")])),
        ("properties", Value::Map(properties)),
        (PRESERVE, Value::Bool(true)),
    ]);
    let mut version = Map::from_iter([
        ("name", text("v1alpha1")),
        ("served", Value::Bool(true)),
        ("storage", Value::Bool(true)),
        (
            "schema",
            Value::Map(Map::from_iter([("openAPIV3Schema", root)])),
        ),
    ]);
    if !columns.is_empty() {
        version.insert("additionalPrinterColumns", columns);
    }
    let names = Map::from_iter([
        ("kind", text(kind)),
        ("listKind", Value::Str(format!("{kind}List"))),
        ("plural", text(plural)),
        ("singular", Value::Str(kind.to_lowercase())),
        (
            "shortNames",
            Value::Seq(short_names.iter().map(|name| text(name)).collect()),
        ),
    ]);
    let labels = Map::from_iter([
        (
            "app.kubernetes.io/name",
            Value::Str(format!("{plural}.{GROUP}")),
        ),
        ("app.kubernetes.io/part-of", text("argocd")),
    ]);
    Value::Map(Map::from_iter([
        ("apiVersion", text("apiextensions.k8s.io/v1")),
        ("kind", text("CustomResourceDefinition")),
        (
            "metadata",
            Value::Map(Map::from_iter([
                ("name", Value::Str(format!("{plural}.{GROUP}"))),
                ("labels", Value::Map(labels)),
            ])),
        ),
        (
            "spec",
            Value::Map(Map::from_iter([
                ("group", text(GROUP)),
                ("names", Value::Map(names)),
                ("scope", text("Namespaced")),
                ("versions", Value::Seq(vec![Value::Map(version)])),
            ])),
        ),
    ]))
}

/// The structural schema of a type: no references, no `null` types, unknown
/// fields preserved at every level.
fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let root = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    let value = Value::of(&root).expect("a schema is a JSON document");
    structural(&value)
}

fn structural(schema: &Value) -> Value {
    let Some(map) = schema.as_map() else {
        // `true`: anything goes.
        return Value::Map(Map::from_iter([(PRESERVE, true)]));
    };
    // Option<Struct> comes as anyOf [Struct, null].
    if let Some(choices) = map.get("anyOf").and_then(Value::as_seq)
        && let Some(first) = choices.first()
    {
        return structural(first);
    }
    let mut out = Map::new();
    for (key, value) in map.iter() {
        match key {
            "type" => {
                let kind = match value {
                    Value::Seq(kinds) => kinds.first().cloned().unwrap_or_default(),
                    other => other.clone(),
                };
                out.insert("type", kind);
            }
            "properties" => {
                let properties = value.as_map().into_iter().flat_map(Map::iter);
                out.insert(
                    "properties",
                    properties
                        .map(|(name, property)| (name, structural(property)))
                        .collect::<Map>(),
                );
            }
            "items" | "additionalProperties" => {
                out.insert(key, structural(value));
            }
            "description" | "enum" => {
                out.insert(key, value.clone());
            }
            "format" if matches!(value.as_str(), Some("int32" | "int64" | "double")) => {
                out.insert(key, value.clone());
            }
            // Phases and codes: an enum with documented variants.
            "oneOf" => {
                let values = value.as_seq().unwrap_or_default().iter();
                let names: Vec<Value> = values
                    .filter_map(|one| {
                        one.get("const")
                            .or_else(|| one.get("enum")?.as_seq()?.first())
                    })
                    .cloned()
                    .collect();
                out.insert("type", "string");
                out.insert("enum", names);
            }
            // Defaults and required fields are the agent's to judge: an
            // Application that lacks one gets a condition, not a rejection.
            _ => {}
        }
    }
    let is_object = out.get("type").and_then(Value::as_str) == Some("object");
    let typed = out.contains_key("type");
    if !typed || (is_object && !out.contains_key("additionalProperties")) {
        out.insert(PRESERVE, true);
    }
    Value::Map(out)
}
