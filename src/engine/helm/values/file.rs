//! Values files: one or more YAML documents, laid over each other.

use crate::value::{Map, Value, yaml};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesFileError {
    #[error("error reading yaml document: {0}")]
    Separator(String),
    #[error("cannot unmarshal yaml document: error converting YAML to JSON: {0}")]
    Yaml(String),
    #[error(
        "cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: \
         json: cannot unmarshal {0} into Go value of type map[string]interface {{}}"
    )]
    NotAMap(&'static str),
}

/// The documents of a values file as one map; later ones win, maps are merged.
pub fn load_values(bytes: &[u8]) -> Result<Map, ValuesFileError> {
    let text = yaml::decode(bytes).map_err(|error| ValuesFileError::Yaml(error.to_string()))?;
    let mut values = Map::new();
    for document in yaml::documents(&text) {
        let document = document.map_err(|e| ValuesFileError::Separator(e.problem))?;
        let value = document
            .parse()
            .map_err(|error| ValuesFileError::Yaml(error.to_string()))?;
        match value {
            Value::Null => {}
            Value::Map(map) => merge_maps(&mut values, map),
            other => return Err(ValuesFileError::NotAMap(json_kind(&other))),
        }
    }
    Ok(values)
}

fn merge_maps(into: &mut Map, from: Map) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Map(old)), Value::Map(new)) => merge_maps(old, new),
            (Some(old), new) => *old = new,
            (None, new) => {
                into.insert(key, new);
            }
        }
    }
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::Seq(_) => "array",
        Value::Map(_) => "object",
    }
}
