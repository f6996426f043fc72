use crate::command::drupelet;
use crate::world::{World, on_each};
use drupelet::value::Value;

const WORKLOADS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: nginx}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: '0 3 * * *'
  jobTemplate:
    metadata: {labels: {job: nightly}}
    spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox}]}}}
";

#[test]
fn actions_restart_scale_pause_suspend_and_create_jobs() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "actions");
        world.commit(&[("app/workloads.yaml", WORKLOADS)]);
        world.create_app("syncPolicy: {automated: {selfHeal: true}}");
        world.start_agent();
        world.wait_synced();
        let app = world.name.as_str();
        let listed = drupelet(&world, kubeconfig, &["app", "actions", "list", app]).ok();
        for action in ["restart", "scale", "pause", "create-job", "suspend"] {
            assert!(listed.contains(action), "{listed}");
        }
        let act = |more: &[&str]| {
            let mut arguments = vec!["app", "actions", "run", app];
            arguments.extend(more);
            drupelet(&world, kubeconfig, &arguments)
        };
        let web = |path: &[&str]| world.value("apps/v1", "Deployment", "web", path);
        let cron = |path: &[&str]| world.value("batch/v1", "CronJob", "nightly", path);
        act(&["restart", "--dry-run"]).ok();
        let restarted = [
            "spec",
            "template",
            "metadata",
            "annotations",
            "kubectl.kubernetes.io/restartedAt",
        ];
        assert!(web(&restarted).is_none());
        assert_eq!(act(&["restart"]).ok(), "deployment.apps/web restarted\n");
        assert!(web(&restarted).is_some());
        act(&["scale", "--param", "replicas=3"]).ok();
        assert_eq!(web(&["spec", "replicas"]), Some(Value::Int(3)));
        act(&["scale", "--param", "replicas=many"]).fails("replicas=many");
        act(&["scale"]).fails("--param replicas=N");
        act(&["pause"]).ok();
        assert_eq!(web(&["spec", "paused"]), Some(Value::Bool(true)));
        // Both can resume: which one is meant?
        act(&["resume"]).fails("--all");
        act(&["resume", "--kind", "deployment"]).ok();
        assert_ne!(web(&["spec", "paused"]), Some(Value::Bool(true)));
        act(&["suspend"]).ok();
        assert_eq!(cron(&["spec", "suspend"]), Some(Value::Bool(true)));
        let made = act(&["create-job"]).ok();
        let name = made
            .strip_prefix("job.batch/")
            .and_then(|rest| rest.strip_suffix(" created\n"))
            .unwrap_or_else(|| panic!("{made}"));
        let job = world.find("batch/v1", "Job", name).expect("it was created");
        assert_eq!(job.label("job"), Some("nightly"));
        assert_eq!(
            job.annotation("cronjob.kubernetes.io/instantiate"),
            Some("manual")
        );
        assert_eq!(job.owner_references().len(), 1);
        act(&["explode"]).fails("knows the action explode");
        // What was done by hand and git says nothing about is no drift.
        world.settle();
        world.wait_synced();
        assert_eq!(web(&["spec", "replicas"]), Some(Value::Int(3)));
        assert!(
            world.find("batch/v1", "Job", name).is_some(),
            "nobody prunes it"
        );
    });
}

#[test]
fn logs_come_from_the_pods_of_the_application() {
    // Only the sandbox answers for containers: a real one asks the node.
    let sandbox = crate::support::cluster::sandbox();
    let kubeconfig = sandbox.kubeconfig.as_path();
    let mut world = World::new(kubeconfig, "logs");
    world.commit(&[("app/workloads.yaml", WORKLOADS)]);
    world.create_app("syncPolicy: {automated: {}}");
    world.start_agent();
    world.wait_app(&world.name, "Healthy", |app| {
        app.status.health.status == "Healthy"
    });
    let app = world.name.as_str();
    let log = drupelet(&world, kubeconfig, &["app", "logs", app, "--tail", "5"]).ok();
    assert_eq!(log, "the sandbox runs no containers\n");
    let none = drupelet(
        &world,
        kubeconfig,
        &["app", "logs", app, "--filter", "error"],
    )
    .ok();
    assert_eq!(none, "");
    drupelet(&world, kubeconfig, &["app", "logs", app, "-c", "sidecar"]).fails("no pod");
}
