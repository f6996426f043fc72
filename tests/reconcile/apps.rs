//! Applications that bring Applications, one that manages itself, several
//! that must not wait for each other; and what the agent leaves alone.

use crate::node;
use crate::process::AgentProcess;
use crate::support::apiserver::{ApiServer, Options};
use crate::support::cluster;
use crate::support::proxy::Proxy;
use crate::support::serve::{Answer, Server};
use crate::world::{World, client, on_each, wait_until};
use drupelet::agent::{BootstrapError, Settings, bootstrap};
use drupelet::app::SyncCode;
use drupelet::kube::DeleteOptions;
use drupelet::object::Object;
use drupelet::value::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: leaf}\ndata: {a: x}\n";
const POLICY: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}";

/// The text of an Application over a path of the world's repository.
fn application(world: &World, name: &str, path: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: default
  source: {{repoURL: '{url}', path: {path}, targetRevision: main}}
  destination: {{name: in-cluster, namespace: {namespace}}}
  {POLICY}
",
        url = world.url(),
        namespace = if path == "leaf" {
            world.name.clone()
        } else {
            world.control_namespace()
        },
    )
}

fn wait_synced(world: &World, name: &str) {
    wait_until("the Application is there", || {
        world.app_object(name).is_some()
    });
    world.wait_app(name, "Synced", |app| {
        app.status.sync.status == SyncCode::Synced
    });
}

#[test]
fn apps_of_apps_two_levels_deep_come_and_go() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "deep");
        let (root, middle, leaf) = (
            format!("{}-root", world.name),
            format!("{}-middle", world.name),
            format!("{}-leaf", world.name),
        );
        let middle_text = application(&world, &middle, "middle");
        let leaf_text = application(&world, &leaf, "leaf");
        let root_files = ("root/middle.yaml", middle_text.as_str());
        let leaf_files = [
            ("leaf/config.yaml", CONFIG),
            ("leaf/README.md", "no manifest"),
        ];
        let whole = [
            root_files,
            ("middle/leaf.yaml", &leaf_text),
            leaf_files[0],
            leaf_files[1],
        ];
        world.commit(&whole);
        let mut object = application(&world, &root, "root");
        object = object.replace(
            &format!("name: {root}\n"),
            &format!("name: {root}\n  namespace: {}\n", world.control_namespace()),
        );
        world.apply_text(&object);
        world.start_agent();
        for name in [&root, &middle, &leaf] {
            wait_synced(&world, name);
        }
        wait_until("the leaf's object", || {
            world.find("v1", "ConfigMap", "leaf").is_some()
        });
        // The leaf leaves git: it goes with all that it brought.
        let keep = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\n";
        world.commit(&[root_files, ("middle/kept.yaml", keep), leaf_files[0]]);
        wait_until("the leaf is gone", || world.app_object(&leaf).is_none());
        assert!(world.find("v1", "ConfigMap", "leaf").is_none());
        wait_synced(&world, &middle);
    });
}

/// Where the agent serves no Applications, one is an object like any other: it
/// is seen there beside those that the agent serves, healed and pruned.
#[test]
fn an_application_elsewhere_is_watched_as_well() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "elsewhere");
        let served = format!("{}-served", world.name);
        let within = |name: &str, namespace: &str| {
            let text = application(&world, name, "leaf");
            let text = text.replace(
                "  finalizers: [resources-finalizer.argocd.argoproj.io]\n",
                "",
            );
            text.replace(
                "metadata:\n",
                &format!("metadata:\n  namespace: {namespace}\n"),
            )
        };
        let foreign = within("foreign", &world.name);
        let child = within(&served, &world.control_namespace());
        let leaf = ("leaf/config.yaml", CONFIG);
        world.commit(&[
            ("app/foreign.yaml", &foreign),
            ("app/served.yaml", &child),
            leaf,
        ]);
        world.create_app("syncPolicy: {automated: {prune: true, selfHeal: true}}");
        world.start_agent();
        wait_synced(&world, &served);
        let of_foreign =
            |world: &World| world.find("argoproj.io/v1alpha1", "Application", "foreign");
        world.wait_synced();
        let first = of_foreign(&world).expect("it was applied");
        world.delete("argoproj.io/v1alpha1", "Application", "foreign");
        wait_until("it is healed", || {
            of_foreign(&world).is_some_and(|object| object.uid() != first.uid())
        });
        let served_one = world.app_object(&served).expect("it is there");
        let resource = world.resource("argoproj.io/v1alpha1", "Application");
        let deleted = world.client.delete(
            &resource,
            &world.control_namespace(),
            &served,
            &DeleteOptions::default(),
        );
        deleted.expect("the API server answers");
        wait_until("the other one as well", || {
            let found = world.app_object(&served);
            found.is_some_and(|object| object.uid() != served_one.uid())
        });
        world.commit(&[("app/config.yaml", CONFIG), leaf]);
        wait_until("both are pruned", || {
            of_foreign(&world).is_none() && world.app_object(&served).is_none()
        });
    });
}

#[test]
fn an_application_that_manages_itself() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "itself");
        let name = world.name.clone();
        let text = application(&world, &name, "root");
        world.commit(&[("root/self.yaml", &text)]);
        let first = text.replace(
            &format!("name: {name}\n"),
            &format!("name: {name}\n  namespace: {}\n", world.control_namespace()),
        );
        world.apply_text(&first);
        world.start_agent();
        wait_synced(&world, &name);
        world.settle();
        let version = |world: &World| {
            let object: Object = world.app_object(&name).expect("it is there");
            object.resource_version().to_owned()
        };
        let before = version(&world);
        crate::world::holds_for("at rest", Duration::from_secs(2), || {
            version(&world) == before
        });
        // Its own spec comes from git.
        let limited = text.replace(
            "project: default",
            "project: default\n  revisionHistoryLimit: 3",
        );
        world.commit(&[("root/self.yaml", &limited)]);
        wait_until("its new spec", || {
            let object = world.app_object(&name).expect("it is there");
            object.at(&["spec", "revisionHistoryLimit"]) == Some(&Value::Int(3))
        });
        wait_synced(&world, &name);
    });
}

#[test]
fn a_repository_that_hangs_holds_nobody_back() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "hangs");
        world.commit(&[("app/config.yaml", CONFIG)]);
        let server = Server::plain(|_| {
            std::thread::sleep(Duration::from_secs(30));
            Answer::status(504, "late")
        });
        // More than there are threads that fetch.
        for n in 0..8 {
            let name = format!("{}-{n}", world.name);
            world.create_app_at(&name, "app", POLICY);
            let url = server.url(&format!("/repository{}", n % 5));
            world.patch_app(&name, &format!("spec: {{source: {{repoURL: '{url}'}}}}"));
        }
        world.start_agent();
        // They are on their way before the healthy one comes.
        wait_until("asked", || server.n_connections() > 0);
        world.create_app(POLICY);
        let start = Instant::now();
        world.wait_synced();
        let took = start.elapsed();
        assert!(took < Duration::from_secs(10), "took {took:?}");
        server.stop();
    });
}

#[test]
fn deleting_the_cache_changes_nothing() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "cache");
        world.commit(&[("app/config.yaml", CONFIG)]);
        let served = crate::support::git_server::serve_plain(world.folder(), Default::default());
        // Only what is fetched is in the cache.
        let Some(server) = served else { return };
        world.create_app(POLICY);
        let url = server.url("/repository");
        let patch = format!("spec: {{source: {{repoURL: '{url}'}}}}");
        world.patch_app(&world.name, &patch);
        world.start_agent();
        world.wait_synced();
        world.settle();
        let before = world.find("v1", "ConfigMap", "leaf").expect("it is there");
        let cache = world.folder().join("cache");
        std::fs::remove_dir_all(&cache).expect("it is there");
        // While it runs: heals from git, which is fetched again.
        world.delete("v1", "ConfigMap", "leaf");
        wait_until("healed", || world.find("v1", "ConfigMap", "leaf").is_some());
        world.settle();
        world.stop_agent();
        let healed = world.find("v1", "ConfigMap", "leaf").expect("it is there");
        assert_eq!(healed.at(&["data"]), before.at(&["data"]));
        // And while it is down: nothing is written after its start.
        std::fs::remove_dir_all(&cache).expect("it is there");
        world.start_agent();
        world.settle();
        world.wait_synced();
        let after = world.find("v1", "ConfigMap", "leaf").expect("it is there");
        assert_eq!(after.resource_version(), healed.resource_version());
    });
}

#[test]
fn observing_writes_nothing() {
    on_each(|cluster| {
        let world = World::new(cluster, "observe");
        world.commit(&[("app/config.yaml", CONFIG)]);
        world.create_app(POLICY);
        let proxy = Proxy::start(cluster);
        let options = ["--observe", "--listen", "127.0.0.1:0"];
        let agent = AgentProcess::start(&world, &proxy.kubeconfig(), &options);
        wait_until("it reports", || {
            agent.metrics().keys().any(|name| {
                name.starts_with("argocd_app_info") && name.contains("sync_status=\"OutOfSync\"")
            })
        });
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(proxy.n_writes(), 0, "{:?}", proxy.writes());
        assert_eq!(agent.metrics()["drupelet_kube_writes_total"], 0.0);
        assert!(world.find("v1", "ConfigMap", "leaf").is_none());
    });
}

/// On clusters of their own: these change what all others stand on.
fn on_own(test: impl Fn(&Path)) {
    let sandbox = cluster::sandbox();
    println!("on a sandbox:");
    test(&sandbox.kubeconfig);
    let options = Options {
        controller_manager: true,
        ..Options::default()
    };
    if let Some(real) = ApiServer::start(options) {
        println!("on kube-apiserver:");
        node::start(&real.kubeconfig());
        test(&real.kubeconfig());
    }
}

#[test]
fn argo_cd_is_respected() {
    on_own(|cluster| {
        refuses_beside_argo_cd(cluster);
        lives_with_an_old_crd_from_git(cluster);
    });
}

const CONTROLLER: &str = "apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: argocd-application-controller
  namespace: default
  labels: {app.kubernetes.io/name: argocd-application-controller}
spec:
  replicas: REPLICAS
  serviceName: argocd
  selector: {matchLabels: {app: argocd}}
  template:
    metadata: {labels: {app: argocd}}
    spec: {containers: [{name: controller, image: argocd}]}
";

fn refuses_beside_argo_cd(cluster: &Path) {
    let world = World::new(cluster, "beside");
    world.apply_text(&CONTROLLER.replace("REPLICAS", "1"));
    let mut agent = AgentProcess::start(&world, cluster, &[]);
    assert_eq!(agent.wait(), Some(1));
    let log = std::fs::read_to_string(world.folder().join("stderr")).expect("it was written");
    for word in ["argocd-application-controller", "--beside-argocd"] {
        assert!(log.contains(word), "{log}");
    }
    let told = Settings {
        beside_argocd: true,
        ..world.settings()
    };
    assert!(bootstrap(&client(cluster), &told).is_ok());
    let refused = bootstrap(&client(cluster), &world.settings());
    assert!(matches!(refused, Err(BootstrapError::ArgoCdRuns(_))));
    // Scaled to nothing it is no rival.
    world.apply_text(&CONTROLLER.replace("REPLICAS", "0"));
    assert!(bootstrap(&client(cluster), &world.settings()).is_ok());
}

/// As Argo CD shipped it before `sources`, with a closed schema.
const OLD_CRD: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: applications.argoproj.io}
spec:
  group: argoproj.io
  scope: Namespaced
  names: {kind: Application, listKind: ApplicationList, plural: applications, singular: application, shortNames: [app, apps]}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        required: [metadata, spec]
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          metadata: {type: object}
          operation: {type: object, x-kubernetes-preserve-unknown-fields: true}
          spec:
            type: object
            properties:
              project: {type: string}
              source:
                type: object
                properties: {repoURL: {type: string}, path: {type: string}, targetRevision: {type: string}}
              destination:
                type: object
                properties: {server: {type: string}, name: {type: string}, namespace: {type: string}}
              syncPolicy: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status:
            type: object
            properties:
              sync:
                type: object
                properties: {status: {type: string}, revision: {type: string}}
              health: {type: object, properties: {status: {type: string}}}
              operationState: {type: object, x-kubernetes-preserve-unknown-fields: true}
              reconciledAt: {type: string, format: date-time}
";

fn application_crd(world: &World) -> Object {
    let resource = world.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let found = world.client.find(&resource, "", "applications.argoproj.io");
    found.expect("the API server answers").expect("it is there")
}

fn lives_with_an_old_crd_from_git(cluster: &Path) {
    let mut world = World::new(cluster, "oldcrd");
    world.commit(&[("app/crd.yaml", OLD_CRD), ("app/config.yaml", CONFIG)]);
    world.create_app(POLICY);
    world.start_agent();
    wait_until("the CRD of git is there", || {
        let text = application_crd(&world).to_json();
        text.contains("syncPolicy") && !text.contains("\"sources\"")
    });
    world.wait_synced();
    world.settle();
    let rest = |world: &World| {
        let app = world.app_object(&world.name).expect("it is there");
        (
            app.resource_version().to_owned(),
            application_crd(world).resource_version().to_owned(),
        )
    };
    let before = rest(&world);
    crate::world::holds_for("nobody writes", Duration::from_secs(3), || {
        rest(&world) == before
    });
    // Other applications go on, and a restart changes nothing.
    let other = format!("{}-other", world.name);
    world.create_app_at(&other, "app2", POLICY);
    world.commit(&[
        ("app/crd.yaml", OLD_CRD),
        ("app/config.yaml", CONFIG),
        ("app2/b.yaml", &CONFIG.replace("leaf", "b")),
    ]);
    wait_synced(&world, &other);
    world.settle();
    let before = rest(&world);
    world.stop_agent();
    world.start_agent();
    world.settle();
    world.wait_synced();
    assert_eq!(rest(&world), before, "the restart wrote");
}
