use super::{MAX_OPERATIONS, PatchError};
use crate::value::patch::{Operation, apply_json_patch, json_patch};
use crate::value::{Value, yaml};

/// The operations of a JSON 6902 patch.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPatch(Vec<Operation>);

impl JsonPatch {
    /// Reads a patch from JSON or YAML.
    pub fn parse(text: &str) -> Result<Self, PatchError> {
        let wrong = |cause: String| PatchError::Text(cause);
        let value = if text.starts_with('[') {
            Value::from_json(text.as_bytes()).map_err(|cause| wrong(cause.to_string()))?
        } else {
            yaml::parse_one(text).map_err(|cause| wrong(cause.to_string()))?
        };
        if value.as_seq().is_some_and(|ops| ops.len() > MAX_OPERATIONS) {
            return Err(PatchError::TooManyOperations);
        }
        Ok(JsonPatch(json_patch(&value)?))
    }
}

/// Applies the operations in turn; the first that does not apply ends it.
pub fn json6902(target: &mut Value, patch: &JsonPatch) -> Result<(), PatchError> {
    Ok(apply_json_patch(target, patch.0.clone())?)
}
