//! The sandbox: what it refuses in the words of a real API server, what its
//! watches tell, and how its life goes on.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

mod http;

mod life;
mod refusals;
mod watches;
