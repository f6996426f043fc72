//! Preparation, ownership and adoption, on objects as the API server writes
//! them.

mod ignore;
mod jq;
mod secrets;
mod tracking;

use drupelet::diff::{
    Scope, Tracking, adoption_patch, agrees, owned_digest, prepare, seizing_patch, tracked_by,
};
use drupelet::object::Object;
use drupelet::value::Value;

pub fn object(json: &str) -> Object {
    Object::new(Value::from_json(json.as_bytes()).expect("JSON")).expect("an object")
}

pub const DESIRED: &str = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"ns","labels":{"a":"1"}},
    "spec":{"ports":[{"port":80}],"selector":{"app":"web"}}}"#;

const LIVE: &str = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"ns","labels":{"a":"1","theirs":"x"},
    "managedFields":[{"manager":"drupelet","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":
      {"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:selector":{}}}}]},
    "spec":{"clusterIP":"10.0.0.1","ports":[{"port":80,"protocol":"TCP","targetPort":80}],"selector":{"app":"web"}}}"#;

fn live(change: impl FnOnce(&mut Object)) -> Object {
    let mut live = object(LIVE);
    change(&mut live);
    live
}

fn spec(object: &mut Object) -> &mut drupelet::value::Map {
    object.root_mut().entry_map("spec")
}

#[test]
fn agrees_where_defaults_and_others_fields_are_all_that_differs() {
    assert!(agrees(&object(DESIRED), &object(LIVE), "drupelet"));
}

#[test]
fn a_changed_atomic_map_does_not_agree() {
    let changed = live(|live| {
        spec(live).entry_map("selector").insert("more", "x");
    });
    assert!(!agrees(&object(DESIRED), &changed, "drupelet"));
}

#[test]
fn a_field_that_is_ours_but_no_longer_desired_does_not_agree() {
    let mut desired = object(DESIRED);
    desired.metadata_mut().remove("labels");
    assert!(!agrees(&desired, &object(LIVE), "drupelet"));
}

#[test]
fn a_desired_field_that_is_not_ours_does_not_agree() {
    let mut desired = object(DESIRED);
    spec(&mut desired).insert("sessionAffinity", "None");
    assert!(!agrees(&desired, &object(LIVE), "drupelet"));
}

#[test]
fn the_digest_moves_with_our_fields_only() {
    let before = owned_digest(&object(LIVE), "drupelet").expect("we own fields");
    let theirs = live(|live| live.set_label("theirs", "y"));
    assert_eq!(owned_digest(&theirs, "drupelet"), Some(before));
    let ours = live(|live| live.set_label("a", "2"));
    assert_ne!(owned_digest(&ours, "drupelet"), Some(before));
    let item_gone = live(|live| {
        spec(live).insert("ports", Value::Seq(Vec::new()));
    });
    assert_ne!(owned_digest(&item_gone, "drupelet"), Some(before));
    assert_eq!(owned_digest(&object(LIVE), "somebody"), None);
}

#[test]
fn prepares_secrets_namespaces_nulls_and_tracking() {
    let secret = object(
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","creationTimestamp":null},
            "stringData":{"a":"x"},"data":{"a":"old","b":"Yg=="},"type":null}"#,
    );
    let prepared = prepare(secret, Scope::Namespaced, "ns", &Tracking::default(), "app");
    assert_eq!(
        prepared.to_json(),
        r#"{"apiVersion":"v1","data":{"a":"eA==","b":"Yg=="},"kind":"Secret","metadata":{"annotations":{"argocd.argoproj.io/tracking-id":"app:/Secret:ns/s"},"labels":{"drupelet.io/managed":"true"},"name":"s","namespace":"ns"}}"#
    );
    assert_eq!(tracked_by(&prepared), Some("app"));
}

#[test]
fn a_copied_tracking_id_tracks_nothing() {
    let mut copy = prepare(
        object(DESIRED),
        Scope::Namespaced,
        "ns",
        &Tracking::default(),
        "app",
    );
    copy.metadata_mut().insert("name", "copy");
    assert_eq!(tracked_by(&copy), None);
}

#[test]
fn adoption_unites_the_entries_of_former_managers() {
    let kubectl = live(|live| {
        let fields = r#"[{"manager":"kubectl-client-side-apply","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:type":{}}}},
            {"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","subresource":"status","fieldsV1":{"f:status":{}}}]"#;
        let fields = Value::from_json(fields.as_bytes()).expect("JSON");
        live.metadata_mut().insert("managedFields", fields);
        live.metadata_mut().insert("resourceVersion", "7");
    });
    let patch = adoption_patch(&kubectl).expect("kubectl is a former manager");
    assert_eq!(
        patch.to_json(),
        r#"[{"op":"test","path":"/metadata/resourceVersion","value":"7"},{"op":"replace","path":"/metadata/managedFields","value":[{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:type":{}}},"manager":"drupelet","operation":"Apply"},{"apiVersion":"v1","fieldsV1":{"f:status":{}},"manager":"kube-controller-manager","operation":"Update","subresource":"status"}]}]"#
    );
    assert_eq!(adoption_patch(&object(LIVE)), None);
}

#[test]
fn an_object_that_is_ours_keeps_what_others_edited() {
    let mixed = live(|live| {
        let fields = r#"[{"manager":"drupelet","operation":"Apply","fieldsV1":{"f:spec":{"f:type":{}}}},
            {"manager":"kubectl-edit","operation":"Update","fieldsV1":{"f:spec":{"f:sessionAffinity":{}}}}]"#;
        let fields = Value::from_json(fields.as_bytes()).expect("JSON");
        live.metadata_mut().insert("managedFields", fields);
    });
    assert_eq!(adoption_patch(&mixed), None);
    let by_argo = live(|live| {
        let fields = r#"[{"manager":"drupelet","operation":"Apply","fieldsV1":{"f:spec":{"f:type":{}}}},
            {"manager":"argocd-controller","operation":"Update","fieldsV1":{"f:spec":{"f:sessionAffinity":{}}}}]"#;
        let fields = Value::from_json(fields.as_bytes()).expect("JSON");
        live.metadata_mut().insert("managedFields", fields);
    });
    assert!(adoption_patch(&by_argo).is_some());
}

/// argo-cd#25474: a Service's port from 80 to 81.
#[test]
fn items_of_others_in_our_lists_are_seized() {
    let fields = |manager: &str| {
        format!(
            r#"[{{"manager":"{manager}","operation":"Update","fieldsV1":{{"f:spec":{{"f:type":{{}},"f:ports":{{".":{{}},"k:{{\"port\":80,\"protocol\":\"TCP\"}}":{{".":{{}},"f:port":{{}}}}}}}}}}}}]"#
        )
    };
    let owned_by = |manager: &str| {
        live(|live| {
            let fields = Value::from_json(fields(manager).as_bytes()).expect("JSON");
            live.metadata_mut().insert("managedFields", fields);
        })
    };
    let patch = seizing_patch(&owned_by("somebody"), &object(DESIRED)).expect("theirs");
    let text = patch.to_json();
    let ours =
        r#"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#;
    assert!(text.contains(ours), "{text}");
    assert!(text.contains(r#""manager":"somebody""#), "{text}");
    let mut without_list = object(DESIRED);
    spec(&mut without_list).remove("ports");
    assert_eq!(seizing_patch(&owned_by("somebody"), &without_list), None);
}
