//! Helm repositories: `index.yaml` and archives.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use drupelet::registry::{Access, Fault};

use super::{access, basic, charts, request, sha256};
use crate::support::serve::{Answer, Asked, Server};

const OLD: &[u8] = b"the archive of 1.0.0";
const NEW: &[u8] = b"the archive of 1.1.0";

fn index(digest: &str) -> String {
    format!(
        "apiVersion: v1\nentries:\n  other:\n  - version: 9.0.0\n    urls: [x]\n  app:\n  \
         - version: 1.0.0\n    urls: [files/app-1.0.0.tgz]\n  \
         - version: 1.1.0\n    digest: {digest}\n    urls: [files/app-1.1.0.tgz]\n"
    )
}

fn repository(asked: &Asked) -> Answer {
    match asked.target.as_str() {
        "/charts/index.yaml" if asked.header("if-none-match") == Some("\"one\"") => {
            Answer::status(304, "")
        }
        "/charts/index.yaml" => Answer::ok(index(&sha256(NEW))).header("etag", "\"one\""),
        "/charts/files/app-1.0.0.tgz" => Answer::ok(OLD),
        "/charts/files/app-1.1.0.tgz" => Answer::ok(NEW),
        _ => Answer::status(404, ""),
    }
}

#[test]
fn a_chart_is_pulled_once_and_then_comes_from_the_cache() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::tls(repository);
    let url = server.url("/charts");
    let access = access(&server);
    let first = charts(&home);
    let pinned = first
        .resolve(&request(&url, "^1.0"), &access)
        .expect("resolves");
    assert_eq!(pinned.version, "1.1.0");
    assert_eq!(pinned.digest.as_deref(), Some(sha256(NEW).as_str()));
    let archive = first.pull(&pinned, &access).expect("pulls");
    assert_eq!(archive.bytes, NEW);
    assert_eq!(first.counts().requests, 2);
    first
        .resolve(&request(&url, "*"), &access)
        .expect("is fresh");
    first.pull(&pinned, &access).expect("is there");
    assert_eq!(first.counts().requests, 2);
    assert_eq!(first.counts().pulls, 1);
    assert_eq!(server.n_connections(), 1);

    // A restart asks only whether the index changed, and that only for a range.
    let second = charts(&home);
    let exact = second
        .resolve(&request(&url, "1.1.0"), &access)
        .expect("is there");
    assert_eq!(second.pull(&exact, &access).expect("is there").bytes, NEW);
    assert_eq!(second.counts().requests, 0);
    server.asked();
    let range = second
        .resolve(&request(&url, "^1.0"), &access)
        .expect("resolves");
    assert_eq!(range.version, "1.1.0");
    assert_eq!(server.asked()[0].header("if-none-match"), Some("\"one\""));

    // Without a network, what is known stands.
    server.stop();
    let third = charts(&home);
    let range = third
        .resolve(&request(&url, "^1.0"), &access)
        .expect("is known");
    assert_eq!(third.pull(&range, &access).expect("is there").bytes, NEW);
    let old = third
        .resolve(&request(&url, "1.0.0"), &access)
        .expect("is known");
    let error = third.pull(&old, &access).expect_err("never pulled");
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("cannot connect"), "{error}");
    assert!(
        error
            .to_string()
            .starts_with(&format!("chart repository {url}: pull chart app 1.0.0: ")),
        "{error}"
    );
}

#[test]
fn damaged_archives_are_pulled_again() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::plain(repository);
    let access = access(&server);
    let charts = charts(&home);
    let request = request(&server.url("/charts/"), "1.0.0");
    let pinned = charts.resolve(&request, &access).expect("resolves");
    assert_eq!(pinned.digest, None);
    charts.pull(&pinned, &access).expect("pulls");
    let blob = home.path().join("charts/blobs").join(sha256(OLD));
    fs::write(&blob, "something else").expect("writes");
    let pinned = charts.resolve(&request, &access).expect("is pinned");
    assert_eq!(charts.pull(&pinned, &access).expect("pulls").bytes, OLD);
    fs::remove_dir_all(home.path().join("charts")).expect("removes");
    let pinned = charts.resolve(&request, &access).expect("resolves");
    assert_eq!(charts.pull(&pinned, &access).expect("pulls").bytes, OLD);
    charts.forget(&request);
    let before = charts.counts().requests;
    charts.resolve(&request, &access).expect("asks");
    assert_eq!(charts.counts().requests, before + 1);
}

#[test]
fn an_archive_must_be_what_the_index_says() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::plain(|asked| match asked.target.as_str() {
        "/index.yaml" => Answer::ok(index(&"0".repeat(64))),
        _ => Answer::ok(NEW),
    });
    let access = access(&server);
    let charts = charts(&home);
    let pinned = charts
        .resolve(&request(&server.url(""), "1.1.0"), &access)
        .expect("resolves");
    let error = charts.pull(&pinned, &access).expect_err("is another one");
    assert!(matches!(error.fault, Fault::Digest { .. }), "{error}");
    let again = charts.pull(&pinned, &access);
    assert!(again.is_err(), "it must not have been kept");
}

#[test]
fn credentials_stay_with_the_repository_unless_passed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let elsewhere = Server::plain(|_| Answer::ok(NEW));
    let target = elsewhere.url("/app.tgz");
    let server = Server::plain(move |asked| {
        if asked.header("authorization").is_none() {
            return Answer::status(401, "");
        }
        let index = index(&sha256(NEW)).replace("files/app-1.1.0.tgz", &target);
        Answer::ok(index)
    });
    let mut access = access(&server);
    let request = request(&server.url(""), "1.1.0");
    let error = charts(&home)
        .resolve(&request, &access)
        .expect_err("is private");
    assert!(
        matches!(error.fault, Fault::Unauthenticated { given: false }),
        "{error}"
    );

    access.credentials = basic("s3cret");
    let charts = charts(&home);
    let pinned = charts.resolve(&request, &access).expect("resolves");
    charts.pull(&pinned, &access).expect("pulls");
    assert_eq!(elsewhere.asked()[0].header("authorization"), None);

    access.pass_credentials = true;
    fs::remove_dir_all(home.path().join("charts")).expect("removes");
    charts.pull(&pinned, &access).expect("pulls");
    assert!(elsewhere.asked()[0].header("authorization").is_some());
}

#[test]
fn what_is_wrong_is_said() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::plain(|asked| match asked.target.as_str() {
        "/page/index.yaml" => Answer::ok("<html>hello</html>"),
        "/broken/index.yaml" => Answer::ok("apiVersion: v1\nentries:\n  app: [\n"),
        "/cut/index.yaml" => {
            Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\napiVersion: v1\n")
        }
        "/500/index.yaml" => Answer::status(500, "oh"),
        "/403/index.yaml" => Answer::status(403, ""),
        "/good/index.yaml" => Answer::ok(index("x")),
        _ => Answer::status(404, ""),
    });
    let access = access(&server);
    for (path, version, retryable, message) in [
        (
            "/none",
            "1.0.0",
            false,
            "no index.yaml there: is it a Helm repository?",
        ),
        ("/page", "1.0.0", false, "its index is not readable"),
        ("/broken", "1.0.0", false, "its index is not readable"),
        ("/cut", "1.0.0", true, "the connection broke"),
        ("/500", "1.0.0", true, "answered 500: oh"),
        ("/403", "1.0.0", false, "access is denied"),
        (
            "/good",
            "7.x",
            false,
            "no version of chart app fits \"7.x\" (the newest is 1.1.0)",
        ),
    ] {
        let url = server.url(path);
        let error = charts(&home)
            .resolve(&request(&url, version), &access)
            .expect_err(path);
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.to_string().contains(&url), "{error}");
        assert_eq!(error.is_retryable(), retryable, "{error}");
    }
    let mut absent = request(&server.url("/good"), "1.0.0");
    absent.chart = "nope".into();
    let error = charts(&home)
        .resolve(&absent, &access)
        .expect_err("is absent");
    assert!(matches!(error.fault, Fault::NoChart(_)), "{error}");
    for url in ["ftp://x/y", "x", "", "https://name.invalid/charts"] {
        let error = charts(&home).resolve(&request(url, "1.0.0"), &access);
        assert!(error.is_err(), "{url}");
    }
}

/// CVE-2024-25620, CVE-2026-35204: names and versions that lead elsewhere are no
/// paths here, whatever the index and the archive call themselves.
#[test]
fn nothing_is_written_under_a_name_of_the_repositorys() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let digest = sha256(NEW);
    let server = Server::plain(move |asked| match asked.target.as_str() {
        "/index.yaml" => Answer::ok(format!(
            "apiVersion: v1\nentries:\n  ../../../out:\n  - version: ../../out\n    urls: [a/y.tgz]\n  \
             - version: 1.0.0\n    digest: {digest}\n    urls: [a/x.tgz]\n  \
             - version: 2.0.0\n    digest: ../../../out\n    urls: [a/x.tgz]\n"
        )),
        _ => Answer::ok(NEW),
    });
    let (charts, access) = (charts(&home), access(&server));
    let ask = |version: &str| {
        let mut wanted = request(&server.url(""), version);
        wanted.chart = "../../../out".into();
        let pinned = charts.resolve(&wanted, &access)?;
        charts.pull(&pinned, &access)
    };
    assert_eq!(ask("1.0.0").expect("its name is only a name").bytes, NEW);
    assert_eq!(ask("../../out").expect("so is its version").bytes, NEW);
    assert_eq!(ask("2.0.0").expect("so is its digest").bytes, NEW);
    let mut found: Vec<_> = files_below(home.path());
    found.retain(|name| !name.starts_with("charts/pins/") && !name.starts_with("charts/indexes/"));
    assert_eq!(found, [format!("charts/blobs/{}", sha256(NEW))]);
}

fn files_below(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("is readable").flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let below = path.strip_prefix(folder).expect("is below");
                    found.push(below.display().to_string());
                }
            }
        }
    }
    found
}

#[test]
fn answers_without_end_end_at_a_limit() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let server = Server::plain(|asked| match asked.target.as_str() {
        "/deep/index.yaml" => Answer::without_end("apiVersion: v1\nentries: ", "["),
        "/chart/index.yaml" => Answer::ok(index("x").replace("    digest: x\n", "")),
        _ => Answer::without_end("", "bytes"),
    });
    let access = access(&server);
    for (path, told) in [
        ("/deep", "its index is not readable"),
        ("/chart", "exceeds the limit of 67108864 bytes"),
    ] {
        let charts = charts(&home);
        let found = charts
            .resolve(&request(&server.url(path), "1.1.0"), &access)
            .and_then(|pinned| charts.pull(&pinned, &access));
        let error = found.expect_err(path).to_string();
        assert!(error.contains(told), "{path}: {error}");
        assert!(error.len() < 1000, "{path}: {}", error.len());
    }
}

#[test]
fn a_changed_index_is_read_anew() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let away = Arc::new(AtomicBool::new(false));
    let text = Arc::new(Mutex::new(index("x")));
    let (is_away, now) = (Arc::clone(&away), Arc::clone(&text));
    let server = Server::plain(move |_| {
        if is_away.load(Ordering::SeqCst) {
            return Answer::status(503, "");
        }
        Answer::ok(now.lock().expect("no panic holds it").clone())
    });
    let access = access(&server);
    let range = request(&server.url(""), "*");
    let before = charts(&home).resolve(&range, &access).expect("resolves");
    assert_eq!(before.version, "1.1.0");
    let later = text
        .lock()
        .expect("no panic holds it")
        .replace("1.1.0", "1.2.0");
    *text.lock().expect("no panic holds it") = later;
    let after = charts(&home).resolve(&range, &access).expect("resolves");
    assert_eq!(after.version, "1.2.0");
    away.store(true, Ordering::SeqCst);
    let still = charts(&home).resolve(&range, &access).expect("is known");
    assert_eq!(still.version, "1.2.0");
}

#[test]
fn another_host_that_is_redirected_to_gets_no_credentials() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let elsewhere = Server::plain(|asked| match asked.target.as_str() {
        "/moved/index.yaml" => Answer::ok(index(&sha256(NEW))),
        _ => Answer::ok(NEW),
    });
    let (moved, archive) = (
        elsewhere.url("/moved/index.yaml"),
        elsewhere.url("/app.tgz"),
    );
    let server = Server::plain(move |asked| {
        if asked.header("authorization").is_none() {
            return Answer::status(401, "");
        }
        match asked.target.as_str() {
            "/archive/index.yaml" => Answer::ok(index(&sha256(NEW))),
            "/index/index.yaml" => Answer::redirect(&moved),
            _ => Answer::redirect(&archive),
        }
    });
    for (path, pass_credentials) in [("/archive", false), ("/archive", true), ("/index", false)] {
        let access = Access {
            credentials: basic("s3cret"),
            pass_credentials,
            ..access(&server)
        };
        let charts = charts(&home);
        let request = request(&server.url(path), "1.1.0");
        let pinned = charts.resolve(&request, &access).expect("resolves");
        assert_eq!(charts.pull(&pinned, &access).expect("pulls").bytes, NEW);
        let there = elsewhere.asked();
        assert!(!there.is_empty(), "{path}");
        for asked in there {
            assert_eq!(
                asked.header("authorization"),
                None,
                "{path} {}",
                asked.target
            );
        }
        std::fs::remove_dir_all(home.path().join("charts")).expect("removes");
    }
}

#[test]
fn a_network_that_is_away_is_said_unless_the_chart_is_known() {
    let (known, unknown) = (
        tempfile::tempdir().expect("a temporary directory"),
        tempfile::tempdir().expect("a temporary directory"),
    );
    let server = Server::plain(repository);
    let access = access(&server);
    let request = request(&server.url("/charts"), "1.1.0");
    let before = charts(&known).resolve(&request, &access).expect("resolves");
    charts(&known).pull(&before, &access).expect("pulls");
    drop(server);
    let pinned = charts(&known).resolve(&request, &access).expect("is known");
    assert_eq!(
        charts(&known)
            .pull(&pinned, &access)
            .expect("is kept")
            .bytes,
        NEW
    );
    let error = charts(&unknown)
        .resolve(&request, &access)
        .expect_err("nobody answers");
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains(&request.repository), "{error}");
}
