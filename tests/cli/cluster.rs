use crate::command::{Ended, drupelet};
use crate::support::cluster;
use crate::world::{World, client, on_each};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drupelet::app::SyncCode;
use drupelet::kube::{Client, ListOptions, Patch, WriteOptions};
use drupelet::object::{Gvk, Object};
use drupelet::value::{Value, yaml};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {a: b}\n";

/// One kubeconfig with the context `own` and the context `edge`.
fn both(world: &World, own: &Path, edge: &Path) -> PathBuf {
    let entry = |name: &str, file: &Path| {
        let client = client(file);
        let config = client.config();
        let drupelet::http::Roots::Only(ca) = &config.roots else {
            panic!("it has a CA");
        };
        let cluster = format!(
            "{{name: {name}, cluster: {{server: '{}', certificate-authority-data: {}}}}}",
            config.server,
            STANDARD.encode(ca)
        );
        let token = config.user.token.clone().unwrap_or_default();
        let user = format!("{{name: {name}, user: {{token: '{token}'}}}}");
        let context = format!("{{name: {name}, context: {{cluster: {name}, user: {name}}}}}");
        (cluster, user, context)
    };
    let (one, other) = (entry("own", own), entry("edge", edge));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: own\nclusters: [{}, {}]\nusers: [{}, {}]\ncontexts: [{}, {}]\n",
        one.0, other.0, one.1, other.1, one.2, other.2
    );
    let path = world.folder().join("both");
    std::fs::write(&path, text).expect("the folder is writable");
    path
}

/// What a sandbox lacks: somebody who puts tokens into the Secrets of accounts.
fn fill_tokens(edge: &Client, stop: &AtomicBool) {
    let token = edge.config().user.token.clone().expect("it has a token");
    let discovery = edge.discover(None).expect("the API server answers");
    let secrets = discovery.resource(&Gvk::new("", "v1", "Secret"));
    let secrets = secrets.expect("Secrets are served");
    while !stop.load(Ordering::Relaxed) {
        let listed = edge.list_all(secrets, &ListOptions::default());
        for secret in listed.expect("the API server answers").0 {
            let kind = secret.at(&["type"]).and_then(Value::as_str);
            if kind == Some("kubernetes.io/service-account-token")
                && secret.at(&["data", "token"]).is_none()
            {
                let patch = format!("data: {{token: {}}}", STANDARD.encode(&token));
                let patch = Patch::Merge(yaml::parse_one(&patch).expect("YAML"));
                edge.patch(
                    secrets,
                    secret.namespace(),
                    secret.name(),
                    &patch,
                    &WriteOptions::by("tokens"),
                )
                .expect("the patch is accepted");
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn secret(world: &World) -> Object {
    let options = ListOptions {
        namespace: world.control_namespace(),
        label_selector: "argocd.argoproj.io/secret-type=cluster".to_owned(),
        ..ListOptions::default()
    };
    let listed = world
        .client
        .list_all(&world.resource("v1", "Secret"), &options);
    let [secret] = listed
        .expect("the API server answers")
        .0
        .try_into()
        .expect("one Secret");
    secret
}

fn data(secret: &Object, key: &str) -> String {
    let encoded = secret.at(&["data", key]).and_then(Value::as_str);
    let bytes = STANDARD
        .decode(encoded.unwrap_or_default())
        .expect("base64");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_cluster_is_added_by_its_context_deployed_to_and_removed() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "cluster");
        let edge = cluster::sandbox();
        let remote = client(&edge.kubeconfig);
        let server = remote.config().server.clone();
        let both = both(&world, kubeconfig, &edge.kubeconfig);
        let ask = |arguments: &[&str]| -> Ended {
            let mut all = vec!["cluster"];
            all.extend(arguments);
            drupelet(&world, &both, &all)
        };
        ask(&["add", "edge"]).fails("--yes");
        ask(&["add", "nowhere", "--yes"]).fails("nowhere");
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| fill_tokens(&remote, &stop));
            let added = ask(&["add", "edge", "--yes", "--label", "site=home"]);
            stop.store(true, Ordering::Relaxed);
            assert_eq!(added.ok(), format!("Cluster '{server}' added\n"));
        });
        let made = secret(&world);
        assert!(
            made.name().starts_with("cluster-127.0.0.1-"),
            "{}",
            made.name()
        );
        assert_eq!(made.label("site"), Some("home"));
        assert_eq!(data(&made, "name"), "edge");
        assert_eq!(data(&made, "server"), server);
        let config = Value::from_json(data(&made, "config").as_bytes()).expect("JSON");
        let token = remote.config().user.token.clone().expect("it has a token");
        assert_eq!(
            config.at(&["bearerToken"]),
            Some(&Value::from(token.as_str()))
        );
        assert_eq!(
            config.at(&["tlsClientConfig", "insecure"]),
            Some(&Value::Bool(false))
        );
        for (version, kind, namespace, name) in [
            ("v1", "ServiceAccount", "kube-system", "argocd-manager"),
            (
                "rbac.authorization.k8s.io/v1",
                "ClusterRoleBinding",
                "",
                "argocd-manager-role-binding",
            ),
        ] {
            let gvk = Gvk::parse(version, kind).expect("a version");
            let discovery = remote.discover(None).expect("the API server answers");
            let resource = discovery.resource(&gvk).expect("it is served");
            let found = remote.find(resource, namespace, name);
            assert!(found.expect("the API server answers").is_some(), "{kind}");
        }
        assert!(
            ask(&["add", "edge", "--yes", "--label", "site=home"])
                .ok()
                .ends_with("unchanged\n")
        );
        ask(&["add", "edge", "--yes", "--name", "other"]).fails("--upsert");

        let listed = ask(&["list"]).ok();
        assert_eq!(listed.matches("Successful").count(), 2, "{listed}");
        assert!(
            listed.contains("https://kubernetes.default.svc   in-cluster"),
            "{listed}"
        );
        for format in ["wide", "json", "yaml", "name"] {
            let shown =
                ask(&["list", "-o", format]).ok() + &ask(&["get", "edge", "-o", format]).ok();
            assert!(shown.contains(&server), "{shown}");
            assert!(!shown.contains(&token), "{shown}");
        }
        ask(&["get", "nobody"]).fails("cluster list");

        world.commit(&[("app/cm.yaml", MANIFEST)]);
        world.create_app("syncPolicy: {automated: {}, syncOptions: [CreateNamespace=true]}");
        world.patch_app(&world.name, "spec: {destination: {name: edge}}");
        world.start_agent();
        world.wait_app(&world.name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        world.stop_agent();
        drop(edge);
        let ask = |arguments: &[&str]| -> Ended {
            let mut all = vec!["cluster"];
            all.extend(arguments);
            drupelet(&world, &both, &all)
        };
        let listed = ask(&["list"]).ok();
        assert!(listed.contains("Failed"), "{listed}");
        ask(&["rm", "in-cluster", "--yes"]).fails("the agent's own");
        ask(&["rm", "edge"]).fails("--yes");
        ask(&["rm", "edge", "--yes"]).ok();
        ask(&["rm", "edge", "--yes"]).fails("no cluster edge");
    });
}
