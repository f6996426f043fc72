//! argocd-example-apps from the corpus: the examples end Synced, and hooks
//! and waves reach the API server in the order that their annotations ask for.

use crate::support::digest::sha256;
use crate::support::proxy::Proxy;
use crate::support::serve::{Answer, Server};
use crate::world::{World, client, on_each};
use drupelet::app::{OperationPhase, SyncCode};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each example, and the writes to its namespace in their order; none where
/// the kinds alone order them.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("guestbook", &[]),
    ("helm-guestbook", &[]),
    ("blue-green", &[]),
    ("helm-dependency", &[]),
    ("jsonnet-guestbook", &[]),
    ("jsonnet-guestbook-tla", &[]),
    ("kustomize-guestbook", &[]),
    (
        "pre-post-sync",
        &[
            "jobs/pre-post-sync-before",
            "services/pre-post-sync-kustomize-guestbook-ui",
            "deployments/pre-post-sync-kustomize-guestbook-ui",
            "jobs/pre-post-sync-after",
        ],
    ),
    ("sock-shop", &[]),
    (
        "helm-hooks",
        &[
            "jobs/upgrade-sql-schema",
            "jobs/maint-page-up",
            "replicasets/frontend",
            "services/frontend",
            "jobs/maint-page-down",
        ],
    ),
    (
        "sync-waves",
        &[
            "jobs/upgrade-sql-schema",
            "services/backend",
            "replicasets/backend",
            "jobs/maint-page-up",
            "services/frontend",
            "replicasets/frontend",
            "jobs/maint-page-down",
        ],
    ),
];

/// What blue-green needs from Argo Rollouts.
const ROLLOUTS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.argoproj.io}
spec:
  group: argoproj.io
  scope: Namespaced
  names: {kind: Rollout, plural: rollouts, singular: rollout, listKind: RolloutList}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

#[test]
fn argocd_example_apps_end_synced_in_the_order_of_their_annotations() {
    let Some(files) = files() else {
        return;
    };
    on_each(|cluster| run(cluster, &files));
}

/// The app of apps as somebody in whose fork the repository and the namespaces
/// have other names; the chart that one example wants comes from loopback.
fn run(cluster: &Path, files: &[(String, String)]) {
    let mut world = World::new(cluster, "examples");
    let charts = chart_repository();
    let control = format!("namespace: {}", world.control_namespace());
    let namespaces = format!("namespace: {{{{ printf \"{}-%s\" .name }}}}", world.name);
    let url = world.url();
    let forked: Vec<(&str, String)> = files
        .iter()
        .map(|(path, text)| {
            let text = text
                .replace("namespace: argocd", &control)
                .replace(
                    "namespace: {{ .namespace | default .name | quote }}",
                    &namespaces,
                )
                .replace("https://github.com/argoproj/argocd-example-apps", &url)
                .replace("targetRevision: master", "targetRevision: main")
                .replace("version: 9.0.3", &format!("version: {WORDPRESS}"))
                .replace("https://charts.helm.sh/stable", &charts.url(""));
            (path.as_str(), text)
        })
        .collect();
    let forked: Vec<(&str, &str)> = forked.iter().map(|(a, b)| (*a, &**b)).collect();
    world.commit(&forked);
    world.apply_text(ROLLOUTS);
    world.create_app_at(&world.name, "apps", "syncPolicy: {automated: {}}");
    let proxy = Proxy::start(cluster);
    world.start_agent_on(client(&proxy.kubeconfig()));
    world.wait_synced();
    for (name, _) in EXAMPLES {
        world.wait_app(&format!("example.{name}"), "Synced", |app| {
            let state = app.status.operation_state.as_ref();
            app.status.sync.status == SyncCode::Synced
                && state.is_some_and(|state| state.phase == OperationPhase::Succeeded)
        });
    }
    for plugin in ["kasane", "kustomized-helm", "nix"] {
        world.wait_app(&format!("example.plugin-{plugin}"), "refused", |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|one| one.message.contains("plugins are not run"))
        });
    }
    let passed = proxy.passed();
    for (name, wanted) in EXAMPLES {
        let place = format!("/namespaces/{}-{name}/", world.name);
        let applied: Vec<&str> = passed
            .iter()
            .filter(|one| one.verb == "apply" && one.is_write() && one.status < 300)
            .filter_map(|one| one.path.split_once(&place))
            .map(|(_, object)| object)
            .collect();
        assert!(!applied.is_empty(), "{name}");
        if wanted.is_empty() {
            continue;
        }
        assert_eq!(applied.len(), wanted.len(), "{name}: {applied:?}");
        for (applied, wanted) in applied.iter().zip(*wanted) {
            assert!(
                applied.starts_with(wanted),
                "{name}: {applied}, not {wanted}"
            );
        }
    }
}

/// The version of the corpus: the one that the example asks for is long gone.
const WORDPRESS: &str = "27.0.0";

fn chart_repository() -> Server {
    let name = format!("wordpress-{WORDPRESS}.tgz");
    let packed = std::fs::read(corpus().join("charts").join(&name)).expect("it is in the corpus");
    let digest = sha256(&packed);
    let index = format!(
        "apiVersion: v1\nentries:\n  wordpress:\n  - {{name: wordpress, version: {WORDPRESS}, apiVersion: v2, digest: {digest}, urls: [{name}]}}\n"
    );
    Server::plain(move |asked| match asked.target.as_str() {
        "/index.yaml" => Answer::ok(index.clone()),
        target if target.ends_with(&name) => Answer::ok(packed.clone()),
        _ => Answer::status(404, "not found"),
    })
}

fn corpus() -> PathBuf {
    std::env::var_os("DRUPELET_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    )
}

/// The files of the examples; `None`, with a line that says so, without the
/// corpus or git.
fn files() -> Option<Vec<(String, String)>> {
    let corpus = corpus();
    let bundle = corpus.join("repos/argocd-example-apps.bundle");
    if !bundle.exists() {
        println!("not run: no corpus at {}", corpus.display());
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clone = folder.path().join("clone");
    let cloned = Command::new("git")
        .args(["clone", "-q"])
        .arg(&bundle)
        .arg(&clone)
        .status();
    match cloned {
        Ok(status) => assert!(status.success(), "git clone of the bundle fails"),
        Err(_) => {
            println!("not run: git is not installed");
            return None;
        }
    }
    let mut files = Vec::new();
    for name in EXAMPLES.iter().map(|(name, _)| *name).chain(["apps"]) {
        collect(&clone, &clone.join(name), &mut files);
    }
    Some(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("the clone is readable") {
        let path = entry.expect("the clone is readable").path();
        if path.is_dir() {
            collect(root, &path, files);
            continue;
        }
        let name = path.strip_prefix(root).expect("it is below");
        let text = std::fs::read_to_string(&path).expect("the examples are text");
        files.push((name.display().to_string(), text));
    }
}
