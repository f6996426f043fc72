//! argocd-cm: what an operator sets for all applications, and that it takes
//! effect while the agent runs.

use crate::world::{World, on_each, wait_until};
use drupelet::agent::ArgocdCm;
use drupelet::app::{Application, SyncCode};
use drupelet::object::Object;
use drupelet::value::yaml;
use std::time::Duration;

const CONFIG: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red}\n";
const OTHER: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n";
const HEALED: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}";
const AUTOMATED: &str = "syncPolicy: {automated: {prune: true}}";

/// argocd-cm with this YAML as its data.
fn configure(world: &World, data: &str) {
    let mut text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: {}\n  labels: {{app.kubernetes.io/part-of: argocd}}\ndata:\n",
        world.control_namespace()
    );
    for line in data.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    world.apply_text(&text);
}

fn unconfigure(world: &World) {
    world
        .client
        .delete(
            &world.resource("v1", "ConfigMap"),
            &world.control_namespace(),
            "argocd-cm",
            &Default::default(),
        )
        .expect("the API server answers");
}

fn warns(app: &Application, kind: &str) -> bool {
    let mut conditions = app.status.conditions.iter();
    conditions.any(|condition| condition.kind == kind)
}

#[test]
fn objects_are_tracked_by_label() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "label");
        configure(
            &world,
            "application.resourceTrackingMethod: label\napplication.instanceLabelKey: example.com/app",
        );
        world.commit(&[("app/config.yaml", CONFIG), ("app/other.yaml", OTHER)]);
        world.create_app(AUTOMATED);
        world.start_agent();
        world.wait_synced();
        let object = world.find("v1", "ConfigMap", "other").expect("it is there");
        assert_eq!(object.label("example.com/app"), Some(world.name.as_str()));
        assert_eq!(object.annotation("argocd.argoproj.io/tracking-id"), None);
        // What carries the label is the application's: it is pruned.
        world.commit(&[("app/config.yaml", CONFIG)]);
        wait_until("pruned", || {
            world.find("v1", "ConfigMap", "other").is_none()
        });
    });
}

#[test]
fn another_tracking_method_marks_what_is_there() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "method");
        world.commit(&[("app/config.yaml", CONFIG), ("app/other.yaml", OTHER)]);
        world.create_app(HEALED);
        world.start_agent();
        world.wait_synced();
        configure(
            &world,
            "application.resourceTrackingMethod: annotation+label",
        );
        wait_until("both marks", || {
            world
                .find("v1", "ConfigMap", "other")
                .is_some_and(|object| {
                    object.label("app.kubernetes.io/instance") == Some(&world.name)
                        && object
                            .annotation("argocd.argoproj.io/tracking-id")
                            .is_some()
                })
        });
        world.wait_synced();
    });
}

#[test]
fn differences_are_ignored_for_all_applications_from_now_on() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "ignored");
        world.commit(&[("app/config.yaml", CONFIG)]);
        world.create_app(AUTOMATED);
        world.start_agent();
        world.wait_synced();
        world.edit("v1", "ConfigMap", "settings", "data: {colour: blue}");
        let is_out = |app: &Application| app.status.sync.status == SyncCode::OutOfSync;
        world.wait_app(&world.name, "OutOfSync", is_out);
        configure(
            &world,
            "resource.customizations.ignoreDifferences.ConfigMap: |\n  jqPathExpressions: [.data.colour]",
        );
        world.wait_synced();
        unconfigure(&world);
        world.wait_app(&world.name, "OutOfSync", is_out);
        configure(
            &world,
            "resource.customizations: |\n  ConfigMap:\n    ignoreDifferences: |\n      jsonPointers: [/data/colour]",
        );
        world.wait_synced();
    });
}

#[test]
fn users_health_rules_judge_live_objects() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "rule");
        world.commit(&[("app/config.yaml", CONFIG)]);
        world.create_app(AUTOMATED);
        world.start_agent();
        world.wait_synced();
        configure(
            &world,
            "resource.customizations.health.ConfigMap: |\n  return {status = 'Degraded', message = 'is ' .. obj.data.colour}",
        );
        world.wait_app(&world.name, "Degraded", |app| {
            app.status.health.status == "Degraded"
        });
        unconfigure(&world);
        world.wait_app(&world.name, "Healthy", |app| {
            app.status.health.status == "Healthy"
        });
    });
}

#[test]
fn excluded_kinds_are_left_alone() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "excluded");
        configure(
            &world,
            "resource.exclusions: |\n  - {apiGroups: [''], kinds: [Secret], clusters: ['*']}",
        );
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: hidden}\n";
        world.commit(&[("app/config.yaml", CONFIG), ("app/secret.yaml", secret)]);
        world.create_app(HEALED);
        world.start_agent();
        world.wait_app(&world.name, "Synced without the Secret", |app| {
            app.status.sync.status == SyncCode::Synced && warns(app, "ExcludedResourceWarning")
        });
        assert!(world.find("v1", "Secret", "hidden").is_none());
        unconfigure(&world);
        wait_until("applied", || world.find("v1", "Secret", "hidden").is_some());
        world.wait_app(&world.name, "without a warning", |app| {
            !warns(app, "ExcludedResourceWarning")
        });
    });
}

fn read(data: &str) -> ArgocdCm {
    let text =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-cm}}\ndata:\n{data}");
    ArgocdCm::read(&Object::new(yaml::parse_one(&text).expect("YAML")).expect("an object"))
}

#[test]
fn a_key_that_cannot_be_read_is_told_and_the_others_count() {
    for (key, text, wanted) in [
        ("timeout.reconciliation", "soon", "\"soon\""),
        (
            "application.resourceTrackingMethod",
            "both",
            "\"both\" is none of annotation, label, annotation+label",
        ),
        ("resource.exclusions", "{a: b}", ""),
        ("resource.inclusions", "[", ""),
        ("resource.compareoptions", "[1]", "must be a mapping"),
        (
            "resource.customizations",
            "Pod: 1",
            "Pod: must be a mapping",
        ),
        (
            "resource.customizations.ignoreDifferences.Pod",
            "jqPathExpressions: ['.a[']",
            "cannot be parsed",
        ),
        (
            "resource.customizations.health.Pod",
            "return (",
            "syntax error",
        ),
    ] {
        let config = read(&format!(
            "  {key}: {text:?}\n  timeout.reconciliation.jitter: 7s\n"
        ));
        let [fault] = config.faults.as_slice() else {
            panic!("{key}: {:?}", config.faults);
        };
        assert!(
            fault.starts_with(&format!("argocd-cm, key {key}: ")),
            "{fault}"
        );
        assert!(fault.contains(wanted), "{fault}");
        assert_eq!(config.poll_jitter, Some(Duration::from_secs(7)));
    }
}

#[test]
fn pauses_between_polls_are_read_as_go_writes_them() {
    for (text, wanted) in [("180s", 180), ("1h30m", 5400), ("0", 0), ("0s", 0)] {
        let config = read(&format!("  timeout.reconciliation: {text:?}\n"));
        assert_eq!(config.poll_interval, Some(Duration::from_secs(wanted)));
    }
    assert_eq!(read("  unknown: x\n"), ArgocdCm::default());
}

#[test]
fn inclusions_and_exclusions_name_groups_kinds_and_clusters() {
    let key = |group: &str, kind: &str| drupelet::object::ResourceKey {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: "ns".to_owned(),
        name: "x".to_owned(),
    };
    let here = "https://kubernetes.default.svc";
    let config = read(
        "  resource.exclusions: \"[{apiGroups: ['*.example'], kinds: ['*'], clusters: ['https://*']}]\"\n",
    );
    assert!(config.filter.excludes(&key("a.example", "Thing"), here));
    assert!(!config.filter.excludes(&key("apps", "Deployment"), here));
    assert!(config.filter.excludes(&key("", "Event"), here));
    let config = read("  resource.inclusions: \"[{apiGroups: [apps], kinds: [Deployment]}]\"\n");
    assert!(!config.filter.excludes(&key("apps", "Deployment"), here));
    assert!(config.filter.excludes(&key("apps", "StatefulSet"), here));
    let config = read(
        "  resource.inclusions: \"[{apiGroups: [apps], kinds: [Deployment], clusters: [other]}]\"\n",
    );
    assert!(!config.filter.excludes(&key("apps", "StatefulSet"), here));
}
