//! Applications and projects as users write them, and the CRDs' schemas.

use drupelet::app::{AppProject, Application, application_crd, appproject_crd};
use drupelet::object::Object;
use drupelet::value::Value;

fn application(spec: &str) -> Result<Application, String> {
    let text = format!(
        r#"{{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{{"name":"loki"}},"spec":{spec}}}"#
    );
    let value = Value::from_json(text.as_bytes()).expect("the test writes JSON");
    let object = Object::new(value).expect("the test writes an object");
    Application::read(&object).map_err(|error| error.to_string())
}

#[test]
fn null_fields_are_absent_but_nulls_in_helm_values_stay() {
    let app = application(
        r#"{"source":{"repoURL":"u","helm":{"valuesObject":{"a":null},"valueFiles":null}},"syncPolicy":null}"#,
    )
    .expect("a valid application");
    let helm = app.spec.source.and_then(|s| s.helm).expect("helm is set");
    assert_eq!(helm.values_object.expect("set").to_json(), r#"{"a":null}"#);
    assert!(helm.value_files.is_empty());
    assert!(app.spec.sync_policy.is_none());
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    let error = application(r#"{"source":{"repoURL":"u","helm":{"valueFiles":"values.yaml"}}}"#)
        .expect_err("valueFiles is a list");
    assert!(
        error.starts_with("spec.source.helm.valueFiles: invalid type: string"),
        "{error}"
    );
}

#[test]
fn automated_is_on_unless_disabled() {
    let on = application(r#"{"syncPolicy":{"automated":{}}}"#).expect("valid");
    assert!(on.spec.automated().is_some());
    let off = application(r#"{"syncPolicy":{"automated":{"enabled":false}}}"#).expect("valid");
    assert!(off.spec.automated().is_none());
}

#[test]
fn retries_back_off_to_the_maximum() {
    let app = application(
        r#"{"syncPolicy":{"retry":{"limit":5,"backoff":{"duration":"5s","factor":2,"maxDuration":"1m"}}}}"#,
    )
    .expect("valid");
    let retry = app.spec.sync_policy.and_then(|p| p.retry).expect("set");
    let pauses: Vec<u64> = (0..6).map(|attempt| retry.pause_ms(attempt)).collect();
    assert_eq!(pauses, [5000, 10000, 20000, 40000, 60000, 60000]);
}

/// Structural: every schema node has a type or preserves unknown fields, and
/// none of the keywords that apiextensions forbids.
fn check_structural(path: &str, schema: &Value) {
    let map = schema
        .as_map()
        .unwrap_or_else(|| panic!("{path}: not an object"));
    for forbidden in [
        "$ref",
        "$defs",
        "definitions",
        "anyOf",
        "oneOf",
        "title",
        "default",
    ] {
        if path.ends_with(".properties") {
            break;
        }
        assert!(!map.contains_key(forbidden), "{path}: has {forbidden}");
    }
    assert!(
        map.contains_key("type") || map.contains_key("x-kubernetes-preserve-unknown-fields"),
        "{path}: neither type nor preserve-unknown-fields"
    );
    for (name, property) in map
        .get("properties")
        .and_then(Value::as_map)
        .into_iter()
        .flat_map(|m| m.iter())
    {
        check_structural(&format!("{path}.{name}"), property);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map.get(key) {
            check_structural(&format!("{path}[]"), inner);
        }
    }
}

#[test]
fn crds_are_structural_and_have_the_contract_s_fields() {
    for (crd, fields) in [
        (
            application_crd(),
            &[
                &[
                    "spec",
                    "properties",
                    "source",
                    "properties",
                    "helm",
                    "properties",
                    "valuesObject",
                ][..],
                &[
                    "spec",
                    "properties",
                    "sources",
                    "items",
                    "properties",
                    "kustomize",
                    "properties",
                    "patches",
                ],
                &[
                    "spec",
                    "properties",
                    "syncPolicy",
                    "properties",
                    "retry",
                    "properties",
                    "backoff",
                ],
                &[
                    "operation",
                    "properties",
                    "sync",
                    "properties",
                    "syncStrategy",
                    "properties",
                    "hook",
                ],
                &[
                    "status",
                    "properties",
                    "operationState",
                    "properties",
                    "phase",
                ],
            ][..],
        ),
        (
            appproject_crd(),
            &[&[
                "spec",
                "properties",
                "syncWindows",
                "items",
                "properties",
                "andOperator",
            ][..]][..],
        ),
    ] {
        let versions = crd
            .at(&["spec", "versions"])
            .and_then(Value::as_seq)
            .expect("versions");
        let schema = versions[0]
            .at(&["schema", "openAPIV3Schema"])
            .expect("a schema");
        check_structural("", schema);
        let properties = schema.get("properties").expect("properties");
        for field in fields {
            assert!(properties.at(field).is_some(), "{field:?} is missing");
        }
    }
}

#[test]
fn a_project_without_whitelist_differs_from_one_with_an_empty_list() {
    let read = |spec: &str| {
        let text = format!(
            r#"{{"apiVersion":"argoproj.io/v1alpha1","kind":"AppProject","metadata":{{"name":"p"}},"spec":{spec}}}"#
        );
        let value = Value::from_json(text.as_bytes()).expect("JSON");
        AppProject::read(&Object::new(value).expect("an object")).expect("a project")
    };
    assert!(read("{}").spec.namespace_resource_whitelist.is_none());
    let empty = read(r#"{"namespaceResourceWhitelist":[]}"#);
    assert_eq!(empty.spec.namespace_resource_whitelist, Some(Vec::new()));
}
