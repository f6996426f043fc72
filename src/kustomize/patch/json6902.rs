use super::{MAX_OPERATIONS, PatchError};
use crate::value::patch::{Operation, apply_json_patch, json_patch};
use crate::value::yaml::YamlError;
use crate::value::{Value, yaml};

/// The operations of a JSON 6902 patch.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPatch(Vec<Operation>);

impl JsonPatch {
    /// Reads a patch from JSON or YAML.
    pub fn parse(text: &str) -> Result<Self, PatchError> {
        let value = if text.starts_with('[') {
            Value::from_json(text.as_bytes()).map_err(|error| {
                let (line, column, problem) = error.parts();
                PatchError::Text(YamlError {
                    line,
                    column,
                    problem,
                })
            })?
        } else {
            yaml::parse_one(text).map_err(PatchError::Text)?
        };
        if value.as_seq().is_some_and(|ops| ops.len() > MAX_OPERATIONS) {
            return Err(PatchError::TooManyOperations);
        }
        let read = json_patch(&value);
        Ok(JsonPatch(read.map_err(
            |cause| match cause.operation() {
                Some(at) => PatchError::Operation { at, cause },
                None => PatchError::Json(cause),
            },
        )?))
    }
}

/// Applies the operations in turn; the first that does not apply ends it.
pub fn json6902(target: &mut Value, patch: &JsonPatch) -> Result<(), PatchError> {
    let applied = apply_json_patch(target, patch.0.clone());
    applied.map_err(|failed| PatchError::Operation {
        at: failed.at,
        cause: failed.cause,
    })
}
