//! What can be done to which kinds, as plain values: the one who calls sends
//! them.

use crate::object::Object;
use crate::value::{Map, Value};
use anyhow::{Context, bail};

/// More replicas than that are a slip of the hand.
const MAX_REPLICAS: u32 = 10_000;
/// A Job's name with the time behind it has to fit into a label.
const MAX_JOB_BASE: usize = 52;

pub struct Action {
    pub name: &'static str,
    /// Kinds as `group/Kind`; a group that begins with `*` is a suffix.
    kinds: &'static [&'static str],
    /// For the list.
    pub does: &'static str,
    /// For the line after it.
    pub done: &'static str,
    pub change: Make,
}

/// From the live object, the parameters and the time to what is to be sent.
type Make = fn(&Object, &[(&str, &str)], jiff::Timestamp) -> anyhow::Result<Change>;

/// What is to be sent.
pub enum Change {
    Patch {
        subresource: &'static str,
        /// A merge patch.
        patch: Value,
    },
    Create(Object),
}

const ACTIONS: &[Action] = &[
    Action {
        name: "restart",
        kinds: &["apps/Deployment", "apps/StatefulSet", "apps/DaemonSet"],
        does: "replaces all pods, as kubectl rollout restart",
        done: "restarted",
        change: |_, _, now| {
            // As kubectl: nobody owns the annotation in git, so it is no drift.
            let annotation = [("kubectl.kubernetes.io/restartedAt", seconds(now))];
            let text = at(
                &["spec", "template", "metadata", "annotations"],
                Map::from_iter(annotation),
            );
            Ok(patch(text))
        },
    },
    Action {
        name: "restart",
        kinds: &["argoproj.io/Rollout"],
        does: "replaces all pods",
        done: "restarted",
        change: |_, _, now| {
            Ok(patch(at(
                &["spec"],
                Map::from_iter([("restartAt", seconds(now))]),
            )))
        },
    },
    Action {
        name: "scale",
        kinds: &["apps/Deployment", "apps/StatefulSet", "apps/ReplicaSet"],
        does: "sets the number of replicas: --param replicas=N",
        done: "scaled",
        change: |_, parameters, _| {
            let [("replicas", text)] = parameters else {
                bail!("scale: takes --param replicas=N");
            };
            let replicas: u32 = text.parse().with_context(|| format!("replicas={text}"))?;
            if replicas > MAX_REPLICAS {
                bail!("replicas={replicas}: {MAX_REPLICAS} at most");
            }
            let spec = Map::from_iter([("replicas", i64::from(replicas))]);
            Ok(Change::Patch {
                subresource: "scale",
                patch: at(&["spec"], spec),
            })
        },
    },
    Action {
        name: "pause",
        kinds: &["apps/Deployment", "argoproj.io/Rollout"],
        does: "halts the rollout",
        done: "paused",
        change: |_, _, _| Ok(spec_flag("paused", true)),
    },
    Action {
        name: "resume",
        kinds: &["apps/Deployment", "argoproj.io/Rollout"],
        does: "goes on with the rollout",
        done: "resumed",
        change: |_, _, _| Ok(spec_flag("paused", false)),
    },
    Action {
        name: "create-job",
        kinds: &["batch/CronJob"],
        does: "runs it once, now",
        done: "created",
        change: create_job,
    },
    Action {
        name: "suspend",
        kinds: &["batch/CronJob", "batch/Job", "*.toolkit.fluxcd.io/"],
        does: "starts nothing more until it is resumed",
        done: "suspended",
        change: |_, _, _| Ok(spec_flag("suspend", true)),
    },
    Action {
        name: "resume",
        kinds: &["batch/CronJob", "batch/Job", "*.toolkit.fluxcd.io/"],
        does: "goes on",
        done: "resumed",
        change: |_, _, _| Ok(spec_flag("suspend", false)),
    },
    Action {
        name: "reconcile",
        kinds: &["*.toolkit.fluxcd.io/"],
        does: "asks its controller to look again",
        done: "asked to reconcile",
        change: |_, _, now| Ok(annotation("reconcile.fluxcd.io/requestedAt", &seconds(now))),
    },
    Action {
        name: "refresh",
        kinds: &[
            "external-secrets.io/ExternalSecret",
            "external-secrets.io/PushSecret",
        ],
        does: "asks its controller to read the secret again",
        done: "asked to refresh",
        change: |_, _, now| Ok(annotation("force-sync", &now.as_second().to_string())),
    },
];

pub fn actions_of(group: &str, kind: &str) -> impl Iterator<Item = &'static Action> {
    ACTIONS
        .iter()
        .filter(move |action| action.is_for(group, kind))
}

pub fn find(group: &str, kind: &str, name: &str) -> Option<&'static Action> {
    actions_of(group, kind).find(|action| action.name == name)
}

impl Action {
    fn is_for(&self, group: &str, kind: &str) -> bool {
        self.kinds.iter().any(|wanted| {
            let (wanted_group, wanted_kind) = wanted.split_once('/').unwrap_or(("", wanted));
            let same_group = match wanted_group.strip_prefix('*') {
                Some(suffix) => group.ends_with(suffix),
                None => group == wanted_group,
            };
            same_group && (wanted_kind.is_empty() || kind == wanted_kind)
        })
    }
}

fn patch(patch: Value) -> Change {
    Change::Patch {
        subresource: "",
        patch,
    }
}

fn spec_flag(name: &str, flag: bool) -> Change {
    patch(at(&["spec"], Map::from_iter([(name, flag)])))
}

fn annotation(name: &str, text: &str) -> Change {
    patch(at(
        &["metadata", "annotations"],
        Map::from_iter([(name, text)]),
    ))
}

/// A map below keys of maps.
fn at(path: &[&str], map: Map) -> Value {
    path.iter().rev().fold(Value::Map(map), |below, key| {
        Value::Map(Map::from_iter([(*key, below)]))
    })
}

fn seconds(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As `kubectl create job --from`: owned by the CronJob, and marked as made
/// by hand.
fn create_job(cron: &Object, _: &[(&str, &str)], now: jiff::Timestamp) -> anyhow::Result<Change> {
    let template = cron
        .at(&["spec", "jobTemplate"])
        .context("spec.jobTemplate is missing")?;
    let base: String = cron.name().chars().take(MAX_JOB_BASE).collect();
    let mut metadata = Map::from_iter([
        ("name", format!("{base}-{}", now.as_second())),
        ("namespace", cron.namespace().to_owned()),
    ]);
    for field in ["labels", "annotations"] {
        if let Some(more) = template.at(&["metadata", field]) {
            metadata.insert(field, more.clone());
        }
    }
    metadata
        .entry_map("annotations")
        .insert("cronjob.kubernetes.io/instantiate", "manual");
    let mut owner = Map::from_iter([
        ("apiVersion", cron.api_version()),
        ("kind", cron.kind()),
        ("name", cron.name()),
        ("uid", cron.uid()),
    ]);
    owner.insert("controller", true);
    metadata.insert("ownerReferences", vec![Value::Map(owner)]);
    let mut root = Map::from_iter([("apiVersion", "batch/v1"), ("kind", "Job")]);
    root.insert("metadata", metadata);
    root.insert("spec", template.get("spec").cloned().unwrap_or_default());
    Ok(Change::Create(
        Object::new(Value::Map(root)).expect("apiVersion and kind are set"),
    ))
}
