//! From a list of files to a chart, with the charts in charts/.

use super::archive::Budget;
use super::metadata::{API_VERSION_V1, Lock, Metadata, ValidationError, api_version};
use super::{
    ArchiveError, Chart, ChartFile, DirectoryError, Part, Subchart, Unread, archive, directory,
};
use crate::helm::values::{ValuesFileError, load_values};
use crate::tree::{Tree, TreeError};
use crate::value::{Value, yaml};
use std::collections::BTreeMap;
use std::io::Read;

/// Charts inside of charts.
pub const MAX_SUBCHART_DEPTH: usize = 32;

/// Why a chart cannot be loaded, in Helm's words where it has some.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("unable to detect chart at {path}: {cause}")]
    NoChart { path: String, cause: TreeError },
    #[error("unable to detect chart version, no Chart.yaml found")]
    NoChartYaml,
    #[error("Chart.yaml file is missing")]
    ChartYamlMissing,
    #[error("unsupported chart version")]
    UnsupportedVersion,
    /// A chart of Helm's experimental apiVersion v3.
    #[error("invalid chart apiVersion")]
    ExperimentalVersion,
    #[error("cannot load {file}: {cause}")]
    Document { file: String, cause: String },
    #[error("cannot load values.yaml: {0}")]
    Values(#[from] ValuesFileError),
    #[error(transparent)]
    Validation(#[from] ValidationError),
    #[error("error unpacking subchart tar in {parent}: expected {expected}, got {found}")]
    SubchartFile {
        parent: String,
        expected: String,
        found: String,
    },
    #[error("error unpacking subchart {entry} in {parent}: {cause}")]
    Subchart {
        entry: String,
        parent: String,
        cause: Box<LoadError>,
    },
    #[error("more than {MAX_SUBCHART_DEPTH} charts inside of each other")]
    TooDeep,
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

pub fn from_tree(tree: &dyn Tree, root: &str) -> Result<Chart, LoadError> {
    let path = if root.is_empty() {
        "Chart.yaml".to_owned()
    } else {
        format!("{root}/Chart.yaml")
    };
    let chart_yaml = crate::tree::resolve(tree, &path)
        .and_then(|(resolved, _)| tree.read(&resolved))
        .map_err(|cause| LoadError::NoChart { path, cause })?;
    check_api_version(&chart_yaml)?;
    from_files(directory::read(tree, root)?, &mut Budget::new(), 0)
}

pub fn from_archive(packed: &mut dyn Read, unread: Option<Unread>) -> Result<Chart, LoadError> {
    let mut budget = Budget::new();
    budget.unread = unread;
    let files = archive::unpack(packed, &mut budget)?;
    let chart_yaml = files
        .iter()
        .find(|file| file.name == "Chart.yaml")
        .ok_or(LoadError::NoChartYaml)?;
    check_api_version(&chart_yaml.data)?;
    from_files(files, &mut budget, 0)
}

/// Of the outermost chart only, as in Helm.
fn check_api_version(chart_yaml: &[u8]) -> Result<(), LoadError> {
    let document = document("Chart.yaml", chart_yaml)?;
    let version = api_version(&document).map_err(|error| LoadError::Document {
        file: "Chart.yaml".to_owned(),
        cause: error.to_string(),
    })?;
    match version.as_str() {
        "" | "v1" | "v2" => Ok(()),
        "v3" => Err(LoadError::ExperimentalVersion),
        _ => Err(LoadError::UnsupportedVersion),
    }
}

/// The first YAML document of a file.
fn document(file: &str, data: &[u8]) -> Result<Value, LoadError> {
    yaml::decode(data)
        .and_then(|text| yaml::parse_one(&text))
        .map_err(|error| LoadError::Document {
            file: file.to_owned(),
            cause: format!("error converting YAML to JSON: {error}"),
        })
}

fn from_files(
    files: Vec<ChartFile>,
    budget: &mut Budget,
    depth: usize,
) -> Result<Chart, LoadError> {
    if depth > MAX_SUBCHART_DEPTH {
        return Err(LoadError::TooDeep);
    }
    let mut chart = Chart::default();
    let mut has_metadata = false;
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        decode_metadata(&mut chart.metadata, file)?;
        has_metadata = true;
        if chart.metadata.api_version.is_empty() {
            // Charts of Helm 2's time.
            chart.metadata.api_version = API_VERSION_V1.to_owned();
        }
    }

    let mut subcharts: BTreeMap<String, Vec<ChartFile>> = BTreeMap::new();
    for mut file in files {
        match Part::of(&file.name) {
            Part::Metadata => {}
            Part::Lock => chart.lock = Some(decode_lock(&file)?),
            Part::Values => {
                chart.values = load_values(&file.data)?;
                chart.values_text = Some(file.data);
            }
            Part::Schema => chart.schema = Some(file.data),
            Part::Requirements => {
                if chart.metadata.api_version != API_VERSION_V1 {
                    chart.warnings.push(REQUIREMENTS_IN_V2.to_owned());
                }
                decode_metadata(&mut chart.metadata, &file)?;
                has_metadata = true;
                if chart.metadata.api_version == API_VERSION_V1 {
                    chart.files.push(file);
                }
            }
            Part::RequirementsLock => {
                chart.lock = Some(decode_lock(&file)?);
                has_metadata = true;
                if chart.metadata.api_version == API_VERSION_V1 {
                    chart.files.push(file);
                } else {
                    chart.warnings.push(REQUIREMENTS_LOCK_IN_V2.to_owned());
                }
            }
            Part::Template => chart.templates.push(file),
            Part::Subchart => {
                file.name.drain(.."charts/".len());
                let entry = file.name.split('/').next().unwrap_or_default().to_owned();
                subcharts.entry(entry).or_default().push(file);
            }
            Part::File => chart.files.push(file),
        }
    }

    if !has_metadata {
        return Err(LoadError::ChartYamlMissing);
    }
    chart.metadata.validate()?;

    for (entry, files) in subcharts {
        // Helm takes them in the random order of a Go map; here by name.
        if entry.starts_with(['_', '.']) {
            continue;
        }
        let subchart = subchart(&entry, files, chart.name(), budget, depth)?;
        chart.dependencies.push(Subchart {
            entry,
            chart: subchart,
        });
    }
    Ok(chart)
}

fn subchart(
    entry: &str,
    files: Vec<ChartFile>,
    parent: &str,
    budget: &mut Budget,
    depth: usize,
) -> Result<Chart, LoadError> {
    let loaded = if entry.ends_with(".tgz") {
        let first = &files[0];
        if first.name != entry {
            return Err(LoadError::SubchartFile {
                parent: parent.to_owned(),
                expected: entry.to_owned(),
                found: first.name.clone(),
            });
        }
        archive::unpack(&mut &first.data[..], budget)
            .map_err(LoadError::from)
            .and_then(|files| from_files(files, budget, depth + 1))
    } else {
        let below = files.into_iter().filter_map(|mut file| {
            let (_, rest) = file.name.split_once('/')?;
            file.name = rest.to_owned();
            Some(file)
        });
        from_files(below.collect(), budget, depth + 1)
    };
    loaded.map_err(|cause| LoadError::Subchart {
        entry: entry.to_owned(),
        parent: parent.to_owned(),
        cause: Box::new(cause),
    })
}

fn decode_metadata(metadata: &mut Metadata, file: &ChartFile) -> Result<(), LoadError> {
    let value = document(&file.name, &file.data)?;
    metadata
        .decode(&value)
        .map_err(|error| LoadError::Document {
            file: file.name.clone(),
            cause: error.to_string(),
        })
}

fn decode_lock(file: &ChartFile) -> Result<Lock, LoadError> {
    let value = document(&file.name, &file.data)?;
    Lock::decode(&value).map_err(|error| LoadError::Document {
        file: file.name.clone(),
        cause: error.to_string(),
    })
}

const REQUIREMENTS_IN_V2: &str = "Warning: Dependencies are handled in Chart.yaml since apiVersion \
     \"v2\". We recommend migrating dependencies to Chart.yaml.";
const REQUIREMENTS_LOCK_IN_V2: &str = "Warning: Dependency locking is handled in Chart.lock since \
     apiVersion \"v2\". We recommend migrating to Chart.lock.";
