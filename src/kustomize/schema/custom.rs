//! Reads an OpenAPI v2 document that a kustomization names.

use super::{Kind, Origin, Reference, Schema, Type};
use crate::object::Gvk;
use crate::value::{Value, yaml};
use std::collections::HashMap;

/// What the document says.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// By name, so that references find them.
    pub names: HashMap<Box<str>, u32>,
    pub types: Vec<Type>,
    kinds: HashMap<Gvk, Kind>,
}

const GVK: &str = "x-kubernetes-group-version-kind";
const STRATEGY: &str = "x-kubernetes-patch-strategy";
const MERGE_KEY: &str = "x-kubernetes-patch-merge-key";
const MAP_KEYS: &str = "x-kubernetes-list-map-keys";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error("invalid schema file: {0}")]
    Text(String),
    #[error("invalid schema file: {place}: {what} must be a {wanted}, not a {found}")]
    Kind {
        place: String,
        what: &'static str,
        wanted: &'static str,
        found: &'static str,
    },
}

impl Schema {
    /// The types of an OpenAPI document in JSON or YAML; they take the place
    /// of the built-in ones.
    pub fn custom(text: &str) -> Result<Schema, SchemaError> {
        let wrong = |cause: String| SchemaError::Text(cause);
        let document = if text.starts_with('{') {
            Value::from_json(text.as_bytes()).map_err(|cause| wrong(cause.to_string()))?
        } else {
            yaml::parse_one(text).map_err(|cause| wrong(cause.to_string()))?
        };
        let mut schema = Document::default();
        expect(&document, "the document", "document", "mapping")?;
        if let Some(definitions) = document.get("definitions") {
            expect(definitions, "the document", "definitions", "mapping")?;
            for (name, definition) in definitions.as_map().into_iter().flat_map(|map| map.iter()) {
                schema.definition(name, definition)?;
            }
        }
        if let Some(paths) = document.get("paths") {
            expect(paths, "the document", "paths", "mapping")?;
            for (path, item) in paths.as_map().into_iter().flat_map(|map| map.iter()) {
                schema.path(path, item);
            }
        }
        Ok(Schema(Origin::Custom(schema)))
    }
}

impl Document {
    pub fn kind(&self, gvk: &Gvk) -> Option<Kind> {
        self.kinds.get(gvk).copied()
    }

    fn definition(&mut self, name: &str, definition: &Value) -> Result<(), SchemaError> {
        let found = read(name, definition)?;
        let number = self.types.len() as u32;
        self.types.push(found);
        self.names.insert(name.into(), number);
        for entry in definition.get(GVK).and_then(Value::as_seq).unwrap_or(&[]) {
            if let Some(key) = kind_of(entry) {
                self.kinds.entry(key).or_default().definition = Some(number);
            }
        }
        Ok(())
    }

    /// A kind is in a namespace if one of the paths that it is read at is.
    fn path(&mut self, path: &str, item: &Value) {
        let Some(key) = item.at(&["get", GVK]).and_then(kind_of) else {
            return;
        };
        let kind: &mut Kind = self.kinds.entry(key).or_default();
        if path.contains("namespaces/{namespace}") {
            kind.is_namespaced = Some(true);
        } else {
            kind.is_namespaced.get_or_insert(false);
        }
    }
}

fn kind_of(entry: &Value) -> Option<Gvk> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let (version, kind) = (text("version")?, text("kind")?);
    Some(Gvk::new(text("group").unwrap_or_default(), version, kind))
}

fn read(place: &str, schema: &Value) -> Result<Type, SchemaError> {
    expect(schema, place, "schema", "mapping")?;
    let mut found = Type::default();
    if let Some(reference) = schema.get("$ref") {
        expect(reference, place, "$ref", "string")?;
        let reference = reference.as_str().unwrap_or_default();
        let name = reference
            .strip_prefix("#/definitions/")
            .unwrap_or(reference);
        found.reference = Some(Reference::Name(name.replace("~1", "/").into()));
    }
    if let Some(properties) = schema.get("properties") {
        expect(properties, place, "properties", "mapping")?;
        for (name, field) in properties.as_map().into_iter().flat_map(|map| map.iter()) {
            let field = read(&format!("{place}.{name}"), field)?;
            found.fields.push((name.into(), field));
        }
    }
    if let Some(rest @ Value::Map(_)) = schema.get("additionalProperties") {
        found.rest = Some(Box::new(read(place, rest)?));
    }
    if let Some(items @ Value::Map(_)) = schema.get("items")
        && is_array(schema)
    {
        found.items = Some(Box::new(read(place, items)?));
    }
    found.merge = merge_keys(place, schema)?;
    Ok(found)
}

fn is_array(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::Str(name)) => name == "array",
        Some(Value::Seq(names)) => matches!(&names[..], [Value::Str(name)] if name == "array"),
        _ => false,
    }
}

fn merge_keys(place: &str, schema: &Value) -> Result<Option<Vec<Box<str>>>, SchemaError> {
    let Some(strategy) = schema.get(STRATEGY) else {
        return Ok(None);
    };
    expect(strategy, place, STRATEGY, "string")?;
    let strategy = strategy.as_str().unwrap_or_default();
    if !strategy.split(',').any(|word| word == "merge") {
        return Ok(None);
    }
    if let Some(keys) = schema.get(MAP_KEYS) {
        expect(keys, place, MAP_KEYS, "sequence")?;
        let keys = keys.as_seq().unwrap_or(&[]).iter();
        let keys = keys.map(|key| {
            expect(key, place, MAP_KEYS, "string")?;
            Ok(key.as_str().unwrap_or_default().into())
        });
        return Ok(Some(keys.collect::<Result<_, _>>()?));
    }
    let Some(key) = schema.get(MERGE_KEY) else {
        return Ok(Some(Vec::new()));
    };
    expect(key, place, MERGE_KEY, "string")?;
    Ok(Some(vec![key.as_str().unwrap_or_default().into()]))
}

fn expect(
    value: &Value,
    place: &str,
    what: &'static str,
    wanted: &'static str,
) -> Result<(), SchemaError> {
    if value.kind() == wanted {
        return Ok(());
    }
    Err(SchemaError::Kind {
        place: place.to_owned(),
        what,
        wanted,
        found: value.kind(),
    })
}
