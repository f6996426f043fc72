//! Which release serves what, and that every kind has its fields.

use drupelet::object::Gvk;
use drupelet::sandbox::schema::{Release, ReleaseError, Schema};

fn serves(version: &str, group: &str, api: &str, resource: &str) -> bool {
    Release::load(version)
        .expect("a known release")
        .resource(group, api, resource)
        .is_some()
}

#[test]
fn removed_versions_end_with_the_release_that_removed_them() {
    let cases = [
        ("1.24", "1.25", "policy", "v1beta1", "podsecuritypolicies"),
        ("1.21", "1.22", "networking.k8s.io", "v1beta1", "ingresses"),
        ("1.21", "1.22", "extensions", "v1beta1", "ingresses"),
        ("1.24", "1.25", "batch", "v1beta1", "cronjobs"),
        (
            "1.25",
            "1.26",
            "autoscaling",
            "v2beta2",
            "horizontalpodautoscalers",
        ),
        (
            "1.28",
            "1.29",
            "flowcontrol.apiserver.k8s.io",
            "v1beta2",
            "flowschemas",
        ),
    ];
    for (last, gone, group, api, resource) in cases {
        assert!(
            serves(last, group, api, resource),
            "{last} {group}/{api} {resource}"
        );
        assert!(
            !serves(gone, group, api, resource),
            "{gone} {group}/{api} {resource}"
        );
    }
}

#[test]
fn every_resource_that_can_be_stored_has_a_schema() {
    for minor in 16..=36 {
        let release = Release::load(&format!("v1.{minor}.0")).expect("a known release");
        assert_eq!(release.minor(), minor);
        for resource in release.resources() {
            assert!(Schema::builtin(&resource.gvk).is_some(), "{}", resource.gvk);
        }
    }
}

#[test]
fn unknown_versions_are_named() {
    assert_eq!(
        Release::load("1.15").expect_err("too old"),
        ReleaseError::Unknown {
            asked: "1.15".to_owned(),
            oldest: 16,
            newest: 36
        }
    );
    assert!(Release::load("latest").is_err());
}

#[test]
fn lists_have_their_keys() {
    let schema = Schema::builtin(&Gvk::new("", "v1", "Service")).expect("built in");
    let service = schema.struct_of(schema.root()).expect("a struct");
    let spec = &service.field("spec").expect("a field").node;
    let spec = schema.struct_of(spec).expect("a struct");
    let ports = spec.field("ports").expect("a field");
    assert_eq!(ports.patch_merge_key.as_deref(), Some("port"));
    assert!(format!("{:?}", ports.node).contains(r#"["port", "protocol"]"#));
}
