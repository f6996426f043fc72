//! drupelet manages drupelet: an Application deploys the agent that reconciles
//! it. The test is the kubelet: as soon as the workload asks for another image,
//! the agent's process is killed, wherever it is, and another one started.

use crate::process::{AgentProcess, PROGRAM};
use crate::world::{World, on_each, wait_until};
use drupelet::app::{OperationPhase, SyncCode};
use drupelet::object::Object;
use drupelet::value::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The chart of this checkout, as files of a repository.
fn chart(tag: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/chart");
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it is in the checkout") {
            let path = entry.expect("it is in the checkout").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(&root).expect("below it").display();
            let text = fs::read_to_string(&path).expect("it is text");
            let text = text.replace("tag: \"\"", &format!("tag: \"{tag}\""));
            files.push((format!("chart/{below}"), text));
        }
    }
    files
}

fn commit(world: &World, tag: &str) -> String {
    let files = chart(tag);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    world.commit(&files)
}

/// What the Application deploys of the agent.
fn workload(world: &World) -> Option<Object> {
    let resource = world.resource("apps/v1", "Deployment");
    let namespace = world.control_namespace();
    let name = format!("{}-drupelet", world.name);
    let found = world.client.find(&resource, &namespace, &name);
    found.expect("the API server answers")
}

fn image(world: &World) -> String {
    let workload = workload(world);
    let containers = ["spec", "template", "spec", "containers"];
    let containers = workload
        .as_ref()
        .and_then(|object| object.at(&containers)?.as_seq());
    let first = containers.and_then(|containers| containers.first()?.get("image")?.as_str());
    first.unwrap_or_default().to_owned()
}

/// As the pod's arguments have it, as far as they matter here.
fn start(world: &World, cluster: &Path) -> AgentProcess {
    AgentProcess::start(world, cluster, &["--listen", "127.0.0.1:0"])
}

/// Waits until the workload asks for an image, and is the kubelet then.
fn restart_at(world: &World, cluster: &Path, agent: AgentProcess, tag: &str) -> AgentProcess {
    wait_until("the agent's own workload is changed", || {
        image(world).ends_with(&format!(":{tag}"))
    });
    agent.kill();
    start(world, cluster)
}

#[test]
fn an_agent_survives_its_own_update_and_its_own_rollback() {
    on_each(|cluster| {
        let world = World::new(cluster, "itself");
        let app = world.name.clone();
        let first = commit(&world, "1.0.0");
        world.create_app_at(
            &app,
            "chart",
            "syncPolicy: {automated: {prune: true, selfHeal: true}}",
        );
        let namespace = world.control_namespace();
        world.patch_app(
            &app,
            &format!(
                "spec: {{destination: {{namespace: {namespace}}}, source: {{helm: {{releaseName: {app}, skipCrds: true, valuesObject: {{kind: Deployment}}}}}}}}"
            ),
        );
        let is_at = |revision: &str, n_syncs: usize| {
            world.wait_app(&app, &format!("Synced by sync {n_syncs}"), |app| {
                let operation = app.status.operation_state.as_ref();
                app.status.sync.status == SyncCode::Synced
                    && app.status.sync.revision == revision
                    && app.status.history.len() == n_syncs
                    && operation.is_some_and(|o| o.phase == OperationPhase::Succeeded)
            });
        };
        let agent = start(&world, cluster);
        is_at(&first, 1);
        assert!(image(&world).ends_with(":1.0.0"), "{}", image(&world));
        // Nothing of it may be deleted on the way, its own account least of all.
        let uids = || {
            let account = format!("{app}-drupelet");
            let resource = world.resource("v1", "ServiceAccount");
            let account = world.client.find(&resource, &namespace, &account);
            let account = account
                .expect("the API server answers")
                .expect("it is there");
            let role = world.resource("rbac.authorization.k8s.io/v1", "ClusterRole");
            let role = world.client.find(&role, "", &format!("{app}-drupelet"));
            let role = role.expect("the API server answers").expect("it is there");
            let workload = workload(&world).expect("it is there");
            [account, role, workload].map(|object| object.uid().to_owned())
        };
        let before = uids();

        // The update, and a kill in the middle of it.
        let second = commit(&world, "2.0.0");
        let agent = restart_at(&world, cluster, agent, "2.0.0");
        is_at(&second, 2);
        assert_eq!(uids(), before);

        // The rollback, which the new agent begins and the old one ends.
        world.patch_app(&app, "spec: {syncPolicy: {automated: null}}");
        let ids: Vec<i64> = world
            .app()
            .status
            .history
            .iter()
            .map(|entry| entry.id)
            .collect();
        let mut rollback = Command::new(PROGRAM);
        rollback
            .env_clear()
            .env("HOME", world.folder())
            .args(["app", "rollback", &app, &ids[0].to_string(), "--async"])
            .args(["--namespace", &namespace, "--kubeconfig"])
            .arg(cluster);
        let output = rollback.output().expect("drupelet starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let agent = restart_at(&world, cluster, agent, "1.0.0");
        world.wait_app(&app, "rolled back", |app| {
            let operation = app.status.operation_state.as_ref();
            app.status.history.len() == 3
                && app.status.history[2].revision == first
                && app.status.sync.status == SyncCode::OutOfSync
                && operation.is_some_and(|o| o.phase == OperationPhase::Succeeded)
        });
        assert_eq!(uids(), before);
        assert!(image(&world).ends_with(":1.0.0"));

        // And on to what git has, which is not what was synced last.
        world.patch_app(
            &app,
            "spec: {syncPolicy: {automated: {prune: true, selfHeal: true}}}",
        );
        let _agent = restart_at(&world, cluster, agent, "2.0.0");
        is_at(&second, 4);
        assert_eq!(uids(), before);
        let replicas = workload(&world).and_then(|w| w.at(&["spec", "replicas"])?.as_i64());
        assert_eq!(replicas, Some(1), "{:?}", Value::of(&world.app().status));
    });
}
