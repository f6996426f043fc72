//! Submodules in the tree of a snapshot, fetched from the real git.

use std::cell::RefCell;
use std::fs;

use drupelet::git::{
    Access, Cache, Error, Limits, Locator, MAX_SUBMODULE_DEPTH, MAX_SUBMODULES, Repository,
    RepositoryUrl, Snapshot, Submodule, with_submodules,
};
use drupelet::http::{Client, Roots, Settings};
use drupelet::tree::{EntryKind, Tree, files_below, read_following};

use crate::support::git_server::{Behaviour, serve};
use crate::support::repository::{Content, TestRepository};
use crate::support::serve::Server;

struct Place {
    home: tempfile::TempDir,
    server: Server,
    locator: Locator,
    brought: RefCell<Vec<String>>,
}

impl Place {
    fn new() -> Option<Self> {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(home.path().join("served")).expect("creates");
        let server = serve(&home.path().join("served"), Behaviour::default())?;
        let cache = Cache::open(&home.path().join("cache"), Limits::default()).expect("opens");
        let mut locator = Locator::default();
        locator.cache = Some(cache);
        Some(Self {
            home,
            server,
            locator,
            brought: RefCell::default(),
        })
    }

    fn create(&self, name: &str) -> TestRepository {
        TestRepository::create(&self.home.path().join("served").join(name))
    }

    fn open(&self, url: RepositoryUrl) -> Repository {
        let settings = Settings {
            roots: Roots::Only(self.server.certificate.clone().into_bytes()),
            ..Settings::default()
        };
        let access = Access::anonymous(Client::new(settings).expect("is usable"));
        self.locator.open(url, |_| Ok(access)).expect("is served")
    }

    fn snapshot(&self, name: &str) -> Result<Snapshot, Error> {
        let url = RepositoryUrl::parse(&self.server.url(&format!("/{name}"))).expect("served");
        let repository = self.open(url.clone());
        let snapshot = repository.fetch(&repository.resolve("main")?)?;
        with_submodules(snapshot, &url, &|submodule: &Submodule, _| {
            self.brought.borrow_mut().push(submodule.path.clone());
            let repository = self.open(submodule.url.clone());
            repository
                .fetch(&repository.resolve(&submodule.commit)?)
                .map(Some)
        })
    }
}

fn gitmodules(entries: &[(&str, &str)]) -> Content {
    let text: String = entries
        .iter()
        .map(|(path, url)| format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n"))
        .collect();
    text.as_str().into()
}

fn read(tree: &dyn Tree, path: &str) -> String {
    String::from_utf8(tree.read(path).expect(path)).expect("is text")
}

#[test]
fn submodules_stand_in_the_tree_and_theirs_below() {
    let Some(place) = Place::new() else {
        return;
    };
    let inner = place.create("inner.git");
    let inner_commit = inner.commit("main", &[("values.yaml", "deep"), ("d/f", "x")]);
    let lib = place.create("lib.git");
    let lib_commit = lib.commit_content(
        "main",
        vec![
            ("chart/Chart.yaml", "name: lib".into()),
            (".gitmodules", gitmodules(&[("chart/sub", "../inner.git")])),
            ("chart/sub", Content::Submodule(inner_commit)),
            ("up", Content::Symlink("../../README".into())),
        ],
    );
    // Not the newest commit: the one that is recorded.
    lib.commit("main", &[("chart/Chart.yaml", "name: newer")]);
    let root = place.create("root.git");
    root.commit_content(
        "main",
        vec![
            ("README", "r".into()),
            (
                ".gitmodules",
                gitmodules(&[("apps/lib", "../lib.git"), ("gone", "../gone.git")]),
            ),
            ("apps/lib", Content::Submodule(lib_commit)),
            ("apps/a.yaml", "a".into()),
        ],
    );
    let snapshot = place.snapshot("root.git").expect("fetches");
    // What is named but stands nowhere is not fetched.
    assert_eq!(*place.brought.borrow(), ["apps/lib", "chart/sub"]);
    let tree = snapshot.tree().expect("opens");
    let tree = &*tree;
    assert_eq!(read(tree, "apps/lib/chart/Chart.yaml"), "name: lib");
    assert_eq!(read(tree, "apps/lib/chart/sub/values.yaml"), "deep");
    let kind = |path: &str| tree.entry(path).expect(path).map(|entry| entry.kind);
    assert_eq!(kind("apps/lib"), Some(EntryKind::Directory));
    assert_eq!(kind("apps/lib/chart/sub"), Some(EntryKind::Directory));
    assert_eq!(kind("apps/lib/chart/sub/d/f"), Some(EntryKind::File));
    assert_eq!(kind("apps/libx"), None);
    assert_eq!(kind("apps/lib/none"), None);
    let all = files_below(tree, "apps", |_| true).expect("lists");
    let paths: Vec<&str> = all.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "apps/a.yaml",
            "apps/lib/.gitmodules",
            "apps/lib/chart/Chart.yaml",
            "apps/lib/chart/sub/d/f",
            "apps/lib/chart/sub/values.yaml",
            "apps/lib/up",
        ]
    );
    // A link leads as it would in a checkout, never out of the outer root.
    assert_eq!(read_following(tree, "apps/lib/up").expect("reads"), b"r");
    let error = tree.read("apps/lib/chart").expect_err("is a directory");
    assert_eq!(error.to_string(), "apps/lib/chart: is a directory");
}

#[test]
fn a_submodule_behind_a_link_or_without_an_entry_is_none() {
    let Some(place) = Place::new() else {
        return;
    };
    let lib = place.create("lib.git");
    let commit = lib.commit("main", &[("hooks/post-checkout", "#!/bin/sh\nid")]);
    let root = place.create("root.git");
    // CVE-2024-32002: the path of a submodule leads through a link.
    root.commit_content(
        "main",
        vec![
            (
                ".gitmodules",
                gitmodules(&[("A/modules/x", "../lib.git"), ("a", "../lib.git")]),
            ),
            ("A/modules/x", Content::Submodule(commit.clone())),
            ("a", Content::Symlink(".git".into())),
            ("b", Content::Submodule(commit)),
        ],
    );
    let snapshot = place.snapshot("root.git").expect("fetches");
    assert_eq!(*place.brought.borrow(), ["A/modules/x"]);
    let tree = snapshot.tree().expect("opens");
    let error = read_following(&*tree, "a/modules/x/hooks/post-checkout");
    assert!(error.is_err(), "{error:?}");
    let unnamed = tree.entry("b").expect("reads").map(|entry| entry.kind);
    assert_eq!(unnamed, Some(EntryKind::Submodule));
    // A link in the place of the file is not followed.
    root.commit_content(
        "main",
        vec![
            ("real", gitmodules(&[("x", "../lib.git")])),
            (".gitmodules", Content::Symlink("real".into())),
        ],
    );
    place.snapshot("root.git").expect("has no submodules");
}

#[test]
fn submodules_have_limits() {
    let Some(place) = Place::new() else {
        return;
    };
    let lib = place.create("lib.git");
    let commit = lib.commit("main", &[("f", "x")]);
    let many = place.create("many.git");
    let paths: Vec<String> = (0..=MAX_SUBMODULES).map(|n| format!("s{n}")).collect();
    let named: Vec<(&str, &str)> = paths.iter().map(|p| (p.as_str(), "../lib.git")).collect();
    let mut files = vec![(".gitmodules", gitmodules(&named))];
    files.extend(
        paths
            .iter()
            .map(|p| (p.as_str(), Content::Submodule(commit.clone()))),
    );
    many.commit_content("main", files);
    let error = place.snapshot("many.git").expect_err("are too many");
    assert!(
        error.to_string().contains("more than 64 submodules"),
        "{error}"
    );

    let mut below = commit;
    let chain = place.create("chain.git");
    chain.commit("main", &[("f", "x")]);
    for _ in 0..=MAX_SUBMODULE_DEPTH {
        below = chain.commit_content(
            "main",
            vec![
                (".gitmodules", gitmodules(&[("next", "../chain.git")])),
                ("next", Content::Submodule(below)),
            ],
        );
    }
    let error = place.snapshot("chain.git").expect_err("is too deep");
    assert!(!error.is_retryable(), "{error}");
    assert!(
        error.to_string().contains("nested more than 8 deep"),
        "{error}"
    );
}

#[test]
fn hostile_submodules_are_named_errors() {
    let Some(place) = Place::new() else {
        return;
    };
    let root = place.create("root.git");
    let commit = "1".repeat(40);
    for (url, why) in [
        ("/etc", "is a path of this machine"),
        ("file:///etc", "is a path of this machine"),
        ("-u./payload", "starts with a dash"),
        ("../../../../x", "leads above"),
    ] {
        root.commit_content(
            "main",
            vec![
                (".gitmodules", gitmodules(&[("x", url)])),
                ("x", Content::Submodule(commit.clone())),
            ],
        );
        let error = place.snapshot("root.git").expect_err(url);
        assert!(error.to_string().contains(why), "{error}");
    }
    // CVE-2025-48384: git wrote such a path quoted and read it without its end.
    let lib = place.create("lib.git");
    let commit = lib.commit("main", &[("post-checkout", "#!/bin/sh\nid")]);
    let quoted = "[submodule \"sub\"]\n\tpath = \"sub\r\"\n\turl = ../lib.git\n";
    root.commit_content(
        "main",
        vec![
            (".gitmodules", quoted.into()),
            ("sub\r", Content::Submodule(commit)),
            ("sub", Content::Symlink(".git/modules/sub/hooks".into())),
        ],
    );
    let error = place.snapshot("root.git").expect_err("ends in a return");
    assert!(error.to_string().contains(r#""sub\r""#), "{error}");
    assert!(place.brought.borrow().is_empty());
}
