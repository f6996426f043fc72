//! Applications spread over several agents: what this one has, what others have,
//! and how an application goes from one to the other.
//!
//! ```text
//! (elsewhere) --ours, claimed by nobody else--> read anew --> (ours)
//!      ^                                                        |
//!      '-- last write over, then told to the others <-- closed -'
//! ```
//! Invariant: all writes of an application pass the part of the fence that was
//! made when this agent began with it. Without sharing everything is ours.

use super::controller::{Controller, Timer};
use super::hold::{dependencies, lacking};
use super::message::{AppId, Message};
use super::pushed::Push;
use super::resources::application_resource;
use super::state::AppState;
use super::writes::patch_application;
use crate::app::{Application, OperationPhase};
use crate::kube::election::Prepare;
use crate::kube::{self, Client, Fence, ListOptions};
use crate::object::{Object, names};
use crate::shard::{Members, Share};
use crate::value::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Up to so many applications are read one by one, more of them by a list.
const FEW: usize = 8;
/// What could not be read is tried again after this.
const READ_AGAIN: Duration = Duration::from_secs(5);
/// A write under way is over within the lease; who waits for it says so.
const DRAIN_NOTICE: Duration = Duration::from_secs(20);

/// What an agent that shares the work knows of the others'.
#[derive(Default)]
pub(super) struct Sharing {
    /// By which it acts, as soon as that is published.
    members: Option<Members>,
    /// What is published, and seen.
    share: Share,
    elsewhere: BTreeMap<AppId, Elsewhere>,
    /// Those that are read before they are begun with, and by which reading: what an
    /// earlier one finds, before another agent had the application, is too old.
    reading: BTreeMap<AppId, u64>,
    /// The closed parts of those that were let go, until their last write is over.
    draining: BTreeMap<AppId, Fence>,
}

/// An application that another agent works on, by its own report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub depends_on: Vec<AppId>,
    /// What it lacks to be Synced and Healthy.
    lacks: Option<String>,
    /// Of its git sources: repository, what is tracked, the commit compared with.
    commits: Vec<(String, String, String)>,
}

impl Elsewhere {
    fn of(app: &Application) -> Self {
        let status = &app.status;
        let spec = &app.spec;
        let compared = status.sync.compared_to.as_deref();
        let is_of_spec = compared.is_some_and(|compared| match spec.has_multiple_sources() {
            true => compared.sources == spec.sources,
            false => compared.source == spec.source,
        });
        let runs = |phase: OperationPhase| !phase.is_completed();
        let state = status.operation_state.as_ref();
        let is_busy = app.operation.is_some() || state.is_some_and(|state| runs(state.phase));
        let lacks = match is_of_spec {
            true => lacking(status.sync.status, &status.health.status, is_busy),
            false => Some("not compared yet".to_owned()),
        };
        let revisions = match spec.has_multiple_sources() {
            true => status.sync.revisions.clone(),
            false => vec![status.sync.revision.clone()],
        };
        let sources = spec.sources().into_iter().zip(revisions);
        let commits = sources.filter(|(source, _)| source.chart.is_empty());
        Elsewhere {
            depends_on: dependencies(app),
            lacks,
            commits: commits
                .map(|(source, commit)| {
                    let tracked = source.target_revision.clone();
                    (source.repo_url.clone(), tracked, commit)
                })
                .collect(),
        }
    }

    /// The same for an application that waits for it: where both track the same,
    /// that must have been compared with the same commit.
    pub fn lacks_for(&self, app: &AppState) -> Option<String> {
        if self.lacks.is_some() {
            return self.lacks.clone();
        }
        let sources = app.app.spec.sources();
        let differs = sources
            .iter()
            .zip(&app.resolved)
            .find(|(source, resolved)| {
                let mut commits = self.commits.iter();
                source.chart.is_empty()
                    && commits.any(|(url, tracked, commit)| {
                        *url == source.repo_url
                            && *tracked == source.target_revision
                            && *commit != resolved.revision
                    })
            });
        differs.map(|(_, resolved)| {
            let short: String = resolved.revision.chars().take(7).collect();
            format!("not compared with {short} yet")
        })
    }
}

impl Sharing {
    fn owns(&self, id: &AppId) -> bool {
        let is_current = |members: &Members| *members == self.share.acts_by;
        self.members.as_ref().is_none_or(is_current) && self.share.may_begin(&id.to_string())
    }

    fn may_begin(&self, id: &AppId) -> bool {
        self.owns(id) && self.draining.get(id).is_none_or(is_over)
    }
}

/// Whether the last write that passed a closed part has its answer.
fn is_over(part: &Fence) -> bool {
    part.drain(Duration::ZERO)
}

impl Controller {
    /// The part of the fence through which an application's writes go.
    pub(super) fn new_part(&self) -> Option<Fence> {
        self.sharing.as_ref()?;
        self.client.fence().map(Fence::part)
    }

    /// A client for the writes of one application.
    pub(super) fn client_of(&self, app: &AppState, client: &Client) -> Client {
        match &app.fence {
            Some(fence) => client.clone().guarded(fence.clone()),
            None => client.clone(),
        }
    }

    /// All applications of which others are in charge.
    pub(super) fn ids_elsewhere(&self) -> Vec<AppId> {
        let sharing = self.sharing.as_ref();
        sharing.map_or_else(Vec::new, |it| it.elsewhere.keys().cloned().collect())
    }

    /// Whether an application that is not worked on is begun with now, from its
    /// object at hand. What is not, is remembered.
    pub(super) fn begins_with(&mut self, id: &AppId, object: &Object) -> bool {
        let Some(sharing) = &mut self.sharing else {
            return true;
        };
        let before = sharing.elsewhere.get(id);
        let is_created = before.is_none() && self.applications_listed;
        if is_created && sharing.may_begin(id) {
            return true;
        }
        let known = Elsewhere::of(&Application::read(object).unwrap_or_default());
        if before == Some(&known) {
            return false;
        }
        let depends_otherwise = before.map(|it| &it.depends_on) != Some(&known.depends_on);
        sharing.elsewhere.insert(id.clone(), known);
        if is_created && sharing.owns(id) {
            // What it was before it was deleted is still being written to.
            self.after(READ_AGAIN, Timer::TakeOver);
        }
        if depends_otherwise {
            self.dependencies_changed(id);
        }
        self.wake_dependents(id);
        false
    }

    /// Ends the work on an application: nothing is written for it any more, and it is
    /// not begun with again before what is under way is over.
    pub(super) fn let_go(&mut self, id: &AppId) -> Option<AppState> {
        let app = self.apps.remove(id)?;
        if let (Some(part), Some(sharing)) = (&app.fence, &mut self.sharing) {
            part.close();
            sharing.draining.retain(|_, part| !is_over(part));
            sharing.draining.insert(id.clone(), part.clone());
        }
        Some(app)
    }

    /// Other agents came or went. What is not ours among these is closed, and the
    /// last of its writes awaited.
    pub(super) fn prepare(&mut self, prepare: Prepare) {
        let Some(sharing) = &mut self.sharing else {
            return;
        };
        sharing.members = Some(prepare.members.clone());
        let is_lost = |id: &AppId| {
            let owner = prepare.members.owner(&id.to_string());
            owner != Some(prepare.own.as_str())
        };
        sharing.reading.retain(|id, _| !is_lost(id));
        let lost: Vec<AppId> = self.apps.keys().filter(|id| is_lost(id)).cloned().collect();
        let mut elsewhere = Vec::new();
        for id in lost {
            let Some(app) = self.let_go(&id) else {
                continue;
            };
            let mut known = (*app.app).clone();
            known.status = app.known_status.get().to().unwrap_or_default();
            elsewhere.push((id, Elsewhere::of(&known)));
        }
        if !elsewhere.is_empty() {
            tracing::info!(applications = elsewhere.len(), "given up for other agents");
        }
        let sharing = self.sharing.as_mut().expect("looked up above");
        sharing.elsewhere.extend(elsewhere);
        // Those that were given up before and still are being written to, as well.
        let parts: Vec<Fence> = sharing.draining.values().cloned().collect();
        let results = self.results.clone();
        let drain = move || {
            for part in parts {
                while !part.drain(DRAIN_NOTICE) {
                    tracing::warn!("a write is still under way: nothing is handed over yet");
                }
            }
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Drained(prepare));
        };
        let thread = std::thread::Builder::new().name("drain".to_owned());
        if let Err(error) = thread.spawn(drain) {
            tracing::error!(%error, "cannot start a thread: what was given up is not handed over before this agent is started anew");
        }
    }

    pub(super) fn drained(&mut self, prepare: Prepare) {
        if let Some(sharing) = &mut self.sharing {
            sharing.draining.retain(|_, part| !is_over(part));
        }
        prepare.done();
        self.begin_with_ours();
    }

    /// What is published now, by this agent and the others.
    pub(super) fn shares(&mut self, share: Share) {
        if let Some(sharing) = &mut self.sharing {
            sharing.share = share;
        }
        self.begin_with_ours();
    }

    /// Reads all that became ours: whoever had it wrote to it until now, and a
    /// cache may not know of that.
    pub(super) fn begin_with_ours(&mut self) {
        if !self.applications_listed {
            return;
        }
        let number = self.next_number();
        let Some(sharing) = &mut self.sharing else {
            return;
        };
        let ids = sharing.elsewhere.keys();
        let ours: BTreeSet<AppId> = ids
            .filter(|id| !sharing.reading.contains_key(id) && sharing.may_begin(id))
            .cloned()
            .collect();
        if ours.is_empty() {
            return;
        }
        tracing::info!(applications = ours.len(), "taken over");
        sharing
            .reading
            .extend(ours.iter().map(|id| (id.clone(), number)));
        let (client, results) = (self.client.clone(), self.results.clone());
        let namespace = self.settings.listed_namespace();
        self.fetch_pool.run(move || {
            let mut told = BTreeSet::new();
            let mut tell = |object: Object| {
                let id = AppId::of(&object);
                if ours.contains(&id) && told.insert(id.clone()) {
                    // The controller may have stopped: nobody waits then.
                    let _ = results.send(Message::Taken(id, number, Some(Box::new(object))));
                }
            };
            if let Err(error) = read(&client, &namespace, &ours, &mut tell) {
                tracing::warn!(%error, "applications are not taken over yet, tried again soon");
            }
            for id in ours.difference(&told.clone()) {
                let _ = results.send(Message::Taken(id.clone(), number, None));
            }
        });
    }

    /// An application as it is now, before it is begun with; `None` where it
    /// could not be read, or is gone.
    pub(super) fn taken(&mut self, id: &AppId, number: u64, object: Option<&Object>) {
        let Some(sharing) = &mut self.sharing else {
            return;
        };
        if sharing.reading.get(id) != Some(&number) {
            return;
        }
        sharing.reading.remove(id);
        if !sharing.elsewhere.contains_key(id) {
            return;
        }
        match object {
            Some(object) if sharing.may_begin(id) => {
                sharing.elsewhere.remove(id);
                self.take_application(id, object);
            }
            // Others came meanwhile: what they publish next leads here again.
            Some(_) => {}
            None => self.after(READ_AGAIN, Timer::TakeOver),
        }
    }

    /// An application that another agent has.
    pub(super) fn elsewhere(&self, id: &AppId) -> Option<&Elsewhere> {
        self.sharing.as_ref()?.elsewhere.get(id)
    }

    pub(super) fn forget_elsewhere(&mut self, id: &AppId) {
        if let Some(sharing) = &mut self.sharing {
            sharing.elsewhere.remove(id);
        }
    }

    pub(super) fn retain_elsewhere(&mut self, ids: &BTreeSet<AppId>) {
        if let Some(sharing) = &mut self.sharing {
            sharing.elsewhere.retain(|id, _| ids.contains(id));
        }
    }

    /// A push concerns applications of other agents, too: they are asked for a
    /// refresh, as anybody may ask for one.
    pub(super) fn tell_others_of(&self, push: &Push) {
        let Some(sharing) = self.sharing.as_ref().filter(|it| !it.elsewhere.is_empty()) else {
            return;
        };
        let theirs: BTreeSet<AppId> = sharing.elsewhere.keys().cloned().collect();
        let (client, push) = (self.client.clone(), push.clone());
        let namespace = self.settings.listed_namespace();
        self.fetch_pool.run(move || {
            let mut concerned = Vec::new();
            let options = ListOptions {
                namespace,
                from_cache: true,
                ..ListOptions::default()
            };
            let listed = client.list(&application_resource(), &options, &mut |object| {
                let id = AppId::of(&object);
                let app = Application::read(&object);
                if theirs.contains(&id) && app.is_ok_and(|app| push.concerns(&app)) {
                    concerned.push(id);
                }
            });
            if let Err(error) = listed {
                tracing::warn!(%error, "webhook: applications of other agents are not told");
            }
            for id in concerned {
                let annotations = Map::from_iter([(names::REFRESH, "normal")]);
                let metadata = Map::from_iter([("annotations", Value::Map(annotations))]);
                let patch = Value::Map(Map::from_iter([("metadata", metadata)]));
                if let Err(error) = patch_application(&client, &id.namespace, &id.name, patch) {
                    tracing::warn!(app = %id, %error, "webhook: its agent is not told");
                }
            }
        });
    }
}

/// Hands on applications as the store has them; of a list, others as well.
fn read(
    client: &Client,
    namespace: &str,
    ids: &BTreeSet<AppId>,
    on_item: &mut dyn FnMut(Object),
) -> Result<(), kube::Error> {
    let resource = application_resource();
    if ids.len() > FEW {
        let options = ListOptions {
            namespace: namespace.to_owned(),
            ..ListOptions::default()
        };
        return client.list(&resource, &options, on_item).map(|_| ());
    }
    for id in ids {
        if let Some(object) = client.find(&resource, &id.namespace, &id.name)? {
            on_item(object);
        }
    }
    Ok(())
}
