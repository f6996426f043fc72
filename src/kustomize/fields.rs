//! The transformers of a kustomization's own fields, in kustomize's order.

use super::config::{self, Config};
use super::field_spec::FieldSpec;
use super::folder::Folder;
use super::kustomization::{Label, LabelField};
use super::origin::Origin;
use super::text::Spot;
use super::transformer::Transformer;
use super::{BuildError, patching, transform, transformer};
use crate::object::Gvk;
use crate::value::yaml::Step;
use std::fmt;

/// A transformer, and where it was asked for.
pub struct Work {
    pub transformer: Transformer,
    pub place: At,
    pub origin: Option<Origin>,
}

/// Printed, what stands in front of an error.
pub enum At {
    Field(Spot, &'static str),
    Plugin(String),
    /// Each part of the transformer has its own.
    Parts,
}

impl At {
    pub fn before(&self, cause: String) -> String {
        match self {
            At::Parts => cause,
            At::Field(..) | At::Plugin(_) => format!("{self}: {cause}"),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Field(spot, field) => write!(f, "{spot}: {field}"),
            At::Plugin(what) => f.write_str(what),
            At::Parts => Ok(()),
        }
    }
}

/// All that the kustomization of a folder asks for.
pub fn transformers(folder: &Folder<'_>, config: &Config) -> Result<Vec<Work>, BuildError> {
    let (loader, k) = (&folder.loader, &folder.kustomization);
    let mut all = Vec::new();
    let mut add = |place: At, kind: &str, transformer: Transformer| {
        let origin = folder.origin.as_ref();
        all.push(Work {
            transformer,
            place,
            origin: origin.map(|origin| origin.of_field(folder.file, kind)),
        });
    };
    let whole = |field: &'static str| At::Field(folder.text.at(&[field.into()]), field);
    let entry = |field: &'static str, at: usize| At::Field(folder.entry(field, at), field);
    let in_front = |place: &At, error: BuildError| error.at(&place.to_string());
    if !k.patches_strategic_merge.is_empty() {
        let patches = patching::read_legacy(folder, &k.patches_strategic_merge)?;
        let transformer = Transformer::LegacyMerge(patches);
        add(
            whole("patchesStrategicMerge"),
            "PatchStrategicMergeTransformer",
            transformer,
        );
    }
    for (at, patch) in k.patches.iter().enumerate() {
        let place = entry("patches", at);
        let inline = folder
            .text
            .part(&["patches".into(), at.into(), "patch".into()], &patch.patch);
        let read =
            patching::read(loader, patch, inline).map_err(|error| in_front(&place, error))?;
        add(place, "PatchTransformer", Transformer::Patch(read));
    }
    if !k.namespace.is_empty() {
        let transformer = Transformer::Namespace {
            namespace: k.namespace.clone(),
            specs: config.namespace.clone(),
            unset_only: false,
            subjects: transform::Subjects::default(),
        };
        add(whole("namespace"), "NamespaceTransformer", transformer);
    }
    for (kind, field, which, text, specs) in [
        (
            "PrefixTransformer",
            "namePrefix",
            transform::Affix::Prefix,
            &k.name_prefix,
            &config.name_prefix,
        ),
        (
            "SuffixTransformer",
            "nameSuffix",
            transform::Affix::Suffix,
            &k.name_suffix,
            &config.name_suffix,
        ),
    ] {
        if !text.is_empty() {
            let (text, specs) = (text.clone(), specs.clone());
            add(
                whole(field),
                kind,
                Transformer::Affix { which, text, specs },
            );
        }
    }
    if !k.labels.is_empty() || !k.common_labels.is_empty() {
        for (at, label) in k.labels.iter().enumerate() {
            let place = entry("labels", at);
            let specs = label_specs(label, config)
                .map_err(|cause| format!("{place}: failed to merge labels: {cause}"))?;
            let texts = label.pairs.clone();
            add(
                place,
                "LabelTransformer",
                Transformer::Entries { texts, specs },
            );
        }
        let transformer = Transformer::Entries {
            texts: k.common_labels.clone(),
            specs: config.common_labels.clone(),
        };
        add(whole("commonLabels"), "LabelTransformer", transformer);
    }
    if !k.common_annotations.is_empty() {
        let transformer = Transformer::Entries {
            texts: k.common_annotations.clone(),
            specs: config.common_annotations.clone(),
        };
        add(
            whole("commonAnnotations"),
            "AnnotationsTransformer",
            transformer,
        );
    }
    for (at, patch) in k.patches_json6902.iter().enumerate() {
        let place = entry("patchesJson6902", at);
        let inline = folder.text.part(
            &["patchesJson6902".into(), at.into(), "patch".into()],
            &patch.patch,
        );
        let read = transformer::legacy_json(loader, &patch.path, inline, patch.target.as_ref())
            .map_err(|error| in_front(&place, error))?;
        add(place, "PatchJson6902Transformer", read);
    }
    for (at, replica) in k.replicas.iter().enumerate() {
        let (specs, replica) = (config.replicas.clone(), replica.clone());
        let transformer = Transformer::Replicas { replica, specs };
        add(
            entry("replicas", at),
            "ReplicaCountTransformer",
            transformer,
        );
    }
    for (at, image) in k.images.iter().enumerate() {
        let (specs, image) = (config.images.clone(), image.clone());
        let transformer = Transformer::Images { image, specs };
        add(entry("images", at), "ImageTagTransformer", transformer);
    }
    if !k.replacements.is_empty() {
        let place = |at: usize, steps: &[Step]| {
            let mut all: Vec<Step> = vec!["replacements".into(), at.into()];
            all.extend_from_slice(steps);
            At::Field(folder.text.at(&all), "replacements")
        };
        let read = transformer::replacements(loader, &k.replacements, &place)?;
        add(At::Parts, "ReplacementTransformer", read);
    }
    Ok(all)
}

fn label_specs(label: &Label, config: &Config) -> Result<Vec<FieldSpec>, String> {
    let spec = |field: &LabelField| FieldSpec {
        gvk: Gvk::new(&field.group, &field.version, &field.kind),
        path: field.path.clone(),
        create: field.create,
    };
    let mut specs: Vec<FieldSpec> = label.fields.iter().map(spec).collect();
    config::merge_all(&mut specs, config.labels.clone())?;
    if label.include_selectors {
        config::merge_all(&mut specs, config.common_labels.clone())?;
        return Ok(specs);
    }
    if label.include_templates {
        config::merge_all(&mut specs, config.template_labels.clone())?;
    }
    if label.include_volume_claim_templates {
        config::merge_all(&mut specs, config.volume_claim_template_labels.clone())?;
    }
    config::merge_all(&mut specs, vec![FieldSpec::new("metadata/labels", true)])?;
    Ok(specs)
}
