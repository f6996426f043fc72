//! Bases and files of other places: what is asked for, and what is refused.

use drupelet::kustomize::{BuildError, Fetched, Need, Options, Page, Repository, build};
use drupelet::tree::{MemoryTree, Tree};
use std::collections::BTreeMap;

#[derive(Default)]
struct Brought {
    repositories: BTreeMap<(&'static str, &'static str), MemoryTree>,
    pages: BTreeMap<&'static str, Page>,
}

impl Fetched for Brought {
    fn repository(&self, of: &Repository) -> Option<&dyn Tree> {
        let wanted = (of.url.as_str(), of.reference.as_str());
        let mut all = self.repositories.iter();
        let found = all.find(|(known, _)| **known == wanted);
        found.map(|(_, tree)| tree as &dyn Tree)
    }

    fn file(&self, url: &str) -> Option<Page> {
        self.pages.get(url).cloned()
    }
}

fn tree(files: &[(&str, &str)]) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for (path, text) in files {
        tree.files
            .insert((*path).to_owned(), text.as_bytes().to_vec());
    }
    tree
}

fn config(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}

/// What is printed, what is needed, or the error.
fn outcome(tree: &MemoryTree, brought: &Brought) -> String {
    let options = Options {
        root_only: true,
        fetched: brought,
        helm: None,
        adjust: &|_| Ok(()),
    };
    match build(tree, "app", &options) {
        Ok(built) => built.to_yaml(),
        Err(BuildError::Needs(needs)) => needs
            .iter()
            .map(|need| match need {
                Need::File { url } => format!("file {url}\n"),
                other => format!("{other}\n"),
            })
            .collect(),
        Err(error) => format!("error: {error}"),
    }
}

#[track_caller]
fn check(kustomization: &str, brought: &Brought, expected: &str) {
    let tree = tree(&[("app/kustomization.yaml", kustomization)]);
    assert_eq!(outcome(&tree, brought), expected);
}

#[test]
fn what_is_needed_is_asked_for_at_once() {
    check(
        "resources:\n- github.com/o/r//a?ref=v1\n- https://h.lan/x.yaml\n- git@h.lan:o/s.git\n",
        &Brought::default(),
        "https://github.com/o/r at v1\nfile https://h.lan/x.yaml\ngit@h.lan:o/s.git at HEAD\n",
    );
}

#[test]
fn a_base_of_another_repository_sees_that_repository_alone() {
    let mut brought = Brought::default();
    let base = config("base");
    brought.repositories.insert(
        ("https://h.lan/o/r", "v1"),
        tree(&[
            (
                "a/kustomization.yaml",
                "resources: [../b]\nnamePrefix: p-\n",
            ),
            ("b/kustomization.yaml", "resources: [c.yaml]\n"),
            ("b/c.yaml", &base),
            ("up/kustomization.yaml", "resources: [../../b]\n"),
            ("out/kustomization.yaml", "resources: [../b/c.yaml]\n"),
        ]),
    );
    check(
        "resources: [https://h.lan/o/r//a?ref=v1]\n",
        &brought,
        &config("p-base"),
    );
    check(
        "resources: [https://h.lan/o/r//none?ref=v1]\n",
        &brought,
        "error: app/kustomization.yaml:1:13: resources: 'https://h.lan/o/r//none?ref=v1': https://h.lan/o/r//none?ref=v1: URL is a git repository; as a folder: must build at directory: https://h.lan/o/r:none: no such file or directory",
    );
    for path in ["up", "out"] {
        let text = format!("resources: ['https://h.lan/o/r//{path}?ref=v1']\n");
        let tree = tree(&[("app/kustomization.yaml", &text)]);
        let words = outcome(&tree, &brought);
        assert!(words.starts_with("error: "), "{words}");
    }
}

#[test]
fn repositories_in_a_circle_are_refused() {
    let mut brought = Brought::default();
    for (url, to) in [
        ("https://h.lan/o/a", "https://h.lan/o/b//."),
        ("https://h.lan/o/b", "https://h.lan/o/a//."),
    ] {
        let text = format!("resources: ['{to}']\n");
        brought
            .repositories
            .insert((url, ""), tree(&[("kustomization.yaml", &text)]));
    }
    let tree = tree(&[(
        "app/kustomization.yaml",
        "resources: ['https://h.lan/o/a//.']\n",
    )]);
    let words = outcome(&tree, &brought);
    let cycle = "cycle detected: URI 'https://h.lan/o/a//.' referenced by previous URI 'https://h.lan/o/a//.'";
    assert!(words.contains(cycle), "{words}");
}

#[test]
fn repositories_lead_to_one_another_so_deep_and_no_deeper() {
    let mut brought = Brought::default();
    let urls: Vec<&'static str> = (0..10)
        .map(|at| &*format!("https://h.lan/o/r{at}").leak())
        .collect();
    for pair in urls.windows(2) {
        let text = format!("resources: ['{}//.']\n", pair[1]);
        brought
            .repositories
            .insert((pair[0], ""), tree(&[("kustomization.yaml", &text)]));
    }
    let tree = tree(&[(
        "app/kustomization.yaml",
        "resources: ['https://h.lan/o/r0//.']\n",
    )]);
    let words = outcome(&tree, &brought);
    assert!(words.contains("more than 8 deep"), "{words}");
}

#[test]
fn a_page_is_a_file_or_a_repository() {
    let mut brought = Brought::default();
    let page = |text: &str| Page::Bytes(text.as_bytes().to_vec());
    brought
        .pages
        .insert("https://h.lan/o/r/x.yaml", page(&config("x")));
    brought
        .pages
        .insert("https://h.lan/o/s", page("<!DOCTYPE html><p>a: b: c</p>"));
    brought
        .pages
        .insert("https://h.lan/o/t", Page::Refused(404));
    brought.pages.insert("https://h.lan/x", Page::Refused(403));
    check(
        "resources: [https://h.lan/o/r/x.yaml]\n",
        &brought,
        &config("x"),
    );
    check(
        "resources: [https://h.lan/o/s, https://h.lan/o/t]\n",
        &brought,
        "https://h.lan/o/s at HEAD\nhttps://h.lan/o/t at HEAD\n",
    );
    check(
        "resources: [https://h.lan/x]\n",
        &brought,
        "error: app/kustomization.yaml:1:13: resources: https://h.lan/x: HTTP Error: status code 403",
    );
    check(
        "resources: []\nconfigMapGenerator:\n- {name: c, files: ['k=https://h.lan/o/r/x.yaml'], options: {disableNameSuffixHash: true}}\n",
        &brought,
        &format!(
            "apiVersion: v1\ndata:\n  k: |\n    {}kind: ConfigMap\nmetadata:\n  name: c\n",
            config("x").trim_end().replace('\n', "\n    ") + "\n"
        ),
    );
}

#[test]
fn components_come_from_elsewhere_too() {
    let mut brought = Brought::default();
    brought.repositories.insert(
        ("https://h.lan/o/c", ""),
        tree(&[(
            "kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n",
        )]),
    );
    let tree = tree(&[
        (
            "app/kustomization.yaml",
            "resources: [a.yaml]\ncomponents: [https://h.lan/o/c.git]\n",
        ),
        ("app/a.yaml", &config("a")),
    ]);
    assert_eq!(outcome(&tree, &brought), "https://h.lan/o/c.git at HEAD\n");
    let at_git = brought.repositories.remove(&("https://h.lan/o/c", ""));
    let at_git = at_git.expect("it was put there");
    brought
        .repositories
        .insert(("https://h.lan/o/c.git", ""), at_git);
    assert_eq!(outcome(&tree, &brought), config("a-c"));
}
