//! Requests as they go over the wire: no Kubernetes client in between.

use drupelet::sandbox::{Options, Sandbox};
use drupelet::value::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Server {
    pub url: String,
    token: String,
    agent: ureq::Agent,
    /// Ends with the server.
    _sandbox: Option<Sandbox>,
}

pub struct Answer {
    pub code: u16,
    pub warnings: Vec<String>,
    /// Null where it is no JSON.
    pub body: Value,
    pub text: String,
}

impl Server {
    pub fn sandbox() -> Self {
        let sandbox = Sandbox::start(&Options::default()).expect("a port is free");
        let mut server = Server::at(&sandbox.url(), "");
        server._sandbox = Some(sandbox);
        server
    }

    /// A server on loopback, whose certificate is taken as it is.
    pub fn at(url: &str, token: &str) -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .disable_verification(true)
            .build();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(30)))
            .tls_config(tls)
            .build()
            .new_agent();
        Server {
            url: url.to_owned(),
            token: token.to_owned(),
            agent,
            _sandbox: None,
        }
    }

    pub fn send(&self, method: &str, path: &str, kind: &str, accept: &str, body: &str) -> Answer {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("accept", accept)
            .header("user-agent", "test/1");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if !body.is_empty() {
            request = request.header("content-type", kind);
        }
        let request = request.body(body.to_owned()).expect("a request");
        let mut response = self.agent.run(request).expect("an answer");
        let warnings = response
            .headers()
            .get_all("warning")
            .iter()
            .map(|value| value.to_str().expect("ASCII").to_owned())
            .collect();
        let text = response.body_mut().read_to_string().expect("UTF-8");
        Answer {
            code: response.status().as_u16(),
            warnings,
            body: Value::from_json(text.as_bytes()).unwrap_or_default(),
            text,
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "application/json", "")
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        let answer = self.send("POST", path, "application/json", "application/json", body);
        assert_eq!(answer.code, 201, "{}", answer.text);
        answer
    }

    pub fn merge(&self, path: &str, body: &str) -> Answer {
        let kind = "application/merge-patch+json";
        let answer = self.send("PATCH", path, kind, "application/json", body);
        assert_eq!(answer.code, 200, "{}", answer.text);
        answer
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, "", "application/json", "")
    }

    /// The object at a path, as soon as it is as it should be.
    #[track_caller]
    pub fn wait(&self, path: &str, what: &str, holds: impl Fn(&Answer) -> bool) -> Answer {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.get(path);
            if holds(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{path} never {what}: {}", answer.text);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The version of the last change of anything.
    pub fn version(&self) -> String {
        let list = self.get("/api/v1/namespaces?limit=1").body;
        text(&list, &["metadata", "resourceVersion"]).to_owned()
    }
}

pub fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    value.at(path).and_then(Value::as_str).unwrap_or_default()
}

pub fn number(value: &Value, path: &[&str]) -> i64 {
    value.at(path).and_then(Value::as_i64).unwrap_or(0)
}

pub fn items(list: &Value) -> &[Value] {
    list.get("items")
        .and_then(Value::as_seq)
        .unwrap_or_default()
}
