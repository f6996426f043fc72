use crate::agent::Handle;
use std::sync::{Arc, OnceLock};

/// What is served: an agent, once it runs, and whether it leads.
#[derive(Clone, Default)]
pub struct Subject(Arc<Parts>);

#[derive(Default)]
struct Parts {
    agent: OnceLock<Handle>,
    leadership: Option<Box<dyn Fn() -> Leadership + Send + Sync>>,
}

/// Of an agent that stands for election.
#[derive(Clone, Copy, Debug)]
pub struct Leadership {
    pub leads: bool,
    pub lease_writes: u64,
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
    /// An agent that works only while it leads.
    pub fn elected(leadership: impl Fn() -> Leadership + Send + Sync + 'static) -> Self {
        Subject(Arc::new(Parts {
            agent: OnceLock::new(),
            leadership: Some(Box::new(leadership)),
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

    pub(super) fn leadership(&self) -> Option<Leadership> {
        self.0.leadership.as_ref().map(|leadership| leadership())
    }

    /// It works, or stands by for the one that does.
    pub(super) fn is_ready(&self) -> bool {
        self.agent().is_some() || self.leadership().is_some()
    }
}
