use crate::agent::Handle;
use std::sync::{Arc, OnceLock};

/// What is served: an agent, once it runs, and how it stands beside others.
#[derive(Clone, Default)]
pub struct Subject(Arc<Parts>);

#[derive(Default)]
struct Parts {
    agent: OnceLock<Handle>,
    beside: Option<Box<dyn Fn() -> Beside + Send + Sync>>,
}

/// How an agent stands that is one of several.
#[derive(Clone, Copy, Debug)]
pub enum Beside {
    /// One of them leads.
    Election { leads: bool, lease_writes: u64 },
    /// They share the applications.
    Members {
        n_members: usize,
        /// Until another one leads no more.
        stands_by: bool,
        lease_writes: u64,
    },
}

impl From<Handle> for Subject {
    /// An agent that runs, and stands for no election.
    fn from(agent: Handle) -> Self {
        let subject = Subject::default();
        subject.set_agent(agent);
        subject
    }
}

impl Subject {
    /// One of several agents.
    pub fn beside_others(beside: impl Fn() -> Beside + Send + Sync + 'static) -> Self {
        Subject(Arc::new(Parts {
            agent: OnceLock::new(),
            beside: Some(Box::new(beside)),
        }))
    }

    /// The agent runs now.
    pub fn set_agent(&self, agent: Handle) {
        // A process starts one agent.
        let _ = self.0.agent.set(agent);
    }

    /// Whether the agent answers; one that does not run yet is waited for.
    pub fn is_alive(&self) -> bool {
        self.agent().is_none_or(Handle::is_alive)
    }

    pub(super) fn agent(&self) -> Option<&Handle> {
        self.0.agent.get()
    }

    pub(super) fn beside(&self) -> Option<Beside> {
        self.0.beside.as_ref().map(|beside| beside())
    }

    /// It works, or stands by for the one that does.
    pub(super) fn is_ready(&self) -> bool {
        let stands_by = match self.beside() {
            Some(Beside::Election { .. }) => true,
            Some(Beside::Members { stands_by, .. }) => stands_by,
            None => false,
        };
        self.agent().is_some() || stands_by
    }
}
