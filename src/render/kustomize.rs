//! A Kustomize source: the kustomization of its path, with the Application's
//! own fields on top, as Argo CD edits them in.

use super::environment::Environment;
use super::{Located, RenderError, Request};
use crate::app;
use crate::kustomize::{
    self, BuildError, HelmOptions, Image, Kustomization, Label, Need, Options, Patch, PatchOptions,
    Replica, Selector, build, split_image,
};
use crate::object::Object;
use crate::tree::{Tree, entry_following, join};
use std::collections::BTreeMap;

pub(super) enum Outcome {
    Rendered(Rendered),
    Needs(Vec<Need>),
}

pub(super) struct Rendered {
    pub objects: Vec<Located>,
    pub warnings: Vec<String>,
    pub uses_revision: bool,
}

pub(super) fn render(
    request: &Request<'_>,
    tree: &dyn Tree,
    path: &str,
) -> Result<Outcome, RenderError> {
    let fields = request.source.kustomize.clone().unwrap_or_default();
    let environment = Environment::of(request);
    let mut warnings = Vec::new();
    if !fields.version.is_empty() {
        warnings.push(format!(
            "kustomize.version {}: kustomizations are built as by kustomize {}",
            fields.version,
            kustomize::VERSION
        ));
    }
    let mut missing = Vec::new();
    for component in &fields.components {
        let is_there = entry_following(tree, &join(path, component))?.is_some();
        if !is_there && fields.ignore_missing_components {
            missing.push(component.as_str());
        }
    }
    let adjust =
        |kustomization: &mut Kustomization| edit(kustomization, &fields, &environment, &missing);
    let version = match fields.kube_version.as_str() {
        "" => &request.capabilities.kube_version,
        own => own,
    };
    let api_versions = match fields.api_versions.is_empty() {
        true => request.capabilities.api_versions.clone(),
        false => fields.api_versions.clone(),
    };
    let options = Options {
        root_only: true,
        fetched: request.remotes,
        helm: Some(HelmOptions {
            kube_version: version.to_owned(),
            api_versions,
            host: request.host,
            limits: request.limits.templates,
            charts: request.charts,
        }),
        adjust: &adjust,
    };
    let built = match build(tree, path, &options) {
        Ok(built) => built,
        Err(BuildError::Needs(needs)) => return Ok(Outcome::Needs(needs)),
        Err(error) => return Err(RenderError::Kustomize(error)),
    };
    let mut objects = Vec::new();
    for value in built.into_values() {
        let object = Object::new(value).map_err(|error| RenderError::Manifest {
            file: join(path, "kustomization.yaml"),
            cause: error.to_string(),
        })?;
        objects.push(Located {
            object,
            file: join(path, "kustomization.yaml"),
        });
    }
    Ok(Outcome::Rendered(Rendered {
        objects,
        warnings,
        uses_revision: environment.used_revision.get(),
    }))
}

/// What Argo CD does with `kustomize edit` before it builds.
fn edit(
    kustomization: &mut Kustomization,
    fields: &app::Kustomize,
    environment: &Environment<'_>,
    missing: &[&str],
) -> Result<(), String> {
    for (from, into) in [
        (&fields.name_prefix, &mut kustomization.name_prefix),
        (&fields.name_suffix, &mut kustomization.name_suffix),
        (&fields.namespace, &mut kustomization.namespace),
    ] {
        if !from.is_empty() {
            into.clone_from(from);
        }
    }
    if !fields.images.is_empty() {
        set_images(kustomization, fields, environment);
    }
    for replica in &fields.replicas {
        let text = replica.count.as_str().map(str::to_owned);
        let text = text.unwrap_or_else(|| replica.count.to_json());
        let count = text.parse().map_err(|_| {
            format!(
                "kustomize.replicas: the count of {} is no whole number: {text}",
                replica.name
            )
        })?;
        kustomization
            .replicas
            .retain(|known| known.name != replica.name);
        kustomization.replicas.push(Replica {
            name: replica.name.clone(),
            count,
        });
    }
    add_labels(kustomization, fields, environment)?;
    for (key, text) in &fields.common_annotations {
        let text = match fields.common_annotations_envsubst {
            true => environment.substitute(text),
            false => text.clone(),
        };
        let is_new = kustomization
            .common_annotations
            .insert(key.clone(), text)
            .is_none();
        if !is_new && !fields.force_common_annotations {
            return Err(format!("annotation {key} already in kustomization file"));
        }
    }
    kustomization
        .patches
        .extend(fields.patches.iter().map(|patch| Patch {
            path: patch.path.clone(),
            patch: patch.patch.clone(),
            target: patch.target.as_ref().map(selector),
            options: (!patch.options.is_empty()).then(|| {
                PatchOptions {
                    allow_name_change: patch
                        .options
                        .get("allowNameChange")
                        .copied()
                        .unwrap_or_default(),
                    allow_kind_change: patch
                        .options
                        .get("allowKindChange")
                        .copied()
                        .unwrap_or_default(),
                }
            }),
        }));
    for component in fields
        .components
        .iter()
        .filter(|path| !missing.contains(&path.as_str()))
    {
        if !kustomization.components.contains(component) {
            kustomization.components.push(component.clone());
        }
    }
    Ok(())
}

fn selector(target: &app::KustomizeTarget) -> Selector {
    Selector {
        group: target.group.clone(),
        version: target.version.clone(),
        kind: target.kind.clone(),
        name: target.name.clone(),
        namespace: target.namespace.clone(),
        annotation_selector: target.annotation_selector.clone(),
        label_selector: target.label_selector.clone(),
    }
}

fn add_labels(
    kustomization: &mut Kustomization,
    fields: &app::Kustomize,
    environment: &Environment<'_>,
) -> Result<(), String> {
    if fields.common_labels.is_empty() {
        return Ok(());
    }
    let texts: BTreeMap<String, String> = fields
        .common_labels
        .iter()
        .map(|(key, text)| (key.clone(), environment.substitute(text)))
        .collect();
    let in_labels = |key: &String| {
        kustomization
            .labels
            .iter()
            .any(|label| label.pairs.contains_key(key))
    };
    let is_known = |key: &&String| kustomization.common_labels.contains_key(*key) || in_labels(key);
    if !fields.force_common_labels
        && let Some(known) = texts.keys().find(is_known)
    {
        return Err(format!("label {known} already in kustomization file"));
    }
    if !fields.label_without_selector {
        kustomization.common_labels.extend(texts);
        return Ok(());
    }
    let fits = |label: &&mut Label| {
        !label.include_selectors
            && label.include_templates == fields.label_include_templates
            && label.fields.is_empty()
    };
    match kustomization.labels.iter_mut().find(fits) {
        Some(label) => label.pairs.extend(texts),
        None => kustomization.labels.push(Label {
            pairs: texts,
            include_templates: fields.label_include_templates,
            ..Label::default()
        }),
    }
    Ok(())
}

/// `name=new:tag@digest`, `name:tag`, `name@digest`; a `*` keeps what the
/// kustomization says.
fn set_images(
    kustomization: &mut Kustomization,
    fields: &app::Kustomize,
    environment: &Environment<'_>,
) {
    let mut images: BTreeMap<String, Image> = BTreeMap::new();
    for text in &fields.images {
        let image = image(&environment.substitute(text));
        images.insert(image.name.clone(), image);
    }
    for old in std::mem::take(&mut kustomization.images) {
        match images.get_mut(&old.name) {
            Some(new) => {
                for (new, old) in [
                    (&mut new.new_name, old.new_name),
                    (&mut new.new_tag, old.new_tag),
                    (&mut new.digest, old.digest),
                ] {
                    if new == "*" {
                        *new = old;
                    }
                }
            }
            None => {
                images.insert(old.name.clone(), old);
            }
        }
    }
    kustomization.images = images.into_values().collect();
}

fn image(text: &str) -> Image {
    let (name, of) = match text.split_once('=') {
        Some((name, new)) => (Some(name), new),
        None => (None, text),
    };
    let (own, tag, digest) = split_image(of);
    match name {
        Some(name) => Image {
            name: name.to_owned(),
            new_name: own,
            new_tag: tag,
            digest,
            ..Image::default()
        },
        None => Image {
            name: own,
            new_tag: tag,
            digest,
            ..Image::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_as_kustomize_edit_reads_them() {
        let check = |text: &str, name: &str, new_name: &str, new_tag: &str, digest: &str| {
            let expected = Image {
                name: name.into(),
                new_name: new_name.into(),
                new_tag: new_tag.into(),
                digest: digest.into(),
                tag_suffix: String::new(),
            };
            assert_eq!(image(text), expected, "{text}");
        };
        check("nginx:1.27", "nginx", "", "1.27", "");
        check("nginx=r.lan:5000/n:2", "nginx", "r.lan:5000/n", "2", "");
        check("a=b", "a", "b", "", "");
        check("nginx@sha256:1", "nginx", "", "", "sha256:1");
        check("a=*:2", "a", "*", "2", "");
    }
}
