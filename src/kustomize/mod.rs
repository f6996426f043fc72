//! Kustomize: what a kustomization makes of its resources, as `kustomize
//! build` 5.8 prints it.
//!
//! Invariant: pure. Nothing here starts a process or leaves the snapshot;
//! what has to be fetched (a chart, a remote base) is returned as a need.

pub mod id;

pub mod schema;

pub mod patch;
