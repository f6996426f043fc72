//! ignoreDifferences: what does not count, and what is left as it is.

use crate::object;
use drupelet::app::IgnoreDifferences;
use drupelet::diff::{IgnoreRules, changes, check_rules, respect};
use drupelet::object::Object;
use drupelet::value::{Value, yaml};

fn deployment(replicas: u32, image: &str, extra: &str) -> Object {
    object(&format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web","namespace":"ns"{extra}}},
        "spec":{{"replicas":{replicas},"template":{{"spec":{{"containers":[
          {{"name":"web","image":"{image}","env":[{{"name":"A","value":"a"}}]}},
          {{"name":"side","image":"side:1"}}]}}}}}}}}"#
    ))
}

fn rules(text: &str) -> Vec<IgnoreDifferences> {
    let value = yaml::parse_one(text).expect("YAML");
    value.to().expect("rules")
}

fn for_web(text: &str) -> IgnoreRules {
    let key = deployment(1, "a", "").key();
    IgnoreRules::for_object(&rules(text), &key, |glob, text| glob == "*" || glob == text)
}

#[track_caller]
fn check(text: &str, live: &Object, desired: &Object, expected: &[&str]) {
    let found = changes(live, desired, &for_web(text));
    let paths: Vec<&str> = found.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, expected);
}

const REPLICAS: &str = "[{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]";
const IMAGES: &str = "spec.template.spec.containers[0].image";

#[test]
fn a_json_pointer_takes_one_field_out() {
    let (live, desired) = (deployment(3, "web:1", ""), deployment(1, "web:2", ""));
    check("[]", &live, &desired, &["spec.replicas", IMAGES]);
    check(REPLICAS, &live, &desired, &[IMAGES]);
    check(
        "[{group: '*', kind: '*', jsonPointers: [/spec/template/spec/containers/0/image, /spec/nothing/there, '']}]",
        &live,
        &desired,
        &["spec.replicas"],
    );
    for other in [
        "[{kind: Deployment, jsonPointers: [/spec/replicas]}]",
        "[{group: apps, kind: StatefulSet, jsonPointers: [/spec/replicas]}]",
        "[{group: apps, kind: Deployment, name: other, jsonPointers: [/spec/replicas]}]",
        "[{group: apps, kind: Deployment, namespace: other, jsonPointers: [/spec/replicas]}]",
    ] {
        check(other, &live, &desired, &["spec.replicas", IMAGES]);
    }
}

#[test]
fn a_pointer_is_unescaped() {
    let live = deployment(1, "a", r#","annotations":{"x.y/z":"1","a~b":"1"}"#);
    let desired = deployment(1, "a", r#","annotations":{"x.y/z":"2","a~b":"2"}"#);
    check(
        "[{group: apps, kind: Deployment, jsonPointers: [/metadata/annotations/x.y~1z, /metadata/annotations/a~0b]}]",
        &live,
        &desired,
        &[],
    );
}

#[test]
fn a_jq_expression_takes_what_it_points_at() {
    let (live, desired) = (deployment(3, "web:1", ""), deployment(3, "web:2", ""));
    check(
        "[{group: apps, kind: Deployment, jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == \"web\") | .image']}]",
        &live,
        &desired,
        &[],
    );
    check(
        "[{group: apps, kind: Deployment, jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == \"side\") | .image']}]",
        &live,
        &desired,
        &[IMAGES],
    );
    // One that fails on this object takes nothing; the others go on.
    check(
        "[{group: apps, kind: Deployment, jqPathExpressions: ['.spec.replicas[]', '.spec.template.spec.containers[0].image']}]",
        &live,
        &desired,
        &[],
    );
    let error = check_rules(&rules("[{kind: A, jqPathExpressions: ['.spec[']}]"));
    assert!(error.is_err());
}

#[test]
fn fields_of_a_trusted_manager_do_not_count() {
    let managed = r#","managedFields":[{"manager":"hpa","operation":"Update","apiVersion":"apps/v1","subresource":"scale",
        "fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}}},
        {"manager":"injector","operation":"Update","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":
        {"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{}}}}}}}}]"#;
    let (live, desired) = (deployment(3, "web:1", managed), deployment(1, "web:2", ""));
    let rule = |managers: &str| {
        format!("[{{group: apps, kind: Deployment, managedFieldsManagers: [{managers}]}}]")
    };
    check(&rule("hpa"), &live, &desired, &[IMAGES]);
    check(&rule("injector"), &live, &desired, &["spec.replicas"]);
    check(&rule("hpa, injector"), &live, &desired, &[]);
    check(&rule("other"), &live, &desired, &["spec.replicas", IMAGES]);
}

#[test]
fn rules_of_an_aggregated_role_are_another_controllers() {
    let role = |rules: &str| {
        object(&format!(
            r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{{"name":"r"}},
            "aggregationRule":{{"clusterRoleSelectors":[]}},"rules":{rules}}}"#
        ))
    };
    let (live, desired) = (role(r#"[{"verbs":["get"]}]"#), role("[]"));
    let mut ignore = IgnoreRules::default();
    assert_eq!(changes(&live, &desired, &ignore).len(), 1);
    ignore.ignore_rules_of_aggregated_role(&desired);
    assert_eq!(changes(&live, &desired, &ignore), []);
}

#[track_caller]
fn respects(text: &str, live: &Object, desired: &Object, expected: &Object) {
    let respected = respect(desired, live, &for_web(text));
    assert_eq!(respected.to_json(), expected.to_json());
}

#[test]
fn what_is_respected_keeps_its_live_value() {
    let (live, desired) = (deployment(3, "web:1", ""), deployment(1, "web:2", ""));
    respects(REPLICAS, &live, &desired, &deployment(3, "web:2", ""));
    respects(
        "[{group: apps, kind: Deployment, jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == \"web\") | .image']}]",
        &live,
        &desired,
        &deployment(1, "web:1", ""),
    );
    respects("[]", &live, &desired, &desired);
    // What is not there in the live object is not sent either.
    let mut without = live.clone();
    without.root_mut().entry_map("spec").remove("replicas");
    let respected = respect(&desired, &without, &for_web(REPLICAS));
    assert_eq!(respected.at(&["spec", "replicas"]), None);
    // The object stays the one that it is.
    let respected = respect(
        &desired,
        &live,
        &for_web("[{group: apps, kind: Deployment, jsonPointers: [/metadata, /kind]}]"),
    );
    assert_eq!(respected.key(), desired.key());
    assert_eq!(respected.at(&["metadata", "managedFields"]), None::<&Value>);
}
