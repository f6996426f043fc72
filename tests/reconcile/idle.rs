//! At rest the agent costs nothing: no render, no write, not a byte.

use crate::process::AgentProcess;
use crate::support::cluster;
use crate::support::git_server::{self, Behaviour};
use crate::support::proxy::{Passed, Proxy};
use crate::world::{World, on_each, wait_until};
use drupelet::kube::ListOptions;
use drupelet::object::Object;
use drupelet::value::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long nothing may happen; DRUPELET_IDLE_SECONDS says otherwise.
const IDLE: Duration = Duration::from_secs(8);
/// Several polls fall into it.
const POLL: &str = "1s";
const N_APPS: usize = 3;

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {a: x}\n";
const POLICY: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}";

fn idle_time() -> Duration {
    match std::env::var("DRUPELET_IDLE_SECONDS") {
        Ok(text) => Duration::from_secs(text.parse().expect("a number of seconds")),
        Err(_) => IDLE,
    }
}

/// Names, sizes and times of everything in the cache.
fn files(folder: &Path) -> BTreeMap<String, (u64, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let metadata = entry.metadata().expect("nobody else deletes here");
            let modified = metadata.modified().expect("the file system has times");
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            found.insert(
                entry.path().display().to_string(),
                (metadata.len(), modified),
            );
        }
    }
    found
}

/// Bytes that the process sent to a disk.
fn disk_writes(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"))?;
    line.trim().parse().ok()
}

fn synced_apps(metrics: &BTreeMap<String, f64>) -> usize {
    metrics
        .keys()
        .filter(|name| {
            name.starts_with("argocd_app_info") && name.contains("sync_status=\"Synced\"")
        })
        .count()
}

/// Waits until all are Synced and nobody asks the API server for anything.
fn wait_at_rest(agent: &AgentProcess, proxy: &Proxy, passed: &mut Vec<Passed>) {
    wait_until("all are Synced", || synced_apps(&agent.metrics()) == N_APPS);
    let mut last = Instant::now();
    wait_until("quiet", || {
        let new = proxy.passed();
        if !new.is_empty() {
            last = Instant::now();
        }
        passed.extend(new);
        last.elapsed() > Duration::from_millis(1500)
    });
}

#[test]
fn a_restart_and_then_rest_cost_nothing() {
    on_each(|cluster| {
        let world = World::new(cluster, "idle");
        let files_of: Vec<(String, String)> = (0..N_APPS)
            .map(|n| {
                (
                    format!("app{n}/config.yaml"),
                    CONFIG.replace("NAME", &format!("config{n}")),
                )
            })
            .collect();
        let borrowed: Vec<(&str, &str)> = files_of
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        world.commit(&borrowed);
        let server = git_server::serve_plain(world.folder(), Behaviour::default());
        let url = match &server {
            Some(server) => server.url("/repository"),
            // Without git the repository is mapped: nothing is fetched then.
            None => world.url(),
        };
        for n in 0..N_APPS {
            let name = format!("{}-{n}", world.name);
            world.create_app_at(&name, &format!("app{n}"), POLICY);
            let patch = format!("spec: {{source: {{repoURL: '{url}'}}}}");
            world.patch_app(&name, &patch);
        }
        let proxy = Proxy::start(cluster);
        let options = ["--listen", "127.0.0.1:0", "--poll", POLL];
        let agent = AgentProcess::start(&world, &proxy.kubeconfig(), &options);
        wait_at_rest(&agent, &proxy, &mut Vec::new());
        let first = agent.metrics();
        assert!(first["drupelet_renders_total"] >= N_APPS as f64);
        if server.is_some() {
            assert!(first["drupelet_git_objects_total"] > 0.0, "{first:?}");
        }
        agent.kill();

        let before_kinds = kinds_of_cluster(&world);
        let agent = AgentProcess::start(&world, &proxy.kubeconfig(), &options);
        let mut passed = Vec::new();
        wait_at_rest(&agent, &proxy, &mut passed);
        let writes: Vec<_> = passed.iter().filter(|passed| passed.is_write()).collect();
        assert!(writes.is_empty(), "the restart wrote: {writes:?}");
        let before = agent.metrics();
        assert!(
            before["drupelet_renders_total"] <= N_APPS as f64,
            "{before:?}"
        );
        assert_eq!(before["drupelet_git_objects_total"], 0.0);
        assert_eq!(before["drupelet_kube_writes_total"], 0.0);

        let cache = files(&AgentProcess::cache(&world));
        let disk = disk_writes(agent.id());
        let kinds = kinds_of_cluster(&world);
        std::thread::sleep(idle_time());
        let passed = proxy.passed();
        // Other tests on this cluster may bring kinds, or have just done so.
        let others = before_kinds != kinds || kinds != kinds_of_cluster(&world);
        let is_discovery = |path: &str| path == "/api" || path.starts_with("/apis");
        let asked: Vec<_> = passed
            .iter()
            .filter(|passed| passed.verb != "watch")
            .filter(|passed| !(others && is_discovery(&passed.path)))
            .collect();
        assert!(asked.is_empty(), "asked of the API server: {asked:?}");
        let after = agent.metrics();
        for (name, value) in &before {
            if !name.starts_with("drupelet_") && !name.starts_with("argocd_") {
                continue; // the head of the answer
            }
            // Other tests on this cluster bring objects of their own.
            let may_grow = ["polls", "watches", "requests", "received", "live_objects"];
            let is_of_others = others && name.contains("kube_reads");
            if !is_of_others && !may_grow.iter().any(|word| name.contains(word)) {
                assert_eq!(after[name], *value, "{name}");
            }
        }
        let polls = "drupelet_git_polls_total";
        assert!(after[polls] >= before[polls] + 2.0, "it does not poll");
        assert_eq!(files(&AgentProcess::cache(&world)), cache, "the cache");
        assert_eq!(disk_writes(agent.id()), disk, "bytes to the disk");
    });
}

/// Two applications below one that deploys them, with a CRD and its object.
const CHILD: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: NAME, namespace: CONTROL}\nspec:\n  project: default\n  source: {repoURL: 'REPOSITORY', path: PATH, targetRevision: main}\n  destination: {name: in-cluster, namespace: NAMESPACE}\n  syncPolicy: {automated: {prune: true, selfHeal: true}}\n";
const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.start.example.com}\nspec:\n  group: start.example.com\n  names: {kind: Widget, plural: widgets}\n  scope: Namespaced\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n";
const WIDGET: &str =
    "apiVersion: start.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {a: 1}\n";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}\n";

/// The label selectors of the lists of each resource, in the order of asking.
fn lists(passed: &[Passed]) -> BTreeMap<String, Vec<String>> {
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for list in passed.iter().filter(|passed| passed.verb == "list") {
        let resource = list.path.rsplit('/').next().expect("a path").to_owned();
        let selector = (list.query.split('&')).find_map(|it| it.strip_prefix("labelSelector="));
        let selector = selector.unwrap_or_default().to_owned();
        lists.entry(resource).or_default().push(selector);
    }
    lists.values_mut().for_each(|selectors| selectors.sort());
    lists
}

#[test]
fn a_start_on_an_unchanged_cluster_lists_each_kind_once() {
    on_each(|cluster| {
        let world = World::new(cluster, "lists");
        let child = |name: &str| {
            CHILD
                .replace("NAMESPACE", &world.name)
                .replace("NAME", &format!("{}-{name}", world.name))
                .replace("CONTROL", &world.control_namespace())
                .replace("REPOSITORY", &world.url())
                .replace("PATH", name)
        };
        world.commit(&[
            ("app/web.yaml", &child("web")),
            ("app/kinds.yaml", &child("kinds")),
            ("web/a.yaml", DEPLOYMENT),
            ("web/b.yaml", &CONFIG.replace("NAME", "b")),
            ("web/c.yaml", SECRET),
            ("kinds/crd.yaml", CRD),
            ("kinds/widget.yaml", WIDGET),
        ]);
        world.create_app(POLICY);
        let proxy = Proxy::start(cluster);
        let options = ["--listen", "127.0.0.1:0"];
        let agent = AgentProcess::start(&world, &proxy.kubeconfig(), &options);
        wait_at_rest(&agent, &proxy, &mut Vec::new());
        agent.kill();

        let asked_of_a_start = || {
            proxy.passed();
            let agent = AgentProcess::start(&world, &proxy.kubeconfig(), &options);
            let mut passed = Vec::new();
            wait_at_rest(&agent, &proxy, &mut passed);
            agent.kill();
            passed
        };
        let (ours, argocd) = ("drupelet.io%2Fmanaged%3Dtrue", "app.kubernetes.io%2F");
        let controller = format!("{argocd}name%3Dargocd-application-controller");
        let settings = format!("{argocd}part-of%3Dargocd");
        let expected: BTreeMap<String, Vec<String>> = [
            // The agent's own ones and those that are deployed: one list.
            ("applications", vec![""]),
            ("appprojects", vec![""]),
            ("customresourcedefinitions", vec![ours]),
            ("widgets", vec![ours]),
            // What is settings, and what is deployed: different objects.
            ("configmaps", vec![&settings, ours]),
            ("secrets", vec!["argocd.argoproj.io%2Fsecret-type", ours]),
            // Whether Argo CD runs, before anything else.
            ("deployments", vec![&controller, ours]),
            ("statefulsets", vec![&controller]),
        ]
        .into_iter()
        .map(|(resource, selectors)| {
            let selectors = selectors.into_iter().map(str::to_owned).collect();
            (resource.to_owned(), selectors)
        })
        .collect();
        let with_cache = asked_of_a_start();
        assert_eq!(lists(&with_cache), expected, "with its cache");
        fs::remove_dir_all(AgentProcess::cache(&world)).expect("the agent has ended");
        let without = asked_of_a_start();
        assert_eq!(lists(&without), expected, "without its cache");
        let n_writes = with_cache.iter().chain(&without).filter(|it| it.is_write());
        assert_eq!(n_writes.count(), 0, "a start wrote");
    });
}

#[test]
fn a_start_asks_twice_what_is_served() {
    let cluster = cluster::sandbox();
    let world = World::new(&cluster.kubeconfig, "served");
    world.commit(&[("app/b.yaml", &CONFIG.replace("NAME", "b"))]);
    for n in 0..N_APPS {
        world.create_app_at(&format!("{}-{n}", world.name), "app", "");
    }
    let proxy = Proxy::start(&cluster.kubeconfig);
    let options = ["--listen", "127.0.0.1:0"];
    let agent = AgentProcess::start(&world, &proxy.kubeconfig(), &options);
    let mut passed = Vec::new();
    wait_until("it is quiet", || {
        std::thread::sleep(Duration::from_millis(1500));
        let new = proxy.passed();
        let is_quiet = new.is_empty() && !passed.is_empty();
        passed.extend(new);
        is_quiet
    });
    agent.kill();
    let of = |path: &str| passed.iter().filter(|passed| passed.path == path).count();
    // At the start, and once changes are told: nothing slips by in between.
    assert_eq!((of("/api"), of("/apis")), (2, 2));
}

/// The API server writes 1000m as 1: by the fields alone it cannot be told that
/// this is in sync.
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - {name: a, image: example.com/a, resources: {limits: {cpu: 1000m}}}\n";

#[test]
fn a_restart_with_its_cache_needs_no_dry_run() {
    on_each(|cluster| {
        let world = World::new(cluster, "digests");
        world.commit(&[
            ("app/a.yaml", DEPLOYMENT),
            ("app/b.yaml", &CONFIG.replace("NAME", "b")),
        ]);
        world.create_app(POLICY);
        let options = ["--listen", "127.0.0.1:0"];
        let agent = AgentProcess::start(&world, cluster, &options);
        world.wait_synced();
        let kept = AgentProcess::cache(&world).join("digests");
        wait_until("the digests are kept", || {
            let files = files(&kept);
            files.len() == 1 && files.values().all(|(bytes, _)| *bytes > 250)
        });
        agent.kill();
        let dry_runs_of_a_start = || {
            let agent = AgentProcess::start(&world, cluster, &options);
            wait_until("it is compared", || synced_apps(&agent.metrics()) == 1);
            let metrics = agent.metrics();
            assert_eq!(metrics["drupelet_renders_total"], 1.0);
            agent.kill();
            metrics["drupelet_kube_dry_runs_total"]
        };
        assert_eq!(dry_runs_of_a_start(), 0.0);
        fs::remove_dir_all(&kept).expect("the agent has ended");
        assert_eq!(dry_runs_of_a_start(), 1.0);
        assert_eq!(dry_runs_of_a_start(), 0.0);
    });
}

/// The schema of a status as an Argo CD of years ago had it: what is not in it
/// the API server drops.
fn age(schema: &mut Value) {
    match schema {
        Value::Map(map) => {
            map.remove("x-kubernetes-preserve-unknown-fields");
            for field in ["controllerNamespace", "initiatedBy", "lastTransitionTime"] {
                map.remove(field);
            }
            map.iter_mut().for_each(|(_, value)| age(value));
        }
        Value::Seq(items) => items.iter_mut().for_each(age),
        _ => {}
    }
}

#[test]
fn a_restart_over_an_old_crd_changes_no_application() {
    let cluster = cluster::sandbox();
    let world = World::new(&cluster.kubeconfig, "old");
    let (version, kind) = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let crd = world.find(version, kind, "applications.argoproj.io");
    let crd = crd.expect("the agent installed it");
    let mut spec = crd.at(&["spec"]).expect("a CRD has a spec").clone();
    age(&mut spec);
    let patch = Map::from_iter([("spec", spec)]);
    let patch = Value::Map(patch).to_json();
    world.edit(version, kind, "applications.argoproj.io", &patch);

    world.commit(&[("app/a.yaml", &CONFIG.replace("NAME", "a"))]);
    world.create_app(POLICY);
    let start = || AgentProcess::start(&world, &cluster.kubeconfig, &["--listen", "127.0.0.1:0"]);
    let at_rest = |agent: &AgentProcess| {
        let patches = |agent: &AgentProcess| agent.metrics()["drupelet_status_patches_total"];
        wait_until("it is compared", || synced_apps(&agent.metrics()) == 1);
        let mut last = (patches(agent), Instant::now());
        wait_until("quiet", || {
            let now = patches(agent);
            if now != last.0 {
                last = (now, Instant::now());
            }
            last.1.elapsed() > Duration::from_millis(1500)
        });
        last.0
    };
    let agent = start();
    at_rest(&agent);
    agent.kill();
    let status = |object: &Object| object.at(&["status"]).cloned();
    let before = world.app_object(&world.name).expect("it is there");
    let dropped = [
        &["controllerNamespace"][..],
        &["health", "lastTransitionTime"],
    ];
    for path in dropped {
        let path = [&["status"], path].concat();
        assert_eq!(before.at(&path), None, "the CRD keeps it");
    }
    let agent = start();
    let n_patches = at_rest(&agent);
    let after = world.app_object(&world.name).expect("it is there");
    assert_eq!(
        after.resource_version(),
        before.resource_version(),
        "{:?}",
        status(&after)
    );
    assert!(
        n_patches <= 1.0,
        "asked {n_patches} times for what is not kept"
    );
}

/// The CRDs of the cluster in the state that they are in.
fn kinds_of_cluster(world: &World) -> Vec<(String, String)> {
    let crds = world.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let mut kinds = Vec::new();
    world
        .client
        .list(&crds, &ListOptions::default(), &mut |crd| {
            kinds.push((crd.name().to_owned(), crd.resource_version().to_owned()));
        })
        .expect("the API server answers");
    kinds.sort();
    kinds
}
