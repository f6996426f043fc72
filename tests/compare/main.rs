//! `src/compare.c` beside the memcmp of the C library at hand.

use std::path::Path;
use std::process::Command;

#[test]
fn it_orders_as_the_c_library_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder for the program");
    let program = folder.path().join("compare");
    // What builds mimalloc and Lua builds this.
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let built = Command::new(compiler)
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-o"])
        .arg(&program)
        .arg(root.join("tests/compare/both.c"))
        .status()
        .expect("a C compiler");
    assert!(built.success());
    let output = Command::new(&program).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(text, "183904 comparisons\n");
}
