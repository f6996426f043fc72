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

use drupelet::kube::{ApplyOptions, Client};
use drupelet::object::Object;
use drupelet::value::yaml;
use measure::{PATIENCE, applications, binary, client, cpu_seconds, start, status, synced, wait};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use support::git_server;

const UPSTREAM: &str = "https://github.com/dixneuf19/brassberry-kubernetes-cluster-state";
/// The agent counts as being at rest after so long, and is watched so long
/// then, or as many seconds as `DRUPELET_REST` says.
const REST: Duration = Duration::from_secs(15);
/// Of the 21 Applications: four are in repositories that cannot be reached.
const EXPECTED: usize = 17;

fn main() {
    let corpus = std::env::var_os("DRUPELET_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    let bundle = corpus.join("repos/brassberry-kubernetes-cluster-state.bundle");
    if !bundle.exists() {
        println!("not run: no {}", bundle.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let served = folder.path().join("served");
    fs::create_dir(&served).expect("the folder is writable");
    let Some(server) = git_server::serve(&served, git_server::Behaviour::default()) else {
        return;
    };
    let url = server.url("/brassberry.git");
    prepare(&corpus, &bundle, folder.path(), &served, &url);
    let certificate = folder.path().join("ca.pem");
    fs::write(&certificate, &server.certificate).expect("the folder is writable");
    let kubeconfig = folder.path().join("kubeconfig");

    let mut sandbox = Command::new(binary());
    sandbox.args(["sandbox", "--kube-version", "1.21", "--write-kubeconfig"]);
    let _sandbox = start(sandbox.arg(&kubeconfig));
    let client = wait(|| client(&kubeconfig));
    let began = Instant::now();
    let mut agent = Command::new(binary());
    agent.args(["agent", "--kubeconfig"]).arg(&kubeconfig);
    agent.arg("--cache-dir").arg(folder.path().join("cache"));
    let agent = start(agent.env("SSL_CERT_FILE", &certificate));
    let pid = agent.0.id();
    apply_root(&client, &folder.path().join("clone"), &url);
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

/// A clone whose Applications name the loopback server, with one more.
fn prepare(corpus: &Path, bundle: &Path, folder: &Path, served: &Path, url: &str) {
    let git = |directory: &Path, arguments: &[&str]| {
        git_server::git(directory, arguments).expect("git does it")
    };
    let clone = folder.join("clone");
    git(
        folder,
        &["clone", "-q", &bundle.display().to_string(), "clone"],
    );
    let added = corpus.join("repos/kube-prometheus-stack-app.yaml");
    let added = fs::read_to_string(added).expect("it is in the corpus");
    let apps = clone.join("argocd/apps");
    fs::write(apps.join("kube-prometheus-stack.yaml"), added).expect("the clone is writable");
    rewrite(&apps, url);
    git(&clone, &["add", "-A"]);
    let author = [
        "-c",
        "user.name=bench",
        "-c",
        "user.email=bench@example.com",
    ];
    git(
        &clone,
        &[&author[..], &["commit", "-qm", "loopback"]].concat(),
    );
    let bare = served.join("brassberry.git").display().to_string();
    git(folder, &["clone", "-q", "--bare", "clone", &bare]);
}

fn rewrite(directory: &Path, url: &str) {
    for entry in fs::read_dir(directory).expect("a folder of the clone") {
        let path = entry.expect("a folder of the clone").path();
        if path.is_dir() {
            rewrite(&path, url);
        } else if let Ok(text) = fs::read_to_string(&path) {
            fs::write(&path, text.replace(UPSTREAM, url)).expect("the clone is writable");
        }
    }
}

fn apply_root(client: &Client, clone: &Path, url: &str) {
    let text = fs::read_to_string(clone.join("argocd/apps/argocd-apps.yaml"));
    let text = text.expect("the root of the repository");
    let value = yaml::parse_one(&text.replace(UPSTREAM, url)).expect("YAML");
    let mut root = Object::new(value).expect("an Application");
    root.set_namespace("argocd");
    let options = ApplyOptions::by("kubectl");
    wait(|| client.apply(&applications(), &root, &options).ok());
}
