//! A server under test: the real one, or the sandbox.

use drupelet::http::{Client, Roots, Settings};
use drupelet::value::Value;

use super::answer::Answer;
use super::sequence::Step;

pub struct Server {
    client: Client,
    url: String,
    token: String,
}

impl Server {
    pub fn real(real: &super::support::apiserver::ApiServer) -> Self {
        let settings = Settings {
            roots: Roots::Only(real.ca.clone().into_bytes()),
            ..Settings::default()
        };
        Server {
            client: Client::new(settings).expect("the server's own CA"),
            url: real.url.clone(),
            token: real.token.clone(),
        }
    }

    pub fn plain(url: &str) -> Self {
        Server {
            client: Client::new(Settings::default()).expect("no settings"),
            url: url.to_owned(),
            token: String::new(),
        }
    }

    pub fn send(&self, step: &Step) -> Answer {
        let mut request = http::Request::builder()
            .method(step.method)
            .uri(format!("{}{}", self.url, step.path))
            .header("Accept", "application/json")
            .header("Content-Type", step.content_type)
            .header("User-Agent", step.user_agent);
        if !self.token.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", self.token));
        }
        let body = step.body.as_ref().map(Value::to_json).unwrap_or_default();
        let request = request.body(body.into_bytes()).expect("a valid request");
        let Ok(mut response) = self.client.send(request) else {
            return Answer::broken();
        };
        let code = response.status().as_u16();
        let text = response.body_mut().read_to_vec().expect("a whole body");
        let body = Value::from_json(&text).unwrap_or_default();
        Answer::new(code, body)
    }

    /// The CRD of the sequences' custom resource; waits until it is served.
    pub fn install_crd(&self) {
        let crd = Value::from_json(include_bytes!("crd.json")).expect("the file is JSON");
        let step = |method, path: &str, body| Step {
            method,
            path: path.to_owned(),
            content_type: "application/json",
            user_agent: "fidelity/1.0",
            body,
        };
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let answer = self.send(&step("POST", path, Some(crd)));
        assert!(matches!(answer.code, 201 | 409), "{answer:?}");
        let list = "/apis/fidelity.example.com/v1/namespaces/default/widgets";
        for _ in 0..200 {
            if self.send(&step("GET", list, None)).code == 200 {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the CRD is not served");
    }
}
