//! OCI registries: tokens, tags, manifests, layers.

use drupelet::http::Credentials;
use drupelet::registry::{Access, Fault, Request};

use super::{access, basic, charts, sha256};
use crate::support::serve::{Answer, Asked, Server};

const CHART: &[u8] = b"the archive";

fn manifest() -> String {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:{0}","size":2}},"layers":[{{"mediaType":"application/vnd.cncf.helm.chart.content.v1.tar+gzip","digest":"sha256:{0}","size":11}}]}}"#,
        sha256(CHART)
    )
}

/// A registry that hands out what it has without asking.
fn open_registry(asked: &Asked) -> Answer {
    let target = asked.target.as_str();
    let manifest = manifest();
    let by_digest = format!(
        "/v2/team/app/manifests/sha256:{}",
        sha256(manifest.as_bytes())
    );
    match target {
        "/v2/team/app/tags/list?n=1000" => {
            Answer::ok(r#"{"name":"team/app","tags":["latest","1.0.0","1.2.0-rc.1"]}"#).header(
                "link",
                "</v2/team/app/tags/list?n=1000&last=x>; rel=\"next\"",
            )
        }
        "/v2/team/app/tags/list?n=1000&last=x" => {
            Answer::ok(r#"{"name":"team/app","tags":["1.1.0_build.5"]}"#)
        }
        "/v2/team/app/manifests/1.0.0"
        | "/v2/team/app/manifests/1.1.0_build.5"
        | "/v2/team/app/manifests/latest" => {
            let digest = format!("sha256:{}", sha256(manifest.as_bytes()));
            Answer::ok(manifest).header("docker-content-digest", &digest)
        }
        "/v2/team/app/manifests/lying" => Answer::ok(manifest).header(
            "docker-content-digest",
            &format!("sha256:{}", "0".repeat(64)),
        ),
        "/v2/team/app/manifests/image" => {
            Answer::ok(r#"{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"}}"#)
        }
        other if other == by_digest => Answer::ok(manifest),
        other if other == format!("/v2/team/app/blobs/sha256:{}", sha256(CHART)) => {
            Answer::ok(CHART)
        }
        _ => Answer::status(404, "{}"),
    }
}

fn request(server: &Server, version: &str) -> Request {
    Request {
        repository: format!("oci://localhost:{}/team", server.port),
        chart: "app".into(),
        version: version.into(),
    }
}

fn plain(server: &Server) -> Access {
    Access {
        plain_http: true,
        ..access(server)
    }
}

#[test]
fn versions_ranges_tags_and_digests_are_pulled() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::tls(open_registry);
    let access = access(&server);
    let digest = format!("sha256:{}", sha256(manifest().as_bytes()));
    for (wanted, version) in [
        ("1.0.0", "1.0.0"),
        ("1.x", "1.1.0+build.5"),
        ("", "1.1.0+build.5"),
        ("latest", "latest"),
        (digest.as_str(), digest.as_str()),
    ] {
        let charts = charts(&home);
        let pinned = charts
            .resolve(&request(&server, wanted), &access)
            .expect(wanted);
        assert_eq!(pinned.version, version);
        let archive = charts.pull(&pinned, &access).expect(wanted);
        assert_eq!(archive.bytes, CHART);
        assert_eq!(archive.digest, sha256(CHART));
    }
    let again = charts(&home);
    let pinned = again
        .resolve(&request(&server, "1.0.0"), &access)
        .expect("is there");
    again.pull(&pinned, &access).expect("is there");
    assert_eq!(again.counts().requests, 0);
    // The repository may name the chart itself.
    let whole = Request {
        repository: format!("oci://localhost:{}/team/app/", server.port),
        chart: String::new(),
        version: "1.0.0".into(),
    };
    let pinned = again.resolve(&whole, &access).expect("resolves");
    assert_eq!(again.pull(&pinned, &access).expect("pulls").bytes, CHART);
}

#[test]
fn what_is_wrong_is_said() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::plain(open_registry);
    let access = plain(&server);
    let charts = charts(&home);
    for (version, message) in [
        ("9.0.0", "team/app:9.0.0 is not there"),
        ("lying", "has digest"),
        ("image", "is not a Helm chart but"),
        ("../../x", "is no tag"),
        ("9.x", "no version of chart team/app fits"),
    ] {
        let found = charts
            .resolve(&request(&server, version), &access)
            .and_then(|pinned| charts.pull(&pinned, &access));
        let error = found.expect_err(version);
        assert!(error.to_string().contains(message), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("chart repository oci://localhost"),
            "{error}"
        );
        assert!(!error.is_retryable(), "{error}");
    }
    for repository in [
        "oci://",
        "oci:///x",
        "oci://h/a/../b",
        "oci://u:p@h/x",
        "oci://h/x?y",
    ] {
        let bad = Request {
            repository: repository.into(),
            ..request(&server, "1.0.0")
        };
        let found = charts.resolve(&bad, &access);
        assert!(found.is_err(), "{repository}");
    }
}

#[test]
fn tokens_are_fetched_with_credentials_and_kept() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::plain(|asked| {
        let host = asked.header("host").unwrap_or_default().to_owned();
        if asked.target.starts_with("/token?") {
            let known = asked.header("authorization") == Some("Basic YWRhOnMzY3JldA==");
            return match known {
                true => Answer::ok(r#"{"token":"t0ken","expires_in":300}"#),
                false => Answer::status(401, ""),
            };
        }
        if asked.header("authorization") == Some("Bearer t0ken") {
            return open_registry(asked);
        }
        Answer::status(401, "").header(
            "www-authenticate",
            &format!("Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:team/app:pull\""),
        )
    });
    let mut access = plain(&server);
    let get = |access: &Access, version: &str| {
        let charts = charts(&home);
        let pinned = charts.resolve(&request(&server, version), access)?;
        charts.pull(&pinned, access)
    };
    let error = get(&access, "1.x").expect_err("is private");
    assert!(
        matches!(error.fault, Fault::Unauthenticated { given: false }),
        "{error}"
    );
    access.credentials = basic("wrong");
    let error = get(&access, "1.x").expect_err("is private");
    assert!(
        matches!(error.fault, Fault::Unauthenticated { given: true }),
        "{error}"
    );
    server.asked();
    access.credentials = basic("s3cret");
    assert_eq!(get(&access, "1.x").expect("pulls").bytes, CHART);
    let asked = server.asked();
    let tokens = asked
        .iter()
        .filter(|a| a.target.starts_with("/token?"))
        .count();
    assert_eq!(tokens, 1);
    assert!(
        asked
            .iter()
            .any(|a| { a.target == "/token?scope=repository%3Ateam%2Fapp%3Apull&service=s" })
    );
    // Tokens over plain http only where the operator said so.
    access.plain_http = false;
    access.credentials = Some(Credentials::Bearer("x".into()));
    let error = get(&access, "2.x").expect_err("speaks no TLS");
    assert!(!error.to_string().contains("s3cret"));
}

#[test]
fn a_token_serves_those_alone_who_have_the_credentials() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::plain(|asked| {
        let host = asked.header("host").unwrap_or_default().to_owned();
        if asked.target.starts_with("/token?") {
            let known = asked.header("authorization") == Some("Basic YWRhOnMzY3JldA==");
            return match known {
                true => Answer::ok(r#"{"token":"t0ken","expires_in":300}"#),
                false => Answer::status(401, ""),
            };
        }
        if asked.header("authorization") == Some("Bearer t0ken") {
            return open_registry(asked);
        }
        Answer::status(401, "").header(
            "www-authenticate",
            &format!("Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:team/app:pull\""),
        )
    });
    let charts = charts(&home);
    let owner = Access {
        credentials: basic("s3cret"),
        ..plain(&server)
    };
    let wanted = request(&server, "1.x");
    charts.resolve(&wanted, &owner).expect("is let in");
    for credentials in [None, basic("wrong")] {
        let given = credentials.is_some();
        let other = Access {
            credentials,
            ..plain(&server)
        };
        let error = charts.resolve(&wanted, &other).expect_err("is refused");
        assert!(
            matches!(error.fault, Fault::Unauthenticated { given: told } if told == given),
            "{error}"
        );
    }
    charts.resolve(&wanted, &owner).expect("is let in still");
}

#[test]
fn a_store_of_blobs_elsewhere_gets_no_credentials() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let store = Server::plain(|_| Answer::ok(CHART));
    let blob = store.url("/blob");
    let server = Server::plain(move |asked| {
        if asked.header("authorization").is_none() {
            return Answer::status(401, "").header("www-authenticate", "Basic realm=\"x\"");
        }
        match asked.target.contains("/blobs/") {
            true => Answer::redirect(&blob),
            false => open_registry(asked),
        }
    });
    let access = Access {
        credentials: basic("s3cret"),
        ..plain(&server)
    };
    let charts = charts(&home);
    let pinned = charts
        .resolve(&request(&server, "1.0.0"), &access)
        .expect("resolves");
    assert_eq!(charts.pull(&pinned, &access).expect("pulls").bytes, CHART);
    let asked = store.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), None);
}
