//! The command line against the sandbox and a real API server, through the
//! binary, with an agent that carries out what is asked for.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

#[path = "../reconcile/world.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod world;

#[path = "../reconcile/node.rs"]
mod node;

#[path = "../reconcile/process.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod process;

mod actions;
mod app;
mod cluster;
mod command;
mod leader;
mod proj;
mod repo;
mod shard;
