//! The chart, the kustomization and install.yaml say the same.

use crate::{PROFILES, chart_arguments, deploy, drupelet, objects, printed, profile};
use drupelet::app::{application_crd, appproject_crd};
use drupelet::object::Object;
use drupelet::value::yaml;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Compares a file that follows from others with what they make of it, or
/// writes it.
#[track_caller]
fn check_file(path: &str, expected: &str) {
    let path = deploy(path);
    if std::env::var_os("DRUPELET_RECORD").is_some() {
        fs::write(&path, expected).expect("the checkout is writable");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what it follows from: DRUPELET_RECORD=1 cargo test --test deploy",
        path.display()
    );
}

/// One test, since each file follows from those before it.
#[test]
fn files_that_follow_from_others_are_up_to_date() {
    for (name, definition) in [
        ("applications", application_crd()),
        ("appprojects", appproject_crd()),
    ] {
        let path = format!("chart/crds/{name}.yaml");
        check_file(&path, &yaml::emit(&definition));
    }
    let chart = drupelet(&["render", "helm"], &chart_arguments(&[]));
    check_file("kustomize/base/drupelet.yaml", &chart);
    let base = deploy("kustomize/base").display().to_string();
    let install = drupelet(&["render", "kustomize", &base], &[]);
    check_file("install.yaml", &install);
}

fn by_key(objects: Vec<Object>) -> BTreeMap<String, Object> {
    let n_objects = objects.len();
    let map: BTreeMap<_, _> = objects
        .into_iter()
        .map(|object| (object.key().to_string(), object))
        .collect();
    assert_eq!(map.len(), n_objects, "an object is there twice");
    map
}

#[track_caller]
fn assert_same_objects(left: Vec<Object>, right: Vec<Object>, what: &str) {
    let (left, right) = (by_key(left), by_key(right));
    let keys = |map: &BTreeMap<String, Object>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&left), keys(&right), "{what}");
    for (key, object) in left {
        assert_eq!(object, right[&key], "{what}: {key}");
    }
}

#[test]
fn overlays_are_what_the_chart_makes_of_its_values() {
    for (values, overlay) in PROFILES {
        let folder = deploy("kustomize").join(overlay).display().to_string();
        let built = objects(&drupelet(&["render", "kustomize", &folder], &[]));
        assert_same_objects(profile(values), built, overlay);
    }
}

#[test]
fn the_component_of_the_service_monitor_is_the_charts() {
    let of_kind = |objects: Vec<Object>| -> Vec<Object> {
        let wanted = |object: &Object| object.kind() == "ServiceMonitor";
        objects.into_iter().filter(wanted).collect()
    };
    let text = fs::read_to_string(deploy("kustomize/servicemonitor/servicemonitor.yaml"));
    let chart = of_kind(profile(&["serviceMonitor.enabled=true"]));
    assert_eq!(chart.len(), 1);
    assert_eq!(chart, objects(&text.expect("it is there")));
}

/// The version of a tool, or a line that says what was not compared.
fn find(tool: &str) -> bool {
    let is_there = Command::new(tool).arg("version").output().is_ok();
    if !is_there {
        println!("not run: no {tool} to compare with; .ci/run oracles builds it");
    }
    is_there
}

#[test]
fn the_chart_renders_as_by_helm() {
    if !find("helm") {
        return;
    }
    let others: &[&[&str]] = &[
        &["serviceMonitor.enabled=true", "serviceMonitor.labels.a=b"],
        &[
            "rbac.create=false",
            "serviceAccount.create=false",
            "serviceAccount.name=else",
            "service.enabled=false",
            "networkPolicy.enabled=false",
            "podDisruptionBudget.enabled=false",
        ],
        &[
            "agent.applicationNamespaces={a,b-*}",
            "agent.extraArgs={--beside-argocd}",
            "agent.cpuBudget=500m",
            "agent.env[0].name=HTTPS_PROXY",
            "agent.env[0].value=http://proxy:3128",
            "imagePullSecrets[0].name=key",
            "priorityClassName=system-cluster-critical",
            "tolerations[0].operator=Exists",
            "podAnnotations.a=b",
            "podLabels.a=b",
        ],
    ];
    let profiles = PROFILES.iter().map(|(values, _)| *values);
    for values in profiles.chain(others.iter().copied()) {
        let arguments = chart_arguments(values);
        let helm = printed(Command::new("helm").arg("template").args(&arguments));
        let ours = drupelet(&["render", "helm"], &arguments);
        assert!(ours == helm, "{values:?}: helm prints\n{helm}\nwe\n{ours}");
    }
}

#[test]
fn kustomizations_build_as_by_kustomize() {
    if !find("kustomize") {
        return;
    }
    for (_, overlay) in PROFILES {
        let folder = deploy("kustomize").join(overlay).display().to_string();
        let kustomize = printed(Command::new("kustomize").args(["build", &folder]));
        let ours = drupelet(&["render", "kustomize", &folder], &[]);
        assert!(ours == kustomize, "{overlay}");
    }
}

#[test]
fn wrong_values_are_refused_with_what_to_do() {
    for (values, words) in [
        (&["kind=StatefulSet"][..], "kind"),
        (&["rbac.profile=admin"], "profile"),
        (&["image.tg=1"], "tg"),
        (&["sharding=some"], "sharding"),
        (
            &["sharding=true", "kind=Deployment"],
            "over the agents of a DaemonSet: set kind to DaemonSet",
        ),
        (
            &["rbac.profile=read-only"],
            "observes from a single Pod and holds no Lease: set kind to Deployment",
        ),
        (
            &["rbac.profile=namespaced"],
            "rbac.profile namespaced goes by rbac.namespaces: name them",
        ),
        (
            &["rbac.profile=impersonating"],
            "rbac.profile impersonating goes by rbac.namespaces: name them",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_drupelet"))
            .args(["render", "helm"])
            .args(chart_arguments(values))
            .output()
            .expect("it starts");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{values:?} is accepted");
        assert!(error.contains(words), "{values:?}: {error}");
    }
}
