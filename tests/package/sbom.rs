//! The list of what is inside.

use crate::{VERSION, dist, root};
use drupelet::value::Value;
use std::collections::BTreeSet;

#[track_caller]
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    let found = value.get(name).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no {name} in {}", value.to_json()))
}

#[test]
fn the_sbom_names_each_linked_crate_with_licence_and_checksum() {
    let Some(dist) = dist() else { return };
    let read = |name: String| std::fs::read(dist.join(name)).expect("it is there");
    let document = Value::from_json(&read(format!("drupelet-{VERSION}.cdx.json")));
    let document = document.expect("it is JSON");
    assert_eq!(text(&document, "bomFormat"), "CycloneDX");
    let components = document.get("components").and_then(Value::as_seq);
    let components = components.expect("it has components");
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("it is there");
    let licences = read(format!("drupelet-{VERSION}-licenses.txt"));
    let licences = String::from_utf8(licences).expect("it is UTF-8");
    let mut references = BTreeSet::from([format!("pkg:cargo/drupelet@{VERSION}")]);
    for component in components {
        let (name, version) = (text(component, "name"), text(component, "version"));
        references.insert(text(component, "bom-ref").to_owned());
        if text(component, "purl").starts_with("pkg:generic/") {
            continue;
        }
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        let at = lock.find(&entry);
        let entry = &lock[at.unwrap_or_else(|| panic!("{name} {version} is not locked"))..];
        let hashes = component.get("hashes").and_then(Value::as_seq);
        let hash = hashes.and_then(|hashes| hashes[0].get("content")?.as_str());
        let hash = hash.unwrap_or_else(|| panic!("{name} has no checksum"));
        let entry = entry.split("\n\n").next().unwrap_or_default();
        assert!(entry.contains(hash), "{name} {version}: {hash}");
        assert!(
            licences.contains(&format!("  {name} {version}: ")),
            "{name} {version} is not in the list of licences"
        );
    }
    let names: BTreeSet<&str> = components.iter().map(|it| text(it, "name")).collect();
    for linked in [
        "rustls", "gix", "mlua-sys", "lua-src", "mimalloc", "ring", "musl", "rust-std",
    ] {
        assert!(names.contains(linked), "{linked} is missing");
    }
    // These only test, build or generate code.
    for other in ["cc", "serde_derive", "autocfg"] {
        assert!(!names.contains(other), "{other} is not linked");
    }
    let dependencies = document.get("dependencies").and_then(Value::as_seq);
    for dependency in dependencies.expect("it has dependencies") {
        let on = dependency.get("dependsOn").and_then(Value::as_seq);
        for reference in on.expect("a list") {
            let reference = reference.as_str().expect("a reference");
            assert!(
                references.contains(reference),
                "{reference} is not a component"
            );
        }
    }
}
