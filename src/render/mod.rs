//! From a tree, a source and capabilities to objects, warnings, needs and
//! the inputs that were read.
//!
//! Invariant: pure. What a render wants from outside (a chart to pull) it
//! returns as a need; the caller fetches it and renders again.

mod request;

mod overrides;

mod environment;

mod source;

pub mod directory;

mod jsonnet;

mod chart;

mod kustomize;

mod error;

mod inputs;

mod lookup;

pub use crate::kustomize::Need;
pub use error::{RenderError, describe};
pub use inputs::Inputs;
pub use jsonnet::Evaluation;
pub use lookup::Answers;
pub use request::{Capabilities, Limits, Located, Manifests, Outcome, Request, SourceType};
pub use source::render;
