//! Prunes and deletions: in which order, what asks first, and what stays.

use crate::case::{AUTOMATED, Case};
use crate::manifests::{config, job, object};
use crate::world::{holds_for, on_each, wait_until};
use drupelet::app::OperationPhase;
use std::time::Duration;

#[test]
fn prunes_in_reverse_waves_and_prune_last_after_all() {
    on_each(|cluster| {
        let old = [
            config("first", "sync-wave=0"),
            config("second", "sync-wave=1"),
            config("last", "sync-options=PruneLast=true"),
            config("kept", "sync-options=Prune=false"),
        ]
        .concat();
        let case = Case::new(cluster, "reverse", &old, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        let n_before = case.trace().len();
        let commit = case.commit(&config("new", ""));
        case.wait("at the new commit", |app| {
            let history = app.status.history.last();
            history.is_some_and(|entry| entry.revision == commit)
        });
        let trace = case.trace();
        assert_eq!(
            trace[n_before..],
            [
                "delete configmaps/second",
                "apply configmaps/new",
                "delete configmaps/first",
                "delete configmaps/last"
            ]
        );
        assert!(case.config("kept").is_some());
    });
}

#[test]
fn prune_confirm_waits_for_deletion_approved() {
    on_each(|cluster| {
        let old = [
            config("asked", "sync-options=Prune=confirm"),
            config("stays", ""),
        ]
        .concat();
        let case = Case::new(cluster, "confirm", &old, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        case.commit(&config("stays", ""));
        case.wait_message("waiting for pruning confirmation of /ConfigMap/asked");
        assert!(case.config("asked").is_some());
        let now = jiff::Timestamp::now().to_string();
        case.world.patch_app(
            &case.world.name,
            &format!(
                "metadata: {{annotations: {{argocd.argoproj.io/deletion-approved: '{now}'}}}}"
            ),
        );
        wait_until("it is pruned", || case.config("asked").is_none());
        case.wait_phase(OperationPhase::Succeeded);
    });
}

#[test]
fn deletion_runs_hooks_before_and_after_and_keeps_what_says_so() {
    on_each(|cluster| {
        let text = [
            config("early", "sync-wave=-1"),
            config("plain", ""),
            config("kept", "sync-options=Delete=false"),
            job("pre", "hook=PreDelete hook-delete-policy=HookSucceeded"),
            job("post", "hook=PostDelete hook-delete-policy=HookSucceeded"),
        ]
        .concat();
        let case = Case::new(cluster, "deleted", &text, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        case.wait("with finalizers of its hooks", |app| {
            app.finalizers.len() == 4
                && app
                    .finalizers
                    .iter()
                    .all(|name| name.contains("-delete-finalizer"))
        });
        let n_before = case.trace().len();
        case.world.patch_app(
            &case.world.name,
            "metadata: {finalizers: [resources-finalizer.argocd.argoproj.io, pre-delete-finalizer.argocd.argoproj.io, pre-delete-finalizer.argocd.argoproj.io/cleanup, post-delete-finalizer.argocd.argoproj.io, post-delete-finalizer.argocd.argoproj.io/cleanup]}",
        );
        case.delete_app();
        case.wait_gone();
        let mut trace = case.trace().split_off(n_before);
        trace.retain(|write| !write.starts_with("patch "));
        assert_eq!(
            trace,
            [
                "apply jobs/pre",
                "delete jobs/pre",
                "delete configmaps/plain",
                "delete configmaps/early",
                "apply jobs/post",
                "delete jobs/post",
            ]
        );
        assert!(case.config("kept").is_some());
    });
}

#[test]
fn delete_confirm_waits_for_deletion_approved() {
    on_each(|cluster| {
        let text = config("asked", "sync-options=Delete=confirm");
        let case = Case::new(cluster, "asks", &text, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        case.world.patch_app(
            &case.world.name,
            "metadata: {finalizers: [resources-finalizer.argocd.argoproj.io/background]}",
        );
        case.delete_app();
        case.wait_condition("DeletionWarning", "waiting for deletion confirmation of");
        assert!(case.config("asked").is_some());
        let now = jiff::Timestamp::now().to_string();
        case.world.patch_app(
            &case.world.name,
            &format!(
                "metadata: {{annotations: {{argocd.argoproj.io/deletion-approved: '{now}'}}}}"
            ),
        );
        case.wait_gone();
        assert!(case.config("asked").is_none());
    });
}

#[test]
fn without_the_finalizer_objects_stay() {
    on_each(|cluster| {
        let case = Case::new(cluster, "orphans", &config("a", ""), AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        case.delete_app();
        case.wait_gone();
        holds_for("it stays", Duration::from_millis(500), || {
            case.config("a").is_some()
        });
    });
}

#[test]
fn prune_propagation_orphan_leaves_the_dependants() {
    on_each(|cluster| {
        let web = object(
            "apps/v1",
            "Deployment",
            "web",
            "",
            "spec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: a, image: a}]}\n",
        );
        let case = Case::new(
            cluster,
            "orphan",
            &(web + &config("a", "")),
            "syncPolicy: {automated: {prune: true}, syncOptions: [PrunePropagationPolicy=orphan]}",
        );
        let n_sets = || {
            let sets = case.world.resource("apps/v1", "ReplicaSet");
            let mut n = 0;
            let options = drupelet::kube::ListOptions {
                namespace: case.world.name.clone(),
                ..drupelet::kube::ListOptions::default()
            };
            case.world
                .client
                .list(&sets, &options, &mut |_| n += 1)
                .expect("the API server answers");
            n
        };
        wait_until("it has a ReplicaSet", || n_sets() == 1);
        case.commit(&config("a", ""));
        wait_until("it is pruned", || {
            case.world.find("apps/v1", "Deployment", "web").is_none()
        });
        holds_for("the ReplicaSet stays", Duration::from_millis(800), || {
            n_sets() == 1
        });
    });
}
