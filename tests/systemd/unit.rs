//! The unit as systemd reads it.

use crate::{read, systemd};
use std::path::Path;
use std::process::{Command, Output};

/// The most that `systemd-analyze security` may say; 10 is worst.
const EXPOSURE: f64 = 2.0;

fn analyze(arguments: &[&str], unit: &Path) -> Option<Output> {
    let mut command = Command::new("systemd-analyze");
    let output = command.args(arguments).arg(unit).output();
    if output.is_err() {
        println!("not run: no systemd-analyze");
    }
    output.ok()
}

/// The unit with a program that is there.
fn unit(folder: &Path, change: &dyn Fn(String) -> String) -> std::path::PathBuf {
    let text = read(&systemd("drupelet.service")).replace("/usr/bin/drupelet", "/bin/true");
    let path = folder.join("drupelet.service");
    std::fs::write(&path, change(text)).expect("the folder is writable");
    path
}

#[test]
fn systemd_understands_each_line_of_the_unit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let complaints = |change: &dyn Fn(String) -> String| {
        let path = unit(folder.path(), change);
        let output = analyze(&["verify"], &path)?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        // Of its age, not of the unit: these came with systemd 254.
        let newer =
            |line: &&str| !line.contains("RestartSteps") && !line.contains("RestartMaxDelay");
        let ours = |line: &&str| line.contains("drupelet.service");
        let lines = words.lines().filter(ours).filter(newer);
        Some(lines.map(str::to_owned).collect::<Vec<_>>())
    };
    let Some(found) = complaints(&|text| text) else {
        return;
    };
    assert!(found.is_empty(), "{found:?}");
    let wrong = complaints(&|text| text.replace("MemoryMax=64M", "MemoryMaximum=64M"));
    assert_eq!(wrong.map(|lines| lines.len()), Some(1));
}

#[test]
fn the_unit_is_hardened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = unit(folder.path(), &|text| text);
    let Some(output) = analyze(&["security", "--offline=yes", "--no-pager"], &path) else {
        return;
    };
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let level = words
        .split("exposure level for drupelet.service: ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or_else(|| panic!("{words}{}", String::from_utf8_lossy(&output.stderr)));
    assert!(level <= EXPOSURE, "{words}");
}

#[test]
fn the_unit_limits_and_restarts_the_agent() {
    let text = read(&systemd("drupelet.service"));
    for line in [
        "Type=notify",
        "MemoryMax=64M",
        "CPUWeight=20",
        "CacheDirectory=drupelet",
        "LoadCredential=kubeconfig:/etc/drupelet/kubeconfig",
        "Restart=always",
        "RestartMaxDelaySec=5min",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line}");
    }
}

#[test]
fn systemd_makes_the_user_and_the_folders() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    let option = format!("--root={}", root.display());
    std::fs::create_dir_all(root.join("etc/drupelet")).expect("writable");
    std::fs::write(root.join("etc/drupelet/kubeconfig"), "").expect("writable");
    for (program, file, more) in [
        ("systemd-sysusers", "sysusers", None),
        ("systemd-tmpfiles", "tmpfiles", Some("--create")),
    ] {
        let source = systemd(&format!("drupelet.{file}"));
        let copy = root.join(format!("etc/{file}.d/drupelet.conf"));
        std::fs::create_dir_all(copy.parent().expect("it has one")).expect("writable");
        std::fs::copy(source, &copy).expect("writable");
        let mut command = Command::new(program);
        command.arg(&option).args(more).arg("drupelet.conf");
        let Ok(output) = command.output() else {
            println!("not run: no {program}");
            return;
        };
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program}: {words}");
    }
    let users = read(&root.join("etc/passwd"));
    assert!(users.contains("drupelet:x:"), "{users}");
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &str| {
        let metadata = std::fs::metadata(root.join(path)).expect("it was made");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("etc/drupelet"), 0o700);
    assert_eq!(mode("etc/drupelet/kubeconfig"), 0o600);
}
