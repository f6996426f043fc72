//! The agent as a service of systemd: the unit, what systemd is told, and what
//! `drupelet install --systemd` makes.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

mod unit;

mod notify;

mod install;

use std::path::{Path, PathBuf};

pub fn systemd(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("systemd")
        .join(file)
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
