//! Watches against scripted servers, and against a real one.

use crate::clusters::{self, config_map, namespace};
use crate::support::cluster::on_each;
use crate::support::serve::{Answer, Asked, Server};
use drupelet::http::{ProxyChoice, Roots};
use drupelet::kube::watch::{Event, Notice, Watched, Watcher};
use drupelet::kube::{
    ApplyOptions, Client, Config, DeleteOptions, Patch, Resource, Verbs, WriteOptions,
};
use drupelet::object::Gvk;
use drupelet::value::Value;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::Receiver;

fn config_maps() -> Watched {
    Watched::labelled(
        Arc::new(Resource {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            plural: "configmaps".to_owned(),
            namespaced: true,
            verbs: Verbs::LIST.with(Verbs::WATCH),
            has_status: false,
        }),
        "a=b",
    )
}

fn list(version: &str, names: &[&str]) -> Answer {
    let item = |name: &&str| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
    let items: Vec<_> = names.iter().map(item).collect();
    Answer::ok(format!(
        r#"{{"metadata":{{"resourceVersion":"{version}"}},"items":[{}]}}"#,
        items.join(",")
    ))
}

fn event(kind: &str, name: &str, version: &str) -> String {
    format!(
        r#"{{"type":"{kind}","object":{{"apiVersion":"v1","kind":"ConfigMap",
        "metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}}}"#
    )
    .replace('\n', " ")
        + "\n"
}

/// Chunks as a watch sends them; without an end the connection just breaks.
fn chunked(chunks: &[String], end: bool) -> Answer {
    let mut raw = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for chunk in chunks {
        raw.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    if end {
        raw.push_str("0\r\n\r\n");
    }
    Answer::raw(raw)
}

/// What nobody ends: a watch that stays as it is for the rest of the test.
fn silence() -> Answer {
    std::thread::sleep(std::time::Duration::from_secs(3600));
    Answer::ok("")
}

/// Answers the lists from one script and the watches from another, in turn.
fn scripted(lists: Vec<Answer>, watches: Vec<Answer>) -> Server {
    let (next_list, next_watch) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Server::plain(move |asked: &Asked| {
        let (next, script) = if asked.target.contains("watch=1") {
            (&next_watch, &watches)
        } else {
            (&next_list, &lists)
        };
        let at = next.fetch_add(1, Ordering::SeqCst);
        script.get(at).cloned().unwrap_or_else(silence)
    })
}

struct Following {
    server: Server,
    _watcher: Watcher,
    receiver: Receiver<Notice>,
}

fn follow(server: Server) -> Following {
    follow_as(config_maps(), server)
}

fn follow_as(watched: Watched, server: Server) -> Following {
    let config = Config::new(&server.url(""), Roots::Public);
    let client = Client::new(config).expect("usable");
    let (watcher, receiver) = Watcher::start(client, [watched]).expect("starts");
    Following {
        server,
        _watcher: watcher,
        receiver,
    }
}

fn next(receiver: &mut Receiver<Notice>) -> String {
    let (_, event) = receiver.blocking_recv().expect("the watcher lives");
    match event {
        Event::Restarted => "restarted".to_owned(),
        Event::Applied(object) => format!("applied {}", object.name()),
        Event::Deleted(object) => format!("deleted {}", object.name()),
        Event::Current => "current".to_owned(),
        Event::Failed(error) => format!("failed: {error}"),
    }
}

#[track_caller]
fn check(following: &mut Following, expected: &[&str]) {
    for expected in expected {
        assert_eq!(next(&mut following.receiver), *expected);
    }
}

/// The query of each request, lists and watches, without its time.
#[track_caller]
fn check_asked(following: &Following, expected: &[&str]) {
    // The last request is on its way when its events are not due yet.
    let begin = std::time::Instant::now();
    let mut targets: Vec<String> = Vec::new();
    while targets.len() < expected.len() && begin.elapsed().as_secs() < 10 {
        targets.extend(following.server.asked().iter().map(|asked| {
            let query = asked
                .target
                .strip_prefix("/api/v1/configmaps?labelSelector=a%3Db&")
                .expect("of this kind");
            let query = query.split("&timeoutSeconds").next().unwrap_or_default();
            query.replace("watch=1&allowWatchBookmarks=true&", "watch ")
        }));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(targets, expected);
}

#[test]
fn resumes_where_it_was_after_a_break() {
    let one = event("ADDED", "b", "8");
    let (head, tail) = one.split_at(20);
    let mut following = follow(scripted(
        vec![list("7", &["a"])],
        vec![
            chunked(
                &[
                    head.to_owned(),
                    format!("{tail}{}", event("MODIFIED", "a", "9")),
                ],
                false,
            ),
            chunked(
                &[event("DELETED", "a", "10"), event("BOOKMARK", "", "20")],
                true,
            ),
        ],
    ));
    check(
        &mut following,
        &[
            "restarted",
            "applied a",
            "current",
            "applied b",
            "applied a",
            "deleted a",
        ],
    );
    check_asked(
        &following,
        &[
            "resourceVersion=0",
            "watch resourceVersion=7",
            "watch resourceVersion=9",
            "watch resourceVersion=20",
        ],
    );
}

const GONE: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","code":410,
    "reason":"Expired","message":"too old resource version"}"#;

#[test]
fn lists_again_from_the_store_when_its_version_is_too_old() {
    let gone = GONE.replace('\n', " ");
    let mut following = follow(scripted(
        vec![list("7", &["a"]), list("9", &["b"]), list("11", &[])],
        vec![
            Answer::status(410, GONE),
            chunked(
                &[format!("{{\"type\":\"ERROR\",\"object\":{gone}}}\n")],
                true,
            ),
        ],
    ));
    check(
        &mut following,
        &[
            "restarted",
            "applied a",
            "current",
            "restarted",
            "applied b",
            "current",
            "restarted",
            "current",
        ],
    );
    check_asked(
        &following,
        &[
            "resourceVersion=0",
            "watch resourceVersion=7",
            "limit=500",
            "watch resourceVersion=9",
            "limit=500",
            "watch resourceVersion=11",
        ],
    );
}

#[test]
fn lists_again_when_the_server_lost_its_store() {
    let mut following = follow(scripted(
        vec![list("700", &["a"]), list("3", &[])],
        vec![chunked(&[event("BOOKMARK", "", "2")], false)],
    ));
    check(
        &mut following,
        &["restarted", "applied a", "current", "restarted", "current"],
    );
}

#[test]
fn a_failed_list_is_told_and_tried_again() {
    let mut following = follow(scripted(
        vec![
            Answer::status(403, r#"{"status":"Failure","message":"you may not"}"#),
            list("7", &[]),
        ],
        vec![],
    ));
    check(
        &mut following,
        &[
            "restarted",
            "failed: cannot list ConfigMap: you may not (HTTP 403)",
            "restarted",
            "current",
        ],
    );
}

#[test]
fn a_watch_that_stays_broken_is_told_and_so_is_its_mending() {
    let mut following = follow(scripted(
        vec![list("7", &[])],
        vec![
            Answer::status(500, "out of order"),
            Answer::status(500, "out of order"),
            chunked(&[event("ADDED", "b", "8")], false),
        ],
    ));
    check(
        &mut following,
        &[
            "restarted",
            "current",
            "failed: cannot watch ConfigMap: out of order (HTTP 500)",
            "current",
            "applied b",
        ],
    );
}

#[test]
fn what_is_no_event_is_told() {
    let mut following = follow(scripted(
        vec![list("7", &[])],
        vec![
            chunked(&["hello\n".to_owned()], true),
            chunked(&["{\"type\":\"SUNG\",\"object\":{}}\n".to_owned()], true),
        ],
    ));
    let url = following.server.url("");
    check(
        &mut following,
        &[
            "restarted",
            "current",
            &format!(
                "failed: cannot watch ConfigMap: {url} answered with what is no event: \
                 an event of the unknown type \"SUNG\""
            ),
        ],
    );
}

#[test]
fn a_refused_token_is_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    fs::write(&token, "old").expect("writable");
    let (path, to_write) = (token.clone(), token);
    let server = Server::plain(move |asked| {
        let bearer = asked.header("authorization").unwrap_or_default();
        match (asked.target.contains("watch=1"), bearer) {
            (false, _) => {
                // From here on only the new one is good.
                fs::write(&to_write, "new").expect("writable");
                list("7", &[])
            }
            (true, "Bearer new") => chunked(&[event("ADDED", "b", "8")], false),
            (true, _) => Answer::status(401, r#"{"status":"Failure"}"#),
        }
    });
    let mut config = Config::new(&server.url(""), Roots::Public);
    config.user.token_file = Some(path);
    let client = Client::new(config).expect("usable");
    let (_watcher, mut receiver) = Watcher::start(client, [config_maps()]).expect("starts");
    for expected in ["restarted", "current", "applied b"] {
        assert_eq!(next(&mut receiver), expected);
    }
}

#[test]
fn goes_through_the_proxy_of_the_kubeconfig() {
    // The tunnel leads nowhere but back to this server.
    let next_watch = AtomicUsize::new(0);
    let server = Server::plain(move |asked| {
        let watch = asked.target.contains("watch=1");
        match asked.method.as_str() {
            "CONNECT" => Answer::ok(""),
            _ if !watch => list("7", &["a"]),
            _ if next_watch.fetch_add(1, Ordering::SeqCst) == 0 => {
                chunked(&[event("ADDED", "b", "8")], false)
            }
            _ => silence(),
        }
    });
    let mut config = Config::new("http://cluster.invalid:6443", Roots::Public);
    config.proxy = ProxyChoice::all(&format!("http://me:p%20w@127.0.0.1:{}", server.port), "");
    let client = Client::new(config).expect("usable");
    let (_watcher, mut receiver) = Watcher::start(client, [config_maps()]).expect("starts");
    for expected in ["restarted", "applied a", "current", "applied b"] {
        assert_eq!(next(&mut receiver), expected);
    }
    let asked = server.asked();
    let tunnel = asked
        .iter()
        .rfind(|asked| asked.method == "CONNECT")
        .expect("the watch has its own");
    assert_eq!(tunnel.target, "cluster.invalid:6443");
    let login = tunnel.header("proxy-authorization");
    assert_eq!(login, Some("Basic bWU6cCB3"));
}

#[test]
fn kinds_come_and_go_while_it_runs() {
    let Following {
        server: _server,
        _watcher: watcher,
        mut receiver,
    } = follow(scripted(vec![list("7", &[]), list("7", &["x"])], vec![]));
    let first = watcher.add(config_maps());
    assert_eq!(watcher.watched().len(), 1, "it runs already");
    let other = Watched {
        namespace: "n".to_owned(),
        ..config_maps()
    };
    let second = watcher.add(other.clone());
    let mut n_current = 0;
    while n_current < 2 {
        let (of, event) = receiver.blocking_recv().expect("the watcher lives");
        assert!(of == first || of == second);
        n_current += usize::from(matches!(event, Event::Current));
    }
    assert!(watcher.remove(&other));
    assert!(!watcher.remove(&other));
    assert_eq!(watcher.watched(), [first]);
    drop(watcher);
    while receiver.blocking_recv().is_some() {}
}

#[test]
fn changes_are_told_without_a_list() {
    let mut following = follow_as(
        Watched::changes(config_maps().resource),
        scripted(
            vec![],
            vec![
                chunked(
                    &[event("ADDED", "a", "5"), event("MODIFIED", "a", "9")],
                    false,
                ),
                Answer::status(410, GONE),
                chunked(&[event("ADDED", "b", "7")], false),
            ],
        ),
    );
    for expected in [
        "current",
        "applied a",
        "applied a",
        // Too old after the break: something may have been missed.
        "current",
        "applied b",
    ] {
        assert_eq!(next(&mut following.receiver), expected);
    }
    let asked: Vec<String> = (following.server.asked().iter())
        .map(|asked| asked.target.clone())
        .collect();
    let versions: Vec<_> = (asked.iter())
        .filter_map(|target| target.split("resourceVersion=").nth(1)?.split('&').next())
        .collect();
    assert_eq!(versions[..3], ["0", "9", "0"], "{asked:?}");
    let is_watch = |target: &String| target.contains("watch=1");
    assert!(asked.iter().all(is_watch), "{asked:?}");
}

#[test]
fn follows_an_api_server() {
    on_each(|cluster| follows_an_api_server_on(&clusters::client(cluster)));
}

fn follows_an_api_server_on(client: &Client) {
    namespace(client, "watches");
    let discovery = client.discover(None).expect("answers");
    let kind = discovery
        .resource(&Gvk::new("", "v1", "ConfigMap"))
        .expect("served");
    let apply = |name: &str, data: &str| {
        let object = config_map("watches", name, data);
        let ours = ApplyOptions::by("test");
        client.apply(kind, &object, &ours).expect("applies");
    };
    apply("a", r#"{"a":"1"}"#);
    let watched = Watched {
        namespace: "watches".to_owned(),
        ..Watched::labelled(Arc::clone(kind), "suite=kube")
    };
    let (_watcher, mut receiver) = Watcher::start(client.clone(), [watched]).expect("starts");
    let mut expect = |expected: &str| assert_eq!(next(&mut receiver), expected);
    expect("restarted");
    expect("applied a");
    expect("current");
    apply("b", "{}");
    expect("applied b");
    apply("a", r#"{"a":"2"}"#);
    expect("applied a");
    // Out of the selector is gone, for the watch.
    let unlabel = Value::from_json(br#"{"metadata":{"labels":null}}"#).expect("JSON");
    client
        .patch(
            kind,
            "watches",
            "a",
            &Patch::Merge(unlabel),
            &WriteOptions::by("test"),
        )
        .expect("patches");
    expect("deleted a");
    client
        .delete(kind, "watches", "b", &DeleteOptions::default())
        .expect("deletes");
    expect("deleted b");
}
