use super::item::DeletePolicy;
use super::plan::{Action, Phase, Plan, Task};
use crate::app::{OperationPhase, ResourceResult};
use crate::health::HealthStatus;
use crate::object::ResourceKey;
use std::collections::BTreeSet;

/// The pause between two waves, as upstream: controllers get a moment to
/// react before health is believed.
pub const WAVE_PAUSE_MS: u64 = 2_000;

/// What the shell is to do; tasks are named by their index in the plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Apply without writing.
    DryRun(usize),
    Apply(usize),
    Prune(usize),
    /// Delete a hook's object: an older one of this name, or one that is done.
    DeleteHook(usize),
    /// The hook has ended: what kept its object until we had seen that may go.
    ReleaseHook(usize),
    /// Tell the health of a task's object now and whenever it changes; of one
    /// that is pruned, whether it is gone.
    ObserveHealth(usize),
    Pause {
        milliseconds: u64,
    },
    /// The sync has moved on: write its progress.
    Report,
}

#[derive(Clone, Debug)]
pub enum Event {
    Started,
    DryRunDone(usize, Result<(), TaskFault>),
    /// The message says what the apply did (created, configured, unchanged).
    Applied(usize, Result<String, TaskFault>),
    Pruned(usize, Result<(), TaskFault>),
    /// The deletion is accepted, but something still holds the object.
    Pruning(usize),
    /// What is pruned only when somebody confirms it, may be.
    Confirmed,
    /// The object of a hook is gone (or never was).
    HookGone(usize, Result<(), TaskFault>),
    /// `None`: the kind has no health; Missing: the object is gone.
    Health(usize, Option<HealthStatus>, String),
    PauseOver,
    Terminate,
}

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFault {
    pub message: String,
    /// The API server could not be reached: the rest of the sync is void.
    pub aborts: bool,
    /// May the same succeed later without anybody's doing?
    pub is_transient: bool,
}

/// How a sync ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub phase: OperationPhase,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Due,
    /// A hook's older object is being deleted.
    Clearing,
    /// It is gone.
    Cleared,
    InFlight,
    AwaitingHealth,
    Done,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    New,
    DryRun {
        next: usize,
    },
    Wave,
    Pausing,
    /// A prune of this wave wants to be confirmed first.
    Confirming,
    Over,
}

/// One sync in progress.
#[derive(Debug)]
pub struct Sync {
    plan: Plan,
    multi_step: bool,
    /// The last wave before SyncFail, and whether hooks run in it.
    last_wave: Option<(Phase, i32)>,
    ends_with_hooks: bool,
    confirmed: bool,
    states: Vec<State>,
    messages: Vec<String>,
    stage: Stage,
    /// The first cause of failure; from then on only SyncFail hooks run.
    failed: Option<Outcome>,
    outcome: Option<Outcome>,
    last_group: Option<(Phase, i32)>,
    /// What has run came to a bad end, rather than being refused.
    failed_later: bool,
    /// Hooks whose deletion is under way.
    deleted: BTreeSet<usize>,
    /// A task failed for a reason that does not go away by itself.
    failed_for_good: bool,
    /// Hooks that were running before a restart.
    resumed: BTreeSet<usize>,
}

impl Sync {
    pub fn new(plan: Plan) -> Self {
        let n_tasks = plan.tasks.len();
        let regular = || {
            plan.tasks
                .iter()
                .filter(|task| task.phase != Phase::SyncFail)
        };
        let last_wave = regular().map(|task| (task.phase, task.wave)).max();
        let ends_with_hooks =
            regular().any(|task| task.hook.is_some() && Some((task.phase, task.wave)) == last_wave);
        Sync {
            multi_step: plan.is_multi_step(),
            last_wave,
            ends_with_hooks,
            confirmed: false,
            states: vec![State::Due; n_tasks],
            messages: vec![String::new(); n_tasks],
            stage: Stage::New,
            failed: None,
            outcome: None,
            last_group: None,
            failed_later: false,
            deleted: BTreeSet::new(),
            failed_for_good: false,
            resumed: BTreeSet::new(),
            plan,
        }
    }

    /// Marks a hook that had finished before a restart of the agent, so that
    /// it does not run twice.
    pub fn resume_hook(&mut self, key: &ResourceKey, phase: &str, hook_phase: &str) {
        for (index, task) in self.plan.tasks.iter().enumerate() {
            if task.hook.is_some() && task.key == *key && task.phase.as_str() == phase {
                match hook_phase {
                    "Succeeded" => self.states[index] = State::Done,
                    "Running" => {
                        self.states[index] = State::AwaitingHealth;
                        self.resumed.insert(index);
                    }
                    _ => {}
                }
            }
        }
    }

    pub fn task(&self, index: usize) -> &Task {
        &self.plan.tasks[index]
    }

    pub fn tasks(&self) -> &[Task] {
        &self.plan.tasks
    }

    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Whether all that failed may succeed later without anybody's doing.
    pub fn failed_for_now(&self) -> bool {
        let failed = self.states.contains(&State::Failed);
        failed && !self.failed_for_good
    }

    /// Whether the health of a task's object is still awaited.
    pub fn awaits(&self, index: usize) -> bool {
        self.states[index] == State::AwaitingHealth
    }

    /// The tasks that are as desired now.
    pub fn applied(&self) -> impl Iterator<Item = &Task> {
        self.plan
            .tasks
            .iter()
            .zip(&self.states)
            .filter(|(task, state)| {
                task.item().is_some() && matches!(state, State::Done | State::AwaitingHealth)
            })
            .map(|(task, _)| task)
    }

    /// One line on what the sync is at, for `operationState.message`.
    pub fn progress(&self) -> String {
        let name = |task: &Task| {
            let key = &task.key;
            format!("{}/{}/{}", key.group, key.kind, key.name)
        };
        if self.stage == Stage::Confirming {
            let wanting: Vec<&Task> = self.unconfirmed().collect();
            let first = wanting.first().map_or_else(String::new, |task| name(task));
            return told(
                "pruning confirmation of",
                &first,
                wanting.len(),
                "resources",
            );
        }
        let waiting: Vec<&Task> = self
            .states
            .iter()
            .zip(&self.plan.tasks)
            .filter(|(state, _)| **state == State::AwaitingHealth)
            .map(|(_, task)| task)
            .collect();
        let hook = waiting.iter().find(|task| task.hook.is_some());
        let Some(first) = hook.or(waiting.first()) else {
            return match self.stage {
                Stage::New | Stage::DryRun { .. } => "checking all objects".to_owned(),
                Stage::Wave | Stage::Pausing | Stage::Confirming | Stage::Over => {
                    "one or more tasks are running".to_owned()
                }
            };
        };
        let what = match hook {
            Some(_) => "completion of hook",
            None if waiting.iter().all(|task| task.is_prune()) => "deletion of",
            None => "healthy state of",
        };
        let all_hooks = waiting.iter().all(|task| task.hook.is_some());
        let kind = if all_hooks { "hooks" } else { "resources" };
        told(what, &name(first), waiting.len(), kind)
    }

    /// Whether nothing is under way but waiting for others; `Some(true)` where
    /// a hook is among them.
    pub fn waits(&self) -> Option<bool> {
        let is_busy = |state: &State| matches!(state, State::InFlight | State::Clearing);
        let waiting = self.stage == Stage::Confirming
            || (self.stage == Stage::Wave && self.states.contains(&State::AwaitingHealth));
        if !waiting || self.states.iter().any(is_busy) {
            return None;
        }
        let mut tasks = self.states.iter().zip(&self.plan.tasks);
        Some(tasks.any(|(state, task)| *state == State::AwaitingHealth && task.hook.is_some()))
    }

    fn unconfirmed(&self) -> impl Iterator<Item = &Task> {
        let tasks = self.plan.tasks.iter().zip(&self.states);
        tasks
            .filter(|(task, state)| {
                **state == State::Due
                    && self.last_group == Some((task.phase, task.wave))
                    && matches!(
                        task.action,
                        Action::Prune {
                            needs_confirmation: true,
                            ..
                        }
                    )
            })
            .map(|(task, _)| task)
    }

    /// The results so far, for `syncResult.resources`.
    pub fn results(&self) -> Vec<ResourceResult> {
        self.plan
            .tasks
            .iter()
            .enumerate()
            .filter(|(index, _)| {
                self.states[*index] != State::Due || !self.messages[*index].is_empty()
            })
            .map(|(index, task)| self.result(index, task))
            .collect()
    }

    fn result(&self, index: usize, task: &Task) -> ResourceResult {
        let state = &self.states[index];
        let hook_phase = match (task.hook, state) {
            (None, _) => "",
            (Some(_), State::Done) => "Succeeded",
            (Some(_), State::Failed) => "Failed",
            (Some(_), State::AwaitingHealth) => "Running",
            // Not yet there: after a restart it is run from its beginning.
            (Some(_), State::Due | State::Clearing | State::Cleared | State::InFlight) => "",
        };
        let status = match (&task.action, state) {
            (Action::KeepExtra(_), _) => "PruneSkipped",
            (_, State::Failed) => "SyncFailed",
            (Action::Prune { .. }, State::Done | State::AwaitingHealth) => "Pruned",
            (_, State::Done | State::AwaitingHealth) => "Synced",
            (_, State::Due | State::Clearing | State::Cleared | State::InFlight) => "",
        };
        ResourceResult {
            group: task.gvk.group.clone(),
            version: task.gvk.version.clone(),
            kind: task.gvk.kind.clone(),
            namespace: task.key.namespace.clone(),
            name: task.key.name.clone(),
            status: status.to_owned(),
            message: self.messages[index].clone(),
            hook_type: task
                .hook
                .map(|_| task.phase.as_str())
                .unwrap_or_default()
                .to_owned(),
            hook_phase: hook_phase.to_owned(),
            sync_phase: task.phase.as_str().to_owned(),
        }
    }

    /// Takes in an event and says what is to be done next.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.outcome.is_some() {
            return effects;
        }
        match event {
            Event::Started => {
                self.stage = Stage::DryRun { next: 0 };
                self.next_dry_run(&mut effects);
            }
            Event::DryRunDone(index, result) => {
                if let Err(fault) = result {
                    self.fail_task(index, fault);
                }
                self.next_dry_run(&mut effects);
            }
            Event::Applied(index, Ok(message)) => {
                self.messages[index] = message;
                if self.awaits_health(index) {
                    self.states[index] = State::AwaitingHealth;
                    effects.push(Effect::ObserveHealth(index));
                } else {
                    self.states[index] = State::Done;
                }
                self.advance(&mut effects);
            }
            Event::Pruned(index, Ok(())) => {
                self.messages[index] = "pruned".to_owned();
                self.states[index] = State::Done;
                self.advance(&mut effects);
            }
            Event::Pruning(index) => {
                self.messages[index] = "pruned".to_owned();
                if self.is_last(index) {
                    self.states[index] = State::Done;
                } else {
                    self.states[index] = State::AwaitingHealth;
                    effects.push(Effect::ObserveHealth(index));
                }
                self.advance(&mut effects);
            }
            Event::Confirmed => {
                self.confirmed = true;
                if self.stage == Stage::Confirming {
                    self.stage = Stage::Wave;
                    self.advance(&mut effects);
                }
            }
            Event::HookGone(index, Ok(())) => {
                if self.states[index] == State::Clearing {
                    self.states[index] = State::Cleared;
                    self.advance(&mut effects);
                }
            }
            Event::HookGone(index, Err(fault)) => {
                // A finished hook that cannot be deleted does not fail the sync.
                if self.states[index] == State::Clearing {
                    self.fail_task(index, fault);
                    self.advance(&mut effects);
                }
            }
            Event::Applied(index, Err(fault)) | Event::Pruned(index, Err(fault)) => {
                self.fail_task(index, fault);
                self.advance(&mut effects);
            }
            Event::Health(index, health, message) => {
                if self.states[index] == State::AwaitingHealth {
                    self.health_changed(index, health, message, &mut effects);
                }
            }
            Event::PauseOver => {
                if self.stage == Stage::Pausing {
                    self.stage = Stage::Wave;
                    self.advance(&mut effects);
                }
            }
            Event::Terminate => self.terminate(&mut effects),
        }
        effects
    }

    fn next_dry_run(&mut self, effects: &mut Vec<Effect>) {
        let Stage::DryRun { next } = self.stage else {
            return;
        };
        let found = (next..self.plan.tasks.len()).find(|index| self.needs_dry_run(*index));
        if let Some(index) = found
            && !self.is_aborted()
        {
            self.stage = Stage::DryRun { next: index + 1 };
            effects.push(Effect::DryRun(index));
            return;
        }
        self.stage = Stage::Wave;
        if let Some(mut outcome) = self.failed.take() {
            // Nothing has been written: SyncFail hooks are for what has.
            if outcome.phase == OperationPhase::Failed {
                outcome.message.push_str(" (dry run)");
            }
            self.finish(outcome);
        } else if self.plan.dry_run {
            for (state, message) in self.states.iter_mut().zip(&mut self.messages) {
                *state = State::Done;
                message.push_str("dry run");
            }
            self.finish(Outcome {
                phase: OperationPhase::Succeeded,
                message: "successfully synced (dry run)".to_owned(),
            });
        } else {
            self.observe_resumed(effects);
            self.advance(effects);
        }
    }

    fn needs_dry_run(&self, index: usize) -> bool {
        let task = &self.plan.tasks[index];
        let Some(item) = task.item() else {
            return false;
        };
        if item.in_sync || self.states[index] != State::Due {
            return false;
        }
        let earlier_provides = self.plan.tasks.iter().any(|other| {
            let provider = other.item();
            provider.and_then(|item| item.defines.as_ref())
                == Some(&(task.key.group.clone(), task.key.kind.clone()))
                || (provider.is_some()
                    && other.key.group.is_empty()
                    && other.key.kind == "Namespace"
                    && !task.key.namespace.is_empty()
                    && other.key.name == task.key.namespace)
        });
        !earlier_provides
    }

    fn is_aborted(&self) -> bool {
        matches!(&self.failed, Some(outcome) if outcome.phase == OperationPhase::Error)
    }

    fn fail_task(&mut self, index: usize, fault: TaskFault) {
        self.failed_for_good |= !fault.is_transient;
        self.states[index] = State::Failed;
        self.messages[index] = fault.message.clone();
        if fault.aborts {
            self.failed = Some(Outcome {
                phase: OperationPhase::Error,
                message: fault.message,
            });
        } else if self.failed.is_none() {
            self.failed = Some(Outcome {
                phase: OperationPhase::Failed,
                message: "one or more objects failed to apply".to_owned(),
            });
        }
    }

    /// Hooks are always awaited; other objects where something comes after
    /// them. What is applied last may become healthy in its own time.
    fn awaits_health(&self, index: usize) -> bool {
        let task = &self.plan.tasks[index];
        task.item().is_some() && (task.hook.is_some() || (self.multi_step && !self.is_last(index)))
    }

    /// Whether nothing comes after a task's wave, and no hook runs in it.
    fn is_last(&self, index: usize) -> bool {
        let task = &self.plan.tasks[index];
        Some((task.phase, task.wave)) == self.last_wave && !self.ends_with_hooks
    }

    /// Starts the next task of the current wave, or the next wave.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        if self.stage != Stage::Wave {
            return;
        }
        loop {
            let busy = self
                .states
                .iter()
                .any(|state| matches!(state, State::InFlight | State::Clearing));
            if busy {
                return;
            }
            if self.is_aborted() {
                let outcome = self.failed.take().expect("an aborted sync has failed");
                self.finish(outcome);
                return;
            }
            let Some(index) = self.next_due() else {
                if self.states.contains(&State::AwaitingHealth) && self.failed.is_none() {
                    effects.push(Effect::Report);
                    return;
                }
                self.close(effects);
                return;
            };
            let group = (self.plan.tasks[index].phase, self.plan.tasks[index].wave);
            if self.last_group != Some(group) {
                // The wave before must be through.
                if self.states.contains(&State::AwaitingHealth) && self.failed.is_none() {
                    effects.push(Effect::Report);
                    return;
                }
                if group.0 == Phase::SyncFail && self.failed_later {
                    self.delete_finished_hooks(DeletePolicy::HookFailed, effects);
                }
                let is_first = self.last_group.is_none();
                self.last_group = Some(group);
                if !is_first {
                    self.stage = Stage::Pausing;
                    effects.push(Effect::Pause {
                        milliseconds: WAVE_PAUSE_MS,
                    });
                    return;
                }
            }
            if !self.confirmed && self.unconfirmed().next().is_some() {
                self.stage = Stage::Confirming;
                effects.push(Effect::Report);
                return;
            }
            // Hooks of the wave that ran before are deleted before anything
            // of it is applied.
            let index = match self.plan.tasks[index].item() {
                Some(_) => self.to_clear(group).unwrap_or(index),
                None => index,
            };
            self.start(index, effects);
        }
    }

    fn to_clear(&self, group: (Phase, i32)) -> Option<usize> {
        self.plan
            .tasks
            .iter()
            .enumerate()
            .position(|(index, task)| {
                (task.phase, task.wave) == group
                    && self.states[index] == State::Due
                    && is_cleared_first(task)
            })
    }

    /// Hooks that were running before a restart: nobody else asks for them.
    fn observe_resumed(&self, effects: &mut Vec<Effect>) {
        let resumed = self.resumed.iter();
        effects.extend(resumed.map(|index| Effect::ObserveHealth(*index)));
    }

    fn next_due(&self) -> Option<usize> {
        let failed = self.failed.is_some();
        let failed_prune = self
            .plan
            .tasks
            .iter()
            .zip(&self.states)
            .any(|(task, state)| task.is_prune() && *state == State::Failed);
        self.plan
            .tasks
            .iter()
            .enumerate()
            .position(|(index, task)| {
                let same_group = self.last_group == Some((task.phase, task.wave));
                matches!(self.states[index], State::Due | State::Cleared)
                    && match (task.phase == Phase::SyncFail, failed) {
                        (true, failed) => failed,
                        (false, false) => true,
                        // The rest of a wave in which something failed is
                        // tried, but after failed prunes nothing is applied.
                        (false, true) => same_group && (task.is_prune() || !failed_prune),
                    }
            })
    }

    fn start(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let task = &self.plan.tasks[index];
        match &task.action {
            Action::KeepExtra(reason) => {
                self.messages[index] = (*reason).to_owned();
                self.states[index] = State::Done;
            }
            Action::Prune { .. } => {
                self.states[index] = State::InFlight;
                effects.push(Effect::Prune(index));
            }
            Action::Apply(item) if item.in_sync && task.hook.is_none() => {
                self.messages[index] =
                    format!("{}/{} unchanged", plural_hint(&task.key), task.key.name);
                if self.awaits_health(index) {
                    self.states[index] = State::AwaitingHealth;
                    effects.push(Effect::ObserveHealth(index));
                } else {
                    self.states[index] = State::Done;
                }
            }
            Action::Apply(_) => {
                if is_cleared_first(task) && self.states[index] == State::Due {
                    self.states[index] = State::Clearing;
                    effects.push(Effect::DeleteHook(index));
                } else {
                    self.states[index] = State::InFlight;
                    effects.push(Effect::Apply(index));
                }
            }
        }
    }

    fn health_changed(
        &mut self,
        index: usize,
        health: Option<HealthStatus>,
        message: String,
        effects: &mut Vec<Effect>,
    ) {
        let is_hook = self.plan.tasks[index].hook.is_some();
        if self.plan.tasks[index].is_prune() {
            if health == Some(HealthStatus::Missing) {
                self.states[index] = State::Done;
                self.advance(effects);
            }
            return;
        }
        match health {
            // It may have ended and been deleted before that was written down.
            Some(HealthStatus::Missing) if self.resumed.remove(&index) => {
                self.states[index] = State::Due;
            }
            None | Some(HealthStatus::Healthy) => self.states[index] = State::Done,
            Some(HealthStatus::Progressing | HealthStatus::Suspended) => return,
            Some(HealthStatus::Missing) if !is_hook => return,
            Some(HealthStatus::Unknown) if !is_hook => return,
            Some(HealthStatus::Degraded | HealthStatus::Missing | HealthStatus::Unknown) => {
                let key = &self.plan.tasks[index].key;
                let what = if is_hook {
                    "hook failed"
                } else {
                    "is Degraded"
                };
                let message = if message.is_empty() {
                    format!("{key}: {what}")
                } else {
                    format!("{key}: {what}: {message}")
                };
                self.states[index] = State::Failed;
                self.messages[index] = message;
                self.failed_for_good = true;
                self.failed_later = true;
                if self.failed.is_none() {
                    self.failed = Some(Outcome {
                        phase: OperationPhase::Failed,
                        message: "one or more synchronization tasks completed unsuccessfully"
                            .to_owned(),
                    });
                }
            }
        }
        if is_hook && matches!(self.states[index], State::Done | State::Failed) {
            effects.push(Effect::ReleaseHook(index));
        }
        self.advance(effects);
    }

    /// Hooks that have run are deleted when the sync is over, by how it ended.
    fn delete_finished_hooks(&mut self, due: DeletePolicy, effects: &mut Vec<Effect>) {
        for (index, task) in self.plan.tasks.iter().enumerate() {
            let has_run = matches!(self.states[index], State::Done | State::Failed);
            if task.hook.is_some()
                && has_run
                && task
                    .item()
                    .is_some_and(|item| item.delete_policies.contains(&due))
                && self.deleted.insert(index)
            {
                effects.push(Effect::DeleteHook(index));
            }
        }
    }

    /// All that could run has run.
    fn close(&mut self, effects: &mut Vec<Effect>) {
        let due = match &self.failed {
            Some(_) => DeletePolicy::HookFailed,
            None => DeletePolicy::HookSucceeded,
        };
        self.delete_finished_hooks(due, effects);
        let outcome = self.failed.take().unwrap_or_else(|| Outcome {
            phase: OperationPhase::Succeeded,
            message: if self.ends_with_hooks || self.plan.tasks.is_empty() {
                "successfully synced (no more tasks)".to_owned()
            } else {
                "successfully synced (all tasks run)".to_owned()
            },
        });
        self.finish(outcome);
    }

    fn terminate(&mut self, effects: &mut Vec<Effect>) {
        for index in 0..self.plan.tasks.len() {
            if self.states[index] == State::AwaitingHealth && self.plan.tasks[index].hook.is_some()
            {
                self.states[index] = State::Failed;
                effects.push(Effect::DeleteHook(index));
            }
        }
        self.finish(Outcome {
            phase: OperationPhase::Failed,
            message: "Operation terminated".to_owned(),
        });
    }

    fn finish(&mut self, outcome: Outcome) {
        let details: Vec<&str> = self
            .states
            .iter()
            .zip(&self.messages)
            .filter(|(state, _)| **state == State::Failed)
            .map(|(_, message)| message.as_str())
            .collect();
        let message = if outcome.phase == OperationPhase::Failed && !details.is_empty() {
            format!("{}, reason: {}", outcome.message, details.join(","))
        } else {
            outcome.message
        };
        self.stage = Stage::Over;
        self.outcome = Some(Outcome {
            phase: outcome.phase,
            message,
        });
    }
}

/// Whether a hook's older object is deleted before it runs.
fn is_cleared_first(task: &Task) -> bool {
    let item = task.item().filter(|_| task.hook.is_some());
    item.is_some_and(|item| {
        item.generate_name.is_empty()
            && item
                .delete_policies
                .contains(&DeletePolicy::BeforeHookCreation)
    })
}

fn told(what: &str, first: &str, n: usize, kind: &str) -> String {
    match n.saturating_sub(1) {
        0 => format!("waiting for {what} {first}"),
        more => format!("waiting for {what} {first} and {more} more {kind}"),
    }
}

/// `deployment.apps`, as kubectl prints it.
fn plural_hint(key: &ResourceKey) -> String {
    if key.group.is_empty() {
        key.kind.to_lowercase()
    } else {
        format!("{}.{}", key.kind.to_lowercase(), key.group)
    }
}
