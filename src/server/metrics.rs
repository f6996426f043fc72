use crate::agent::{AppView, Handle};
use std::fmt::Write;

/// All counters in Prometheus' text format. Names are Argo CD's where the
/// meaning is the same.
pub fn text(handle: &Handle) -> String {
    let mut out = String::new();
    let counts = handle.client.counts();
    let git = handle.git_counts();
    let metrics = &handle.metrics;
    for (name, help, value) in [
        (
            "drupelet_renders_total",
            "Sources rendered to manifests.",
            metrics.renders.get(),
        ),
        (
            "drupelet_compares_without_render_total",
            "Comparisons for which no input had changed.",
            metrics.compares_without_render.get(),
        ),
        (
            "drupelet_syncs_succeeded_total",
            "Syncs that succeeded.",
            metrics.syncs_succeeded.get(),
        ),
        (
            "drupelet_syncs_failed_total",
            "Syncs that failed, retries among them.",
            metrics.syncs_failed.get(),
        ),
        (
            "drupelet_status_patches_total",
            "Patches of an Application's status.",
            metrics.status_patches.get(),
        ),
        (
            "drupelet_git_polls_total",
            "Times that a repository was asked for its refs.",
            metrics.polls.get(),
        ),
        (
            "drupelet_git_requests_total",
            "HTTP requests and ssh sessions to repositories.",
            git.requests,
        ),
        (
            "drupelet_git_received_bytes_total",
            "Bytes that came from repositories.",
            git.bytes_received,
        ),
        (
            "drupelet_git_fetches_total",
            "Packs that were fetched.",
            git.fetches,
        ),
        (
            "drupelet_git_objects_total",
            "Objects in fetched packs.",
            git.objects,
        ),
        (
            "drupelet_git_written_bytes_total",
            "Bytes of packs and indices written to the cache.",
            git.bytes_written,
        ),
        (
            "drupelet_kube_reads_total",
            "Requests to the API server that read.",
            counts.reads,
        ),
        (
            "drupelet_kube_watches_total",
            "Watches that were opened.",
            counts.watches,
        ),
        (
            "drupelet_kube_writes_total",
            "Requests to the API server that write.",
            counts.writes,
        ),
        (
            "drupelet_kube_dry_runs_total",
            "Dry runs of writes.",
            counts.dry_runs,
        ),
        (
            "drupelet_kube_retries_total",
            "Attempts after the first.",
            counts.retries,
        ),
    ] {
        let _ = writeln!(
            out,
            "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}"
        );
    }
    let _ = writeln!(
        out,
        "# HELP drupelet_live_objects Live objects that are known.\n# TYPE drupelet_live_objects gauge\ndrupelet_live_objects {}",
        handle.n_objects()
    );
    out.push_str(
        "# HELP argocd_app_info Information about application.\n# TYPE argocd_app_info gauge\n",
    );
    for AppView {
        namespace,
        name,
        sync,
        health,
        ..
    } in handle.apps()
    {
        let _ = writeln!(
            out,
            "argocd_app_info{{namespace={namespace:?},name={name:?},sync_status={:?},health_status={health:?}}} 1",
            sync.as_str()
        );
    }
    out
}
