//! What the agent costs on a real repository: memory at rest and at peak,
//! wall and CPU time until all has settled, what it does at rest, for a poll and
//! for a commit, the size of the binary; and what a start on a cluster that did
//! not change asks for, with and without the cache.
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

use drupelet::kube::Client;
use measure::brassberry::{Brassberry, EXPECTED};
use measure::observed::{Observed, Place};
use measure::{PATIENCE, binary, client, cpu_seconds, start, status, synced, wait};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use support::proxy::{Passed, Proxy};

/// The agent counts as being at rest after so long, and is watched so long
/// then, or as many seconds as `DRUPELET_REST` says.
const REST: Duration = Duration::from_secs(15);
/// Polls without news are measured over so long, after a pause.
const POLLING: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(10);
/// A start is over when nothing was asked for so long.
const QUIET: Duration = Duration::from_millis(2_000);

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
    // Counts what the agent asks of the API server.
    let proxy = Proxy::start(&kubeconfig);
    let place = Place {
        folder: folder.path().to_owned(),
        kubeconfig: proxy.kubeconfig(),
        certificate: brassberry.certificate.clone(),
    };

    let began = Instant::now();
    let agent = Observed::start(&place, "120s");
    let pid = agent.process.0.id();
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
    let pause = seconds.map_or(REST, Duration::from_secs);
    thread::sleep(pause);
    let (rest, rest_anonymous) = (status(pid, "VmRSS"), status(pid, "RssAnon"));
    // At rest for so long, nothing but polls.
    proxy.passed();
    let (cpu_before, disk_before) = (agent.cpu(), disk_writes(pid));
    let at_rest = Instant::now();
    thread::sleep(pause);
    let idle = (agent.cpu() - cpu_before) / at_rest.elapsed().as_secs_f64();
    let disk = disk_writes(pid) - disk_before;
    let asked = requests(proxy.passed());
    drop(agent);

    // Nothing changed: a start with what is in the cache.
    proxy.passed();
    let (agent, with_cache) = Startup::of(&place, &proxy, "1s");
    // What came with the start is over then.
    thread::sleep(SETTLE);
    let (polled, before, began) = (agent.polls(), agent.cpu(), Instant::now());
    thread::sleep(POLLING);
    let by_second = (agent.cpu() - before) / began.elapsed().as_secs_f64();
    let by_poll = (agent.cpu() - before) / (agent.polls() - polled);
    let commit_cost = one_file(&brassberry, &client, &agent, by_second);
    drop(agent);
    // And without it.
    fs::remove_dir_all(folder.path().join("cache")).expect("the agent has ended");
    proxy.passed();
    let (_agent, without_cache) = Startup::of(&place, &proxy, "120s");
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
    println!(
        "peak by rest                  {:8.2}",
        peak as f64 / rest as f64
    );
    println!("wall time to {EXPECTED} Synced         {wall:8.2} s");
    println!("CPU time to {EXPECTED} Synced          {cpu:8.2} s");
    println!("CPU by wall time              {:8.2}", cpu / wall);
    println!(
        "CPU at rest                   {:8.3} % of a core",
        idle * 100.0
    );
    println!("written to disk at rest       {disk:8} bytes");
    println!(
        "requests at rest              {:8}",
        asked.values().sum::<usize>()
    );
    println!("CPU for a poll without news   {:8.2} ms", by_poll * 1e3);
    println!(
        "CPU for a commit of one file  {:8.2} ms",
        commit_cost.0 * 1e3
    );
    println!("wall time from push to applied{:8.2} s", commit_cost.1);
    println!("binary                        {:8.2} MB", size as f64 / 1e6);

    println!();
    println!("start on the unchanged cluster        with cache  without");
    println!(
        "time to all compared (s)              {:10.2} {:8.2}",
        with_cache.seconds, without_cache.seconds
    );
    println!(
        "CPU time (s)                          {:10.2} {:8.2}",
        with_cache.cpu, without_cache.cpu
    );
    println!(
        "dry runs                              {:10} {:8}",
        with_cache.dry_runs.len(),
        without_cache.dry_runs.len()
    );
    println!(
        "writes                                {:10} {:8}",
        with_cache.writes, without_cache.writes
    );
    println!(
        "most lists of one kind                {:10} {:8}",
        with_cache.most_lists(),
        without_cache.most_lists()
    );
    let kinds: BTreeSet<_> = with_cache
        .asked
        .keys()
        .chain(without_cache.asked.keys())
        .collect();
    for kind in kinds {
        let [one, other] = [&with_cache, &without_cache]
            .map(|startup| startup.asked.get(kind).copied().unwrap_or(0));
        println!("  {:<6} {:<28} {one:10} {other:8}", kind.0, kind.1);
    }
    for path in with_cache.dry_runs.iter().chain(&without_cache.dry_runs) {
        println!("  dry run of {path}");
    }
}

/// A start, until nothing is asked any more.
struct Startup {
    seconds: f64,
    cpu: f64,
    asked: BTreeMap<(&'static str, String), usize>,
    dry_runs: Vec<String>,
    writes: usize,
}

impl Startup {
    fn of(place: &Place, proxy: &Proxy, poll: &str) -> (Observed, Self) {
        let began = Instant::now();
        let agent = Observed::start(place, poll);
        wait(|| (agent.synced() >= EXPECTED).then_some(()));
        let seconds = began.elapsed().as_secs_f64();
        let mut passed = proxy.passed();
        let mut last = Instant::now();
        while last.elapsed() < QUIET {
            thread::sleep(Duration::from_millis(50));
            let new = proxy.passed();
            if !new.is_empty() {
                last = Instant::now();
            }
            passed.extend(new);
        }
        let cpu = agent.cpu();
        let dry_runs = passed.iter().filter(|passed| passed.dry_run);
        let dry_runs = dry_runs.map(|passed| passed.path.clone()).collect();
        let writes = passed.iter().filter(|passed| passed.is_write()).count();
        let startup = Startup {
            seconds,
            cpu,
            dry_runs,
            writes,
            asked: requests(passed),
        };
        (agent, startup)
    }

    fn most_lists(&self) -> usize {
        let lists = self.asked.iter().filter(|((verb, _), _)| *verb == "list");
        lists.map(|(_, count)| *count).max().unwrap_or(0)
    }
}

/// Counts by verb and kind; a watch that goes on is one request.
fn requests(passed: Vec<Passed>) -> BTreeMap<(&'static str, String), usize> {
    let mut counts = BTreeMap::new();
    for one in passed {
        *counts.entry((one.verb, kind_of(&one.path))).or_default() += 1;
    }
    counts
}

/// The plural in a path, `discovery` where there is none.
fn kind_of(path: &str) -> String {
    let mut parts = path.trim_matches('/').split('/');
    let is_core = parts.next() == Some("api");
    let rest: Vec<&str> = parts.skip(if is_core { 1 } else { 2 }).collect();
    match rest.as_slice() {
        [] => "(discovery)".to_owned(),
        ["namespaces", _, plural, ..] => (*plural).to_owned(),
        [plural, ..] => (*plural).to_owned(),
    }
}

/// A commit of one file: CPU seconds beyond those of polls, and the time from
/// the push to the object that it brings.
fn one_file(
    brassberry: &Brassberry,
    client: &Client,
    agent: &Observed,
    by_second: f64,
) -> (f64, f64) {
    let (before, measured) = (agent.cpu(), Instant::now());
    let wall = brassberry.commit_one_file(client).as_secs_f64();
    // Statuses follow.
    thread::sleep(Duration::from_secs(3));
    let polls = measured.elapsed().as_secs_f64() * by_second;
    (agent.cpu() - before - polls, wall)
}

/// Bytes that a process sent to a disk.
fn disk_writes(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"));
    line.and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0)
}
