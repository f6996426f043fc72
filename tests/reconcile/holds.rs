//! What holds a sync back, what it waits for, and what goes on meanwhile.

use crate::case::{AUTOMATED, Case, MANUAL};
use crate::manifests::{config, object, stuck_job};
use crate::support::git_server;
use crate::world::{World, holds_for, on_each, wait_until};
use drupelet::agent::Settings;
use drupelet::app::{OperationPhase, SyncCode};
use std::time::Duration;

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
