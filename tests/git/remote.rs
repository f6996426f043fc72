//! The cache against the real git, served by smart HTTP on loopback.

use std::fs;
use std::path::{Path, PathBuf};

use drupelet::git::{Access, Cache, Counts, Error, Fault, Limits, Locator, Repository, Snapshot};
use drupelet::http::{Client, Credentials, Roots, Settings};
use drupelet::tree::{EntryKind, Tree};

use crate::support::git_server::{self, Behaviour, git, serve};
use crate::support::repository::TestRepository;
use crate::support::serve::{Answer, Server};

struct Place {
    home: tempfile::TempDir,
    repository: TestRepository,
    server: Server,
    cache: Option<Cache>,
    credentials: Option<Credentials>,
}

impl Place {
    /// A repository with one commit, served, and an empty cache.
    fn new(behaviour: Behaviour) -> Option<Self> {
        let home = tempfile::tempdir().expect("a temporary directory");
        let served = home.path().join("served");
        fs::create_dir(&served).expect("creates");
        let repository = TestRepository::create(&served.join("cluster.git"));
        repository.commit("main", &[("apps/a.yaml", "a: 1"), ("README", "r")]);
        repository.set_head("main");
        let server = serve(&served, behaviour)?;
        let mut place = Self {
            home,
            repository,
            server,
            cache: None,
            credentials: None,
        };
        place.restart();
        Some(place)
    }

    fn cache_path(&self) -> PathBuf {
        self.home.path().join("cache")
    }

    fn restart(&mut self) {
        self.restart_with(Limits::default());
    }

    fn restart_with(&mut self, limits: Limits) {
        self.cache = None;
        self.cache = Some(Cache::open(&self.cache_path(), limits).expect("opens"));
    }

    fn counts(&self) -> Counts {
        self.cache.as_ref().expect("is open").counts()
    }

    fn client(&self) -> Client {
        let settings = Settings {
            roots: Roots::Only(self.server.certificate.clone().into_bytes()),
            ..Settings::default()
        };
        Client::new(settings).expect("is usable")
    }

    fn open(&self, url: &str) -> Repository {
        let mut locator = Locator::default();
        locator.cache = self.cache.clone();
        let access = Access {
            credentials: self.credentials.clone(),
            ..Access::anonymous(self.client())
        };
        locator.repository(url, |_| Ok(access)).expect("is served")
    }

    fn remote(&self) -> Repository {
        self.open(&self.server.url("/cluster.git"))
    }

    fn fetch(&self, revision: &str) -> Result<Snapshot, Error> {
        let remote = self.remote();
        remote.fetch(&remote.resolve(revision)?)
    }
}

fn read(snapshot: &Snapshot, path: &str) -> String {
    let bytes = snapshot.tree().expect("opens").read(path).expect(path);
    String::from_utf8(bytes).expect("is text")
}

/// Every file with its content; an error as soon as something is not readable.
fn everything(tree: &dyn Tree, below: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut found = Vec::new();
    for (name, entry) in tree.list(below).map_err(|error| error.to_string())? {
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.kind == EntryKind::Directory {
            found.extend(everything(tree, &path)?);
        } else {
            let bytes = tree.read(&path).map_err(|error| error.to_string())?;
            found.push((path, bytes));
        }
    }
    Ok(found)
}

#[test]
fn a_poll_is_two_requests_on_a_kept_connection_and_fetches_nothing() {
    let Some(mut place) = Place::new(Behaviour::default()) else {
        return;
    };
    let remote = place.remote();
    let resolved = remote.resolve("main").expect("resolves");
    assert_eq!(resolved.reference.as_deref(), Some("refs/heads/main"));
    let snapshot = remote.fetch(&resolved).expect("fetches");
    assert_eq!(read(&snapshot, "apps/a.yaml"), "a: 1");
    let first = place.counts();
    assert_eq!(first.fetches, 1);
    assert!(first.objects >= 5, "{first:?}");

    for _ in 0..3 {
        assert_eq!(remote.resolve("main").expect("resolves"), resolved);
        remote.fetch(&resolved).expect("is there");
    }
    let later = place.counts();
    assert_eq!(later.requests - first.requests, 6);
    assert_eq!(later.fetches, 1);
    assert_eq!(later.bytes_written, first.bytes_written);
    assert_eq!(place.server.n_connections(), 1);

    // A restart finds everything on disk.
    drop(remote);
    place.restart();
    let snapshot = place.fetch("HEAD").expect("is there");
    assert_eq!(read(&snapshot, "README"), "r");
    assert_eq!(place.counts().fetches, 0);
    let offline = place.remote();
    place.server.stop();
    let cached = offline.cached(&resolved.commit).expect("is there");
    assert_eq!(read(&cached, "README"), "r");
    let error = offline.resolve("main").expect_err("is away");
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("cannot connect"), "{error}");
    assert!(offline.cached(&"1".repeat(40)).is_none());
}

#[test]
fn idle_polls_write_not_one_byte() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    place.fetch("main").expect("fetches");
    let state = || {
        let mut found = Vec::new();
        let mut folders = vec![place.cache_path()];
        while let Some(folder) = folders.pop() {
            for name in fs::read_dir(folder).expect("lists").flatten() {
                let meta = name.metadata().expect("is there");
                if meta.is_dir() {
                    folders.push(name.path());
                }
                found.push((name.path(), meta.len(), meta.modified().expect("has one")));
            }
        }
        found.sort();
        found
    };
    let before = state();
    for _ in 0..3 {
        let snapshot = place.fetch("main").expect("is there");
        read(&snapshot, "README");
    }
    assert_eq!(before, state());
}

#[test]
fn a_changed_ref_is_fetched_as_a_delta() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    let large = "0123456789abcdef".repeat(10_000);
    let noise: String = (0..60_000u32)
        .map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761)))
        .collect();
    let files = [
        ("large", large.as_str()),
        ("noise", noise.as_str()),
        ("a", "1"),
    ];
    place.repository.commit("main", &files);
    let old = place.fetch("main").expect("fetches");
    let first = place.counts();
    let changed = format!("{noise}one more line\n");
    let files = [
        ("large", large.as_str()),
        ("noise", changed.as_str()),
        ("a", "2"),
    ];
    place.repository.commit("main", &files);
    let new = place.fetch("main").expect("fetches");
    let second = place.counts();
    assert_eq!(read(&new, "noise"), changed);
    assert_eq!(read(&new, "large"), large);
    assert_eq!(read(&old, "noise"), noise);
    let received = second.bytes_received - first.bytes_received;
    assert!(received < 4_000, "{received} bytes for a line");
}

#[test]
fn branches_tags_and_shas_are_resolved() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    let first = place.repository.commit("main", &[("a", "1")]);
    place.repository.tag("v1", &first);
    let second = place.repository.commit("main", &[("a", "2")]);
    let side = place.repository.commit("feature/x", &[("a", "3")]);
    place.repository.tag("v1.2.0", &side);
    place.repository.tag("1.0.1", &second);
    place.repository.tag("1.0.0", &first);
    for (revision, commit, text) in [
        ("", &second, "2"),
        ("HEAD", &second, "2"),
        ("main", &second, "2"),
        ("refs/heads/main", &second, "2"),
        ("v1", &first, "1"),
        ("refs/tags/v1", &first, "1"),
        ("feature/x", &side, "3"),
        (">=1.0.0, <2", &side, "3"),
        ("1.0.*", &second, "2"),
        (first.as_str(), &first, "1"),
        (&side[..10], &side, "3"),
        // No tip, but here already.
        (&first[..7], &first, "1"),
    ] {
        let snapshot = place.fetch(revision).expect(revision);
        assert_eq!(&snapshot.commit, commit, "{revision}");
        assert_eq!(read(&snapshot, "a"), text, "{revision}");
    }
    for (revision, message) in [
        ("nope", "resolve nope: no such branch, tag or commit"),
        ("abcdef0", "does not resolve abbreviated commits"),
    ] {
        let error = place.fetch(revision).expect_err(revision);
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.to_string().contains("/cluster.git"), "{error}");
        assert!(!error.is_retryable());
    }
    let error = place.fetch(&"1".repeat(40)).expect_err("is not there");
    assert!(matches!(error.fault, Fault::CommitRefused(_)), "{error}");
}

#[test]
fn an_old_protocol_serves_as_well() {
    let behaviour = Behaviour {
        old_protocol: true,
        ..Behaviour::default()
    };
    let Some(place) = Place::new(behaviour) else {
        return;
    };
    let first = place.repository.commit("main", &[("a", "1")]);
    place.repository.tag("v1", &first);
    for (revision, text) in [("main", "1"), ("v1", "1"), ("HEAD", "1")] {
        assert_eq!(read(&place.fetch(revision).expect(revision), "a"), text);
    }
    place.repository.commit("main", &[("a", "2"), ("b", "3")]);
    assert_eq!(read(&place.fetch("main").expect("fetches"), "b"), "3");
    assert_eq!(read(&place.fetch(&first).expect("fetches"), "a"), "1");
}

#[test]
fn credentials_are_sent_to_their_own_origin_only() {
    let behaviour = Behaviour {
        credentials: Some(("ada".into(), "s3cret".into())),
        ..Behaviour::default()
    };
    let Some(mut place) = Place::new(behaviour) else {
        return;
    };
    let error = place.fetch("main").expect_err("has no credentials");
    assert!(
        matches!(error.fault, Fault::Unauthenticated { given: false }),
        "{error}"
    );
    let basic = |password: &str| {
        Some(Credentials::Basic {
            user: "ada".into(),
            password: password.into(),
        })
    };
    place.credentials = basic("wrong");
    let error = place.fetch("main").expect_err("has the wrong credentials");
    assert!(
        matches!(error.fault, Fault::Unauthenticated { given: true }),
        "{error}"
    );
    assert!(!error.to_string().contains("wrong"));
    assert!(!error.is_retryable());
    place.credentials = basic("s3cret");
    read(&place.fetch("main").expect("fetches"), "README");
    place.credentials = None;
    let url = format!("https://ada:s3cret@localhost:{}/cluster", place.server.port);
    let remote = place.open(&url);
    let snapshot = remote
        .fetch(&remote.resolve("").expect("resolves"))
        .expect("fetches");
    assert!(!snapshot.repository.contains("s3cret"));

    let other = Server::plain(|_| Answer::status(404, ""));
    let target = other.url("/cluster.git/info/refs?service=git-upload-pack");
    let redirecting = Server::plain(move |_| Answer::redirect(&target));
    place.credentials = basic("s3cret");
    let remote = place.open(&redirecting.url("/x.git"));
    let error = remote.resolve("main").expect_err("is not found");
    assert!(matches!(error.fault, Fault::NotFound), "{error}");
    assert!(redirecting.asked()[0].header("authorization").is_some());
    assert_eq!(other.asked()[0].header("authorization"), None);
}

#[test]
fn redirects_of_the_repository_are_followed() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    let base = place.server.url("");
    let moved = Server::plain(move |asked| {
        Answer::redirect(&format!("{base}{}", asked.target.replace("old", "cluster")))
    });
    let remote = place.open(&moved.url("/old.git"));
    let snapshot = remote
        .fetch(&remote.resolve("main").expect("resolves"))
        .expect("fetches");
    assert_eq!(read(&snapshot, "README"), "r");
    assert!(moved.asked().iter().all(|asked| asked.method == "GET"));
}

#[test]
fn answers_of_all_sorts_are_told_apart() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    let kind = "application/x-git-upload-pack-advertisement";
    let server = Server::plain(move |asked| {
        let name = asked.target.split('/').nth(1).unwrap_or_default();
        match name {
            "403" => Answer::status(403, ""),
            "404" => Answer::status(404, ""),
            "500" => Answer::status(500, "out of disk"),
            "page" => Answer::ok("<html>log in</html>").header("content-type", "text/html"),
            "empty" => Answer::ok("").header("content-type", kind),
            "bytes" => Answer::ok("\u{0}\u{1}zzzz").header("content-type", kind),
            "cut" => Answer::ok("001e# service=git-upl").header("content-type", kind),
            "hello" => Answer::raw("SSH-2.0-dropbear\r\n\r\n"),
            _ => Answer::raw(""),
        }
    });
    for (name, retryable, message) in [
        ("403", false, "access is denied"),
        ("404", false, "no such repository, or no access to it"),
        ("500", true, "answered 500: out of disk"),
        ("page", false, "content type text/html"),
        ("empty", false, "it ends in the middle"),
        ("bytes", false, "not one of a git server"),
        ("cut", false, "not one of a git server"),
        ("hello", false, "not valid HTTP"),
        ("nothing", true, "the connection broke"),
    ] {
        let url = server.url(&format!("/{name}/x.git"));
        let error = place.open(&url).resolve("main").expect_err(name);
        assert!(error.to_string().contains(message), "{name}: {error}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("repository {url}: resolve main: "))
        );
        assert_eq!(error.is_retryable(), retryable, "{name}: {error}");
    }
    TestRepository::create(&place.home.path().join("served/empty.git"));
    let empty = place.open(&place.server.url("/empty.git"));
    let error = empty.resolve("").expect_err("has no commits");
    assert!(matches!(error.fault, Fault::Unborn), "{error}");
    assert!(
        place
            .open("https://name.invalid/x")
            .resolve("")
            .is_err_and(|e| e.is_retryable())
    );
}

#[test]
fn the_cache_may_be_deleted_at_any_time() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    let snapshot = place.fetch("main").expect("fetches");
    fs::remove_dir_all(place.cache_path()).expect("removes");
    assert!(snapshot.tree().is_err());
    assert!(snapshot.is_damaged());
    assert_eq!(read(&place.fetch("main").expect("fetches"), "README"), "r");

    // Between the opening of a tree and a read in it.
    let snapshot = place.fetch("main").expect("is there");
    let tree = snapshot.tree().expect("opens");
    fs::remove_dir_all(place.cache_path()).expect("removes");
    let _ = everything(&*tree, "");
    place.repository.commit("main", &[("b", "2")]);
    assert_eq!(read(&place.fetch("main").expect("fetches"), "b"), "2");
}

#[test]
fn flipped_bytes_are_noticed_and_mended() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    place.repository.commit(
        "main",
        &[("a", "first file"), ("d/b", "second"), ("d/e/c", "third")],
    );
    let snapshot = place.fetch("main").expect("fetches");
    let expected = everything(&*snapshot.tree().expect("opens"), "").expect("is sound");
    let packs = |extension: &str| {
        let mirror = fs::read_dir(place.cache_path())
            .expect("lists")
            .flatten()
            .find(|name| name.path().is_dir())
            .expect("a mirror");
        fs::read_dir(mirror.path().join("objects/pack"))
            .expect("lists")
            .flatten()
            .map(|name| name.path())
            .find(|path| path.extension().is_some_and(|e| e == extension))
            .expect("a pack")
    };
    for extension in ["pack", "idx"] {
        let size = fs::read(packs(extension)).expect("reads").len();
        for at in (0..size).step_by(size / 20 + 1) {
            let path = packs(extension);
            let mut bytes = fs::read(&path).expect("reads");
            bytes[at] ^= 0x55;
            let mut permissions = fs::metadata(&path).expect("is there").permissions();
            #[allow(clippy::permissions_set_readonly_false, reason = "a test's own file")]
            permissions.set_readonly(false);
            fs::set_permissions(&path, permissions).expect("sets");
            fs::write(&path, bytes).expect("writes");

            let snapshot = place.fetch("main").expect("is there, or comes anew");
            let found = snapshot
                .tree()
                .map_err(|error| error.to_string())
                .and_then(|tree| everything(&*tree, ""));
            match found {
                Ok(found) => assert_eq!(found, expected, "{extension} {at}"),
                Err(cause) => {
                    assert!(snapshot.is_damaged(), "{extension} {at}: {cause}");
                    let snapshot = place.fetch("main").expect("comes anew");
                    let tree = snapshot.tree().expect("opens");
                    assert_eq!(everything(&*tree, "").expect("is sound"), expected);
                }
            }
            // Where nothing that is read was hit, start from a sound one.
            fs::remove_dir_all(place.cache_path()).expect("removes");
            place.fetch("main").expect("fetches");
        }
    }
}

#[test]
fn packs_are_folded_and_old_commits_forgotten() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    let mut first = String::new();
    for n in 0..40 {
        let text = format!("number {n}");
        let files = [
            ("apps/a.yaml", text.as_str()),
            ("same", "same"),
            ("d/x", "x"),
        ];
        let commit = place.repository.commit("main", &files);
        if first.is_empty() {
            first = commit;
        }
        let snapshot = place.fetch("main").expect("fetches");
        assert_eq!(read(&snapshot, "apps/a.yaml"), text);
        assert_eq!(read(&snapshot, "same"), "same");
        // An application that stays on the first commit keeps it here.
        assert_eq!(
            read(&place.fetch(&first).expect("is there"), "apps/a.yaml"),
            "number 0"
        );
    }
    let counts = place.counts();
    assert!(counts.compactions >= 2, "{counts:?}");
    assert_eq!(counts.fetches, 40, "{counts:?}");
    let mirror = fs::read_dir(place.cache_path())
        .expect("lists")
        .flatten()
        .find(|name| name.path().is_dir())
        .expect("a mirror")
        .path();
    let packs = fs::read_dir(mirror.join("objects/pack"))
        .expect("lists")
        .count();
    assert!(packs <= 2 * 13, "{packs} files");
    git(&mirror, &["fsck", "--full", "--strict"]);
}

#[test]
fn the_least_used_mirrors_make_room() {
    let Some(mut place) = Place::new(Behaviour::default()) else {
        return;
    };
    place.restart_with(Limits { bytes: 30_000 });
    let fetch = |name: &str| {
        let remote = place.open(&place.server.url(name));
        let snapshot = remote
            .fetch(&remote.resolve("").expect("resolves"))
            .expect("fetches");
        snapshot
            .tree()
            .expect("opens")
            .read("noise")
            .expect("reads")
    };
    let noise: String = (0..2_000u32)
        .map(|n| format!("{}", n.wrapping_mul(2_654_435_761)))
        .collect();
    for name in ["one", "two", "three"] {
        let path = place.home.path().join(format!("served/{name}.git"));
        let repository = TestRepository::create(&path);
        repository.commit("main", &[("noise", &format!("{name}{noise}"))]);
        repository.set_head("main");
    }
    for name in ["/one", "/two", "/one", "/three", "/one"] {
        fetch(name);
    }
    let counts = place.counts();
    assert_eq!(
        counts.fetches, 3,
        "one stays, since it was used: {counts:?}"
    );
    fetch("/two");
    assert_eq!(place.counts().fetches, 4);
}

#[test]
fn a_second_process_does_not_share_a_cache() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let first = Cache::open(home.path(), Limits::default()).expect("opens");
    let error = Cache::open(home.path(), Limits::default()).expect_err("is in use");
    assert!(
        error.to_string().contains("another process uses it"),
        "{error}"
    );
    drop(first);
    Cache::open(home.path(), Limits::default()).expect("opens");
}

#[test]
fn what_an_interrupted_fetch_left_is_removed() {
    let Some(place) = Place::new(Behaviour::default()) else {
        return;
    };
    place.fetch("main").expect("fetches");
    let mirror = fs::read_dir(place.cache_path())
        .expect("lists")
        .flatten()
        .find(|name| name.path().is_dir())
        .expect("a mirror")
        .path();
    let packs = mirror.join("objects/pack");
    for name in [".tmpAbc", "pack-1.pack", "pack-1.keep", "folding.tmp"] {
        fs::write(packs.join(name), "half").expect("writes");
    }
    fs::write(mirror.join("shallow.lock"), "").expect("writes");
    place.repository.commit("main", &[("a", "2")]);
    assert_eq!(read(&place.fetch("main").expect("fetches"), "a"), "2");
    assert!(place.counts().refetches == 0);
    let left = fs::read_dir(&packs).expect("lists").flatten();
    let odd: Vec<_> = left
        .map(|name| name.path())
        .filter(|path: &PathBuf| is_odd(path))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert!(git_server::is_installed());
}

fn is_odd(path: &Path) -> bool {
    !path.extension().is_some_and(|e| e == "pack" || e == "idx")
}
