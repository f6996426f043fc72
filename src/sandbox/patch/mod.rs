//! The three patches of the API: JSON patch, JSON merge patch, strategic
//! merge patch. Apply is in `apply`.
//!
//! Invariant: an error leaves no half-patched object behind; patches return a
//! new one.

mod json;
mod merge;
mod strategic;

pub use json::json;
pub use merge::merge;
pub use strategic::strategic;

/// Why a patch was refused, in the real server's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// 400: the patch is malformed.
    #[error("{0}")]
    BadRequest(String),
    /// 422: the patch does not fit this object.
    #[error("{0}")]
    Unprocessable(String),
    /// 413
    #[error("{0}")]
    TooLarge(String),
    /// 500: what the real server has no status for.
    #[error("{0}")]
    Other(String),
}
