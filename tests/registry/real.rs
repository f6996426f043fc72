//! A real registry (`tests/oracle/registry`, the distribution project's) that
//! the real helm fills: what it holds is pulled as helm pulls it.

use super::{basic, charts};
use crate::support::program::program;
use crate::support::signer::{Signer, signer};
use drupelet::git::{ClearSigned, Keyring, Verdict};
use drupelet::http::{Client, Roots, Settings};
use drupelet::registry::{Access, Fault, Request, vouched_digest};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Who may come in.
#[derive(Clone)]
pub enum Auth {
    Anybody,
    /// ada, by her password.
    Basic,
    /// Who has a token that this realm signed.
    Tokens {
        realm: String,
        /// PEM of who signs.
        trust: String,
        /// PEM of the realm's own certificate, where it has one.
        roots: String,
    },
}

#[derive(Clone)]
pub struct Kind {
    pub auth: Auth,
    pub has_tls: bool,
}

impl Kind {
    fn is_private(&self) -> bool {
        !matches!(self.auth, Auth::Anybody)
    }
}

pub struct Registry {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
    certificate: String,
    kind: Kind,
    helm: PathBuf,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    pub fn start(kind: Kind) -> Option<Self> {
        let (program, helm) = (program("oci-registry")?, program("helm")?);
        let folder = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| folder.path().join(name);
        let mut command = Command::new(program);
        let mut roots = "";
        match &kind.auth {
            Auth::Anybody => {}
            Auth::Basic => {
                let hash = bcrypt::hash("s3cret", 4).expect("it is hashed");
                std::fs::write(at("htpasswd"), format!("ada:{hash}\n")).expect("is writable");
                command.arg("-htpasswd").arg(at("htpasswd"));
            }
            Auth::Tokens {
                realm,
                trust,
                roots: of_realm,
            } => {
                std::fs::write(at("trust.pem"), trust).expect("is writable");
                command.arg("-realm").arg(realm);
                command.arg("-trust").arg(at("trust.pem"));
                roots = of_realm;
            }
        }
        let mut certificate = String::new();
        if kind.has_tls {
            let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
            let mut params = rcgen::CertificateParams::new(names).expect("valid names");
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let key = rcgen::KeyPair::generate().expect("ring makes keys");
            certificate = params.self_signed(&key).expect("signs itself").pem();
            std::fs::write(at("cert.pem"), &certificate).expect("is writable");
            std::fs::write(at("key.pem"), key.serialize_pem()).expect("is writable");
            command.arg("-cert").arg(at("cert.pem"));
            command.arg("-key").arg(at("key.pem"));
            certificate.push_str(roots);
            std::fs::write(at("roots.pem"), &certificate).expect("is writable");
        }
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the registry starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it says its port");
        Some(Registry {
            port: line.trim().parse().expect("a port"),
            process,
            folder,
            certificate,
            kind,
            helm,
        })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn url(&self) -> String {
        format!("oci://localhost:{}/team", self.port)
    }

    fn helm(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.helm)
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .output()
            .expect("helm starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "helm {arguments:?}: {said}");
        said + &String::from_utf8_lossy(&output.stdout)
    }

    /// What helm is told of the registry.
    fn flags(&self) -> Vec<String> {
        let mut flags = match self.kind.has_tls {
            true => vec!["--ca-file".to_owned(), "roots.pem".to_owned()],
            false => vec!["--plain-http".to_owned()],
        };
        if self.kind.is_private() {
            let login = ["--username", "ada", "--password", "s3cret"];
            flags.extend(login.map(str::to_owned));
        }
        flags
    }

    /// Packs a chart and pushes it; the archive.
    pub fn push(&self, version: &str) -> Vec<u8> {
        self.chart(version);
        self.helm(&["package", "app"]);
        self.push_packed("", version)
    }

    /// The same in a folder of the registry.
    pub fn push_below(&self, path: &str, version: &str) -> Vec<u8> {
        self.chart(version);
        self.helm(&["package", "app"]);
        self.push_packed(path, version)
    }

    fn chart(&self, version: &str) {
        let chart = self.at("app");
        std::fs::create_dir_all(chart.join("templates")).expect("is writable");
        let metadata = format!("apiVersion: v2\nname: app\nversion: {version}\n");
        std::fs::write(chart.join("Chart.yaml"), metadata).expect("is writable");
        let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
        std::fs::write(chart.join("templates/a.yaml"), template).expect("is writable");
    }

    fn push_packed(&self, path: &str, version: &str) -> Vec<u8> {
        let archive = format!("app-{version}.tgz");
        let url = format!("{}{path}", self.url());
        let flags = self.flags();
        let mut arguments = vec!["push", archive.as_str(), url.as_str()];
        arguments.extend(flags.iter().map(String::as_str));
        self.helm(&arguments);
        std::fs::read(self.at(&archive)).expect("helm wrote it")
    }

    /// The same with a provenance that helm signs.
    fn push_signed(&self, version: &str, signer: &Signer, key: &str) {
        self.chart(version);
        let keys = signer.path("secret.gpg");
        let secret = signer
            .command("gpg")
            .args(["--export-secret-keys", key])
            .output();
        std::fs::write(&keys, secret.expect("gpg runs").stdout).expect("is writable");
        let keyring = keys.display().to_string();
        self.helm(&[
            "package",
            "--sign",
            "--key",
            "ada",
            "--keyring",
            &keyring,
            "app",
        ]);
        self.push_packed("", version);
    }

    /// What helm itself pulls.
    pub fn pulled_by_helm(&self, version: &str) -> Vec<u8> {
        let chart = format!("{}/app", self.url());
        let flags = self.flags();
        let mut arguments = vec!["pull", chart.as_str(), "--destination", "pulled"];
        arguments.extend(["--version", version]);
        arguments.extend(flags.iter().map(String::as_str));
        std::fs::create_dir_all(self.at("pulled")).expect("is writable");
        self.helm(&arguments);
        let mut found = std::fs::read_dir(self.at("pulled")).expect("is readable");
        let file = found.next().expect("there is one").expect("is readable");
        let bytes = std::fs::read(file.path()).expect("is readable");
        std::fs::remove_file(file.path()).expect("is removable");
        bytes
    }

    pub fn access(&self, password: Option<&str>) -> Access {
        let roots = match self.kind.has_tls {
            true => Roots::Only(self.certificate.clone().into_bytes()),
            false => Roots::Public,
        };
        let settings = Settings {
            roots,
            ..Settings::default()
        };
        Access {
            plain_http: !self.kind.has_tls,
            credentials: password.and_then(basic),
            ..Access::anonymous(Client::new(settings).expect("is usable"))
        }
    }

    pub fn request(&self, version: &str) -> Request {
        Request {
            repository: self.url(),
            chart: "app".into(),
            version: version.into(),
        }
    }
}

const KINDS: [Kind; 4] = [
    Kind {
        auth: Auth::Anybody,
        has_tls: false,
    },
    Kind {
        auth: Auth::Basic,
        has_tls: false,
    },
    Kind {
        auth: Auth::Anybody,
        has_tls: true,
    },
    Kind {
        auth: Auth::Basic,
        has_tls: true,
    },
];

#[test]
fn what_helm_pushed_is_pulled_as_helm_pulls_it() {
    for kind in KINDS {
        let is_private = kind.is_private();
        let Some(registry) = Registry::start(kind) else {
            return;
        };
        let pushed: Vec<(&str, Vec<u8>)> = ["1.0.0", "1.2.0+build.5", "1.3.0-rc.1", "2.0.0"]
            .map(|version| (version, registry.push(version)))
            .into();
        let access = registry.access(is_private.then_some("s3cret"));
        let home = tempfile::tempdir().expect("a temporary directory");
        let charts = charts(&home);
        for (wanted, version) in [
            ("1.0.0", "1.0.0"),
            ("1.2.0+build.5", "1.2.0+build.5"),
            ("1.x", "1.2.0+build.5"),
            (">=1.3.0-0 <2", "1.3.0-rc.1"),
            ("", "2.0.0"),
        ] {
            let pinned = charts.resolve(&registry.request(wanted), &access);
            let pinned = pinned.unwrap_or_else(|error| panic!("{wanted:?}: {error}"));
            assert_eq!(pinned.version, version, "{wanted:?}");
            let archive = charts.pull(&pinned, &access).expect(wanted);
            let (_, bytes) = pushed.iter().find(|(v, _)| *v == version).expect("pushed");
            assert!(archive.bytes == *bytes, "{wanted:?}: other bytes");
            assert!(
                registry.pulled_by_helm(wanted) == *bytes,
                "{wanted:?}: helm"
            );
        }
        let error = charts.resolve(&registry.request("9.x"), &access);
        let error = error.expect_err("there is none").to_string();
        assert!(
            error.contains("no version of chart team/app fits"),
            "{error}"
        );
        let found = charts
            .resolve(&registry.request("9.0.0"), &access)
            .and_then(|pinned| charts.pull(&pinned, &access));
        let error = found.expect_err("there is none").to_string();
        assert!(error.contains("team/app:9.0.0 is not there"), "{error}");
    }
}

#[test]
fn a_private_registry_asks_who_comes() {
    for has_tls in [false, true] {
        let kind = Kind {
            auth: Auth::Basic,
            has_tls,
        };
        let Some(registry) = Registry::start(kind) else {
            return;
        };
        registry.push("1.0.0");
        let home = tempfile::tempdir().expect("a temporary directory");
        for (password, given) in [(None, false), (Some("wrong"), true)] {
            let access = registry.access(password);
            let charts = charts(&home);
            let error = charts
                .resolve(&registry.request("1.x"), &access)
                .expect_err("it is private");
            let is_it = matches!(error.fault, Fault::Unauthenticated { given: g } if g == given);
            assert!(is_it, "{error}");
        }
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let kind = Kind {
        auth: Auth::Anybody,
        has_tls: true,
    };
    let Some(registry) = Registry::start(kind) else {
        return;
    };
    let home = tempfile::tempdir().expect("a temporary directory");
    let settings = Settings::default();
    let access = Access::anonymous(Client::new(settings).expect("is usable"));
    let error = charts(&home)
        .resolve(&registry.request("1.x"), &access)
        .expect_err("nobody vouches for it")
        .to_string();
    assert!(error.contains("certificate"), "{error}");
}

/// helm signs, pushes and verifies; what it vouches for is found and read.
#[test]
fn what_helm_signed_vouches_for_what_is_pulled() {
    let kind = Kind {
        auth: Auth::Basic,
        has_tls: true,
    };
    let (Some(registry), Some(signer)) = (Registry::start(kind), signer()) else {
        return;
    };
    let key = signer.key("ada", "rsa3072", "sign", "never", &[]);
    let public = signer.public(&key);
    registry.push_signed("1.0.0", &signer, &key);
    registry.push("2.0.0");
    let home = tempfile::tempdir().expect("a temporary directory");
    let (charts, access) = (charts(&home), registry.access(Some("s3cret")));
    let of = |version: &str| {
        let pinned = charts.resolve(&registry.request(version), &access);
        let pinned = pinned.expect("it is there");
        let archive = charts.pull(&pinned, &access).expect("it is there");
        let found = charts.provenance(&pinned, &access);
        (archive.digest, found.expect("the registry answers"))
    };
    let (digest, provenance) = of("1.0.0");
    let provenance = provenance.expect("helm pushed it");
    assert_eq!(provenance.file, "app-1.0.0.tgz");
    let signed = ClearSigned::read(&provenance.text).expect("is one");
    let keyring = Keyring::read([(&key[24..], public.as_str())].into_iter());
    let checked = keyring.verify_clear(&signed, jiff::Timestamp::now().as_second());
    assert_eq!(checked.verdict, Verdict::Good);
    assert_eq!(vouched_digest(signed.text(), &provenance.file), Ok(digest));
    assert_eq!(of("2.0.0").1, None);
}
