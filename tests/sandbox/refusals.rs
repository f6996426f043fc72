//! `refusals.jsonl`: requests, sent one after the other to an empty server,
//! and what kube-apiserver 1.34.4 said. With DRUPELET_RECORD set they are
//! recorded anew from the real server.

use crate::http::Server;
use crate::support::apiserver::ApiServer;
use drupelet::value::{Map, Value};
use std::path::Path;
use std::time::Duration;

struct Case {
    request: Map,
}

impl Case {
    fn text(&self, key: &str) -> &str {
        self.request
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn is_pause(&self) -> bool {
        self.text("method") == "WAIT"
    }

    fn run(&self, server: &Server) -> (i64, Value, Vec<Value>) {
        let answer = server.send(
            self.text("method"),
            self.text("path"),
            self.text("type"),
            self.text("accept"),
            self.text("body"),
        );
        let failure = match (answer.code, answer.body) {
            (..400, _) => Value::Null,
            // Some refusals are plain text.
            (_, Value::Null) => Value::from(answer.text),
            (_, body) => body,
        };
        let warnings = answer.warnings.into_iter().map(Value::from).collect();
        (i64::from(answer.code), failure, warnings)
    }
}

fn cases(path: &Path) -> Vec<Case> {
    std::fs::read_to_string(path)
        .expect("the recording is there")
        .lines()
        .map(|line| match Value::from_json(line.as_bytes()) {
            Ok(Value::Map(request)) => Case { request },
            _ => panic!("no case: {line}"),
        })
        .collect()
}

/// Without what differs from run to run: uids and versions.
fn masked(value: &Value) -> String {
    let text = value.to_json();
    let uid = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").expect("a pattern");
    let record = regex::Regex::new(r"in record \([0-9]+\)").expect("a pattern");
    let text = uid.replace_all(&text, "UID");
    record.replace_all(&text, "in record (N)").into_owned()
}

#[test]
fn refuses_in_the_words_of_the_real_server() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/refusals.jsonl");
    let mut cases = cases(&path);
    if std::env::var_os("DRUPELET_RECORD").is_some() {
        let real = ApiServer::start(Default::default()).expect("recording needs the real server");
        let server = Server::at(&real.url, &real.token);
        for case in &mut cases {
            if case.is_pause() {
                std::thread::sleep(Duration::from_secs(2));
                continue;
            }
            let (code, failure, warnings) = case.run(&server);
            case.request.insert("code", code);
            case.request.insert("answer", failure);
            case.request.insert("warnings", warnings);
        }
        let lines: Vec<String> = cases
            .iter()
            .map(|case| Value::Map(case.request.clone()).to_json() + "\n")
            .collect();
        std::fs::write(&path, lines.concat()).expect("the recording is writable");
    }
    let server = Server::sandbox();
    let mut faults = Vec::new();
    for case in &cases {
        if case.is_pause() {
            std::thread::sleep(Duration::from_millis(300));
            continue;
        }
        let (code, failure, warnings) = case.run(&server);
        let expected = (
            case.request.get("code").and_then(Value::as_i64),
            case.request.get("answer").map(masked),
            case.request.get("warnings").map(Value::to_json),
        );
        let found = (
            Some(code),
            Some(masked(&failure)),
            Some(Value::Seq(warnings).to_json()),
        );
        if found != expected {
            faults.push(format!(
                "{} {} {}\n  expected {expected:?}\n  found    {found:?}",
                case.text("method"),
                case.text("path"),
                case.text("body"),
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {} differ:\n{}",
        faults.len(),
        cases.len(),
        faults.join("\n")
    );
}
