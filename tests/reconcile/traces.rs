//! The order of writes, prunes and hooks, held against gitops-engine.
//!
//! `traces.txt` has what `tests/oracle/gitops` wrote to the real API server
//! for each scenario. `DRUPELET_RECORD_TRACES=PROGRAM`, the path of that
//! program when it is built, records it anew. Writes of one kind that follow
//! each other go out side by side there: they are compared sorted.

use crate::manifests::{config, failing_job, job, object, stuck_job};
use crate::support::proxy::{Harm, Passed, Proxy};
use crate::world::{World, client, on_each};
use drupelet::app::OperationPhase;
use drupelet::object::Object;
use drupelet::value::yaml;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long the last deletions may take to be seen.
const LAST_WRITES: Duration = Duration::from_secs(20);

struct Scenario {
    name: &'static str,
    /// What is synced first, unnoticed.
    before: String,
    after: String,
    prune: bool,
    prune_last: bool,
    skip_hooks: bool,
    /// `Kind/name` of a selective sync.
    only: &'static [&'static str],
}

fn scenario<const N: usize, const M: usize>(
    name: &'static str,
    before: [String; N],
    after: [String; M],
) -> Scenario {
    Scenario {
        name,
        before: before.concat(),
        after: after.concat(),
        prune: true,
        prune_last: false,
        skip_hooks: false,
        only: &[],
    }
}

fn account(name: &str, annotations: &str) -> String {
    object("v1", "ServiceAccount", name, annotations, "")
}

fn service(name: &str, annotations: &str) -> String {
    let spec = "spec: {ports: [{port: 80}]}\n";
    object("v1", "Service", name, annotations, spec)
}

fn secret(name: &str, annotations: &str) -> String {
    object("v1", "Secret", name, annotations, "")
}

fn role(name: &str) -> String {
    object(
        "rbac.authorization.k8s.io/v1",
        "Role",
        name,
        "",
        "rules: []\n",
    )
}

fn scenarios() -> Vec<Scenario> {
    const SUCCEEDED: &str = "hook-delete-policy=HookSucceeded";
    let hook = |name, kind: &str, more: &str| job(name, &format!("hook={kind} {more}"));
    vec![
        scenario("one-wave", [], [config("b", ""), config("a", "")]),
        scenario(
            "kinds",
            [],
            [
                service("s", ""),
                role("r"),
                config("c", ""),
                secret("t", ""),
                account("who", ""),
            ],
        ),
        scenario(
            "waves",
            [],
            [
                config("late", "sync-wave=5"),
                config("middle", ""),
                config("early", "sync-wave=-5"),
            ],
        ),
        scenario(
            "kinds-in-waves",
            [],
            [
                config("c1", "sync-wave=1"),
                secret("s1", "sync-wave=1"),
                config("c0", ""),
                secret("s0", ""),
            ],
        ),
        scenario("presync", [], [config("a", ""), hook("pre", "PreSync", "")]),
        scenario(
            "postsync",
            [],
            [config("a", ""), hook("post", "PostSync", "")],
        ),
        scenario(
            "sync-hook",
            [],
            [
                config("a", ""),
                service("s", ""),
                hook("during", "Sync", ""),
            ],
        ),
        scenario(
            "all-phases",
            [],
            [
                hook("post", "PostSync", ""),
                hook("during", "Sync", ""),
                hook("pre", "PreSync", ""),
                config("a", ""),
            ],
        ),
        scenario(
            "hook-waves",
            [],
            [
                hook("second", "PreSync", "sync-wave=2"),
                hook("first", "PreSync", "sync-wave=1"),
                config("a", ""),
            ],
        ),
        scenario(
            "hook-of-two-phases",
            [],
            [hook("twice", "PreSync,PostSync", ""), config("a", "")],
        ),
        scenario(
            "hook-succeeded",
            [],
            [
                hook("pre", "PreSync", SUCCEEDED),
                config("a", "sync-wave=1"),
            ],
        ),
        scenario(
            "hook-succeeded-twice",
            [],
            [
                hook("pre", "PreSync", SUCCEEDED),
                hook("post", "PostSync", SUCCEEDED),
                config("a", ""),
            ],
        ),
        scenario(
            "hook-failed-policy-of-a-success",
            [],
            [
                hook("pre", "PreSync", "hook-delete-policy=HookFailed"),
                config("a", ""),
            ],
        ),
        scenario(
            "before-hook-creation",
            [hook("pre", "PreSync", ""), config("a", "")],
            [hook("pre", "PreSync", ""), config("b", "")],
        ),
        scenario(
            "two-before-hook-creation",
            [
                hook("one", "PreSync", ""),
                hook("two", "PreSync", ""),
                config("a", ""),
            ],
            [
                hook("one", "PreSync", ""),
                hook("two", "PreSync", ""),
                config("a", ""),
                config("b", ""),
            ],
        ),
        scenario(
            "generated-name",
            [],
            [hook("made-*", "PreSync", ""), config("a", "")],
        ),
        scenario("skip", [], [hook("never", "Skip", ""), config("a", "")]),
        scenario(
            "failing-presync",
            [],
            [failing_job("fails", "hook=PreSync"), config("a", "")],
        ),
        scenario(
            "failing-presync-and-syncfail",
            [],
            [
                failing_job("fails", "hook=PreSync hook-delete-policy=HookFailed"),
                hook("tell", "SyncFail", ""),
                config("a", ""),
            ],
        ),
        scenario(
            "failing-postsync",
            [],
            [failing_job("fails", "hook=PostSync"), config("a", "")],
        ),
        scenario(
            "refused",
            [],
            [
                config("a", ""),
                config("refused", ""),
                service("s", ""),
                config("later", "sync-wave=1"),
            ],
        ),
        scenario(
            "refused-and-syncfail",
            [],
            [
                hook("pre", "PreSync", "hook-delete-policy=HookFailed"),
                config("refused", ""),
                hook("tell", "SyncFail", ""),
                config("later", "sync-wave=1"),
            ],
        ),
        scenario(
            "prune",
            [config("a", ""), config("gone", ""), service("gone", "")],
            [config("a", ""), config("new", "")],
        ),
        scenario(
            "prune-waves",
            [
                config("p0", ""),
                config("p1", "sync-wave=1"),
                config("p2", "sync-wave=2"),
            ],
            [config("new", "")],
        ),
        scenario(
            "prune-last-of-one",
            [
                config("p0", "sync-options=PruneLast=true"),
                config("p1", ""),
            ],
            [config("new", ""), config("newer", "sync-wave=3")],
        ),
        Scenario {
            prune_last: true,
            ..scenario(
                "prune-last",
                [config("p0", ""), config("p1", "sync-wave=1")],
                [config("new", ""), hook("post", "PostSync", "")],
            )
        },
        scenario(
            "prune-false",
            [
                config("kept", "sync-options=Prune=false"),
                config("gone", ""),
            ],
            [config("new", "")],
        ),
        Scenario {
            prune: false,
            ..scenario("without-prune", [config("extra", "")], [config("new", "")])
        },
        Scenario {
            skip_hooks: true,
            ..scenario(
                "apply-strategy",
                [],
                [
                    hook("pre", "PreSync", ""),
                    config("a", ""),
                    config("b", "sync-wave=1"),
                ],
            )
        },
        Scenario {
            skip_hooks: true,
            only: &["ConfigMap/a"],
            ..scenario(
                "selective",
                [],
                [config("a", ""), config("b", ""), hook("pre", "PreSync", "")],
            )
        },
        scenario(
            "nothing-left",
            [config("a", ""), service("s", "")],
            [hook("never", "Skip", "")],
        ),
        scenario(
            "waits-for-a-hook",
            [],
            [stuck_job("stuck", "hook=PreSync"), config("a", "")],
        ),
    ]
}

/// The trace of one scenario: its writes in a form that two tools share.
fn normalized(passed: &[Passed], namespace: &str, scenario: &Scenario) -> Vec<String> {
    let waves = waves(scenario);
    let place = format!("/namespaces/{namespace}/");
    let mut writes: Vec<(String, String)> = Vec::new();
    for one in passed {
        let Some((_, object)) = one.path.split_once(&place) else {
            continue;
        };
        // What only ends a hook: its finalizer that is taken away.
        let is_release = matches!(one.verb, "patch" | "update");
        if !one.is_write() || one.status >= 300 || is_release {
            continue;
        }
        let (kind, name) = object.split_once('/').unwrap_or((object, ""));
        let name = match name.starts_with("made-") {
            true => "made-REVISION-presync-TIME",
            false => name,
        };
        let wave = waves.get(name).map_or("0", String::as_str);
        let group = match one.verb {
            "delete" => format!("delete {wave}"),
            verb => format!("{verb} {kind} {wave}"),
        };
        writes.push((group, format!("{} {kind}/{name}", one.verb)));
    }
    let mut lines = Vec::new();
    for run in writes.chunk_by(|a, b| a.0 == b.0) {
        let mut run: Vec<String> = run.iter().map(|(_, write)| write.clone()).collect();
        run.sort();
        lines.extend(run);
    }
    lines
}

/// The waves of a scenario's objects, by their names.
fn waves(scenario: &Scenario) -> BTreeMap<String, String> {
    let mut waves = BTreeMap::new();
    let texts = scenario.before.split_terminator("---\n");
    for text in texts.chain(scenario.after.split_terminator("---\n")) {
        let value = yaml::parse_one(text).expect("the test writes YAML");
        let object = Object::new(value).expect("the test writes objects");
        if let Some(wave) = object.annotation("argocd.argoproj.io/sync-wave") {
            waves.insert(object.name().to_owned(), wave.to_owned());
        }
    }
    waves
}

fn recorded_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reconcile/traces.txt")
}

/// Scenario to its phase and its writes.
fn recorded() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(recorded_file()).expect("traces.txt is there");
    let mut traces: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            Some(write) => traces
                .get_mut(&name)
                .expect("a scenario comes first")
                .push(write.to_owned()),
            None => {
                name = line.to_owned();
                traces.insert(name.clone(), Vec::new());
            }
        }
    }
    traces
}

/// Refuses what is called `refused`, to whoever applies it.
fn refuse(proxy: &Proxy) {
    proxy.harm(Harm::FieldConflict, usize::MAX, |passed| {
        passed.verb == "apply" && !passed.dry_run && passed.path.ends_with("/refused")
    });
}

fn create_namespace(world: &World, name: &str) {
    world.apply_text(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}"
    ));
}

#[test]
fn writes_go_out_in_the_order_of_gitops_engine() {
    if let Some(program) = std::env::var_os("DRUPELET_RECORD_TRACES") {
        record(Path::new(&program));
    }
    let wanted = recorded();
    on_each(|cluster| {
        let found = with_drupelet(cluster, &wanted);
        let mut faults = String::new();
        for (name, trace) in &found {
            if wanted.get(name) != Some(trace) {
                let _ = writeln!(faults, "{name}: {trace:#?}, not {:#?}", wanted.get(name));
            }
        }
        assert!(faults.is_empty(), "{faults}");
        assert_eq!(found.len(), wanted.len());
    });
}

/// All scenarios at once, as applications of one agent.
fn with_drupelet(
    cluster: &Path,
    wanted: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, Vec<String>> {
    let mut world = World::new(cluster, "traces");
    let proxy = Proxy::start(cluster);
    refuse(&proxy);
    let scenarios = scenarios();
    let prefix = world.name.clone();
    let namespace = |scenario: &Scenario| format!("{prefix}-{}", scenario.name);
    let commit = |world: &World, text: &dyn Fn(&Scenario) -> String| {
        let files: Vec<(String, String)> = scenarios
            .iter()
            .map(|scenario| (format!("{}/all.yaml", scenario.name), text(scenario)))
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
        world.commit(&files)
    };
    commit(&world, &|scenario| match scenario.before.as_str() {
        "" => "# nothing yet\n".to_owned(),
        before => before.to_owned(),
    });
    for scenario in &scenarios {
        create_namespace(&world, &namespace(scenario));
        world.create_app_at(&namespace(scenario), scenario.name, "syncPolicy: {}");
        let options = match scenario.prune_last {
            true => "[PruneLast=true]",
            false => "[]",
        };
        world.patch_app(
            &namespace(scenario),
            &format!(
                "spec: {{destination: {{namespace: {}}}, syncPolicy: {{syncOptions: {options}}}}}",
                namespace(scenario)
            ),
        );
    }
    let names: Vec<String> = scenarios.iter().map(namespace).collect();
    world.start_agent_on(client(&proxy.kubeconfig()));
    for (scenario, name) in scenarios.iter().zip(&names) {
        if !scenario.before.is_empty() {
            world.patch_app(name, "operation: {sync: {}}");
        }
    }
    for (scenario, name) in scenarios.iter().zip(&names) {
        if !scenario.before.is_empty() {
            world.wait_app(name, "synced first", |app| !app.status.history.is_empty());
        }
    }
    let commit = commit(&world, &|scenario| scenario.after.clone());
    for name in &names {
        world.wait_app(name, "at the commit", |app| {
            app.status.sync.revision == commit && app.operation.is_none()
        });
    }
    proxy.passed();
    for (scenario, name) in scenarios.iter().zip(&names) {
        let mut sync = format!("prune: {}", scenario.prune);
        if scenario.skip_hooks && scenario.only.is_empty() {
            sync.push_str(", syncStrategy: {apply: {}}");
        }
        let only = scenario.only.iter().map(|one| {
            let (kind, name) = one.split_once('/').expect("Kind/name");
            format!("{{kind: {kind}, name: {name}}}")
        });
        let only: Vec<String> = only.collect();
        if !only.is_empty() {
            let _ = write!(sync, ", resources: [{}]", only.join(", "));
        }
        world.patch_app(name, &format!("operation: {{sync: {{{sync}}}}}"));
    }
    let mut phases = Vec::new();
    for (scenario, name) in scenarios.iter().zip(&names) {
        let stays = scenario.name == "waits-for-a-hook";
        world.wait_app(name, "over", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| match stays {
                true => state.message.contains("completion of hook"),
                false => state.phase.is_completed() && app.operation.is_none(),
            })
        });
        let state = world.app_named(name).status.operation_state;
        let phase = state.map_or(OperationPhase::Error, |state| state.phase);
        phases.push(format!("{phase:?}"));
    }
    // What is deleted when a sync is over may come a moment later.
    let until = Instant::now() + LAST_WRITES;
    let mut passed = Vec::new();
    loop {
        passed.extend(proxy.passed());
        let found: BTreeMap<String, Vec<String>> = scenarios
            .iter()
            .zip(&phases)
            .map(|(scenario, phase)| {
                let mut trace = normalized(&passed, &namespace(scenario), scenario);
                trace.push(phase.clone());
                (scenario.name.to_owned(), trace)
            })
            .collect();
        if found == *wanted || Instant::now() > until {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn record(program: &Path) {
    let mut text = String::from(
        "# The writes of gitops-engine (tests/oracle/gitops/go.mod has the version) to\n# kube-apiserver 1.34.4, recorded by tests/reconcile/traces.rs.\n",
    );
    let mut traces = BTreeMap::new();
    real_cluster(|cluster| {
        let world = World::new(cluster, "recorded");
        let scenarios = scenarios();
        for scenario in &scenarios {
            create_namespace(&world, &format!("{}-{}", world.name, scenario.name));
        }
        let done: Vec<(&str, Vec<String>)> = scenarios
            .chunks(4)
            .flat_map(|some| {
                std::thread::scope(|scope| {
                    let threads: Vec<_> = some
                        .iter()
                        .map(|scenario| {
                            let world = world.name.as_str();
                            scope.spawn(move || {
                                (
                                    scenario.name,
                                    with_engine(program, cluster, world, scenario),
                                )
                            })
                        })
                        .collect();
                    threads
                        .into_iter()
                        .map(|thread| thread.join().expect("it does not panic"))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        traces.extend(
            done.into_iter()
                .map(|(name, trace)| (name.to_owned(), trace)),
        );
    });
    for (name, trace) in traces {
        let _ = writeln!(text, "{name}");
        for write in trace {
            let _ = writeln!(text, "  {write}");
        }
    }
    std::fs::write(recorded_file(), text).expect("the folder is writable");
}

fn real_cluster(run: impl FnMut(&Path)) {
    let run = std::cell::RefCell::new(run);
    let n = std::cell::Cell::new(0);
    on_each(|cluster| {
        n.set(n.get() + 1);
        // The sandbox comes first.
        if n.get() == 2 {
            (run.borrow_mut())(cluster);
        }
    });
}

fn with_engine(program: &Path, cluster: &Path, world: &str, scenario: &Scenario) -> Vec<String> {
    let proxy = Proxy::start(cluster);
    refuse(&proxy);
    let namespace = format!("{world}-{}", scenario.name);
    if !scenario.before.is_empty() {
        sync_with_engine(program, &proxy, &namespace, &scenario.before, scenario);
        proxy.passed();
    }
    let phase = sync_with_engine(program, &proxy, &namespace, &scenario.after, scenario);
    let mut trace = normalized(&proxy.passed(), &namespace, scenario);
    trace.push(phase);
    trace
}

fn sync_with_engine(
    program: &Path,
    proxy: &Proxy,
    namespace: &str,
    manifests: &str,
    scenario: &Scenario,
) -> String {
    let objects: Vec<String> = manifests
        .split_terminator("---\n")
        .map(|text| yaml::parse_one(text).expect("the test writes YAML"))
        .map(|value| Object::new(value).expect("the test writes objects"))
        .map(|object| object.to_json())
        .collect();
    let only: Vec<String> = scenario.only.iter().map(|one| format!("{one:?}")).collect();
    let input = format!(
        r#"{{"kubeconfig":{:?},"namespace":{namespace:?},"manifests":[{}],"prune":{},"pruneLast":{},"skipHooks":{},"only":[{}]}}"#,
        proxy.kubeconfig().display().to_string(),
        objects.join(","),
        scenario.prune,
        scenario.prune_last,
        scenario.skip_hooks,
        only.join(",")
    );
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", scenario.name);
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{}: {}", scenario.name, text.trim());
    text.split([' ', ':']).next().unwrap_or_default().to_owned()
}
