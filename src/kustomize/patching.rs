//! Patches of a kustomization: which resources they are for, and what of a
//! resource they may not change.

use super::BuildError;
use super::folder::Folder;
use super::kustomization::{Patch, PatchOptions, Selector};
use super::loader::Loader;
use super::patch::{JsonPatch, PatchError, json6902, strategic_merge};
use super::read::resources;
use super::res_map::ResMap;
use super::resource::Resource;
use super::schema::Schema;
use super::text::Text;
use crate::value::Value;

/// One entry of `patches`, read.
pub enum Read {
    Merge {
        patches: Vec<Resource>,
        target: Option<Selector>,
    },
    Json {
        patch: Operations,
        target: Selector,
    },
    Nothing,
}

/// A JSON patch and its text.
pub struct Operations {
    patch: JsonPatch,
    text: Text,
}

impl Operations {
    pub fn parse(text: Text) -> Result<Self, String> {
        match JsonPatch::parse(text.as_str()) {
            Ok(patch) => Ok(Operations { patch, text }),
            Err(error) => Err(located(&text, &error)),
        }
    }
}

/// The operation that is at fault in front of the error.
fn located(text: &Text, error: &PatchError) -> String {
    match error {
        PatchError::Text(cause) => text.wrong(cause, 1),
        PatchError::Operation { at, .. } => format!("{}: {error}", text.at(&[(*at).into()])),
        _ => format!("{}: {error}", text.at(&[])),
    }
}

/// Reads an entry of `patches`; its text may be one of either kind.
pub fn read(loader: &Loader<'_>, patch: &Patch, inline: Text) -> Result<Read, BuildError> {
    let (text, source) = match (inline.as_str().is_empty(), patch.path.is_empty()) {
        (true, true) => return Err(BuildError::wrong("must specify one of patch and path")),
        (false, false) => {
            return Err(BuildError::wrong(format!(
                "patch and path can't be set at the same time (path {:?})",
                patch.path
            )));
        }
        (false, true) => {
            let source = format!("[patch: {:?}]", inline.as_str());
            (inline, source)
        }
        (true, false) => {
            let text = loader.text(&patch.path).map_err(|error| {
                error.at(&format!(
                    "failed to get the patch file from path({})",
                    patch.path
                ))
            })?;
            (text, format!("[path: {:?}]", loader.path_of(&patch.path)))
        }
    };
    let wrong = |words: String| Err(BuildError::Wrong(words));
    match (resources(&text), Operations::parse(text)) {
        (Err(merge), Err(json)) if merge == json => wrong(format!(
            "unable to parse SM or JSON patch from {source}: {merge}"
        )),
        (Err(merge), Err(json)) => wrong(format!(
            "unable to parse SM or JSON patch from {source}: as an SM patch: {merge}; as a JSON patch: {json}"
        )),
        (Ok(patches), Ok(_)) if !patches.is_empty() => wrong(format!(
            "illegally qualifies as both an SM and JSON patch: {source}"
        )),
        (Ok(patches), _) if patches.is_empty() => Ok(Read::Nothing),
        (Ok(mut patches), _) => {
            let options = patch.options.unwrap_or_default();
            allow(&mut patches, options);
            if patch.target.is_some() && patches.len() > 1 {
                return wrong(format!(
                    "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {source}"
                ));
            }
            Ok(Read::Merge {
                patches,
                target: patch.target.clone(),
            })
        }
        (Err(_), Ok(json)) => match &patch.target {
            Some(target) => Ok(Read::Json {
                patch: json,
                target: target.clone(),
            }),
            None => wrong(format!("must specify a target for JSON patch {source}")),
        },
    }
}

fn allow(patches: &mut [Resource], options: PatchOptions) {
    for patch in patches {
        patch.allow_changes(options.allow_name_change, options.allow_kind_change);
    }
}

impl Read {
    pub fn apply(&self, map: &mut ResMap, schema: &Schema) -> Result<(), String> {
        match self {
            Read::Nothing => Ok(()),
            Read::Json { patch, target } => json(map, schema, patch, target, true),
            Read::Merge {
                patches,
                target: Some(target),
            } => {
                let selected = map.select(target, schema)?;
                patches
                    .iter()
                    .try_for_each(|patch| merge(map, schema, patch, &selected))
            }
            Read::Merge {
                patches,
                target: None,
            } => {
                for patch in patches {
                    let id = patch.id(schema);
                    let at = map.find(&id, schema).map_err(|cause| {
                        format!(
                            "{}no resource matches strategic merge patch \"{id}\": {cause}",
                            patch.place_in_front()
                        )
                    })?;
                    merge_one(&mut map.resources[at], patch, schema)?;
                }
                drop_deleted(map);
                Ok(())
            }
        }
    }
}

/// `patchesStrategicMerge`: each entry is a text, or names a file.
pub fn read_legacy(folder: &Folder<'_>, entries: &[String]) -> Result<Vec<Resource>, BuildError> {
    const FIELD: &str = "patchesStrategicMerge";
    let mut found = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let inline = folder.text.part(&[FIELD.into(), at.into()], entry);
        let read = legacy_entry(&folder.loader, entry, &inline).map_err(|error| {
            let spot = folder.entry(FIELD, at);
            error.at(&format!("{spot}: {FIELD}"))
        })?;
        found.extend(read);
    }
    if found.is_empty() {
        let spot = folder.text.at(&[FIELD.into()]);
        return Err(BuildError::wrong(format!(
            "{spot}: {FIELD}: patch appears to be empty; files={entries:?}"
        )));
    }
    Ok(found)
}

pub fn legacy_entry(
    loader: &Loader<'_>,
    entry: &str,
    inline: &Text,
) -> Result<Vec<Resource>, BuildError> {
    match resources(inline) {
        Ok(patches) => Ok(patches),
        Err(_) => Ok(resources(&loader.text(entry)?)?),
    }
}

pub fn apply_legacy(map: &mut ResMap, schema: &Schema, patches: &[Resource]) -> Result<(), String> {
    for patch in patches {
        let at = map
            .find(&patch.id(schema), schema)
            .map_err(|cause| format!("{}{cause}", patch.place_in_front()))?;
        merge(map, schema, patch, &[at])?;
    }
    Ok(())
}

/// Applies a JSON patch to all that a target selects.
pub fn json(
    map: &mut ResMap,
    schema: &Schema,
    operations: &Operations,
    target: &Selector,
    stores_id: bool,
) -> Result<(), String> {
    for at in map.select(target, schema)? {
        let resource = &mut map.resources[at];
        let id = resource.id(schema);
        if stores_id {
            resource.store_previous_id(schema);
        }
        let internal = resource.internal_annotations();
        let place = resource.place();
        json6902(&mut resource.value, &operations.patch)
            .map_err(|error| format!("{} (on {id}{place})", located(&operations.text, &error)))?;
        let mut annotations = resource.texts("annotations");
        annotations.retain(|(key, _)| !internal.iter().any(|(known, _)| known == key));
        annotations.extend(internal);
        resource.set_texts("annotations", annotations);
    }
    Ok(())
}

/// Merges a patch into the selected ones, whatever they are called.
fn merge(
    map: &mut ResMap,
    schema: &Schema,
    patch: &Resource,
    selected: &[usize],
) -> Result<(), String> {
    for at in selected {
        let resource = &mut map.resources[*at];
        let mut patch = patch.clone();
        for field in ["labels", "annotations"] {
            // As in kustomize, a null is a text in a patch with a target.
            if let Some(Value::Map(texts)) = patch
                .value
                .as_map_mut()
                .and_then(|root| root.entry_map("metadata").get_mut(field))
            {
                for text in texts.values_mut().filter(|text| text.is_null()) {
                    *text = Value::from("null");
                }
            }
            patch.set_texts(field, patch.texts(field));
        }
        patch.set_api_version(&resource.gvk().api_version());
        merge_one(resource, &patch, schema)?;
    }
    drop_deleted(map);
    let all = std::mem::take(&mut map.resources);
    all.into_iter()
        .try_for_each(|resource| map.append(resource, schema))
}

fn merge_one(resource: &mut Resource, patch: &Resource, schema: &Schema) -> Result<(), String> {
    let (name, namespace, kind) = (resource.name(), resource.namespace(), resource.kind());
    let id = resource.id(schema);
    if patch.name_change_allowed() || patch.kind_change_allowed() {
        resource.store_previous_id(schema);
    }
    let target = std::mem::take(&mut resource.value);
    let merged = strategic_merge(target, patch.value.clone(), schema);
    let merged = merged.map_err(|error| {
        let (patch, place) = (patch.place_in_front(), resource.place());
        format!("{patch}{error} (on {id}{place})")
    })?;
    let Some(merged) = merged else {
        return Ok(());
    };
    resource.value = merged;
    if !patch.kind_change_allowed() {
        resource.set_kind(&kind);
    }
    if !patch.name_change_allowed() {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    Ok(())
}

fn drop_deleted(map: &mut ResMap) {
    map.resources.retain(|resource| !resource.value.is_null());
}
