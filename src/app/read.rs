use crate::object::Object;
use crate::value::yaml::dotted;
use crate::value::{Map, Value, from_json_line};
use serde::de::DeserializeOwned;

/// Why an object is no Application or AppProject that can be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("{wanted} expected, found {found}")]
    WrongKind { wanted: &'static str, found: String },
    #[error("{field}: {cause}")]
    Field { field: String, cause: String },
}

/// The keys whose nulls mean something: Helm deletes a default by null.
const KEEPS_NULLS: &[&str] = &["valuesObject"];

/// Reads one top-level field of an object as a typed part.
pub(super) fn read_part<T: DeserializeOwned>(
    object: &Object,
    field: &str,
) -> Result<Option<T>, ReadError> {
    let Some(value) = object.at(&[field]) else {
        return Ok(None);
    };
    if value.is_null() {
        return Ok(None);
    }
    let text = without_nulls(value).to_json();
    from_json_line(&text)
        .map(Some)
        .map_err(|misfit| ReadError::Field {
            field: dotted(&misfit.steps, field.to_owned()),
            cause: misfit.cause,
        })
}

/// A null field is an absent one, as for Go's decoder.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| {
                    let kept = if KEEPS_NULLS.contains(&key) {
                        value.clone()
                    } else {
                        without_nulls(value)
                    };
                    (key, kept)
                })
                .collect::<Map>(),
        ),
        Value::Seq(items) => Value::Seq(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
