//! Application and AppProject (`argoproj.io/v1alpha1`): what users write in
//! them, what the agent writes back, and the schemas of their CRDs.
//!
//! Invariant: reading never loses what it does not know. The agent patches
//! single fields; it never writes a whole Application back.

mod application;
mod crd;
mod operation;
mod options;
mod project;
mod read;
mod source;
mod status;

pub use application::{
    Application, ApplicationSpec, Automated, Backoff, Destination, IgnoreDifferences, Info,
    ManagedNamespaceMetadata, Retry, SyncPolicy, instance_name,
};
pub use crd::{application_crd, appproject_crd};
pub use operation::{
    InitiatedBy, Operation, OperationPhase, OperationState, ResourceResult, SyncOperation,
    SyncOperationResource, SyncResult, SyncStrategy, SyncStrategyApply,
};
pub use options::{PropagationPolicy, SyncOptions, resource_options};
pub use project::{
    AppProject, AppProjectSpec, DestinationServiceAccount, GroupKind, IntegrityKeys,
    IntegrityPolicies, IntegrityPolicy, IntegrityRepository, JwtToken, OrphanedKey,
    OrphanedResources, ProjectDestination, ProjectRole, ProvenanceKeys, SignatureKey,
    SourceIntegrity, SyncWindow,
};
pub use read::ReadError;
pub use source::{
    Directory, FileParameter, Helm, HelmParameter, Jsonnet, JsonnetVar, Kustomize, KustomizePatch,
    KustomizeReplica, KustomizeTarget, Plugin, Source, is_reference,
};
pub use status::{
    AppHealth, ApplicationStatus, ComparedTo, Condition, ResourceStatus, RevisionHistory, Summary,
    SyncCode, SyncStatus,
};

/// Group and version of the custom resources.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";
pub const GROUP: &str = "argoproj.io";
pub const APPLICATION: &str = "Application";
pub const APP_PROJECT: &str = "AppProject";
/// Where Applications live unless the agent is told otherwise.
pub const DEFAULT_NAMESPACE: &str = "argocd";
/// The project of an Application that names none.
pub const DEFAULT_PROJECT: &str = "default";
