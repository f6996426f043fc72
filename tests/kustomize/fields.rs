//! Every field of a kustomization that the original has, as its types tell
//! (`tests/oracle/kyaml`, `go run . fields`).

use super::built;
use super::cases::all_files;
use drupelet::tree::MemoryTree;
use drupelet::value::{Map, Value, yaml};
use std::collections::BTreeSet;

/// The path of a field and what it takes.
fn fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("fields.txt").lines();
    lines.map(|line| line.split_once(' ').expect("path and kind"))
}

/// A value at a path of a kustomization.
fn at(path: &str, value: Value) -> Value {
    match path.rsplit_once('.') {
        _ if path.is_empty() => value,
        None => step(path, value, ""),
        Some((before, last)) => step(last, value, before),
    }
}

fn step(name: &str, value: Value, before: &str) -> Value {
    let n_lists = name.matches("[]").count();
    let value = (0..n_lists).fold(value, |value, _| Value::Seq(vec![value]));
    at(
        before,
        Value::Map(Map::from_iter([(name.trim_end_matches("[]"), value)])),
    )
}

fn of_kind(kind: &str) -> Value {
    match kind {
        "string" => Value::from("x"),
        "bool" => Value::Bool(true),
        "int" | "int64" => Value::Int(1),
        "map" => Value::Map(Map::from_iter([("path", "x")])),
        other => panic!("fields.txt has a kind {other}"),
    }
}

fn error_of(kustomization: &Value) -> String {
    let mut tree = MemoryTree::default();
    let text = yaml::emit(kustomization);
    tree.files.insert("kustomization.yaml".into(), text.into());
    built(&tree, "", true)
        .err()
        .map_or(String::new(), |error| error.to_string())
}

#[test]
fn every_field_is_read() {
    for (path, kind) in fields() {
        let error = error_of(&at(path, of_kind(kind)));
        assert!(!error.contains("invalid Kustomization"), "{path}: {error}");
    }
}

#[test]
fn a_field_of_another_name_is_named() {
    let holders: BTreeSet<&str> = fields()
        .map(|(path, _)| path.rsplit_once('.').map_or("", |(holder, _)| holder))
        .collect();
    for holder in holders {
        let path = format!("{holder}.unheardOf");
        let error = error_of(&at(path.trim_start_matches('.'), Value::from("x")));
        assert!(
            error.contains("unknown field \"unheardOf\""),
            "{path}: {error}"
        );
        assert!(error.contains("kustomization.yaml:"), "{path}: {error}");
    }
}

#[test]
fn a_field_of_another_type_is_named() {
    for (path, kind) in fields() {
        let wrong = match kind {
            "string" | "bool" | "int" | "int64" => Value::Seq(vec![Value::from("x")]),
            _ => Value::from("x"),
        };
        let error = error_of(&at(path, wrong));
        let name = path.rsplit('.').next().unwrap_or_default();
        let name = name.trim_end_matches("[]");
        assert!(error.contains(name), "{path}: {error}");
        assert!(error.contains("kustomization.yaml:"), "{path}: {error}");
    }
}

/// The paths of all fields that stand in a value.
fn collect(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    found.insert(path.to_ascii_lowercase());
    match value {
        Value::Map(map) => {
            for (key, value) in map.iter() {
                collect(
                    value,
                    format!("{path}.{key}").trim_start_matches('.'),
                    found,
                );
            }
        }
        Value::Seq(items) => {
            let path = format!("{path}[]");
            items.iter().for_each(|item| collect(item, &path, found));
        }
        _ => {}
    }
}

#[test]
fn every_field_has_a_case() {
    let mut found = BTreeSet::new();
    for (path, text) in all_files() {
        let name = path.rsplit('/').next().unwrap_or_default();
        if matches!(
            name,
            "kustomization.yaml" | "kustomization.yml" | "Kustomization"
        ) && let Ok(value) = yaml::parse_one(&text)
        {
            collect(&value, "", &mut found);
        }
    }
    let missing: Vec<&str> = fields()
        .map(|(path, _)| path)
        .filter(|path| !found.contains(&path.to_ascii_lowercase()))
        .collect();
    assert!(missing.is_empty(), "no case has {missing:#?}");
}
