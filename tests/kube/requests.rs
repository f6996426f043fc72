//! Attempts, errors and documents, against servers that are told what to say.

use crate::support::serve::{Answer, Asked, Server};
use drupelet::http::Roots;
use drupelet::kube::{
    ApplyOptions, Client, Config, Conflict, DeleteOptions, ListOptions, Patch, Resource, Verbs,
    WriteOptions,
};
use drupelet::object::{Gvk, Object};
use drupelet::value::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

fn client(server: &Server) -> Client {
    Client::new(Config::new(&server.url(""), Roots::Public)).expect("usable")
}

fn deployments() -> Resource {
    Resource {
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        kind: "Deployment".to_owned(),
        plural: "deployments".to_owned(),
        namespaced: true,
        verbs: Verbs::LIST.with(Verbs::WATCH),
        has_status: true,
    }
}

fn deployment(name: &str) -> Object {
    let json = format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"{name}","namespace":"n"}}}}"#
    );
    Object::new(Value::from_json(json.as_bytes()).expect("JSON")).expect("an object")
}

/// Gives the answers one after the other, the last one for ever.
fn in_turn(answers: Vec<Answer>) -> Server {
    let next = AtomicUsize::new(0);
    Server::plain(move |_| {
        let at = next.fetch_add(1, Ordering::SeqCst);
        answers[at.min(answers.len() - 1)].clone()
    })
}

fn status(code: u16, reason: &str, message: &str) -> Answer {
    Answer::status(
        code,
        format!(
            r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"{reason}",
            "message":"{message}","code":{code}}}"#
        ),
    )
}

fn targets(asked: &[Asked]) -> Vec<String> {
    let line = |asked: &Asked| format!("{} {}", asked.method, asked.target);
    asked.iter().map(line).collect()
}

#[test]
fn an_apply_is_repeated_until_it_is_taken() {
    let ok = Answer::ok(deployment("d").to_json());
    let server = in_turn(vec![
        status(429, "TooManyRequests", "later").header("retry-after", "1"),
        status(500, "InternalError", "etcd is away"),
        Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"kind\":"),
        ok,
    ]);
    let client = client(&server);
    let begin = std::time::Instant::now();
    let options = ApplyOptions {
        force: true,
        ..ApplyOptions::by("a b")
    };
    client
        .apply(&deployments(), &deployment("d"), &options)
        .expect("the fourth is taken");
    assert!(begin.elapsed().as_millis() >= 1_000, "Retry-After counts");
    let asked = server.asked();
    assert_eq!(
        targets(&asked)[0],
        "PATCH /apis/apps/v1/namespaces/n/deployments/d?fieldManager=a%20b&force=true\
         &fieldValidation=Strict"
    );
    assert_eq!(
        asked[0].header("content-type"),
        Some("application/apply-patch+yaml")
    );
    assert_eq!(asked.len(), 4);
    assert_eq!(client.counts().writes, 4);
    assert_eq!(client.counts().retries, 3);
}

#[test]
fn what_may_have_been_done_is_not_done_twice() {
    let server = in_turn(vec![status(500, "InternalError", "etcd is away")]);
    let client = client(&server);
    let by = WriteOptions::by("test");
    let error = client
        .create(&deployments(), &deployment("d"), &by)
        .expect_err("fails");
    assert!(error.is_retryable());
    assert_eq!(server.asked().len(), 1);
    let patch = Patch::Json(Value::Seq(Vec::new()));
    client
        .patch(&deployments(), "n", "d", &patch, &by)
        .expect_err("fails");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_long_wait_is_left_to_the_caller() {
    let server = in_turn(vec![
        status(503, "ServiceUnavailable", "starting").header("retry-after", "600"),
    ]);
    let error = client(&server)
        .get(&deployments(), "n", "d")
        .expect_err("fails");
    assert_eq!(
        error.retry_after(),
        Some(std::time::Duration::from_secs(600))
    );
    assert_eq!(server.asked().len(), 1);
}

#[track_caller]
fn check_error(answer: Answer, text: &str, retryable: bool) {
    let server = in_turn(vec![answer]);
    let error = client(&server)
        .get(&deployments(), "n", "d")
        .expect_err("fails");
    let text = text.replace("SERVER", &server.url(""));
    assert_eq!(error.to_string(), text);
    assert_eq!(error.is_retryable(), retryable);
}

#[test]
fn every_error_names_verb_object_and_cause() {
    check_error(
        status(403, "Forbidden", "you may not"),
        "cannot get apps/Deployment n/d: you may not (HTTP 403)",
        false,
    );
    check_error(
        Answer::status(502, "<html>bad</html>"),
        "cannot get apps/Deployment n/d: Bad Gateway (HTTP 502)",
        true,
    );
    check_error(
        Answer::status(404, "404 page not found\n"),
        "cannot get apps/Deployment n/d: 404 page not found (HTTP 404)",
        false,
    );
    check_error(
        Answer::ok("<html>login</html>"),
        "cannot get apps/Deployment n/d: SERVER answered with what is not the JSON expected: \
         expected value at line 1 column 1",
        true,
    );
    check_error(
        Answer::ok(r#"{"kind":"Pod","apiVersion":"v1"}"#),
        "cannot get apps/Deployment n/d: SERVER answered with a Pod instead",
        true,
    );
    check_error(
        Answer::status(
            422,
            r#"{"status":"Failure","message":"it is invalid","details":{"causes":[
            {"reason":"FieldValueRequired","field":"spec.x","message":"Required value"}]}}"#,
        ),
        "cannot get apps/Deployment n/d: it is invalid; spec.x: Required value (HTTP 422)",
        false,
    );
}

#[test]
fn a_server_that_is_away_is_named() {
    let server = Server::plain(|_| Answer::ok(""));
    let client = client(&server);
    let url = server.url("");
    server.stop();
    let error = client.get(&deployments(), "n", "d").expect_err("is away");
    assert!(error.is_retryable());
    let expected = format!(
        "cannot get apps/Deployment n/d: GET {url}/apis/apps/v1/namespaces/n/deployments/d: \
         cannot connect"
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn conflicts_are_told_apart() {
    #[track_caller]
    fn check(answer: Answer, expected: Conflict) {
        let server = in_turn(vec![answer]);
        let error = client(&server)
            .delete(&deployments(), "n", "d", &DeleteOptions::default())
            .expect_err("conflicts");
        assert_eq!(error.conflict(), Some(expected));
        assert_eq!(server.asked().len(), 1);
    }
    check(
        status(409, "Conflict", "modified"),
        Conflict::ResourceVersion,
    );
    check(
        status(409, "AlreadyExists", "is there"),
        Conflict::AlreadyExists,
    );
}

#[test]
fn a_list_is_handed_on_item_by_item() {
    let first = r#"{"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{"resourceVersion":"7",
        "continue":"t/1"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;
    let second = r#"{"items":[{"metadata":{"name":"c"}}],"metadata":{"resourceVersion":"7"}}"#;
    let server = in_turn(vec![Answer::ok(first), Answer::ok(second)]);
    let options = ListOptions {
        label_selector: "a=b,c".to_owned(),
        limit: 2,
        from_cache: true,
        ..ListOptions::default()
    };
    let (objects, listed) = client(&server)
        .list_all(&deployments(), &options)
        .expect("lists");
    let names: Vec<_> = objects.iter().map(Object::name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(objects[2].gvk(), Gvk::new("apps", "v1", "Deployment"));
    assert_eq!(listed.resource_version, "7");
    assert_eq!(
        targets(&server.asked()),
        [
            "GET /apis/apps/v1/deployments?labelSelector=a%3Db%2Cc&limit=2&resourceVersion=0",
            "GET /apis/apps/v1/deployments?labelSelector=a%3Db%2Cc&limit=2&continue=t%2F1",
        ]
    );
}

#[test]
fn a_list_that_expires_between_chunks_is_taken_again_whole() {
    let server = in_turn(vec![
        Answer::ok(r#"{"metadata":{"continue":"x"},"items":[{"metadata":{"name":"old"}}]}"#),
        status(410, "Expired", "too old"),
        Answer::ok(r#"{"metadata":{"resourceVersion":"9"},"items":null}"#),
    ]);
    let options = ListOptions {
        limit: 1,
        ..ListOptions::default()
    };
    let (objects, listed) = client(&server)
        .list_all(&deployments(), &options)
        .expect("lists");
    assert!(objects.is_empty());
    assert_eq!(listed.resource_version, "9");
}

#[test]
fn a_list_that_breaks_off_or_is_none_is_an_error() {
    #[track_caller]
    fn check(answer: Answer, text: &str) {
        let server = in_turn(vec![answer]);
        let error = client(&server)
            .list_all(&deployments(), &ListOptions::default())
            .expect_err("is no list");
        assert!(error.is_retryable());
        let error = error.to_string();
        assert!(error.contains(text), "{error}");
    }
    check(
        Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"items\":[{"),
        "cannot list apps/Deployment: GET http",
    );
    check(Answer::ok(r#"{"kind":"Status"}"#), "missing field `items`");
    check(
        Answer::ok(r#"{"items":[1]}"#),
        "an object must be a mapping",
    );
    check(Answer::ok("[]"), "a list of Deployment");
}

#[test]
fn names_stay_in_their_segment_of_the_path() {
    let server = in_turn(vec![status(404, "NotFound", "no")]);
    let client = client(&server);
    for name in ["../../secrets/x", "..", "a?b", "system:x", "é"] {
        client.get(&deployments(), "n", name).expect_err("no such");
    }
    let prefix = "GET /apis/apps/v1/namespaces/n/deployments/";
    let rests: Vec<_> = targets(&server.asked())
        .iter()
        .map(|target| target.strip_prefix(prefix).expect("below").to_owned())
        .collect();
    assert_eq!(
        rests,
        [
            "..%2F..%2Fsecrets%2Fx",
            "%2E%2E",
            "a%3Fb",
            "system:x",
            "%C3%A9"
        ]
    );
}

const PLAIN_GROUPS: &str = r#"{"kind":"APIGroupList","groups":[
    {"name":"apps","versions":[{"version":"v1beta1"},{"version":"v1"}],"preferredVersion":{"version":"v1"}},
    {"name":"metrics.k8s.io","versions":[{"version":"v1beta1"}]}]}"#;

fn old_server(asked: &Asked) -> Answer {
    let deployments = r#"{"resources":[
        {"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["get","list","watch"]},
        {"name":"deployments/status","kind":"Deployment","namespaced":true,"verbs":["get"]}]}"#;
    match asked.target.as_str() {
        "/api" => Answer::ok(r#"{"kind":"APIVersions","versions":["v1"]}"#),
        "/api/v1" => Answer::ok(
            r#"{"resources":[{"name":"bindings","kind":"Binding","namespaced":true,"verbs":["create"]},
            {"name":"namespaces","kind":"Namespace","namespaced":false,"verbs":["list","watch","proxy"]}]}"#,
        ),
        "/apis" => Answer::ok(PLAIN_GROUPS),
        "/apis/apps/v1" | "/apis/apps/v1beta1" => Answer::ok(deployments),
        "/apis/metrics.k8s.io/v1beta1" => {
            Answer::status(503, "service unavailable").header("retry-after", "600")
        }
        other => Answer::status(404, other.as_bytes()),
    }
}

#[test]
fn discovery_falls_back_to_one_document_a_version() {
    let server = Server::plain(old_server);
    let discovery = client(&server).discover(None).expect("answers");
    let preferred = discovery.preferred("apps", "Deployment").expect("served");
    assert_eq!(preferred.version, "v1");
    assert!(preferred.has_status);
    assert_eq!(
        discovery.served_versions("apps", "Deployment"),
        ["v1", "v1beta1"]
    );
    assert_eq!(discovery.preferred_resources().count(), 3);
    assert_eq!(discovery.unavailable(), ["metrics.k8s.io/v1beta1"]);
    assert_eq!(
        discovery.api_versions(),
        [
            "apps/v1",
            "apps/v1/Deployment",
            "apps/v1beta1",
            "apps/v1beta1/Deployment",
            "v1",
            "v1/Namespace"
        ]
    );
}
