//! What Chart.yaml and Chart.lock ask for against what charts/ holds.

use drupelet::gotmpl::{Map, Val};
use drupelet::helm::{Chart, LockState, Need, Requirement, Vendored, requirements};
use drupelet::tree::MemoryTree;

const CHART: &str = r#"apiVersion: v2
name: main
version: 1.0.0
dependencies:
- name: a
  version: ">=1.0.0 <2"
  repository: file://../a
  condition: a.enabled
  tags: [front, "x&y"]
  import-values: [data, {child: c, parent: p}]
- name: b
  alias: bee
  version: 1.x
  repository: file://../b
"#;

/// Written by `helm dependency update` of Helm 4.2.4 for CHART.
const LOCK: &str = r#"dependencies:
- name: a
  repository: file://../a
  version: 1.2.3
- name: b
  repository: file://../b
  version: 1.2.3
digest: sha256:a1609b3620be155d7f435079d089c96b9ee531bc1989f6bba84c26757e416050
generated: "2026-11-22T19:20:00Z"
"#;

fn chart(files: &[(&str, &str)]) -> Chart {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let tree = MemoryTree {
        files: files.collect(),
    };
    Chart::from_tree(&tree, "").expect("the chart loads")
}

fn yaml(name: &str, version: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: {version}\n")
}

fn states(chart: &Chart, values: &Map) -> Vec<String> {
    let all = requirements(chart, values);
    let lines = all.requirements.iter().map(|r| {
        let state = match &r.vendored {
            Vendored::Matching { version } => format!("matching {version}"),
            Vendored::Stale { version } => format!("stale {version}"),
            Vendored::Missing => "missing".to_owned(),
        };
        let disabled = if r.is_disabled { " disabled" } else { "" };
        let needed = if r.need().is_some() { " needed" } else { "" };
        format!("{} {}: {state}{disabled}{needed}", r.name, r.wanted())
    });
    lines.collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], lock: LockState, expected: &[&str]) {
    let chart = chart(files);
    assert_eq!(requirements(&chart, &Map::new()).lock, lock);
    assert_eq!(states(&chart, &Map::new()), expected);
}

#[test]
fn absent_without_lock() {
    check(
        &[("Chart.yaml", CHART)],
        LockState::Absent,
        &["a >=1.0.0 <2: missing needed", "b 1.x: missing needed"],
    );
}

#[test]
fn absent_with_lock() {
    check(
        &[("Chart.yaml", CHART), ("Chart.lock", LOCK)],
        LockState::InStep,
        &["a 1.2.3: missing needed", "b 1.2.3: missing needed"],
    );
}

#[test]
fn vendored_and_fresh() {
    check(
        &[
            ("Chart.yaml", CHART),
            ("Chart.lock", LOCK),
            ("charts/a/Chart.yaml", &yaml("a", "1.2.3")),
            ("charts/b/Chart.yaml", &yaml("b", "1.2.3")),
        ],
        LockState::InStep,
        &["a 1.2.3: matching 1.2.3", "b 1.2.3: matching 1.2.3"],
    );
}

#[test]
fn vendored_and_stale_against_the_lock() {
    check(
        &[
            ("Chart.yaml", CHART),
            ("Chart.lock", LOCK),
            ("charts/a/Chart.yaml", &yaml("a", "1.2.2")),
            ("charts/b/Chart.yaml", &yaml("b", "1.2.3")),
        ],
        LockState::InStep,
        &["a 1.2.3: stale 1.2.2 needed", "b 1.2.3: matching 1.2.3"],
    );
}

#[test]
fn vendored_and_stale_against_the_range() {
    check(
        &[
            ("Chart.yaml", CHART),
            ("charts/a/Chart.yaml", &yaml("a", "2.0.0")),
            ("charts/b/Chart.yaml", &yaml("b", "1.9.9")),
        ],
        LockState::Absent,
        &["a >=1.0.0 <2: stale 2.0.0 needed", "b 1.x: matching 1.9.9"],
    );
}

#[test]
fn a_lock_out_of_step_pins_nothing() {
    let raised = CHART.replace(">=1.0.0 <2", ">=1.3.0 <2");
    check(
        &[
            ("Chart.yaml", &raised),
            ("Chart.lock", LOCK),
            ("charts/a/Chart.yaml", &yaml("a", "1.2.3")),
            ("charts/b/Chart.yaml", &yaml("b", "1.5.0")),
        ],
        LockState::OutOfStep,
        &["a >=1.3.0 <2: stale 1.2.3 needed", "b 1.x: matching 1.5.0"],
    );
}

#[test]
fn a_disabled_dependency_is_not_missed() {
    let chart = chart(&[
        ("Chart.yaml", CHART),
        ("values.yaml", "a: {enabled: false}\n"),
    ]);
    let expected = ["a >=1.0.0 <2: missing disabled", "b 1.x: missing needed"];
    assert_eq!(states(&chart, &Map::new()), expected);
    let on = Map::new();
    let enabled = Map::new();
    enabled.insert("enabled", true);
    on.insert("a", Val::Map(enabled));
    assert_eq!(states(&chart, &on)[0], "a >=1.0.0 <2: missing needed");
}

#[test]
fn two_versions_of_one_chart() {
    let text = "apiVersion: v2\nname: main\nversion: 1.0.0\ndependencies:\n\
        - {name: web, version: ^1.0.0, repository: 'https://x'}\n\
        - {name: web, version: ^2.0.0, repository: 'https://x', alias: new}\n";
    check(
        &[
            ("Chart.yaml", text),
            ("charts/one/Chart.yaml", &yaml("web", "1.4.0")),
            ("charts/two/Chart.yaml", &yaml("web", "3.0.0")),
        ],
        LockState::Absent,
        &[
            "web ^1.0.0: matching 1.4.0",
            "web ^2.0.0: stale 1.4.0 needed",
        ],
    );
}

#[test]
fn unlisted_charts_are_told() {
    let chart = chart(&[
        ("Chart.yaml", &yaml("main", "1.0.0")),
        ("charts/old/Chart.yaml", &yaml("left-over", "0.1.0")),
    ]);
    let unlisted = requirements(&chart, &Map::new()).unlisted;
    let expected = ("old".into(), "left-over".into(), "0.1.0".into());
    assert_eq!(unlisted, [expected]);
}

#[test]
fn requirements_of_helm_2_are_read() {
    let chart = chart(&[
        ("Chart.yaml", "name: main\nversion: 1.0.0\n"),
        (
            "requirements.yaml",
            "dependencies: [{name: a, version: 1.0.0, repository: 'http://charts.example'}]\n",
        ),
    ]);
    let need = requirements(&chart, &Map::new()).requirements[0].need();
    let expected = Need::Chart {
        repository: "http://charts.example".to_owned(),
        name: "a".to_owned(),
        version: "1.0.0".to_owned(),
    };
    assert_eq!(need, Some(expected));
}

#[test]
fn a_supplied_chart_takes_the_place_of_the_stale_one() {
    let mut chart = chart(&[
        ("Chart.yaml", CHART),
        ("charts/a/Chart.yaml", &yaml("a", "0.9.0")),
        ("charts/b/Chart.yaml", &yaml("b", "1.0.0")),
    ]);
    let wanted: Requirement = requirements(&chart, &Map::new()).requirements[0].clone();
    let brought = self::chart(&[("Chart.yaml", &yaml("a", "1.7.0"))]);
    chart.supply(&wanted, brought);
    let expected = ["a >=1.0.0 <2: matching 1.7.0", "b 1.x: matching 1.0.0"];
    assert_eq!(states(&chart, &Map::new()), expected);
}

#[test]
fn chart_deps_prints_what_would_be_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write("Chart.yaml", CHART);
    write("Chart.lock", LOCK);
    write("charts/a/Chart.yaml", &yaml("a", "1.2.2"));
    write("charts/left/Chart.yaml", &yaml("left", "0.1.0"));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_drupelet"))
        .args(["chart", "deps"])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    let expected = "\
NAME       WANTED                       CHARTS/   STATE     USED
a          1.2.3 (locked, >=1.0.0 <2)   1.2.2     stale     1.2.3 file://../a
b as bee   1.2.3 (locked, 1.x)                    missing   1.2.3 file://../b
charts/left (left 0.1.0) is not in Chart.yaml; it is rendered all the same.
";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
