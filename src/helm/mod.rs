//! Helm charts: what `helm template` prints, as a value.
//!
//! Invariant: nothing here fetches. What a chart wants from outside is a
//! [`Need`], the caller brings it and renders again.

mod need;

pub use need::Need;
