use crate::app::{SyncOptions, resource_options};
use crate::object::{Gvk, Object, ResourceKey, names};

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookKind {
    PreSync,
    Sync,
    PostSync,
    SyncFail,
    PreDelete,
    PostDelete,
    /// Never applied.
    Skip,
}

/// When a hook is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    HookSucceeded,
    HookFailed,
    BeforeHookCreation,
}

/// A desired object with all that its annotations say about its sync.
#[derive(Clone, Debug)]
pub struct Item {
    pub gvk: Gvk,
    /// The name may be "" for a hook with generateName, until it is planned.
    pub key: ResourceKey,
    pub generate_name: String,
    pub wave: i32,
    /// Empty for what is no hook.
    pub hooks: Vec<HookKind>,
    pub delete_policies: Vec<DeletePolicy>,
    /// The application's options with the resource's on top.
    pub options: SyncOptions,
    /// The object as JSON: a third of the size of its value.
    pub manifest: String,
    /// Live is as desired: nothing to send.
    pub in_sync: bool,
    /// The names of the group and kind that a CRD defines.
    pub defines: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    #[error("{key}: annotation {annotation}: {text:?} is not a whole number")]
    Wave {
        key: Box<ResourceKey>,
        annotation: &'static str,
        text: String,
    },
    #[error("{key}: annotation {annotation}: {text:?} is no hook")]
    Hook {
        key: Box<ResourceKey>,
        annotation: &'static str,
        text: String,
    },
}

impl Item {
    /// Reads the annotations of a prepared object.
    pub fn of(object: &Object, application: &SyncOptions) -> Result<Item, ItemError> {
        let key = object.key();
        let hooks = hooks(object, &key)?;
        Ok(Item {
            gvk: object.gvk(),
            generate_name: object.generate_name().to_owned(),
            wave: wave(object, &key)?,
            delete_policies: delete_policies(object),
            options: application.clone().overlaid(&resource_options(object)),
            manifest: object.to_json(),
            in_sync: false,
            defines: defines(object),
            hooks,
            key,
        })
    }

    pub fn is_hook(&self) -> bool {
        !self.hooks.is_empty()
    }
}

fn wave(object: &Object, key: &ResourceKey) -> Result<i32, ItemError> {
    for annotation in [names::SYNC_WAVE, names::HELM_HOOK_WEIGHT] {
        if let Some(text) = object.annotation(annotation) {
            return text.trim().parse().map_err(|_| ItemError::Wave {
                key: Box::new(key.clone()),
                annotation,
                text: text.to_owned(),
            });
        }
    }
    Ok(0)
}

fn hooks(object: &Object, key: &ResourceKey) -> Result<Vec<HookKind>, ItemError> {
    let parts = |text: &'static str| {
        object
            .annotation(text)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
    };
    let mut found = Vec::new();
    for text in parts(names::HOOK) {
        found.push(match text {
            "PreSync" => HookKind::PreSync,
            "Sync" => HookKind::Sync,
            "PostSync" => HookKind::PostSync,
            "SyncFail" => HookKind::SyncFail,
            "PreDelete" => HookKind::PreDelete,
            "PostDelete" => HookKind::PostDelete,
            "Skip" => HookKind::Skip,
            other => {
                return Err(ItemError::Hook {
                    key: Box::new(key.clone()),
                    annotation: names::HOOK,
                    text: other.to_owned(),
                });
            }
        });
    }
    if !found.is_empty() {
        return Ok(found);
    }
    for text in parts(names::HELM_HOOK) {
        match text {
            "pre-install" | "pre-upgrade" => found.push(HookKind::PreSync),
            "post-install" | "post-upgrade" => found.push(HookKind::PostSync),
            "pre-delete" => found.push(HookKind::PreDelete),
            "post-delete" => found.push(HookKind::PostDelete),
            // A plain resource, as Helm 2 charts mean it.
            "crd-install" => return Ok(Vec::new()),
            // rollback and test hooks have no counterpart in a sync.
            _ => found.push(HookKind::Skip),
        }
    }
    if found.iter().any(|kind| *kind != HookKind::Skip) {
        found.retain(|kind| *kind != HookKind::Skip);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn delete_policies(object: &Object) -> Vec<DeletePolicy> {
    let parse = |text: &str| match text.trim() {
        "HookSucceeded" | "hook-succeeded" => Some(DeletePolicy::HookSucceeded),
        "HookFailed" | "hook-failed" => Some(DeletePolicy::HookFailed),
        "BeforeHookCreation" | "before-hook-creation" => Some(DeletePolicy::BeforeHookCreation),
        _ => None,
    };
    for annotation in [names::HOOK_DELETE_POLICY, names::HELM_HOOK_DELETE_POLICY] {
        let policies: Vec<_> = object
            .annotation(annotation)
            .unwrap_or_default()
            .split(',')
            .filter_map(parse)
            .collect();
        if !policies.is_empty() {
            return policies;
        }
    }
    vec![DeletePolicy::BeforeHookCreation]
}

fn defines(object: &Object) -> Option<(String, String)> {
    if object.kind() != "CustomResourceDefinition" {
        return None;
    }
    let text = |path: &[&str]| Some(object.at(path)?.as_str()?.to_owned());
    Some((text(&["spec", "group"])?, text(&["spec", "names", "kind"])?))
}
