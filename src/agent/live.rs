//! The live objects that carry our label, as digests: what the watches last
//! said of them.

use super::argocd_cm::ArgocdCm;
use super::budget::Allocator;
use super::usage::{copied, in_tree};
use crate::app::SyncOptions;
use crate::diff::{Digest, content_digest, owned_digest};
use crate::health::{Health, health_by};
use crate::object::{Gvk, Object, ResourceKey, names};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};
use std::time::{Duration, Instant};

/// What is kept of a live object.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveObject {
    pub version: String,
    pub uid: String,
    /// The application whose tracking id it carries, or "".
    pub instance: String,
    /// Digest of the fields that are ours.
    pub owned: Option<Digest>,
    /// Digest of all that is neither status nor the server's own metadata: an
    /// object that drifted may come back by fields that are no longer ours.
    pub content: Digest,
    /// `None`: kinds of this sort have no health.
    pub health: Option<Health>,
    pub wave: i32,
    /// The text of its sync-options annotation.
    pub options: Option<Box<str>>,
    pub has_owner: bool,
    pub is_deleting: bool,
    pub ignores_extraneous: bool,
    pub is_hook: bool,
    /// It ran, or runs, because its application is being deleted.
    pub is_delete_hook: bool,
    /// `helm.sh/resource-policy: keep`.
    pub is_kept: bool,
}

impl LiveObject {
    pub fn of(object: &Object, config: &ArgocdCm) -> Self {
        let wave = [names::SYNC_WAVE, names::HELM_HOOK_WEIGHT]
            .iter()
            .find_map(|name| object.annotation(name)?.trim().parse().ok());
        LiveObject {
            version: object.gvk().version,
            uid: object.uid().to_owned(),
            instance: config.tracking.owner(object).unwrap_or_default().to_owned(),
            owned: owned_digest(object, names::FIELD_MANAGER),
            content: content_digest(object),
            health: health_by(object, &config.health, now()),
            wave: wave.unwrap_or(0),
            options: object.annotation(names::SYNC_OPTIONS).map(Box::from),
            has_owner: !object.owner_references().is_empty(),
            is_deleting: object.is_deleting(),
            ignores_extraneous: object
                .annotation(names::COMPARE_OPTIONS)
                .is_some_and(|text| text.contains("IgnoreExtraneous")),
            is_kept: object.annotation(names::HELM_RESOURCE_POLICY) == Some("keep"),
            is_delete_hook: [names::HOOK, names::HELM_HOOK].iter().any(|name| {
                let text = object.annotation(name).unwrap_or_default();
                ["PreDelete", "PostDelete", "pre-delete", "post-delete"]
                    .iter()
                    .any(|hook| text.contains(hook))
            }),
            is_hook: object.annotation(names::HOOK).is_some()
                || object.annotation(names::HELM_HOOK).is_some(),
        }
    }

    pub fn sync_options(&self, application: &SyncOptions) -> SyncOptions {
        let own = SyncOptions::parse(self.options.as_deref().unwrap_or_default().split(','));
        application.clone().overlaid(&own)
    }

    /// Whether it would be pruned if it were no longer desired.
    pub fn is_prunable(&self) -> bool {
        !self.has_owner && !self.is_deleting && !self.is_hook
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// How far the list of a kind has come.
#[derive(Clone, Debug, PartialEq)]
pub enum KindState {
    Listing,
    Listed,
    /// Not known: nothing of this kind may be pruned.
    Failed(String),
}

#[derive(Debug, Default)]
struct State {
    kinds: BTreeMap<(String, String), KindState>,
    objects: BTreeMap<Arc<ResourceKey>, LiveObject>,
    /// The keys of each application's objects.
    of_instance: BTreeMap<String, BTreeSet<Arc<ResourceKey>>>,
}

impl State {
    fn insert(&mut self, key: ResourceKey, object: LiveObject) {
        if let Some(known) = self.objects.get_mut(&key)
            && known.instance == object.instance
        {
            *known = object;
            return;
        }
        self.remove(&key);
        let key = Arc::new(key);
        if !object.instance.is_empty() {
            let keys = self.of_instance.entry(object.instance.clone());
            keys.or_default().insert(key.clone());
        }
        self.objects.insert(key, object);
    }

    fn remove(&mut self, key: &ResourceKey) -> Option<LiveObject> {
        let object = self.objects.remove(key)?;
        if let Some(keys) = self.of_instance.get_mut(&object.instance) {
            keys.remove(key);
            if keys.is_empty() {
                self.of_instance.remove(&object.instance);
            }
        }
        Some(object)
    }
}

/// Shared between the watches, which write, and the jobs, which read.
#[derive(Debug, Default)]
pub struct Live {
    state: Mutex<State>,
    listed: Condvar,
    /// By which objects are judged and whose they are.
    config: RwLock<Arc<ArgocdCm>>,
}

/// What an event changed, as far as anybody needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The applications before and after, "" for none.
    pub instances: BTreeSet<String>,
    /// Fields that are ours, or whose object it is.
    pub fields: bool,
    /// Anything but status and the server's own metadata.
    pub content: bool,
    pub health: bool,
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    pub fn config(&self) -> Arc<ArgocdCm> {
        self.config
            .read()
            .expect("no holder of this lock panics")
            .clone()
    }

    pub fn set_config(&self, config: Arc<ArgocdCm>) {
        *self.config.write().expect("no holder of this lock panics") = config;
    }

    /// Takes in an object as the API server has it.
    pub fn note(&self, object: &Object) -> (ResourceKey, Moved) {
        let key = object.key();
        let moved = self.put(key.clone(), LiveObject::of(object, &self.config()));
        (key, moved)
    }

    pub fn set_kind(&self, gvk: &Gvk, state: KindState) {
        let key = (gvk.group.clone(), gvk.kind.clone());
        self.lock().kinds.insert(key, state);
        self.listed.notify_all();
    }

    pub fn is_listed(&self, kind: &(String, String)) -> bool {
        self.lock().kinds.get(kind) == Some(&KindState::Listed)
    }

    /// Waits until none of the kinds is being listed any more; those that
    /// are not known by then.
    pub fn wait_listed(
        &self,
        kinds: &BTreeSet<(String, String)>,
        longest: Duration,
    ) -> Vec<(String, String)> {
        let until = Instant::now() + longest;
        let mut state = self.lock();
        loop {
            let pending = |state: &State, key: &(String, String)| {
                matches!(state.kinds.get(key), Some(KindState::Listing) | None)
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !kinds.iter().any(|key| pending(&state, key)) {
                return kinds
                    .iter()
                    .filter(|key| state.kinds.get(*key) != Some(&KindState::Listed))
                    .cloned()
                    .collect();
            }
            state = self
                .listed
                .wait_timeout(state, left)
                .expect("no holder of this lock panics")
                .0;
        }
    }

    /// Takes in the newest state of an object.
    fn put(&self, key: ResourceKey, object: LiveObject) -> Moved {
        let mut state = self.lock();
        let mut moved = Moved::default();
        if !object.instance.is_empty() {
            moved.instances.insert(object.instance.clone());
        }
        match state.objects.get(&key) {
            Some(before) => {
                if !before.instance.is_empty() {
                    moved.instances.insert(before.instance.clone());
                }
                moved.fields = before.owned != object.owned
                    || before.uid != object.uid
                    || before.instance != object.instance
                    || before.is_deleting != object.is_deleting;
                moved.content = before.content != object.content;
                moved.health = before.health != object.health;
            }
            None => {
                moved.fields = true;
                moved.content = true;
                moved.health = true;
            }
        }
        state.insert(key, object);
        moved
    }

    pub fn remove(&self, key: &ResourceKey) -> Moved {
        let before = self.lock().remove(key);
        let mut moved = Moved {
            fields: before.is_some(),
            content: before.is_some(),
            health: before.is_some(),
            ..Moved::default()
        };
        if let Some(before) = before
            && !before.instance.is_empty()
        {
            moved.instances.insert(before.instance);
        }
        moved
    }

    /// Forgets what a new list of a kind did not mention.
    pub fn retain_kind(
        &self,
        gvk: &Gvk,
        seen: &BTreeSet<ResourceKey>,
    ) -> Vec<(ResourceKey, Moved)> {
        let gone: Vec<ResourceKey> = self
            .lock()
            .objects
            .keys()
            .filter(|key| key.group == gvk.group && key.kind == gvk.kind)
            .filter(|key| !seen.contains(&***key))
            .map(|key| ResourceKey::clone(key))
            .collect();
        gone.into_iter()
            .map(|key| {
                let moved = self.remove(&key);
                (key, moved)
            })
            .collect()
    }

    pub fn get(&self, key: &ResourceKey) -> Option<LiveObject> {
        self.lock().objects.get(key).cloned()
    }

    pub fn owned(&self, key: &ResourceKey) -> Option<Digest> {
        self.lock().objects.get(key)?.owned
    }

    /// All objects that carry an application's tracking id.
    pub fn of_instance(&self, instance: &str) -> Vec<(ResourceKey, LiveObject)> {
        let config = self.config();
        let instance = config.tracking.name_of(instance);
        let state = self.lock();
        let keys = state.of_instance.get(instance).into_iter().flatten();
        keys.filter_map(|key| {
            let object = state.objects.get(key)?;
            Some((ResourceKey::clone(key), object.clone()))
        })
        .collect()
    }

    /// How many objects there are, and about how many bytes they take.
    pub(super) fn usage(&self, allocator: &Allocator) -> (usize, u64) {
        let state = self.lock();
        let entry = size_of::<(Arc<ResourceKey>, LiveObject)>() + size_of::<Arc<ResourceKey>>();
        let bytes = state.objects.iter().map(|(key, object)| {
            let key_below = copied(allocator, || ResourceKey::clone(key));
            let below = copied(allocator, || object.clone());
            key_below + below + size_of::<ResourceKey>() as u64 + in_tree(entry)
        });
        (state.objects.len(), bytes.sum())
    }

    pub fn n_objects(&self) -> usize {
        self.lock().objects.len()
    }
}
