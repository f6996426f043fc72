//! Kustomizations of our own. `cases/TOPIC.txtar` holds many: each begins with
//! `=== name`, its files stand behind `-- path --`, and `app` is built, or the
//! root where there is no such folder. `with: name` takes over the files of an
//! earlier case; one whose name begins with `_` is there for that alone. `cases/TOPIC.out` holds what kustomize
//! printed for each, or the error that it ended with: ours has to be one then,
//! and holds the words behind `names: ` of the case.
//! `KUSTOMIZE_RECORD=/path/to/kustomize cargo test --test kustomize` records
//! them anew.

use super::built;
use super::corpus::difference;
use drupelet::tree::MemoryTree;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Case {
    name: String,
    files: BTreeMap<String, String>,
    /// What our error has to name.
    names: Vec<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut found: Vec<Case> = Vec::new();
    let mut file: Option<String> = None;
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("=== ") {
            file = None;
            found.push(Case {
                name: name.trim().to_owned(),
                files: BTreeMap::new(),
                names: Vec::new(),
            });
            continue;
        }
        let Some(case) = found.last_mut() else {
            continue;
        };
        let header = line.trim_end().strip_prefix("-- ");
        if let Some(path) = header.and_then(|rest| rest.strip_suffix(" --")) {
            case.files.insert(path.to_owned(), String::new());
            file = Some(path.to_owned());
        } else if let Some(path) = &file {
            case.files
                .get_mut(path)
                .expect("inserted above")
                .push_str(line);
        } else if let Some(name) = line.strip_prefix("with: ") {
            let (last, before) = found.split_last_mut().expect("it has a case");
            let base = before.iter().find(|case| case.name == name.trim());
            last.files
                .clone_from(&base.expect("the case stands above").files);
        } else if let Some(words) = line.strip_prefix("names: ") {
            case.names.push(words.trim_end().to_owned());
        }
    }
    found
}

fn is_run(case: &Case) -> bool {
    !case.name.starts_with('_')
}

fn target(case: &Case) -> &'static str {
    let is_app = case.files.keys().any(|path| path.starts_with("app/"));
    if is_app { "app" } else { "" }
}

fn recorded(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut name = String::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("=== ") {
            Some(next) => {
                name = next.trim().to_owned();
                found.insert(name.clone(), String::new());
            }
            None => found.entry(name.clone()).or_default().push_str(line),
        }
    }
    found
}

fn record(kustomize: &Path, topic: &Path, cases: &[Case]) {
    let mut text = String::new();
    for case in cases {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (path, body) in &case.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
            fs::write(path, body).expect("it can be written");
        }
        let output = Command::new(kustomize)
            .args(["build", &format!("./{}", target(case))])
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .output()
            .expect("kustomize starts");
        text.push_str(&format!("=== {}\n", case.name));
        if output.status.success() {
            text.push_str(&String::from_utf8_lossy(&output.stdout));
        } else {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            let error = words
                .lines()
                .filter(|line| !line.starts_with('#'))
                .collect::<Vec<_>>()
                .join(" ");
            let place = folder.path().to_string_lossy().into_owned();
            let error: String = error.replace(&place, "/case").chars().take(300).collect();
            text.push_str(&format!("{}\n", error.trim()));
        }
    }
    fs::write(topic.with_extension("out"), text).expect("the recording can be written");
}

#[test]
fn kustomizations_are_built_as_by_kustomize() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize/cases");
    let mut topics: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("it is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txtar"))
        .collect();
    topics.sort();
    let mut faults = Vec::new();
    let mut n_cases = 0;
    for topic in topics {
        let mut cases = cases(&fs::read_to_string(&topic).expect("it is readable"));
        cases.retain(is_run);
        if let Some(kustomize) = std::env::var_os("KUSTOMIZE_RECORD") {
            record(Path::new(&kustomize), &topic, &cases);
        }
        let out = fs::read_to_string(topic.with_extension("out")).expect("it is recorded");
        let recorded = recorded(&out);
        let topic = topic
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for case in cases {
            n_cases += 1;
            let name = format!("{topic}: {}", case.name);
            let expected = recorded.get(&case.name).expect("each case is recorded");
            let tree = MemoryTree {
                files: case
                    .files
                    .iter()
                    .map(|(path, body)| (path.clone(), body.clone().into()))
                    .collect(),
            };
            let is_error = expected.starts_with("Error: ");
            match built(&tree, target(&case), true) {
                Ok(_) if is_error => faults.push(format!("{name}: no error, but {expected}")),
                Ok(text) if text == *expected => {}
                Ok(text) => faults.push(format!("{name}:\n{}", difference(expected, &text))),
                Err(error) if is_error => {
                    let words = error.to_string();
                    let missing = case
                        .names
                        .iter()
                        .find(|wanted| !words.contains(wanted.as_str()));
                    if let Some(missing) = missing {
                        faults.push(format!("{name}: no {missing:?} in: {words}"));
                    }
                }
                Err(error) => faults.push(format!("{name}: {error}")),
            }
        }
    }
    println!("{n_cases} kustomizations");
    assert!(
        faults.is_empty(),
        "{}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
