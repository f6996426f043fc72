//! What only an API server can say: the real one and the sandbox alike.

use crate::support;
use crate::support::apiserver::ApiServer;
use crate::support::cluster::{Cluster, on_each};
use drupelet::http::ProxyChoice;
use drupelet::kube::{
    ApplyOptions, Client, Config, Conflict, DeleteOptions, Deleted, ListOptions, Patch,
    WriteOptions,
};
use drupelet::object::{Gvk, Object};
use drupelet::value::Value;
use std::path::PathBuf;
use std::sync::Arc;

pub fn client(cluster: &Cluster) -> Client {
    let files = std::slice::from_ref(&cluster.kubeconfig);
    let config = Config::from_files(files, None, ProxyChoice::Direct);
    Client::new(config.expect("the kubeconfig is ours")).expect("the kubeconfig is ours")
}

fn object(json: &str) -> Object {
    let value = Value::from_json(json.as_bytes()).expect("the test's own JSON");
    Object::new(value).expect("the test's own object")
}

pub fn namespace(client: &Client, name: &str) {
    let discovery = client.discover(None).expect("answers");
    let resource = discovery
        .resource(&Gvk::new("", "v1", "Namespace"))
        .expect("served");
    let json =
        format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}"}}}}"#);
    client
        .apply(resource, &object(&json), &ApplyOptions::by("test"))
        .expect("applies");
}

pub fn config_map(namespace: &str, name: &str, data: &str) -> Object {
    object(&format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"namespace":"{namespace}",
        "name":"{name}","labels":{{"suite":"kube"}}}},"data":{data}}}"#
    ))
}

#[test]
fn discovers_kinds_and_versions() {
    on_each(|cluster| discovers_kinds_and_versions_on(&client(cluster)));
}

fn discovers_kinds_and_versions_on(client: &Client) {
    let version = client.version().expect("answers").git_version;
    assert!(version.starts_with("v1.34."), "{version}");
    let discovery = client.discover(None).expect("answers");
    let deployment = discovery
        .resource(&Gvk::new("apps", "v1", "Deployment"))
        .expect("served");
    assert_eq!(deployment.plural, "deployments");
    assert!(deployment.namespaced && deployment.has_status);
    let ingress = Gvk::new("extensions", "v1beta1", "Ingress");
    assert!(discovery.resource(&ingress).is_none());
    let elsewhere = discovery.served_elsewhere("Ingress");
    assert_eq!(elsewhere, [Gvk::new("networking.k8s.io", "v1", "Ingress")]);
    let versions = discovery.api_versions();
    for wanted in ["v1", "v1/Pod", "apps/v1", "apps/v1/Deployment"] {
        assert!(versions.iter().any(|v| v == wanted), "{wanted}");
    }
    assert!(!versions.iter().any(|v| v == "v1/Binding"), "not listed");
    assert_eq!(discovery.unavailable(), Vec::<String>::new());
    let again = client.discover(Some(&discovery)).expect("answers");
    assert!(Arc::ptr_eq(&again, &discovery), "by ETag");
}

/// The fidelity of the sandbox's discovery: same kinds, versions, verbs, in
/// the same order of preference.
#[test]
fn the_sandbox_serves_what_the_real_one_serves() {
    let fresh = support::cluster::sandbox();
    let Some(real) = ApiServer::shared() else {
        return;
    };
    let served = |kubeconfig: PathBuf| {
        let config = Config::from_files(&[kubeconfig], None, ProxyChoice::Direct);
        let client = Client::new(config.expect("usable")).expect("usable");
        let discovery = client.discover(None).expect("answers");
        // Other tests of this process bring custom kinds to the shared server.
        let lines = discovery
            .resources()
            .filter(|resource| !resource.group.ends_with(".example"))
            .map(|resource| format!("{resource:?}"));
        lines.collect::<Vec<_>>()
    };
    let (ours, theirs) = (served(fresh.kubeconfig.clone()), served(real.kubeconfig()));
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        a.iter().filter(|line| !b.contains(line)).cloned().collect()
    };
    assert_eq!(
        only(&ours, &theirs),
        Vec::<String>::new(),
        "only the sandbox"
    );
    assert_eq!(
        only(&theirs, &ours),
        Vec::<String>::new(),
        "only the real one"
    );
    let moved = ours
        .iter()
        .zip(&theirs)
        .find(|(ours, theirs)| ours != theirs);
    assert_eq!(moved, None, "in another order");
}

#[test]
fn applies_patches_lists_and_deletes() {
    on_each(|cluster| applies_patches_lists_and_deletes_on(&client(cluster)));
}

fn applies_patches_lists_and_deletes_on(client: &Client) {
    namespace(client, "ways");
    let discovery = client.discover(None).expect("answers");
    let kind = discovery
        .resource(&Gvk::new("", "v1", "ConfigMap"))
        .expect("served");
    let ours = ApplyOptions::by("test");
    for n in 0..7 {
        let made = config_map("ways", &format!("m{n}"), r#"{"a":"1"}"#);
        client.apply(kind, &made, &ours).expect("applies");
    }
    let options = ListOptions {
        namespace: "ways".to_owned(),
        label_selector: "suite=kube".to_owned(),
        limit: 3,
        ..ListOptions::default()
    };
    let (objects, listed) = client.list_all(kind, &options).expect("lists");
    let names: Vec<_> = objects.iter().map(Object::name).collect();
    assert_eq!(names, ["m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
    assert_eq!(listed.n_items, 7);
    assert!(!listed.resource_version.is_empty());
    assert_eq!(objects[0].gvk(), kind.gvk());
    let lean = ListOptions {
        metadata_only: true,
        ..options
    };
    let (objects, _) = client.list_all(kind, &lean).expect("lists");
    assert_eq!(objects[0].gvk(), kind.gvk());
    assert_eq!(objects[0].at(&["data"]), None);

    let merge = Value::from_json(br#"{"data":{"b":"2"}}"#).expect("JSON");
    let by = WriteOptions::by("other");
    let patched = client
        .patch(kind, "ways", "m0", &Patch::Merge(merge), &by)
        .expect("patches");
    assert_eq!(patched.at(&["data", "b"]), Some(&Value::from("2")));

    let wrong = DeleteOptions {
        uid: Some("0000".to_owned()),
        ..DeleteOptions::default()
    };
    let error = client
        .delete(kind, "ways", "m0", &wrong)
        .expect_err("another uid");
    assert_eq!(error.conflict(), Some(Conflict::ResourceVersion));
    let plain = DeleteOptions::default();
    let deleted = |name: &str| client.delete(kind, "ways", name, &plain).expect("deletes");
    assert_eq!(deleted("m0"), Deleted::Gone);
    assert_eq!(deleted("m0"), Deleted::NotFound);
    assert!(client.find(kind, "ways", "m0").expect("answers").is_none());
}

#[test]
fn tells_the_two_conflicts_apart() {
    on_each(|cluster| tells_the_two_conflicts_apart_on(&client(cluster)));
}

fn tells_the_two_conflicts_apart_on(client: &Client) {
    namespace(client, "conflicts");
    let discovery = client.discover(None).expect("answers");
    let kind = discovery
        .resource(&Gvk::new("", "v1", "ConfigMap"))
        .expect("served");
    let first = config_map("conflicts", "c", r#"{"a":"1"}"#);
    let first = client
        .create(kind, &first, &WriteOptions::by("one"))
        .expect("creates");
    let again = config_map("conflicts", "c", r#"{"a":"1"}"#);
    let error = client
        .create(kind, &again, &WriteOptions::by("one"))
        .expect_err("there is one");
    assert_eq!(error.conflict(), Some(Conflict::AlreadyExists));
    assert_eq!(
        error.to_string(),
        "cannot create ConfigMap conflicts/c: configmaps \"c\" already exists (HTTP 409)"
    );

    let other = config_map("conflicts", "c", r#"{"a":"2"}"#);
    let error = client
        .apply(kind, &other, &ApplyOptions::by("two"))
        .expect_err("another owns it");
    let Some(Conflict::FieldManager(fields)) = error.conflict() else {
        panic!("{error}");
    };
    assert_eq!(fields[0].field, ".data.a");
    assert!(!error.is_retryable());
    let force = ApplyOptions {
        force: true,
        ..ApplyOptions::by("two")
    };
    client.apply(kind, &other, &force).expect("takes it over");

    let error = client
        .update(kind, &first, &WriteOptions::by("one"))
        .expect_err("is old");
    assert_eq!(error.conflict(), Some(Conflict::ResourceVersion));
    assert!(error.is_retryable());
}

#[test]
fn errors_name_what_was_tried() {
    on_each(|cluster| errors_name_what_was_tried_on(&client(cluster)));
}

fn errors_name_what_was_tried_on(client: &Client) {
    let discovery = client.discover(None).expect("answers");
    let kind = discovery
        .resource(&Gvk::new("", "v1", "ConfigMap"))
        .expect("served");
    let strict = ApplyOptions::by("test");
    #[track_caller]
    fn check(client: &Client, kind: &drupelet::kube::Resource, json: &str, text: &str) {
        let error = client
            .apply(kind, &object(json), &ApplyOptions::by("test"))
            .expect_err("must be refused");
        assert_eq!(error.to_string(), text);
    }
    let missing = config_map("nowhere", "c", "{}");
    let error = client
        .apply(kind, &missing, &strict)
        .expect_err("no such namespace");
    assert!(error.is_not_found());
    assert_eq!(
        error.to_string(),
        "cannot apply ConfigMap nowhere/c: namespaces \"nowhere\" not found (HTTP 404)"
    );
    namespace(client, "errors");
    let nameless = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"errors"}}"#;
    let error = client
        .create(kind, &object(nameless), &WriteOptions::by("test"))
        .expect_err("must be refused");
    assert!(error.is_invalid());
    assert_eq!(
        error.to_string(),
        "cannot create ConfigMap errors/: ConfigMap \"\" is invalid: metadata.name: \
         Required value: name or generateName is required (HTTP 422)"
    );
    check(
        client,
        kind,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"errors"},"dta":{}}"#,
        "cannot apply ConfigMap errors/c: failed to create typed patch object (errors/c; /v1, \
         Kind=ConfigMap): .dta: field not declared in schema (HTTP 500)",
    );
    let mut gone = (**kind).clone();
    gone.version = "v9".to_owned();
    let error = client.find(&gone, "errors", "c").expect_err("not served");
    assert!(error.is_kind_not_served(), "{error}");
}
