//! Triggers, queue, budget, and the shell that carries out effects.
