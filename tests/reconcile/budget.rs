//! `--memory-budget` and `--cpu-budget` are kept.

use crate::manifests::config;
use crate::process::AgentProcess;
use crate::world::{World, on_each, wait_until};
use drupelet::app::SyncCode;

const CHART: &str = "apiVersion: v2\nname: big\nversion: 1.0.0\n";
/// Holds 56 MB while it renders.
const BIG: &str = "{{- $all := list }}\n{{- range until 14 }}\n{{- $all = append $all (repeat 4000000 \"x\") }}\n{{- end }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\ndata: {length: \"{{ len $all }}\"}\n";
/// Some million steps.
const LONG: &str = "{{- $n := 0 }}\n{{- range until 1000 }}{{- range until 1500 }}\n{{- $n = add $n 1 }}\n{{- end }}{{ end }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: long}\ndata: {n: \"{{ $n }}\"}\n";
const POLICY: &str = "syncPolicy: {automated: {}}";

#[test]
fn what_does_not_fit_is_told_and_the_rest_goes_on() {
    on_each(|cluster| {
        let world = World::new(cluster, "memory-budget");
        world.commit(&[
            ("app/a.yaml", &config("small", "")),
            ("big/Chart.yaml", CHART),
            ("big/templates/a.yaml", BIG),
        ]);
        let big = format!("{}-big", world.name);
        world.create_app_at(&big, "big", POLICY);
        world.create_app(POLICY);
        let agent = AgentProcess::start(&world, cluster, &["--listen", "127.0.0.1:0"]);
        world.wait_app(&big, "told", |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|condition| {
                condition.kind == "ComparisonError"
                    && condition.message.contains("needs more than")
                    && condition.message.contains("--memory-budget 64 MiB")
            })
        });
        world.wait_synced();
        let metrics = agent.metrics();
        let budget = metrics["drupelet_memory_budget_bytes"];
        assert_eq!(budget, f64::from(64 << 20));
        assert!(metrics["drupelet_heavy_jobs_refused_total"] >= 1.0);
        assert_eq!(metrics["drupelet_heavy_jobs_promised_bytes"], 0.0);
        let promised = metrics["drupelet_heavy_jobs_promised_peak_bytes"];
        assert!(promised > 0.0 && promised <= budget, "{promised}");
        // A look may come one string late.
        let held = metrics["drupelet_heavy_job_peak_bytes"];
        assert!(held > 0.0 && held <= budget, "{held}");
        agent.kill();

        // The same commit, with enough of it.
        let options = ["--memory-budget", "unlimited"];
        let _agent = AgentProcess::start(&world, cluster, &options);
        world.wait_app(&big, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced && app.status.conditions.is_empty()
        });
    });
}

#[test]
fn renders_pause_for_the_share_of_the_cpu() {
    on_each(|cluster| {
        let world = World::new(cluster, "cpu-budget");
        world.commit(&[("app/Chart.yaml", CHART), ("app/templates/a.yaml", LONG)]);
        world.create_app(POLICY);
        let options = ["--listen", "127.0.0.1:0", "--cpu-budget", "0.2"];
        let agent = AgentProcess::start(&world, cluster, &options);
        wait_until("it pauses", || {
            let metrics = agent.metrics();
            metrics.get("drupelet_cpu_pauses_total") > Some(&0.0)
        });
        world.wait_synced();
        let metrics = agent.metrics();
        assert_eq!(metrics["drupelet_cpu_budget_cores"], 0.2);
        assert!(metrics["drupelet_cpu_paused_seconds_total"] > 0.0);
    });
}
