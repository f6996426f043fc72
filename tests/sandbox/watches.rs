use crate::http::{Server, text};
use drupelet::value::Value;

const CONFIG: &str = "/api/v1/namespaces/default/configmaps";

fn make(server: &Server, name: &str, label: &str) {
    let body = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","labels":{{"l":"{label}"}}}}}}"#
    );
    server.post(CONFIG, &body);
}

/// The events of a watch that ends after a second, as `TYPE name`.
fn events(server: &Server, query: &str) -> Vec<String> {
    let answer = server.get(&format!("{CONFIG}?watch=1&timeoutSeconds=1&{query}"));
    assert_eq!(answer.code, 200, "{}", answer.text);
    answer
        .text
        .lines()
        .map(|line| {
            let event = Value::from_json(line.as_bytes()).expect("a line of JSON");
            let name = text(&event, &["object", "metadata", "name"]);
            let end = event.at(&[
                "object",
                "metadata",
                "annotations",
                "k8s.io/initial-events-end",
            ]);
            let name = if end.is_some() { "end" } else { name };
            format!("{} {name}", text(&event, &["type"]))
        })
        .collect()
}

#[test]
fn tells_what_enters_and_leaves_a_selection() {
    let server = Server::sandbox();
    make(&server, "a", "x");
    let version = server.version();
    make(&server, "b", "y");
    server.merge(&format!("{CONFIG}/a"), r#"{"data":{"k":"v"}}"#);
    server.merge(
        &format!("{CONFIG}/b"),
        r#"{"metadata":{"labels":{"l":"x"}}}"#,
    );
    server.merge(
        &format!("{CONFIG}/a"),
        r#"{"metadata":{"labels":{"l":"y"}}}"#,
    );
    server.delete(&format!("{CONFIG}/b"));
    assert_eq!(
        events(
            &server,
            &format!("labelSelector=l%3Dx&resourceVersion={version}")
        ),
        ["MODIFIED a", "ADDED b", "DELETED a", "DELETED b"]
    );
}

#[test]
fn streams_a_list_and_marks_its_end() {
    let server = Server::sandbox();
    make(&server, "a", "x");
    let query = "labelSelector=l&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    // Bookmarks without a mark may follow.
    assert_eq!(events(&server, query)[..2], ["ADDED a", "BOOKMARK end"]);
}

#[test]
fn says_when_a_version_is_too_old() {
    let server = Server::sandbox();
    make(&server, "a", "x");
    let old = server.version();
    for round in 0..4200 {
        let body = format!(r#"{{"data":{{"k":"{round}"}}}}"#);
        server.merge(&format!("{CONFIG}/a"), &body);
    }
    let answer = server.get(&format!(
        "{CONFIG}?watch=1&timeoutSeconds=1&resourceVersion={old}"
    ));
    let event = Value::from_json(answer.text.trim().as_bytes()).expect("one event");
    assert_eq!(text(&event, &["type"]), "ERROR");
    assert_eq!(
        event.at(&["object", "code"]).and_then(Value::as_i64),
        Some(410)
    );
    assert_eq!(text(&event, &["object", "reason"]), "Expired");
}

#[test]
fn pages_through_a_list() {
    let server = Server::sandbox();
    for name in ["a", "b", "c"] {
        make(&server, name, "x");
    }
    let mut names = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("{CONFIG}?labelSelector=l&limit=2&continue={next}");
        let page = server.get(&path).body;
        for item in crate::http::items(&page) {
            names.push(text(item, &["metadata", "name"]).to_owned());
        }
        next = text(&page, &["metadata", "continue"]).to_owned();
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
}
