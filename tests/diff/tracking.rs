//! Tracking methods: the marks, and whose an object is by them.

use crate::{DESIRED, object};
use drupelet::diff::{Scope, Tracking, TrackingMethod, prepare};
use drupelet::object::Object;

const LABEL: &str = "app.kubernetes.io/instance";
const ID: &str = "argocd.argoproj.io/tracking-id";

fn tracking(method: &str) -> Tracking {
    Tracking {
        method: TrackingMethod::parse(method).expect("a method"),
        ..Tracking::default()
    }
}

fn marked(tracking: &Tracking, instance: &str) -> Object {
    prepare(object(DESIRED), Scope::Namespaced, "ns", tracking, instance)
}

#[test]
fn each_method_leaves_its_marks() {
    for (method, id, label) in [
        ("annotation", Some("app:/Service:ns/web"), None),
        ("label", None, Some("app")),
        ("annotation+label", Some("app:/Service:ns/web"), Some("app")),
    ] {
        let tracking = tracking(method);
        let service = marked(&tracking, "app");
        assert_eq!(service.annotation(ID), id, "{method}");
        assert_eq!(service.label(LABEL), label, "{method}");
        assert!(tracking.is_of(&service, "app"), "{method}");
        assert!(!tracking.is_of(&service, "other"), "{method}");
    }
    assert_eq!(TrackingMethod::parse("both"), None);
}

#[test]
fn a_label_has_sixty_three_characters() {
    let long = format!("{}.{}", "a".repeat(62), "b".repeat(20));
    for method in ["label", "annotation+label"] {
        let tracking = tracking(method);
        let service = marked(&tracking, &long);
        assert_eq!(service.label(LABEL), Some("a".repeat(62).as_str()));
        assert!(tracking.is_of(&service, &long));
    }
}

#[test]
fn the_label_alone_does_not_make_an_object_ours() {
    let mut foreign = object(DESIRED);
    foreign.set_label(LABEL, "app");
    assert!(!tracking("annotation").is_of(&foreign, "app"));
    assert!(!tracking("annotation+label").is_of(&foreign, "app"));
    assert!(tracking("label").is_of(&foreign, "app"));
}

#[test]
fn objects_of_another_installation_are_not_ours() {
    let mine = Tracking {
        installation: "mine".to_owned(),
        ..Tracking::default()
    };
    let theirs = Tracking {
        installation: "theirs".to_owned(),
        ..Tracking::default()
    };
    let service = marked(&theirs, "app");
    assert!(theirs.is_of(&service, "app"));
    assert!(!mine.is_of(&service, "app"));
    assert!(!mine.is_of(&marked(&Tracking::default(), "app"), "app"));
}
