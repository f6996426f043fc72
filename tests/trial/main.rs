//! `drupelet try` on a Raspberry Pi user's whole cluster, from the corpus:
//! what ends Synced, what fails, and what each failure names.

mod folder;

use drupelet::app::{Application, SyncCode};
use drupelet::object::Object;
use drupelet::value::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const UPSTREAM: &str = "https://github.com/dixneuf19/brassberry-kubernetes-cluster-state";
/// Each in a repository that cannot be reached.
const UNREACHABLE: [(&str, &str); 4] = [
    (
        "descheduler",
        "https://kubernetes-sigs.github.io/descheduler/",
    ),
    (
        "gandi-livedns-updater",
        "https://github.com/dixneuf19/gandi-livedns-updater",
    ),
    (
        "personal-website",
        "https://github.com/dixneuf19/personal-website",
    ),
    ("speedtest-prometheus", "https://k8s-at-home.com/charts/"),
];
/// Each needs a kind that kube-prometheus-stack brings.
const MONITORED: [&str; 3] = ["argo-cd", "arm-exporter", "ingress-nginx"];

struct Trial {
    corpus: PathBuf,
    folder: tempfile::TempDir,
}

impl Trial {
    /// `None`, with a line that says so, without the corpus or git.
    fn new() -> Option<Self> {
        let corpus = std::env::var_os("DRUPELET_CORPUS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
            PathBuf::from,
        );
        let bundle = corpus.join("repos/brassberry-kubernetes-cluster-state.bundle");
        if !bundle.exists() {
            println!("not run: no corpus at {}", corpus.display());
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cloned = Command::new("git")
            .args(["clone", "-q"])
            .arg(&bundle)
            .arg(folder.path().join("clone"))
            .status();
        match cloned {
            Ok(status) => assert!(status.success(), "git clone of the bundle fails"),
            Err(_) => {
                println!("not run: git is not installed");
                return None;
            }
        }
        Some(Trial { corpus, folder })
    }

    /// The Applications as the trial prints them, and its exit code.
    fn run(&self, arguments: &[&str]) -> (BTreeMap<String, Application>, i32) {
        let clone = self.folder.path().join("clone");
        let output = Command::new(env!("CARGO_BIN_EXE_drupelet"))
            .arg("try")
            .arg(&clone)
            .arg("--map")
            .arg(format!("{UPSTREAM}={}", clone.display()))
            .arg("--cache-dir")
            .arg(self.folder.path().join("cache"))
            .args(["--once", "-o", "json"])
            .args(arguments)
            // Nothing is reached, with an internet or without.
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .output()
            .expect("the binary starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        let list =
            Value::from_json(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
        let items = list.get("items").and_then(Value::as_seq).expect("a List");
        let apps = items.iter().map(|item| {
            let object = Object::new(item.clone()).expect("an object");
            let app = Application::read(&object).expect("an Application");
            (app.name.clone(), app)
        });
        (
            apps.collect(),
            output.status.code().expect("it was not killed"),
        )
    }
}

fn synced(apps: &BTreeMap<String, Application>) -> Vec<&str> {
    let synced = apps
        .values()
        .filter(|app| app.status.sync.status == SyncCode::Synced);
    synced.map(|app| app.name.as_str()).collect()
}

fn message(app: &Application) -> String {
    let state = app.status.operation_state.as_ref();
    state.map(|state| state.message.clone()).unwrap_or_default()
}

#[track_caller]
fn check_unreachable(apps: &BTreeMap<String, Application>) {
    for (name, repository) in UNREACHABLE {
        let conditions = &apps[name].status.conditions;
        assert!(
            conditions
                .iter()
                .any(|c| c.kind == "ComparisonError" && c.message.contains(repository)),
            "{name}: {conditions:?}"
        );
    }
}

/// Nothing of the application is in the cluster.
#[track_caller]
fn check_unwritten(app: &Application) {
    assert!(
        !app.status.resources.is_empty(),
        "{}: no resources",
        app.name
    );
    // The agent's own CRDs are there before any application.
    let ours = |name: &str| name.ends_with(".argoproj.io");
    for resource in app.status.resources.iter().filter(|r| !ours(&r.name)) {
        let health = resource
            .health
            .as_ref()
            .map(|health| health.status.as_str());
        assert_eq!(health, Some("Missing"), "{}: {resource:?}", app.name);
    }
}

#[test]
fn a_whole_cluster_settles_with_what_can_be_synced() {
    let Some(trial) = Trial::new() else { return };
    let (apps, code) = trial.run(&["--kube-version", "1.21"]);
    assert_eq!(apps.len(), 20);
    assert_eq!(synced(&apps).len(), 13, "{:?}", synced(&apps));
    assert_eq!(code, 2);
    for name in MONITORED {
        let message = message(&apps[name]);
        assert!(
            message.contains("kind ServiceMonitor of monitoring.coreos.com/v1"),
            "{name}: {message}"
        );
        check_unwritten(&apps[name]);
    }
    check_unreachable(&apps);
}

#[test]
fn the_chart_that_brings_the_kinds_heals_the_others() {
    let Some(trial) = Trial::new() else { return };
    let added = trial.corpus.join("repos/kube-prometheus-stack-app.yaml");
    let added = added.display().to_string();
    let (apps, code) = trial.run(&["--kube-version", "1.21", "--app", &added]);
    assert_eq!(apps.len(), 21);
    assert_eq!(synced(&apps).len(), 17, "{:?}", synced(&apps));
    assert_eq!(code, 2);
    check_unreachable(&apps);
}

#[test]
fn a_newer_release_names_what_it_no_longer_serves() {
    let Some(trial) = Trial::new() else { return };
    let (apps, code) = trial.run(&["--kube-version", "1.34"]);
    assert_eq!(code, 2);
    let gone: [(&str, &[&str]); 3] = [
        ("loki", &["policy/PodSecurityPolicy loki"]),
        (
            "metallb",
            &[
                "metallb.yaml:1: policy/PodSecurityPolicy metallb-system/controller",
                "metallb.yaml:43: policy/PodSecurityPolicy metallb-system/speaker",
            ],
        ),
        (
            "ingress-nginx",
            &[
                "policy/PodDisruptionBudget nginx/ingress-nginx-controller: kind PodDisruptionBudget is not served as policy/v1beta1 (use policy/v1)",
            ],
        ),
    ];
    for (name, objects) in gone {
        let message = message(&apps[name]);
        for object in objects {
            assert!(message.contains(object), "{name}: {message}");
        }
        check_unwritten(&apps[name]);
    }
    // The others that fail do so for the same reasons as on any release.
    let failing = [
        "argo-cd",
        "arm-exporter",
        "ingress-nginx",
        "loki",
        "metallb",
    ];
    let unsynced: Vec<&str> = apps
        .values()
        .filter(|app| app.status.sync.status != SyncCode::Synced)
        .map(|app| app.name.as_str())
        .filter(|name| !UNREACHABLE.iter().any(|(other, _)| other == name))
        .collect();
    assert_eq!(unsynced, failing);
    check_unreachable(&apps);
}
