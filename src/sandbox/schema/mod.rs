//! What the sandbox knows of kinds: which release serves which resource, and
//! the fields of each, compiled from the documents that Kubernetes publishes
//! (tests/oracle/openapi writes `served.z` and `types.z`), or from a CRD.
//!
//! Fields are those of 1.34 for every release; kinds that it no longer has
//! come from the last release that had them.
//!
//! Invariant: a schema never changes once it is made.

mod release;
mod types;

mod table;

mod custom;

pub use custom::CustomError;
pub use release::{Release, ReleaseError, Resource, Subresource};
pub use types::{Field, ListKind, Node, Schema, Shape, Struct, Types};
