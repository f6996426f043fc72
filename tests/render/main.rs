//! Sources rendered to objects.

mod dependencies;
mod directory;
