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
mod handover;
mod ignore;
mod jq;
mod owned;
mod respect;
mod tracking;
mod undeclared;

pub use adopt::{adoption_patch, seizing_patch};
pub use change::{Change, changes, mask_secret, scrub};
pub use desired::{Scope, prepare};
pub use handover::{ARGOCD_MANAGER, Applier, Step, hand_back_step, take_over_step};
pub use ignore::{IgnoreRules, check_rules};
pub use jq::{Jq, JqError, compile_jq};
pub use owned::{Digest, agrees, content_digest, digest_of, owned_digest};
pub use respect::respect;
pub use tracking::{Tracking, TrackingMethod, tracked_by, tracking_id};
pub use undeclared::without_undeclared;
