//! A tree, a source and capabilities to objects, warnings, needs and inputs.

pub mod directory;
