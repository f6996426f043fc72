//! What the project of an application allows: asked before anything is
//! compared, before the first write of a sync, and before each deletion.
//!
//! Invariant: no object reaches a write, hooks included, that its project
//! was not asked about with the spec of the project as it is now.

use super::clusters::Meant;
use super::compare::{Compared, extras};
use super::controller::Controller;
use super::integrity;
use super::live::LiveObject;
use super::message::AppId;
use super::result::bare_result;
use super::state::AppState;
use crate::app::{
    AppProject, Destination, OperationPhase, OrphanedResources, ResourceResult, SyncResult,
};
use crate::kube::Discovery;
use crate::object::ResourceKey;
use crate::project::{Cluster, Refusal, check_application, check_resource, service_account};
use crate::sync::{HookKind, Item, Outcome};
use std::sync::Arc;

/// One project and one destination: may this object be touched there?
#[derive(Clone)]
pub struct Permits {
    /// `None`: the project is not there, which allows nothing.
    project: Option<Arc<AppProject>>,
    name: String,
    server: String,
    cluster: String,
    /// Whether the cluster's Secret names this project.
    is_project_scoped: bool,
}

impl Permits {
    /// Whether the project allows one object, desired or live.
    pub fn check(&self, key: &ResourceKey, is_namespaced: bool) -> Result<(), Refusal> {
        match &self.project {
            Some(project) => check_resource(project, key, is_namespaced, self.destination()),
            None => Err(Refusal::Kind {
                group: key.group.clone(),
                kind: key.kind.clone(),
                project: self.name.clone(),
            }),
        }
    }

    /// Whether a live object may be counted as the application's: what the
    /// project does not allow is neither pruned nor deleted, as upstream.
    pub fn allows_live(&self, key: &ResourceKey) -> bool {
        self.check(key, !key.namespace.is_empty()).is_ok()
    }

    /// `None` where it is not there.
    pub fn project(&self) -> Option<&AppProject> {
        self.project.as_deref()
    }

    /// What the project says of orphans, where it asks for a warning.
    pub fn orphans(&self) -> Option<&OrphanedResources> {
        let settings = self.project.as_ref()?.spec.orphaned_resources.as_ref()?;
        settings.warn.unwrap_or(true).then_some(settings)
    }

    fn destination(&self) -> Cluster<'_> {
        Cluster {
            server: &self.server,
            name: &self.cluster,
            is_project_scoped: self.is_project_scoped,
        }
    }

    /// All items that the project does not allow, hooks of every kind too.
    fn refused(&self, items: &[Item], discovery: &Discovery) -> Vec<(ResourceResult, Refusal)> {
        items
            .iter()
            .filter_map(|item| {
                let is_namespaced = discovery
                    .resource(&item.gvk)
                    .map_or(!item.key.namespace.is_empty(), |kind| kind.namespaced);
                let refusal = self.check(&item.key, is_namespaced).err()?;
                let hook = item.hooks.first().copied().map_or("", hook_name);
                let result = ResourceResult {
                    group: item.gvk.group.clone(),
                    version: item.gvk.version.clone(),
                    kind: item.gvk.kind.clone(),
                    namespace: item.key.namespace.clone(),
                    name: item.key.name.clone(),
                    status: "SyncFailed".to_owned(),
                    message: refusal.to_string(),
                    hook_type: hook.to_owned(),
                    hook_phase: String::new(),
                    sync_phase: match hook {
                        "" => "Sync".to_owned(),
                        hook => hook.to_owned(),
                    },
                };
                Some((result, refusal))
            })
            .collect()
    }
}

fn hook_name(kind: HookKind) -> &'static str {
    match kind {
        HookKind::PreSync => "PreSync",
        HookKind::Sync => "Sync",
        HookKind::PostSync => "PostSync",
        HookKind::SyncFail => "SyncFail",
        HookKind::PreDelete => "PreDelete",
        HookKind::PostDelete => "PostDelete",
        HookKind::Skip => "Skip",
    }
}

impl Controller {
    pub(super) fn permits(&self, app: &AppState) -> Permits {
        let destination = &app.app.spec.destination;
        let name = app.app.spec.project();
        let (server, cluster, owner) = match self.clusters.meant(destination) {
            Ok(Meant::Own(None)) => (
                Destination::IN_CLUSTER_URL,
                Destination::IN_CLUSTER_NAME,
                "",
            ),
            Ok(Meant::Own(Some(cluster))) => (
                cluster.server.as_str(),
                cluster.name.as_str(),
                cluster.project.as_str(),
            ),
            Ok(Meant::Other(cluster)) => (
                cluster.server.as_str(),
                cluster.name.as_str(),
                cluster.project.as_str(),
            ),
            Err(_) => (destination.server.as_str(), destination.name.as_str(), ""),
        };
        Permits {
            project: self.projects.get(name).cloned(),
            name: name.to_owned(),
            server: server.to_owned(),
            cluster: cluster.to_owned(),
            is_project_scoped: !owner.is_empty() && owner == name,
        }
    }

    /// In whose name the writes of an application's syncs are sent; `None` is
    /// the agent itself.
    pub(super) fn account(&self, app: &AppState) -> Result<Option<Arc<str>>, String> {
        if !self.config.impersonates {
            return Ok(None);
        }
        let permits = self.permits(app);
        let found = match permits.project() {
            Some(project) => service_account(project, &app.app, &permits.server)
                .map_err(|error| error.to_string()),
            None => Err(format!("project {} does not exist", permits.name)),
        };
        found.map(|user| Some(Arc::from(user))).map_err(|why| {
            format!("failed to find a matching service account to impersonate: {why}")
        })
    }

    /// Whether its project asks for signatures of its sources.
    pub(super) fn asks_for_signatures(&self, app: &AppState) -> bool {
        let project = self.projects.get(app.app.spec.project());
        project.is_some_and(|project| integrity::is_asked(project, &app.app.spec.sources()))
    }

    /// All that the project and the destination have against an application.
    pub(super) fn project_errors(&self, id: &AppId) -> Vec<String> {
        let Some(state) = self.apps.get(id) else {
            return Vec::new();
        };
        let app = &state.app;
        let project = app.spec.project();
        let permits = self.permits(state);
        let Some(project) = &permits.project else {
            return vec![format!(
                "Application referencing project {project} which does not exist"
            )];
        };
        match self.clusters.meant(&app.spec.destination) {
            Ok(Meant::Own(_)) => {}
            Ok(Meant::Other(cluster)) => {
                if let Err(why) = &cluster.config {
                    return vec![why.clone()];
                }
            }
            Err(why) => return vec![why],
        }
        let namespace = &self.settings.namespace;
        check_application(project, app, permits.destination(), namespace)
            .iter()
            .map(Refusal::to_string)
            .collect()
    }

    /// Live objects of the application that the render no longer has and that
    /// its project lets it touch.
    pub(super) fn extras(&self, app: &AppState) -> Vec<(ResourceKey, LiveObject)> {
        match &app.compared {
            Some(compared) => self.extras_of(app, compared),
            None => Vec::new(),
        }
    }

    /// The same against another comparison than the last.
    pub(super) fn extras_of(
        &self,
        app: &AppState,
        compared: &Compared,
    ) -> Vec<(ResourceKey, LiveObject)> {
        let Some(destination) = self.destination(app) else {
            return Vec::new();
        };
        let mut extras = extras(&destination.live, compared, &app.instance);
        if !extras.is_empty() {
            let permits = self.permits(app);
            extras.retain(|(key, _)| permits.allows_live(key));
        }
        extras
    }

    /// Why a sync of these items may not begin, with a result for each that
    /// is refused. Nothing has been written then.
    pub(super) fn forbidden(&self, id: &AppId, items: &[Item]) -> Option<(Outcome, SyncResult)> {
        let app = self.apps.get(id)?;
        let errors = self.project_errors(id);
        if !errors.is_empty() {
            let outcome = Outcome {
                phase: OperationPhase::Error,
                message: errors.join(";"),
            };
            return Some((outcome, bare_result(app, app.operation.as_deref())));
        }
        let discovery = &self.destination(app)?.discovery;
        let refused = self.permits(app).refused(items, discovery);
        if refused.is_empty() {
            return None;
        }
        let mut reasons: Vec<String> = refused.iter().map(|(_, why)| why.to_string()).collect();
        reasons.dedup();
        let result = SyncResult {
            resources: refused.into_iter().map(|(result, _)| result).collect(),
            ..bare_result(app, app.operation.as_deref())
        };
        let message = format!(
            "one or more synchronization tasks are not valid: {}",
            reasons.join("; ")
        );
        let outcome = Outcome {
            phase: OperationPhase::Failed,
            message,
        };
        Some((outcome, result))
    }
}
