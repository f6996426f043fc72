//! Patches of kustomizations, JSON pointers, names of images, URLs of bases.

use drupelet::kustomize::{Nothing, Options, Remote, build, split_image};
use drupelet::tree::MemoryTree;
use drupelet::value::{Pointer, Value, yaml};

/// Between the parts of a case: a line of its own.
const SEPARATOR: &str = "\n===\n";

const RESOURCE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}}\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - {name: web, image: 'r.lan:5000/web:1@sha256:00', ports: [{containerPort: 80}]}\n      - {name: side, image: nginx}\n";

fn built(kustomization: &str, files: &[(&str, &str)]) {
    let mut tree = MemoryTree::default();
    tree.files
        .insert("kustomization.yaml".to_owned(), kustomization.into());
    for (path, text) in files {
        tree.files.insert((*path).to_owned(), (*text).into());
    }
    let options = Options {
        root_only: true,
        fetched: &Nothing,
        helm: None,
        adjust: &|_| Ok(()),
    };
    if let Ok(built) = build(&tree, "", &options) {
        let _ = built.to_yaml();
    }
}

/// A patch, and behind the separator what is patched.
pub fn patch(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (patch, resource) = text.split_once(SEPARATOR).unwrap_or((&text, RESOURCE));
    let files = [("r.yaml", resource), ("p.yaml", patch)];
    built(
        "resources: [r.yaml]\npatches: [{path: p.yaml, target: {kind: '.*'}}]\n",
        &files,
    );
    built("resources: [r.yaml]\npatches: [{path: p.yaml}]\n", &files);
}

/// A pointer is printed as it was read, and leads to one place.
pub fn pointer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(pointer) = Pointer::parse(&text) else {
        return;
    };
    assert_eq!(Pointer::parse(&pointer.to_string()), Ok(pointer.clone()));
    let mut value = yaml::parse_one(RESOURCE).expect("it is YAML");
    let before = value.pointer(&pointer).cloned();
    assert_eq!(value.pointer_mut(&pointer).cloned(), before);
    assert_eq!(value.remove_at(&pointer), before);
}

/// The name of an image and one to replace it with, one a line.
pub fn image(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (name, new) = text.split_once('\n').unwrap_or((&text, "other"));
    let (own, tag, digest) = split_image(name);
    assert!(own.len() + tag.len() + digest.len() <= name.len());
    let quoted = |text: &str| Value::from(text).to_json();
    let (name, new) = (quoted(name), quoted(new));
    built(
        &format!(
            "resources: [r.yaml]\nimages: [{{name: {name}, newTag: {new}}}, {{name: nginx, newName: {new}}}]\n"
        ),
        &[("r.yaml", RESOURCE)],
    );
}

/// What a base may be called.
pub fn url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(remote) = Remote::parse(&text) {
        assert!(!remote.url.is_empty());
        let first = remote
            .path
            .split('/')
            .find(|part| !matches!(*part, "" | "."));
        assert_ne!(first, Some(".."));
    }
    let quoted = Value::from(&*text).to_json();
    built(&format!("resources: [{quoted}]\n"), &[]);
}
