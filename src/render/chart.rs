//! A Helm source: value files, values, parameters, and the chart of its path.

use super::environment::Environment;
use super::{Located, RenderError, Request};
use crate::app;
use crate::gotmpl::Map;
use crate::helm::chart::ChartFile;
use crate::helm::{
    Capabilities, Chart, KubeVersion, Need, Release, ReleaseOptions, RenderOptions, ValueOptions,
    Vendored, requirements,
};
use crate::object::Object;
use crate::tree::{Recorded, Tree, TreeError, find_files, is_pattern, join, read_following};
use crate::value::Value;
use crate::value::yaml;
use std::collections::BTreeMap;

/// Charts of `file://` dependencies within each other.
const MAX_LOCAL_CHARTS: usize = 16;

pub(super) enum Outcome {
    Rendered(Rendered),
    Needs(Vec<Need>),
}

pub(super) struct Rendered {
    pub objects: Vec<Located>,
    pub warnings: Vec<String>,
    /// A parameter or a file name uses `$ARGOCD_APP_REVISION`.
    pub uses_revision: bool,
}

pub(super) fn render(
    request: &Request<'_>,
    tree: &Recorded<'_>,
    references: &BTreeMap<&str, Recorded<'_>>,
    path: &str,
) -> Result<Outcome, RenderError> {
    let options = request.source.helm.clone().unwrap_or_default();
    let environment = Environment::of(request);
    let mut chart = match request.archive {
        Some(bytes) => Chart::from_archive(bytes)?,
        None => Chart::from_tree(tree, path)?,
    };
    let reader = Reader {
        path,
        tree,
        references,
        packed: request.archive.is_some().then(|| chart.files.clone()),
    };
    let mut values = ValueOptions::default();
    for file in &options.value_files {
        let file = environment.substitute_path(file);
        let found = reader.value_files(&file, options.ignore_missing_value_files)?;
        values.files.extend(found);
    }
    if let Some(object) = &options.values_object {
        let text = object.to_json().into_bytes();
        values.files.push(("valuesObject".to_owned(), text));
    } else if !options.values.is_empty() {
        let text = options.values.clone().into_bytes();
        values.files.push(("values".to_owned(), text));
    }
    for parameter in &options.parameters {
        let setting = format!(
            "{}={}",
            parameter.name,
            escape(&environment.substitute(&parameter.value))
        );
        if parameter.force_string {
            values.string.push(setting);
        } else {
            values.set.push(setting);
        }
    }
    for parameter in &options.file_parameters {
        let file = environment.substitute_path(&parameter.path);
        values.file.push(format!("{}={file}", parameter.name));
    }
    let uses_revision = environment.used_revision.get();
    let merged = values.merge(&|file| reader.read(file).map_err(|error| error.to_string()))?;
    let mut supply = Supply {
        request,
        tree,
        needs: Vec::new(),
        warnings: Vec::new(),
    };
    supply.complete(&mut chart, path, &merged, 0)?;
    if !supply.needs.is_empty() {
        return Ok(Outcome::Needs(supply.needs));
    }
    let mut warnings = supply.warnings;
    let release = crate::helm::render(
        chart,
        &RenderOptions {
            release: ReleaseOptions {
                name: match options.release_name.as_str() {
                    "" => request.name.to_owned(),
                    name => name.to_owned(),
                },
                namespace: match options.namespace.as_str() {
                    "" => request.namespace.to_owned(),
                    namespace => namespace.to_owned(),
                },
                is_upgrade: false,
            },
            capabilities: capabilities(request, &options)?,
            values: merged,
            skip_schema_validation: options.skip_schema_validation,
            // Looked at above: one that is turned off is not missed.
            ignore_missing_dependencies: true,
            host: request.host,
            limits: request.limits.templates,
            ends_process: false,
        },
    )?;
    warnings.extend(release.warnings.iter().cloned());
    let objects = objects(release, &options)?;
    Ok(Outcome::Rendered(Rendered {
        objects,
        warnings,
        uses_revision,
    }))
}

/// Brings what a chart asks for and charts/ does not hold.
struct Supply<'a> {
    request: &'a Request<'a>,
    tree: &'a dyn Tree,
    needs: Vec<Need>,
    warnings: Vec<String>,
}

impl Supply<'_> {
    fn complete(
        &mut self,
        chart: &mut Chart,
        path: &str,
        values: &Map,
        depth: usize,
    ) -> Result<(), RenderError> {
        if depth > MAX_LOCAL_CHARTS {
            return Err(RenderError::LocalChartsTooDeep {
                path: path.to_owned(),
            });
        }
        let stand = requirements(chart, values);
        for (entry, name, version) in &stand.unlisted {
            self.warnings.push(format!(
                "{}: charts/{entry} ({name} {version}) is rendered, but Chart.yaml does not list it",
                chart.name()
            ));
        }
        for requirement in &stand.requirements {
            let Some(need) = requirement.need() else {
                continue;
            };
            if let Vendored::Stale { version } = &requirement.vendored {
                self.warnings.push(format!(
                    "{}: charts/ holds {} {version}, but {} is asked for: that one is used",
                    chart.name(),
                    requirement.name,
                    requirement.wanted()
                ));
            }
            let brought = match requirement.repository.strip_prefix("file://") {
                Some(relative) => {
                    let place = join(path, relative.trim_end_matches('/'));
                    let mut local = Chart::from_tree(self.tree, &place)?;
                    if !requirement.allows(&local.metadata.version) {
                        return Err(RenderError::LocalVersion {
                            chart: chart.name().to_owned(),
                            name: requirement.name.clone(),
                            wanted: requirement.range.clone(),
                            place,
                            version: local.metadata.version,
                        });
                    }
                    self.complete(&mut local, &place, &Map::new(), depth + 1)?;
                    Some(local)
                }
                None if requirement.repository.is_empty() => {
                    return Err(RenderError::NotVendored {
                        chart: chart.name().to_owned(),
                        name: requirement.name.clone(),
                        version: requirement.wanted().to_owned(),
                    });
                }
                None => match (self.request.charts)(&need) {
                    Some(bytes) => Some(Chart::from_archive(&bytes[..])?),
                    None => {
                        self.needs.push(need);
                        None
                    }
                },
            };
            if let Some(brought) = brought {
                chart.supply(requirement, brought);
            }
        }
        Ok(())
    }
}

/// What the source says of the cluster, else what the cluster says.
fn capabilities(request: &Request<'_>, options: &app::Helm) -> Result<Capabilities, RenderError> {
    let version = match options.kube_version.as_str() {
        "" => &request.capabilities.kube_version,
        version => version,
    };
    Ok(Capabilities {
        kube_version: KubeVersion::parse(version).map_err(RenderError::KubeVersion)?,
        api_versions: match options.api_versions.is_empty() {
            true => request.capabilities.api_versions.clone(),
            false => options.api_versions.clone(),
        },
    })
}

/// Manifests and hooks as objects; each text is freed once it is parsed.
fn objects(release: Release, options: &app::Helm) -> Result<Vec<Located>, RenderError> {
    let mut objects = Vec::new();
    if !options.skip_crds {
        for crd in release.crds {
            let text = String::from_utf8_lossy(&crd.data);
            parse(&crd.source, &text, &mut objects)?;
        }
    }
    for manifest in release.manifests {
        parse(&manifest.source, &manifest.text, &mut objects)?;
    }
    for hook in release.hooks {
        if options.skip_tests && hook.is_test() {
            continue;
        }
        parse(&hook.manifest.source, &hook.manifest.text, &mut objects)?;
    }
    Ok(objects)
}

fn parse(file: &str, text: &str, objects: &mut Vec<Located>) -> Result<(), RenderError> {
    let fault = |cause: String| RenderError::Manifest {
        file: file.to_owned(),
        cause,
    };
    for document in yaml::parse_stream(text).map_err(|error| fault(error.to_string()))? {
        let items = match document.value {
            value if value.is_null() => continue,
            value => flattened(value),
        };
        for value in items {
            let object = Object::new(value).map_err(|error| fault(error.to_string()))?;
            objects.push(Located {
                object,
                file: file.to_owned(),
            });
        }
    }
    Ok(())
}

/// The items of a List, or the one value.
fn flattened(mut value: Value) -> Vec<Value> {
    let is_list = value
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    let items = value
        .as_map_mut()
        .filter(|_| is_list)
        .and_then(|map| map.remove("items"));
    match items {
        Some(Value::Seq(items)) => items,
        Some(_) | None => vec![value],
    }
}

/// `--set` takes commas as separators; a parameter's value is one value.
fn escape(value: &str) -> String {
    let is_list = value.starts_with('{') && value.ends_with('}');
    if is_list {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut previous = ' ';
    for c in value.chars() {
        if c == ',' && previous != '\\' {
            escaped.push('\\');
        }
        escaped.push(c);
        previous = c;
    }
    escaped
}

/// Files of the snapshot, seen from the chart's folder; `$ref/…` from the
/// root of another source. A packed chart brings its own.
struct Reader<'a> {
    packed: Option<Vec<ChartFile>>,
    path: &'a str,
    tree: &'a Recorded<'a>,
    references: &'a BTreeMap<&'a str, Recorded<'a>>,
}

impl Reader<'_> {
    fn locate(&self, file: &str) -> Result<(&dyn Tree, String), RenderError> {
        if let Some(rest) = file.strip_prefix('$') {
            let (reference, path) = rest.split_once('/').unwrap_or((rest, ""));
            return match self.references.get(reference) {
                Some(tree) => Ok((tree, path.to_owned())),
                None => Err(RenderError::NoReference {
                    file: file.to_owned(),
                    reference: reference.to_owned(),
                }),
            };
        }
        // An absolute path is one from the root of the repository.
        Ok(match file.strip_prefix('/') {
            Some(path) => (self.tree, path.to_owned()),
            None => (self.tree, join(self.path, file)),
        })
    }

    fn read_packed(&self, file: &str) -> Option<Vec<u8>> {
        let files = self.packed.as_ref()?;
        let found = files.iter().find(|packed| packed.name == file)?;
        Some(found.data.to_vec())
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, RenderError> {
        if let Some(bytes) = self.read_packed(file) {
            return Ok(bytes);
        }
        let (tree, path) = self.locate(file)?;
        Ok(read_following(tree, &path)?)
    }

    /// Name and text of what a value file or a glob of them leads to.
    fn value_files(
        &self,
        file: &str,
        ignore_missing: bool,
    ) -> Result<Vec<(String, Vec<u8>)>, RenderError> {
        if let Some(bytes) = self.read_packed(file) {
            return Ok(vec![(file.to_owned(), bytes)]);
        }
        if self.packed.is_some() && file == "values.yaml" {
            // The lowest layer, whether it is named or not.
            return Ok(Vec::new());
        }
        let (tree, path) = self.locate(file)?;
        let fault = |cause: String| RenderError::ValueFile {
            file: file.to_owned(),
            cause,
        };
        if is_pattern(&path) {
            let paths = find_files(tree, &path).map_err(|error| fault(error.to_string()))?;
            if paths.is_empty() && !ignore_missing {
                return Err(fault("the pattern matches no file".to_owned()));
            }
            return paths
                .into_iter()
                .map(|path| {
                    let bytes =
                        read_following(tree, &path).map_err(|error| fault(error.to_string()))?;
                    Ok((path, bytes))
                })
                .collect();
        }
        match read_following(tree, &path) {
            Ok(bytes) => Ok(vec![(path, bytes)]),
            Err(TreeError::NotFound { .. }) if ignore_missing => Ok(Vec::new()),
            Err(error) => Err(fault(error.to_string())),
        }
    }
}
