use super::item::{HookKind, Item};
use super::order::kind_rank;
use crate::app::{PropagationPolicy, SyncOperationResource, SyncOptions};
use crate::object::{Gvk, ResourceKey};

/// The phases of a sync, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    PreSync,
    Sync,
    PostSync,
    SyncFail,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::PreSync => "PreSync",
            Phase::Sync => "Sync",
            Phase::PostSync => "PostSync",
            Phase::SyncFail => "SyncFail",
        }
    }
}

/// A live object of the application that is no longer desired.
#[derive(Clone, Debug)]
pub struct Prunable {
    pub gvk: Gvk,
    pub key: ResourceKey,
    pub wave: i32,
    /// The application's options with those of the live object on top.
    pub options: SyncOptions,
    pub confirmed: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether this operation prunes.
    pub prune: bool,
    /// False for the apply strategy, for a selective sync and for self-heal.
    pub hooks: bool,
    pub dry_run: bool,
    /// `syncStrategy.*.force`.
    pub force: bool,
    /// The application's options and the operation's.
    pub options: SyncOptions,
    /// Only these; empty means all.
    pub only: Vec<SyncOperationResource>,
    /// The first 7 letters of the revision, for names of hooks.
    pub short_revision: String,
    /// Unix time of the operation's start, for names of hooks: the same after
    /// a restart of the agent.
    pub started_at: i64,
}

#[derive(Clone, Debug)]
pub enum Action {
    /// Server-side apply, or what Replace and Force make of it.
    Apply(Box<Item>),
    Prune {
        propagation: PropagationPolicy,
        /// Only after somebody has confirmed it.
        needs_confirmation: bool,
    },
    /// An object that stays, with the reason why.
    KeepExtra(&'static str),
}

#[derive(Clone, Debug)]
pub struct Task {
    pub gvk: Gvk,
    pub key: ResourceKey,
    pub phase: Phase,
    pub wave: i32,
    pub hook: Option<HookKind>,
    pub action: Action,
}

impl Task {
    pub fn item(&self) -> Option<&Item> {
        match &self.action {
            Action::Apply(item) => Some(item),
            Action::Prune { .. } | Action::KeepExtra(_) => None,
        }
    }

    pub fn is_prune(&self) -> bool {
        matches!(self.action, Action::Prune { .. })
    }
}

/// All tasks of a sync, in the order in which they are due.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub tasks: Vec<Task>,
    pub dry_run: bool,
    pub force: bool,
}

impl Plan {
    /// Whether there is more than one wave or phase: only then is the health
    /// of what is no hook awaited.
    pub fn is_multi_step(&self) -> bool {
        let mut groups = self.tasks.iter().map(|task| (task.phase, task.wave));
        let first = groups.next();
        groups.any(|group| Some(group) != first)
    }
}

/// Sorts what is to be done into phases and waves.
pub fn plan(items: Vec<Item>, prunables: Vec<Prunable>, settings: &Settings) -> Plan {
    let mut tasks = Vec::new();
    for item in items {
        if !item.is_hook() {
            if is_wanted(&settings.only, &item.key) {
                tasks.push(Task {
                    gvk: item.gvk.clone(),
                    key: item.key.clone(),
                    phase: Phase::Sync,
                    wave: item.wave,
                    hook: None,
                    action: Action::Apply(Box::new(item)),
                });
            }
        } else if settings.hooks && settings.only.is_empty() {
            hook_tasks(item, settings, &mut tasks);
        }
    }
    prune_tasks(prunables, settings, &mut tasks);
    let rank = |task: &Task| match task.action {
        // Prunes come first in their wave, in the reverse order of kinds.
        Action::Prune { .. } | Action::KeepExtra(_) => (0, usize::MAX - kind_rank(&task.key.kind)),
        Action::Apply(_) => (1, kind_rank(&task.key.kind)),
    };
    tasks.sort_by(|a, b| {
        (a.phase, a.wave, rank(a))
            .cmp(&(b.phase, b.wave, rank(b)))
            .then_with(|| a.key.kind.cmp(&b.key.kind))
            .then_with(|| a.key.name.cmp(&b.key.name))
            .then_with(|| a.key.namespace.cmp(&b.key.namespace))
    });
    pull_forward(
        &mut tasks,
        |task| {
            (task.key.group.is_empty() && task.key.kind == "Namespace")
                .then(|| ("".to_owned(), task.key.name.clone()))
        },
        |task| ("".to_owned(), task.key.namespace.clone()),
    );
    pull_forward(
        &mut tasks,
        |task| task.item().and_then(|item| item.defines.clone()),
        |task| (task.key.group.clone(), task.key.kind.clone()),
    );
    Plan {
        tasks,
        dry_run: settings.dry_run,
        force: settings.force,
    }
}

fn is_wanted(only: &[SyncOperationResource], key: &ResourceKey) -> bool {
    only.is_empty()
        || only.iter().any(|wanted| {
            wanted.kind == key.kind
                && wanted.group == key.group
                && wanted.name == key.name
                && (wanted.namespace.is_empty() || wanted.namespace == key.namespace)
        })
}

fn hook_tasks(item: Item, settings: &Settings, tasks: &mut Vec<Task>) {
    for kind in item.hooks.clone() {
        let phase = match kind {
            HookKind::PreSync => Phase::PreSync,
            HookKind::Sync => Phase::Sync,
            HookKind::PostSync => Phase::PostSync,
            HookKind::SyncFail => Phase::SyncFail,
            HookKind::PreDelete | HookKind::PostDelete | HookKind::Skip => continue,
        };
        let mut item = item.clone();
        if item.key.name.is_empty() {
            item.key.name = format!(
                "{}{}-{}-{}",
                item.generate_name,
                settings.short_revision,
                phase.as_str().to_lowercase(),
                settings.started_at
            );
        }
        tasks.push(Task {
            gvk: item.gvk.clone(),
            key: item.key.clone(),
            phase,
            wave: item.wave,
            hook: Some(kind),
            action: Action::Apply(Box::new(item)),
        });
    }
}

fn prune_tasks(prunables: Vec<Prunable>, settings: &Settings, tasks: &mut Vec<Task>) {
    let sync_waves = tasks
        .iter()
        .filter(|task| task.phase == Phase::Sync)
        .map(|task| task.wave);
    let last_wave = sync_waves
        .chain(prunables.iter().map(|prunable| prunable.wave))
        .max()
        .unwrap_or(0);
    // What was applied last goes first: the waves of the prunes, mirrored.
    let mut waves: Vec<i32> = prunables.iter().map(|prunable| prunable.wave).collect();
    waves.sort_unstable();
    waves.dedup();
    for prunable in prunables {
        if !is_wanted(&settings.only, &prunable.key) {
            continue;
        }
        let place = waves.iter().position(|wave| *wave == prunable.wave);
        let mirrored = place.map_or(prunable.wave, |place| waves[waves.len() - 1 - place]);
        let options = &prunable.options;
        let action = if !settings.prune {
            Action::KeepExtra("ignored (requires pruning)")
        } else if options.prune == Some(false) {
            Action::KeepExtra("ignored (no prune)")
        } else {
            Action::Prune {
                propagation: options.propagation.unwrap_or_default(),
                needs_confirmation: options.prune_confirm && !prunable.confirmed,
            }
        };
        tasks.push(Task {
            gvk: prunable.gvk,
            key: prunable.key,
            phase: Phase::Sync,
            wave: match options.prune_last {
                Some(true) => last_wave.saturating_add(1),
                Some(false) | None => mirrored,
            },
            hook: None,
            action,
        });
    }
}

/// Moves what others depend on (a Namespace, a CRD) in front of the first
/// that does, into its phase and wave.
fn pull_forward(
    tasks: &mut Vec<Task>,
    provides: impl Fn(&Task) -> Option<(String, String)>,
    needs: impl Fn(&Task) -> (String, String),
) {
    let mut at = 0;
    while at < tasks.len() {
        let provided = tasks[at]
            .item()
            .is_some()
            .then(|| provides(&tasks[at]))
            .flatten();
        if let Some(provided) = provided
            && let Some(first) = tasks[..at]
                .iter()
                .position(|task| task.item().is_some() && needs(task) == provided)
        {
            let mut task = tasks.remove(at);
            task.phase = tasks[first].phase;
            task.wave = tasks[first].wave;
            tasks.insert(first, task);
        }
        at += 1;
    }
}
