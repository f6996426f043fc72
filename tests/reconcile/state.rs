//! All objects of a world as text, without what differs from run to run.

use crate::world::World;
use drupelet::kube::{ListOptions, Resource, Verbs};
use drupelet::object::Object;
use drupelet::value::{Map, Value};
use std::collections::BTreeMap;

/// Made by the cluster's own controllers, under names or with contents of
/// chance.
const NOT_OURS: [&str; 8] = [
    "Pod",
    "ReplicaSet",
    "Event",
    "Endpoints",
    "EndpointSlice",
    "Lease",
    "ServiceAccount",
    "ControllerRevision",
];

/// Every object in these namespaces, and those of the whole cluster that bear
/// the world's name. Its name reads `WORLD`.
pub fn state(world: &World, namespaces: &[&str]) -> BTreeMap<String, String> {
    let discovery = world.client.discover(None).expect("the API server answers");
    let mut objects = BTreeMap::new();
    for resource in discovery.preferred_resources() {
        if !resource.verbs.has(Verbs::LIST) || NOT_OURS.contains(&resource.kind.as_str()) {
            continue;
        }
        if !resource.namespaced {
            list(world, resource, "", &mut objects);
            continue;
        }
        for namespace in namespaces {
            list(world, resource, namespace, &mut objects);
        }
    }
    let id = world
        .app_object(&world.name)
        .expect("the Application is there");
    objects.insert("Application".to_owned(), application(&id, &world.name));
    objects
}

fn list(world: &World, resource: &Resource, namespace: &str, into: &mut BTreeMap<String, String>) {
    let options = ListOptions {
        namespace: namespace.to_owned(),
        ..ListOptions::default()
    };
    let (objects, _) = world
        .client
        .list_all(resource, &options)
        .expect("the API server lists");
    for object in objects {
        let is_ours = resource.namespaced || object.name().contains(&world.name);
        if is_ours && object.name() != "kube-root-ca.crt" {
            let key = object.key().to_string().replace(&world.name, "WORLD");
            into.insert(key, text(object.root(), &world.name));
        }
    }
}

/// Of an Application what a reader of it goes by.
fn application(object: &Object, name: &str) -> String {
    let mut kept = Map::new();
    for path in [
        &["spec"][..],
        &["status", "sync"],
        &["status", "health"],
        &["status", "conditions"],
        &["status", "resources"],
        &["status", "operationState", "phase"],
        &["operation"],
    ] {
        kept.insert(path.join("."), object.at(path).cloned().unwrap_or_default());
    }
    let history = object.at(&["status", "history"]).and_then(Value::as_seq);
    kept.insert("deployments", history.unwrap_or_default().len() as i64);
    text(&kept, name)
}

fn text(root: &Map, name: &str) -> String {
    let value = without_chance(&Value::Map(root.clone()));
    let commit = |text: String| match text.find("\"revision\":\"") {
        Some(at) => {
            let from = at + "\"revision\":\"".len();
            let to = from + text[from..].find('"').unwrap_or_default();
            format!("{}COMMIT{}", &text[..from], &text[to..])
        }
        None => text,
    };
    commit(value.to_json().replace(name, "WORLD"))
}

fn is_chance(key: &str) -> bool {
    key.ends_with("Time")
        || key.ends_with("Timestamp")
        || key.ends_with("At")
        || matches!(
            key,
            "time"
                | "uid"
                | "resourceVersion"
                | "clusterIP"
                | "clusterIPs"
                | "controller-uid"
                | "batch.kubernetes.io/controller-uid"
        )
}

fn without_chance(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(
            map.iter()
                .filter(|(key, _)| !is_chance(key))
                .map(|(key, below)| {
                    let below = without_chance(below);
                    match (key, below) {
                        // Ordered by time.
                        ("managedFields" | "conditions", Value::Seq(mut items)) => {
                            items.sort_by_key(Value::to_json);
                            (key, Value::Seq(items))
                        }
                        (_, below) => (key, below),
                    }
                })
                .collect(),
        ),
        Value::Seq(items) => Value::Seq(items.iter().map(without_chance).collect()),
        other => other.clone(),
    }
}
