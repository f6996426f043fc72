//! Kinds that the random sequences leave out, on the sandbox alone.

use drupelet::sandbox::{Options, Sandbox};
use drupelet::value::Value;

use super::sequence::Step;
use super::server::Server;

#[test]
fn a_job_gets_a_selector_and_is_accepted() {
    let sandbox = Sandbox::start(&Options {
        controllers: false,
        ..Options::default()
    })
    .expect("a free port");
    let job = r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},
        "spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"x"}]}}}}"#;
    let answer = Server::plain(&sandbox.url()).send(&Step {
        method: "POST",
        path: "/apis/batch/v1/namespaces/default/jobs".to_owned(),
        content_type: "application/json",
        user_agent: "fidelity/1.0",
        body: Some(Value::from_json(job.as_bytes()).expect("JSON")),
    });
    assert_eq!(answer.code, 201, "{}", answer.message);
    let uid = ["batch.kubernetes.io/controller-uid"];
    let selected = answer
        .object
        .at(&["spec", "selector", "matchLabels", uid[0]]);
    let label = answer
        .object
        .at(&["spec", "template", "metadata", "labels", uid[0]]);
    assert!(selected.is_some());
    assert_eq!(selected, label);
}
