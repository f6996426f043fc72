//! What the contract says of a sync, case by case: each on the sandbox and on
//! the real API server, the order of writes asserted from what reached it.

use crate::manifests::{config, job, object, stuck_job};
use crate::support::git_server;
use crate::support::proxy::{Harm, Passed, Proxy};
use crate::world::{World, client, holds_for, on_each, wait_until};
use drupelet::agent::Settings;
use drupelet::app::{Application, OperationPhase, SyncCode};
use drupelet::object::Object;
use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

const AUTOMATED: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}";
const MANUAL: &str = "syncPolicy: {}";

/// A world whose agent speaks through a proxy that notes what it writes.
struct Case {
    world: World,
    proxy: Proxy,
    seen: RefCell<Vec<Passed>>,
}

impl Case {
    fn new(cluster: &Path, name: &str, manifests: &str, policy: &str) -> Self {
        let world = World::new(cluster, name);
        world.commit(&[("app/all.yaml", manifests)]);
        world.create_app(policy);
        Case::start(cluster, world)
    }

    fn start(cluster: &Path, mut world: World) -> Self {
        let proxy = Proxy::start(cluster);
        world.start_agent_on(client(&proxy.kubeconfig()));
        Case {
            world,
            proxy,
            seen: RefCell::default(),
        }
    }

    fn commit(&self, manifests: &str) -> String {
        self.world.commit(&[("app/all.yaml", manifests)])
    }

    /// The writes to the world's namespace, in order: `apply configmaps/a`.
    fn trace(&self) -> Vec<String> {
        let place = format!("/namespaces/{}/", self.world.name);
        let mut seen = self.seen.borrow_mut();
        seen.extend(self.proxy.passed());
        seen.iter()
            .filter(|passed| passed.is_write() && passed.status < 300)
            .filter_map(|passed| {
                let (_, object) = passed.path.split_once(&place)?;
                Some(format!("{} {object}", passed.verb))
            })
            .collect()
    }

    /// The same without what ends a hook: its finalizer that is taken away.
    #[track_caller]
    fn assert_trace(&self, expected: &[&str]) {
        let mut trace = self.trace();
        trace.retain(|write| !write.starts_with("patch "));
        assert_eq!(trace, expected);
    }

    fn operate(&self, operation: &str) {
        self.world
            .patch_app(&self.world.name, &format!("operation: {operation}"));
    }

    #[track_caller]
    fn wait(&self, what: &str, is_so: impl Fn(&Application) -> bool) {
        self.world.wait_app(&self.world.name, what, is_so);
    }

    /// The last operation is over; its message.
    #[track_caller]
    fn wait_phase(&self, phase: OperationPhase) -> String {
        self.wait(&format!("{phase:?}"), |app| {
            let state = app.status.operation_state.as_ref();
            app.operation.is_none() && state.is_some_and(|state| state.phase == phase)
        });
        let state = self.world.app().status.operation_state;
        state.expect("waited for").message
    }

    #[track_caller]
    fn wait_message(&self, text: &str) {
        self.wait(text, |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| state.message.contains(text))
        });
    }

    #[track_caller]
    fn wait_condition(&self, kind: &str, text: &str) {
        self.wait(&format!("{kind}: {text}"), |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|one| one.kind == kind && one.message.contains(text))
        });
    }

    fn config(&self, name: &str) -> Option<Object> {
        self.world.find("v1", "ConfigMap", name)
    }

    fn delete_app(&self) {
        let resource = self.world.resource("argoproj.io/v1alpha1", "Application");
        self.world
            .client
            .delete(
                &resource,
                &self.world.control_namespace(),
                &self.world.name,
                &drupelet::kube::DeleteOptions::default(),
            )
            .expect("the API server answers");
    }

    fn wait_gone(&self) {
        wait_until("the Application is gone", || {
            self.world.app_object(&self.world.name).is_none()
        });
    }
}

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
fn a_refused_dry_run_writes_nothing() {
    on_each(|cluster| {
        let bad = object("v1", "Service", "bad", "", "spec: {ports: [{port: -1}]}\n");
        let text = [job("before", "hook=PreSync"), config("plain", ""), bad].concat();
        let case = Case::new(cluster, "dryrun", &text, MANUAL);
        case.operate("{sync: {}}");
        let message = case.wait_phase(OperationPhase::Failed);
        let words = "one or more objects failed to apply (dry run), reason: ";
        assert!(message.starts_with(words), "{message}");
        assert!(case.trace().is_empty(), "{:?}", case.trace());
    });
}

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
fn a_selective_sync_runs_no_hooks_and_writes_no_history() {
    on_each(|cluster| {
        let text = [
            config("a", ""),
            config("b", ""),
            job("before", "hook=PreSync"),
        ]
        .concat();
        let case = Case::new(cluster, "selective", &text, MANUAL);
        case.operate("{sync: {resources: [{group: '', kind: ConfigMap, name: a}]}}");
        let message = case.wait_phase(OperationPhase::Succeeded);
        assert_eq!(message, "successfully synced (all tasks run)");
        case.assert_trace(&["apply configmaps/a"]);
        assert!(case.world.app().status.history.is_empty());
        // The apply strategy runs none either.
        case.operate("{sync: {syncStrategy: {apply: {}}}}");
        case.wait("with history", |app| app.status.history.len() == 1);
        case.assert_trace(&["apply configmaps/a", "apply configmaps/b"]);
    });
}

#[test]
fn a_dry_run_writes_nothing() {
    on_each(|cluster| {
        let text = [config("a", ""), job("before", "hook=PreSync")].concat();
        let case = Case::new(cluster, "dry", &text, MANUAL);
        case.operate("{sync: {dryRun: true}}");
        case.wait_phase(OperationPhase::Succeeded);
        assert!(case.trace().is_empty(), "{:?}", case.trace());
        let app = case.world.app();
        assert_eq!(app.status.sync.status, SyncCode::OutOfSync);
        assert!(app.status.history.is_empty());
    });
}

#[test]
fn an_operation_may_name_revision_source_or_manifests() {
    on_each(|cluster| {
        let case = Case::new(cluster, "named", &config("old", ""), MANUAL);
        case.wait("compared", |app| {
            app.status.sync.status == SyncCode::OutOfSync
        });
        let old = case.world.app().status.sync.revision;
        let new = case.world.commit(&[
            ("app/all.yaml", &config("new", "")),
            ("elsewhere/all.yaml", &config("elsewhere", "")),
        ]);
        case.wait("at the new commit", |app| app.status.sync.revision == new);
        case.operate(&format!("{{sync: {{revision: {old}}}}}"));
        case.wait("rolled back", |app| {
            let history = app.status.history.last();
            history.is_some_and(|entry| entry.revision == old)
        });
        case.wait("OutOfSync against its own revision", |app| {
            app.status.sync.revision == new && app.status.sync.status == SyncCode::OutOfSync
        });
        assert!(case.config("old").is_some() && case.config("new").is_none());
        let url = case.world.url();
        case.operate(&format!(
            "{{sync: {{source: {{repoURL: '{url}', path: elsewhere, targetRevision: main}}}}}}"
        ));
        wait_until("the other path is synced", || {
            case.config("elsewhere").is_some()
        });
        case.wait("with its source", |app| {
            let source = app
                .status
                .history
                .last()
                .and_then(|entry| entry.source.as_ref());
            source.is_some_and(|source| source.path == "elsewhere")
        });
        let given = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"given"}}"#;
        case.operate(&format!("{{sync: {{manifests: ['{given}']}}}}"));
        wait_until("what was given is synced", || {
            case.config("given").is_some()
        });
        assert!(case.config("new").is_none());
    });
}

#[test]
fn terminate_deletes_the_running_hook() {
    on_each(|cluster| {
        let text = [stuck_job("stuck", "hook=PreSync"), config("a", "")].concat();
        let case = Case::new(cluster, "terminated", &text, MANUAL);
        case.operate("{sync: {}}");
        case.wait_message("waiting for completion of hook batch/Job/stuck");
        case.world.patch_app(
            &case.world.name,
            "status: {operationState: {phase: Terminating}}",
        );
        let message = case.wait_phase(OperationPhase::Failed);
        assert!(message.contains("Operation terminated"), "{message}");
        wait_until("the hook is gone", || {
            case.world.find("batch/v1", "Job", "stuck").is_none()
        });
        assert!(case.config("a").is_none());
    });
}

#[test]
fn a_waiting_hook_gives_way_to_a_commit_that_mends_it() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "giveway");
        let text = [stuck_job("stuck", "hook=PreSync"), config("a", "")].concat();
        world.commit(&[("app/all.yaml", &text)]);
        world.create_app(AUTOMATED);
        let settings = Settings {
            hook_patience: Duration::from_millis(200),
            ..world.settings()
        };
        world.start_agent_with(settings);
        world.wait_app(&world.name, "waiting", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| state.message.contains("hook batch/Job/stuck"))
        });
        // A commit that changes nothing of the application's leaves it alone.
        let first = world.commit(&[("app/all.yaml", &text), ("README", "hello")]);
        world.wait_app(&world.name, "seen", |app| app.status.sync.revision == first);
        holds_for("the hook", Duration::from_millis(800), || {
            world.find("batch/v1", "Job", "stuck").is_some()
        });
        let mended = world.commit(&[("app/all.yaml", &config("a", ""))]);
        world.wait_app(&world.name, "Synced at the mended commit", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| state.phase == OperationPhase::Succeeded)
                && app.status.sync.revision == mended
                && app.status.sync.status == SyncCode::Synced
        });
        assert!(world.find("v1", "ConfigMap", "a").is_some());
    });
}

#[test]
fn retries_are_counted_and_end_at_their_limit() {
    on_each(|cluster| {
        let bad = object("v1", "Service", "bad", "", "spec: {ports: [{port: -1}]}\n");
        let case = Case::new(
            cluster,
            "retried",
            &bad,
            "syncPolicy: {automated: {}, retry: {limit: 2, backoff: {duration: 100ms, factor: 2, maxDuration: 1s}}}",
        );
        case.wait_phase(OperationPhase::Failed);
        let state = case.world.app().status.operation_state.expect("it ran");
        assert_eq!(state.retry_count, 2);
        case.wait_condition("SyncError", "Failed last sync attempt to [");
    });
}

#[test]
fn a_sync_window_blocks_until_it_is_over() {
    on_each(|cluster| {
        let world = World::new(cluster, "window");
        let project = |windows: &str| {
            world.apply_text(&format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: windowed, namespace: {}}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{server: '*', namespace: '*'}}]\n  clusterResourceWhitelist: [{{group: '*', kind: '*'}}]\n  syncWindows: {windows}\n",
                world.control_namespace()
            ));
        };
        let deny = |manual: bool| {
            format!(
                "[{{kind: deny, schedule: '* * * * *', duration: 1h, applications: ['*'], manualSync: {manual}}}]"
            )
        };
        project(&deny(false));
        world.commit(&[("app/all.yaml", &config("a", ""))]);
        world.create_app(AUTOMATED);
        world.patch_app(&world.name, "spec: {project: windowed}");
        let mut world = world;
        world.start_agent();
        world.wait_app(&world.name, "told", |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|one| one.kind == "SyncWindowWarning")
        });
        assert!(world.find("v1", "ConfigMap", "a").is_none());
        // A person waits, too, unless the window lets persons through.
        world.patch_app(&world.name, "operation: {sync: {}}");
        world.wait_app(&world.name, "blocked", |app| {
            app.status.operation_state.as_ref().is_some_and(|state| {
                state.phase == OperationPhase::Running
                    && state.message == "Sync operation blocked by sync window"
            })
        });
        assert!(world.find("v1", "ConfigMap", "a").is_none());
        world.apply_text(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: windowed, namespace: {}}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{server: '*', namespace: '*'}}]\n  clusterResourceWhitelist: [{{group: '*', kind: '*'}}]\n  syncWindows: {}\n",
            world.control_namespace(),
            deny(true)
        ));
        wait_until("the person's sync goes on", || {
            world.find("v1", "ConfigMap", "a").is_some()
        });
        world.wait_app(&world.name, "content", |app| {
            app.status.conditions.is_empty()
        });
    });
}

#[test]
fn an_application_waits_for_those_it_depends_on() {
    on_each(|cluster| {
        let world = World::new(cluster, "depends");
        let first = format!("{}-first", world.name);
        world.commit(&[
            ("app/all.yaml", &config("second", "")),
            ("first/all.yaml", &config("first", "")),
        ]);
        world.create_app(AUTOMATED);
        world.patch_app(
            &world.name,
            &format!("metadata: {{annotations: {{drupelet.io/depends-on: '{first}'}}}}"),
        );
        let case = Case::start(cluster, world);
        case.wait_condition("DependencyWarning", &format!("{first} (not there)"));
        case.world.create_app_at(&first, "first", MANUAL);
        case.wait_condition("DependencyWarning", &format!("{first} (OutOfSync)"));
        assert!(case.config("second").is_none());
        case.world.patch_app(&first, "operation: {sync: {}}");
        wait_until("the second follows", || case.config("second").is_some());
        case.wait("content", |app| app.status.conditions.is_empty());
        case.assert_trace(&["apply configmaps/first", "apply configmaps/second"]);
    });
}

#[test]
fn dependencies_in_a_circle_are_an_error_that_names_them() {
    on_each(|cluster| {
        let world = World::new(cluster, "circle");
        let other = format!("{}-other", world.name);
        world.commit(&[
            ("app/all.yaml", &config("one", "")),
            ("other/all.yaml", &config("other", "")),
        ]);
        world.create_app(AUTOMATED);
        world.create_app_at(&other, "other", AUTOMATED);
        let depend = |on: &str, app: &str| {
            world.patch_app(
                app,
                &format!("metadata: {{annotations: {{drupelet.io/depends-on: '{on}'}}}}"),
            );
        };
        depend(&other, &world.name);
        depend(&world.name, &other);
        let case = Case::start(cluster, world);
        let circle = format!(
            "in a circle: {} -> {other} -> {}",
            case.world.name, case.world.name
        );
        case.wait_condition("DependencyError", &circle);
        assert!(case.trace().is_empty());
        case.world.patch_app(
            &other,
            "metadata: {annotations: {drupelet.io/depends-on: null}}",
        );
        wait_until("both are synced", || {
            case.config("one").is_some() && case.config("other").is_some()
        });
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
fn an_application_of_another_namespace_that_its_project_lists() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "elsewhere");
        let (name, control) = (world.name.clone(), world.control_namespace());
        world.commit(&[("app/all.yaml", &config("a", ""))]);
        let project = |namespaces: &str| {
            format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: tenants, namespace: {control}}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{server: '*', namespace: '*'}}]\n  sourceNamespaces: {namespaces}\n"
            )
        };
        world.apply_text(&project("[nobody]"));
        world.apply_text(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: tenant, namespace: {name}}}\nspec:\n  project: tenants\n  source: {{repoURL: '{}', path: app, targetRevision: main}}\n  destination: {{name: in-cluster, namespace: {name}}}\n  {AUTOMATED}\n",
            world.url()
        ));
        world.start_agent_with(Settings {
            application_namespaces: vec![format!("{name}*")],
            ..world.settings()
        });
        let app = |world: &World| {
            let object = world.find("argoproj.io/v1alpha1", "Application", "tenant");
            Application::read(&object.expect("it is there")).expect("an Application")
        };
        let words = format!(
            "application 'tenant' in namespace '{name}' is not permitted to use project 'tenants'"
        );
        wait_until("it is refused", || {
            let conditions = app(&world).status.conditions;
            conditions.iter().any(|one| one.message == words)
        });
        assert!(world.find("v1", "ConfigMap", "a").is_none());
        world.apply_text(&project(&format!("['{name}']")));
        wait_until("it is synced", || {
            app(&world).status.sync.status == SyncCode::Synced
        });
        let id = world.find("v1", "ConfigMap", "a").expect("it is synced");
        let id = id.annotation("argocd.argoproj.io/tracking-id");
        assert_eq!(id, Some(&*format!("{name}_tenant:/ConfigMap:{name}/a")));
    });
}

#[test]
fn self_heal_and_rollback_go_on_while_git_is_away() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "offline");
        let first = world.commit(&[("app/all.yaml", &config("a", ""))]);
        let root = world.folder().to_owned();
        let Some(server) = git_server::serve_plain(&root, Default::default()) else {
            return;
        };
        world.create_app(AUTOMATED);
        let url = server.url("/repository");
        world.patch_app(
            &world.name,
            &format!("spec: {{source: {{repoURL: '{url}'}}}}"),
        );
        world.start_agent();
        world.wait_synced_at(&first);
        let both = [config("a", ""), config("b", "")].concat();
        let second = world.commit(&[("app/all.yaml", &both)]);
        world.wait_synced_at(&second);
        drop(server);
        world.delete("v1", "ConfigMap", "a");
        wait_until("it is healed", || {
            world.find("v1", "ConfigMap", "a").is_some()
        });
        // As `app rollback` does it: automated sync goes off first.
        world.patch_app(&world.name, "spec: {syncPolicy: {automated: null}}");
        world.patch_app(
            &world.name,
            &format!("operation: {{sync: {{revision: {first}, prune: true}}}}"),
        );
        wait_until("it is rolled back", || {
            world.find("v1", "ConfigMap", "b").is_none()
        });
        world.wait_app(&world.name, "rolled back", |app| {
            let last = app.status.history.last();
            last.is_some_and(|entry| entry.revision == first)
        });
    });
}

#[test]
fn the_summary_has_images_and_the_urls_of_ingresses() {
    on_each(|cluster| {
        let text = object(
            "networking.k8s.io/v1",
            "Ingress",
            "web",
            "",
            "spec:\n  tls: [{hosts: [a.example.com]}]\n  rules:\n  - host: a.example.com\n    http: {paths: [{path: /api, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}\n  - host: b.example.com\n    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}\n",
        );
        let text = text + &job("once", "sync-options=Prune=confirm");
        let case = Case::new(cluster, "summary", &text, AUTOMATED);
        case.wait_phase(OperationPhase::Succeeded);
        let status = case.world.app().status;
        assert_eq!(
            status.summary.external_urls,
            ["http://b.example.com/", "https://a.example.com/api"]
        );
        assert_eq!(status.summary.images, ["example.com/a"]);
        case.wait("asking for confirmation", |app| {
            let mut resources = app.status.resources.iter();
            resources.any(|one| one.name == "once" && one.requires_deletion_confirmation)
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

#[test]
fn skip_reconcile_leaves_alone_and_refresh_is_answered() {
    on_each(|cluster| {
        let world = World::new(cluster, "skipped");
        world.commit(&[("app/all.yaml", &config("a", ""))]);
        world.create_app(AUTOMATED);
        let name = world.name.clone();
        let annotate = |world: &World, key: &str, value: &str| {
            world.patch_app(
                &name,
                &format!("metadata: {{annotations: {{argocd.argoproj.io/{key}: {value}}}}}"),
            );
        };
        annotate(&world, "skip-reconcile", "'true'");
        let case = Case::start(cluster, world);
        case.world.settle();
        assert!(case.config("a").is_none());
        annotate(&case.world, "skip-reconcile", "null");
        case.world.wait_synced();
        annotate(&case.world, "refresh", "hard");
        case.wait("refreshed", |app| app.wanted_refresh().is_none());
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

#[test]
fn a_wave_over_child_applications_waits_for_their_health() {
    on_each(|cluster| {
        let world = World::new(cluster, "children");
        let child = format!("{}-child", world.name);
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {child}\n  namespace: {}\n  annotations: {{argocd.argoproj.io/sync-wave: '-1'}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: child, targetRevision: main}}\n  destination: {{name: in-cluster, namespace: {}}}\n  {MANUAL}\n---\n",
            world.control_namespace(),
            world.url(),
            world.name
        );
        let unhealthy = object(
            "apps/v1",
            "Deployment",
            "web",
            "",
            "spec:\n  paused: true\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: a, image: a}]}\n",
        );
        world.commit(&[
            ("app/all.yaml", &(text + &config("after", ""))),
            ("child/all.yaml", &unhealthy),
        ]);
        world.create_app(AUTOMATED);
        let case = Case::start(cluster, world);
        case.wait_message(&format!("healthy state of argoproj.io/Application/{child}"));
        holds_for("the wave is awaited", Duration::from_millis(800), || {
            case.config("after").is_none()
        });
        case.world.patch_app(&child, "operation: {sync: {}}");
        case.world.wait_app(&child, "Suspended", |app| {
            app.status.health.status == "Suspended"
        });
        assert!(case.config("after").is_none());
        case.world
            .edit("apps/v1", "Deployment", "web", "spec: {paused: false}");
        wait_until("the next wave", || case.config("after").is_some());
    });
}
