//! The Kubernetes client against scripted servers, and against a real API
//! server where there is one.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

mod config;
mod harm;
mod real;
mod requests;
mod watches;
