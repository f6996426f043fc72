//! What counts as drift, what is reverted, what is left alone.

use crate::world::{World, holds_for, on_each, wait_until};
use drupelet::app::SyncCode;
use drupelet::value::Value;
use std::path::Path;
use std::time::Duration;

const HEAL: &str = "syncPolicy: {automated: {selfHeal: true}}";
/// The first self-heal comes within this; later ones back off.
const FIRST_HEAL: Duration = Duration::from_secs(2);

const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: red, size: big}
";
const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1
        command: [nginx, -g]
        env:
        - {name: A, value: a}
        - {name: B, value: b}
";

fn synced(cluster: &Path, name: &str, policy: &str) -> World {
    let mut world = World::new(cluster, name);
    world.commit(&[("app/config.yaml", CONFIG), ("app/web.yaml", WEB)]);
    world.create_app(policy);
    world.start_agent();
    world.wait_synced();
    world.settle();
    world
}

fn colour(world: &World) -> Option<Value> {
    world.value("v1", "ConfigMap", "settings", &["data", "colour"])
}

fn container(world: &World) -> Value {
    let web = world
        .find("apps/v1", "Deployment", "web")
        .expect("it is there");
    let containers = web
        .at(&["spec", "template", "spec", "containers"])
        .and_then(Value::as_seq)
        .expect("containers");
    containers[0].clone()
}

fn names_of(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_seq).unwrap_or_default();
    let name = |item: &Value| item.get("name").and_then(Value::as_str).map(str::to_owned);
    items.iter().filter_map(name).collect()
}

#[test]
fn an_edit_of_a_managed_field_is_reverted() {
    on_each(|cluster| {
        let world = synced(cluster, "edit", HEAL);
        world.edit("v1", "ConfigMap", "settings", "data: {colour: blue}");
        let took = wait_until("red again", || colour(&world) == Some("red".into()));
        assert!(took < FIRST_HEAL, "took {took:?}");
    });
}

#[test]
fn a_removed_item_of_a_keyed_list_comes_back() {
    on_each(|cluster| {
        let world = synced(cluster, "item", HEAL);
        let patch = "spec: {template: {spec: {containers: [{name: web, image: nginx:1, command: [nginx, -g], env: [{name: A, value: a}]}]}}}";
        world.edit("apps/v1", "Deployment", "web", patch);
        let took = wait_until("both variables", || {
            names_of(container(&world).get("env")) == ["A", "B"]
        });
        assert!(took < FIRST_HEAL, "took {took:?}");
    });
}

#[test]
fn a_changed_atomic_list_is_reverted() {
    on_each(|cluster| {
        let world = synced(cluster, "atomic", HEAL);
        let patch = "spec: {template: {spec: {containers: [{name: web, image: nginx:1, command: [sleep, '9', more], env: [{name: A, value: a}, {name: B, value: b}]}]}}}";
        world.edit("apps/v1", "Deployment", "web", patch);
        let took = wait_until("the command of git", || {
            container(&world).get("command").map(Value::to_json) == Some(r#"["nginx","-g"]"#.into())
        });
        assert!(took < FIRST_HEAL, "took {took:?}");
    });
}

#[test]
fn a_deleted_object_comes_back() {
    on_each(|cluster| {
        let world = synced(cluster, "deleted", HEAL);
        world.delete("v1", "ConfigMap", "settings");
        let took = wait_until("it is there again", || colour(&world) == Some("red".into()));
        assert!(took < FIRST_HEAL, "took {took:?}");
    });
}

#[test]
fn what_others_add_beside_our_fields_is_no_drift() {
    on_each(|cluster| {
        let world = synced(cluster, "beside", HEAL);
        world.edit(
            "v1",
            "ConfigMap",
            "settings",
            "metadata: {labels: {theirs: x}}",
        );
        let env = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: NS}\nspec: {template: {spec: {containers: [{name: web, env: [{name: THEIRS, value: c}]}]}}}";
        world.apply_text(&env.replace("NS", &world.name));
        world.settle();
        holds_for("Synced, theirs kept", Duration::from_millis(1500), || {
            let label = world.value(
                "v1",
                "ConfigMap",
                "settings",
                &["metadata", "labels", "theirs"],
            );
            world.app().status.sync.status == SyncCode::Synced
                && label == Some("x".into())
                && names_of(container(&world).get("env")) == ["A", "B", "THEIRS"]
        });
    });
}

#[test]
fn an_edit_there_and_back_is_no_drift() {
    on_each(|cluster| {
        // Without self-heal: nothing but the comparison may act.
        let world = synced(cluster, "back", "syncPolicy: {automated: {}}");
        world.edit("v1", "ConfigMap", "settings", "data: {colour: blue}");
        world.wait_app(&world.name, "OutOfSync", |app| {
            app.status.sync.status == SyncCode::OutOfSync
        });
        world.edit("v1", "ConfigMap", "settings", "data: {colour: red}");
        world.wait_synced();
        let syncs = n_syncs(&world);
        assert_eq!(syncs, 1, "only the first sync ran");
    });
}

#[test]
fn without_self_heal_drift_is_shown_and_stays() {
    on_each(|cluster| {
        let world = synced(cluster, "stays", "syncPolicy: {automated: {}}");
        world.edit("v1", "ConfigMap", "settings", "data: {colour: blue}");
        world.wait_app(&world.name, "OutOfSync", |app| {
            app.status.sync.status == SyncCode::OutOfSync
        });
        holds_for("blue, OutOfSync", Duration::from_millis(1500), || {
            colour(&world) == Some("blue".into())
                && world.app().status.sync.status == SyncCode::OutOfSync
        });
    });
}

#[test]
fn a_field_dropped_while_the_agent_was_down_is_dropped_live() {
    on_each(|cluster| {
        let mut world = synced(cluster, "dropped", HEAL);
        world.stop_agent();
        let config = CONFIG.replace(", size: big", "");
        world.commit(&[("app/config.yaml", &config), ("app/web.yaml", WEB)]);
        world.start_agent();
        wait_until("size is gone", || {
            world
                .value("v1", "ConfigMap", "settings", &["data", "size"])
                .is_none()
        });
        assert_eq!(colour(&world), Some("red".into()));
    });
}

fn n_syncs(world: &World) -> u64 {
    let syncs = world.agent().handle().metrics.syncs.get();
    syncs.iter().map(|(_, count)| count).sum()
}
