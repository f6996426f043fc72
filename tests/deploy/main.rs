//! `deploy/`: what it renders to by drupelet and by the original tools, and
//! what API servers say of it. After a change of the chart or of the CRDs'
//! types, `DRUPELET_RECORD=1 cargo test --test deploy` writes the files that
//! follow from them.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

mod rendered;

mod cluster;

mod account;

mod pod;

mod rbac;

use drupelet::kube::{Client, Config};
use drupelet::object::Object;
use drupelet::value::yaml;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Values of the chart for each profile, and the overlay that says the same.
pub const PROFILES: &[(&[&str], &str)] = &[
    (&[], "base"),
    (&["kind=Deployment"], "deployment"),
    (&["sharding=true"], "sharded"),
    (
        &["rbac.profile=namespaced", "rbac.namespaces={default}"],
        "namespaced",
    ),
    (
        &["rbac.profile=impersonating", "rbac.namespaces={default}"],
        "impersonating",
    ),
    (&["kind=Deployment", "rbac.profile=read-only"], "read-only"),
];

/// As whom a kubeconfig says.
pub fn client_of(kubeconfig: &Path) -> Client {
    let config = Config::find(Some(kubeconfig), None, &|_| None);
    Client::new(config.expect("the kubeconfig is sound")).expect("the settings are sound")
}

pub fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(path)
}

/// The arguments of `helm template` and of `drupelet render helm` for the
/// chart with these values.
pub fn chart_arguments(values: &[&str]) -> Vec<String> {
    let chart = deploy("chart").display().to_string();
    let mut arguments = ["drupelet", &chart, "--namespace", "argocd"]
        .map(str::to_owned)
        .to_vec();
    arguments.push("--include-crds".to_owned());
    for value in ["namespace.create=true"].iter().chain(values) {
        arguments.extend(["--set".to_owned(), (*value).to_owned()]);
    }
    arguments
}

/// What drupelet prints for these arguments.
#[track_caller]
pub fn drupelet(arguments: &[&str], more: &[String]) -> String {
    printed(
        Command::new(env!("CARGO_BIN_EXE_drupelet"))
            .args(arguments)
            .args(more),
    )
}

#[track_caller]
pub fn printed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {words}");
    String::from_utf8(output.stdout).expect("manifests are UTF-8")
}

/// The objects of a stream of documents, in its order.
#[track_caller]
pub fn objects(text: &str) -> Vec<Object> {
    let documents = yaml::parse_stream(text).expect("it is YAML").into_iter();
    documents
        .map(|document| Object::new(document.value).expect("it is an object"))
        .collect()
}

/// All objects of a profile, as drupelet renders the chart.
#[track_caller]
pub fn profile(values: &[&str]) -> Vec<Object> {
    objects(&drupelet(&["render", "helm"], &chart_arguments(values)))
}

/// Of the DaemonSet or Deployment.
#[track_caller]
pub fn workload(objects: &[Object]) -> &Object {
    let mut found = objects
        .iter()
        .filter(|object| matches!(object.kind(), "DaemonSet" | "Deployment"));
    found.next().expect("a profile has a workload")
}
