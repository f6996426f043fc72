//! What a request's object is once the server has read it: built-in kinds go
//! through their Go types, custom resources through their schema.
//!
//! Invariant: what comes out is in the form in which the server prints it.

mod duplicates;
mod go;
mod quantity;

mod internal;

mod custom;

pub use custom::{default_custom, drop_nulls, prune_custom};
pub use duplicates::duplicate_fields;
pub use internal::{number_template, through_internal};
pub use quantity::{FORMAT_FAULT, Quantity};

use crate::sandbox::schema::{Schema, Shape};
use crate::value::{Map, Value};

/// Objects nested deeper are refused.
const MAX_DEPTH: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("exceeded max depth")]
    TooDeep,
    /// In Go's words.
    #[error("{0}")]
    Text(String),
}

/// An object as the server sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    pub object: Value,
    /// `unknown field "spec.foo"`: warnings, or the error of a strict request.
    pub strict: Vec<String>,
}

/// Reads an object of a built-in kind: unknown fields go, numbers, times and
/// quantities take one form, empty fields are what Go prints for them.
pub fn decode(schema: &Schema, object: &Value) -> Result<Decoded, DecodeError> {
    let mut decoder = go::Decoder::new(schema);
    let read = decoder.value(schema.root(), object)?;
    Ok(Decoded {
        object: read.unwrap_or_default(),
        strict: decoder.strict,
    })
}

/// Reads the metadata of a custom resource, which has the type of all others'.
pub fn custom_metadata(schema: &Schema, object: &mut Value) -> Result<Vec<String>, DecodeError> {
    let root = schema.struct_of(schema.root());
    let Some(field) = root.and_then(|fields| fields.field("metadata")) else {
        return Ok(Vec::new());
    };
    let Some(metadata) = object
        .as_map_mut()
        .and_then(|root| root.get_mut("metadata"))
    else {
        return Ok(Vec::new());
    };
    let mut decoder = go::Decoder::below(schema, "metadata");
    *metadata = decoder
        .value(&field.node, metadata)?
        .unwrap_or_else(|| Value::Map(Map::new()));
    Ok(decoder.strict)
}

/// As it comes back from the store, which knows no empty list or map.
pub fn stored(schema: &Schema, object: &Value) -> Value {
    go::without_empties(schema, schema.root(), object)
}

/// The object of a kind of which nothing is set.
pub fn empty_object(schema: &Schema, api_version: &str, kind: &str) -> Value {
    let mut object = match schema.root().shape {
        Shape::Struct { .. } if schema.is_builtin() => go::zero_object(schema),
        _ => Value::Map(Map::new()),
    };
    if let Some(map) = object.as_map_mut() {
        map.insert("apiVersion", api_version);
        map.insert("kind", kind);
    }
    object
}
