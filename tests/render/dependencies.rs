//! The charts that a chart of a repository asks for: from beside it, from
//! charts/, or as a need that the shell meets.

use crate::support::Still;
use crate::tgz;
use drupelet::app::Source;
use drupelet::helm::Need;
use drupelet::kustomize::Nothing;
use drupelet::render::{Capabilities, Limits, Outcome, Request, render};
use drupelet::tree::MemoryTree;
use std::collections::BTreeMap;

/// A line for each object, `needs NAME VERSION from REPOSITORY` or
/// `warning: TEXT`; or the error.
fn told(files: &[(&str, &str)], pulled: &[(&str, Vec<u8>)]) -> Result<Vec<String>, String> {
    let files = files.iter();
    let tree = MemoryTree {
        files: files
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect(),
    };
    let source = Source {
        repo_url: "https://git.example/x.git".to_owned(),
        path: "apps/main".to_owned(),
        ..Source::default()
    };
    let charts = |need: &Need| {
        let Need::Chart { name, version, .. } = need;
        let wanted = format!("{name} {version}");
        let found = pulled.iter().find(|(which, _)| *which == wanted);
        found.map(|(_, bytes)| bytes.clone())
    };
    let outcome = render(&Request {
        application: "main",
        name: "main",
        namespace: "spaces",
        project: "default",
        source: &source,
        revision: "0123",
        tree: &tree,
        archive: None,
        references: &BTreeMap::new(),
        capabilities: &Capabilities {
            kube_version: "v1.34.1".to_owned(),
            api_versions: Vec::new(),
        },
        host: &Still,
        charts: &charts,
        remotes: &Nothing,
        lookups: None,
        limits: Limits::default(),
    })
    .map_err(|error| error.to_string())?;
    Ok(match outcome {
        Outcome::Needs(needs) => needs
            .iter()
            .map(|need| {
                let drupelet::render::Need::Chart(Need::Chart {
                    repository,
                    name,
                    version,
                }) = need
                else {
                    panic!("no kustomization is rendered here");
                };
                format!("needs {name} {version} from {repository}")
            })
            .collect(),
        Outcome::Rendered(manifests) => {
            let objects = manifests.objects.iter().map(|located| {
                let data = located.object.at(&["data", "a"]);
                let text = data.and_then(|value| value.as_str()).unwrap_or_default();
                format!("{} {text}", located.object.name())
            });
            let warnings = manifests.warnings.iter().map(|w| format!("warning: {w}"));
            objects.chain(warnings).collect()
        }
    })
}

fn config(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: '{{{{ .Chart.Version }}}}'}}\n"
    )
}

fn yaml(name: &str, version: &str, dependencies: &[&str]) -> String {
    let mut text = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    if !dependencies.is_empty() {
        text.push_str("dependencies:\n");
    }
    for dependency in dependencies {
        text.push_str(&format!("- {dependency}\n"));
    }
    text
}

fn packed(name: &str, version: &str) -> Vec<u8> {
    tgz::packed(&[
        (&format!("{name}/Chart.yaml"), &yaml(name, version, &[])),
        (&format!("{name}/templates/a.yaml"), &config(name)),
    ])
}

#[track_caller]
fn check(files: &[(&str, &str)], pulled: &[(&str, Vec<u8>)], expected: &[&str]) {
    let found = told(files, pulled).expect("it renders");
    assert_eq!(found, expected);
}

#[test]
fn charts_beside_the_chart_bring_those_beside_them() {
    let main = yaml(
        "main",
        "1.0.0",
        &["{name: lib, version: 1.x, repository: 'file://../../libs/lib'}"],
    );
    let lib = yaml(
        "lib",
        "1.2.0",
        &["{name: base, version: '*', repository: 'file://../base/'}"],
    );
    let files = [
        ("apps/main/Chart.yaml", main.as_str()),
        ("libs/lib/Chart.yaml", &lib),
        ("libs/lib/templates/a.yaml", &config("lib")),
        ("libs/base/Chart.yaml", &yaml("base", "0.1.0", &[])),
        ("libs/base/templates/a.yaml", &config("base")),
    ];
    check(&files, &[], &["base 0.1.0", "lib 1.2.0"]);
}

#[test]
fn charts_that_ask_for_each_other_end() {
    let main = yaml(
        "main",
        "1.0.0",
        &["{name: other, version: '*', repository: 'file://../other'}"],
    );
    let other = yaml(
        "other",
        "1.0.0",
        &["{name: main, version: '*', repository: 'file://../main'}"],
    );
    let files = [
        ("apps/main/Chart.yaml", main.as_str()),
        ("apps/other/Chart.yaml", &other),
    ];
    let error = told(&files, &[]).expect_err("it has no end");
    assert!(
        error.contains("more file:// charts within each other than are allowed"),
        "{error}"
    );
}

#[test]
fn a_chart_beside_leads_nowhere_out_of_the_repository() {
    let main = yaml(
        "main",
        "1.0.0",
        &["{name: lib, version: '*', repository: 'file://../../../../etc'}"],
    );
    let error = told(&[("apps/main/Chart.yaml", main.as_str())], &[]);
    error.expect_err("it is not in the repository");
}

#[test]
fn what_is_stale_or_absent_is_needed_and_then_used() {
    let main = yaml(
        "main",
        "1.0.0",
        &[
            "{name: absent, version: 2.x, repository: 'https://charts.example'}",
            "{name: stale, version: 2.0.0, repository: 'oci://charts.example/team'}",
            "{name: fresh, version: 1.x, repository: 'https://charts.example'}",
            "{name: idle, version: 1.x, repository: 'https://charts.example', condition: idle.enabled}",
        ],
    );
    let files = [
        ("apps/main/Chart.yaml", main.as_str()),
        ("apps/main/values.yaml", "idle: {enabled: false}\n"),
        (
            "apps/main/charts/stale/Chart.yaml",
            &yaml("stale", "1.0.0", &[]),
        ),
        ("apps/main/charts/stale/templates/a.yaml", &config("stale")),
        (
            "apps/main/charts/fresh/Chart.yaml",
            &yaml("fresh", "1.5.0", &[]),
        ),
        ("apps/main/charts/fresh/templates/a.yaml", &config("fresh")),
    ];
    check(
        &files,
        &[],
        &[
            "needs absent 2.x from https://charts.example",
            "needs stale 2.0.0 from oci://charts.example/team",
        ],
    );
    check(
        &files,
        &[
            ("absent 2.x", packed("absent", "2.3.0")),
            ("stale 2.0.0", packed("stale", "2.0.0")),
        ],
        &[
            "absent 2.3.0",
            "fresh 1.5.0",
            "stale 2.0.0",
            "warning: main: charts/ holds stale 1.0.0, but 2.0.0 is asked for: that one is used",
        ],
    );
}

#[test]
fn one_chart_in_two_versions_under_two_names() {
    let main = yaml(
        "main",
        "1.0.0",
        &[
            "{name: web, version: 1.0.0, repository: 'https://charts.example', alias: old}",
            "{name: web, version: 2.0.0, repository: 'https://charts.example', alias: new}",
        ],
    );
    let files = [("apps/main/Chart.yaml", main.as_str())];
    let found = told(
        &files,
        &[
            ("web 1.0.0", packed("web", "1.0.0")),
            ("web 2.0.0", packed("web", "2.0.0")),
        ],
    );
    let mut found = found.expect("both render");
    found.sort();
    assert_eq!(found, ["web 1.0.0", "web 2.0.0"]);
}

#[test]
fn a_version_that_nobody_asked_for_is_never_rendered() {
    let main = yaml(
        "main",
        "1.0.0",
        &["{name: lib, version: 2.x, repository: 'file://../lib'}"],
    );
    let files = [
        ("apps/main/Chart.yaml", main.as_str()),
        ("apps/lib/Chart.yaml", &yaml("lib", "1.0.0", &[])),
    ];
    assert_eq!(
        told(&files, &[]).expect_err("1.0.0 is not 2.x"),
        "main: Chart.yaml asks for lib 2.x, but apps/main/../lib holds version 1.0.0"
    );
    let main = yaml("main", "1.0.0", &["{name: lib, version: 2.x}"]);
    let vendored = yaml("lib", "1.0.0", &[]);
    for files in [
        vec![("apps/main/Chart.yaml", main.as_str())],
        vec![
            ("apps/main/Chart.yaml", main.as_str()),
            ("apps/main/charts/lib/Chart.yaml", &vendored),
        ],
    ] {
        assert_eq!(
            told(&files, &[]).expect_err("there is no 2.x"),
            "main: Chart.yaml asks for lib 2.x without a repository, and charts/ does not hold it; put it there, or write its repository into Chart.yaml"
        );
    }
}
