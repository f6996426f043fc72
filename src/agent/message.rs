use super::argocd_cm::ArgocdCm;
use super::clusters::ClusterSecret;
use super::compare::{CompareError, CompareOutcome};
use super::destination::{ClusterId, Connected};
use super::handle::AppView;
use super::live::Moved;
use super::polling::Sifted;
use super::pushed::Push;
use super::sources::{Resolved, SourceError, Tracked};
use super::usage::Usage;
use super::writes::Applied;
use crate::app::AppProject;
use crate::kube::Discovery;
use crate::kube::election::Prepare;
use crate::object::{Object, ResourceKey};
use crate::shard::Share;
use crate::sync;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// Namespace and name of an Application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId {
    pub namespace: String,
    pub name: String,
}

impl AppId {
    pub(super) fn of(object: &Object) -> Self {
        AppId {
            namespace: object.namespace().to_owned(),
            name: object.name().to_owned(),
        }
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// All that reaches the controller's thread.
pub(super) enum Message {
    /// An Application was created or changed.
    Application(Box<Object>),
    ApplicationGone(AppId),
    /// A list of all Applications is complete: others are gone.
    ApplicationsListed(BTreeSet<AppId>),
    /// Other agents came or went.
    Prepare(Prepare),
    /// The last writes of what was given up are over.
    Drained(Prepare),
    /// What this agent and the others act by now.
    Shares(Share),
    /// An application that is to be taken over, as the reading of that number found it.
    Taken(AppId, u64, Option<Box<Object>>),
    Project(Box<AppProject>),
    ProjectGone(String),
    ProjectsListed,
    /// The ConfigMap argocd-cm was read.
    Configured(Box<ArgocdCm>),
    /// A live object that carries our label changed.
    Live(ClusterId, ResourceKey, Moved),
    /// The list of a kind ended, well or not.
    KindListed,
    /// A CRD was created, established, changed or deleted.
    KindsChanged(ClusterId),
    Discovered(ClusterId, Result<Arc<Discovery>, String>),
    /// A cluster Secret is there, by its name.
    Cluster(String, Box<ClusterSecret>),
    /// Of all Secrets with our label, only these are there.
    ClustersListed(BTreeSet<String>),
    ClusterGone(String),
    /// A cluster was asked who it is.
    Connected(
        ClusterId,
        Arc<ClusterSecret>,
        Result<Box<Connected>, String>,
    ),
    /// The revisions of an application's sources are known and their
    /// snapshots are there.
    Resolved(AppId, u64, Result<Vec<Resolved>, Box<SourceError>>),
    /// A poll of a repository: which revision is at which commit now, `None`
    /// where that could not be told.
    Polled(String, Vec<(Tracked, Option<String>)>),
    /// Which applications a new commit touches.
    Sifted(Vec<Sifted>),
    /// Credentials or settings of repositories are different.
    RepositoriesChanged,
    Compared(AppId, u64, Box<Result<CompareOutcome, CompareError>>),
    /// A task of a sync is done: the operation's number, the event.
    Task(AppId, u64, sync::Event),
    Applied(AppId, u64, usize, Applied),
    NamespaceReady(AppId, u64, Result<(), sync::TaskFault>),
    /// The sources that an operation names are pinned: its number.
    OwnResolved(AppId, u64, Result<Vec<Resolved>, Box<SourceError>>),
    /// And compared.
    OwnCompared(AppId, u64, Box<Result<CompareOutcome, CompareError>>),
    /// The PreDelete and PostDelete hooks of an application.
    DeleteHooks(AppId, Result<Vec<sync::Item>, String>),
    Reported(AppId, Result<Option<Object>, String>),
    CascadeDone(AppId, Result<bool, String>),
    Refresh(AppId, bool),
    /// A webhook told of new commits.
    Pushed(Box<Push>),
    /// Answers with what is known of all applications.
    Views(Sender<Vec<AppView>>),
    /// Answers with what the memory is used for.
    Usage(Sender<Vec<Usage>>),
    /// Answers when everything has settled.
    AwaitSettled(Sender<()>),
    Stop,
}
