//! The maintainer's scripts of the Debian package.

use crate::root;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// A script, on a machine that `uname -m` says to be this one.
fn run(script: &str, machine: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let uname = folder.path().join("uname");
    std::fs::write(&uname, format!("#!/bin/sh\necho {machine}\n")).expect("it is writable");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&uname, executable).expect("it is ours");
    Command::new("sh")
        .arg(root().join("cross/deb").join(script))
        .arg("install")
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", Path::display(folder.path())),
        )
        .output()
        .expect("a shell is there")
}

#[test]
fn boards_with_armv6_are_refused_before_anything_is_unpacked() {
    let refused = run("preinst", "armv6l");
    assert!(!refused.status.success());
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(
        words,
        "drupelet needs an ARMv7 processor or later, and this board has ARMv6 \
         (Raspberry Pi 1, Zero, Zero W): it would end with an illegal instruction. \
         Nothing was installed.\n"
    );
    // A 64-bit kernel under a 32-bit system says aarch64.
    for machine in ["armv7l", "aarch64", "x86_64"] {
        let allowed = run("preinst", machine);
        assert!(allowed.status.success() && allowed.stderr.is_empty());
    }
}
