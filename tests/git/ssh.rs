//! Repositories by ssh, from the real sshd.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use drupelet::git::{Access, Cache, Error, Fault, Limits, Locator, Repository, Ssh};
use drupelet::http::{Client, Settings};

use crate::support::repository::TestRepository;
use crate::support::ssh_server::SshServer;

struct Place {
    home: tempfile::TempDir,
    repository: TestRepository,
    server: SshServer,
    cache: Cache,
}

impl Place {
    fn new(settings: &str) -> Option<Self> {
        let home = tempfile::tempdir().expect("a temporary directory");
        let sshd = home.path().join("sshd");
        fs::create_dir(&sshd).expect("creates");
        let server = SshServer::start(&sshd, settings)?;
        let repository = TestRepository::create(&home.path().join("it's a repo.git"));
        repository.commit("main", &[("apps/a.yaml", "a: 1")]);
        repository.set_head("main");
        let cache = Cache::open(&home.path().join("cache"), Limits::default()).expect("opens");
        Some(Self {
            home,
            repository,
            server,
            cache,
        })
    }

    /// Percent-encoded by nobody: blanks are not served in URLs.
    fn link(&self) -> std::path::PathBuf {
        let link = self.home.path().join("x.git");
        if !link.exists() {
            std::os::unix::fs::symlink(&self.repository.path, &link).expect("links");
        }
        link
    }

    fn open(&self, url: &str, ssh: Ssh) -> Repository {
        let mut locator = Locator::default();
        locator.cache = Some(self.cache.clone());
        let access = Access {
            ssh,
            ..Access::anonymous(Client::new(Settings::default()).expect("is usable"))
        };
        locator.repository(url, |_| Ok(access)).expect("is served")
    }

    fn read(&self, ssh: Ssh) -> Result<String, Error> {
        self.read_from(&self.server.url(&self.link()), ssh)
    }

    fn read_from(&self, url: &str, ssh: Ssh) -> Result<String, Error> {
        let repository = self.open(url, ssh);
        let snapshot = repository.fetch(&repository.resolve("main")?)?;
        let bytes = snapshot.tree()?.read("apps/a.yaml").expect("is there");
        Ok(String::from_utf8(bytes).expect("is text"))
    }
}

fn ssh(key: &str, known_hosts: &str) -> Ssh {
    Ssh {
        private_key: Some(Arc::from(key)),
        known_hosts: Some(Arc::from(known_hosts)),
        any_host_key: false,
    }
}

#[test]
fn a_repository_is_polled_and_fetched_by_ssh() {
    let Some(place) = Place::new("AcceptEnv GIT_PROTOCOL") else {
        return;
    };
    let key = place.server.key("user", &["-t", "ed25519"]);
    let known = ssh(&key, &place.server.known());
    assert_eq!(place.read(known.clone()).expect("fetches"), "a: 1");
    let first = place.cache.counts();
    assert_eq!(first.fetches, 1);
    assert_eq!(place.read(known.clone()).expect("is there"), "a: 1");
    assert_eq!(place.cache.counts().fetches, 1);
    // A new commit comes as a delta against the old one.
    place
        .repository
        .commit("main", &[("apps/a.yaml", "a: 2"), ("other", "x")]);
    assert_eq!(place.read(known).expect("fetches"), "a: 2");
    assert_eq!(place.cache.counts().fetches, 2);
    let later = place.cache.counts();
    assert!(later.objects - first.objects <= 5, "{first:?} {later:?}");
}

#[test]
fn a_server_of_the_old_protocol_serves_too() {
    let Some(place) = Place::new("") else {
        return;
    };
    let key = place.server.key("user", &["-t", "ed25519"]);
    let known = ssh(&key, &place.server.known());
    assert_eq!(place.read(known).expect("fetches"), "a: 1");
}

#[test]
fn keys_of_every_kind_and_form_log_in() {
    let Some(place) = Place::new("") else {
        return;
    };
    let known = place.server.known();
    for (name, options) in [
        ("ed25519", vec!["-t", "ed25519"]),
        ("ecdsa", vec!["-t", "ecdsa", "-b", "256"]),
        ("ecdsa384", vec!["-t", "ecdsa", "-b", "384"]),
        ("ecdsa521", vec!["-t", "ecdsa", "-b", "521"]),
        ("ecdsa8", vec!["-t", "ecdsa", "-m", "PKCS8"]),
        ("rsa", vec!["-t", "rsa", "-b", "2048"]),
        ("rsa1", vec!["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa8", vec!["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
    ] {
        let key = place.server.key(name, &options);
        let windows = key.replace('\n', "\r\n");
        for key in [&key, key.trim_end(), &windows] {
            let read = place.read(ssh(key, &known));
            assert_eq!(read.as_deref().ok(), Some("a: 1"), "{name}: {read:?}");
        }
    }
    for (name, options, why) in [
        ("sec1", vec!["-t", "ecdsa", "-m", "PEM"], "old SEC1 form"),
        ("locked", vec!["-t", "ed25519", "-N", "word"], "passphrase"),
        (
            "locked1",
            vec!["-t", "rsa", "-m", "PEM", "-N", "word12"],
            "passphrase",
        ),
    ] {
        let key = place.server.key(name, &options);
        let error = place.read(ssh(&key, &known)).expect_err(name).to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn host_keys_are_looked_up_plain_hashed_and_by_kind() {
    let Some(place) = Place::new("") else {
        return;
    };
    let server = &place.server;
    let key = server.key("user", &["-t", "ed25519"]);
    let port = server.port;
    for known in [
        server.hashed(),
        format!("127.*,[127.0.0.1]:* {}", server.host_key("ed25519")),
        // The server has an ed25519 key too, and would show it first.
        format!("[127.0.0.1]:{port} {}", server.host_key("rsa")),
    ] {
        let read = place.read(ssh(&key, &known));
        assert_eq!(read.as_deref().ok(), Some("a: 1"), "{known}: {read:?}");
    }
    let any = Ssh {
        any_host_key: true,
        known_hosts: None,
        ..ssh(&key, "")
    };
    assert_eq!(place.read(any).expect("fetches"), "a: 1");
}

#[test]
fn an_unknown_host_is_refused_and_its_key_is_told() {
    let Some(place) = Place::new("") else {
        return;
    };
    let server = &place.server;
    let key = server.key("user", &["-t", "ed25519"]);
    let port = server.port;
    let shown = server.host_key("ed25519");
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    for (known, why) in [
        (
            String::new(),
            "is not among the known hosts and shows ssh-ed25519 SHA256:",
        ),
        // The default port is another host.
        (format!("127.0.0.1 {shown}"), "is not among the known hosts"),
        (
            format!("[127.0.0.1]:{port} {other}"),
            "but another key is known for it",
        ),
        (
            format!("{}\n@revoked * {shown}", server.known()),
            "marked as revoked",
        ),
        (
            format!("@cert-authority * {shown}"),
            "known by @cert-authority only",
        ),
    ] {
        let error = place.read(ssh(&key, &known)).expect_err("is refused");
        assert!(matches!(error.fault, Fault::HostKey(_)), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(!error.is_retryable());
    }
}

#[test]
fn what_the_server_refuses_is_told() {
    let Some(place) = Place::new("") else {
        return;
    };
    let server = &place.server;
    let known = server.known();
    let stranger = {
        let path = place.home.path().join("stranger");
        crate::support::ssh_server::keygen(&path, &["-t", "ed25519"]);
        fs::read_to_string(path).expect("is there")
    };
    let error = place.read(ssh(&stranger, &known)).expect_err("is refused");
    assert!(
        matches!(error.fault, Fault::Unauthenticated { given: true }),
        "{error:?}"
    );

    let error = place.read(Ssh::default()).expect_err("has no key");
    assert!(error.to_string().contains("no sshPrivateKey"), "{error}");

    let key = server.key("user", &["-t", "ed25519"]);
    let absent = server.url(Path::new("/nowhere/x.git"));
    let error = place.read_from(&absent, ssh(&key, &known));
    let error = error.expect_err("is not there");
    assert!(matches!(error.fault, Fault::NotFound), "{error:?}");
}

#[test]
fn a_server_that_is_away_or_no_ssh_server_is_an_error_that_may_pass() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::open(&home.path().join("cache"), Limits::default()).expect("opens");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("is bound").port();
    let answering = std::thread::spawn(move || {
        use std::io::Write;
        for junk in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff",
            b"",
        ] {
            let (mut stream, _) = listener.accept().expect("accepts");
            let _ = stream.write_all(junk);
        }
    });
    let mut locator = Locator::default();
    locator.cache = Some(cache);
    let key = home.path().join("key");
    if std::process::Command::new("ssh-keygen")
        .arg("-V")
        .output()
        .is_err()
    {
        println!("not run: ssh-keygen is not installed");
        return;
    }
    crate::support::ssh_server::keygen(&key, &["-t", "ed25519"]);
    let key = fs::read_to_string(key).expect("is there");
    let repository = || {
        let access = Access {
            ssh: ssh(&key, ""),
            ..Access::anonymous(Client::new(Settings::default()).expect("is usable"))
        };
        let url = format!("ssh://git@127.0.0.1:{port}/x.git");
        locator.repository(&url, |_| Ok(access)).expect("is served")
    };
    for _ in 0..3 {
        let error = repository().resolve("main").expect_err("is junk");
        assert!(error.is_retryable(), "{error:?}");
    }
    answering.join().expect("ends");
    let error = repository().resolve("main").expect_err("is away");
    assert!(error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("connect: "), "{error}");
}
