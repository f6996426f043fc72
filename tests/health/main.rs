//! How objects fare: the cases of Argo CD, in the corpus beside the checkout.

mod corpus;
mod lua;

use drupelet::health::{Health, HealthStatus, health};
use drupelet::object::Object;
use drupelet::value::yaml;

#[track_caller]
fn check(text: &str, expected: Option<(HealthStatus, &str)>) {
    let object = Object::new(yaml::parse_one(text).expect("YAML")).expect("an object");
    let expected = expected.map(|(status, message)| Health::new(status, message));
    assert_eq!(health(&object), expected);
}

#[test]
fn what_is_deleted_progresses() {
    check(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [x, z]}}",
        Some((
            HealthStatus::Progressing,
            "Pending deletion; blocked by finalizers: x, z",
        )),
    );
    check(
        "{apiVersion: v1, kind: Pod, metadata: {name: a, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [argocd.argoproj.io/hook-finalizer]}, status: {phase: Succeeded}}",
        Some((HealthStatus::Healthy, "")),
    );
}

#[test]
fn kinds_without_a_rule_follow_the_conventions() {
    check(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
        None,
    );
    let custom = |generation: i64, observed: i64, conditions: &str| {
        format!(
            "{{apiVersion: x.example/v1, kind: Thing, metadata: {{name: a, generation: {generation}}}, status: {{observedGeneration: {observed}, conditions: [{conditions}]}}}}"
        )
    };
    check(
        &custom(2, 1, "{type: Ready, status: 'True'}"),
        Some((
            HealthStatus::Progressing,
            "generation 2 is not observed yet",
        )),
    );
    check(
        &custom(2, 2, "{type: Ready, status: 'True', message: fine}"),
        Some((HealthStatus::Healthy, "fine")),
    );
    check(
        &custom(
            2,
            2,
            "{type: Ready, status: 'False', reason: Pulling, message: wait}",
        ),
        Some((HealthStatus::Progressing, "wait")),
    );
    check(
        &custom(
            2,
            2,
            "{type: Ready, status: 'False', reason: PullFailed, message: broken}",
        ),
        Some((HealthStatus::Degraded, "broken")),
    );
    check(
        &custom(
            2,
            2,
            "{type: Ready, status: 'True'}, {type: Stalled, status: 'True', message: stuck}",
        ),
        Some((HealthStatus::Degraded, "stuck")),
    );
    check(&custom(2, 2, "{type: Programmed, status: 'True'}"), None);
}

/// Traefik of k3s writes no address (argo-cd#14607).
#[test]
fn an_ingress_of_traefik_does_not_wait_for_an_address() {
    let ingress = |class: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: a}}, spec: {{ingressClassName: {class}}}}}"
        )
    };
    check(&ingress("traefik"), Some((HealthStatus::Healthy, "")));
    check(&ingress("nginx"), Some((HealthStatus::Progressing, "")));
}

#[test]
fn the_command_prints_status_and_message() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let run = |output: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_drupelet"))
            .args(["health", "-f", "-", "-o", output])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let text = b"apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: a, namespace: b}\n  spec: {paused: true}\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: c}\n";
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(text).expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(
        run("table"),
        "OBJECT                HEALTH      MESSAGE\n\
         apps/Deployment b/a   Suspended   Deployment is paused\n\
         Secret c              -           its kind has no health\n"
    );
    let json = run("json");
    let parsed = drupelet::value::Value::from_json(json.as_bytes()).expect("JSON");
    assert_eq!(
        parsed.to_json(),
        r#"[{"group":"apps","kind":"Deployment","message":"Deployment is paused","name":"a","namespace":"b","status":"Suspended"},{"group":"","kind":"Secret","message":null,"name":"c","namespace":"","status":null}]"#
    );
}
