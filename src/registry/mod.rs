//! Helm repositories and OCI registries.
//!
//! ```text
//! Charts.resolve(&request, &access) -> Pinned     a version or range, pinned; by index or tags
//! Charts.pull(&pinned, &access)     -> Archive    the .tgz, from the cache by digest if it is there
//! Charts.provenance(&pinned, &access) -> Provenance the .prov beside it, not verified
//! ```
//!
//! Invariants: an archive is handed out only if its digest is what the index
//! or the manifest says. Credentials go to the repository's own origin, and
//! elsewhere only with passCredentials; a registry's token service gets them
//! because the registry names it. Of an index, only the charts that somebody
//! asked for are kept.

mod error;

mod chart;

mod index;
mod repository;

mod challenge;
mod manifest;
mod oci;

mod provenance;

mod store;

pub use chart::{Access, Archive, Charts, Counts, Limits, Pinned, Request};
pub use error::{Error, Fault};
pub use index::{IndexedVersion, MAX_INDEX_BYTES, read_chart as read_index};
pub use provenance::{Provenance, vouched_digest};
