//! Operations as `kubectl patch` sets them, and what they leave in the status.

use crate::case::{AUTOMATED, Case, MANUAL};
use crate::manifests::{config, job, object, stuck_job};
use crate::world::{World, on_each, wait_until};
use drupelet::agent::Settings;
use drupelet::app::{Application, OperationPhase, SyncCode};

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
