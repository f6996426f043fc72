//! Other clusters, by their Secrets.

use crate::support::cluster::{self, Cluster};
use crate::world::{World, client, on_each, wait_until};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drupelet::app::{Application, SyncCode};
use drupelet::http::Roots;
use drupelet::kube::{Client, DeleteOptions, Patch, WriteOptions};
use drupelet::object::{Gvk, Object};
use drupelet::value::yaml;

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {a: one}\n";

/// The Secret of a cluster under a name, as `argocd cluster add` writes it.
fn add_cluster(world: &World, edge: &Cluster, name: &str) -> String {
    let edge = client(&edge.kubeconfig);
    let config = edge.config();
    let Roots::Only(ca) = &config.roots else {
        panic!("the kubeconfig of a sandbox has a CA");
    };
    let json = format!(
        r#"{{"bearerToken":"{}","tlsClientConfig":{{"insecure":false,"caData":"{}"}}}}"#,
        config.user.token.as_deref().expect("it has a token"),
        STANDARD.encode(ca),
    );
    put_secret(world, name, &config.server, &json);
    config.server.clone()
}

fn put_secret(world: &World, name: &str, server: &str, config: &str) {
    world.apply_text(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: cluster-{name}\n  namespace: {}\n  labels: {{argocd.argoproj.io/secret-type: cluster}}\n\
         stringData:\n  name: {name}\n  server: {server}\n  config: '{config}'\n",
        world.control_namespace(),
    ));
}

fn config_map(client: &Client, namespace: &str) -> Option<Object> {
    let discovery = client.discover(None).expect("the API server answers");
    let resource = discovery.resource(&Gvk::new("", "v1", "ConfigMap"));
    client
        .find(resource.expect("is served"), namespace, "cm")
        .expect("the API server answers")
}

fn value(client: &Client, namespace: &str) -> Option<String> {
    let found = config_map(client, namespace)?;
    Some(found.at(&["data", "a"])?.as_str()?.to_owned())
}

fn tells(text: &'static str) -> impl Fn(&Application) -> bool {
    move |app| {
        let mut conditions = app.status.conditions.iter();
        conditions.any(|condition| condition.message.contains(text))
    }
}

#[test]
fn an_application_goes_to_its_cluster_and_others_go_on_while_that_is_away() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "clusters");
        let edge = cluster::sandbox();
        let remote = client(&edge.kubeconfig);
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let spec = "syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}";
        world.create_app(spec);
        world.create_app_at("remote", "app", spec);
        world.patch_app("remote", "spec: {destination: {name: edge}}");
        world.start_agent();
        world.wait_app(
            "remote",
            "without a cluster",
            tells("no clusters with this name: edge"),
        );
        world.wait_synced();
        world.delete("v1", "ConfigMap", "cm");

        add_cluster(&world, &edge, "edge");
        world.wait_app("remote", "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        assert_eq!(value(&remote, &world.name).as_deref(), Some("one"));
        // The own one came back by the agent of its own cluster, not by this.
        world.wait_synced();
        wait_until("healed here", || {
            world.find("v1", "ConfigMap", "cm").is_some()
        });

        // Drift over there is seen and healed.
        let discovery = remote.discover(None).expect("the API server answers");
        let resource = discovery.resource(&Gvk::new("", "v1", "ConfigMap"));
        let resource = resource.expect("is served");
        let patch = Patch::Merge(yaml::parse_one("data: {a: drifted}").expect("YAML"));
        let options = WriteOptions::by("kubectl-edit");
        remote
            .patch(resource, &world.name, "cm", &patch, &options)
            .expect("the patch is accepted");
        wait_until("healed there", || {
            value(&remote, &world.name).as_deref() == Some("one")
        });
        remote
            .delete(resource, &world.name, "cm", &DeleteOptions::default())
            .expect("the API server answers");
        wait_until("brought back there", || {
            value(&remote, &world.name).as_deref() == Some("one")
        });

        // Away: the own application takes the next commit all the same.
        drop(edge);
        let two = MANIFEST.replace("one", "two");
        let commit = world.commit(&[("app/cm.yaml", &two)]);
        world.wait_synced_at(&commit);
        world.wait_app("remote", "told that its cluster is away", |app| {
            app.status
                .conditions
                .iter()
                .any(|condition| condition.kind == "ComparisonError")
        });
    });
}

#[test]
fn an_application_is_deleted_from_its_own_cluster_alone() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "clusters");
        let edge = cluster::sandbox();
        let remote = client(&edge.kubeconfig);
        let server = add_cluster(&world, &edge, "edge");
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let spec = "syncPolicy: {automated: {prune: true}, syncOptions: [CreateNamespace=true]}";
        world.create_app(spec);
        world.create_app_at("remote", "app", spec);
        world.patch_app(
            "remote",
            &format!(
                "metadata: {{finalizers: [resources-finalizer.argocd.argoproj.io]}}\n\
                 spec: {{destination: {{name: null, server: '{server}'}}}}"
            ),
        );
        world.start_agent();
        world.wait_app("remote", "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        world.wait_synced();
        assert!(config_map(&remote, &world.name).is_some());
        world
            .client
            .delete(
                &world.resource("argoproj.io/v1alpha1", "Application"),
                &world.control_namespace(),
                "remote",
                &DeleteOptions::default(),
            )
            .expect("the API server answers");
        wait_until("the application is gone", || {
            world.app_object("remote").is_none()
        });
        assert!(config_map(&remote, &world.name).is_none());
        assert!(world.find("v1", "ConfigMap", "cm").is_some());
    });
}

/// CVE-2021-41254, CVE-2022-24817: a kubeconfig in a Secret that names a program.
#[test]
fn a_cluster_that_wants_a_program_run_is_refused() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "clusters");
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let proof = world.folder().join("was-run");
        let config = format!(
            r#"{{"execProviderConfig":{{"command":"touch","args":["{}"],"apiVersion":"client.authentication.k8s.io/v1"}}}}"#,
            proof.display()
        );
        put_secret(&world, "edge", "https://127.0.0.1:1", &config);
        world.create_app("syncPolicy: {automated: {}}");
        let name = world.name.clone();
        world.patch_app(&name, "spec: {destination: {name: edge}}");
        world.start_agent();
        world.wait_app(&name, "refused", tells("execProviderConfig is refused"));
        // A Secret that is mended counts at once; nobody listens there.
        put_secret(&world, "edge", "https://127.0.0.1:1", "{}");
        world.wait_app(&name, "not reached", |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|condition| {
                condition.kind == "ComparisonError" && condition.message.contains("127.0.0.1:1")
            })
        });
        assert!(!proof.exists());
    });
}
