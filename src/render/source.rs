//! Which tool renders a source, and the recording of what it reads.

use super::chart;
use super::directory::directory;
use super::environment::Environment;
use super::jsonnet;
use super::kustomize;
use super::lookup::Looking;
use super::overrides::overridden;
use super::{Inputs, Located, Manifests, Need, Outcome, RenderError, Request, SourceType};
use crate::tree::{EntryKind, Recorded, Tree, entry_following, join};
use std::collections::BTreeMap;

/// Renders one source.
pub fn render(request: &Request<'_>) -> Result<Outcome, RenderError> {
    let Some(answers) = request.lookups else {
        return attempt(request);
    };
    let host = Looking::new(request.host, answers);
    let outcome = attempt(&Request {
        host: &host,
        ..*request
    });
    let missing = host.missing();
    if !missing.is_empty() {
        // What it came to without the answers does not count, also an error.
        return Ok(Outcome::Needs(
            missing.into_iter().map(Need::Lookup).collect(),
        ));
    }
    let mut outcome = outcome?;
    if let Outcome::Rendered(manifests) = &mut outcome {
        manifests.inputs.has_looked = host.has_looked();
    }
    Ok(outcome)
}

fn attempt(request: &Request<'_>) -> Result<Outcome, RenderError> {
    let tree = Recorded::new(request.tree);
    let references: BTreeMap<&str, Recorded<'_>> = request
        .references
        .iter()
        .map(|(name, tree)| (*name, Recorded::new(*tree)))
        .collect();
    let path = request.source.path.trim_matches('/');
    let path = if path == "." { "" } else { path };
    match entry_following(&tree, path)? {
        None if !path.is_empty() => {
            return Err(RenderError::NoPath {
                path: path.to_owned(),
            });
        }
        Some((_, kind)) if kind != EntryKind::Directory => {
            return Err(RenderError::NotADirectory {
                path: path.to_owned(),
            });
        }
        Some(_) | None => {}
    }
    let own = match request.archive {
        None => overridden(request.source, &tree, path, request.application)?,
        Some(_) => None,
    };
    let request = &Request {
        source: own.as_ref().unwrap_or(request.source),
        ..*request
    };
    let source_type = source_type(request, &tree, path)?;
    let uses_revision;
    let (objects, warnings) = match source_type {
        SourceType::Directory => {
            let mut options = request.source.directory.clone().unwrap_or_default();
            let environment = Environment::of(request);
            if let Some(own) = &options.jsonnet {
                options.jsonnet = Some(jsonnet::substituted(own, &environment));
            }
            let evaluation = jsonnet::Evaluation {
                limits: request.limits.jsonnet,
                step: &|| request.host.step().map_err(|error| error.to_string()),
            };
            let found = directory(&tree, path, &options, &evaluation)?;
            uses_revision = environment.used_revision.get();
            let objects = found.manifests.into_iter().map(|manifest| Located {
                file: format!("{}:{}", manifest.file, manifest.line),
                object: manifest.object,
            });
            (objects.collect(), found.warnings)
        }
        SourceType::Helm => match chart::render(request, &tree, &references, path)? {
            chart::Outcome::Needs(needs) => {
                return Ok(Outcome::Needs(needs.into_iter().map(Need::Chart).collect()));
            }
            chart::Outcome::Rendered(rendered) => {
                uses_revision = rendered.uses_revision;
                (rendered.objects, rendered.warnings)
            }
        },
        SourceType::Kustomize => match kustomize::render(request, &tree, path)? {
            kustomize::Outcome::Needs(needs) => return Ok(Outcome::Needs(needs)),
            kustomize::Outcome::Rendered(rendered) => {
                uses_revision = rendered.uses_revision;
                (rendered.objects, rendered.warnings)
            }
        },
    };
    Ok(Outcome::Rendered(Manifests {
        objects,
        warnings,
        source_type,
        inputs: Inputs {
            tree: tree.inputs(),
            references: references
                .iter()
                .map(|(name, tree)| ((*name).to_owned(), tree.inputs()))
                .collect(),
            revision: uses_revision.then(|| request.revision.to_owned()),
            has_looked: false,
        },
    }))
}

/// What the source says, else what the folder holds: a kustomization wins
/// over a chart, a chart over plain manifests.
fn source_type(
    request: &Request<'_>,
    tree: &dyn Tree,
    path: &str,
) -> Result<SourceType, RenderError> {
    let source = request.source;
    if source.helm.is_some() || !source.chart.is_empty() {
        return Ok(SourceType::Helm);
    }
    if source.kustomize.is_some() {
        return Ok(SourceType::Kustomize);
    }
    if source.directory.is_some() {
        return Ok(SourceType::Directory);
    }
    for name in crate::kustomize::FILE_NAMES {
        if entry_following(tree, &join(path, name))?.is_some() {
            return Ok(SourceType::Kustomize);
        }
    }
    if entry_following(tree, &join(path, "Chart.yaml"))?.is_some() {
        return Ok(SourceType::Helm);
    }
    Ok(SourceType::Directory)
}
