//! What the contract says of options, of an application and of one resource:
//! a case for each line.

use crate::case::{AUTOMATED, Case, MANUAL};
use crate::manifests::{config, object};
use crate::world::{World, holds_for, on_each, wait_until};
use drupelet::app::{Application, OperationPhase, SyncCode};
use drupelet::value::Value;
use std::time::Duration;

fn result_of(app: &Application, name: &str) -> Option<String> {
    let result = app.status.operation_state.clone()?.sync_result?;
    let one = result.resources.into_iter().find(|one| one.name == name)?;
    Some(one.status)
}

#[test]
fn skip_dry_run_on_missing_resource_waits_for_a_crd_of_somebody_else() {
    on_each(|cluster| {
        let world = World::new(cluster, "skip");
        let group = format!("{}.example.com", world.name);
        let gizmo = |annotations: &str| {
            let api = format!("{group}/v1");
            object(&api, "Gizmo", "one", annotations, "spec: {size: 3}\n") + &config("plain", "")
        };
        world.commit(&[("app/all.yaml", &gizmo(""))]);
        world.create_app(MANUAL);
        let case = Case::start(cluster, world);
        case.operate("{sync: {}}");
        let message = case.wait_phase(OperationPhase::Failed);
        let words = "one or more synchronization tasks are not valid: ";
        assert!(message.starts_with(words), "{message}");
        assert!(case.trace().is_empty(), "nothing is written");
        let commit = case.commit(&gizmo("sync-options=SkipDryRunOnMissingResource=true"));
        case.wait("compared", |app| app.status.sync.revision == commit);
        case.operate("{sync: {}, retry: {limit: -1, backoff: {duration: 500ms, factor: 1}}}");
        wait_until("the others are applied", || case.config("plain").is_some());
        case.world.apply_text(&format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gizmos.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Gizmo, plural: gizmos, singular: gizmo, listKind: GizmoList}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
        ));
        case.wait_phase(OperationPhase::Succeeded);
        let found = case.world.find(&format!("{group}/v1"), "Gizmo", "one");
        assert!(found.is_some());
    });
}

#[test]
fn apply_out_of_sync_only_sends_what_differs() {
    on_each(|cluster| {
        let text = [config("a", ""), config("b", "")].concat();
        let policy = "syncPolicy: {syncOptions: [ApplyOutOfSyncOnly=true]}";
        let case = Case::new(cluster, "outofsync", &text, policy);
        case.operate("{sync: {}}");
        case.wait_phase(OperationPhase::Succeeded);
        case.world.edit("v1", "ConfigMap", "b", "data: {a: other}");
        case.wait("OutOfSync", |app| {
            app.status.sync.status == SyncCode::OutOfSync
        });
        case.operate("{sync: {}}");
        case.world.wait_synced();
        case.wait_phase(OperationPhase::Succeeded);
        let trace = case.trace();
        assert_eq!(
            trace
                .iter()
                .filter(|write| write.starts_with("apply "))
                .collect::<Vec<_>>(),
            [
                "apply configmaps/a",
                "apply configmaps/b",
                "apply configmaps/b"
            ]
        );
    });
}

#[test]
fn replace_of_the_whole_application_takes_fields_of_others_away() {
    on_each(|cluster| {
        let policy = "syncPolicy: {automated: {selfHeal: true}, syncOptions: [Replace=true]}";
        let case = Case::new(cluster, "replace", &config("c", ""), policy);
        case.wait_phase(OperationPhase::Succeeded);
        let uid = case.config("c").expect("synced").uid().to_owned();
        case.world.edit("v1", "ConfigMap", "c", "data: {b: mine}");
        let commit = case.commit(&config("c", "").replace("{a: x}", "{a: z}"));
        case.world.wait_synced_at(&commit);
        wait_until("the field of another is gone", || {
            let live = case.config("c").expect("it is there");
            live.at(&["data", "b"]).is_none()
        });
        let live = case.config("c").expect("it is there");
        assert_eq!(live.uid(), uid, "replaced, not made anew");
        assert_eq!(live.at(&["data", "a"]), Some(&Value::from("z")));
    });
}

#[test]
fn prune_false_on_a_resource_keeps_it() {
    on_each(|cluster| {
        let text = [
            config("kept", "sync-options=Prune=false"),
            config("gone", ""),
        ]
        .concat();
        let case = Case::new(cluster, "keep", &text, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        case.commit(&config("other", ""));
        wait_until("the other one is pruned", || case.config("gone").is_none());
        wait_until("the new one is there", || case.config("other").is_some());
        assert!(case.config("kept").is_some());
        case.wait("told as pruned by hand only", |app| {
            let mut resources = app.status.resources.iter();
            resources.any(|one| one.name == "kept" && one.requires_pruning)
        });
    });
}

#[test]
fn compare_options_ignore_extraneous_keeps_the_application_synced() {
    on_each(|cluster| {
        let extra = "compare-options=IgnoreExtraneous";
        let text = [config("extra", extra), config("plain", "")].concat();
        let case = Case::new(cluster, "extraneous", &text, MANUAL);
        case.operate("{sync: {}}");
        case.world.wait_synced();
        case.wait_phase(OperationPhase::Succeeded);
        let commit = case.commit(&config("plain", ""));
        case.world.wait_synced_at(&commit);
        assert!(case.config("extra").is_some());
        let commit = case.commit(&config("other", ""));
        case.wait("plain is an extra that counts", |app| {
            app.status.sync.revision == commit && app.status.sync.status == SyncCode::OutOfSync
        });
    });
}

#[test]
fn ignore_healthcheck_leaves_the_application_healthy() {
    on_each(|cluster| {
        let claim = |annotations: &str| {
            let spec = "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: none}\n";
            object("v1", "PersistentVolumeClaim", "waits", annotations, spec)
        };
        let case = Case::new(cluster, "ignored", &claim(""), AUTOMATED);
        case.wait("Progressing", |app| {
            app.status.health.status == "Progressing"
        });
        case.commit(&claim("ignore-healthcheck=true"));
        case.wait("Healthy", |app| app.status.health.status == "Healthy");
    });
}

#[test]
fn an_object_with_an_owner_is_never_pruned() {
    on_each(|cluster| {
        let text = [config("parent", ""), config("child", "")].concat();
        let case = Case::new(cluster, "owner", &text, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        let parent = case.config("parent").expect("synced");
        let patch = format!(
            "metadata: {{ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: parent, uid: {}}}]}}",
            parent.uid()
        );
        case.world.edit("v1", "ConfigMap", "child", &patch);
        let commit = case.commit(&config("parent", ""));
        case.world.wait_synced_at(&commit);
        holds_for("the child stays", Duration::from_secs(2), || {
            case.config("child").is_some()
        });
    });
}

#[test]
fn helm_hooks_are_hooks_and_crd_install_is_none() {
    on_each(|cluster| {
        let hooked = |name: &str, hook: &str, weight: &str| {
            config(name, "").replacen(
                &format!("  name: {name}\n"),
                &format!(
                    "  name: {name}\n  annotations: {{helm.sh/hook: {hook}, helm.sh/hook-weight: '{weight}'}}\n"
                ),
                1,
            )
        };
        let text = [
            hooked("second", "pre-install", "2"),
            hooked("first", "'pre-install,pre-upgrade'", "1"),
            hooked("last", "post-upgrade", "0"),
            hooked("plain", "crd-install", "0"),
            hooked("tested", "test", "0"),
            hooked("undone", "post-rollback", "0"),
        ]
        .concat();
        let case = Case::new(cluster, "helmhooks", &text, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        case.assert_trace(&[
            "apply configmaps/first",
            "apply configmaps/second",
            "apply configmaps/plain",
            "apply configmaps/last",
        ]);
        let app = case.world.app();
        let names: Vec<_> = app.status.resources.iter().map(|one| &one.name).collect();
        assert_eq!(names, ["plain"], "hooks are no resources");
        assert_eq!(result_of(&app, "plain").as_deref(), Some("Synced"));
    });
}

#[test]
fn orphaned_resources_are_a_warning_where_the_project_asks_for_it() {
    on_each(|cluster| {
        let world = World::new(cluster, "orphans");
        let project = |orphaned: &str| {
            world.apply_text(&format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: watched, namespace: {}}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{namespace: '*', server: '*'}}]\n  orphanedResources: {orphaned}\n",
                world.control_namespace()
            ));
        };
        project("{}");
        for name in ["stray", "known-one"] {
            world.apply_text(&format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {}}}\n",
                world.name
            ));
        }
        world.commit(&[("app/all.yaml", &config("ours", ""))]);
        world.create_app(AUTOMATED);
        world.patch_app(&world.name, "spec: {project: watched}");
        let name = world.name.clone();
        let case = Case::start(cluster, world);
        case.wait_condition(
            "OrphanedResourceWarning",
            "Application has 2 orphaned resources",
        );
        case.world.wait_synced();
        let set = |orphaned: &str| {
            case.world.apply_text(&format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: watched, namespace: {}}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{namespace: '*', server: '*'}}]\n  orphanedResources: {orphaned}\n",
                case.world.control_namespace()
            ));
        };
        set("{ignore: [{group: '', kind: ConfigMap, name: 'known-*'}]}");
        case.wait_condition(
            "OrphanedResourceWarning",
            "Application has 1 orphaned resources",
        );
        set("{warn: false}");
        case.wait("without a warning", |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.all(|one| one.kind != "OrphanedResourceWarning")
        });
        assert_eq!(name, case.world.name);
    });
}

#[test]
fn a_cascade_keeps_crds_and_what_helm_keeps() {
    on_each(|cluster| {
        let world = World::new(cluster, "cascade");
        let group = format!("{}.example.com", world.name);
        let crd = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gizmos.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Gizmo, plural: gizmos, singular: gizmo, listKind: GizmoList}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
        );
        let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}\n---\n";
        let text = [kept, &config("plain", ""), &crd].concat();
        world.commit(&[("app/all.yaml", &text)]);
        world.create_app(AUTOMATED);
        world.patch_app(
            &world.name,
            "metadata: {finalizers: [resources-finalizer.argocd.argoproj.io]}",
        );
        let case = Case::start(cluster, world);
        case.wait_phase(OperationPhase::Succeeded);
        case.delete_app();
        case.wait_gone();
        assert!(case.config("plain").is_none());
        assert!(case.config("kept").is_some());
        let resource = case
            .world
            .resource("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let name = format!("gizmos.{group}");
        let found = case.world.client.find(&resource, "", &name);
        assert!(found.expect("the API server answers").is_some());
    });
}

#[test]
fn self_heal_takes_its_time_when_it_is_undone_again_and_again() {
    on_each(|cluster| {
        let case = Case::new(cluster, "backoff", &config("c", ""), AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        let undo = |value: &str| {
            let before = std::time::Instant::now();
            case.world
                .edit("v1", "ConfigMap", "c", &format!("data: {{a: {value}}}"));
            wait_until("healed", || {
                let live = case.config("c").expect("it is there");
                live.at(&["data", "a"]) == Some(&Value::from("x"))
            });
            before.elapsed()
        };
        let took: Vec<Duration> = ["one", "two", "three"].map(undo).into();
        println!("{took:?}");
        assert!(took[2] >= Duration::from_millis(1800), "{took:?}");
        let commit = case.commit(&config("c", "").replace("{a: x}", "{a: z}"));
        case.world.wait_synced_at(&commit);
    });
}
