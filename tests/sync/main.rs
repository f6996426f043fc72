//! Order, waves, hooks and failures of a sync, as traces of its effects.

use drupelet::app::{OperationPhase, SyncOptions};
use drupelet::health::HealthStatus;
use drupelet::object::Object;
use drupelet::sync::{Effect, Event, Item, Prunable, Settings, Sync, TaskFault, plan};
use drupelet::value::Value;

/// `kind name [annotation=value …]`, one object a line.
fn items(text: &str) -> Vec<Item> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            let kind = words.next().expect("a kind");
            let (namespace, name) = {
                let name = words.next().expect("a name");
                name.split_once('/').unwrap_or(("", name))
            };
            let (group, kind) = kind.split_once('.').map_or(("", kind), |(k, g)| (g, k));
            let mut object = Value::from_json(
                format!(
                    r#"{{"apiVersion":"{}","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{namespace}"}}}}"#,
                    if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") }
                )
                .as_bytes(),
            )
            .map(|value| Object::new(value).expect("an object"))
            .expect("the test writes JSON");
            for word in words {
                let (key, value) = word.split_once('=').expect("key=value");
                match key {
                    "defines" => {
                        let (kind, group) = value.split_once('.').expect("Kind.group");
                        let spec = format!(r#"{{"group":"{group}","names":{{"kind":"{kind}"}}}}"#);
                        let spec = Value::from_json(spec.as_bytes()).expect("JSON");
                        object.root_mut().insert("spec", spec);
                    }
                    key => object.set_annotation(&format!("argocd.argoproj.io/{key}"), value),
                }
            }
            Item::of(&object, &SyncOptions::default()).expect("valid annotations")
        })
        .collect()
}

fn settings() -> Settings {
    Settings {
        hooks: true,
        prune: true,
        short_revision: "0123456".into(),
        started_at: 1_700_000_000,
        ..Settings::default()
    }
}

/// Runs a sync; `answer` may fail a task or give it another health. The trace
/// is what reached the API server, in order.
fn run(
    items: Vec<Item>,
    prunables: Vec<Prunable>,
    settings: &Settings,
    answer: impl Fn(&str) -> Result<HealthStatus, TaskFault>,
) -> (Vec<String>, OperationPhase, String) {
    let mut sync = Sync::new(plan(items, prunables, settings));
    let mut trace = Vec::new();
    let mut queue = std::collections::VecDeque::from([Event::Started]);
    while let Some(event) = queue.pop_front() {
        for effect in sync.step(event) {
            let name = |index: usize| {
                let key = &sync.task(index).key;
                format!("{} {}", key.kind, key.name)
            };
            match effect {
                Effect::DryRun(index) => {
                    let label = format!("dry-run {}", name(index));
                    queue.push_back(Event::DryRunDone(index, answer(&label).map(|_| ())));
                }
                Effect::Apply(index) => {
                    let label = format!("apply {}", name(index));
                    trace.push(label.clone());
                    queue.push_back(Event::Applied(
                        index,
                        answer(&label).map(|_| "configured".to_owned()),
                    ));
                }
                Effect::Prune(index) => {
                    let label = format!("prune {}", name(index));
                    trace.push(label.clone());
                    queue.push_back(Event::Pruned(index, answer(&label).map(|_| ())));
                }
                Effect::DeleteHook(index) => {
                    trace.push(format!("delete {}", name(index)));
                    queue.push_back(Event::HookGone(index, Ok(())));
                }
                Effect::ObserveHealth(index) => {
                    let label = format!("health {}", name(index));
                    if let Ok(health) = answer(&label) {
                        queue.push_back(Event::Health(index, Some(health), String::new()));
                    }
                }
                Effect::Pause { .. } => {
                    trace.push("pause".into());
                    queue.push_back(Event::PauseOver);
                }
                Effect::ReleaseHook(_) | Effect::Report => {}
            }
        }
    }
    let outcome = sync.outcome().cloned().expect("the sync has ended");
    (trace, outcome.phase, outcome.message)
}

fn healthy(_: &str) -> Result<HealthStatus, TaskFault> {
    Ok(HealthStatus::Healthy)
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let (trace, phase, message) = run(items(text), Vec::new(), &settings(), healthy);
    assert_eq!(trace, expected);
    assert_eq!(phase, OperationPhase::Succeeded, "{message}");
}

#[test]
fn kinds_are_applied_in_their_order_then_by_name() {
    check(
        "Deployment.apps ns/web
         Service ns/b
         Service ns/a
         Namespace ns
         Widget.example.com ns/w
         ConfigMap ns/c",
        &[
            "apply Namespace ns",
            "apply ConfigMap c",
            "apply Service a",
            "apply Service b",
            "apply Deployment web",
            "apply Widget w",
        ],
    );
}

#[test]
fn waves_are_awaited_and_hooks_frame_them() {
    check(
        "ConfigMap ns/late sync-wave=5
         ConfigMap ns/early sync-wave=-1
         Job.batch ns/before hook=PreSync
         Job.batch ns/after hook=PostSync hook-delete-policy=HookSucceeded",
        &[
            "delete Job before",
            "apply Job before",
            "pause",
            "apply ConfigMap early",
            "pause",
            "apply ConfigMap late",
            "pause",
            "apply Job after",
            "delete Job after",
        ],
    );
}

#[test]
fn a_crd_goes_in_front_of_its_first_instance() {
    check(
        "Widget.example.com ns/w sync-wave=-2
         CustomResourceDefinition.apiextensions.k8s.io widgets.example.com defines=Widget.example.com",
        &[
            "apply CustomResourceDefinition widgets.example.com",
            "apply Widget w",
        ],
    );
}

#[test]
fn a_failed_dry_run_writes_nothing_and_all_faults_are_told() {
    let refuse = |label: &str| match label {
        "dry-run ConfigMap a" | "dry-run ConfigMap b" => Err(TaskFault {
            message: format!("{label}: no"),
            aborts: false,
            is_transient: false,
        }),
        _ => Ok(HealthStatus::Healthy),
    };
    let text = "ConfigMap ns/a\nConfigMap ns/b\nConfigMap ns/c";
    let (trace, phase, message) = run(items(text), Vec::new(), &settings(), refuse);
    assert!(trace.is_empty(), "{trace:?}");
    assert_eq!(phase, OperationPhase::Failed);
    assert_eq!(
        message,
        "one or more objects failed to apply (dry run), reason: dry-run ConfigMap a: no,dry-run ConfigMap b: no"
    );
}

#[test]
fn after_a_failed_apply_the_wave_is_finished_and_syncfail_hooks_run() {
    let refuse = |label: &str| match label {
        "apply ConfigMap a" => Err(TaskFault {
            message: "refused".into(),
            aborts: false,
            is_transient: false,
        }),
        _ => Ok(HealthStatus::Healthy),
    };
    let text = "ConfigMap ns/a
         ConfigMap ns/b
         ConfigMap ns/later sync-wave=1
         Job.batch ns/tell hook=SyncFail hook-delete-policy=HookFailed";
    let (trace, phase, _) = run(items(text), Vec::new(), &settings(), refuse);
    assert_eq!(
        trace,
        [
            "apply ConfigMap a",
            "apply ConfigMap b",
            "pause",
            "apply Job tell"
        ]
    );
    assert_eq!(phase, OperationPhase::Failed);
}

#[test]
fn a_degraded_wave_stops_the_sync() {
    let degraded = |label: &str| match label {
        "health Deployment web" => Ok(HealthStatus::Degraded),
        _ => Ok(HealthStatus::Healthy),
    };
    let text = "Deployment.apps ns/web\nConfigMap ns/later sync-wave=1";
    let (trace, phase, message) = run(items(text), Vec::new(), &settings(), degraded);
    assert_eq!(trace, ["apply Deployment web"]);
    assert_eq!(phase, OperationPhase::Failed);
    assert!(
        message.contains("apps/Deployment ns/web: is Degraded"),
        "{message}"
    );
}

#[test]
fn an_unreachable_api_server_ends_the_sync_at_once() {
    let unreachable = |label: &str| match label {
        "apply ConfigMap a" => Err(TaskFault {
            message: "connection refused".into(),
            aborts: true,
            is_transient: false,
        }),
        _ => Ok(HealthStatus::Healthy),
    };
    let (trace, phase, message) = run(
        items("ConfigMap ns/a\nConfigMap ns/b"),
        Vec::new(),
        &settings(),
        unreachable,
    );
    assert_eq!(trace, ["apply ConfigMap a"]);
    assert_eq!(
        (phase, message.as_str()),
        (OperationPhase::Error, "connection refused")
    );
}

fn prunables(text: &str) -> Vec<Prunable> {
    items(text)
        .into_iter()
        .map(|item| Prunable {
            gvk: item.gvk,
            key: item.key,
            wave: item.wave,
            options: item.options,
            confirmed: false,
        })
        .collect()
}

#[test]
fn prunes_come_first_in_reverse_waves_unless_last_or_forbidden() {
    let extra = prunables(
        "ConfigMap ns/first sync-wave=0
         ConfigMap ns/second sync-wave=1
         ConfigMap ns/last sync-options=PruneLast=true
         ConfigMap ns/kept sync-options=Prune=false",
    );
    let (trace, phase, _) = run(items("ConfigMap ns/new"), extra, &settings(), healthy);
    assert_eq!(
        trace,
        [
            "prune ConfigMap second",
            "apply ConfigMap new",
            "pause",
            "prune ConfigMap first",
            "pause",
            "prune ConfigMap last"
        ]
    );
    assert_eq!(phase, OperationPhase::Succeeded);
}

#[test]
fn without_prune_extras_are_only_reported() {
    let settings = Settings {
        prune: false,
        ..settings()
    };
    let mut sync = Sync::new(plan(Vec::new(), prunables("ConfigMap ns/extra"), &settings));
    assert!(sync.step(Event::Started).is_empty());
    let results = sync.results();
    assert_eq!(results[0].status, "PruneSkipped");
    assert_eq!(results[0].message, "ignored (requires pruning)");
}

#[test]
fn what_is_in_sync_is_not_sent_again() {
    let mut both = items("ConfigMap ns/a\nConfigMap ns/b");
    both[0].in_sync = true;
    let (trace, _, _) = run(both, Vec::new(), &settings(), healthy);
    assert_eq!(trace, ["apply ConfigMap b"]);
}

/// A hook was running when the agent was killed: its end is awaited, it is
/// not run again, and the rest follows.
#[test]
fn a_hook_that_ran_before_a_restart_is_awaited() {
    let all = items("Job.batch job hook=PreSync\nConfigMap a");
    let mut sync = Sync::new(plan(all, Vec::new(), &settings()));
    let job = sync.task(0).key.clone();
    sync.resume_hook(&job, "PreSync", "Running");
    assert_eq!(sync.step(Event::Started), [Effect::DryRun(1)]);
    let effects = sync.step(Event::DryRunDone(1, Ok(())));
    assert_eq!(effects, [Effect::ObserveHealth(0), Effect::Report]);
    let healthy = Event::Health(0, Some(HealthStatus::Healthy), String::new());
    let effects = sync.step(healthy);
    assert!(effects.contains(&Effect::Apply(1)), "{effects:?}");
}
