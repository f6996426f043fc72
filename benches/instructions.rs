//! How many instructions the agent takes for a poll without news and for a commit
//! of one file: a figure that neither the machine nor its load changes.
//!
//! ```text
//! DRUPELET_BINARY=dist/drupelet-x86_64 cargo bench --profile dev --bench instructions
//! ```
//! The setting is that of `footprint`; QEMU's user emulation runs the agent and
//! counts (`measure/instructions.c`): those of the process, not of the kernel.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code)] // a bench uses its part of the shared support
mod support;

#[allow(dead_code)] // and of what the benches share
mod measure;

use measure::brassberry::{Brassberry, EXPECTED};
use measure::observed::{Observed, Place};
use measure::{binary, client, start, wait};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// As Debian's package qemu-user has it: the static one loads no plugins.
const QEMU: &str = "qemu-x86_64";
/// It takes ten times as long so.
const SETTLED_WITHIN: Duration = Duration::from_secs(900);
const POLL: &str = "4s";
/// What came with the start, or with a commit, is over then.
const SETTLE: Duration = Duration::from_secs(20);
/// Of some polls each; an odd number of them.
const WINDOW: Duration = Duration::from_secs(20);
const WINDOWS: usize = 9;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(plugin) = plugin(folder.path()) else {
        return;
    };
    let Some(brassberry) = Brassberry::serve(folder.path()) else {
        return;
    };
    // What is tried again and again would be counted along.
    brassberry.drop_unreachable();
    let kubeconfig = folder.path().join("kubeconfig");
    let mut sandbox = Command::new(binary());
    sandbox.args(["sandbox", "--kube-version", "1.21", "--write-kubeconfig"]);
    let _sandbox = start(sandbox.arg(&kubeconfig));
    let client = wait(|| client(&kubeconfig));
    let place = Place {
        folder: folder.path().to_owned(),
        kubeconfig,
        certificate: brassberry.certificate.clone(),
    };

    let counts = folder.path().join("count");
    let mut counted = Command::new(QEMU);
    counted.args(["-cpu", "max", "-plugin"]);
    counted.arg(format!("{},out={}", plugin.display(), counts.display()));
    counted.arg(binary());
    let began = Instant::now();
    // What the emulation itself takes is resident, too.
    let options = ["--poll", POLL, "--memory-budget", "1GiB"];
    let agent = Observed::start_by(counted, &place, &options);
    brassberry.apply_root(&client);
    while agent.synced() < EXPECTED {
        let waited = began.elapsed();
        assert!(waited < SETTLED_WITHIN, "not settled in {waited:?}");
        thread::sleep(Duration::from_secs(1));
    }
    thread::sleep(SETTLE);

    // The median: what else comes up now and then is no part of a poll.
    let mut by_poll: Vec<f64> = (0..WINDOWS)
        .map(|_| {
            let (polled, before) = (agent.polls(), count(&counts));
            thread::sleep(WINDOW);
            (count(&counts) - before) / (agent.polls() - polled).max(1.0)
        })
        .collect();
    by_poll.sort_by(f64::total_cmp);
    let (least, by_poll, most) = (by_poll[0], by_poll[WINDOWS / 2], by_poll[WINDOWS - 1]);

    let (polled, before) = (agent.polls(), count(&counts));
    brassberry.commit_one_file(&client);
    // Statuses follow.
    thread::sleep(SETTLE);
    let n_beside = agent.polls() - polled;
    let by_commit = count(&counts) - before - n_beside * by_poll;

    println!(
        "agent on brassberry with kube-prometheus-stack, git over https, {EXPECTED} Applications"
    );
    println!("instructions (millions)");
    println!(
        "  a poll without news   {:10.2}   ({:.2} to {:.2})",
        by_poll / 1e6,
        least / 1e6,
        most / 1e6
    );
    println!("  a commit of one file  {:10.2}", by_commit / 1e6);
    println!("{n_beside} polls beside the commit are taken off");
}

/// How many instructions the process has run.
fn count(counts: &Path) -> f64 {
    // It stands there anew ten times a second.
    thread::sleep(Duration::from_millis(200));
    let text = fs::read_to_string(counts).expect("the plugin writes it");
    text.trim().parse().expect("a number")
}

/// The plugin that counts; `None`, with a line that says so, where a tool is
/// missing.
fn plugin(folder: &Path) -> Option<PathBuf> {
    let found = |program: &str| {
        let mut probe = Command::new(program);
        probe.arg("--version").stdout(Stdio::null());
        let found = probe.status().is_ok();
        if !found {
            println!("not run: no {program} to count instructions with");
        }
        found
    };
    if !found(QEMU) || !found("cc") {
        return None;
    }
    let plugin = folder.join("count.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/measure/instructions.c");
    let built = Command::new("cc")
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .args([&plugin, &source])
        .status();
    assert!(built.is_ok_and(|built| built.success()), "the plugin");
    Some(plugin)
}
