//! The Kubernetes client against scripted servers, the sandbox, and a real API
//! server where there is one.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

mod clusters;
mod config;
mod harm;
mod requests;
mod watches;
