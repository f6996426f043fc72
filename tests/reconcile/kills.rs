//! The agent is killed after its k-th write, and started again: in the end
//! everything is as if nothing had happened.

use crate::process::AgentProcess;
use crate::state::state;
use crate::support::proxy::{Hold, Proxy};
use crate::world::{World, on_each, wait_until};
use drupelet::app::{OperationPhase, SyncCode};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Kills of each sort, a first sync and an upgrade.
const N_KILLS: usize = 10;
/// Agents at a time: each spends its time mostly in pauses between waves.
const N_AT_ONCE: usize = 5;
/// So long without a write means that nothing more is to come.
const QUIET: Duration = Duration::from_millis(1500);

/// The slowest sync here takes so long until its last write.
const KILLED_WITHIN: Duration = Duration::from_secs(25);

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.WORLD.example.com}
spec:
  group: WORLD.example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer}}}}
";
const WIDGET: &str = "apiVersion: WORLD.example.com/v1
kind: Widget
metadata: {name: one}
spec: {size: SIZE}
";
const JOB: &str = "apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {argocd.argoproj.io/hook: PreSync}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: 'migrate:VERSION'}]
";
const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {argocd.argoproj.io/sync-wave: '1'}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'web:VERSION'}]}
";
const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {argocd.argoproj.io/sync-wave: '1'}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

fn config(name: &str, colour: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{colour: {colour}}}\n"
    )
}

/// The files of version 1 or 2, for one world.
fn commit(world: &World, version: u32) -> String {
    let text = |text: &str| {
        text.replace("WORLD", &world.name)
            .replace("VERSION", &version.to_string())
            .replace("SIZE", &(version * 10).to_string())
    };
    let mut files = vec![
        ("app/crd.yaml", text(CRD)),
        ("app/widget.yaml", text(WIDGET)),
        ("app/job.yaml", text(JOB)),
        ("app/web.yaml", text(WEB)),
        ("app/service.yaml", SERVICE.to_owned()),
        ("app/same.yaml", config("same", "white")),
    ];
    if version == 1 {
        files.push(("app/changed.yaml", config("changed", "red")));
        files.push(("app/removed.yaml", config("removed", "grey")));
        files.push((
            "app/retired.yaml",
            SERVICE.replace("name: web", "name: retired"),
        ));
    } else {
        files.push(("app/changed.yaml", config("changed", "blue")));
        files.push(("app/added.yaml", config("added", "green")));
        let late = "metadata: {name: late, annotations: {argocd.argoproj.io/sync-wave: '2'}}";
        let late_config = config("late", "black").replace("metadata: {name: late}", late);
        files.push(("app/late.yaml", late_config));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    world.commit(&files)
}

fn create_app(world: &World) {
    world.apply_text(&format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: {control}}}
spec:
  project: default
  source: {{repoURL: '{url}', path: app, targetRevision: main}}
  destination: {{name: in-cluster, namespace: {name}-new}}
  syncPolicy:
    automated: {{prune: true, selfHeal: true}}
    syncOptions: [CreateNamespace=true]
",
        name = world.name,
        control = world.control_namespace(),
        url = world.url(),
    ));
}

/// What a sync came to.
#[derive(Default)]
struct Run {
    n_writes: usize,
    /// Paths that were deleted, with `WORLD` for the world's name.
    deletes: BTreeSet<String>,
    /// All objects in the end.
    state: BTreeMap<String, String>,
}

struct Trial {
    world: World,
    proxy: Proxy,
    agent: Option<AgentProcess>,
}

impl Trial {
    fn new(cluster: &Path, name: &str) -> Self {
        let world = World::new(cluster, name);
        let proxy = Proxy::start(cluster);
        Trial {
            world,
            proxy,
            agent: None,
        }
    }

    fn start(&mut self) {
        let kubeconfig = self.proxy.kubeconfig();
        self.agent = Some(AgentProcess::start(&self.world, &kubeconfig, &[]));
    }

    /// Brings the world to a version; killed at the `kill`th write.
    fn sync(&mut self, version: u32, kill: Option<usize>) -> Run {
        self.proxy.passed();
        let revision = commit(&self.world, version);
        if let Some(n) = kill {
            let hold = match n % 2 {
                0 => Hold::BeforeAnswer,
                _ => Hold::AfterAnswer,
            };
            self.proxy.hold_at_write(n, hold);
        }
        if self.agent.is_none() {
            create_app(&self.world);
            self.start();
        }
        if kill.is_some() {
            // A run may need a report less than the undisturbed one: then the
            // kill comes when all is done.
            self.proxy.wait_until_held(KILLED_WITHIN);
            self.agent.take().expect("it was started").kill();
            self.proxy.release();
            self.start();
        }
        self.wait_done(&revision);
        let passed = self.proxy.passed();
        let deletes = passed.iter().filter(|passed| passed.verb == "delete");
        Run {
            n_writes: passed.iter().filter(|passed| passed.is_write()).count(),
            deletes: deletes
                .map(|passed| passed.path.replace(&self.world.name, "WORLD"))
                .collect(),
            state: state(
                &self.world,
                &[&self.world.name, &format!("{}-new", self.world.name)],
            ),
        }
    }

    fn wait_done(&self, revision: &str) {
        let name = &self.world.name;
        self.world.wait_app(name, "synced and healthy", |app| {
            let operation = app.status.operation_state.as_ref();
            app.status.sync.status == SyncCode::Synced
                && app.status.sync.revision == revision
                && app.status.health.status == "Healthy"
                && operation.is_some_and(|operation| operation.phase == OperationPhase::Succeeded)
        });
        let mut last = (self.proxy.n_writes(), Instant::now());
        wait_until("no more writes", || {
            let n_writes = self.proxy.n_writes();
            if n_writes != last.0 {
                last = (n_writes, Instant::now());
            }
            last.1.elapsed() > QUIET
        });
    }
}

/// Different writes over all the writes of a sync, the first and the last
/// among them.
fn kills(n_writes: usize) -> Vec<usize> {
    let last = n_writes.max(N_KILLS) - 1;
    (0..N_KILLS)
        .map(|index| 1 + index * last / (N_KILLS - 1))
        .collect()
}

#[track_caller]
fn assert_same(name: &str, killed: &Run, undisturbed: &Run) {
    for (key, object) in &undisturbed.state {
        match killed.state.get(key) {
            Some(found) => assert_eq!(found, object, "{name}: {key}"),
            None => panic!("{name}: {key} is missing"),
        }
    }
    for key in killed.state.keys() {
        assert!(
            undisturbed.state.contains_key(key),
            "{name}: {key} is too much"
        );
    }
    let more: Vec<_> = killed.deletes.difference(&undisturbed.deletes).collect();
    assert!(more.is_empty(), "{name}: deleted more: {more:?}");
}

#[test]
fn a_kill_after_any_write_loses_nothing() {
    on_each(|cluster| {
        let mut trial = Trial::new(cluster, "whole");
        let first = trial.sync(1, None);
        let upgrade = trial.sync(2, None);
        drop(trial);
        println!("writes: {} and {}", first.n_writes, upgrade.n_writes);
        let both: Vec<(usize, usize)> = kills(first.n_writes)
            .into_iter()
            .zip(kills(upgrade.n_writes))
            .collect();
        for batch in both.chunks(N_AT_ONCE) {
            thread::scope(|scope| {
                for (one, two) in batch {
                    let (first, upgrade) = (&first, &upgrade);
                    scope.spawn(move || {
                        let mut trial = Trial::new(cluster, &format!("kill{one}x{two}"));
                        let killed = trial.sync(1, Some(*one));
                        assert_same(&trial.world.name, &killed, first);
                        let killed = trial.sync(2, Some(*two));
                        assert_same(&trial.world.name, &killed, upgrade);
                    });
                }
            });
        }
    });
}
