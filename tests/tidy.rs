//! The layers of docs/architecture.md as a test: a room imports only what its
//! row allows, and the pure rooms touch no socket, disk, clock, environment.

use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms that it may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("value", &[]),
    ("object", &["value"]),
    ("tree", &["value"]),
    ("app", &["value", "object"]),
    ("gotmpl", &["value"]),
    ("helm", &["value", "gotmpl", "object", "tree"]),
    ("kustomize", &["value", "gotmpl", "object", "tree", "helm"]),
    ("jsonnet", &["value", "gotmpl", "tree"]),
    (
        "render",
        &[
            "value",
            "object",
            "tree",
            "app",
            "gotmpl",
            "helm",
            "kustomize",
            "jsonnet",
        ],
    ),
    ("diff", &["value", "object", "app"]),
    ("health", &["value", "object", "app"]),
    ("project", &["value", "object", "app"]),
    (
        "sync",
        &["value", "object", "app", "diff", "health", "project"],
    ),
    ("shard", &[]),
    ("http", &[]),
    ("git", &["value", "http", "tree"]),
    ("registry", &["value", "http", "tree"]),
    ("kube", &["value", "http", "object", "shard"]),
    (
        "agent",
        &[
            "value",
            "object",
            "tree",
            "app",
            "gotmpl",
            "helm",
            "kustomize",
            "jsonnet",
            "render",
            "diff",
            "health",
            "project",
            "sync",
            "shard",
            "http",
            "git",
            "registry",
            "kube",
        ],
    ),
    ("server", &["value", "object", "app", "diff", "agent"]),
    ("sandbox", &["value", "object"]),
    ("cli", &["*"]),
];

/// Rooms without side effects, and what would give one away.
const PURE: &[&str] = &[
    "value",
    "object",
    "tree",
    "app",
    "gotmpl",
    "helm",
    "kustomize",
    "jsonnet",
    "render",
    "diff",
    "health",
    "project",
    "sync",
    "shard",
];
const IMPURE: &[&str] = &[
    "std::net",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Utc::now",
    "getrandom",
    "OsRng",
    "thread_rng",
    "tokio::",
    "ureq::",
    "println!",
    "eprintln!",
];

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the source tree is readable") {
        let path = entry.expect("the source tree is readable").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The code of a line, without a trailing comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

fn imported_rooms(line: &str) -> Vec<&str> {
    let mut rooms = Vec::new();
    for prefix in ["crate::", "drupelet::"] {
        for (at, _) in line.match_indices(prefix) {
            let rest = &line[at + prefix.len()..];
            // `use crate::{value::Value, object::Object}` names several.
            let names = rest.strip_prefix('{').map_or_else(
                || vec![rest],
                |list| list.split(',').map(str::trim).collect(),
            );
            for name in names {
                let end = name
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(name.len());
                rooms.push(&name[..end]);
            }
        }
    }
    rooms
}

/// The folder of the package that has the rooms which renders run through.
const ENGINE: &str = "engine";

fn folder(room: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = source.join(ENGINE).join(room);
    if inside.is_dir() {
        inside
    } else {
        source.join(room)
    }
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let mut faults = Vec::new();
    for (room, allowed) in ROOMS {
        let mut files = Vec::new();
        rust_files(&folder(room), &mut files);
        assert!(
            !files.is_empty(),
            "room {room} has no files: mend the table"
        );
        for file in files {
            let text = fs::read_to_string(&file).expect("sources are UTF-8");
            for (number, line) in text.lines().enumerate() {
                for name in imported_rooms(code(line)) {
                    let known = ROOMS.iter().any(|(r, _)| *r == name);
                    if known && name != *room && !allowed.contains(&name) && !allowed.contains(&"*")
                    {
                        faults.push(format!(
                            "{}:{}: room {room} may not import {name}",
                            file.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_folder_is_a_room_of_the_table() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = [source.clone(), source.join(ENGINE)];
    let entries = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("the source tree is readable"));
    for entry in entries {
        let path = entry.expect("the source tree is readable").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != ENGINE {
            assert!(
                ROOMS.iter().any(|(room, _)| *room == name),
                "src/{name} is not in the table"
            );
        }
    }
}

#[test]
fn pure_rooms_have_no_side_effects() {
    let mut faults = Vec::new();
    for room in PURE {
        let mut files = Vec::new();
        rust_files(&folder(room), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).expect("sources are UTF-8");
            let body = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in body.lines().enumerate() {
                for name in IMPURE {
                    if code(line).contains(name) {
                        faults.push(format!(
                            "{}:{}: {name} in the pure room {room}",
                            file.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// `exec` of a kubeconfig: the only thing outside of the command line for which
/// a program is run.
#[test]
fn programs_are_started_for_the_operators_kubeconfig_alone() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let starts = |file: &PathBuf| {
        let text = fs::read_to_string(file).expect("sources are UTF-8");
        let body = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut lines = body.lines().map(code);
        lines.any(|line| {
            [
                "std::process::Command",
                "std::process::{",
                "posix_spawn",
                "execve",
            ]
            .iter()
            .any(|name| line.contains(name))
        })
    };
    files.retain(starts);
    files.retain(|file| !file.starts_with(source.join("cli")));
    assert_eq!(files, [source.join("kube/config/exec.rs")]);
}

/// The last cell of each row of a page's tables: `FILE: TEST`, below tests/ where
/// nothing else is said; with the row's first cell and the text of that file.
fn named_tests(page: &str, mut with: impl FnMut(&str, &str, &str)) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join(page)).expect("is there");
    let mut faults = Vec::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').collect();
        let tests = cells.get(cells.len() - 2).copied().unwrap_or_default();
        for test in tests.split('`').skip(1).step_by(2) {
            let Some((file, name)) = test.split_once(": ") else {
                faults.push(format!("{test}: no `file: test`"));
                continue;
            };
            let path = match file.starts_with("src/") {
                true => root.join(file),
                false => root.join("tests").join(file),
            };
            let text = fs::read_to_string(path).unwrap_or_default();
            if !text.contains(&format!("#[test]\nfn {name}() {{")) {
                faults.push(format!("{test}: there is no such test"));
            }
            with(cells[1], test, &text);
        }
    }
    faults
}

#[test]
fn each_line_of_the_contract_names_a_test_that_is_there() {
    let mut n_tests = 0;
    let faults = named_tests("tests/contract.md", |_, _, _| n_tests += 1);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(n_tests > 80, "{n_tests}");
}

/// docs/security.md: each attack that is known elsewhere has a test here, which
/// can be found by its number.
#[test]
fn each_known_attack_names_a_test_that_is_there() {
    let mut nameless = Vec::new();
    let mut faults = named_tests("docs/security.md", |attack, test, text| {
        for number in numbers(attack) {
            if !text.contains(number) {
                nameless.push(format!("{test}: {number} does not stand in that file"));
            }
        }
    });
    faults.append(&mut nameless);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The list that is to be kept stands beside the checkout, as the corpus does.
#[test]
fn each_attack_of_the_list_is_on_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = root.join("../shared/spec/attacks.md");
    let Ok(known) = fs::read_to_string(&list) else {
        // No fault of a machine that has all else, so not in the words that .ci/run looks for.
        println!(
            "no {}: docs/security.md is not held against it",
            list.display()
        );
        return;
    };
    let page = fs::read_to_string(root.join("docs/security.md")).expect("is there");
    let missing: Vec<&str> = numbers(&known)
        .filter(|number| !page.contains(number))
        .collect();
    assert!(missing.is_empty(), "not in docs/security.md: {missing:?}");
}

/// `CVE-2026-35205` and the like.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| word.starts_with("CVE-"))
}

#[test]
fn the_top_level_holds_what_it_is_meant_to_hold() {
    const KNOWN: &[&str] = &[
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "benches",
        "cross",
        "deploy",
        "dist",
        "docs",
        "fuzz",
        "src",
        "systemd",
        "target",
        "tests",
    ];
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the source tree is readable") {
        let name = entry.expect("the source tree is readable").file_name();
        let name = name.to_string_lossy();
        assert!(
            name.starts_with('.') || KNOWN.contains(&&*name),
            "what is {name} for?"
        );
    }
}
