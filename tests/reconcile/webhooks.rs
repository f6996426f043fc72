//! Webhooks: who is let in, what they set off, and what they cannot.

use crate::manifests::config;
use crate::world::{World, holds_for, on_each, wait_until};
use drupelet::agent::Settings;
use drupelet::server::Server;
use ring::hmac;
use std::time::Duration;

const SECRET: &str = "correct horse";

/// Nothing is polled: what moves, moves by a webhook.
fn without_polls(world: &World) -> Settings {
    Settings {
        local_poll_interval: Duration::from_secs(86_400),
        poll_interval: Duration::from_secs(86_400),
        ..world.settings()
    }
}

fn files(value: &str) -> [(&'static str, String); 2] {
    let text = |name: &str| config(name, "").replace("{a: x}", &format!("{{a: {value}}}"));
    [("app/a.yaml", text("one")), ("other/a.yaml", text("two"))]
}

fn commit(world: &World, value: &str) -> String {
    let files = files(value);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    world.commit(&files)
}

fn send(server: &Server, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut request = ureq::post(format!("http://{}/api/webhook", server.address()))
        .config()
        .http_status_as_error(false)
        .build();
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = request.send(body).expect("it answers");
    let text = answer.body_mut().read_to_string().expect("text");
    (answer.status().as_u16(), text)
}

fn signed(body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn set_secret(world: &World, data: &str) {
    world.apply_text(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: argocd-secret, namespace: {}}}\nstringData: {{{data}}}\n",
        world.control_namespace()
    ));
}

/// Key of the secret, headers, body.
type Payload = (&'static str, Vec<(&'static str, String)>, String);

/// Each forge's payload for a push to `main`, with its headers.
fn payloads(url: &str) -> Vec<Payload> {
    let hub = format!(
        r#"{{"ref": "refs/heads/main", "commits": [], "repository": {{"html_url": "{url}", "clone_url": "{url}.git", "default_branch": "main"}}}}"#
    );
    let lab = format!(
        r#"{{"object_kind": "push", "ref": "refs/heads/main", "project": {{"web_url": "{url}", "git_http_url": "{url}.git", "default_branch": "main"}}, "commits": [], "total_commits_count": 0}}"#
    );
    let bucket = format!(
        r#"{{"push": {{"changes": [{{"new": {{"type": "branch", "name": "main"}}}}, {{"new": null}}]}}, "repository": {{"links": {{"html": {{"href": "{url}"}}}}}}}}"#
    );
    let server = format!(
        r#"{{"changes": [{{"ref": {{"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"}}}}], "repository": {{"links": {{"clone": [{{"name": "http", "href": "{url}.git"}}]}}}}}}"#
    );
    let azure = format!(
        r#"{{"eventType": "git.push", "resource": {{"refUpdates": [{{"name": "refs/heads/main"}}], "repository": {{"remoteUrl": "{url}", "defaultBranch": "refs/heads/main"}}}}}}"#
    );
    use base64::Engine;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("ada:{SECRET}"));
    vec![
        (
            "webhook.github.secret",
            vec![
                ("x-github-event", "push".to_owned()),
                ("x-hub-signature-256", format!("sha256={}", signed(&hub))),
            ],
            hub.clone(),
        ),
        (
            "webhook.gogs.secret",
            vec![
                ("x-github-event", "push".to_owned()),
                ("x-gogs-event", "push".to_owned()),
                ("x-gitea-event", "push".to_owned()),
                ("x-gitea-signature", signed(&hub)),
            ],
            hub,
        ),
        (
            "webhook.gitlab.secret",
            vec![
                ("x-gitlab-event", "Push Hook".to_owned()),
                ("x-gitlab-token", SECRET.to_owned()),
            ],
            lab,
        ),
        (
            "webhook.bitbucket.uuid",
            vec![
                ("x-event-key", "repo:push".to_owned()),
                ("x-hook-uuid", SECRET.to_owned()),
            ],
            bucket,
        ),
        (
            "webhook.bitbucketserver.secret",
            vec![
                ("x-event-key", "repo:refs_changed".to_owned()),
                ("x-hub-signature", format!("sha256={}", signed(&server))),
            ],
            server,
        ),
        (
            "webhook.azuredevops.password",
            vec![
                ("x-vss-activityid", "1".to_owned()),
                ("authorization", format!("Basic {basic}")),
            ],
            azure,
        ),
    ]
}

#[test]
fn each_forge_is_let_in_by_its_secret_alone() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "forges");
        let first = commit(&world, "zero");
        world.create_app("syncPolicy: {automated: {}}");
        let settings = without_polls(&world);
        world.start_agent_with(settings);
        let address = "127.0.0.1:0".parse().expect("an address");
        let server = Server::start(address, world.agent().handle().clone()).expect("a free port");
        world.wait_synced_at(&first);
        world.settle();
        let url = world.url();
        let url = url.trim_end_matches(".git");
        for (key, headers, body) in payloads(url) {
            let also = match key {
                "webhook.azuredevops.password" => "webhook.azuredevops.username: ada, ",
                _ => "",
            };
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let before = world.app().status.sync.revision;
            let moved = commit(&world, &key.replace('.', "-"));
            set_secret(&world, &format!("{also}{key}: another secret"));
            let (status, text) = send(&server, &headers, &body);
            assert_eq!((status, text.contains(key)), (401, true), "{key}: {text}");
            holds_for(
                "a stranger sets off nothing",
                Duration::from_millis(300),
                || world.app().status.sync.revision == before,
            );
            set_secret(&world, &format!("{also}{key}: {SECRET}"));
            let (status, text) = send(&server, &headers, &body);
            assert_eq!(status, 200, "{key}: {text}");
            world.wait_synced_at(&moved);
            world.settle();
        }
    });
}

/// CVE-2025-59531 (Bitbucket Server), CVE-2025-59537 (Gogs), CVE-2025-59538 (Azure
/// DevOps), and the same of all others: what is absent, null, empty or of another
/// type ends no thread, and the next good one is taken.
#[test]
fn payloads_that_are_no_payloads_are_answered_and_no_more() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "odd");
        let first = commit(&world, "zero");
        world.create_app("syncPolicy: {automated: {}}");
        let settings = without_polls(&world);
        world.start_agent_with(settings);
        world.wait_synced_at(&first);
        let address = "127.0.0.1:0".parse().expect("an address");
        let odd = [
            "null",
            "[]",
            "0",
            "{}",
            r#"{"repository": null, "commits": null, "ref": "refs/heads/main"}"#,
            r#"{"repository": {}, "commits": [null], "ref": null}"#,
            r#"{"repository": {"html_url": ":", "links": {"clone": null, "html": null}}, "changes": null, "push": {"changes": [null]}}"#,
            r#"{"repository": {"links": {"clone": {"name": 1}}}, "changes": [{"ref": {}}], "push": null}"#,
            r#"{"repository": {"links": {"clone": []}}, "changes": [], "ref": ""}"#,
            r#"{"eventType": "git.push", "resource": {"refUpdates": [], "repository": {"remoteUrl": "https://x/y", "defaultBranch": ""}}}"#,
            r#"{"eventType": "git.push", "resource": {"refUpdates": null}}"#,
            r#"{"eventType": "git.push", "resource": null}"#,
            r#"{"object_kind": "push", "project": null, "ref": "x"}"#,
        ];
        let kinds: &[&[(&str, &str)]] = &[
            &[("x-github-event", "push")],
            &[("x-gogs-event", "push")],
            &[("x-gitlab-event", "Push Hook")],
            &[("x-hook-uuid", "x"), ("x-event-key", "repo:push")],
            &[("x-event-key", "repo:refs_changed")],
            &[("x-vss-activityid", "1")],
        ];
        for headers in kinds {
            // Each has a server of its own, with its own pause between calls.
            let handle = world.agent().handle().clone();
            let server = Server::start(address, handle).expect("a free port");
            for body in odd {
                let (status, text) = send(&server, headers, body);
                assert!(matches!(status, 200 | 400), "{headers:?} {body}: {text}");
            }
        }
        let server = Server::start(address, world.agent().handle().clone()).expect("a free port");
        let moved = commit(&world, "one");
        let url = world.url();
        let (_, headers, body) = payloads(url.trim_end_matches(".git")).remove(0);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(send(&server, &headers, &body).0, 200);
        world.wait_synced_at(&moved);
    });
}

/// Bodies that never end fill no memory: five that say how long they are, and
/// then are silent, are as many as there is room for.
#[test]
fn bodies_without_end_are_held_to_a_limit_together() {
    on_each(|cluster| {
        use std::io::{Read, Write};
        let mut world = World::new(cluster, "slow");
        world.start_agent();
        let address = "127.0.0.1:0".parse().expect("an address");
        let server = Server::start(address, world.agent().handle().clone()).expect("a free port");
        let slow: Vec<_> = (0..4)
            .map(|_| {
                let mut stream =
                    std::net::TcpStream::connect(server.address()).expect("it listens");
                let head = "POST /api/webhook HTTP/1.1\r\nhost: x\r\nx-github-event: push\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n";
                stream.write_all(head.as_bytes()).expect("it reads");
                stream
            })
            .collect();
        let small = || send(&server, &[("x-github-event", "ping")], "{}");
        wait_until("there is no more room", || small().0 == 429);
        let mut first = &slow[0];
        first.write_all(b"0\r\n\r\n").expect("it reads");
        let mut answer = [0; 12];
        first.read_exact(&mut answer).expect("it answers");
        assert_eq!(&answer, b"HTTP/1.1 400");
        wait_until("there is room again", || small().0 == 200);
    });
}

#[test]
fn a_webhook_reads_again_what_its_push_concerns_and_no_more() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "narrow");
        let first = commit(&world, "zero");
        let policy = "syncPolicy: {automated: {}}";
        world.create_app(policy);
        let annotation = "metadata: {annotations: {argocd.argoproj.io/manifest-generate-paths: .}}";
        world.patch_app(&world.name, annotation);
        let settings = without_polls(&world);
        world.start_agent_with(settings);
        let address = "127.0.0.1:0".parse().expect("an address");
        let server = Server::start(address, world.agent().handle().clone()).expect("a free port");
        world.wait_synced_at(&first);
        world.settle();
        let event = [("x-github-event", "push")];
        let push = |url: &str, reference: &str, path: &str| {
            let body = format!(
                r#"{{"ref": "{reference}", "commits": [{{"added": [], "removed": [], "modified": ["{path}"]}}], "repository": {{"html_url": "{url}", "ssh_url": "git@example.com:{}.git", "default_branch": "main"}}}}"#,
                world.name
            );
            send(&server, &event, &body)
        };
        let url = world.url();
        let moved = commit(&world, "one");
        for (url, reference, path) in [
            ("https://example.org/x", "refs/heads/next", "app/a.yaml"),
            (url.as_str(), "refs/tags/v1", "app/a.yaml"),
            (url.as_str(), "refs/heads/main", "other/a.yaml"),
        ] {
            assert_eq!(push(url, reference, path).0, 200);
            holds_for(
                "that is none of its business",
                Duration::from_millis(300),
                || world.app().status.sync.revision == first,
            );
        }
        // By ssh it is the same repository.
        assert_eq!(push("", "refs/heads/main", "app/a.yaml").0, 200);
        world.wait_synced_at(&moved);
        let refused = [
            (400, vec![], "{}".to_owned()),
            (400, event.to_vec(), "{\"ref\": ".to_owned()),
            (400, event.to_vec(), "[".repeat(100_000)),
            // By one byte, so that it is sent before the answer comes.
            (413, event.to_vec(), " ".repeat(2 * 1024 * 1024 + 1)),
            (200, vec![("x-github-event", "ping")], "{}".to_owned()),
        ];
        for (status, headers, body) in refused {
            let (found, text) = send(&server, &headers, &body);
            assert_eq!(found, status, "{text}");
        }
        let answers: Vec<u16> = (0..60).map(|_| send(&server, &event, "{}").0).collect();
        assert!(answers.contains(&429), "nobody is slowed down: {answers:?}");
        world.settle();
    });
}
