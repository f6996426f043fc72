use drupelet::kustomize::patch::strategic_merge;
use drupelet::kustomize::schema::Schema;
use drupelet::object::Gvk;
use drupelet::value::{Value, yaml};

fn scope(schema: &Schema, api_version: &str, kind: &str) -> Option<bool> {
    let gvk = Gvk::parse(api_version, kind).expect("cases have versions");
    schema.is_namespaced(&gvk)
}

#[test]
fn scopes_of_the_built_in_kinds_are_known() {
    let builtin = Schema::builtin();
    assert_eq!(scope(builtin, "apps/v1", "Deployment"), Some(true));
    assert_eq!(scope(builtin, "v1", "Namespace"), Some(false));
    assert_eq!(
        scope(builtin, "rbac.authorization.k8s.io/v1", "ClusterRole"),
        Some(false)
    );
    assert_eq!(
        scope(
            builtin,
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicy"
        ),
        Some(false)
    );
    assert_eq!(scope(builtin, "apps/v2", "Deployment"), None);
    assert_eq!(scope(builtin, "example.com/v1", "Widget"), None);
}

const WIDGETS: &str = "
definitions:
  v1.Widget:
    type: object
    properties:
      spec:
        type: object
        properties:
          parts:
            type: array
            items: {$ref: '#/definitions/v1.Part'}
            x-kubernetes-patch-strategy: merge
            x-kubernetes-patch-merge-key: id
          byName:
            type: object
            additionalProperties:
              type: array
              items: {type: object}
              x-kubernetes-patch-strategy: merge
              x-kubernetes-list-map-keys: [a, b]
    x-kubernetes-group-version-kind:
    - {group: example.com, version: v1, kind: Widget}
  v1.Part:
    type: object
    properties:
      tags:
        type: array
        items: {type: string}
        x-kubernetes-patch-strategy: merge
paths:
  /apis/example.com/v1/widgets:
    get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Widget}}
  /apis/example.com/v1/namespaces/{namespace}/widgets/{name}:
    get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Widget}}
  /apis/example.com/v1/gadgets:
    get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Gadget}}
";

fn value(text: &str) -> Value {
    yaml::parse_one(text).expect("cases are YAML")
}

#[track_caller]
fn check(target: &str, patch: &str, expected: &str) {
    let schema = Schema::custom(WIDGETS).expect("it is a schema");
    let merged = strategic_merge(value(target), value(patch), &schema).expect("it applies");
    assert_eq!(
        yaml::emit(&merged.expect("something is left")),
        yaml::emit(&value(expected))
    );
}

#[test]
fn a_document_says_how_custom_lists_are_merged() {
    check(
        "{apiVersion: example.com/v1, kind: Widget, spec: {parts: [{id: a, tags: [x]}, {id: b}]}}",
        "spec: {parts: [{id: a, tags: [y]}]}",
        "{apiVersion: example.com/v1, kind: Widget, spec: {parts: [{id: a, tags: [y, x]}, {id: b}]}}",
    );
    check(
        "{apiVersion: example.com/v1, kind: Widget, spec: {byName: {q: [{a: 1, b: 2, c: 3}]}}}",
        "spec: {byName: {q: [{a: 1, b: 2, d: 4}]}}",
        "{apiVersion: example.com/v1, kind: Widget, spec: {byName: {q: [{a: 1, b: 2, c: 3, d: 4}]}}}",
    );
}

/// The document is all that there is, but for the scope of built-in kinds.
#[test]
fn a_document_takes_the_place_of_the_built_in_types() {
    check(
        "{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}, {name: b}]}}",
        "spec: {containers: [{name: c}]}",
        "{apiVersion: v1, kind: Pod, spec: {containers: [{name: c}]}}",
    );
    let schema = Schema::custom(WIDGETS).expect("it is a schema");
    assert_eq!(scope(&schema, "v1", "Pod"), Some(true));
    assert_eq!(scope(&schema, "example.com/v1", "Widget"), Some(true));
    assert_eq!(scope(&schema, "example.com/v1", "Gadget"), Some(false));
}
