//! Objects that Argo CD applied become ours and its again.

use crate::command::drupelet;
use crate::world::{World, on_each, wait_until};
use drupelet::app::SyncCode;
use drupelet::diff::tracking_id;
use drupelet::kube::{ApplyOptions, WriteOptions};
use drupelet::object::{Object, names};
use drupelet::value::{Value, yaml};

const ARGOCD: &str = "argocd-controller";
const POLICY: &str = "syncPolicy: {automated: {prune: true}}";
const SERVER_SIDE: &str =
    "syncPolicy: {automated: {prune: true}, syncOptions: [ServerSideApply=true]}";

fn deployment(name: &str, env: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: main\n        image: example.com/a:1\n        env: [{env}]\n        ports: [{{containerPort: 80}}]\n"
    )
}

fn config(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n")
}

const BOTH: &str = "{name: A, value: a}, {name: B, value: b}";
const ONE: &str = "{name: A, value: a}";

/// A manifest as Argo CD sends it for an application.
pub fn tracked(world: &World, instance: &str, text: &str) -> Object {
    let value = yaml::parse_one(text).expect("the test writes YAML");
    let mut object = Object::new(value).expect("the test writes objects");
    object.set_namespace(&world.name);
    let id = tracking_id(instance, &object.key());
    object.set_annotation(names::TRACKING_ID, &id);
    object
}

/// As Argo CD applies by default: client-side, with what it applied beside it.
fn apply_client_side(world: &World, instance: &str, text: &str) {
    let mut object = tracked(world, instance, text);
    let json = Value::Map(object.root().clone()).to_json();
    object.set_annotation(names::LAST_APPLIED, &json);
    let resource = world.resource(object.api_version(), object.kind());
    world
        .client
        .create(&resource, &object, &WriteOptions::by(ARGOCD))
        .expect("it is created");
}

/// As with `ServerSideApply=true`.
fn apply_server_side(world: &World, instance: &str, text: &str) {
    let object = tracked(world, instance, text);
    let resource = world.resource(object.api_version(), object.kind());
    let options = ApplyOptions {
        force: true,
        ..ApplyOptions::by(ARGOCD)
    };
    world
        .client
        .apply(&resource, &object, &options)
        .expect("it is applied");
}

/// As Argo CD's controller leaves the status.
fn set_status(world: &World, app: &str, objects: [(&str, &str, &str); 2]) {
    let resources: Vec<String> = objects
        .iter()
        .map(|(group, kind, name)| {
            format!(
                "{{group: '{group}', version: v1, kind: {kind}, namespace: {}, name: {name}, status: Synced}}",
                world.name
            )
        })
        .collect();
    let resources = resources.join(", ");
    world.patch_app(app, &format!("status: {{resources: [{resources}]}}"));
}

pub fn start_argocd(world: &World) {
    world.apply_text(&format!(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: argocd-application-controller\n  namespace: {}\n  labels: {{app.kubernetes.io/name: argocd-application-controller}}\nspec:\n  replicas: 1\n  serviceName: argocd\n  selector: {{matchLabels: {{app: c}}}}\n  template:\n    metadata: {{labels: {{app: c}}}}\n    spec: {{containers: [{{name: c, image: 'quay.io/argoproj/argocd:v3.2.0'}}]}}\n",
        world.control_namespace()
    ));
}

fn replicas_of_argocd(world: &World) -> Option<i64> {
    let resource = world.resource("apps/v1", "StatefulSet");
    let found = world.client.get(
        &resource,
        &world.control_namespace(),
        "argocd-application-controller",
    );
    let found = found.expect("it is there");
    found.at(&["spec", "replicas"]).and_then(Value::as_i64)
}

fn managers(object: &Object) -> Vec<(String, String)> {
    let entries = object.at(&["metadata", "managedFields"]);
    let entries = entries.and_then(Value::as_seq).unwrap_or_default();
    let text = |entry: &Value, key: &str| {
        let text = entry.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let own = entries
        .iter()
        .filter(|entry| text(entry, "subresource").is_empty());
    own.map(|entry| (text(entry, "manager"), text(entry, "operation")))
        .collect()
}

/// Neither controllers nor we may have changed what runs.
fn generation(world: &World, name: &str) -> i64 {
    let found = world.find("apps/v1", "Deployment", name);
    let found = found.expect("it is there");
    let generation = found.at(&["metadata", "generation"]);
    generation.and_then(Value::as_i64).expect("it has one")
}

#[test]
fn what_argo_cd_applied_becomes_ours_and_its_again() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "migrate");
        let server_side = format!("{}-server", world.name);
        let files = |env: &str, data: &str| {
            [
                ("app/web.yaml", deployment("web", env)),
                ("app/config.yaml", config("settings", data)),
                ("server/web.yaml", deployment("api", env)),
                ("server/config.yaml", config("more", data)),
            ]
        };
        let commit = |world: &World, env: &str, data: &str| {
            let files = files(env, data);
            let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
            world.commit(&files)
        };
        commit(&world, BOTH, "a: one, b: two");
        apply_client_side(&world, &world.name, &deployment("web", BOTH));
        apply_client_side(&world, &world.name, &config("settings", "a: one, b: two"));
        apply_server_side(&world, &server_side, &deployment("api", BOTH));
        apply_server_side(&world, &server_side, &config("more", "a: one, b: two"));
        world.create_app(POLICY);
        world.create_app_at(&server_side, "server", SERVER_SIDE);
        let name = world.name.clone();
        set_status(
            &world,
            &name,
            [("apps", "Deployment", "web"), ("", "ConfigMap", "settings")],
        );
        set_status(
            &world,
            &server_side,
            [("apps", "Deployment", "api"), ("", "ConfigMap", "more")],
        );
        start_argocd(&world);
        let before = [generation(&world, "web"), generation(&world, "api")];

        // Without a terminal nobody says yes.
        let refused = drupelet(&world, cluster, &["migrate", "--take-over", "--no-fetch"]);
        refused.fails("--yes");
        assert_eq!(replicas_of_argocd(&world), Some(1));
        let arguments = ["migrate", "--take-over", "--no-fetch", "--dry-run"];
        let tried = drupelet(&world, cluster, &arguments).ok();
        assert!(
            tried.starts_with("4 objects taken over (dry run)"),
            "{tried}"
        );
        assert_eq!(replicas_of_argocd(&world), Some(1));
        let arguments = ["migrate", "--take-over", "--no-fetch", "--yes"];
        let taken = drupelet(&world, cluster, &arguments).ok();
        assert!(taken.starts_with("4 objects taken over, 0 were"), "{taken}");
        assert_eq!(replicas_of_argocd(&world), Some(0));
        let again = drupelet(&world, cluster, &arguments).ok();
        assert!(again.starts_with("0 objects taken over, 4 were"), "{again}");
        for (kind, name) in [("apps/v1 Deployment", "web"), ("v1 ConfigMap", "more")] {
            let (api, kind) = kind.split_once(' ').expect("two words");
            let found = world.find(api, kind, name).expect("it is there");
            let managers = managers(&found);
            assert!(
                !managers.iter().any(|(manager, _)| manager == ARGOCD),
                "{managers:?}"
            );
            assert_eq!(found.label(names::MANAGED_LABEL), Some("true"));
        }

        // The agent finds all of it in sync, and writes none of it.
        // Nobody else writes ConfigMaps.
        let versions = |world: &World| {
            ["settings", "more"].map(|name| {
                let found = world.find("v1", "ConfigMap", name).expect("it is there");
                found.resource_version().to_owned()
            })
        };
        let taken = versions(&world);
        world.start_agent();
        world.wait_synced();
        world.wait_app(&server_side, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        world.settle();
        assert_eq!(
            before,
            [generation(&world, "web"), generation(&world, "api")]
        );
        assert_eq!(versions(&world), taken);

        // What is dropped in git goes.
        let newer = commit(&world, ONE, "a: one");
        world.wait_synced_at(&newer);
        let env = |name: &str| {
            let found = world.find("apps/v1", "Deployment", name)?;
            let containers = found.at(&["spec", "template", "spec", "containers"])?;
            let env = containers.as_seq()?.first()?.get("env")?;
            Some(env.as_seq()?.len())
        };
        let keys = |name: &str| n_keys(&world, name);
        for (deployment, config) in [("web", "settings"), ("api", "more")] {
            wait_until("both are dropped", || {
                env(deployment) == Some(1) && keys(config) == Some(1)
            });
        }
        world.settle();
        world.stop_agent();
        let before = [generation(&world, "web"), generation(&world, "api")];

        let back = ["migrate", "--hand-back", "--yes"];
        let returned = drupelet(&world, cluster, &back).ok();
        assert!(
            returned.starts_with("4 objects handed back, 0"),
            "{returned}"
        );
        assert_eq!(replicas_of_argocd(&world), Some(1));
        let again = drupelet(&world, cluster, &back).ok();
        assert!(again.starts_with("0 objects handed back, 4"), "{again}");
        assert_eq!(
            before,
            [generation(&world, "web"), generation(&world, "api")]
        );
        for (api, kind, name, operation) in [
            ("apps/v1", "Deployment", "web", "Update"),
            ("v1", "ConfigMap", "settings", "Update"),
            ("apps/v1", "Deployment", "api", "Apply"),
            ("v1", "ConfigMap", "more", "Apply"),
        ] {
            let found = world.find(api, kind, name).expect("it is there");
            let managers = managers(&found);
            let its = (ARGOCD.to_owned(), operation.to_owned());
            assert!(managers.contains(&its), "{name}: {managers:?}");
            assert!(
                !managers.iter().any(|(m, _)| m == names::FIELD_MANAGER),
                "{name}: {managers:?}"
            );
            assert_eq!(found.label(names::MANAGED_LABEL), None, "{name}");
        }
        // What a client-side apply goes by is what git has now.
        for text in [deployment("web", ONE), config("settings", "a: one")] {
            let wanted = tracked(&world, &world.name, &text);
            let found = world.find(wanted.api_version(), wanted.kind(), wanted.name());
            let found = found.expect("it is there");
            let last = found.annotation(names::LAST_APPLIED).expect("it is told");
            let last = Value::from_json(last.as_bytes()).expect("JSON");
            let wanted = Value::Map(wanted.root().clone());
            assert_eq!(sorted(&last), sorted(&wanted));
        }
        // And a server-side one by Argo CD drops what is no longer there.
        apply_server_side(&world, &server_side, &config("more", "z: one"));
        assert_eq!(n_keys(&world, "more"), Some(1));
        assert_eq!(
            before,
            [generation(&world, "web"), generation(&world, "api")]
        );
    });
}

/// Of a ConfigMap's data.
fn n_keys(world: &World, name: &str) -> Option<usize> {
    let data = world.value("v1", "ConfigMap", name, &["data"])?;
    Some(data.as_map()?.len())
}

/// Lists by keys have no order of their own in managedFields.
fn sorted(value: &Value) -> String {
    match value {
        Value::Map(map) => {
            let mut parts: Vec<String> = map
                .iter()
                .map(|(key, below)| format!("{key:?}:{}", sorted(below)))
                .collect();
            parts.sort();
            format!("{{{}}}", parts.join(","))
        }
        Value::Seq(items) => {
            let mut parts: Vec<String> = items.iter().map(sorted).collect();
            parts.sort();
            format!("[{}]", parts.join(","))
        }
        other => other.to_json(),
    }
}
