//! What API servers say of the manifests: server-side apply, as a dry run,
//! every unknown field an error.

use crate::support::cluster;
use crate::{PROFILES, client_of, profile, workload};
use drupelet::kube::{ApplyOptions, Client, Discovery, FieldValidation, WriteOptions};
use drupelet::object::{Gvk, Object};
use drupelet::value::{Value, yaml};
use std::time::{Duration, Instant};

fn strict(dry_run: bool) -> ApplyOptions {
    ApplyOptions {
        force: true,
        dry_run,
        field_validation: FieldValidation::Strict,
        ..ApplyOptions::by("deploy")
    }
}

#[track_caller]
fn apply(client: &Client, discovery: &Discovery, object: &Object, dry_run: bool) -> Object {
    let resource = discovery.resource(&object.gvk());
    let resource = resource.unwrap_or_else(|| panic!("{} is served", object.key()));
    client
        .apply(resource, object, &strict(dry_run))
        .unwrap_or_else(|error| panic!("{}: {error}", object.key()))
}

fn namespace(name: &str, labels: &str) -> Object {
    let text = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}"
    );
    Object::new(yaml::parse_one(&text).expect("a constant")).expect("it has a kind")
}

#[test]
fn all_profiles_are_accepted_with_strict_validation() {
    cluster::on_each(|cluster| {
        let client = client_of(&cluster.kubeconfig);
        let discovery = client.discover(None).expect("the API server answers");
        // A dry run makes no namespace for the next object.
        apply(&client, &discovery, &namespace("argocd", ""), false);
        for (values, _) in PROFILES {
            for object in profile(values) {
                apply(&client, &discovery, &object, true);
            }
        }
    });
}

#[test]
fn an_unknown_field_would_not_be_accepted() {
    cluster::on_each(|cluster| {
        let client = client_of(&cluster.kubeconfig);
        let discovery = client.discover(None).expect("the API server answers");
        let mut object = workload(&profile(&[])).clone();
        let spec = object.root_mut().get_mut("spec").expect("it has a spec");
        let spec = spec.as_map_mut().expect("a spec is a map");
        spec.insert("replica", 1);
        let resource = discovery.resource(&object.gvk()).expect("it is served");
        let error = client.apply(resource, &object, &strict(true));
        let error = error.expect_err("the field is unknown").to_string();
        assert!(error.contains("replica"), "{error}");
    });
}

/// PodSecurity is an admission plugin of kube-apiserver alone.
#[test]
fn the_pod_is_allowed_where_the_restricted_standard_is_enforced() {
    let real = cluster::all().find(|cluster| cluster.name == "kube-apiserver");
    let Some(real) = real else {
        println!("not run: the sandbox has no PodSecurity admission");
        return;
    };
    let client = client_of(&real.kubeconfig);
    let discovery = client.discover(None).expect("the API server answers");
    let name = format!("restricted-{}", std::process::id());
    let label = "pod-security.kubernetes.io/enforce: restricted";
    apply(&client, &discovery, &namespace(&name, label), false);
    let resource = discovery.resource(&Gvk::new("", "v1", "Pod"));
    let resource = resource.expect("pods are served");
    let create = |pod: &Object| {
        let options = WriteOptions {
            dry_run: true,
            field_validation: FieldValidation::Strict,
            ..WriteOptions::by("deploy")
        };
        client.create(resource, pod, &options)
    };
    for (values, _) in PROFILES {
        let pod = pod(&profile(values), &name);
        create(&pod).unwrap_or_else(|error| panic!("{values:?}: {error}"));
        let mut lax = pod.clone();
        let spec = lax.root_mut().get_mut("spec").and_then(Value::as_map_mut);
        spec.expect("it has a spec").remove("securityContext");
        let error = create(&lax).expect_err("it might run as root").to_string();
        assert!(error.contains("violates PodSecurity"), "{error}");
    }
}

/// What the workload's template makes in a namespace.
fn pod(objects: &[Object], namespace: &str) -> Object {
    let template = workload(objects).at(&["spec", "template"]);
    let mut pod = template.expect("it has a template").clone();
    let map = pod.as_map_mut().expect("a template is a map");
    map.insert("apiVersion", "v1");
    map.insert("kind", "Pod");
    let mut pod = Object::new(pod).expect("it has a kind");
    pod.set_namespace(namespace);
    pod.metadata_mut().insert("name", "agent");
    pod
}

#[test]
fn the_service_monitor_is_what_the_prometheus_operator_defines() {
    let Some(definition) = service_monitor_crd() else {
        println!("not run: no corpus with the Prometheus operator's CRDs");
        return;
    };
    cluster::on_each(|cluster| {
        let client = client_of(&cluster.kubeconfig);
        let mut discovery = client.discover(None).expect("the API server answers");
        apply(&client, &discovery, &namespace("argocd", ""), false);
        apply(&client, &discovery, &definition, false);
        let monitors = profile(&["serviceMonitor.enabled=true"]);
        let monitor = monitors.iter().find(|it| it.kind() == "ServiceMonitor");
        let monitor = monitor.expect("it is enabled");
        let until = Instant::now() + Duration::from_secs(30);
        while discovery.resource(&monitor.gvk()).is_none() {
            assert!(Instant::now() < until, "the CRD is not served");
            std::thread::sleep(Duration::from_millis(50));
            discovery = client.discover(None).expect("the API server answers");
        }
        apply(&client, &discovery, monitor, true);
    });
}

/// Out of the corpus' kube-prometheus-stack.
fn service_monitor_crd() -> Option<Object> {
    let corpus = std::env::var_os("DRUPELET_CORPUS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        std::path::PathBuf::from,
    );
    let charts = std::fs::read_dir(corpus.join("charts")).ok()?;
    let archive = charts
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().contains("kube-prometheus-stack"))?;
    let file = std::fs::File::open(archive).ok()?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let path = entry.path().ok()?.display().to_string();
        if path.contains("/crds/") && path.ends_with("servicemonitors.yaml") {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).ok()?;
            return Object::new(yaml::parse_one(&text).ok()?).ok();
        }
    }
    None
}
