//! The way of a render: dependencies, values, schema, templates, manifests.

use super::chart::{Chart, ChartFile};
use super::dependencies::{self, MissingDependencies};
use super::errors::{exec_error, parse_error, refusal_place};
use super::manifest::{ManifestError, Manifests};
use super::node::{Graph, Node};
use super::release::{Crd, Release, ReleaseNameError, RenderOptions};
use super::schema::{self, SchemaError};
use super::scope::{self, Shared};
use super::values::{self, Coalesce, TypeMismatch};
use super::version;
use crate::gotmpl::{Context, TemplateSet, Val, funcs};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where the notes of a chart stand.
const NOTES: &str = "NOTES.txt";
/// What text/template prints for nothing, and Helm takes out.
const NO_VALUE: &str = "<no value>";

/// Why a chart does not render, in Helm's words.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("{0} charts are not installable")]
    NotInstallable(String),
    #[error(transparent)]
    MissingDependencies(#[from] MissingDependencies),
    #[error(transparent)]
    ReleaseName(#[from] ReleaseNameError),
    #[error("chart dependencies processing failed: {0}")]
    Dependencies(TypeMismatch),
    #[error(transparent)]
    Values(TypeMismatch),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}")]
    KubeVersion { wanted: String, version: String },
    /// A template that does not parse or fails.
    #[error("{0}")]
    Template(String),
    /// `required` or `fail` inside of includes, of which Helm names the
    /// outermost place only.
    #[error("{text}")]
    Refused { text: String, place: String },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl RenderError {
    /// Whether templates went deeper into one another than the stack allows: with a
    /// larger one ([`Limits::stack`](crate::gotmpl::Limits)) they may come to an end.
    pub fn is_too_deep(&self) -> bool {
        let signs = [
            "rendering template has a nested reference name: ",
            "exceeded maximum template depth (",
        ];
        match self {
            RenderError::Template(text) | RenderError::Refused { text, .. } => {
                signs.iter().any(|sign| text.contains(sign))
            }
            RenderError::NotInstallable(_)
            | RenderError::MissingDependencies(_)
            | RenderError::ReleaseName(_)
            | RenderError::Dependencies(_)
            | RenderError::Values(_)
            | RenderError::Schema(_)
            | RenderError::KubeVersion { .. }
            | RenderError::Manifest(_) => false,
        }
    }
}

/// Renders a chart as `helm template` does. The chart is used up: its texts
/// are freed as soon as they are parsed.
pub fn render(chart: Chart, options: &RenderOptions<'_>) -> Result<Release, RenderError> {
    let mut warnings = collect_warnings(&chart);
    if chart.metadata.is_library() {
        return Err(RenderError::NotInstallable(chart.metadata.kind));
    }
    if chart.metadata.deprecated {
        warnings.push("this chart is deprecated".to_owned());
    }
    let graph = Graph::new(chart);
    let root = &graph.root;
    if !options.ignore_missing_dependencies {
        dependencies::check_present(root)?;
    }
    options.release.check_name()?;
    dependencies::process(&graph, &options.values, &mut warnings)
        .map_err(RenderError::Dependencies)?;

    let values = scope::empty_values();
    for (key, value) in values::deep_copy(&options.values).entries().iter() {
        values.insert(key.clone(), value.clone());
    }
    Coalesce::dropping_nulls(&mut warnings)
        .chart(root, &values)
        .map_err(RenderError::Values)?;
    if !options.skip_schema_validation {
        schema::validate(root, &values, &mut warnings)?;
    }
    check_kube_version(root, options)?;

    let shared = Shared {
        release: options.release.to_val(),
        capabilities: options.capabilities.to_val(),
    };
    let templates = scope::templates(root, &shared, &values);
    root.forget_sources();
    let notes_name = format!("{}/templates/{NOTES}", root.name());
    let mut release = Release {
        crds: crds(root),
        warnings,
        ..Release::default()
    };

    let mut engine = TemplateSet::new(funcs::table());
    let mut rendered = Vec::with_capacity(templates.len());
    for mut template in templates {
        // The set shares the text.
        let text = std::mem::take(&mut template.text);
        engine
            .parse(&template.name, text)
            .map_err(|error| RenderError::Template(parse_error(&template.name, &error)))?;
        if !scope::is_partial(&template.name) {
            rendered.push(template);
        }
    }
    let mut context = Context::with_templates(Rc::new(engine), options.host, options.limits)
        .of_release(&options.release.qualified_name());

    // By path, which is the order of the output. A file that is no YAML
    // counts only if all templates render.
    let mut files: BTreeMap<String, Result<Manifests, ManifestError>> = BTreeMap::new();
    for template in rendered {
        let name = &template.name;
        template
            .scope
            .insert("Template", scope::template_val(&template));
        let text = context
            .render(name, Val::Map(template.scope.clone()))
            .map_err(|error| {
                let text = exec_error(name, &error);
                match refusal_place(&error) {
                    Some(place) => RenderError::Refused { text, place },
                    None => RenderError::Template(text),
                }
            })?;
        let mut text = text.to_text();
        if text.contains(NO_VALUE) {
            text = text.replace(NO_VALUE, "").into();
        }
        if name.ends_with(NOTES) {
            if *name == notes_name {
                release.notes = text.into_owned();
            }
            continue;
        }
        let mut manifests = Manifests::default();
        let result = manifests.add(name, &text);
        files.insert(template.name, result.map(|()| manifests));
    }
    if options.ends_process {
        std::mem::forget((context, graph, values));
    } else {
        drop(context);
    }

    let mut all = Manifests::default();
    for (_, file) in files {
        let file = file?;
        all.plain.extend(file.plain);
        all.hooks.extend(file.hooks);
        release.warnings.extend(file.warnings);
    }
    all.sort();
    release.manifests = all.plain;
    release.hooks = all.hooks;
    Ok(release)
}

fn check_kube_version(root: &Node, options: &RenderOptions<'_>) -> Result<(), RenderError> {
    let metadata = root.metadata();
    let wanted = &metadata.kube_version;
    let version = &options.capabilities.kube_version;
    if wanted.is_empty() || version::satisfies(&version.normalized, wanted) {
        return Ok(());
    }
    Err(RenderError::KubeVersion {
        wanted: wanted.clone(),
        version: version.full.clone(),
    })
}

/// The files of crds/ of a chart, then of its subcharts.
fn crds(chart: &Node) -> Vec<Crd> {
    let path = chart.full_path();
    let is_manifest = |name: &str| {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|e| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| e.eq_ignore_ascii_case(known))
        })
    };
    let own = chart
        .files
        .iter()
        .filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name))
        .filter(|file| file.unread.is_none())
        .map(|ChartFile { name, data, .. }| Crd {
            source: format!("{path}/{name}"),
            data: data.clone(),
        });
    let mut found: Vec<Crd> = own.collect();
    for child in chart.dependencies() {
        found.extend(crds(&child));
    }
    found
}

fn collect_warnings(chart: &Chart) -> Vec<String> {
    let mut warnings = chart.warnings.clone();
    for sub in &chart.dependencies {
        warnings.extend(collect_warnings(&sub.chart));
    }
    warnings
}
