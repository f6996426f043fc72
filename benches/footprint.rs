//! What the agent costs on a real repository: memory at rest and at peak,
//! wall and CPU time until all has settled, the size of the binary.
//!
//! ```text
//! cargo bench --bench footprint
//! ```
//! The agent, the sandbox and git's own server (https on loopback) are three
//! processes. The repository is a Raspberry Pi user's cluster from the corpus
//! (`DRUPELET_CORPUS`, else ../shared/corpus) with kube-prometheus-stack added.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code)] // a bench uses its part of the shared support
mod support;

#[allow(dead_code)] // and of what the benches share
mod measure;

use measure::brassberry::{Brassberry, EXPECTED};
use measure::{PATIENCE, binary, client, cpu_seconds, start, status, synced, wait};
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// The agent counts as being at rest after so long, and is watched so long
/// then, or as many seconds as `DRUPELET_REST` says.
const REST: Duration = Duration::from_secs(15);
fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(brassberry) = Brassberry::serve(folder.path()) else {
        return;
    };
    let kubeconfig = folder.path().join("kubeconfig");

    let mut sandbox = Command::new(binary());
    sandbox.args(["sandbox", "--kube-version", "1.21", "--write-kubeconfig"]);
    let _sandbox = start(sandbox.arg(&kubeconfig));
    let client = wait(|| client(&kubeconfig));
    let began = Instant::now();
    let mut agent = Command::new(binary());
    agent.args(["agent", "--kubeconfig"]).arg(&kubeconfig);
    agent.arg("--cache-dir").arg(folder.path().join("cache"));
    let agent = start(agent.env("SSL_CERT_FILE", &brassberry.certificate));
    let pid = agent.0.id();
    brassberry.apply_root(&client);
    let mut peak_anonymous = 0;
    while synced(&client) < EXPECTED {
        peak_anonymous = peak_anonymous.max(status(pid, "RssAnon"));
        assert!(began.elapsed() < PATIENCE, "not settled in {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
    let wall = began.elapsed().as_secs_f64();
    let cpu = cpu_seconds(pid);
    let peak = status(pid, "VmHWM");
    let seconds = std::env::var("DRUPELET_REST").ok();
    let seconds = seconds.and_then(|text| text.parse().ok());
    let rest = seconds.map_or(REST, Duration::from_secs);
    thread::sleep(rest);
    let (rest, rest_anonymous) = (status(pid, "VmRSS"), status(pid, "RssAnon"));
    let size = fs::metadata(binary()).map_or(0, |file| file.len());

    println!("agent on brassberry with kube-prometheus-stack, git over https, 21 Applications");
    println!("                     resident   anonymous file-backed   (MiB)");
    let row = |name: &str, cells: [u64; 3]| {
        let cells = cells.map(|kib| format!("{:11.1}", kib as f64 / 1024.0));
        println!("{name:<18}{}", cells.concat());
    };
    row("at rest", [rest, rest_anonymous, rest - rest_anonymous]);
    row(
        "at peak",
        [peak, peak_anonymous, peak.saturating_sub(peak_anonymous)],
    );
    println!("wall time to {EXPECTED} Synced   {wall:8.2} s");
    println!("CPU time to {EXPECTED} Synced    {cpu:8.2} s");
    println!("CPU by wall time        {:8.2}", cpu / wall);
    println!("peak by rest            {:8.2}", peak as f64 / rest as f64);
    println!("binary                  {:8.2} MB", size as f64 / 1e6);
}
