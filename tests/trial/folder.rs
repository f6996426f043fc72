//! `drupelet try` on a plain folder, as a newcomer writes one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

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

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_second_trial_takes_a_cache_of_its_own() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let temporary = home.path().join("tmp");
    fs::create_dir(&temporary).expect("the folder is writable");
    let trial = || {
        let mut trial = Command::new(env!("CARGO_BIN_EXE_drupelet"));
        trial.arg("try").env_clear();
        trial.env("HOME", home.path()).env("TMPDIR", &temporary);
        trial
    };
    let mut first = trial();
    first.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut first = Running(first.spawn().expect("the binary starts"));
    let told = first.0.stderr.take().expect("it is piped");
    // Kept to the end: what it says goes somewhere.
    let mut told = BufReader::new(told).lines();
    let settled = told.by_ref().find(|line| {
        let line = line.as_ref().expect("UTF-8");
        line.starts_with("root") && line.contains("Synced")
    });
    assert!(settled.is_some(), "the first one ended");
    let second = trial().arg("--once").output().expect("the binary starts");
    let told = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(0), "{told}");
    let usual = home.path().join(".cache/drupelet");
    let said = format!("the cache {} is in use: ", usual.display());
    assert!(told.contains(&said), "{told}");
    let left = fs::read_dir(&temporary).expect("the folder is there");
    let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 1, "of the first one alone: {left:?}");
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
