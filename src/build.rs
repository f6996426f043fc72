//! Where the C library compares byte by byte, `compare.c` is linked in its place.
//!
//! Where the program is linked against the C library of the system, it is linked
//! to a fixed address, as `cross/build`'s and Go's are: else the loader writes
//! 0.75 MB of addresses at each start, pages that no other file backs any more.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let is_static = var("CARGO_CFG_TARGET_FEATURE")
        .is_ok_and(|features| features.split(',').any(|name| name == "crt-static"));
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_gnu && !is_static {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    if is("CARGO_CFG_TARGET_ENV", "musl") {
        println!("cargo::rerun-if-changed=src/compare.c");
        cc::Build::new()
            .file("src/compare.c")
            // Else clang makes calls of memcmp out of it.
            .flags(["-ffreestanding", "-fno-builtin"])
            .opt_level(2)
            .compile("compare");
    }
}
