//! HTTP/1.1 before the cluster: connections, requests, answers, watches.
//!
//! Invariant: one thread owns the cluster and borrows it for one request at a
//! time; nothing awaits while it is borrowed.

mod answer;
mod listen;
mod request;
mod route;
mod watch;

pub use answer::{Answer, Body, Form, Include, List};
pub use listen::{Listening, serve};
pub use request::Query;
pub use watch::WatchGrant;
