use crate::http::{Server, items, number, text};
use drupelet::value::Value;
use std::time::Duration;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const PODS: &str = "/api/v1/namespaces/default/pods";
const SERVICES: &str = "/api/v1/namespaces/default/services";
const CONFIG: &str = "/api/v1/namespaces/default/configmaps";

fn workload(kind: &str, annotations: &str, more: &str) -> String {
    let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let (selector, policy) = match kind {
        "Job" => ("", r#","restartPolicy":"Never""#),
        _ => (r#""selector":{"matchLabels":{"app":"web"}},"#, ""),
    };
    format!(
        r#"{{"apiVersion":"{version}","kind":"{kind}","metadata":{{"name":"web","annotations":{{{annotations}}}}},
        "spec":{{{selector}{more}"template":{{"metadata":{{"labels":{{"app":"web"}}}},
        "spec":{{"containers":[{{"name":"web","image":"web:1","ports":[{{"containerPort":8080}}]}}]{policy}}}}}}}}}"#
    )
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    object
        .at(&["status", "conditions"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .find(|condition| text(condition, &["type"]) == kind)
        .map_or("", |condition| text(condition, &["status"]))
}

#[test]
fn deployment_gets_ready_and_follows_its_template() {
    let server = Server::sandbox();
    server.post(DEPLOYMENTS, &workload("Deployment", "", r#""replicas":2,"#));
    let path = format!("{DEPLOYMENTS}/web");
    server.wait(&path, "ready", |d| {
        number(&d.body, &["status", "readyReplicas"]) == 2
    });
    let template = r#"{"spec":{"template":{"spec":{"nodeName":"","containers":[{"name":"web","image":"web:2"}]}}}}"#;
    server.merge(&path, template);
    server.wait(&path, "rolled out", |d| {
        number(&d.body, &["status", "updatedReplicas"]) == 2
            && number(&d.body, &["status", "replicas"]) == 2
            && number(&d.body, &["status", "observedGeneration"])
                == number(&d.body, &["metadata", "generation"])
    });
    let pods = server.wait(PODS, "two", |pods| items(&pods.body).len() == 2);
    for pod in items(&pods.body) {
        let image = &pod.at(&["spec", "containers"]).unwrap().as_seq().unwrap()[0];
        assert_eq!(text(image, &["image"]), "web:2");
    }
    server.delete(&path);
    server.wait(PODS, "collected", |pods| items(&pods.body).is_empty());
}

#[test]
fn workloads_fail_if_they_are_told_to() {
    let server = Server::sandbox();
    let fail = r#""sandbox.drupelet.io/fail":"ImagePullBackOff no such image""#;
    server.post(DEPLOYMENTS, &workload("Deployment", fail, ""));
    let path = format!("{DEPLOYMENTS}/web");
    server.wait(&path, "failed", |d| {
        condition(&d.body, "Progressing") == "False"
    });
    // Taken away, it recovers.
    server.merge(&path, r#"{"metadata":{"annotations":null}}"#);
    server.wait(&path, "recovered", |d| {
        condition(&d.body, "Progressing") == "True"
            && number(&d.body, &["status", "readyReplicas"]) == 1
    });
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    server.post(jobs, &workload("Job", fail, ""));
    server.wait(&format!("{jobs}/web"), "failed", |job| {
        condition(&job.body, "Failed") == "True"
    });
}

#[test]
fn jobs_complete_and_stateful_sets_get_claims() {
    let server = Server::sandbox();
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    server.post(jobs, &workload("Job", "", ""));
    server.wait(&format!("{jobs}/web"), "complete", |job| {
        condition(&job.body, "Complete") == "True"
    });
    let sets = "/apis/apps/v1/namespaces/default/statefulsets";
    let claims = r#""replicas":2,"serviceName":"web","volumeClaimTemplates":[{"metadata":{"name":"data"},
        "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}],"#;
    server.post(sets, &workload("StatefulSet", "", claims));
    server.wait(&format!("{sets}/web"), "ready", |set| {
        number(&set.body, &["status", "readyReplicas"]) == 2
    });
    let claim = "/api/v1/namespaces/default/persistentvolumeclaims/data-web-1";
    server.wait(claim, "bound", |claim| {
        text(&claim.body, &["status", "phase"]) == "Bound"
    });
}

#[test]
fn services_get_addresses_and_endpoints_with_their_labels() {
    let server = Server::sandbox();
    server.post(DEPLOYMENTS, &workload("Deployment", "", ""));
    let service = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","labels":{"team":"a"}},
        "spec":{"type":"LoadBalancer","selector":{"app":"web"},"ports":[{"port":80,"targetPort":8080}]}}"#;
    let made = server.post(SERVICES, service).body;
    assert!(text(&made, &["spec", "clusterIP"]).starts_with("10."));
    server.wait(&format!("{SERVICES}/web"), "got an address", |service| {
        service
            .body
            .at(&["status", "loadBalancer", "ingress"])
            .is_some()
    });
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=team=a";
    let slices = server.wait(slices, "filled", |slices| {
        items(&slices.body).first().is_some_and(|slice| {
            let endpoints = slice.get("endpoints").and_then(Value::as_seq);
            endpoints.is_some_and(|endpoints| endpoints.len() == 1)
        })
    });
    let slice = &items(&slices.body)[0];
    assert_eq!(
        text(slice, &["metadata", "labels", "kubernetes.io/service-name"]),
        "web"
    );
    server.delete(&format!("{SERVICES}/web"));
    let endpoints = "/api/v1/namespaces/default/endpoints/web";
    server.wait(endpoints, "gone", |answer| answer.code == 404);
}

#[test]
fn writes_nothing_when_nothing_happens() {
    let server = Server::sandbox();
    server.post(DEPLOYMENTS, &workload("Deployment", "", ""));
    server.wait(&format!("{DEPLOYMENTS}/web"), "available", |d| {
        condition(&d.body, "Available") == "True"
    });
    let mut version = server.version();
    // The last steps may still be on their way.
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = server.version();
        if now == version {
            break;
        }
        version = now;
    }
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.version(), version);
}

#[test]
fn namespace_takes_its_content_along() {
    let server = Server::sandbox();
    let namespace = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}"#;
    server.post("/api/v1/namespaces", namespace);
    let account = "/api/v1/namespaces/a/serviceaccounts/default";
    server.wait(account, "there", |account| account.code == 200);
    let held = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"held","finalizers":["x.io/hold"]}}"#;
    server.post("/api/v1/namespaces/a/configmaps", held);
    let answer = server.delete("/api/v1/namespaces/a");
    assert_eq!(text(&answer.body, &["status", "phase"]), "Terminating");
    let held = "/api/v1/namespaces/a/configmaps/held";
    server.wait(held, "deleting", |held| {
        held.body.at(&["metadata", "deletionTimestamp"]).is_some()
    });
    server.merge(held, r#"{"metadata":{"finalizers":null}}"#);
    server.wait("/api/v1/namespaces/a", "gone", |answer| answer.code == 404);
}

#[test]
fn dependents_follow_their_owner_as_the_policy_says() {
    let server = Server::sandbox();
    let make = |name: &str, owner: &str| {
        let references = if owner.is_empty() {
            String::new()
        } else {
            let owner = server.get(&format!("{CONFIG}/{owner}")).body;
            format!(
                r#","ownerReferences":[{{"apiVersion":"v1","kind":"ConfigMap","name":"{}","uid":"{}","blockOwnerDeletion":true}}]"#,
                text(&owner, &["metadata", "name"]),
                text(&owner, &["metadata", "uid"])
            )
        };
        let body = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"{references}}}}}"#
        );
        server.post(CONFIG, &body);
    };
    let gone = |name: &str| {
        let path = format!("{CONFIG}/{name}");
        server.wait(&path, "gone", |answer| answer.code == 404);
    };
    for policy in ["Background", "Foreground", "Orphan"] {
        make("owner", "");
        make("child", "owner");
        server.delete(&format!("{CONFIG}/owner?propagationPolicy={policy}"));
        gone("owner");
        if policy == "Orphan" {
            let child = server.get(&format!("{CONFIG}/child"));
            assert_eq!(child.code, 200);
            assert!(child.body.at(&["metadata", "ownerReferences"]).is_none());
        } else {
            gone("child");
        }
    }
}
