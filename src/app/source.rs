use crate::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where manifests come from: a path of a git repository, or a chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Source {
    /// URL of the git repository, the Helm repository or the OCI registry.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// Folder in the repository; "" for its root.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Branch, tag, SHA or semver constraint; "" is HEAD.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target_revision: String,
    /// Name of a chart in a Helm repository; excludes `path`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart: String,
    /// Name under which other sources reach files of this one, as `$ref/path`.
    #[serde(rename = "ref", skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// What to call this source where several are listed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Only tags with this prefix count for a semver constraint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag_prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helm: Option<Helm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kustomize: Option<Kustomize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Directory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Plugin>,
}

impl Source {
    /// The revision as users read it: HEAD where none is given.
    pub fn revision_or_head(&self) -> &str {
        if self.target_revision.is_empty() {
            "HEAD"
        } else {
            &self.target_revision
        }
    }

    /// The tools that it has fields of; of more than one it cannot be made.
    pub fn tools(&self) -> Vec<&'static str> {
        [
            ("helm", self.helm.is_some()),
            ("kustomize", self.kustomize.is_some()),
            ("directory", self.directory.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_set)| is_set.then_some(name))
        .collect()
    }

    /// A source that only lends its files to others.
    pub fn is_reference_only(&self) -> bool {
        !self.reference.is_empty() && self.path.is_empty() && self.chart.is_empty()
    }
}

/// Whether a source may have this `ref`.
pub fn is_reference(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.chars().all(is_plain)
}

/// Helm options of a source. Precedence, low to high: the chart's values,
/// valueFiles in order, values or valuesObject, parameters and fileParameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Helm {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub value_files: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_value_files: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<HelmParameter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_parameters: Vec<FileParameter>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub release_name: String,
    /// Values as YAML text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub values: String,
    /// Values as an object; wins over `values`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub values_object: Option<Value>,
    #[serde(skip_serializing_if = "is_false")]
    pub pass_credentials: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub skip_crds: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub skip_tests: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub skip_schema_validation: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_versions: Vec<String>,
    /// Helm 2 or 3, of old; without effect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmParameter {
    pub name: String,
    pub value: String,
    /// `--set-string` instead of `--set`.
    #[serde(skip_serializing_if = "is_false")]
    pub force_string: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FileParameter {
    pub name: String,
    pub path: String,
}

/// What is laid over a kustomization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Kustomize {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name_prefix: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name_suffix: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<KustomizeReplica>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub common_labels: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub common_annotations: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "is_false")]
    pub common_annotations_envsubst: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub force_common_labels: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub force_common_annotations: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub label_without_selector: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub label_include_templates: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<KustomizePatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_components: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_versions: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KustomizeReplica {
    pub name: String,
    /// A number, or text that holds one.
    #[schemars(with = "serde_json::Value")]
    pub count: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KustomizePatch {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub patch: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<KustomizeTarget>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub options: std::collections::BTreeMap<String, bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizeTarget {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label_selector: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub annotation_selector: String,
}

/// Plain manifests and Jsonnet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Directory {
    #[serde(skip_serializing_if = "is_false")]
    pub recurse: bool,
    /// Glob on the path relative to the application's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub include: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub exclude: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jsonnet: Option<Jsonnet>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Jsonnet {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ext_vars: Vec<JsonnetVar>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tlas: Vec<JsonnetVar>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub libs: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JsonnetVar {
    pub name: String,
    pub value: String,
    #[serde(skip_serializing_if = "is_false")]
    pub code: bool,
}

/// A config management plugin. Read so that the error can name it: drupelet
/// starts no process for rendering.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Plugin {
    pub name: String,
    #[schemars(with = "Vec<serde_json::Value>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Value>,
    #[schemars(with = "Vec<serde_json::Value>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Value>,
}

pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}
