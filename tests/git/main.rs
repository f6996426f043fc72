//! Git: local clones, folders, and the cache against real servers.

mod lfs;
mod local;
mod remote;
mod signed;
mod ssh;
mod submodules;

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;
