use super::inputs::Inputs;
use super::lookup::Answers;
use crate::app::Source;
use crate::gotmpl::{self, Host};
use crate::helm;
use crate::jsonnet;
use crate::kustomize::{Fetched, Need};
use crate::object::Object;
use crate::tree::Tree;
use std::collections::BTreeMap;

/// What a chart may ask about the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `v1.34.1+k3s1`
    pub kube_version: String,
    /// `group/version` and `group/version/Kind`
    pub api_versions: Vec<String>,
}

/// Everything that a render depends on.
pub struct Request<'a> {
    /// The release name unless the source has one, and the name in tracking ids.
    pub application: &'a str,
    /// The Application's own name.
    pub name: &'a str,
    /// The destination's namespace.
    pub namespace: &'a str,
    pub project: &'a str,
    pub source: &'a Source,
    /// The commit that the revision stands for.
    pub revision: &'a str,
    pub tree: &'a dyn Tree,
    /// The packed chart, where the source is one; the tree is empty then.
    pub archive: Option<&'a [u8]>,
    /// The trees of sources with a `ref`, by its name.
    pub references: &'a BTreeMap<&'a str, &'a dyn Tree>,
    pub capabilities: &'a Capabilities,
    /// Clock and randomness of templates.
    pub host: &'a dyn Host,
    /// Charts that were pulled for an earlier need.
    pub charts: &'a dyn Fn(&helm::Need) -> Option<Vec<u8>>,
    /// What kustomizations were brought for an earlier need.
    pub remotes: &'a dyn Fetched,
    /// Where `lookup` is on: what the cluster answered to an earlier need.
    pub lookups: Option<Answers<'a>>,
    pub limits: Limits,
}

/// What one render may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Of the templates of each chart.
    pub templates: gotmpl::Limits,
    /// Of each Jsonnet program.
    pub jsonnet: jsonnet::Limits,
}

pub enum Outcome {
    Rendered(Manifests),
    /// Fetch these and render again.
    Needs(Vec<Need>),
}

pub struct Manifests {
    pub objects: Vec<Located>,
    pub warnings: Vec<String>,
    pub source_type: SourceType,
    pub inputs: Inputs,
}

/// An object and the file that it came from.
#[derive(Clone, Debug)]
pub struct Located {
    pub object: Object,
    /// Relative to the repository; of a chart, the template.
    pub file: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceType {
    Directory,
    Helm,
    Kustomize,
}

impl SourceType {
    /// As `status.sourceType` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceType::Directory => "Directory",
            SourceType::Helm => "Helm",
            SourceType::Kustomize => "Kustomize",
        }
    }
}
