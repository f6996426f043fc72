//! What does not count as a difference, what an apply leaves alone, and
//! objects that others applied before.

use crate::world::{World, on_each, wait_until};
use drupelet::app::SyncCode;
use drupelet::value::Value;
use std::time::Duration;

const AUTOMATED: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}";
const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: red, size: big}
";

fn data(world: &World, key: &str) -> Option<Value> {
    world.value("v1", "ConfigMap", "settings", &["data", key])
}

/// Whoever is ignored is also left as it is, in all three forms.
#[test]
fn what_is_respected_survives_a_sync() {
    for rule in [
        "jsonPointers: [/data/colour]",
        "jqPathExpressions: ['.data.colour']",
        "managedFieldsManagers: [kubectl-edit]",
    ] {
        on_each(|cluster| {
            let mut world = World::new(cluster, "respect");
            world.commit(&[("app/config.yaml", CONFIG)]);
            world.create_app(&format!(
                "ignoreDifferences: [{{kind: ConfigMap, {rule}}}]\nsyncPolicy: {{automated: {{selfHeal: true}}, syncOptions: [RespectIgnoreDifferences=true]}}"
            ));
            world.start_agent();
            world.wait_synced();
            world.edit("v1", "ConfigMap", "settings", "data: {colour: blue}");
            let commit = world.commit(&[("app/config.yaml", &CONFIG.replace("big", "small"))]);
            world.wait_synced_at(&commit);
            assert_eq!(data(&world, "size"), Some("small".into()), "{rule}");
            assert_eq!(data(&world, "colour"), Some("blue".into()), "{rule}");
        });
    }
}

#[test]
fn an_expression_that_cannot_be_read_is_a_condition() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "expression");
        world.commit(&[("app/config.yaml", CONFIG)]);
        world.create_app(&format!(
            "ignoreDifferences: [{{kind: ConfigMap, jqPathExpressions: ['.data[']}}]\n{AUTOMATED}"
        ));
        world.start_agent();
        world.wait_app(&world.name, "told", |app| {
            app.status.conditions.iter().any(|condition| {
                condition.kind == "ComparisonError"
                    && condition
                        .message
                        .contains("jq expression \".data[\" cannot be parsed")
            })
        });
        assert_eq!(data(&world, "colour"), None);
    });
}

/// argo-cd#25474: under foreign ownership the old port would stay.
#[test]
fn a_changed_port_replaces_the_one_that_somebody_else_applied() {
    let service = |port: u32| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {{app: web}}, ports: [{{name: http, port: {port}}}]}}\n"
        )
    };
    on_each(|cluster| {
        let mut world = World::new(cluster, "port");
        let theirs = service(80).replace(
            "{name: web}",
            &format!("{{name: web, namespace: {}}}", world.name),
        );
        world.apply_text(&theirs);
        world.commit(&[("app/service.yaml", &service(81))]);
        world.create_app(AUTOMATED);
        world.start_agent();
        world.wait_synced();
        let ports = world.value("v1", "Service", "web", &["spec", "ports"]);
        let ports = ports.as_ref().and_then(Value::as_seq).expect("ports");
        assert_eq!(ports.len(), 1);
        assert_eq!(ports[0].get("port"), Some(&Value::Int(81)));
    });
}

/// kubectl's client-side apply left its fields; one is gone from git.
#[test]
fn a_field_that_kubectl_applied_and_git_dropped_goes() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "migration");
        let text = CONFIG.replace(
            "{name: settings}",
            &format!("{{name: settings, namespace: {}}}", world.name),
        );
        let object =
            drupelet::object::Object::new(drupelet::value::yaml::parse_one(&text).expect("YAML"))
                .expect("an object");
        let options = drupelet::kube::WriteOptions::by("kubectl-client-side-apply");
        let resource = world.resource("v1", "ConfigMap");
        world
            .client
            .create(&resource, &object, &options)
            .expect("it is created");
        world.commit(&[("app/config.yaml", &CONFIG.replace(", size: big", ""))]);
        world.create_app(AUTOMATED);
        world.start_agent();
        world.wait_synced();
        wait_until("the field goes", || data(&world, "size").is_none());
        assert_eq!(data(&world, "colour"), Some("red".into()));
    });
}

/// kubectl applied it again over ours: its field is a drift like any other.
#[test]
fn what_kubectl_adds_with_client_side_apply_migration_off_stays() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "unmigrated");
        let text = CONFIG.replace(
            "{name: settings}",
            &format!("{{name: settings, namespace: {}}}", world.name),
        );
        let object =
            drupelet::object::Object::new(drupelet::value::yaml::parse_one(&text).expect("YAML"))
                .expect("an object");
        let options = drupelet::kube::WriteOptions::by("kubectl-client-side-apply");
        let resource = world.resource("v1", "ConfigMap");
        world
            .client
            .create(&resource, &object, &options)
            .expect("it is created");
        world.commit(&[("app/config.yaml", &CONFIG.replace(", size: big", ""))]);
        world.create_app(
            "syncPolicy: {automated: {}, syncOptions: [ClientSideApplyMigration=false]}",
        );
        world.start_agent();
        world.wait_synced();
        assert_eq!(data(&world, "size"), Some("big".into()));
    });
}

#[test]
fn a_field_that_cannot_change_names_the_option_that_helps() {
    let deployment = |label: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: {label}}}}}\n  template:\n    metadata: {{labels: {{app: {label}}}}}\n    spec: {{containers: [{{name: web, image: nginx}}]}}\n"
        )
    };
    on_each(|cluster| {
        let mut world = World::new(cluster, "immutable");
        world.commit(&[("app/web.yaml", &deployment("a"))]);
        world.create_app(AUTOMATED);
        world.start_agent();
        world.wait_synced();
        world.commit(&[("app/web.yaml", &deployment("b"))]);
        world.wait_app(&world.name, "failed with a hint", |app| {
            app.status.operation_state.as_ref().is_some_and(|state| {
                let results = state.sync_result.as_ref().map(|result| &result.resources);
                let text = results
                    .into_iter()
                    .flatten()
                    .map(|one| one.message.as_str())
                    .collect::<String>();
                text.contains("argocd.argoproj.io/sync-options: Force=true,Replace=true")
            })
        });
    });
}

#[test]
fn a_refused_secret_keeps_its_value_to_itself() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "leak");
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: hidden}\ndata: {key: 'not-base64-pass!word'}\n";
        world.commit(&[("app/secret.yaml", secret)]);
        world.create_app(AUTOMATED);
        world.start_agent();
        world.wait_app(&world.name, "refused", |app| {
            app.status.sync.status == SyncCode::OutOfSync
                && app
                    .status
                    .operation_state
                    .as_ref()
                    .is_some_and(|state| !state.message.is_empty() && state.retry_count > 0)
        });
        let object = world.app_object(&world.name).expect("it is there");
        assert!(!object.to_json().contains("not-base64-pass"));
        assert!(!object.to_json().contains("pass!word"));
    });
}

/// The scope of a kind that the same sync brings is the CRD's word.
#[test]
fn a_custom_resource_beside_its_crd_gets_its_namespace() {
    let group = "beside.example.com";
    let crd = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: beads.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: beads, singular: bead, kind: Bead, listKind: BeadList}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
    );
    let bead = format!("apiVersion: {group}/v1\nkind: Bead\nmetadata: {{name: one}}\n");
    on_each(|cluster| {
        let mut world = World::new(cluster, "beside");
        world.commit(&[("app/crd.yaml", &crd), ("app/bead.yaml", &bead)]);
        world.create_app(AUTOMATED);
        world.start_agent();
        world.wait_synced();
        let found = world.find(&format!("{group}/v1"), "Bead", "one");
        let id = found
            .as_ref()
            .and_then(|bead| bead.annotation("argocd.argoproj.io/tracking-id"));
        assert_eq!(
            id,
            Some(format!("{0}:{group}/Bead:{0}/one", world.name).as_str())
        );
        crate::world::holds_for("Synced", Duration::from_millis(600), || {
            world.app().status.sync.status == SyncCode::Synced
        });
    });
}
