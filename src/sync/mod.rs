//! Phases, waves, order, hooks, prune: a plan and its state machine.
