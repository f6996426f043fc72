//! `cross/package`: what a release consists of, made from stand-ins for the
//! binaries, judged by the tools that users unpack it with.

mod artifacts;

#[path = "../support/digest.rs"]
mod digest;

mod scripts;

mod sbom;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Architecture, and Debian's name of it.
pub const ARCHITECTURES: &[(&str, &str)] = &[
    ("aarch64", "arm64"),
    ("armv7", "armhf"),
    ("x86_64", "amd64"),
];
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands for the binary of an architecture.
pub fn stand_in(architecture: &str) -> String {
    format!("#!/bin/sh\necho {architecture}\n")
}

/// Packs all architectures into a folder.
pub fn package(folder: &Path) {
    for (architecture, _) in ARCHITECTURES {
        let path = folder.join(format!("drupelet-{architecture}"));
        std::fs::write(path, stand_in(architecture)).expect("the folder is writable");
    }
    printed(Command::new(root().join("cross/package")).env("DIST", folder));
}

/// One set for all tests of this process; `None`, said in one line, where a
/// tool is missing.
pub fn dist() -> Option<&'static Path> {
    static DIST: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    let folder = DIST.get_or_init(|| {
        for tool in ["python3", "dpkg-deb", "tar", "git"] {
            if Command::new(tool).arg("--version").output().is_err() {
                println!("not run: no {tool} to package with");
                return None;
            }
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        package(folder.path());
        Some(folder)
    });
    Some(folder.as_ref()?.path())
}

pub fn deb(dist: &Path, debian: &str) -> PathBuf {
    dist.join(format!("drupelet_{VERSION}_{debian}.deb"))
}

#[track_caller]
pub fn printed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {words}");
    String::from_utf8(output.stdout).expect("it is UTF-8")
}
