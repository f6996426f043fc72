//! The HTTP client against real servers on loopback.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::time::Duration;

use drupelet::http::{
    Client, Error, Fault, ProxyChoice, Retry, Roots, Settings, Timeouts, read_body,
};
use http::Request;
use http::header::AUTHORIZATION;
use support::serve::{Answer, Server};

fn client(settings: Settings) -> Client {
    Client::new(settings).expect("settings are usable")
}

fn get(client: &Client, url: &str) -> Result<Vec<u8>, Error> {
    let response = client.get(url, &[(AUTHORIZATION, "Bearer s3cret".into())])?;
    read_body("GET", url, response, 1_000)
}

#[track_caller]
fn refused(result: Result<Vec<u8>, Error>) -> Error {
    result.expect_err("must be refused")
}

#[test]
fn connections_are_kept_alive() {
    let server = Server::tls(|_| Answer::ok("x"));
    let client = client(Settings {
        roots: Roots::Only(server.certificate.clone().into_bytes()),
        ..Settings::default()
    });
    for _ in 0..3 {
        get(&client, &server.url("/a")).expect("answers");
    }
    assert_eq!(server.n_connections(), 1);
    let asked = server.asked();
    let agent = asked[0].header("user-agent");
    assert_eq!(agent, Some(drupelet::http::USER_AGENT));
}

#[test]
fn certificates_are_verified() {
    let server = Server::tls(|_| Answer::ok("x"));
    let url = server.url("/a");
    let error = refused(get(&client(Settings::default()), &url));
    assert!(matches!(error.fault, Fault::Tls { .. }), "{error}");
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("self-signed"), "{error}");

    let insecure = Settings {
        insecure: true,
        ..Settings::default()
    };
    get(&client(insecure), &url).expect("insecure takes any certificate");

    // A self-signed one with CA:TRUE, named by the operator, under its name only.
    let pinned = Settings {
        roots: Roots::PublicAnd(server.certificate.clone().into_bytes()),
        ..Settings::default()
    };
    get(&client(pinned.clone()), &url).expect("the named certificate is trusted");
    let other = Settings {
        server_name: Some("other.example".into()),
        ..pinned
    };
    let error = refused(get(&client(other), &url));
    assert!(matches!(error.fault, Fault::Tls { .. }), "{error}");

    let another = Server::tls(|_| Answer::ok("x"));
    let wrong = Settings {
        roots: Roots::Only(another.certificate.clone().into_bytes()),
        ..Settings::default()
    };
    let error = refused(get(&client(wrong), &url));
    assert!(matches!(error.fault, Fault::Tls { .. }), "{error}");
}

#[test]
fn credentials_do_not_follow_to_another_origin() {
    let elsewhere = Server::plain(|_| Answer::ok("x"));
    let target = elsewhere.url("/there");
    let server = Server::plain(move |asked| match asked.target.as_str() {
        "/away" => Answer::redirect(&target),
        "/here" => Answer::redirect("there"),
        _ => Answer::ok("x"),
    });
    let client = client(Settings::default());
    get(&client, &server.url("/here")).expect("follows");
    assert!(
        server
            .asked()
            .iter()
            .all(|a| a.header("authorization").is_some())
    );
    get(&client, &server.url("/away")).expect("follows");
    let asked = elsewhere.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), None);
}

#[test]
fn redirects_end() {
    let server = Server::tls(|asked| match asked.target.as_str() {
        "/down" => Answer::redirect("http://localhost:1/x"),
        "/file" => Answer::redirect("file://localhost/etc/passwd"),
        _ => Answer::redirect("/loop?token=s3cret"),
    });
    let client = client(Settings {
        insecure: true,
        ..Settings::default()
    });
    for (path, why) in [
        ("/loop", "too many redirects"),
        ("/down", "from https to http"),
        ("/file", "neither http nor https"),
    ] {
        let error = refused(get(&client, &server.url(path)));
        assert!(error.to_string().contains(why), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn errors_say_what_was_tried_and_whether_to_try_again() {
    let server = Server::plain(|asked| match asked.target.as_str() {
        "/401" => Answer::status(401, "who\nare  you"),
        "/500" => Answer::status(500, "<html>"),
        "/garbage" => Answer::raw("SSH-2.0-OpenSSH_9\r\n\r\n"),
        "/nothing" => Answer::raw(""),
        "/short" => Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"),
        _ => Answer::ok(vec![b'x'; 2_000]),
    });
    let client = client(Settings::default());
    let at = |path: &str| {
        let url = format!("http://user:s3cret@localhost:{}{path}", server.port);
        let error = refused(get(&client, &url));
        assert!(!error.to_string().contains("s3cret"), "{error}");
        error
    };
    assert!(
        at("/401")
            .to_string()
            .ends_with("/401: answered 401: who are you")
    );
    assert!(at("/500").is_retryable());
    assert!(matches!(at("/garbage").fault, Fault::Garbage(_)));
    let nothing = at("/nothing");
    assert!(matches!(nothing.fault, Fault::Broken(_)) && nothing.is_retryable());
    assert!(matches!(at("/short").fault, Fault::Broken(_)));
    assert!(matches!(
        at("/large").fault,
        Fault::TooLarge { limit: 1_000 }
    ));

    let error = refused(get(&client, "http://name.invalid/x"));
    assert!(matches!(error.fault, Fault::Dns { .. }), "{error}");
    server.stop();
    let error = refused(get(&client, &server.url("/x")));
    assert!(matches!(error.fault, Fault::Connect(_)), "{error}");
    assert!(error.is_retryable());
}

#[test]
fn a_silent_server_times_out() {
    let server = Server::plain(|_| {
        std::thread::sleep(Duration::from_secs(3));
        Answer::ok("")
    });
    let client = client(Settings {
        timeouts: Timeouts {
            answer: Duration::from_millis(100),
            ..Timeouts::default()
        },
        ..Settings::default()
    });
    let error = refused(get(&client, &server.url("/")));
    assert!(matches!(error.fault, Fault::Timeout(_)), "{error}");
    assert!(error.is_retryable());
}

#[test]
fn retries_until_the_server_recovers() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::plain(move |_| {
        if calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
            Answer::status(503, "").header("retry-after", "2")
        } else {
            Answer::ok("x")
        }
    });
    let client = client(Settings::default());
    let request = Request::get(server.url("/"))
        .body(Vec::new())
        .expect("valid");
    let mut waits = Vec::new();
    let response = client
        .send_retrying(&Retry::default(), &request, &mut || 0.5, &mut |wait| {
            waits.push(wait);
        })
        .expect("answers");
    assert_eq!(response.status(), 200);
    assert_eq!(waits, [Duration::from_secs(2); 2]);
}

#[test]
fn proxies_are_asked_and_excepted_hosts_are_not() {
    let proxy = Server::plain(|_| Answer::status(403, ""));
    let settings = Settings {
        proxy: ProxyChoice::all(
            &format!("http://u:s3cret@127.0.0.1:{}", proxy.port),
            "*.lan",
        ),
        ..Settings::default()
    };
    let client = client(settings);
    let error = refused(get(&client, "https://name.invalid/x"));
    assert!(matches!(error.fault, Fault::Proxy(_)), "{error}");
    let asked = proxy.asked();
    assert_eq!(asked[0].method, "CONNECT");
    assert!(asked[0].header("proxy-authorization").is_some());
    assert_eq!(asked[0].header("authorization"), None);
    let error = refused(get(&client, "https://git.lan/x"));
    assert!(matches!(error.fault, Fault::Dns { .. }), "{error}");
    assert!(proxy.asked().is_empty());

    let socks = Settings {
        proxy: ProxyChoice::all("socks5://;touch /tmp/x:1", ""),
        ..Settings::default()
    };
    let error = Client::new(socks).expect_err("socks is not served");
    assert!(matches!(error.fault, Fault::Settings(_)), "{error}");
}
