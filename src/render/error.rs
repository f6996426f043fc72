use super::directory::DirectoryError;
use crate::app::Source;
use crate::helm;
use crate::kustomize::Need;
use crate::tree::TreeError;

/// Why a source gives no manifests. The message names the place.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("app path {path:?} does not exist")]
    NoPath { path: String },
    #[error("app path {path:?} is not a directory")]
    NotADirectory { path: String },
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Load(#[from] helm::LoadError),
    #[error("{source}{}", innermost(.source))]
    Helm {
        #[from]
        source: helm::RenderError,
    },
    #[error(transparent)]
    Values(#[from] helm::ValuesError),
    #[error("{0}")]
    KubeVersion(helm::KubeVersionError),
    #[error("value file {file}: {cause}")]
    ValueFile { file: String, cause: String },
    #[error("value file {file}: no source has ref {reference:?}")]
    NoReference { file: String, reference: String },
    #[error("{file}: {cause}")]
    Manifest { file: String, cause: String },
    /// Of a file that lays fields over the source.
    #[error("{file}: {cause}")]
    Override { file: String, cause: String },
    #[error("{path}: more file:// charts within each other than are allowed")]
    LocalChartsTooDeep { path: String },
    #[error(
        "{chart}: Chart.yaml asks for {name} {version} without a repository, and charts/ does not hold it; put it there, or write its repository into Chart.yaml"
    )]
    NotVendored {
        chart: String,
        name: String,
        version: String,
    },
    #[error("{chart}: Chart.yaml asks for {name} {wanted}, but {place} holds version {version}")]
    LocalVersion {
        chart: String,
        name: String,
        wanted: String,
        place: String,
        version: String,
    },
    #[error("what it needs cannot be fetched: {0}")]
    Unmet(String),
    #[error("{0}")]
    Kustomize(crate::kustomize::BuildError),
}

impl RenderError {
    /// A need that the caller could not meet, and why.
    pub fn unmet(need: &Need, cause: &str) -> Self {
        RenderError::Unmet(format!("{need}: {cause}"))
    }
}

/// Helm's words name the outermost place of a refusal; here the innermost too.
fn innermost(error: &helm::RenderError) -> String {
    match error {
        helm::RenderError::Refused { place, .. } => format!(" (refused at {place})"),
        _ => String::new(),
    }
}

/// A source in the words of errors: `path logging/loki of https://…`.
pub fn describe(source: &Source) -> String {
    if source.chart.is_empty() {
        let path = match source.path.trim_matches('/') {
            "" => ".",
            path => path,
        };
        format!("path {path} of {}", source.repo_url)
    } else {
        format!("chart {} of {}", source.chart, source.repo_url)
    }
}
