//! Patches: strategic merge as kyaml does it (yaml/walk, yaml/merge2), and
//! JSON 6902.
//!
//! Invariant: a patch that does not apply says at which place and why; a list
//! that is too long to be merged is an error, since merging is quadratic.

mod strategic;

mod nodes;

mod list;

mod json6902;

pub use json6902::{JsonPatch, json6902};
pub use strategic::strategic_merge;

use crate::value::patch::PatchError as JsonPatchError;
use crate::value::yaml::YamlError;

/// How long a list may be that is merged by keys.
pub const MAX_MERGED_ITEMS: usize = 5_000;

/// How many operations a JSON patch may have.
pub const MAX_OPERATIONS: usize = 10_000;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PatchError {
    #[error("{place}: wrong node kind: expected {expected} but got {found}")]
    Kind {
        place: String,
        expected: &'static str,
        found: &'static str,
    },
    #[error("{place}: unknown patch strategy {found:?}: it must be delete, replace or merge")]
    Strategy { place: String, found: String },
    #[error("{place}: lists of more than {MAX_MERGED_ITEMS} items are not merged")]
    TooLong { place: String },
    #[error("the JSON patch cannot be read: {0}")]
    Text(YamlError),
    #[error("a JSON patch may have at most {MAX_OPERATIONS} operations")]
    TooManyOperations,
    /// An operation, counted from 0, that cannot be read or does not apply.
    #[error("{cause}")]
    Operation { at: usize, cause: JsonPatchError },
    #[error(transparent)]
    Json(JsonPatchError),
}
