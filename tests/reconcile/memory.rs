//! What the memory is used for, told when somebody asks.

use crate::manifests::config;
use crate::process::AgentProcess;
use crate::world::{World, on_each, wait_until};
use std::collections::BTreeMap;

/// By its words in front: count and KiB of a row.
fn rows(table: &str) -> BTreeMap<String, Vec<f64>> {
    let lines = table.lines().skip(1);
    lines
        .map(|line| {
            let (what, numbers) = line.split_at(36.min(line.len()));
            let numbers = numbers.split_whitespace();
            let numbers = numbers.map(|number| number.parse().expect("a number"));
            (what.trim().to_owned(), numbers.collect())
        })
        .collect()
}

#[test]
fn the_memory_is_told_by_what_it_is_used_for() {
    on_each(|cluster| {
        let world = World::new(cluster, "memory");
        let names: Vec<String> = (0..40).map(|n| format!("c{n}")).collect();
        let files: Vec<(String, String)> = names
            .iter()
            .map(|name| (format!("app/{name}.yaml"), config(name, "")))
            .collect();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(p, t)| (p.as_str(), t.as_str()))
            .collect();
        world.commit(&files);
        world.create_app("syncPolicy: {automated: {}}");
        let agent = AgentProcess::start(&world, cluster, &["--listen", "127.0.0.1:0"]);
        world.wait_synced();
        wait_until("all are known", || {
            let known = rows(&agent.get("/debug/memory"));
            known
                .get("live index: objects")
                .is_some_and(|row| row[0] >= 40.0)
        });
        let table = agent.get("/debug/memory");
        let known = rows(&table);
        assert_eq!(known["applications"][0], 1.0, "{table}");
        assert_eq!(known["comparisons: desired objects"][0], 40.0, "{table}");
        for row in [
            "applications",
            "comparisons: desired objects",
            "live index: objects",
        ] {
            let [count, kib] = known[row][..] else {
                panic!("{row}: {table}");
            };
            // Some hundred bytes each.
            assert!(kib > count * 0.1 && kib < count * 10.0, "{row}: {table}");
        }
        assert!(known["watches"][0] >= 5.0, "{table}");
        let committed = known["allocator: committed"][0];
        let resident = known["resident"][0];
        let parts = known["resident: anonymous"][0] + known["resident: of files"][0];
        assert!((parts - resident).abs() < 1.0, "{table}");
        assert!(committed > 0.0 && committed < known["allocator: reserved addresses"][0]);
        let of_rows: f64 = [
            "applications",
            "comparisons: desired objects",
            "live index: objects",
        ]
        .iter()
        .map(|row| known[*row][1])
        .sum();
        assert!(of_rows < committed, "{table}");

        // The same on stderr, and the agent works on.
        agent.signal("USR1");
        let log = world.folder().join("stderr");
        wait_until("it is printed", || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("live index: objects"))
        });
        assert_eq!(agent.get("/healthz"), "ok");
    });
}
