use super::subject::{Beside, Subject};
use crate::agent::{AppView, Figures, Handle, cpu_time};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

/// All counters in Prometheus' text format; of an agent that stands by, whether
/// it leads.
pub fn text(subject: &Subject) -> String {
    let mut out = Exposition::default();
    if let Some(beside) = subject.beside() {
        beside_others(&mut out, beside);
    }
    let name = "drupelet_build_info";
    out.family(name, "gauge", "The version that runs.");
    out.sample(name, &[("version", env!("CARGO_PKG_VERSION"))], 1);
    if let Some(handle) = subject.agent() {
        agent(&mut out, handle);
    }
    process(&mut out);
    out.0
}

fn beside_others(out: &mut Exposition, beside: Beside) {
    let lease_writes = match beside {
        Beside::Election {
            leads,
            lease_writes,
        } => {
            let name = "drupelet_leader";
            let help = "Whether this agent holds the Lease and works.";
            out.family(name, "gauge", help);
            out.sample(name, &[], u8::from(leads));
            lease_writes
        }
        Beside::Members {
            n_members,
            lease_writes,
            ..
        } => {
            let name = "drupelet_members";
            let help = "Agents that share the applications, this one among them.";
            out.family(name, "gauge", help);
            out.sample(name, &[], n_members);
            lease_writes
        }
    };
    let name = "drupelet_lease_writes_total";
    out.family(name, "counter", "Writes of Leases.");
    out.sample(name, &[], lease_writes);
}

/// Names and labels are Argo CD's where the meaning is the same.
fn agent(out: &mut Exposition, handle: &Handle) {
    let counts = handle.client.counts();
    let git = handle.git_counts();
    let metrics = &handle.metrics;
    for (name, help, value) in [
        (
            "renders",
            "Sources rendered to manifests.",
            metrics.renders.get(),
        ),
        (
            "compares_without_render",
            "Comparisons for which no input had changed.",
            metrics.compares_without_render.get(),
        ),
        (
            "status_patches",
            "Patches of an Application's status.",
            metrics.status_patches.get(),
        ),
        (
            "git_polls",
            "Times that a repository was asked for its refs.",
            metrics.polls.get(),
        ),
        (
            "git_requests",
            "HTTP requests and ssh sessions to repositories.",
            git.requests,
        ),
        (
            "git_received_bytes",
            "Bytes that came from repositories.",
            git.bytes_received,
        ),
        ("git_fetches", "Packs that were fetched.", git.fetches),
        ("git_objects", "Objects in fetched packs.", git.objects),
        (
            "git_written_bytes",
            "Bytes of packs and indices written to the cache.",
            git.bytes_written,
        ),
        (
            "kube_reads",
            "Requests to the API server that read.",
            counts.reads,
        ),
        ("kube_watches", "Watches that were opened.", counts.watches),
        (
            "kube_writes",
            "Requests to the API server that write.",
            counts.writes,
        ),
        ("kube_dry_runs", "Dry runs of writes.", counts.dry_runs),
        ("kube_retries", "Attempts after the first.", counts.retries),
    ] {
        let name = format!("drupelet_{name}_total");
        out.family(&name, "counter", help);
        out.sample(&name, &[], value);
    }
    budget(out, &handle.budget());
    let apps = handle.apps();
    let name = "drupelet_live_objects";
    out.family(name, "gauge", "Live objects that are known.");
    out.sample(name, &[], handle.n_objects());
    let name = "drupelet_applications";
    out.family(name, "gauge", "Applications that this agent works on.");
    out.sample(name, &[], apps.len());
    app_info(&apps, out);
    app_conditions(&apps, out);
    let name = "argocd_app_sync_total";
    out.family(name, "counter", "Number of application syncs.");
    for (labels, count) in metrics.syncs.get() {
        let labels = [
            ("namespace", labels.namespace.as_str()),
            ("name", &labels.name),
            ("project", &labels.project),
            ("dest_server", &labels.dest_server),
            ("phase", labels.phase),
            ("dry_run", if labels.dry_run { "true" } else { "false" }),
        ];
        out.sample(name, &labels, count);
    }
}

/// What `--memory-budget` and `--cpu-budget` do.
fn budget(out: &mut Exposition, figures: &Figures) {
    let counts = &figures.counts;
    if let Some(bytes) = figures.limits.memory {
        let name = "drupelet_memory_budget_bytes";
        out.family(name, "gauge", "Resident memory to keep within.");
        out.sample(name, &[], bytes);
    }
    if let Some(share) = figures.limits.cpu {
        let name = "drupelet_cpu_budget_cores";
        out.family(name, "gauge", "CPU time by second to keep within.");
        out.sample(name, &[], share);
    }
    for (kind, name, help, value) in [
        (
            "gauge",
            "drupelet_heavy_jobs_running",
            "Fetches, renders and comparisons at work.",
            figures.n_at_work as u64,
        ),
        (
            "gauge",
            "drupelet_heavy_jobs_waiting",
            "Those that wait for memory.",
            figures.n_waiting as u64,
        ),
        (
            "gauge",
            "drupelet_heavy_jobs_promised_bytes",
            "Memory that is set aside for those at work.",
            figures.promised,
        ),
        (
            "gauge",
            "drupelet_heavy_jobs_promised_peak_bytes",
            "The most that was set aside at once.",
            counts.promised_peak,
        ),
        (
            "gauge",
            "drupelet_heavy_job_peak_bytes",
            "The most that one of them held.",
            counts.job_peak,
        ),
        (
            "counter",
            "drupelet_heavy_jobs_queued_total",
            "Heavy jobs that had to wait for memory.",
            counts.queued,
        ),
        (
            "counter",
            "drupelet_heavy_jobs_repeated_total",
            "Heavy jobs that outgrew their place, and were done again alone.",
            counts.repeated,
        ),
        (
            "counter",
            "drupelet_heavy_jobs_refused_total",
            "Heavy jobs that need more than there is.",
            counts.refused,
        ),
        (
            "counter",
            "drupelet_cpu_pauses_total",
            "Pauses of heavy jobs for the CPU budget.",
            figures.pauses,
        ),
    ] {
        out.family(name, kind, help);
        out.sample(name, &[], value);
    }
    let name = "drupelet_cpu_paused_seconds_total";
    out.family(name, "counter", "Time that heavy jobs paused.");
    out.sample(name, &[], figures.paused.as_secs_f64());
}

fn app_info(apps: &[AppView], out: &mut Exposition) {
    let name = "argocd_app_info";
    out.family(name, "gauge", "Information about application.");
    for app in apps {
        let operation = match app.phase {
            Some(phase) if !phase.is_completed() => "sync",
            Some(_) | None => "",
        };
        let labels = [
            ("namespace", app.namespace.as_str()),
            ("name", &app.name),
            ("project", &app.project),
            ("repo", &app.repository),
            ("dest_server", &app.dest_server),
            ("dest_namespace", &app.dest_namespace),
            ("sync_status", app.sync.as_str()),
            ("health_status", &app.health),
            ("operation", operation),
            (
                "autosync_enabled",
                if app.is_automated { "true" } else { "false" },
            ),
        ];
        out.sample(name, &labels, 1);
    }
}

fn app_conditions(apps: &[AppView], out: &mut Exposition) {
    let name = "argocd_app_condition";
    out.family(name, "gauge", "Conditions of an application, by type.");
    for app in apps {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for condition in &app.conditions {
            *counts.entry(&condition.kind).or_default() += 1;
        }
        for (condition, count) in counts {
            let labels = [
                ("namespace", app.namespace.as_str()),
                ("name", &app.name),
                ("project", &app.project),
                ("condition", condition),
            ];
            out.sample(name, &labels, count);
        }
    }
}

/// As Prometheus' own client libraries name them; nothing where there is no
/// /proc.
fn process(out: &mut Exposition) {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).ok();
    let resident = read("status").and_then(|text| {
        let kib = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        kib.split_whitespace().next()?.parse::<u64>().ok()
    });
    if let Some(kib) = resident {
        let name = "process_resident_memory_bytes";
        out.family(name, "gauge", "Resident memory size in bytes.");
        out.sample(name, &[], kib * 1024);
    }
    let name = "process_cpu_seconds_total";
    out.family(
        name,
        "counter",
        "Total user and system CPU time spent in seconds.",
    );
    out.sample(name, &[], cpu_time().as_secs_f64());
}

#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.0.push(if at == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"{}\"", Escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }
}

/// A label's value between its quotes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_as_the_format_asks_for() {
        let mut out = Exposition::default();
        out.sample("a", &[("b", "c\"d\\e\nf ü"), ("g", "")], 1);
        out.sample("h", &[], 0.5);
        assert_eq!(out.0, "a{b=\"c\\\"d\\\\e\\nf ü\",g=\"\"} 1\nh 0.5\n");
    }
}
