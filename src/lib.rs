//! drupelet, the GitOps agent for Raspberry Pi and edge clusters.
//!
//! The rooms are declared in the order in which a newcomer should read them;
//! `docs/architecture.md` draws them, `tests/tidy.rs` holds who may import whom.

use drupelet_engine::memory;
pub use drupelet_engine::{gotmpl, helm, object, tree, value};

pub mod app;

pub mod kustomize;

pub mod jsonnet;

pub mod render;

pub mod diff;

pub mod health;

pub mod project;

pub mod sync;

pub mod shard;

pub mod http;

pub mod git;

pub mod registry;

pub mod kube;

pub mod agent;

pub mod server;

pub mod sandbox;

pub mod cli;
