//! Large files: pointers that the real git-lfs made, objects from a server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use drupelet::git::{Access, Cache, Limits, Locator, Repository, Snapshot, Ssh};
use drupelet::http::{Client, Credentials, Roots, Settings};
use drupelet::tree::TreeError;

use crate::support::git_server::{self, Behaviour};
use crate::support::lfs_server::{Deviation, is_installed, serve};
use crate::support::serve::{Answer, Server};
use crate::support::ssh_server::SshServer;

const CONTENT: &str = "kind: of a large file\n";
const ANOTHER: &str = "kind: of another large file\n";

struct Place {
    home: tempfile::TempDir,
    server: Server,
    cache: Cache,
}

impl Place {
    /// A repository with two large files and a plain one, and an empty cache.
    fn new(deviation: Deviation) -> Option<Self> {
        if !git_server::is_installed() || !is_installed() {
            return None;
        }
        let home = tempfile::tempdir().expect("a temporary directory");
        let work = home.path().join("served/work");
        fs::create_dir_all(&work).expect("creates");
        let git = |arguments: &[&str]| {
            let output = Command::new("git")
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("HOME", home.path())
                .arg("-C")
                .arg(&work)
                .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
                .args(arguments)
                .output()
                .expect("git is installed");
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{arguments:?}: {told}");
        };
        git(&["init", "-q", "-b", "main", "."]);
        git(&["lfs", "install", "--local"]);
        git(&["lfs", "track", "*.large"]);
        fs::write(work.join("a.large"), CONTENT).expect("writes");
        fs::write(work.join("b.large"), ANOTHER).expect("writes");
        fs::write(work.join("plain"), "plain\n").expect("writes");
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "large"]);
        let behaviour = Behaviour {
            credentials: Some(("ada".to_owned(), "s3cret".to_owned())),
            ..Behaviour::default()
        };
        let server = serve(&home.path().join("served"), &work, behaviour, deviation);
        let cache = Cache::open(&home.path().join("cache"), Limits::default()).expect("opens");
        Some(Place {
            home,
            server,
            cache,
        })
    }

    fn repository(&self, lfs: bool, more: &str) -> Repository {
        let certificates = format!("{}{more}", self.server.certificate);
        let settings = Settings {
            roots: Roots::Only(certificates.into_bytes()),
            ..Settings::default()
        };
        let access = Access {
            credentials: Some(Credentials::Basic {
                user: "ada".to_owned(),
                password: "s3cret".to_owned(),
            }),
            lfs,
            ..Access::anonymous(Client::new(settings).expect("is usable"))
        };
        let mut locator = Locator::default();
        locator.cache = Some(self.cache.clone());
        let url = self.server.url("/work/.git");
        locator.repository(&url, |_| Ok(access)).expect("is served")
    }

    fn read(&self, lfs: bool, file: &str) -> Result<String, String> {
        self.read_trusting(lfs, file, "")
    }

    fn read_trusting(&self, lfs: bool, file: &str, more: &str) -> Result<String, String> {
        let repository = self.repository(lfs, more);
        let resolved = repository.resolve("main").expect("is there");
        self::read(&repository.fetch(&resolved).expect("is there"), file)
    }

    fn kept(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.home.path().join("cache/lfs"));
        let names = folder.into_iter().flatten().flatten();
        names.map(|name| name.path()).collect()
    }

    fn logins(&self) -> PathBuf {
        self.home.path().join("logins")
    }

    /// How often `git-lfs-authenticate` was asked.
    fn n_logins(&self) -> usize {
        fs::read(self.logins()).map_or(0, |lines| lines.len())
    }

    /// Requests for LFS since the last call.
    fn n_asked(&self) -> usize {
        let asked = self.server.asked();
        let of_lfs = asked.iter().filter(|asked| asked.target.contains("lfs"));
        of_lfs.count()
    }
}

#[test]
fn large_files_are_fetched_when_they_are_read_and_kept() {
    let Some(place) = Place::new(Deviation::default()) else {
        return;
    };
    let pointer = place.read(false, "a.large").expect("is there");
    assert!(pointer.starts_with("version https://git-lfs"), "{pointer}");
    assert_eq!(place.read(true, "plain"), Ok("plain\n".to_owned()));
    assert_eq!(place.n_asked(), 0, "nobody read it");
    assert_eq!(place.read(true, "a.large"), Ok(CONTENT.to_owned()));
    assert_eq!(place.n_asked(), 2, "where it is, and itself");
    assert_eq!(place.read(true, "a.large"), Ok(CONTENT.to_owned()));
    assert_eq!(place.n_asked(), 0, "it is kept");
    // What is kept is checked before it is used.
    let [kept] = place.kept().try_into().expect("one object");
    fs::write(&kept, CONTENT.replace("large", "lorge")).expect("writes");
    assert_eq!(place.read(true, "a.large"), Ok(CONTENT.to_owned()));
    fs::remove_dir_all(place.home.path().join("cache/lfs")).expect("removes");
    assert_eq!(place.read(true, "a.large"), Ok(CONTENT.to_owned()));
    assert_eq!(place.n_asked(), 4);
}

#[track_caller]
fn check_refused(deviation: Deviation, wanted: &str) {
    let Some(place) = Place::new(deviation) else {
        return;
    };
    let error = place.read(true, "a.large").expect_err("it is refused");
    assert!(error.contains(wanted), "{error}");
    assert!(error.starts_with("a.large: Git LFS object "), "{error}");
    assert_eq!(place.kept(), Vec::<PathBuf>::new());
}

#[test]
fn what_is_not_the_object_is_refused() {
    let content = |text: &str| Deviation {
        content: Some(text.as_bytes().to_vec()),
        ..Deviation::default()
    };
    check_refused(
        content(&CONTENT.replace("large", "lorge")),
        "something else",
    );
    check_refused(content("short"), "something else");
    check_refused(content(&CONTENT.repeat(9)), "bytes");
    let href = |href: &str| Deviation {
        href: Some(href.to_owned()),
        ..Deviation::default()
    };
    check_refused(href("http://localhost/x"), "which is not https");
    check_refused(href("ftp://localhost/x"), "which is not https");
    check_refused(href("file:///etc/passwd"), "no usable address");
    check_refused(href("https://localhost:1/x"), "localhost:1");
}

#[test]
fn an_object_that_the_server_does_not_have_is_named() {
    let Some(place) = Place::new(Deviation::default()) else {
        return;
    };
    fs::remove_dir_all(place.home.path().join("served/work/.git/lfs/objects")).expect("removes");
    let error = place.read(true, "a.large").expect_err("it is not there");
    assert!(
        error.ends_with("the server refuses it: 404 Object does not exist"),
        "{error}"
    );
}

#[test]
fn the_repositorys_credentials_go_to_its_own_host_only() {
    let own = Deviation {
        without_token: true,
        ..Deviation::default()
    };
    let Some(place) = Place::new(own) else { return };
    assert_eq!(place.read(true, "a.large"), Ok(CONTENT.to_owned()));
    let elsewhere = Server::tls(|_| Answer::ok(CONTENT));
    let there = Deviation {
        href: Some(elsewhere.url("/object")),
        without_token: true,
        ..Deviation::default()
    };
    let Some(place) = Place::new(there) else {
        return;
    };
    let read = place.read_trusting(true, "a.large", &elsewhere.certificate);
    assert_eq!(read, Ok(CONTENT.to_owned()));
    let asked = elsewhere.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), None);
}

/// The repository by ssh. What sshd finds as `git-lfs-authenticate`, as the forges
/// have it, checks what it is asked, answers with `answer`, and keeps count.
fn by_ssh(place: &Place, answer: Option<&str>) -> Option<(SshServer, Snapshot)> {
    let programs = place.home.path().join("programs");
    fs::create_dir_all(&programs).expect("creates");
    let work = place.home.path().join("served/work");
    if let Some(answer) = answer {
        let program = programs.join("git-lfs-authenticate");
        let text = format!(
            "#!/bin/sh\n[ \"$*\" = '{} download' ] || exit 3\necho >>{}\ncat <<'.'\n{answer}\n.\n",
            work.display(),
            place.logins().display()
        );
        fs::write(&program, text).expect("writes");
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, permissions).expect("marks as a program");
    }
    let sshd = place.home.path().join("sshd");
    fs::create_dir_all(&sshd).expect("creates");
    let path = std::env::var("PATH").expect("there is one");
    let settings = format!("SetEnv PATH={}:{path}", programs.display());
    let server = SshServer::start(&sshd, &settings)?;
    let settings = Settings {
        roots: Roots::Only(place.server.certificate.clone().into_bytes()),
        ..Settings::default()
    };
    let access = Access {
        ssh: Ssh {
            private_key: Some(Arc::from(server.key("user", &["-t", "ed25519"]))),
            known_hosts: Some(Arc::from(server.known())),
            any_host_key: false,
        },
        lfs: true,
        ..Access::anonymous(Client::new(settings).expect("is usable"))
    };
    let mut locator = Locator::default();
    locator.cache = Some(place.cache.clone());
    let url = server.url(&work);
    let repository = locator.repository(&url, |_| Ok(access)).expect("is served");
    let resolved = repository.resolve("main").expect("is there");
    Some((server, repository.fetch(&resolved).expect("is there")))
}

fn read(snapshot: &Snapshot, file: &str) -> Result<String, String> {
    let read = snapshot.tree().expect("is readable").read(file);
    let read = read.map_err(|error: TreeError| error.to_string())?;
    Ok(String::from_utf8(read).expect("UTF-8"))
}

#[test]
fn a_repository_by_ssh_has_its_large_files_from_where_its_server_says() {
    let Some(place) = Place::new(Deviation::default()) else {
        return;
    };
    let href = place.server.url("/work/.git/info/lfs");
    // ada:s3cret, which nobody but the program knows.
    let header = r#"{"Authorization": "Basic YWRhOnMzY3JldA=="}"#;
    let answer = format!(r#"{{"header": {header}, "href": "{href}", "expires_in": 600}}"#);
    let Some((_server, snapshot)) = by_ssh(&place, Some(&answer)) else {
        return;
    };
    assert_eq!(read(&snapshot, "a.large"), Ok(CONTENT.to_owned()));
    assert_eq!(place.n_asked(), 2, "where it is, and itself");
    assert_eq!(read(&snapshot, "b.large"), Ok(ANOTHER.to_owned()));
    assert_eq!(place.n_logins(), 1, "for both");
    // An answer that does not serve any more is asked for anew, and not kept.
    fs::remove_dir_all(place.home.path().join("cache/lfs")).expect("removes");
    let objects = place.home.path().join("served/work/.git/lfs/objects");
    let aside = place.home.path().join("aside");
    fs::rename(&objects, &aside).expect("moves");
    let error = read(&snapshot, "b.large").expect_err("it is not there");
    assert!(error.contains("Object does not exist"), "{error}");
    assert_eq!(place.n_logins(), 2);
    fs::rename(&aside, &objects).expect("moves");
    assert_eq!(read(&snapshot, "b.large"), Ok(ANOTHER.to_owned()));
    assert_eq!(place.n_logins(), 3);
}

#[track_caller]
fn check_refused_by_ssh(answer: Option<&str>, wanted: &str) {
    let Some(place) = Place::new(Deviation::default()) else {
        return;
    };
    let Some((_server, snapshot)) = by_ssh(&place, answer) else {
        return;
    };
    let error = read(&snapshot, "a.large").expect_err("there is no object");
    assert!(error.contains("git-lfs-authenticate of ssh://"), "{error}");
    assert!(error.contains(wanted), "{error}");
    assert_eq!(place.n_asked(), 0);
}

#[test]
fn a_server_without_large_files_by_ssh_is_named() {
    check_refused_by_ssh(None, "no such program");
    check_refused_by_ssh(Some("welcome"), "no answer of Git LFS");
    let plain = r#"{"href": "http://elsewhere.example/info/lfs"}"#;
    check_refused_by_ssh(Some(plain), "which is not https");
    let long = format!(r#"{{"href": "https://{}"}}"#, "a".repeat(100_000));
    check_refused_by_ssh(Some(&long), "65536");
}
