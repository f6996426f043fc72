//! Damaged kustomizations are errors, or built; never a panic.

use super::built;
use drupelet::kustomize::{Remote, split_image};
use drupelet::tree::MemoryTree;

const FILES: [(&str, &str); 3] = [
    (
        "app/kustomization.yaml",
        "resources: [../base]\nnamePrefix: p-\nnamespace: apps\nlabels:\n- pairs: {team: a}\n  includeSelectors: true\nimages:\n- {name: nginx, newTag: '2'}\nreplicas: [{name: web, count: 2}]\nvars:\n- {name: X, objref: {kind: Service, name: web, apiVersion: v1}, fieldref: {fieldPath: 'spec.ports[0].port'}}\nreplacements:\n- source: {kind: Service, fieldPath: metadata.name}\n  targets:\n  - {select: {kind: Deployment}, fieldPaths: ['spec.template.spec.containers.[name=web].env.0.value'], options: {delimiter: '.', index: 1, create: true}}\npatches:\n- target: {kind: Deployment, labelSelector: 'a in (b)'}\n  patch: |-\n    - {op: add, path: /spec/replicas, value: 2}\n",
    ),
    (
        "base/kustomization.yaml",
        "resources: [all.yaml]\nconfigMapGenerator:\n- {name: settings, literals: [a=b], behavior: create}\nsortOptions: {order: legacy}\n",
    ),
    (
        "base/all.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: &m\n  name: web\n  annotations: {a: 1.0}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: nginx:1@sha256:0\n        env: [{name: A, value: a.$(X)}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 80}]\n",
    ),
];

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

const PIECES: [&str; 18] = [
    "{", "}", "[", "]", ": ", "- ", "\n", "null", "\"", "'", "&a ", "*a", "0", "/", "..", "\t",
    "*", "\u{e9}",
];

#[test]
fn damaged_kustomizations_never_panic() {
    let mut numbers = Numbers(1);
    let mut n_built = 0;
    for _ in 0..1_500 {
        let mut tree = MemoryTree::default();
        for (path, text) in FILES {
            tree.files.insert(path.to_owned(), text.into());
        }
        for _ in 0..=numbers.below(3) {
            let (path, _) = FILES[numbers.below(FILES.len())];
            let text = tree.files.get_mut(path).expect("inserted above");
            let at = numbers.below(text.len());
            match numbers.below(3) {
                0 => text.truncate(at),
                1 => drop(text.splice(at..at, PIECES[numbers.below(PIECES.len())].bytes())),
                _ => {
                    let end = (at + numbers.below(12)).min(text.len());
                    text.splice(at..end, PIECES[numbers.below(PIECES.len())].bytes());
                }
            }
        }
        n_built += usize::from(built(&tree, "app", true).is_ok());
    }
    assert!(n_built > 0, "some damage does no harm");
}

#[test]
fn images_and_urls_take_any_text() {
    let mut numbers = Numbers(2);
    let pieces = [
        ":",
        "@",
        "/",
        "//",
        "a",
        ".git",
        "_git/",
        "?ref=",
        "%",
        "%2",
        "git@",
        "https://",
        "..",
        "é",
        "=",
        "&",
        "github.com",
    ];
    for _ in 0..20_000 {
        let text: String = (0..numbers.below(9))
            .map(|_| pieces[numbers.below(pieces.len())])
            .collect();
        let (name, tag, digest) = split_image(&text);
        assert!(
            name.len() + tag.len() + digest.len() <= text.len(),
            "{text}"
        );
        if let Some(remote) = Remote::parse(&text) {
            assert!(
                !remote.path.split('/').any(|part| part == "..") || remote.path.contains('/'),
                "{text}"
            );
            assert!(!remote.url.is_empty(), "{text}");
        }
    }
}

#[test]
fn what_grows_without_end_is_refused() {
    let mut tree = MemoryTree::default();
    tree.files
        .insert("kustomization.yaml".into(), "resources: [r.yaml]\n".into());
    let mut bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..9 {
        let before = format!("*a{}", at - 1);
        bomb.push_str(&format!(
            "b{at}: &a{at} [{}]\n",
            [before.as_str(); 10].join(", ")
        ));
    }
    tree.files.insert("r.yaml".into(), bomb.into());
    let error = built(&tree, "", true).expect_err("aliases are limited");
    assert!(error.to_string().contains("excessive aliasing"), "{error}");
    let chain: String = (0..70).map(|at| format!("d{at}/")).collect();
    let mut path = String::new();
    for part in chain.trim_end_matches('/').split('/') {
        let file = if path.is_empty() {
            "kustomization.yaml".to_owned()
        } else {
            format!("{path}/kustomization.yaml")
        };
        tree.files
            .insert(file, format!("resources: [{part}]\n").into());
        path = if path.is_empty() {
            part.to_owned()
        } else {
            format!("{path}/{part}")
        };
    }
    tree.files.insert(
        format!("{path}/kustomization.yaml"),
        "namePrefix: x\n".into(),
    );
    let error = built(&tree, "", true).expect_err("depth is limited");
    assert!(error.to_string().contains("64 deep"), "{error}");
}
