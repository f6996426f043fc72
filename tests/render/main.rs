//! Sources rendered to objects.

mod directory;
