//! The names of labels, annotations and finalizers that have a meaning.

pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
/// On the Secret of what was drawn by chance: the application it is for.
pub const GENERATED_FOR: &str = "drupelet.io/generated-for";
/// Which installation an object belongs to (`installationID` of argocd-cm).
pub const INSTALLATION_ID: &str = "argocd.argoproj.io/installation-id";
/// The label of label tracking, unless argocd-cm names another.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
pub const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";
pub const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";
pub const SYNC_WAVE: &str = "argocd.argoproj.io/sync-wave";
pub const HOOK: &str = "argocd.argoproj.io/hook";
pub const HOOK_DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";
pub const REFRESH: &str = "argocd.argoproj.io/refresh";
pub const SKIP_RECONCILE: &str = "argocd.argoproj.io/skip-reconcile";
pub const IGNORE_HEALTHCHECK: &str = "argocd.argoproj.io/ignore-healthcheck";
/// A pod that runs to an end is judged as one that runs on.
pub const IGNORE_RESTART_POLICY: &str = "argocd.argoproj.io/ignore-restart-policy";
pub const MANIFEST_GENERATE_PATHS: &str = "argocd.argoproj.io/manifest-generate-paths";
pub const SECRET_TYPE: &str = "argocd.argoproj.io/secret-type";

pub const HELM_HOOK: &str = "helm.sh/hook";
pub const HELM_HOOK_WEIGHT: &str = "helm.sh/hook-weight";
pub const HELM_HOOK_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
pub const HELM_RESOURCE_POLICY: &str = "helm.sh/resource-policy";

pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The label with which the API server filters what we list and watch.
pub const MANAGED_LABEL: &str = "drupelet.io/managed";
pub const MANAGED_LABEL_VALUE: &str = "true";

/// Our field manager in server-side apply.
pub const FIELD_MANAGER: &str = "drupelet";

/// Holds a hook until the sync has seen how it ended.
pub const HOOK_FINALIZER: &str = "argocd.argoproj.io/hook-finalizer";
pub const RESOURCES_FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";
/// The wish to sync and to delete what asks for confirmation; RFC 3339.
pub const DELETION_APPROVED: &str = "argocd.argoproj.io/deletion-approved";
/// Applications that must be Synced and Healthy before this one is synced.
pub const DEPENDS_ON: &str = "drupelet.io/depends-on";
/// On the Leases of agents that share the applications: which agents these are.
pub const AGENTS: &str = "drupelet.io/agents";
/// On such a Lease: the members that its agent acts by.
pub const ACTS_BY: &str = "drupelet.io/acts-by";
/// On such a Lease: somebody waits for a sign of life.
pub const RENEWAL_ASKED: &str = "drupelet.io/renewal-asked";
/// Finalizers of applications that have PreDelete or PostDelete hooks; with
/// `/cleanup` behind them while the hooks that have run are deleted.
pub const PRE_DELETE_FINALIZER: &str = "pre-delete-finalizer.argocd.argoproj.io";
pub const POST_DELETE_FINALIZER: &str = "post-delete-finalizer.argocd.argoproj.io";
/// The same, with what the objects own deleted after them.
pub const RESOURCES_FINALIZER_BACKGROUND: &str =
    "resources-finalizer.argocd.argoproj.io/background";
