//! HTTP for operators: metrics and health.
//!
//! Invariant: it reads what the agent's handle offers and sends triggers;
//! nothing here touches an application's state.

mod listen;
mod metrics;

pub use listen::Server;
