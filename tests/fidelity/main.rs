//! The sandbox against what the real API server does.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

mod random;
mod sequence;

mod answer;
mod server;

mod differential;
mod kinds_of_sandbox;
mod served;
