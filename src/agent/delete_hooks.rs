//! PreDelete and PostDelete hooks: run while their application is deleted.

use super::permissions::Permits;
use super::writes::Writer;
use crate::health::HealthStatus;
use crate::object::Object;
use crate::sync::{Action, DeletePolicy, Event, HookKind, Item, Phase, Task, TaskFault, kind_rank};
use crate::value::Value;

/// The hooks of one kind.
pub(super) struct DeleteHooks<'a> {
    pub writer: &'a Writer,
    pub permits: &'a Permits,
    pub kind: HookKind,
    pub items: &'a [Item],
    pub short_revision: &'a str,
    /// RFC 3339: a hook's object that is older is left from another life.
    pub deleted_at: &'a str,
}

impl DeleteHooks<'_> {
    /// Starts what is due, wave by wave; true when all have succeeded.
    pub fn run(&self) -> Result<bool, String> {
        let tasks = self.tasks();
        for task in &tasks {
            let is_namespaced = !task.key.namespace.is_empty();
            self.permits
                .check(&task.key, is_namespaced)
                .map_err(|refusal| format!("{} hook {}: {refusal}", self.name(), task.key))?;
        }
        let mut waves: Vec<i32> = tasks.iter().map(|task| task.wave).collect();
        waves.dedup();
        for wave in waves {
            let mut is_done = true;
            for task in tasks.iter().filter(|task| task.wave == wave) {
                is_done &= self.advance(task)?;
            }
            if !is_done {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes those whose policy says so; all of them have succeeded.
    pub fn clean_up(&self) -> Result<(), String> {
        for task in self.tasks() {
            let policies = task.item().map(|item| item.delete_policies.as_slice());
            if policies.is_some_and(|policies| policies.contains(&DeletePolicy::HookSucceeded)) {
                self.delete(&task)?;
            }
        }
        Ok(())
    }

    /// True when the hook has succeeded.
    fn advance(&self, task: &Task) -> Result<bool, String> {
        let fault =
            |fault: TaskFault| format!("{} hook {}: {}", self.name(), task.key, fault.message);
        let live = self.writer.live_of(task).map_err(fault)?;
        let live = match live {
            Some(live) if self.is_older(&live) => {
                self.delete(task)?;
                None
            }
            live => live,
        };
        let Some(live) = live else {
            self.writer.apply(task).map_err(fault)?;
            return Ok(false);
        };
        let health = crate::health::health(&live);
        match health.as_ref().map(|health| health.status) {
            None | Some(HealthStatus::Healthy) => {
                self.writer.release_hook(task);
                Ok(true)
            }
            Some(HealthStatus::Degraded) => {
                self.writer.release_hook(task);
                let why = health.map(|health| health.message).unwrap_or_default();
                Err(format!("{} hook {} failed: {why}", self.name(), task.key))
            }
            Some(
                HealthStatus::Progressing
                | HealthStatus::Suspended
                | HealthStatus::Missing
                | HealthStatus::Unknown,
            ) => Ok(false),
        }
    }

    fn is_older(&self, live: &Object) -> bool {
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let created = live
            .at(&["metadata", "creationTimestamp"])
            .and_then(Value::as_str)
            .and_then(time);
        matches!((created, time(self.deleted_at)), (Some(made), Some(deleted)) if made < deleted)
    }

    fn delete(&self, task: &Task) -> Result<(), String> {
        match self.writer.delete_hook(0, task) {
            Event::HookGone(_, Err(fault)) => Err(format!(
                "{} hook {}: {}",
                self.name(),
                task.key,
                fault.message
            )),
            _ => Ok(()),
        }
    }

    fn name(&self) -> &'static str {
        match self.kind {
            HookKind::PreDelete => "PreDelete",
            _ => "PostDelete",
        }
    }

    fn tasks(&self) -> Vec<Task> {
        let since = self.deleted_at.parse::<jiff::Timestamp>();
        let since = since.map_or(0, |time| time.as_second());
        let mut tasks: Vec<Task> = self
            .items
            .iter()
            .filter(|item| item.hooks.contains(&self.kind))
            .map(|item| {
                let mut item = item.clone();
                if item.key.name.is_empty() {
                    item.key.name = format!(
                        "{}{}-{}-{since}",
                        item.generate_name,
                        self.short_revision,
                        self.name().to_lowercase()
                    );
                }
                Task {
                    gvk: item.gvk.clone(),
                    key: item.key.clone(),
                    phase: Phase::Sync,
                    wave: item.wave,
                    hook: Some(self.kind),
                    action: Action::Apply(Box::new(item)),
                }
            })
            .collect();
        tasks.sort_by(|a, b| {
            (a.wave, kind_rank(&a.key.kind), &a.key).cmp(&(b.wave, kind_rank(&b.key.kind), &b.key))
        });
        tasks
    }
}
