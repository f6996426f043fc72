//! Flags of `helm template`, as a script would give them to both.

use std::process::{Command, Output};

fn render(more: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let chart = folder.path().join("app");
    std::fs::create_dir_all(chart.join("templates")).expect("made");
    let yaml = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
    std::fs::write(chart.join("Chart.yaml"), yaml).expect("written");
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n";
    std::fs::write(chart.join("templates/a.yaml"), config).expect("written");
    Command::new(env!("CARGO_BIN_EXE_drupelet"))
        .args(["render", "helm", "release"])
        .arg(&chart)
        .args(more)
        .output()
        .expect("the program starts")
}

#[test]
fn flags_that_print_nothing_else_are_taken() {
    let plain = render(&[]);
    assert!(plain.status.success());
    let flags = [
        "--dry-run",
        "--create-namespace",
        "--devel",
        "--replace",
        "--wait",
        "--wait-for-jobs",
        "--server-side=false",
        "--timeout",
        "5m",
        "--description",
        "x",
        "-l",
        "a=b",
        "--kubeconfig",
        "/nowhere",
        "--kube-context",
        "none",
        "--take-ownership",
    ];
    let flagged = render(&flags);
    assert_eq!(String::from_utf8_lossy(&flagged.stderr), "");
    assert_eq!(flagged.stdout, plain.stdout);
}

#[test]
fn flags_that_would_ask_a_cluster_or_the_network_are_refused() {
    for flags in [
        &["--validate"][..],
        &["--dry-run=server"],
        &["--repo", "https://charts.example"],
        &["--dependency-update"],
        &["--enable-dns"],
        &["--post-renderer", "x"],
        &["--verify"],
    ] {
        let output = render(flags);
        assert!(!output.status.success(), "{flags:?}");
        assert!(output.stdout.is_empty(), "{flags:?}");
    }
}
