//! What differs between desired and live objects, by the rules of
//! server-side apply: a field counts when it is ours.
//!
//! The order of the questions, cheapest first:
//! ```text
//! digest of our fields as after the last apply? ── yes ──> no drift
//!   │ no
//! desired, live and managedFields agree leaf by leaf? ── yes ──> no drift
//!   │ no
//! dry-run apply: does the API server's prediction equal live? ──> drift or not
//! ```
//! Invariant: pure; a wrong guess here costs a dry-run, never an apply.

mod adopt;
mod change;
mod desired;
mod ignore;
mod owned;

pub use adopt::adoption_patch;
pub use change::{Change, changes, mask_secret};
pub use desired::{Scope, prepare, tracked_by, tracking_id};
pub use ignore::IgnoreRules;
pub use owned::{Digest, agrees, content_digest, digest_of, owned_digest};
