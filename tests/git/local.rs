//! Repositories on this machine, read where they lie.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use drupelet::git::{Access, Branches, Error, Fault, LocalRepository, Locator, RepositoryUrl};
use drupelet::tree::{EntryKind, Tree, TreeError, resolve};

use crate::support::git_server::git;
use crate::support::repository::{Content, TestRepository};

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn names(tree: &dyn Tree, directory: &str) -> Vec<String> {
    let entries = tree.list(directory).expect("lists");
    entries.into_iter().map(|(name, _)| name).collect()
}

fn locator(path: &Path) -> Locator {
    let mut locator = Locator::default();
    locator
        .map("https://example.org/team/cluster.git", path.to_owned())
        .expect("maps");
    locator
}

fn no_access(_: &RepositoryUrl) -> Result<Access, Error> {
    unreachable!("nothing here is remote")
}

#[test]
fn a_mapped_url_is_read_from_the_local_clone() {
    let home = temporary();
    let repository = TestRepository::create(home.path());
    let files = [
        ("apps/a.yaml", "a: 1"),
        ("apps.yaml", "b"),
        ("apps/sub/c.yaml", "c"),
        ("z", ""),
    ];
    let commit = repository.commit("main", &files);
    repository.set_head("main");

    let locator = locator(home.path());
    let found = locator
        .repository("https://EXAMPLE.org/team/cluster", no_access)
        .expect("mapped");
    let resolved = found.resolve("").expect("resolves");
    assert_eq!(resolved.commit, commit);
    assert_eq!(resolved.reference.as_deref(), Some("refs/heads/main"));
    let snapshot = found.fetch(&resolved).expect("is there");
    assert_eq!(snapshot.repository, "https://EXAMPLE.org/team/cluster");
    assert_eq!(snapshot.commit, commit);

    let tree = snapshot.tree().expect("opens");
    assert_eq!(names(&*tree, ""), ["apps", "apps.yaml", "z"]);
    assert_eq!(names(&*tree, "apps"), ["a.yaml", "sub"]);
    assert_eq!(tree.read("apps/a.yaml").expect("reads"), b"a: 1");
    assert!(tree.entry("apps/b.yaml").expect("reads").is_none());
    assert!(tree.entry("z/b.yaml").expect("reads").is_none());
    assert!(matches!(
        tree.read("apps"),
        Err(TreeError::IsDirectory { .. })
    ));
    assert!(matches!(tree.read("nope"), Err(TreeError::NotFound { .. })));
    assert!(matches!(
        tree.list("z"),
        Err(TreeError::NotDirectory { .. })
    ));

    let info = snapshot.info().expect("reads").expect("a commit");
    assert_eq!(info.author, "Ada <ada@example.org>");
    assert_eq!(info.date, 1_700_000_000);
    assert_eq!(info.message, "change main\n\nAll of it.\n");
}

#[test]
fn a_snapshot_does_not_move_with_its_branch() {
    let home = temporary();
    let repository = TestRepository::create(home.path());
    repository.commit("main", &[("a", "old")]);
    repository.set_head("main");
    let found = locator(home.path())
        .repository("https://example.org/team/cluster", no_access)
        .expect("mapped");
    let snapshot = found
        .fetch(&found.resolve("main").expect("resolves"))
        .expect("is there");
    repository.commit("main", &[("a", "new")]);
    let tree = snapshot.tree().expect("opens");
    assert_eq!(tree.read("a").expect("reads"), b"old");
    let later = found
        .fetch(&found.resolve("main").expect("resolves"))
        .expect("is there");
    assert_eq!(
        later.tree().expect("opens").read("a").expect("reads"),
        b"new"
    );
}

#[test]
fn revisions_are_understood_as_argo_does() {
    let home = temporary();
    let repository = TestRepository::create(home.path());
    let first = repository.commit("main", &[("a", "1")]);
    let second = repository.commit("main", &[("a", "2")]);
    let other = repository.commit("feature/x", &[("a", "3")]);
    repository.set_head("main");
    repository.set_reference("refs/tags/light", &first);
    repository.tag("v1", &first);
    repository.tag("v1.1.0", &first);
    repository.tag("v1.0.1", &second);
    repository.set_reference("refs/remotes/origin/theirs", &first);
    let local = LocalRepository::open(home.path()).expect("opens");
    for (revision, commit) in [
        ("", &second),
        ("HEAD", &second),
        ("main", &second),
        ("refs/heads/main", &second),
        ("feature/x", &other),
        ("light", &first),
        ("v1", &first),
        ("refs/tags/v1", &first),
        ("theirs", &first),
        ("^1.0", &first),
        ("1.0.x", &second),
        (first.as_str(), &first),
        (&first.to_uppercase(), &first),
        (&first[..7], &first),
        (&first[..20], &first),
    ] {
        let resolved = local.resolve(revision, Branches::AsTheyAre);
        assert_eq!(&resolved.expect(revision).commit, commit, "{revision}");
    }
    // What is checked out stands for branches, not for tags and commits.
    let resolved = local
        .resolve("feature/x", Branches::MeanHead)
        .expect("resolves");
    assert_eq!(resolved.commit, second);
    assert_eq!(
        resolved.note.as_deref(),
        Some("feature/x is taken as what is checked out (main)")
    );
    let resolved = local.resolve("main", Branches::MeanHead).expect("resolves");
    assert_eq!(resolved.note, None);
    let tag = local.resolve("v1", Branches::MeanHead).expect("resolves");
    assert_eq!(tag.commit, first);

    for (revision, message) in [
        (
            "nope",
            "resolve nope: no such branch, tag or commit (branches: feature/x, main)",
        ),
        ("0123456", "no such branch, tag or commit"),
        (
            "0123456789012345678901234567890123456789",
            "is it shallow or partial?",
        ),
        ("../../etc/passwd", "no such branch, tag or commit"),
    ] {
        let error = local
            .resolve(revision, Branches::MeanHead)
            .expect_err(revision);
        assert!(error.to_string().contains(message), "{error}");
        assert!(!error.is_retryable());
    }
}

#[test]
fn what_is_no_repository_and_what_is_empty_is_told_apart() {
    let home = temporary();
    let error = LocalRepository::open(home.path()).err().expect("is none");
    assert!(matches!(error.fault, Fault::NotGit), "{error}");
    TestRepository::create(&home.path().join("r"));
    let local = LocalRepository::open(&home.path().join("r")).expect("opens");
    let error = local
        .resolve("", Branches::AsTheyAre)
        .expect_err("has no commits");
    assert!(matches!(error.fault, Fault::Unborn), "{error}");
}

#[test]
fn unmapped_urls_and_file_urls_are_refused() {
    let home = temporary();
    let mut locator = Locator::default();
    let url = format!("file://{}", home.path().display());
    let error = locator
        .repository(&url, no_access)
        .expect_err("not allowed");
    assert!(
        error.to_string().contains("the operator can allow them"),
        "{error}"
    );
    locator.allow_file = true;
    let folder = locator.repository(&url, no_access).expect("allowed");
    folder
        .resolve("")
        .expect("a folder resolves to its content");
}

#[test]
fn symlinks_stay_inside_of_the_tree() {
    let home = temporary();
    let repository = TestRepository::create(home.path());
    let link = |to: &str| Content::Symlink(to.into());
    repository.commit_content(
        "main",
        vec![
            ("base/values.yaml", "v".into()),
            ("apps/inside", link("../base/values.yaml")),
            ("apps/outside", link("../../etc/passwd")),
            ("apps/absolute", link("/etc/passwd")),
            ("apps/self", link("self")),
            ("apps/module", Content::Submodule("1".repeat(40))),
        ],
    );
    repository.set_head("main");
    let local = LocalRepository::open(home.path()).expect("opens");
    let head = local.resolve("", Branches::AsTheyAre).expect("resolves");
    let tree = local
        .snapshot(&head)
        .expect("is there")
        .tree()
        .expect("opens");
    let (path, _) = resolve(&*tree, "apps/inside").expect("inside");
    assert_eq!(path, "base/values.yaml");
    assert!(matches!(
        resolve(&*tree, "apps/outside"),
        Err(TreeError::Outside { .. })
    ));
    assert!(matches!(
        resolve(&*tree, "apps/absolute"),
        Err(TreeError::Outside { .. })
    ));
    assert!(matches!(
        resolve(&*tree, "apps/self"),
        Err(TreeError::SymlinkLoop { .. })
    ));
    let module = tree.entry("apps/module").expect("reads").expect("is there");
    assert_eq!(module.kind, EntryKind::Submodule);
    assert!(tree.read("apps/module").is_err());
}

#[test]
fn a_folder_is_taken_as_it_is() {
    let home = temporary();
    let root = home.path().join("folder");
    fs::create_dir_all(root.join("apps/deep")).expect("creates");
    fs::write(root.join("apps/deep/a.yaml"), "a").expect("writes");
    fs::write(home.path().join("secret"), "s").expect("writes");
    symlink("../../secret", root.join("apps/out")).expect("links");
    symlink("..", root.join("apps/up")).expect("links");
    let found = locator(&root)
        .repository("https://example.org/team/cluster", no_access)
        .expect("mapped");
    let first = found.resolve("main").expect("resolves");
    assert_eq!(first.commit.len(), 40);
    assert!(
        first
            .note
            .expect("says so")
            .contains("is no git repository")
    );
    let snapshot = found
        .fetch(&found.resolve("").expect("resolves"))
        .expect("is there");
    let tree = snapshot.tree().expect("opens");
    assert_eq!(names(&*tree, "apps"), ["deep", "out", "up"]);
    assert_eq!(tree.read("apps/deep/a.yaml").expect("reads"), b"a");
    assert!(matches!(
        resolve(&*tree, "apps/out"),
        Err(TreeError::Outside { .. })
    ));
    // No way through a symlink, even where nobody resolved it.
    assert!(tree.entry("apps/up/secret").expect("reads").is_none());
    assert!(tree.entry("../secret").is_err());
    let before = tree.entry("apps").expect("reads").expect("is there").id;

    fs::write(root.join("apps/deep/a.yaml"), "b").expect("writes");
    let second = found.resolve("").expect("resolves");
    assert_ne!(first.commit, second.commit);
    let tree = snapshot.tree().expect("opens");
    let after = tree.entry("apps").expect("reads").expect("is there").id;
    assert_ne!(before, after);
}

#[test]
fn damaged_objects_are_found() {
    let home = temporary();
    let repository = TestRepository::create(home.path());
    repository.commit("main", &[("a", "one"), ("b", "two")]);
    repository.set_head("main");
    let local = LocalRepository::open(home.path()).expect("opens");
    let head = local.resolve("", Branches::AsTheyAre).expect("resolves");
    let snapshot = local.snapshot(&head).expect("is there");
    let tree = snapshot.tree().expect("opens");
    let id = |name: &str| {
        let entry = tree.entry(name).expect("reads").expect("is there");
        entry
            .id
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    let place = |id: &str| home.path().join("objects").join(&id[..2]).join(&id[2..]);
    // A whole, valid object under another one's name.
    let (a, b) = (place(&id("a")), place(&id("b")));
    fs::remove_file(&a).expect("removes");
    fs::copy(b, a).expect("copies");
    let error = tree.read("a").expect_err("must not be handed out");
    assert!(error.to_string().contains("is damaged"), "{error}");
}

#[test]
fn clones_worktrees_alternates_and_packed_refs_are_read() {
    let home = temporary();
    let origin = home.path().join("origin");
    fs::create_dir(&origin).expect("creates");
    if git(&origin, &["init", "-q", "-b", "main"]).is_none() {
        return;
    }
    fs::write(origin.join("a"), "1").expect("writes");
    git(&origin, &["add", "."]);
    git(&origin, &["commit", "-qm", "one"]);
    git(&origin, &["tag", "-a", "-m", "release", "v1"]);
    let run = |arguments: &[&str]| git(home.path(), arguments).expect("git is there");
    run(&["clone", "-q", "--shared", "origin", "shared"]);
    run(&["clone", "-q", "--bare", "origin", "bare.git"]);
    run(&[
        "-C", "origin", "worktree", "add", "-q", "../tree", "-b", "side",
    ]);
    run(&["-C", "origin", "pack-refs", "--all"]);
    run(&["-C", "origin", "repack", "-adq"]);
    let commit = run(&["-C", "origin", "rev-parse", "HEAD"]);
    for name in ["origin", "shared", "bare.git", "tree"] {
        let local = LocalRepository::open(&home.path().join(name)).expect(name);
        for revision in ["", "main", "v1", &commit[..8]] {
            let resolved = local.resolve(revision, Branches::AsTheyAre).expect(name);
            assert_eq!(resolved.commit, commit, "{name} {revision}");
            let tree = local.snapshot(&resolved).expect(name).tree().expect(name);
            assert_eq!(tree.read("a").expect("reads"), b"1");
        }
    }
    let shared = LocalRepository::open(&home.path().join("shared")).expect("opens");
    assert_eq!(shared.remotes().len(), 1);
    let below = home.path().join("origin/deep/er");
    fs::create_dir_all(&below).expect("creates");
    let (_, inside) = LocalRepository::discover(&below)
        .expect("searches")
        .expect("finds");
    assert_eq!(inside, "deep/er");
}

#[test]
fn says_what_is_not_committed() {
    let home = temporary();
    let root = home.path();
    if git(root, &["init", "-q", "-b", "main"]).is_none() {
        return;
    }
    for name in ["changed", "same", "deleted", "staged", "touched"] {
        fs::write(root.join(name), name).expect("writes");
    }
    fs::write(root.join(".gitignore"), "*.log\nbuild/\n").expect("writes");
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "one"]);
    let open = || LocalRepository::open(root).expect("opens");
    let changes = open().changes().expect("compares");
    assert!(changes.is_clean(), "{changes:?}");

    fs::write(root.join("changed"), "CHANGED").expect("writes");
    fs::write(root.join("touched"), "touched").expect("writes");
    fs::remove_file(root.join("deleted")).expect("removes");
    fs::write(root.join("staged"), "other").expect("writes");
    git(root, &["add", "staged"]);
    fs::create_dir_all(root.join("build/x")).expect("creates");
    fs::create_dir_all(root.join("new/er")).expect("creates");
    fs::write(root.join("build/x/y"), "").expect("writes");
    fs::write(root.join("a.log"), "").expect("writes");
    fs::write(root.join("new/er/file"), "").expect("writes");
    let changes = open().changes().expect("compares");
    assert_eq!(
        changes.paths,
        ["changed", "deleted", "new/er/file", "staged"]
    );
}
