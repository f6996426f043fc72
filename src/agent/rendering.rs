//! From an application's pinned sources to its objects.

use super::charts::Asker;
use super::compare::CompareError;
use super::kept::Kept;
use super::lookups::Look;
use super::resources::secret_resource;
use super::sources::{Resolved, Sources};
use crate::app::{Application, Source};
use crate::kube::{self, Client};
use crate::object::Object;
use crate::render::{self, Capabilities, Located};
use crate::tree::Tree;
use std::collections::BTreeMap;

/// What a render takes: also used by `render app`.
pub struct RenderJob<'a> {
    pub app: &'a Application,
    pub instance: &'a str,
    pub resolved: &'a [Resolved],
    pub sources: &'a Sources,
    pub capabilities: &'a Capabilities,
    /// What its charts drew before.
    pub kept: &'a Kept<'a>,
    /// Where charts may look things up.
    pub look: Option<Look<'a>>,
}

pub struct RenderedApplication {
    pub objects: Vec<Located>,
    pub inputs: Vec<render::Inputs>,
    pub source_types: Vec<String>,
    pub warnings: Vec<(String, String)>,
}

/// The Secret of what an application's charts drew, as it is in the cluster.
pub fn generated(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<Object>, kube::Error> {
    client.find(&secret_resource(), namespace, name)
}

/// Renders all sources of an application, in order; later ones win where two
/// bring the same object.
pub fn render_application(job: &RenderJob<'_>) -> Result<RenderedApplication, CompareError> {
    let sources = job.app.spec.sources();
    let mut trees: Vec<Box<dyn Tree>> = Vec::new();
    let mut references: BTreeMap<String, usize> = BTreeMap::new();
    for (index, resolved) in job.resolved.iter().enumerate() {
        let tree = resolved
            .tree()
            .map_err(|error| CompareError::Render(error.to_string()))?;
        trees.push(tree);
        if let Some(source) = sources.get(index)
            && !source.reference.is_empty()
        {
            references.insert(source.reference.clone(), index);
        }
    }
    let references: BTreeMap<&str, &dyn Tree> = references
        .iter()
        .map(|(name, index)| (name.as_str(), trees[*index].as_ref()))
        .collect();
    let mut rendered = RenderedApplication {
        objects: Vec::new(),
        inputs: Vec::new(),
        source_types: Vec::new(),
        warnings: Vec::new(),
    };
    for (index, source) in sources.iter().enumerate() {
        if source.is_reference_only() {
            continue;
        }
        let resolved = job
            .resolved
            .get(index)
            .ok_or_else(|| CompareError::Render("a source is not resolved".to_owned()))?;
        let archive = job
            .sources
            .archive(resolved, Asker::of(source, job.app.spec.project()))
            .map_err(|error| CompareError::Render(error.to_string()))?;
        let host = job
            .sources
            .host(job.instance, resolved, archive.as_deref(), job.kept);
        let request = render::Request {
            application: job.instance,
            name: &job.app.name,
            namespace: &job.app.spec.destination.namespace,
            project: job.app.spec.project(),
            source,
            revision: &resolved.revision,
            tree: trees[index].as_ref(),
            archive: archive.as_deref(),
            references: &references,
            capabilities: job.capabilities,
            host: &host,
            charts: &|_| None,
            remotes: &crate::kustomize::Nothing,
            lookups: None,
            limits: job.sources.render_limits(),
        };
        let outcome = job.sources.render(&request, job.look);
        let manifests = outcome.map_err(|error| {
            CompareError::Render(format!(
                "cannot render {}: {error}",
                render::describe(source)
            ))
        })?;
        rendered
            .source_types
            .push(manifests.source_type.as_str().to_owned());
        rendered.inputs.push(manifests.inputs);
        let warnings = manifests.warnings.into_iter();
        rendered
            .warnings
            .extend(warnings.map(|text| ("RenderWarning".to_owned(), text)));
        rendered.objects.extend(manifests.objects);
    }
    if let Some(fault) = job.kept.take_fault() {
        return Err(CompareError::Cluster(fault.to_string()));
    }
    Ok(rendered)
}

/// Whether renders that read `inputs` would read the same of sources that are
/// pinned, one by one, at these revisions and trees.
pub(super) fn reads_the_same(
    sources: &[&Source],
    pinned: &[(&str, &dyn Tree)],
    inputs: &[render::Inputs],
) -> bool {
    let all = || sources.iter().zip(pinned);
    let references = all()
        .filter(|(source, _)| !source.reference.is_empty())
        .map(|(source, (_, tree))| (source.reference.as_str(), *tree))
        .collect();
    let mut rendering = all()
        .filter(|(source, _)| !source.is_reference_only())
        .zip(inputs);
    rendering.all(|((_, (revision, tree)), inputs)| inputs.unchanged(revision, *tree, &references))
}
