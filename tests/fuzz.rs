//! The corpora of the fuzz targets, fed to the same entries: what a fuzzer
//! once found stays mended. `fuzz/run` looks for more.

#[path = "../fuzz/entries/mod.rs"]
mod entries;

use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it is readable").path())
        .collect();
    files.sort();
    files
}

#[test]
fn corpora_are_digested() {
    for (target, entry) in entries::TARGETS {
        let cases = files(&folder().join("corpus").join(target));
        assert!(!cases.is_empty(), "{target} has no corpus");
        for case in cases {
            let bytes = fs::read(&case).expect("a case is readable");
            // A panic names the case.
            eprintln!("{}", case.display());
            entry(&bytes);
        }
    }
}

#[test]
fn every_target_is_replayed() {
    let targets: Vec<String> = files(&folder().join("fuzz_targets"))
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let mut replayed: Vec<&str> = entries::TARGETS.iter().map(|(name, _)| *name).collect();
    replayed.sort_unstable();
    assert_eq!(targets, replayed);
}
