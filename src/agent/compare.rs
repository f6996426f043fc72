//! One comparison: render the sources of an application, hold each object
//! against the live one. The heavy job of the agent; runs on its own thread.

use super::argocd_cm::ArgocdCm;
use super::budget::{self, Budget, OverBudget};
use super::digests::Digests;
use super::integrity;
use super::kept::{Kept, Owner};
use super::links::collect_links;
use super::live::{Live, LiveObject};
use super::lookups::look_up;
use super::metrics::Metrics;
use super::orphans;
use super::permissions::Permits;
use super::rendering::{
    RenderJob, RenderedApplication, generated, reads_the_same, render_application,
};
use super::sources::{Resolved, Sources};
use super::state::recorded_homes;
use super::told;
use super::watch::{Watches, home_of_application};
use super::writes::{apply_declared, keep_generated};
use crate::app::{
    Application, Destination, IgnoreDifferences, SyncCode, SyncOptions, resource_options,
};
use crate::diff::{
    Change, Digest, IgnoreRules, Scope, agrees, changes, check_rules, digest_of, owned_digest,
    prepare, scrub,
};
use crate::helm::Lookup;
use crate::kube::{self, ApplyOptions, Client, Discovery, FieldValidation};
use crate::object::{Gvk, Object, ResourceKey, names};
use crate::render::{self, Capabilities, Located};
use crate::sync::{HookKind, Item, ItemError};
use crate::tree::Tree;
use crate::value::Value;
use crate::value::glob::Glob;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long a comparison waits for the first lists of its kinds.
const LIST_WAIT: Duration = Duration::from_secs(30);

/// An application's desired state against the cluster, as digests.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// What went into the render besides the sources' trees.
    pub context: Digest,
    /// Digest of all by which objects were held against live ones.
    pub rules: Digest,
    pub inputs: Vec<render::Inputs>,
    pub items: Vec<ComparedItem>,
    /// Kinds that the API server does not serve, with the objects that need them.
    pub unserved: Vec<Unserved>,
    /// Kinds whose live objects could not be listed: none is pruned.
    pub unlisted: Vec<(String, String)>,
    pub source_types: Vec<String>,
    /// Objects that carry the tracking id of another application, with it.
    pub shared: Vec<(ResourceKey, String)>,
    /// Whether there are PreDelete and PostDelete hooks.
    pub has_delete_hooks: (bool, bool),
    /// (type, message) of conditions.
    pub warnings: Vec<(String, String)>,
    pub images: Vec<String>,
    pub external_urls: Vec<String>,
    /// When the first certificate of its charts is to be renewed, in Unix seconds.
    pub renew_at: Option<i64>,
    /// Certificates were renewed in this render.
    pub is_renewed: bool,
}

/// One desired object.
#[derive(Clone, Debug)]
pub struct ComparedItem {
    pub key: ResourceKey,
    pub version: String,
    pub desired: Digest,
    /// The digest of our live fields while they are as desired.
    pub expected: Option<Digest>,
    pub code: SyncCode,
    pub is_missing: bool,
    pub wave: i32,
    pub is_hook: bool,
    pub ignores_health: bool,
}

/// An object whose kind is not served in its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unserved {
    pub gvk: Gvk,
    pub key: ResourceKey,
    pub file: String,
    /// The versions of the kind that are served.
    pub instead: Vec<String>,
    /// Its CRD is in the same render, or the object says that it can wait.
    pub may_wait: bool,
}

impl Unserved {
    /// `template.yaml: Ingress networking.k8s.io/v1beta1 …`: the words of the fault.
    pub fn message(&self) -> String {
        let Unserved { gvk, key, .. } = self;
        let place = match self.file.is_empty() {
            true => String::new(),
            false => format!("{}: ", self.file),
        };
        let advice = if self.instead.is_empty() {
            format!(
                "kind {} of {} is not served by the cluster (install its CRD first, or set SkipDryRunOnMissingResource=true)",
                gvk.kind,
                gvk.api_version()
            )
        } else {
            format!(
                "kind {} is not served as {} (use {})",
                gvk.kind,
                gvk.api_version(),
                self.instead.join(" or ")
            )
        };
        format!("{place}{key}: {advice}")
    }
}

impl Compared {
    pub fn code(&self) -> SyncCode {
        let differs = self
            .items
            .iter()
            .any(|item| !item.is_hook && item.code == SyncCode::OutOfSync);
        if differs {
            SyncCode::OutOfSync
        } else {
            SyncCode::Synced
        }
    }

    pub fn item(&self, key: &ResourceKey) -> Option<&ComparedItem> {
        self.items.iter().find(|item| item.key == *key)
    }

    pub fn item_mut(&mut self, key: &ResourceKey) -> Option<&mut ComparedItem> {
        self.items.iter_mut().find(|item| item.key == *key)
    }
}

/// Live objects of the application that the render no longer has.
pub fn extras(live: &Live, compared: &Compared, instance: &str) -> Vec<(ResourceKey, LiveObject)> {
    let desired: BTreeSet<&ResourceKey> = compared.items.iter().map(|item| &item.key).collect();
    let mut extras = live.of_instance(instance);
    extras.retain(|(key, object)| object.is_prunable() && !desired.contains(key));
    extras
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    #[error("{0}")]
    Render(String),
    /// All that is wrong with the Application itself.
    #[error("{}", .0.join(";"))]
    Invalid(Vec<String>),
    /// The API server could not be asked.
    #[error("{0}")]
    Cluster(String),
    /// There is not so much memory as this takes.
    #[error("comparing {0} {1}")]
    Budget(String, OverBudget),
}

impl CompareError {
    /// The type of the condition that tells it.
    pub fn condition(&self) -> &'static str {
        match self {
            CompareError::Render(_) | CompareError::Cluster(_) | CompareError::Budget(..) => {
                "ComparisonError"
            }
            CompareError::Invalid(_) => "InvalidSpecError",
        }
    }

    /// The same, no longer than a status may be: it is kept.
    pub(super) fn brief(self) -> Self {
        match self {
            CompareError::Render(message) => CompareError::Render(told::brief(message)),
            CompareError::Cluster(message) => CompareError::Cluster(told::brief(message)),
            CompareError::Invalid(messages) => {
                CompareError::Invalid(messages.into_iter().map(told::brief).collect())
            }
            CompareError::Budget(..) => self,
        }
    }

    /// One for each condition.
    pub fn messages(&self) -> Vec<String> {
        match self {
            CompareError::Invalid(messages) => messages.clone(),
            CompareError::Render(message) | CompareError::Cluster(message) => vec![message.clone()],
            CompareError::Budget(..) => vec![self.to_string()],
        }
    }
}

impl From<kube::Error> for CompareError {
    fn from(error: kube::Error) -> Self {
        CompareError::Cluster(error.to_string())
    }
}

impl From<ItemError> for CompareError {
    fn from(error: ItemError) -> Self {
        CompareError::Render(error.to_string())
    }
}

/// When manifests are handed back for a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Never,
    /// An automated sync may follow.
    IfOutOfSync,
    Always,
}

/// Everything that a comparison needs.
pub struct Comparison {
    pub app: Arc<Application>,
    pub instance: String,
    pub resolved: Vec<Resolved>,
    pub previous: Option<Arc<Compared>>,
    pub digests: Digests,
    pub force_render: bool,
    pub keep: Keep,
    /// Manifests of an operation, as JSON: synced instead of the sources'.
    pub given: Option<Vec<String>>,
    pub control_namespace: String,
    /// Nothing is written, also not what charts drew.
    pub observe: bool,
    pub client: Client,
    /// The same in the name in which a sync would write.
    pub dry_runs: Client,
    pub discovery: Arc<Discovery>,
    pub kube_version: String,
    pub config: Arc<ArgocdCm>,
    pub live: Arc<Live>,
    pub permits: Permits,
    pub watches: Watches,
    pub sources: Arc<Sources>,
    pub metrics: Arc<Metrics>,
}

/// What came of it; `items` are there where the caller asked to keep them.
pub struct CompareOutcome {
    pub compared: Compared,
    pub items: Option<Vec<Item>>,
}

impl Comparison {
    /// As soon as there is memory for it, and at the pace that there is.
    pub fn run_within(&self, budget: &Budget) -> Result<CompareOutcome, CompareError> {
        budget
            .run(&self.instance, budget::RENDER, || self.run())
            .unwrap_or_else(|over| Err(CompareError::Budget(self.app.name.clone(), over)))
    }

    fn run(&self) -> Result<CompareOutcome, CompareError> {
        self.check_signatures()?;
        let mut outcome = self.compared()?;
        let warnings = &mut outcome.compared.warnings;
        warnings.retain(|(kind, _)| kind != orphans::CONDITION);
        if let Some(settings) = self.permits.orphans() {
            let n_orphans = orphans::count(
                &self.client,
                &self.discovery,
                &self.config,
                &self.permits,
                settings,
                &self.app.spec.destination.namespace,
            )?;
            warnings.extend(orphans::warning(n_orphans));
        }
        Ok(outcome)
    }

    /// Nothing is rendered that is not signed as the project asks.
    fn check_signatures(&self) -> Result<(), CompareError> {
        let Some(project) = self.permits.project() else {
            return Ok(());
        };
        let sources = self.app.spec.sources();
        if self.given.is_some() && integrity::is_asked(project, &sources) {
            let why = "Cannot use local manifests when source integrity is enforced";
            return Err(CompareError::Render(why.to_owned()));
        }
        let now = jiff::Timestamp::now().as_second();
        let problems = integrity::problems(project, &sources, &self.resolved, &self.sources, now);
        match problems.is_empty() {
            true => Ok(()),
            false => Err(CompareError::Render(problems.join("\n"))),
        }
    }

    fn compared(&self) -> Result<CompareOutcome, CompareError> {
        let capabilities = Capabilities {
            kube_version: self.kube_version.clone(),
            api_versions: self.discovery.api_versions(),
        };
        check_rules(&self.app.spec.ignore_differences)
            .map_err(|error| CompareError::Render(format!("ignoreDifferences: {error}")))?;
        let context = self.context(&capabilities);
        if let Some(outcome) = self.without_render(context)? {
            self.metrics.compares_without_render.add_one();
            return Ok(outcome);
        }
        self.metrics.renders.add_one();
        let now = jiff::Timestamp::now().as_second();
        let load = |name: &str| generated(&self.client, &self.control_namespace, name);
        let kept = Kept::new(
            Owner::of(&self.app, &self.control_namespace, &self.instance),
            &load,
            now,
        );
        let rendered = self.rendered(&capabilities, &kept)?;
        if !self.observe
            && let Some(secret) = kept.changed()
        {
            // Before anything of it is used: what is synced must be there again.
            keep_generated(&self.client, &secret)?;
        }
        let mut compared = Compared {
            context,
            rules: self.rules(),
            inputs: rendered.inputs,
            source_types: rendered.source_types,
            warnings: rendered.warnings,
            renew_at: kept.renew_at(),
            is_renewed: kept.is_renewed(),
            ..Compared::default()
        };
        let last = self.last_known();
        let objects = self.prepare(rendered.objects, &mut compared);
        self.watch_kinds(&objects, &mut compared);
        let application = self.app.spec.sync_options();
        let mut items = Vec::new();
        let (mut images, mut links) = (BTreeSet::new(), BTreeSet::new());
        for (object, resource) in objects {
            let over = |over| CompareError::Budget(self.app.name.clone(), over);
            budget::checkpoint().map_err(over)?;
            collect_images(&object, &mut images);
            collect_links(&object, &mut links);
            let mut item = Item::of(&object, &application)?;
            let (entry, other) = match &resource {
                Some(resource) => self.compare(&object, resource, &item, last.as_deref())?,
                None => {
                    let entry = ComparedItem::new(&object, &item, SyncCode::OutOfSync, true);
                    (entry, None)
                }
            };
            item.in_sync = entry.code == SyncCode::Synced;
            compared.has_delete_hooks.0 |= item.hooks.contains(&HookKind::PreDelete);
            compared.has_delete_hooks.1 |= item.hooks.contains(&HookKind::PostDelete);
            if let Some(other) = other {
                compared.warnings.push((
                    "SharedResourceWarning".to_owned(),
                    format!(
                        "{}/{} is part of applications {} and {other}",
                        item.key.kind, item.key.name, self.instance
                    ),
                ));
                compared.shared.push((item.key.clone(), other));
            }
            compared.items.push(entry);
            if self.keep != Keep::Never {
                items.push(item);
            }
        }
        compared.images = images.into_iter().collect();
        compared.external_urls = links.into_iter().collect();
        let keep = match self.keep {
            Keep::Never => false,
            Keep::Always => true,
            Keep::IfOutOfSync => {
                compared.code() == SyncCode::OutOfSync
                    || !extras(&self.live, &compared, &self.instance).is_empty()
            }
        };
        Ok(CompareOutcome {
            compared,
            items: keep.then_some(items),
        })
    }

    /// What the sources render to, or what was given instead.
    fn rendered(
        &self,
        capabilities: &Capabilities,
        kept: &Kept<'_>,
    ) -> Result<RenderedApplication, CompareError> {
        let Some(given) = &self.given else {
            let look =
                |lookup: &Lookup| look_up(lookup, &self.client, &self.discovery, &self.permits);
            return render_application(&RenderJob {
                app: &self.app,
                instance: &self.instance,
                resolved: &self.resolved,
                sources: &self.sources,
                capabilities,
                kept,
                look: self.sources.has_lookups().then_some(&look),
            });
        };
        let mut objects = Vec::new();
        for (index, text) in given.iter().enumerate() {
            let fault = |why: String| {
                CompareError::Render(format!("operation.sync.manifests[{index}]: {why}"))
            };
            let value = Value::from_json(text.as_bytes()).map_err(|e| fault(e.to_string()))?;
            let object = Object::new(value).map_err(|e| fault(e.to_string()))?;
            objects.push(Located {
                object,
                file: String::new(),
            });
        }
        Ok(RenderedApplication {
            objects,
            inputs: Vec::new(),
            source_types: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// Digest of all by which a desired object is held against the live one.
    fn rules(&self) -> Digest {
        digest_of(&(
            &self.app.spec.ignore_differences,
            self.config.comparison_digest(),
        ))
    }

    /// Digest of all that goes into a render besides the trees.
    fn context(&self, capabilities: &Capabilities) -> Digest {
        digest_of(&(
            &self.instance,
            &self.app.spec.destination,
            self.app.spec.sources(),
            self.resolved
                .iter()
                .map(Resolved::has_lfs)
                .collect::<Vec<_>>(),
            self.rules(),
            &self
                .app
                .spec
                .sync_policy
                .as_ref()
                .map(|policy| &policy.sync_options),
            &capabilities.kube_version,
            &capabilities.api_versions,
        ))
    }

    /// The last comparison again, where no input changed and every object is
    /// as it was left.
    fn without_render(&self, context: Digest) -> Result<Option<CompareOutcome>, CompareError> {
        let Some(previous) = &self.previous else {
            return Ok(None);
        };
        if self.force_render
            || self.keep == Keep::Always
            || previous.context != context
            || !previous.unlisted.is_empty()
            || previous
                .renew_at
                .is_some_and(|at| at <= jiff::Timestamp::now().as_second())
        {
            return Ok(None);
        }
        let untouched = previous.items.iter().all(|item| {
            item.is_hook
                || (item.code == SyncCode::Synced
                    && item.expected.is_some()
                    && self.live.owned(&item.key) == item.expected)
        });
        if !untouched {
            return Ok(None);
        }
        let mut pinned: Vec<(&str, Box<dyn Tree>)> = Vec::new();
        for resolved in &self.resolved {
            let tree = resolved
                .tree()
                .map_err(|error| CompareError::Render(error.to_string()))?;
            pinned.push((&resolved.revision, tree));
        }
        let pinned: Vec<_> = pinned.iter().map(|(r, tree)| (*r, tree.as_ref())).collect();
        if !reads_the_same(&self.app.spec.sources(), &pinned, &previous.inputs) {
            return Ok(None);
        }
        Ok(Some(CompareOutcome {
            compared: Compared {
                is_renewed: false,
                ..Compared::clone(previous)
            },
            items: None,
        }))
    }

    /// Rendered objects with namespace, tracking id and label; of duplicates
    /// the last one.
    fn prepare(
        &self,
        objects: Vec<Located>,
        compared: &mut Compared,
    ) -> Vec<(Object, Option<Arc<kube::Resource>>)> {
        let namespace = self.app.spec.destination.namespace.as_str();
        // Group and kind, and whether it lives in namespaces.
        let defined: BTreeMap<(String, String), bool> = objects
            .iter()
            .filter(|located| located.object.kind() == "CustomResourceDefinition")
            .filter_map(|located| {
                let text = |path: &[&str]| Some(located.object.at(path)?.as_str()?.to_owned());
                let kind = (text(&["spec", "group"])?, text(&["spec", "names", "kind"])?);
                Some((kind, text(&["spec", "scope"])? == "Namespaced"))
            })
            .collect();
        let application = self.app.spec.sync_options();
        let mut prepared: Vec<(Object, Option<Arc<kube::Resource>>)> = Vec::new();
        let mut places: BTreeMap<ResourceKey, usize> = BTreeMap::new();
        for Located { object, file } in objects {
            let gvk = object.gvk();
            let resource = self.discovery.resource(&gvk).cloned();
            let is_namespaced = match &resource {
                Some(resource) => resource.namespaced,
                None => self
                    .discovery
                    .preferred(&gvk.group, &gvk.kind)
                    .map(|other| other.namespaced)
                    .or_else(|| defined.get(&(gvk.group.clone(), gvk.kind.clone())).copied())
                    .unwrap_or(!object.namespace().is_empty()),
            };
            let scope = if is_namespaced {
                Scope::Namespaced
            } else {
                Scope::Cluster
            };
            let tracking = &self.config.tracking;
            let object = prepare(object, scope, namespace, tracking, &self.instance);
            let key = object.key();
            if self
                .config
                .filter
                .excludes(&key, Destination::IN_CLUSTER_URL)
            {
                compared.warnings.push((
                    "ExcludedResourceWarning".to_owned(),
                    format!(
                        "Resource {}/{} {} is excluded in the settings",
                        key.group, key.kind, key.name
                    ),
                ));
                continue;
            }
            if resource.is_none() {
                let options = application.clone().overlaid(&resource_options(&object));
                compared.unserved.push(Unserved {
                    instead: self
                        .discovery
                        .served_versions(&gvk.group, &gvk.kind)
                        .into_iter()
                        .map(|version| Gvk::new(&gvk.group, version, &gvk.kind).api_version())
                        .collect(),
                    may_wait: defined.contains_key(&(gvk.group.clone(), gvk.kind.clone()))
                        || options.skip_dry_run_on_missing_resource == Some(true),
                    gvk,
                    key: key.clone(),
                    file,
                });
            }
            match places.get(&key).filter(|_| !key.name.is_empty()) {
                Some(place) => {
                    compared.warnings.push((
                        "RepeatedResourceWarning".to_owned(),
                        format!("{key} appears more than once; the last one is taken"),
                    ));
                    prepared[*place] = (object, resource);
                }
                None => {
                    places.insert(key, prepared.len());
                    prepared.push((object, resource));
                }
            }
        }
        prepared
    }

    /// Makes sure that every kind of the render, and every kind that the
    /// status says was applied before, is watched and listed.
    fn watch_kinds(
        &self,
        objects: &[(Object, Option<Arc<kube::Resource>>)],
        compared: &mut Compared,
    ) {
        let mut resources: BTreeMap<(String, String), Arc<kube::Resource>> = BTreeMap::new();
        let desired = objects.iter().map(|(object, _)| object.key());
        let mut homes: BTreeSet<String> = desired.filter_map(home_of_application).collect();
        homes.extend(recorded_homes(&self.app.status));
        let rendered = objects.iter().filter_map(|(_, resource)| resource.clone());
        let recorded = self.app.status.resources.iter().filter_map(|resource| {
            self.discovery
                .preferred(&resource.group, &resource.kind)
                .cloned()
        });
        for resource in rendered.chain(recorded) {
            let kind = (resource.group.clone(), resource.kind.clone());
            resources.entry(kind).or_insert(resource);
        }
        self.watches.ensure(resources.values(), &homes);
        let kinds = resources.into_keys().collect();
        compared.unlisted = self.live.wait_listed(&kinds, LIST_WAIT);
    }

    /// Also the other application, where the live object says that it belongs
    /// to one.
    fn compare(
        &self,
        desired: &Object,
        resource: &kube::Resource,
        item: &Item,
        last: Option<&Compared>,
    ) -> Result<(ComparedItem, Option<String>), CompareError> {
        let mut entry = ComparedItem::new(desired, item, SyncCode::Synced, false);
        if entry.is_hook {
            return Ok((entry, None));
        }
        let owned = self.live.owned(&entry.key);
        let before = last
            .filter(|previous| previous.rules == self.rules())
            .and_then(|previous| previous.item(&entry.key));
        if let Some(before) = before
            && before.desired == entry.desired
            && before.expected.is_some()
            && before.expected == owned
        {
            entry.expected = owned;
            return Ok((entry, None));
        }
        let Some(live) = self
            .client
            .find(resource, desired.namespace(), desired.name())?
        else {
            entry.code = SyncCode::OutOfSync;
            entry.is_missing = true;
            return Ok((entry, None));
        };
        let differs = self.differences(desired, &live, resource, item)?;
        if differs.is_empty() && self.config.tracking.is_of(&live, &self.instance) {
            entry.expected = owned_digest(&live, names::FIELD_MANAGER);
        } else {
            entry.code = SyncCode::OutOfSync;
        }
        let tracking = &self.config.tracking;
        let own = tracking.name_of(&self.instance);
        let other = tracking.owner(&live).filter(|other| *other != own);
        Ok((entry, other.map(str::to_owned)))
    }

    /// What an apply would change. A dry-run that is refused is a difference:
    /// the sync will tell why.
    fn differences(
        &self,
        desired: &Object,
        live: &Object,
        resource: &kube::Resource,
        item: &Item,
    ) -> Result<Vec<Change>, CompareError> {
        if agrees(desired, live, names::FIELD_MANAGER) {
            return Ok(Vec::new());
        }
        let options = ApplyOptions {
            force: true,
            dry_run: true,
            field_validation: field_validation(&item.options),
            ..ApplyOptions::by(names::FIELD_MANAGER)
        };
        let ignore = rules_for(&self.config, &self.app.spec.ignore_differences, desired);
        match apply_declared(&self.dry_runs, resource, desired, &options) {
            Ok(predicted) => Ok(changes(live, &predicted, &ignore)),
            Err(error) if error.is_retryable() => Err(error.into()),
            Err(error) => Ok(vec![Change {
                path: scrub(&error.to_string(), desired),
                live: None,
                predicted: None,
            }]),
        }
    }
}

impl ComparedItem {
    fn new(object: &Object, item: &Item, code: SyncCode, is_missing: bool) -> Self {
        ComparedItem {
            key: object.key(),
            version: item.gvk.version.clone(),
            desired: digest_of(object),
            expected: None,
            code,
            is_missing,
            wave: item.wave,
            is_hook: item.is_hook(),
            ignores_health: object.annotation(names::IGNORE_HEALTHCHECK) == Some("true"),
        }
    }
}

/// What does not count of an object: by its application, and by argocd-cm.
pub(super) fn rules_for(
    config: &ArgocdCm,
    app: &[IgnoreDifferences],
    desired: &Object,
) -> IgnoreRules {
    let rules: Vec<IgnoreDifferences> = app
        .iter()
        .chain(&config.ignore_differences)
        .cloned()
        .collect();
    let mut rules = IgnoreRules::for_object(&rules, &desired.key(), glob_matches);
    if config.compare.ignore_aggregated_roles {
        rules.ignore_rules_of_aggregated_role(desired);
    }
    rules
}

/// The globs of ignoreDifferences; one that is broken matches nothing.
pub(super) fn glob_matches(pattern: &str, text: &str) -> bool {
    pattern == text || Glob::gobwas(pattern, &[]).is_ok_and(|glob| glob.matches(text))
}

/// `Validate=false` means that unknown fields pass.
pub(super) fn field_validation(options: &SyncOptions) -> FieldValidation {
    match options.validate {
        Some(false) => FieldValidation::Ignore,
        Some(true) | None => FieldValidation::Strict,
    }
}

/// Container images below any pod template, for `status.summary`.
fn collect_images(object: &Object, images: &mut BTreeSet<String>) {
    fn walk(value: &Value, images: &mut BTreeSet<String>, depth: usize) {
        let Some(map) = value.as_map().filter(|_| depth < 8) else {
            return;
        };
        for (key, below) in map.iter() {
            match (key, below) {
                ("containers" | "initContainers", Value::Seq(containers)) => images.extend(
                    containers
                        .iter()
                        .filter_map(|c| c.get("image")?.as_str())
                        .map(str::to_owned),
                ),
                _ => walk(below, images, depth + 1),
            }
        }
    }
    if let Some(spec) = object.at(&["spec"]) {
        walk(spec, images, 0);
    }
}
