//! Many applications of one repository: how the agent's memory and the time
//! from a commit to its object grow with what the commit does not touch.
//!
//! ```text
//! cargo bench --bench scale
//! ```
//! The agent and the sandbox are two processes. Each application has ten
//! ConfigMaps; a commit changes one of them.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code)] // a bench uses its part of the shared support
mod support;

#[allow(dead_code)] // and of what the benches share
mod measure;

use drupelet::kube::{ApplyOptions, Client, Resource};
use drupelet::object::Object;
use drupelet::value::{Value, yaml};
use measure::{applications, binary, client, cpu_seconds, start, status, synced, wait};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use support::repository::TestRepository;

const URL: &str = "https://git.example.com/many";
const FEW: usize = 10;
const MANY: usize = 500;
const OBJECTS: usize = 10;
/// Odd, so that there is a median.
const COMMITS: usize = 15;
const REST: Duration = Duration::from_secs(15);

struct Figures {
    settled: f64,
    cpu: f64,
    /// MiB.
    rest: f64,
    peak: f64,
    /// Seconds from a commit to its object: median, and the longest.
    median: f64,
    longest: f64,
    /// Renders a commit.
    renders: f64,
    cpu_of_commit: f64,
}

fn main() {
    let (few, many) = (measure(FEW), measure(MANY));
    println!("applications of {OBJECTS} objects      {FEW:>8} {MANY:>8}    ratio");
    let row = |name: &str, get: fn(&Figures) -> f64| {
        let (one, other) = (get(&few), get(&many));
        println!("{name:<30}{one:>8.3} {other:>8.3} {:>8.2}", other / one);
    };
    row("all settled after (s)", |f| f.settled);
    row("CPU time until then (s)", |f| f.cpu);
    row("resident at rest (MiB)", |f| f.rest);
    row("resident at peak (MiB)", |f| f.peak);
    row("commit to object, median (s)", |f| f.median);
    row("commit to object, longest (s)", |f| f.longest);
    row("renders a commit", |f| f.renders);
    row("CPU time a commit (s)", |f| f.cpu_of_commit);
    let more = ((MANY - FEW) * OBJECTS) as f64;
    let bytes = (many.rest - few.rest) * 1024.0 * 1024.0 / more;
    println!("resident memory for each object more: {bytes:.0} bytes");
}

fn measure(n: usize) -> Figures {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repository = TestRepository::create(&folder.path().join("repository"));
    let mut files: Vec<(String, String)> =
        (0..n).map(|app| (file(app), objects(app, "0"))).collect();
    let commit = |files: &[(String, String)]| {
        let files: Vec<_> = files.iter().map(|(f, t)| (&f[..], &t[..])).collect();
        repository.commit("main", &files);
    };
    commit(&files);
    let kubeconfig = folder.path().join("kubeconfig");
    let mut sandbox = Command::new(binary());
    sandbox.args(["sandbox", "--write-kubeconfig"]);
    let _sandbox = start(sandbox.arg(&kubeconfig));
    let client = wait(|| client(&kubeconfig));
    let mut agent = Command::new(binary());
    agent.args(["agent", "--kubeconfig"]).arg(&kubeconfig);
    agent.arg("--cache-dir").arg(folder.path().join("cache"));
    let map = format!("{URL}={}", repository.path.display());
    let metrics = free_address();
    let agent = start(agent.args(["--map", &map, "--listen", &metrics]));
    let pid = agent.0.id();
    let began = Instant::now();
    wait(|| apply(&client, &application(0)).then_some(()));
    for app in 1..n {
        assert!(apply(&client, &application(app)), "application {app}");
    }
    wait(|| (synced(&client) == n).then_some(()));
    let settled = began.elapsed().as_secs_f64();
    let cpu = cpu_seconds(pid);
    thread::sleep(REST);
    let rest = mib(status(pid, "VmRSS"));
    let before = (renders(&metrics), cpu_seconds(pid));
    let mut times: Vec<f64> = (1..=COMMITS)
        .map(|round| {
            // Not always the first one that the agent thinks of.
            let (app, value) = (round * 7919 % n, round.to_string());
            files[app].1 = objects(app, &value);
            commit(&files);
            let began = Instant::now();
            wait(|| (value_of(&client, app).as_deref() == Some(&value)).then_some(()));
            let time = began.elapsed().as_secs_f64();
            // The next one meets an agent at rest.
            thread::sleep(Duration::from_secs(3));
            time
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let rounds = COMMITS as f64;
    Figures {
        settled,
        cpu,
        rest,
        peak: mib(status(pid, "VmHWM")),
        median: times[COMMITS / 2],
        longest: times[COMMITS - 1],
        renders: (renders(&metrics) - before.0) / rounds,
        cpu_of_commit: (cpu_seconds(pid) - before.1) / rounds,
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn file(app: usize) -> String {
    format!("apps/{app}/all.yaml")
}

fn objects(app: usize, value: &str) -> String {
    (0..OBJECTS)
        .map(|n| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: app-{app}-{n}}}\ndata: {{value: '{value}'}}\n---\n"
            )
        })
        .collect()
}

fn application(app: usize) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: app-{app}, namespace: argocd}}\n\
         spec:\n  project: default\n  source: {{repoURL: '{URL}', path: apps/{app}, targetRevision: HEAD}}\n\
         \x20 destination: {{server: 'https://kubernetes.default.svc', namespace: default}}\n\
         \x20 syncPolicy: {{automated: {{selfHeal: true}}}}\n"
    )
}

fn apply(client: &Client, text: &str) -> bool {
    let object = Object::new(yaml::parse_one(text).expect("YAML")).expect("an object");
    let options = ApplyOptions::by("kubectl");
    client.apply(&applications(), &object, &options).is_ok()
}

fn value_of(client: &Client, app: usize) -> Option<String> {
    let config_maps = Resource {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        plural: "configmaps".to_owned(),
        ..applications()
    };
    let found = client.find(&config_maps, "default", &format!("app-{app}-9"));
    let found = found.ok()??;
    Some(Value::as_str(found.at(&["data", "value"])?)?.to_owned())
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").to_string()
}

fn renders(address: &str) -> f64 {
    let text = ureq::get(format!("http://{address}/metrics"))
        .call()
        .and_then(|mut answer| answer.body_mut().read_to_string())
        .expect("the agent serves its metrics");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("drupelet_renders_total "));
    line.and_then(|value| value.parse().ok())
        .expect("it is counted")
}
