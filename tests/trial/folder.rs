//! `drupelet try` on a plain folder, as a newcomer writes one.

use std::fs;
use std::process::{Command, Output};

/// Tries a folder with these files, which stands for `https://git.test/me/it`.
fn try_folder(files: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join("it").join(path);
        let parent = path.parent().expect("it has one");
        fs::create_dir_all(parent).expect("the folder is writable");
        fs::write(path, text).expect("the folder is writable");
    }
    let it = folder.path().join("it");
    Command::new(env!("CARGO_BIN_EXE_drupelet"))
        .arg("try")
        .arg(&it)
        .arg("--map")
        .arg(format!("https://git.test/me/it={}", it.display()))
        .arg("--cache-dir")
        .arg(folder.path().join("cache"))
        .arg("--once")
        .output()
        .expect("the binary starts")
}

const CONFIG: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}";

fn application(repository: &str, project: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: one}}\nspec:\n  \
         project: {project}\n  source: {{repoURL: '{repository}', path: app}}\n  \
         destination: {{name: in-cluster, namespace: default}}\n  syncPolicy: {{automated: {{}}}}\n"
    )
}

#[track_caller]
fn check_synced(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("one    Synced"), "{table}");
}

#[test]
fn projects_of_the_folder_are_there_before_its_applications() {
    let project = "{apiVersion: argoproj.io/v1alpha1, kind: AppProject, metadata: {name: home}, \
         spec: {sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}]}}";
    let application = application("https://git.test/me/it", "home");
    let output = try_folder(&[
        ("app/c.yaml", CONFIG),
        ("apps/one.yaml", &application),
        ("projects/home.yaml", project),
    ]);
    check_synced(&output);
}

#[test]
fn a_repository_named_by_ssh_is_the_one_that_is_mapped_by_https() {
    let application = application("git@git.test:me/it.git", "default");
    let output = try_folder(&[("app/c.yaml", CONFIG), ("one.yaml", &application)]);
    check_synced(&output);
}

#[test]
fn an_applicationset_is_named() {
    let set = "{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, metadata: {name: many}}";
    let application = application("https://git.test/me/it", "default");
    let output = try_folder(&[
        ("app/c.yaml", CONFIG),
        ("one.yaml", &application),
        ("sets/many.yaml", set),
    ]);
    check_synced(&output);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("sets/many.yaml: many: an ApplicationSet"),
        "{told}"
    );
}
