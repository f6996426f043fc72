//! A sync: what is applied, pruned and awaited, and in which order.
//!
//! ```text
//! items (desired), prunables (live, no longer desired), settings
//!        │ plan
//!        v
//! tasks sorted by (phase, wave, kind order, name)
//!        │ Sync::step(event) -> effects, until there is an outcome
//!        v
//! dry runs -> for each phase and wave: prune, delete hooks that are due,
//!             apply, await health -> SyncFail hooks after a failure
//! ```
//! Invariant: pure. The shell carries out effects and answers each with one
//! event; a sync that is stepped twice with the same events does the same.

mod item;
mod machine;
mod order;
mod plan;

pub use item::{DeletePolicy, HookKind, Item, ItemError};
pub use machine::{Effect, Event, Outcome, Sync, TaskFault, WAVE_PAUSE_MS};
pub use order::kind_rank;
pub use plan::{Action, Phase, Plan, Prunable, Settings, Task, plan};
