//! Kustomizations of our own. `cases/TOPIC.txtar` holds many: each begins with
//! `=== name`, its files stand behind `-- path --`, and `app` is built, or the
//! root where there is no such folder. `with: name` takes over the files of an
//! earlier case; one whose name begins with `_` is there for that alone. `cases/TOPIC.out` holds what kustomize
//! printed for each, or the error that it ended with: ours has to be one then,
//! and holds the words behind `names: ` of the case. Those of `broken` also name
//! what the original names in quotes, and `file:line`; where there is no line
//! to name, the case says `no line`, and `stricter` where the original has no
//! error.
//! `KUSTOMIZE_RECORD=/path/to/kustomize cargo test --test kustomize` records
//! them anew, those of `helm` with the helm beside it.

use super::corpus::difference;
use super::{built, built_with_charts};
use drupelet::tree::MemoryTree;
use regex::Regex;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Case {
    name: String,
    files: BTreeMap<String, String>,
    /// What our error has to name.
    names: Vec<String>,
    has_line: bool,
    is_stricter: bool,
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
                has_line: true,
                is_stricter: false,
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
        } else if line.trim_end() == "no line" {
            case.has_line = false;
        } else if line.trim_end() == "stricter" {
            case.is_stricter = true;
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

/// What an error of the original names in quotes that its user wrote: paths,
/// names, values. Not the whole objects that it prints.
fn quoted(error: &str, case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = error.split("[{\"").next().unwrap_or_default();
    while let Some(at) = rest.find(['"', '\'', '`']) {
        let quote = &rest[at..=at];
        let Some((inner, behind)) = rest[at + 1..].split_once(quote) else {
            break;
        };
        rest = behind;
        let inner = inner.trim_start_matches("/case/");
        let is_written = case.files.values().any(|text| text.contains(inner));
        if inner.len() > 2 && !inner.contains([' ', ':']) && is_written {
            found.push(inner.to_owned());
        }
    }
    found
}

/// Whether an error says `file:line` of a file of the case, a line that is there.
fn names_line(case: &Case, words: &str) -> bool {
    case.files.iter().any(|(path, text)| {
        let before = format!("{path}:");
        let mut found = words.match_indices(&before).map(|(at, part)| {
            let digits = words[at + part.len()..].split(|c: char| !c.is_ascii_digit());
            digits
                .into_iter()
                .next()
                .and_then(|digits| digits.parse::<usize>().ok())
        });
        found.any(|line| line.is_some_and(|line| (1..=text.lines().count()).contains(&line)))
    })
}

fn record(kustomize: &Path, topic: &Path, cases: &[Case]) {
    let mut text = String::new();
    // What differs from run to run.
    let address = Regex::new("0x[0-9a-f]+|/tmp/kustomize-helm-[0-9]+").expect("it is a pattern");
    let is_helm = topic.file_stem().is_some_and(|name| name == "helm");
    let helm = kustomize.with_file_name("helm");
    let inflating = is_helm.then(|| {
        let flags = ["--enable-helm", "--helm-command"].map(OsStr::new);
        [flags[0], flags[1], helm.as_os_str()]
    });
    for case in cases {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (path, body) in &case.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
            fs::write(path, body).expect("it can be written");
        }
        let output = Command::new(kustomize)
            .args(["build", &format!("./{}", target(case))])
            .args(inflating.iter().flatten())
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
            let error = address.replace_all(&error, "0x0");
            let error: String = error.replace(&place, "/case").chars().take(300).collect();
            text.push_str(&format!("{}\n", error.trim()));
        }
    }
    fs::write(topic.with_extension("out"), text).expect("the recording can be written");
}

fn topics() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize/cases");
    let mut topics: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("it is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txtar"))
        .collect();
    topics.sort();
    topics
}

/// The files of all cases, by path.
pub fn all_files() -> Vec<(String, String)> {
    let texts = topics()
        .into_iter()
        .map(|topic| fs::read_to_string(topic).expect("it is readable"));
    texts
        .flat_map(|text| cases(&text))
        .flat_map(|case| case.files)
        .collect()
}

#[test]
fn kustomizations_are_built_as_by_kustomize() {
    let mut faults = Vec::new();
    let mut n_cases = 0;
    for topic in topics() {
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
            let ours = match topic.as_str() {
                "helm" => built_with_charts(&tree, target(&case)),
                _ => built(&tree, target(&case), true),
            };
            match ours {
                Ok(_) if is_error || case.is_stricter => {
                    faults.push(format!("{name}: no error, but {expected}"));
                }
                Ok(text) if text == *expected => {}
                Ok(text) => faults.push(format!("{name}:\n{}", difference(expected, &text))),
                Err(error) if is_error || case.is_stricter => {
                    let words = error.to_string();
                    let mut wanted = case.names.clone();
                    if topic == "broken" && is_error {
                        wanted.extend(quoted(expected, &case));
                    }
                    for wanted in wanted.iter().filter(|wanted| !words.contains(*wanted)) {
                        faults.push(format!("{name}: no {wanted:?} in: {words}"));
                    }
                    if topic == "broken" && case.has_line != names_line(&case, &words) {
                        faults.push(format!("{name}: which line? {words}"));
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
