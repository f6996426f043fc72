//! Sources rendered to objects.

#[path = "../support/program.rs"]
mod program;
mod support;

mod application;
mod dependencies;
mod directory;
