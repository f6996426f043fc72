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

use drupelet::app::{Application, OperationPhase, SyncCode};
use drupelet::http::ProxyChoice;
use drupelet::kube::{ApplyOptions, Client, Config, ListOptions, Resource, Verbs};
use drupelet::object::Object;
use drupelet::value::yaml;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::git_server;

const UPSTREAM: &str = "https://github.com/dixneuf19/brassberry-kubernetes-cluster-state";
const PATIENCE: Duration = Duration::from_secs(180);
/// The agent counts as being at rest after so long, and is watched so long
/// then, or as many seconds as `DRUPELET_REST` says.
const REST: Duration = Duration::from_secs(15);
/// Of the 21 Applications: four are in repositories that cannot be reached.
const EXPECTED: usize = 17;

/// What is measured: `DRUPELET_BINARY`, else the one that cargo built.
fn binary() -> PathBuf {
    std::env::var_os("DRUPELET_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_drupelet").into(), PathBuf::from)
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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

fn start(command: &mut Command) -> Running {
    let child = command.stdout(Stdio::null()).spawn();
    Running(child.expect("the binary starts"))
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

fn client(kubeconfig: &Path) -> Option<Client> {
    let config = Config::from_files(&[kubeconfig.to_owned()], None, ProxyChoice::Direct).ok()?;
    let client = Client::new(config).ok()?;
    client.version().ok()?;
    Some(client)
}

fn wait<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain");
        thread::sleep(Duration::from_millis(20));
    }
}

fn applications() -> Resource {
    Resource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        kind: "Application".to_owned(),
        plural: "applications".to_owned(),
        namespaced: true,
        verbs: Verbs::default(),
        has_status: false,
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

fn synced(client: &Client) -> usize {
    let mut synced = 0;
    // Asked again in a moment where it fails.
    let _ = client.list(&applications(), &ListOptions::default(), &mut |object| {
        let status = Application::read(&object).map(|app| app.status);
        let status = status.unwrap_or_default();
        let runs = status
            .operation_state
            .is_some_and(|state| state.phase == OperationPhase::Running);
        synced += usize::from(status.sync.status == SyncCode::Synced && !runs);
    });
    synced
}

/// A field of /proc/PID/status in KiB.
fn status(pid: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// utime and stime: fields 14 and 15, behind the name in parentheses.
fn cpu_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}
