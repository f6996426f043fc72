//! A transformer with all that it needs, read but not yet run.

use super::BuildError;
use super::field_spec::FieldSpec;
use super::kustomization::{Image, Replica, Selector, SortOptions};
use super::loader::Loader;
use super::patch::JsonPatch;
use super::patching;
use super::replace::Replacement;
use super::res_map::ResMap;
use super::resource::Resource;
use super::schema::Schema;
use super::transform::{self, Affix, Subjects};
use crate::value::{Value, yaml};
use std::collections::BTreeMap;

pub enum Transformer {
    LegacyMerge(Vec<Resource>),
    Patch(patching::Read),
    LegacyJson {
        patch: JsonPatch,
        target: Selector,
    },
    Namespace {
        namespace: String,
        specs: Vec<FieldSpec>,
        unset_only: bool,
        subjects: Subjects,
    },
    Affix {
        which: Affix,
        text: String,
        specs: Vec<FieldSpec>,
    },
    Entries {
        texts: BTreeMap<String, String>,
        specs: Vec<FieldSpec>,
    },
    Replicas {
        replica: Replica,
        specs: Vec<FieldSpec>,
    },
    Images {
        image: Image,
        specs: Vec<FieldSpec>,
    },
    Replacements(Vec<Replacement>),
    Hash,
    Both(Box<[Transformer; 2]>),
    Sort(Option<SortOptions>),
}

impl Transformer {
    pub fn apply(&self, map: &mut ResMap, schema: &Schema) -> Result<(), String> {
        match self {
            Transformer::LegacyMerge(patches) => patching::apply_legacy(map, schema, patches),
            Transformer::Patch(patch) => patch.apply(map, schema),
            Transformer::LegacyJson { patch, target } => {
                patching::json(map, schema, patch, target, false)
            }
            Transformer::Namespace {
                namespace,
                specs,
                unset_only,
                subjects,
            } => {
                let namespace = transform::Namespace {
                    namespace,
                    specs,
                    unset_only: *unset_only,
                    subjects: *subjects,
                };
                namespace.apply(map, schema)
            }
            Transformer::Affix { which, text, specs } => {
                transform::affix(map, schema, *which, text, specs)
            }
            Transformer::Entries { texts, specs } => transform::entries(map, schema, texts, specs),
            Transformer::Replicas { replica, specs } => {
                transform::replicas(map, schema, replica, specs)
            }
            Transformer::Images { image, specs } => transform::images(map, schema, image, specs),
            Transformer::Replacements(all) => all
                .iter()
                .try_for_each(|replacement| replacement.apply(map, schema)),
            Transformer::Both(two) => two.iter().try_for_each(|one| one.apply(map, schema)),
            Transformer::Hash => {
                for resource in map
                    .resources
                    .iter_mut()
                    .filter(|resource| resource.needs_hash())
                {
                    let hash = super::generate::hash(resource);
                    resource.store_previous_id(schema);
                    resource.set_name(&format!("{}-{hash}", resource.name()));
                }
                Ok(())
            }
            Transformer::Sort(options) => match options {
                None => Ok(()),
                options => super::build::order(map, schema, options.as_ref()),
            },
        }
    }
}

/// An entry of `patchesJson6902`.
pub fn legacy_json(
    loader: &Loader<'_>,
    path: &str,
    text: &str,
    target: Option<&Selector>,
) -> Result<Transformer, BuildError> {
    let wrong =
        |words: &str| BuildError::wrong(format!("{}: patchesJson6902: {words}", loader.root()));
    let target = target.filter(|target| !target.name.is_empty());
    let target = target.ok_or_else(|| wrong("must specify the target name"))?;
    let text = match (path.is_empty(), text.is_empty()) {
        (true, true) => return Err(wrong("empty file path and empty jsonOp")),
        (false, false) => return Err(wrong("must specify a file path or jsonOp, not both")),
        (true, false) => text.to_owned(),
        (false, true) => loader.read_text(path)?,
    };
    let patch = JsonPatch::parse(&text).map_err(|error| wrong(&format!("{path}: {error}")))?;
    Ok(Transformer::LegacyJson {
        patch,
        target: target.clone(),
    })
}

/// `replacements`, each there or in a file.
pub fn replacements(loader: &Loader<'_>, entries: &[Value]) -> Result<Transformer, BuildError> {
    let mut all = Vec::new();
    for entry in entries {
        let Some(path) = entry
            .get("path")
            .and_then(Value::as_str)
            .filter(|path| !path.is_empty())
        else {
            all.push(Replacement::read(entry).map_err(|cause| {
                BuildError::wrong(format!("{}: replacements: {cause}", loader.root()))
            })?);
            continue;
        };
        let at = |cause: String| BuildError::wrong(format!("{}: {cause}", loader.path_of(path)));
        if entry.get("source").is_some() || entry.get("targets").is_some() {
            return Err(BuildError::wrong(format!(
                "{}: cannot specify both path and inline replacement ({path})",
                loader.root()
            )));
        }
        let document =
            yaml::parse_one(&loader.read_text(path)?).map_err(|error| at(error.to_string()))?;
        let found = match &document {
            Value::Seq(items) => items
                .iter()
                .map(Replacement::read)
                .collect::<Result<Vec<_>, _>>(),
            Value::Map(_) => Replacement::read(&document).map(|one| vec![one]),
            other => Err(format!(
                "unsupported replacement type encountered within replacement path: {}",
                other.kind()
            )),
        };
        all.extend(found.map_err(at)?);
    }
    Ok(Transformer::Replacements(all))
}
