//! What AppProjects forbid, checked before the first write (contract,
//! "AppProject"; CVE-2026-77459, CVE-2022-24768).

use crate::world::{World, holds_for, on_each, wait_until};
use drupelet::app::{Application, OperationPhase};
use std::path::Path;
use std::time::Duration;

const POLICY: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}\nproject: team";
const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";
const OPEN: &str = "sourceRepos: ['*']
destinations: [{server: '*', namespace: '*'}]
clusterResourceWhitelist: [{group: '*', kind: '*'}]
";

fn project(world: &World, spec: &str) {
    let mut text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: team, namespace: {}}}\nspec:\n",
        world.control_namespace()
    );
    for line in spec.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    world.apply_text(&text);
}

/// A world whose Application is in the project `team`.
fn world(cluster: &Path, name: &str, spec: &str, files: &[(&str, &str)]) -> World {
    let mut world = World::new(cluster, name);
    project(&world, &spec.replace("WORLD", &world.name));
    world.commit(files);
    world.create_app(POLICY);
    world.start_agent();
    world
}

/// The texts of the InvalidSpecError conditions.
fn faults(app: &Application) -> Vec<String> {
    let of_spec = app
        .status
        .conditions
        .iter()
        .filter(|condition| condition.kind == "InvalidSpecError");
    of_spec.map(|condition| condition.message.clone()).collect()
}

#[track_caller]
fn check_spec_fault(name: &str, spec: &str, wanted: &str) {
    on_each(|cluster| {
        let world = world(cluster, name, spec, &[("app/config.yaml", CONFIG)]);
        let wanted = wanted
            .replace("WORLD", &world.name)
            .replace("URL", &world.url());
        world.wait_app(&world.name, "refused", |app| {
            faults(app) == [wanted.clone()]
        });
        assert!(world.find("v1", "ConfigMap", "settings").is_none());
        // The project is mended: the application goes on by itself.
        project(&world, OPEN);
        world.wait_synced();
        assert!(world.find("v1", "ConfigMap", "settings").is_some());
    });
}

#[test]
fn source_repos_forbid() {
    check_spec_fault(
        "p-repos",
        "sourceRepos: ['https://elsewhere/**']\ndestinations: [{server: '*', namespace: '*'}]\n",
        "application repo URL is not permitted in project 'team'",
    );
}

#[test]
fn destinations_forbid_also_by_negation() {
    let wanted = "application destination server 'in-cluster' and namespace 'WORLD' do not match any of the allowed destinations in project 'team'";
    check_spec_fault(
        "p-place",
        "sourceRepos: ['*']\ndestinations: [{server: '*', namespace: 'db-*'}]\n",
        wanted,
    );
    check_spec_fault(
        "p-not",
        "sourceRepos: ['*']\ndestinations: [{server: '*', namespace: '*'}, {server: '*', namespace: '!WORLD'}]\n",
        wanted,
    );
}

#[test]
fn a_project_that_is_not_there_forbids() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "p-none");
        world.commit(&[("app/config.yaml", CONFIG)]);
        world.create_app(POLICY);
        world.start_agent();
        world.wait_app(&world.name, "refused", |app| {
            faults(app) == ["Application referencing project team which does not exist"]
        });
    });
}

/// Nothing is written of a sync that holds one forbidden object.
#[track_caller]
fn check_object_fault(name: &str, spec: &str, file: &str, wanted: &str) {
    on_each(|cluster| {
        let files = [("app/config.yaml", CONFIG), ("app/forbidden.yaml", file)];
        let world = world(cluster, name, spec, &files);
        let wanted = wanted.replace("WORLD", &world.name);
        let message = format!("one or more synchronization tasks are not valid: {wanted}");
        world.wait_app(&world.name, "refused", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| {
                let results = state
                    .sync_result
                    .iter()
                    .flat_map(|result| &result.resources);
                let told: Vec<_> = results
                    .map(|r| (r.status.as_str(), r.message.as_str()))
                    .collect();
                state.message.starts_with(&message) && told == [("SyncFailed", wanted.as_str())]
            })
        });
        assert!(world.find("v1", "ConfigMap", "settings").is_none());
        project(&world, OPEN);
        world.commit(&[("app/config.yaml", CONFIG)]);
        world.wait_app(&world.name, "synced in the open project", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| state.phase == OperationPhase::Succeeded)
        });
    });
}

#[test]
fn cluster_resources_are_forbidden_unless_listed() {
    check_object_fault(
        "p-cluster",
        "sourceRepos: ['*']\ndestinations: [{server: '*', namespace: '*'}]\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: forbidden}\nrules: []\n",
        "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project team",
    );
}

#[test]
fn cluster_resource_blacklist_forbids() {
    check_object_fault(
        "p-cblack",
        &format!("{OPEN}clusterResourceBlacklist: [{{group: 'rbac.*', kind: ClusterRole}}]\n"),
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: forbidden}\nrules: []\n",
        "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project team",
    );
}

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: forbidden}\n";

#[test]
fn namespace_resource_blacklist_forbids() {
    check_object_fault(
        "p-black",
        &format!("{OPEN}namespaceResourceBlacklist: [{{group: '', kind: Secret}}]\n"),
        SECRET,
        "resource :Secret is not permitted in project team",
    );
}

#[test]
fn namespace_resource_whitelist_forbids_what_it_does_not_list() {
    check_object_fault(
        "p-white",
        &format!("{OPEN}namespaceResourceWhitelist: [{{group: '', kind: ConfigMap}}]\n"),
        SECRET,
        "resource :Secret is not permitted in project team",
    );
}

#[test]
fn an_object_in_a_namespace_outside_of_the_project_is_forbidden() {
    check_object_fault(
        "p-out",
        "sourceRepos: ['*']\ndestinations: [{server: '*', namespace: 'WORLD'}]\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: stray, namespace: kube-system}\n",
        "namespace kube-system is not permitted in project 'team'",
    );
}

/// CVE-2026-77459: hooks, those of the deletion too, are held to the project.
#[test]
fn hooks_are_forbidden_like_everything_else() {
    for hook in ["PreSync", "PostSync", "SyncFail", "PreDelete", "PostDelete"] {
        check_object_fault(
            "p-hook",
            &format!("{OPEN}namespaceResourceBlacklist: [{{group: batch, kind: Job}}]\n"),
            &format!(
                "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: forbidden, annotations: {{argocd.argoproj.io/hook: {hook}}}}}
spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: a}}]}}}}}}\n"
            ),
            "resource batch:Job is not permitted in project team",
        );
    }
}

#[test]
fn live_objects_that_the_project_no_longer_allows_are_not_pruned() {
    on_each(|cluster| {
        let secret = SECRET.replace("forbidden", "kept");
        let files = [
            ("app/config.yaml", CONFIG),
            ("app/secret.yaml", secret.as_str()),
        ];
        let world = world(cluster, "p-prune", OPEN, &files);
        world.wait_synced();
        wait_until("the Secret is there", || {
            world.find("v1", "Secret", "kept").is_some()
        });
        project(
            &world,
            &format!("{OPEN}namespaceResourceBlacklist: [{{group: '', kind: Secret}}]\n"),
        );
        let commit = world.commit(&[("app/config.yaml", CONFIG)]);
        world.wait_synced_at(&commit);
        holds_for("the Secret is kept", Duration::from_millis(1500), || {
            world.find("v1", "Secret", "kept").is_some()
        });
    });
}
