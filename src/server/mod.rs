//! HTTP for operators: metrics, health, webhooks.
//!
//! Invariant: it reads what the agent's handle offers and sends triggers;
//! nothing here touches an application's state.

mod forge;
mod listen;
mod metrics;
mod subject;
mod webhook;

pub use listen::Server;
pub use subject::{Leadership, Subject};
