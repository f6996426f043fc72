//! Patches and schema documents that are none, and some that do harm.

use drupelet::kustomize::patch::{
    JsonPatch, MAX_MERGED_ITEMS, MAX_OPERATIONS, PatchError, json6902, strategic_merge,
};
use drupelet::kustomize::schema::Schema;
use drupelet::value::{Value, yaml};

fn value(text: &str) -> Value {
    yaml::parse_one(text).expect("cases are YAML")
}

#[test]
fn json_patches_that_are_none_are_errors() {
    for text in [
        "",
        "null",
        "5",
        "{}",
        "[",
        "[{",
        "[5]",
        "[null]",
        "[{}]",
        "[[]]",
        "- op: add",
        "- {op: add, path: 5}",
        "- {op: add, path: spec}",
        "- {op: move, path: /a}",
        "- {op: move, path: /a, from: b}",
        "- {op: 5, path: /a}",
        "- {op: ADD, path: /a}",
        "\u{0}",
        "- &a [*a]",
    ] {
        assert!(JsonPatch::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn indices_of_any_size_are_errors_not_panics() {
    for index in [
        "18446744073709551616",
        "-9223372036854775809",
        "--1",
        "-",
        "1e1",
        " 1",
    ] {
        for op in ["remove", "replace", "test"] {
            let text = format!("- {{op: {op}, path: '/a/{index}', value: 1}}");
            let patch = JsonPatch::parse(&text).expect("it can be read");
            let mut target = value("a: [1, 2]");
            assert!(json6902(&mut target, &patch).is_err(), "{text}");
        }
    }
}

/// `copy` that doubles a value again and again.
#[test]
fn copies_that_double_end_at_a_limit() {
    let copies = "- {op: copy, from: /a, path: /a/-}\n".repeat(64);
    let patch = JsonPatch::parse(&copies).expect("it can be read");
    let mut target = value("a: [text]");
    let error = json6902(&mut target, &patch).expect_err("it is too much");
    assert!(error.to_string().contains("more than"), "{error}");
}

#[test]
fn patches_have_a_limited_number_of_operations() {
    let text = "- {op: remove, path: /a}\n".repeat(MAX_OPERATIONS + 1);
    assert_eq!(JsonPatch::parse(&text), Err(PatchError::TooManyOperations));
}

/// Merging takes the square of the length.
#[test]
fn lists_of_any_length_end_at_a_limit() {
    let pod = |n: usize| {
        let items: String = (0..n)
            .map(|at| format!("- {{containerPort: {at}}}\n"))
            .collect();
        value(&format!(
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    ports:\n{}",
            items.replace("- ", "    - ")
        ))
    };
    let merged = strategic_merge(pod(MAX_MERGED_ITEMS + 1), pod(1), Schema::builtin());
    let error = merged.expect_err("it is too long");
    assert_eq!(
        error.to_string(),
        format!(
            "spec.containers.ports: lists of more than {MAX_MERGED_ITEMS} items are not merged"
        )
    );
}

#[test]
fn errors_name_the_place() {
    let target = value("apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {}}}");
    let patch = value("spec: {template: {spec: x}}");
    let error = strategic_merge(target, patch, Schema::builtin()).expect_err("it does not apply");
    assert_eq!(
        error.to_string(),
        "spec.template.spec: wrong node kind: expected MappingNode but got ScalarNode"
    );
}

#[test]
fn patches_that_are_no_maps_are_errors() {
    for patch in ["5", "[]", "text", "- a"] {
        let target = value("{apiVersion: v1, kind: Pod, spec: {}}");
        assert!(
            strategic_merge(target, value(patch), Schema::builtin()).is_err(),
            "{patch}"
        );
    }
}

#[test]
fn schema_documents_that_are_none_are_errors() {
    for text in [
        "5",
        "[]",
        "{",
        "{\"definitions\": 5}",
        "definitions: {a: 5}",
        "definitions: {a: {properties: []}}",
        "definitions: {a: {properties: {b: x}}}",
        "definitions: {a: {$ref: 5}}",
        "definitions: {a: {x-kubernetes-patch-strategy: 5}}",
        "definitions: {a: {x-kubernetes-patch-strategy: merge, x-kubernetes-patch-merge-key: 5}}",
        "definitions: {a: {x-kubernetes-patch-strategy: merge, x-kubernetes-list-map-keys: a}}",
        "definitions: {a: {x-kubernetes-patch-strategy: merge, x-kubernetes-list-map-keys: [1]}}",
        "paths: []",
    ] {
        assert!(Schema::custom(text).is_err(), "{text:?}");
    }
}

/// References in a circle lead nowhere.
#[test]
fn references_in_a_circle_are_unknown_types() {
    let schema = Schema::custom(
        "definitions:
  a:
    $ref: '#/definitions/b'
    x-kubernetes-group-version-kind: [{group: x, version: v1, kind: A}]
  b: {$ref: '#/definitions/a'}
",
    )
    .expect("it can be read");
    let target = value("{apiVersion: x/v1, kind: A, l: [{name: a}]}");
    let merged = strategic_merge(target, value("l: [{name: b}]"), &schema).expect("it applies");
    assert_eq!(
        merged,
        Some(value("{apiVersion: x/v1, kind: A, l: [{name: b}]}"))
    );
}
