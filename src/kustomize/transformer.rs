//! A transformer with all that it needs, read but not yet run.

use super::BuildError;
use super::field_spec::FieldSpec;
use super::fields::At;
use super::kustomization::{Image, Replica, Selector, SortOptions};
use super::loader::Loader;
use super::patching::{self, Operations};
use super::replace::Replacement;
use super::res_map::ResMap;
use super::resource::Resource;
use super::schema::Schema;
use super::text::Text;
use super::transform::{self, Affix, Subjects};
use crate::value::yaml::Step;
use crate::value::{Value, yaml};
use std::collections::BTreeMap;

pub enum Transformer {
    LegacyMerge(Vec<Resource>),
    Patch(patching::Read),
    LegacyJson {
        patch: Operations,
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
    /// Each with where it stands.
    Replacements(Vec<(Replacement, At)>),
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
            Transformer::Replacements(all) => all.iter().try_for_each(|(replacement, place)| {
                replacement
                    .apply(map, schema)
                    .map_err(|cause| format!("{place}: {cause}"))
            }),
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
    inline: Text,
    target: Option<&Selector>,
) -> Result<Transformer, BuildError> {
    let wrong = |words: &str| Err(BuildError::wrong(words));
    let Some(target) = target.filter(|target| !target.name.is_empty()) else {
        return wrong("must specify the target name");
    };
    let text = match (path.is_empty(), inline.as_str().is_empty()) {
        (true, true) => return wrong("empty file path and empty jsonOp"),
        (false, false) => return wrong("must specify a file path or jsonOp, not both"),
        (true, false) => inline,
        (false, true) => loader.text(path)?,
    };
    Ok(Transformer::LegacyJson {
        patch: Operations::parse(text)?,
        target: target.clone(),
    })
}

/// `replacements`, each there or in a file; `place` says where one stands.
pub fn replacements(
    loader: &Loader<'_>,
    entries: &[Value],
    place: &dyn Fn(usize, &[Step]) -> At,
) -> Result<Transformer, BuildError> {
    let mut all = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let Some(path) = entry
            .get("path")
            .and_then(Value::as_str)
            .filter(|path| !path.is_empty())
        else {
            let read = Replacement::read(entry)
                .map_err(|wrong| format!("{}: {}", place(at, &wrong.steps), wrong.cause))?;
            all.push((read, place(at, &[])));
            continue;
        };
        if entry.get("source").is_some() || entry.get("targets").is_some() {
            return Err(BuildError::wrong(format!(
                "{}: cannot specify both path and inline replacement ({path})",
                place(at, &[])
            )));
        }
        let text = loader
            .text(path)
            .map_err(|error| error.at(&place(at, &[]).to_string()))?;
        let document = yaml::parse_one(text.as_str()).map_err(|error| text.wrong(&error, 1))?;
        let items = match &document {
            Value::Seq(items) => items.iter().enumerate().collect(),
            Value::Map(_) => vec![(usize::MAX, &document)],
            other => {
                return Err(BuildError::wrong(format!(
                    "{}: unsupported replacement type encountered within replacement path: {}",
                    text.at(&[]),
                    other.kind()
                )));
            }
        };
        for (n, item) in items {
            let mut steps: Vec<Step> = match n {
                usize::MAX => Vec::new(),
                n => vec![n.into()],
            };
            let spot = At::Field(text.at(&steps), "replacements");
            let read = Replacement::read_of_file(item).map_err(|wrong| {
                steps.extend(wrong.steps);
                format!("{}: {}", text.at(&steps), wrong.cause)
            })?;
            all.push((read, spot));
        }
    }
    Ok(Transformer::Replacements(all))
}
