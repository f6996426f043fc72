//! Validate=false: fields that no schema knows.

use crate::world::{World, on_each};
use drupelet::app::SyncCode;
use drupelet::value::Value;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  wrong: true
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: a, image: a}
        - name: b
          image: b
          nonsense: {deep: 1}
          ports: [{containerPort: 80, ghost: x}]
";
const CONFIG: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndta: {a: b}\ndata: {a: b}\n";

#[test]
fn validate_false_lets_unknown_fields_go() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "validate");
        world.commit(&[("app/web.yaml", DEPLOYMENT), ("app/config.yaml", CONFIG)]);
        world.create_app(
            "syncPolicy: {automated: {prune: true, selfHeal: true}, retry: {limit: 0}}",
        );
        world.start_agent();
        world.wait_app(&world.name, "refused", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| state.phase.as_str() == "Failed")
        });
        assert!(world.find("apps/v1", "Deployment", "web").is_none());
        world.patch_app(
            &world.name,
            "spec: {syncPolicy: {syncOptions: [Validate=false]}}",
        );
        world.patch_app(
            &world.name,
            "operation: {sync: {syncOptions: [Validate=false]}}",
        );
        world.wait_app(&world.name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        let web = world
            .find("apps/v1", "Deployment", "web")
            .expect("it was applied");
        assert_eq!(web.at(&["spec", "wrong"]), None);
        let containers = web.at(&["spec", "template", "spec", "containers"]);
        assert_eq!(
            containers.and_then(Value::as_seq).map(<[Value]>::len),
            Some(2)
        );
        // It is drift, and healed, when a field changes that is known.
        world.edit("apps/v1", "Deployment", "web", "spec: {replicas: 3}");
        crate::world::wait_until("healed", || {
            world.value("apps/v1", "Deployment", "web", &["spec", "replicas"])
                == Some(Value::Int(1))
        });
        world.settle();
        world.wait_synced();
    });
}
