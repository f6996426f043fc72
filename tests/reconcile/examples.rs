//! argocd-example-apps from the corpus: the examples end Synced, and hooks
//! and waves reach the API server in the order that their annotations ask for.

use crate::support::proxy::Proxy;
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

fn run(cluster: &Path, files: &[(String, String)]) {
    let mut world = World::new(cluster, "examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
    world.commit(&files);
    world.apply_text(ROLLOUTS);
    let namespace = |name: &str| format!("{}-{name}", world.name);
    for (name, _) in EXAMPLES {
        world.create_app_at(&namespace(name), name, "syncPolicy: {}");
        world.patch_app(
            &namespace(name),
            &format!(
                "spec: {{destination: {{namespace: {}}}, syncPolicy: {{automated: {{}}, syncOptions: [CreateNamespace=true]}}}}",
                namespace(name)
            ),
        );
    }
    let names: Vec<String> = EXAMPLES.iter().map(|(name, _)| namespace(name)).collect();
    let proxy = Proxy::start(cluster);
    world.start_agent_on(client(&proxy.kubeconfig()));
    for name in &names {
        world.wait_app(name, "Synced", |app| {
            let state = app.status.operation_state.as_ref();
            app.status.sync.status == SyncCode::Synced
                && state.is_some_and(|state| state.phase == OperationPhase::Succeeded)
        });
    }
    let passed = proxy.passed();
    for ((name, wanted), namespace) in EXAMPLES.iter().zip(&names) {
        let place = format!("/namespaces/{namespace}/");
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

/// The files of the examples; `None`, with a line that says so, without the
/// corpus or git.
fn files() -> Option<Vec<(String, String)>> {
    let corpus = std::env::var_os("DRUPELET_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    let bundle = corpus.join("repos/argocd-example-apps.bundle");
    if !bundle.exists() {
        println!("skipped: no corpus at {}", corpus.display());
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
            println!("skipped: git is not installed");
            return None;
        }
    }
    let mut files = Vec::new();
    for (name, _) in EXAMPLES {
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
