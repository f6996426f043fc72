//! Sources rendered to objects.

#[path = "../support/program.rs"]
mod program;
mod support;
#[path = "../support/tgz.rs"]
mod tgz;

mod application;
mod dependencies;
mod directory;
