//! What leaves git leaves the cluster, if that is wanted and certain.

use crate::world::{World, holds_for, on_each, wait_until};
use drupelet::app::SyncCode;
use std::path::Path;
use std::time::Duration;

const ONE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: x}\n";
const TWO: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: two}\nstringData: {a: x}\n";
const PRUNE: &str = "syncPolicy: {automated: {prune: true}}";
const KEEP: &str = "syncPolicy: {automated: {}}";

fn synced(cluster: &Path, name: &str, policy: &str) -> World {
    let mut world = World::new(cluster, name);
    world.commit(&[("app/one.yaml", ONE), ("app/two.yaml", TWO)]);
    world.create_app(policy);
    world.start_agent();
    world.wait_synced();
    world.settle();
    world
}

fn has_two(world: &World) -> bool {
    world.find("v1", "Secret", "two").is_some()
}

#[test]
fn prunes_object_removed_from_git() {
    on_each(|cluster| {
        let world = synced(cluster, "removed", PRUNE);
        let commit = world.commit(&[("app/one.yaml", ONE)]);
        wait_until("two is gone", || !has_two(&world));
        world.wait_synced_at(&commit);
    });
}

#[test]
fn prunes_object_removed_while_the_agent_was_down() {
    on_each(|cluster| {
        let mut world = synced(cluster, "down", PRUNE);
        world.stop_agent();
        let commit = world.commit(&[("app/one.yaml", ONE)]);
        world.start_agent();
        wait_until("two is gone", || !has_two(&world));
        world.wait_synced_at(&commit);
    });
}

#[test]
fn without_prune_an_extra_is_only_reported() {
    on_each(|cluster| {
        let mut world = synced(cluster, "kept", KEEP);
        world.stop_agent();
        let commit = world.commit(&[("app/one.yaml", ONE)]);
        world.start_agent();
        world.wait_app(&world.name, "OutOfSync with two to prune", |app| {
            app.status.sync.revision == commit
                && app.status.sync.status == SyncCode::OutOfSync
                && app
                    .status
                    .resources
                    .iter()
                    .any(|one| one.kind == "Secret" && one.requires_pruning)
        });
        holds_for("two stays", Duration::from_millis(1000), || has_two(&world));
    });
}

#[test]
fn an_empty_render_prunes_nothing_unless_allowed() {
    on_each(|cluster| {
        let world = synced(cluster, "empty", PRUNE);
        world.commit(&[("app/readme.txt", "nothing")]);
        world.wait_app(&world.name, "refusing to wipe out", |app| {
            app.status.conditions.iter().any(|c| c.kind == "SyncError")
                || app
                    .status
                    .operation_state
                    .as_ref()
                    .is_some_and(|state| state.message.contains("wipe out"))
        });
        holds_for("all stays", Duration::from_millis(1000), || {
            has_two(&world) && world.find("v1", "ConfigMap", "one").is_some()
        });
        world.patch_app(
            &world.name,
            "spec: {syncPolicy: {automated: {allowEmpty: true}}}",
        );
        wait_until("all is gone", || {
            !has_two(&world) && world.find("v1", "ConfigMap", "one").is_none()
        });
    });
}

#[test]
fn a_repository_that_is_gone_prunes_nothing() {
    on_each(|cluster| {
        let mut world = synced(cluster, "away", PRUNE);
        let away = world.folder().join("away");
        std::fs::rename(&world.repository.path, &away).expect("both are in one folder");
        world.stop_agent();
        world.start_agent();
        world.wait_app(&world.name, "complaining", |app| {
            app.status
                .conditions
                .iter()
                .any(|c| c.kind == "ComparisonError")
        });
        holds_for("all stays", Duration::from_millis(800), || has_two(&world));
        std::fs::rename(&away, &world.repository.path).expect("both are in one folder");
        world.patch_app(
            &world.name,
            "metadata: {annotations: {argocd.argoproj.io/refresh: normal}}",
        );
        world.wait_app(&world.name, "content again", |app| {
            app.status.conditions.is_empty() && app.status.sync.status == SyncCode::Synced
        });
    });
}

#[test]
fn deleting_an_application_with_the_finalizer_deletes_its_objects() {
    on_each(|cluster| {
        let world = synced(cluster, "cascade", KEEP);
        world.patch_app(
            &world.name,
            "metadata: {finalizers: [resources-finalizer.argocd.argoproj.io]}",
        );
        let resource = world.resource("argoproj.io/v1alpha1", "Application");
        world
            .client
            .delete(
                &resource,
                &world.control_namespace(),
                &world.name,
                &drupelet::kube::DeleteOptions::default(),
            )
            .expect("the API server answers");
        wait_until("all is gone", || {
            world.app_object(&world.name).is_none()
                && !has_two(&world)
                && world.find("v1", "ConfigMap", "one").is_none()
        });
    });
}
