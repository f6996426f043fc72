//! Chart repositories and registries on loopback.

mod helm;
mod oci;
mod real;
mod token;

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

use drupelet::http::{Client, Credentials, Roots, Settings};
use drupelet::registry::{Access, Charts, Limits, Request};
use support::digest::sha256;
use support::serve::Server;

fn charts(home: &tempfile::TempDir) -> Charts {
    Charts::open(&home.path().join("charts"), Limits::default()).expect("opens")
}

fn access(server: &Server) -> Access {
    let roots = if server.certificate.is_empty() {
        Roots::Public
    } else {
        Roots::Only(server.certificate.clone().into_bytes())
    };
    let settings = Settings {
        roots,
        ..Settings::default()
    };
    Access::anonymous(Client::new(settings).expect("is usable"))
}

fn basic(password: &str) -> Option<Credentials> {
    Some(Credentials::Basic {
        user: "ada".into(),
        password: password.into(),
    })
}

fn request(repository: &str, version: &str) -> Request {
    Request {
        repository: repository.to_owned(),
        chart: "app".into(),
        version: version.to_owned(),
    }
}
