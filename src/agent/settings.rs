use super::budget::{Allocator, Limits};
use super::compare::glob_matches;
use std::path::PathBuf;
use std::time::Duration;

/// What the agent is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where Applications and AppProjects live.
    pub namespace: String,
    /// Globs of further namespaces whose Applications are served, where their
    /// project lists the namespace, too.
    pub application_namespaces: Vec<String>,
    /// Reconcile and report, but write nothing.
    pub observe: bool,
    /// Work on what [`Handle::shares`](super::Handle::shares) tells, and on
    /// nothing before.
    pub shares: bool,
    /// Start beside a running Argo CD controller.
    pub beside_argocd: bool,
    /// Time between two polls of a repository.
    pub poll_interval: Duration,
    /// At most this much is added to each poll's pause, at random.
    pub poll_jitter: Duration,
    /// Time between two looks at a repository on the local disk.
    pub local_poll_interval: Duration,
    /// Pauses between attempts at what failed by itself (a repository that
    /// cannot be reached): the first, and the longest that they grow to.
    pub retry_first: Duration,
    pub retry_longest: Duration,
    /// A sync that waits for a hook gives way to a newer commit after so long.
    pub hook_patience: Duration,
    /// What the process may take.
    pub limits: Limits,
    pub allocator: Allocator,
    /// Where comparisons are kept over a restart; nowhere without it.
    pub digests: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            namespace: crate::app::DEFAULT_NAMESPACE.to_owned(),
            application_namespaces: Vec::new(),
            observe: false,
            shares: false,
            beside_argocd: false,
            poll_interval: Duration::from_secs(120),
            poll_jitter: Duration::from_secs(60),
            local_poll_interval: Duration::from_secs(1),
            retry_first: Duration::from_secs(10),
            retry_longest: Duration::from_secs(180),
            hook_patience: Duration::from_secs(300),
            limits: Limits::default(),
            allocator: Allocator::default(),
            digests: None,
        }
    }
}

impl Settings {
    /// Where Applications are listed: "" is everywhere.
    pub(super) fn listed_namespace(&self) -> String {
        match self.application_namespaces.is_empty() {
            true => self.namespace.clone(),
            false => String::new(),
        }
    }

    /// Whether Applications of a namespace are ours to look at.
    pub(super) fn serves(&self, namespace: &str) -> bool {
        let mut others = self.application_namespaces.iter();
        namespace == self.namespace || others.any(|glob| glob_matches(glob, namespace))
    }
}
