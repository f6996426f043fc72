//! The embedded API server; shares no code with kube, diff and agent.

pub mod schema;

pub mod decode;

pub mod defaults;

pub mod apply;

pub mod patch;
