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

/// Helm takes 1,000 includes within one another; a build for debugging has room
/// for a part of them.
#[test]
fn includes_may_go_deep() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let chart = folder.path().join("app");
    std::fs::create_dir_all(chart.join("templates")).expect("made");
    let yaml = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
    std::fs::write(chart.join("Chart.yaml"), yaml).expect("written");
    let deep = r#"{{- define "r" -}}{{- range $i, $e := list 1 -}}{{- if true -}}{{- with $ -}}
      {{- if gt (int .n) 0 -}}{{- include "r" (dict "n" (sub (int .n) 1)) | trim -}}{{- end -}}
      {{- end -}}{{- end -}}{{- end -}}{{- end -}}
a: {{ include "r" (dict "n" .Values.n) | quote }}
"#;
    std::fs::write(chart.join("templates/a.yaml"), deep).expect("written");
    let render = |depth: &str| {
        Command::new(env!("CARGO_BIN_EXE_drupelet"))
            .args(["render", "helm", "release", "--set", depth])
            .arg(&chart)
            .output()
            .expect("the program starts")
    };
    let output = render("n=300");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "---\n# Source: app/templates/a.yaml\na: \"\"\n",
        "{output:?}"
    );
    let output = render("n=2000");
    let said = String::from_utf8_lossy(&output.stderr);
    let wanted = "rendering template has a nested reference name: r: unable to execute template";
    assert!(said.contains(wanted), "{said}");
}
