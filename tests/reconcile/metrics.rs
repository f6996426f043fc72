//! What /metrics says is what the alerts and the dashboard ask for.

use crate::manifests::config;
use crate::process::AgentProcess;
use crate::world::{World, on_each, wait_until};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The metrics' names in the expressions of a file.
fn asked_for(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/monitoring")
        .join(file);
    let text = fs::read_to_string(&path).expect("it is in the checkout");
    let lines = text.lines().map(str::trim_start);
    let lines = lines.filter(|line| line.starts_with("expr:") || line.starts_with("\"expr\":"));
    lines
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|word| {
            let known = ["drupelet_", "argocd_", "process_"];
            known.iter().any(|prefix| word.starts_with(prefix))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn alerts_and_dashboard_ask_for_what_is_served() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "metrics");
        world.commit(&[("app/a.yaml", &config("a", ""))]);
        world.create_app("syncPolicy: {automated: {}}");
        let broken = format!("{}-broken", world.name);
        world.create_app_at(&broken, "nowhere", "syncPolicy: {}");
        world.stop_agent();
        let agent = AgentProcess::start(&world, cluster, &["--listen", "127.0.0.1:0"]);
        world.wait_synced();
        world.wait_app(&broken, "told", |app| !app.status.conditions.is_empty());
        let labels = format!(
            "{{namespace=\"{}\",name=\"{}\",project=\"default\",",
            world.control_namespace(),
            world.name
        );
        let synced = format!(
            "argocd_app_sync_total{labels}dest_server=\"in-cluster\",phase=\"Succeeded\",dry_run=\"false\"}}"
        );
        wait_until("the sync is counted", || {
            agent.metrics().get(&synced) == Some(&1.0)
        });
        let metrics = agent.metrics();
        let info = format!("argocd_app_info{labels}repo=\"{}\",", world.url());
        let info = metrics
            .keys()
            .find(|name| name.starts_with(&info))
            .expect("it is told");
        for label in [
            "sync_status=\"Synced\"",
            "autosync_enabled=\"true\"",
            "operation=\"\"",
        ] {
            assert!(info.contains(label), "{info}");
        }
        assert!(metrics.keys().any(|name| {
            name.starts_with("argocd_app_condition{")
                && name.contains(&broken)
                && name.contains("condition=\"ComparisonError\"")
        }));
        let served: BTreeSet<&str> = metrics
            .keys()
            .map(|name| name.split('{').next().unwrap_or_default())
            .collect();
        for file in ["alerts.yaml", "dashboard.json"] {
            let asked = asked_for(file);
            assert!(asked.len() > 4, "{file}: {asked:?}");
            for name in asked {
                assert!(
                    served.contains(name.as_str()),
                    "{file} asks for {name}, which is not served"
                );
            }
        }
    });
}
