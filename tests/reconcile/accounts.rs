//! Syncs by the rights of the accounts that projects name (contract,
//! "destinationServiceAccounts").

use crate::support::apiserver::{ApiServer, Options};
use crate::world::{World, on_each};
use drupelet::app::{Application, OperationPhase, SyncCode};
use drupelet::kube::DeleteOptions;

const POLICY: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}\nproject: team";
const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: hidden}\n";

fn impersonate(world: &World) {
    world.apply_text(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: {}\n  labels: {{app.kubernetes.io/part-of: argocd}}\n\
         data: {{application.sync.impersonation.enabled: 'true'}}\n",
        world.control_namespace()
    ));
}

fn project(world: &World, accounts: &str) {
    world.apply_text(&format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: team, namespace: {}}}\n\
         spec:\n  sourceRepos: ['*']\n  destinations: [{{server: '*', namespace: '*'}}]\n  destinationServiceAccounts: [{accounts}]\n",
        world.control_namespace()
    ));
}

/// What the deployer may do with ConfigMaps, and nothing else.
fn allow(world: &World, verbs: &str) {
    let (name, namespace) = ("deployer", &world.name);
    world.apply_text(&format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         rules: [{{apiGroups: [''], resources: [configmaps], verbs: [{verbs}]}}]\n"
    ));
    world.apply_text(&format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}\n\
         subjects: [{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}]\n"
    ));
}

fn message(app: &Application) -> String {
    let state = app.status.operation_state.as_ref();
    state.map_or_else(String::new, |state| {
        let results = state
            .sync_result
            .iter()
            .flat_map(|result| &result.resources);
        let told: Vec<&str> = results.map(|result| result.message.as_str()).collect();
        format!("{} {}", state.message, told.join(" "))
    })
}

fn delete_app(world: &World) {
    let resource = world.resource("argoproj.io/v1alpha1", "Application");
    let options = DeleteOptions::default();
    let namespace = world.control_namespace();
    let deleted = world
        .client
        .delete(&resource, &namespace, &world.name, &options);
    deleted.expect("the API server answers");
}

/// What the sync says, or does, with these accounts.
#[track_caller]
fn check_refused(world: &World, accounts: &str, wanted: &str) {
    project(world, accounts);
    world.patch_app(&world.name, "operation: {sync: {}}");
    let wanted = wanted.replace("WORLD", &world.name);
    let wanted = format!("failed to find a matching service account to impersonate: {wanted}");
    world.wait_app(&world.name, &wanted, |app| {
        let state = app.status.operation_state.as_ref();
        state.is_some_and(|state| {
            state.phase == OperationPhase::Error && state.message.starts_with(&wanted)
        })
    });
    assert!(world.find("v1", "ConfigMap", "settings").is_none());
}

#[test]
fn without_an_account_nothing_is_synced() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "account");
        impersonate(&world);
        world.commit(&[("app/config.yaml", CONFIG)]);
        project(&world, "");
        world.create_app("project: team");
        world.start_agent();
        let none = "no matching service account found for destination server https://kubernetes.default.svc and namespace WORLD";
        check_refused(&world, "", none);
        let elsewhere = "{server: 'https://elsewhere', namespace: '*', defaultServiceAccount: a}, {server: '*', namespace: 'other-*', defaultServiceAccount: a}";
        check_refused(&world, elsewhere, none);
        check_refused(
            &world,
            "{server: '*', namespace: '*', defaultServiceAccount: 'a/b'}",
            "default service account contains invalid chars 'a/b'",
        );
        check_refused(
            &world,
            "{server: '*', namespace: '[', defaultServiceAccount: a}",
            "invalid glob pattern for destination namespace:",
        );
    });
}

#[test]
fn an_automated_sync_goes_on_once_the_project_names_an_account() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "account-late");
        impersonate(&world);
        world.commit(&[("app/config.yaml", CONFIG)]);
        project(&world, "");
        world.create_app(POLICY);
        world.start_agent();
        world.wait_app(&world.name, "refused", |app| {
            message(app).contains("no matching")
        });
        project(
            &world,
            "{server: 'https://kubernetes.*', namespace: '*', defaultServiceAccount: deployer}",
        );
        world.wait_synced();
    });
}

#[test]
fn writes_go_by_the_rights_of_the_account() {
    let Some(server) = ApiServer::start(Options {
        rbac: true,
        ..Options::default()
    }) else {
        return;
    };
    let mut world = World::new(&server.kubeconfig(), "acting");
    impersonate(&world);
    project(
        &world,
        "{server: '*', namespace: '*', defaultServiceAccount: deployer}",
    );
    allow(&world, "create, patch");
    world.commit(&[("app/config.yaml", CONFIG), ("app/secret.yaml", SECRET)]);
    // Nothing here collects garbage.
    world.create_app(&POLICY.replace("}}", "}, syncOptions: [PrunePropagationPolicy=background]}"));
    world.start_agent();
    let user = format!(
        "User \"system:serviceaccount:{}:deployer\" cannot",
        world.name
    );
    world.wait_app(&world.name, "refused the Secret", |app| {
        message(app).contains(&format!("{user} patch resource \"secrets\""))
    });
    let found = world.find("v1", "ConfigMap", "settings");
    let said = message(&world.app());
    assert!(found.is_none(), "{said}: {found:?}");
    world.commit(&[("app/config.yaml", CONFIG)]);
    world.wait_synced();

    // A prune needs a right of its own.
    world.commit(&[("app/README", "")]);
    world.patch_app(
        &world.name,
        "spec: {syncPolicy: {automated: {prune: true, selfHeal: true, allowEmpty: true}}}",
    );
    world.wait_app(&world.name, "refused the prune", |app| {
        message(app).contains(&format!("{user} delete resource \"configmaps\""))
    });
    allow(&world, "create, patch, delete");
    world.patch_app(&world.name, "operation: {sync: {prune: true}}");
    world.wait_app(&world.name, "pruned", |app| {
        app.status.sync.status == SyncCode::Synced
    });
    assert!(world.find("v1", "ConfigMap", "settings").is_none());

    // So does the deletion of the application.
    world.commit(&[("app/config.yaml", CONFIG)]);
    world.wait_app(&world.name, "synced again", |_| {
        world.find("v1", "ConfigMap", "settings").is_some()
    });
    allow(&world, "create, patch");
    world.patch_app(
        &world.name,
        "metadata: {finalizers: [resources-finalizer.argocd.argoproj.io/background]}",
    );
    delete_app(&world);
    world.wait_app(&world.name, "refused to delete", |app| {
        let told = |c: &drupelet::app::Condition| c.message.contains(&user);
        app.status.conditions.iter().any(told)
    });
    assert!(world.find("v1", "ConfigMap", "settings").is_some());
    allow(&world, "create, patch, delete");
    crate::world::wait_until("the application is gone", || {
        world.app_object(&world.name).is_none()
    });
    assert!(world.find("v1", "ConfigMap", "settings").is_none());
}
