//! The real tools that outputs are held against.

use std::path::{Path, PathBuf};

/// A program that `.ci/run oracles` builds, or one of the same name on PATH;
/// `None`, with a line that says so, where there is neither. With `DRUPELET_ORACLE`
/// that is a failure.
pub fn program(name: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("DRUPELET_CACHE").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/drupelet"));
    let kept = cache.or(home).map(|cache| cache.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = kept
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("DRUPELET_ORACLE").is_none(),
            "no {name}: run .ci/run oracles"
        );
        println!("not run: no {name}: run .ci/run oracles");
    }
    found
}
