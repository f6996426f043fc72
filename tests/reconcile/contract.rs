//! What the contract says of order, hooks and options of a sync: each case on
//! the sandbox and on the real API server, the order of writes asserted from
//! what reached it.

use crate::case::{AUTOMATED, Case, MANUAL};
use crate::manifests::{config, job, object};
use crate::support::proxy::Harm;
use crate::world::{World, on_each, wait_until};
use drupelet::app::OperationPhase;

#[test]
fn phases_waves_and_kinds_in_their_order() {
    on_each(|cluster| {
        let text = [
            config("late", "sync-wave=1"),
            object("v1", "ServiceAccount", "who", "", ""),
            config("plain", ""),
            config("early", "sync-wave=-1"),
            job("before", "hook=PreSync"),
            job("after", "hook=PostSync hook-delete-policy=HookSucceeded"),
            job("never", "hook=Skip"),
            job("failed", "hook=SyncFail"),
        ]
        .concat();
        let case = Case::new(cluster, "order", &text, AUTOMATED);
        let message = case.wait_phase(OperationPhase::Succeeded);
        assert_eq!(message, "successfully synced (no more tasks)");
        wait_until("the hook is deleted", || {
            case.trace()
                .iter()
                .any(|write| write == "delete jobs/after")
        });
        case.assert_trace(&[
            "apply jobs/before",
            "apply configmaps/early",
            "apply serviceaccounts/who",
            "apply configmaps/plain",
            "apply configmaps/late",
            "apply jobs/after",
            "delete jobs/after",
        ]);
        let app = case.world.app();
        let result = app.status.operation_state.expect("synced").sync_result;
        let hooks: Vec<_> = result
            .expect("synced")
            .resources
            .into_iter()
            .filter(|one| !one.hook_type.is_empty())
            .map(|one| (one.name, one.hook_type, one.hook_phase, one.sync_phase))
            .collect();
        let hook = |name: &str, kind: &str| {
            let texts = [name, kind, "Succeeded", kind].map(str::to_owned);
            let [name, kind, phase, sync] = texts;
            (name, kind, phase, sync)
        };
        assert_eq!(
            hooks,
            [hook("before", "PreSync"), hook("after", "PostSync")]
        );
    });
}

#[test]
fn a_hook_with_generate_name_is_named_after_revision_phase_and_time() {
    on_each(|cluster| {
        let text = [job("made-*", "hook=PreSync"), config("plain", "")].concat();
        let case = Case::new(cluster, "generated", &text, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        let app = case.world.app();
        let state = app.status.operation_state.expect("synced");
        let started: jiff::Timestamp = state.started_at.parse().expect("RFC 3339");
        let name = format!(
            "made-{}-presync-{}",
            &app.status.sync.revision[..7],
            started.as_second()
        );
        assert!(
            case.world.find("batch/v1", "Job", &name).is_some(),
            "{name}: {:?}",
            case.trace()
        );
    });
}

#[test]
fn hooks_go_by_their_delete_policy_when_the_sync_is_over() {
    on_each(|cluster| {
        let hooks = [
            job(
                "on-success",
                "hook=PreSync hook-delete-policy=HookSucceeded",
            ),
            job("on-failure", "hook=PreSync hook-delete-policy=HookFailed"),
            job("before-creation", "hook=PreSync"),
        ]
        .concat();
        let case = Case::new(
            cluster,
            "policies",
            &(hooks + &config("plain", "")),
            AUTOMATED,
        );
        case.wait_phase(OperationPhase::Succeeded);
        let has = |name: &str| case.world.find("batch/v1", "Job", name).is_some();
        wait_until("what succeeded is deleted", || !has("on-success"));
        assert!(has("on-failure") && has("before-creation"));
        let uid = |name: &str| {
            let job = case.world.find("batch/v1", "Job", name).expect("it stays");
            assert_eq!(job.finalizers().count(), 0, "{name} is released");
            job.uid().to_owned()
        };
        let before = uid("before-creation");
        case.operate("{sync: {syncStrategy: {hook: {}}}}");
        wait_until("it is made anew", || {
            let job = case.world.find("batch/v1", "Job", "before-creation");
            job.is_some_and(|job| job.uid() != before)
        });
        case.wait_phase(OperationPhase::Succeeded);
    });
}

#[test]
fn after_a_failed_apply_syncfail_hooks_run_and_failed_ones_go() {
    on_each(|cluster| {
        let text = [
            job("before", "hook=PreSync hook-delete-policy=HookFailed"),
            job("tell", "hook=SyncFail"),
            config("bad", ""),
            config("good", ""),
            config("later", "sync-wave=1"),
        ]
        .concat();
        let case = Case::new(cluster, "syncfail", &text, MANUAL);
        case.proxy.harm(Harm::FieldConflict, 1, |passed| {
            passed.verb == "apply" && !passed.dry_run && passed.path.ends_with("/bad")
        });
        case.operate("{sync: {}}");
        let message = case.wait_phase(OperationPhase::Failed);
        let words = "one or more objects failed to apply, reason: ";
        assert!(message.starts_with(words), "{message}");
        wait_until("the hook that has HookFailed is deleted", || {
            case.world.find("batch/v1", "Job", "before").is_none()
        });
        case.assert_trace(&[
            "apply jobs/before",
            "apply configmaps/good",
            "apply jobs/tell",
            "delete jobs/before",
        ]);
    });
}

#[test]
fn create_namespace_with_managed_metadata() {
    on_each(|cluster| {
        let world = World::new(cluster, "namespace");
        let namespace = format!("{}-made", world.name);
        world.commit(&[("app/all.yaml", &config("plain", ""))]);
        world.create_app(
            "syncPolicy:\n  automated: {}\n  syncOptions: [CreateNamespace=true]\n  managedNamespaceMetadata: {labels: {a: b}, annotations: {c: d}}",
        );
        world.patch_app(
            &world.name,
            &format!("spec: {{destination: {{namespace: {namespace}}}}}"),
        );
        let case = Case::start(cluster, world);
        case.wait_phase(OperationPhase::Succeeded);
        let resource = case.world.resource("v1", "Namespace");
        let made = case.world.client.get(&resource, "", &namespace);
        let made = made.expect("it was made");
        let text = |path: &[&str]| {
            made.at(path)
                .and_then(|value| value.as_str())
                .map(str::to_owned)
        };
        assert_eq!(text(&["metadata", "labels", "a"]).as_deref(), Some("b"));
        assert_eq!(
            text(&["metadata", "annotations", "c"]).as_deref(),
            Some("d")
        );
    });
}

#[test]
fn a_shared_resource_is_told_and_with_fail_on_shared_resource_refused() {
    on_each(|cluster| {
        let case = Case::new(cluster, "shared", &config("both", ""), AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        let other = format!("{}-other", case.world.name);
        case.world.create_app_at(
            &other,
            "app",
            "syncPolicy: {syncOptions: [FailOnSharedResource=true]}",
        );
        let words = format!(
            "ConfigMap/both is part of applications {other} and {}",
            case.world.name
        );
        case.world.wait_app(&other, "told", |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|one| one.kind == "SharedResourceWarning" && one.message == words)
        });
        case.world.patch_app(&other, "operation: {sync: {}}");
        case.world.wait_app(&other, "refused", |app| {
            app.status.operation_state.as_ref().is_some_and(|state| {
                state.phase == OperationPhase::Failed
                    && state.message == format!("Shared resource found: {words}")
            })
        });
    });
}

#[test]
fn a_crd_and_its_instance_in_one_sync() {
    on_each(|cluster| {
        let world = World::new(cluster, "crd");
        // Each cluster and run has a group of its own.
        let group = format!("{}.example.com", world.name);
        let text = format!(
            "apiVersion: {group}/v1\nkind: Gizmo\nmetadata:\n  name: one\n  annotations: {{argocd.argoproj.io/sync-wave: '-3'}}\nspec: {{size: 3}}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gizmos.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Gizmo, plural: gizmos, singular: gizmo, listKind: GizmoList}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
        );
        world.commit(&[("app/all.yaml", &text)]);
        world.create_app(AUTOMATED);
        let case = Case::start(cluster, world);
        case.world.wait_synced();
        let found = case.world.find(&format!("{group}/v1"), "Gizmo", "one");
        assert!(found.is_some());
        case.assert_trace(&["apply gizmos/one"]);
    });
}

#[test]
fn force_and_replace_make_anew_what_cannot_be_changed() {
    on_each(|cluster| {
        let immutable = |value: &str, options: &str| {
            object(
                "v1",
                "ConfigMap",
                "fixed",
                options,
                &format!("immutable: true\ndata: {{a: {value}}}\n"),
            )
        };
        let case = Case::new(cluster, "force", &immutable("one", ""), AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        let before = case.config("fixed").expect("synced").uid().to_owned();
        case.commit(&immutable("two", ""));
        case.wait_message("Force=true,Replace=true");
        let commit = case.commit(&immutable("two", "sync-options=Force=true,Replace=true"));
        case.world.wait_synced_at(&commit);
        let after = case.config("fixed").expect("made anew");
        assert_ne!(after.uid(), before);
    });
}
