//! The agent in a control group with a hard limit of memory, everything that it
//! touches charged to it, its binary's pages and files' too: a real repository
//! to all-settled, then commit upon commit.
//!
//! ```text
//! cargo bench --bench limit
//! ```
//! Needs root and a memory controller, of either version. The limits are 64 and
//! 48 MiB, and commits go on for 10 minutes, or for as many as
//! `DRUPELET_MINUTES` says.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code)] // a bench uses its part of the shared support
mod support;

#[allow(dead_code)] // and of what the benches share
mod measure;

use drupelet::app::Application;
use drupelet::kube::{Client, ListOptions};
use measure::brassberry::{Brassberry, EXPECTED};
use measure::{PATIENCE, applications, binary, client, start, synced, wait};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const LIMITS: [u64; 2] = [64, 48];
/// Applications whose repositories are elsewhere.
const UNREACHABLE: usize = 4;
/// Between a commit that has been applied and the next one.
const PAUSE: Duration = Duration::from_secs(5);

fn main() {
    let minutes = std::env::var("DRUPELET_MINUTES").ok();
    let minutes = minutes.and_then(|text| text.parse().ok()).unwrap_or(10);
    println!(
        "limit (MiB)  settled after  commits  longest commit  peak charged  limit met  killed"
    );
    for limit in LIMITS {
        if !measure(limit, Duration::from_secs(60 * minutes)) {
            return;
        }
    }
}

fn measure(limit: u64, patience: Duration) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(brassberry) = Brassberry::serve(folder.path()) else {
        return false;
    };
    let group = match Group::create(limit << 20) {
        Ok(group) => group,
        Err(error) => {
            println!("not run: no control group with a limit of memory: {error}");
            return false;
        }
    };
    let kubeconfig = folder.path().join("kubeconfig");
    let mut sandbox = Command::new(binary());
    sandbox.args(["sandbox", "--kube-version", "1.21", "--write-kubeconfig"]);
    let _sandbox = start(sandbox.arg(&kubeconfig));
    let client = wait(|| client(&kubeconfig));

    // Pages of a file are charged to whoever touches them first: the binary is
    // copied in the group.
    let mut agent = Command::new("sh");
    agent.args([
        "-c",
        "echo $$ >\"$0\" && cp \"$1\" \"$2\" && shift && exec \"$@\"",
    ]);
    agent.arg(group.0.join("cgroup.procs")).arg(binary());
    agent.arg(folder.path().join("drupelet"));
    agent
        .args(["agent", "--poll", "2s", "--kubeconfig"])
        .arg(&kubeconfig);
    agent.arg("--cache-dir").arg(folder.path().join("cache"));
    let began = Instant::now();
    let mut agent = start(agent.env("SSL_CERT_FILE", &brassberry.certificate));
    brassberry.apply_root(&client);
    wait(|| (synced(&client) == EXPECTED).then_some(()));
    let settled = began.elapsed();

    let (began, mut commits, mut longest) = (Instant::now(), 0, Duration::ZERO);
    while began.elapsed() < patience {
        commits += 1;
        // A manifest, the values of a small chart, and of the largest.
        touch(&brassberry, "default/whoami/whoami.yaml", commits);
        touch(&brassberry, "logging/loki/values.yaml", commits);
        touch(
            &brassberry,
            "monitoring/kube-prometheus-stack/values.yaml",
            commits,
        );
        let commit = brassberry.commit(&format!("round {commits}"));
        let pushed = Instant::now();
        while behind(&client, &commit).len() > UNREACHABLE {
            let ended = agent.0.try_wait().expect("it is our child");
            if ended.is_some() || pushed.elapsed() > PATIENCE {
                println!("{limit:>11}  commit {commits} is not applied; agent: {ended:?}");
                println!("{}", behind(&client, &commit).join("\n"));
                return false;
            }
            thread::sleep(Duration::from_millis(100));
        }
        longest = longest.max(pushed.elapsed());
        thread::sleep(PAUSE);
    }
    let ended = agent.0.try_wait().expect("it is our child");
    let killed = match ended {
        None => "no".to_owned(),
        Some(status) => status.to_string(),
    };
    println!(
        "{limit:>11}  {:>11.1} s  {commits:>7}  {:>12.1} s  {:>8.1} MiB  {:>9}  {killed:>6}",
        settled.as_secs_f64(),
        longest.as_secs_f64(),
        group.peak() as f64 / f64::from(1 << 20),
        group.limit_met(),
    );
    drop(agent);
    true
}

/// Makes a file differ, and with it what is rendered of it.
fn touch(brassberry: &Brassberry, file: &str, round: u32) {
    let path = brassberry.clone.join(file);
    let text = fs::read_to_string(&path).expect("a file of the repository");
    let before = text.split("# round").next().unwrap_or_default();
    fs::write(&path, format!("{before}# round {round}\n")).expect("the clone is writable");
}

/// The applications that are not at a commit yet, and why not.
fn behind(client: &Client, commit: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Asked again in a moment where it fails.
    let _ = client.list(&applications(), &ListOptions::default(), &mut |object| {
        let status = Application::read(&object).map(|app| app.status);
        let status = status.unwrap_or_default();
        if status.sync.revision != commit {
            let conditions = status.conditions.iter().map(|one| &one.message[..]);
            found.push(format!(
                "{} at {:?}: {}",
                object.name(),
                status.sync.revision,
                conditions.collect::<Vec<_>>().join("; ")
            ));
        }
    });
    found
}

/// A control group of ours, by its folder.
struct Group(PathBuf);

impl Group {
    fn create(bytes: u64) -> io::Result<Self> {
        let name = format!("drupelet-{}", std::process::id());
        let second = PathBuf::from("/sys/fs/cgroup");
        if second.join("cgroup.controllers").exists() {
            fs::write(second.join("cgroup.subtree_control"), "+memory")?;
            let group = Group(second.join(name));
            fs::create_dir(&group.0)?;
            fs::write(group.0.join("memory.max"), bytes.to_string())?;
            fs::write(group.0.join("memory.swap.max"), "0")?;
            return Ok(group);
        }
        let group = Group(second.join("memory").join(name));
        fs::create_dir(&group.0)?;
        fs::write(group.0.join("memory.limit_in_bytes"), bytes.to_string())?;
        fs::write(group.0.join("memory.swappiness"), "0")?;
        Ok(group)
    }

    fn read(&self, names: [&str; 2]) -> String {
        let mut texts = names
            .iter()
            .map(|name| fs::read_to_string(self.0.join(name)));
        texts.find_map(Result::ok).unwrap_or_default()
    }

    fn peak(&self) -> u64 {
        let text = self.read(["memory.peak", "memory.max_usage_in_bytes"]);
        text.trim().parse().unwrap_or(0)
    }

    /// How often a page was reclaimed since the limit was reached.
    fn limit_met(&self) -> u64 {
        let text = self.read(["memory.events", "memory.failcnt"]);
        let line = text.lines().find(|line| line.starts_with("max "));
        let number = line.map_or(text.trim(), |line| &line["max ".len()..]);
        number.parse().unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel lets it go when the last process has.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}
