//! HTTP for operators: metrics, health, webhooks.
//!
//! Invariant: it reads what the agent's handle offers and sends triggers;
//! nothing here touches an application's state.

mod forge;
mod listen;
mod memory;
mod metrics;
mod subject;
mod webhook;

pub use listen::Server;
pub use memory::table as memory_table;
pub use subject::{Beside, Subject};
