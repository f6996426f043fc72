//! kustomization.yaml: its fields, and what deprecated ones stand for.

use super::BuildError;
use super::loader::Loader;
use super::text::{Spot, Text};
use crate::object::Gvk;
use crate::value::yaml::{Step, dotted};
use crate::value::{Map, Value, from_json_line, yaml};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

/// The names under which a kustomization is looked for.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

type Texts = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Kustomization {
    pub api_version: String,
    pub kind: String,
    pub metadata: Option<Metadata>,
    pub openapi: Texts,
    pub name_prefix: String,
    pub name_suffix: String,
    pub namespace: String,
    pub common_labels: Texts,
    pub labels: Vec<Label>,
    pub common_annotations: Texts,
    pub patches_strategic_merge: Vec<String>,
    #[serde(rename = "patchesJson6902")]
    pub patches_json6902: Vec<Patch>,
    pub patches: Vec<Patch>,
    pub images: Vec<Image>,
    pub image_tags: Vec<Image>,
    pub replacements: Vec<Value>,
    pub replicas: Vec<Replica>,
    pub vars: Vec<Var>,
    pub sort_options: Option<SortOptions>,
    pub resources: Vec<String>,
    pub components: Vec<String>,
    pub crds: Vec<String>,
    pub bases: Vec<String>,
    pub config_map_generator: Vec<Generator>,
    pub secret_generator: Vec<Generator>,
    pub helm_globals: Option<HelmGlobals>,
    pub helm_charts: Vec<HelmChart>,
    pub helm_chart_inflation_generator: Vec<HelmChartArgs>,
    pub generator_options: Option<GeneratorOptions>,
    pub configurations: Vec<String>,
    pub generators: Vec<String>,
    pub transformers: Vec<String>,
    pub validators: Vec<String>,
    pub build_metadata: Vec<String>,
    #[serde(skip)]
    listed: Listed,
}

/// How many entries stood in fields to which deprecated ones were added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Listed {
    n_resources: usize,
    n_images: usize,
    n_charts: usize,
}

/// A kustomization as it was read.
pub struct Loaded {
    pub kustomization: Kustomization,
    /// The name of its file, one of [`FILE_NAMES`].
    pub file: &'static str,
    pub text: Text,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metadata {
    pub name: String,
    pub namespace: String,
    pub labels: Texts,
    pub annotations: Texts,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Label {
    pub pairs: Texts,
    pub include_selectors: bool,
    pub include_templates: bool,
    pub include_volume_claim_templates: bool,
    pub fields: Vec<LabelField>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelField {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub path: String,
    pub create: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patch {
    pub path: String,
    pub patch: String,
    pub target: Option<Selector>,
    pub options: Option<PatchOptions>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PatchOptions {
    pub allow_name_change: bool,
    pub allow_kind_change: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selector {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub annotation_selector: String,
    pub label_selector: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Image {
    pub name: String,
    pub new_name: String,
    pub tag_suffix: String,
    pub new_tag: String,
    pub digest: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replica {
    pub name: String,
    pub count: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Var {
    pub name: String,
    pub objref: VarTarget,
    pub fieldref: VarField,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VarTarget {
    pub api_version: String,
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

impl VarTarget {
    pub fn gvk(&self) -> Gvk {
        let mut gvk = Gvk::new(&self.group, &self.version, &self.kind);
        let parts: Vec<&str> = self.api_version.split('/').collect();
        match parts[..] {
            _ if self.api_version.is_empty() => {}
            [version] => gvk.version = version.to_owned(),
            [group, version] => {
                gvk.group = group.to_owned();
                gvk.version = version.to_owned();
            }
            _ => {}
        }
        gvk
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VarField {
    pub field_path: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SortOptions {
    pub order: String,
    pub legacy_sort_options: Option<LegacySortOptions>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LegacySortOptions {
    pub order_first: Vec<String>,
    pub order_last: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Generator {
    pub namespace: String,
    pub name: String,
    pub behavior: String,
    pub literals: Vec<String>,
    pub files: Vec<String>,
    pub envs: Vec<String>,
    pub env: String,
    pub options: Option<GeneratorOptions>,
    /// Of a Secret only.
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GeneratorOptions {
    pub labels: Texts,
    pub annotations: Texts,
    pub disable_name_suffix_hash: bool,
    pub immutable: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HelmGlobals {
    pub chart_home: String,
    pub config_home: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HelmChart {
    pub name: String,
    pub version: String,
    pub repo: String,
    pub release_name: String,
    pub namespace: String,
    pub additional_values_files: Vec<String>,
    pub values_file: String,
    /// A mapping, or nothing.
    #[serde(deserialize_with = "mapping")]
    pub values_inline: Value,
    pub values_merge: String,
    #[serde(rename = "includeCRDs")]
    pub include_crds: bool,
    pub skip_hooks: bool,
    pub api_versions: Vec<String>,
    pub kube_version: String,
    pub name_template: String,
    pub skip_tests: bool,
    pub debug: bool,
    pub devel: bool,
}

/// The older form of helmCharts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HelmChartArgs {
    pub chart_name: String,
    pub chart_version: String,
    pub chart_repo_url: String,
    pub chart_home: String,
    pub chart_repo_name: String,
    pub helm_bin: String,
    pub helm_home: String,
    pub values: String,
    #[serde(deserialize_with = "mapping")]
    pub values_local: Value,
    pub values_merge: String,
    pub release_name: String,
    pub release_namespace: String,
    pub extra_args: Vec<String>,
}

/// A mapping, or null: what else is there is refused before it is read, where
/// it stands.
fn mapping<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    deserializer.deserialize_option(Mapping)
}

struct Mapping;

impl<'de> Visitor<'de> for Mapping {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<Value, D::Error> {
        some.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Whether a text names a field of an object whose nulls mean something.
fn keeps_nulls(key: &str) -> bool {
    matches!(key, "valuesInline" | "valuesLocal")
}

impl Kustomization {
    /// Reads the kustomization of a folder.
    pub fn load(loader: &Loader<'_>) -> Result<Loaded, BuildError> {
        let mut found: Option<(&'static str, Vec<u8>)> = None;
        for name in FILE_NAMES {
            if let Some(bytes) = loader.find(name)? {
                if let Some((other, _)) = found {
                    return Err(BuildError::wrong(format!(
                        "found multiple kustomization files under: {} ({other}, {name})",
                        loader.root()
                    )));
                }
                found = Some((name, bytes));
            }
        }
        let Some((file, bytes)) = found else {
            return Err(BuildError::wrong(format!(
                "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{}'",
                loader.root()
            )));
        };
        let path = loader.path_of(file);
        let text = yaml::decode(&bytes)
            .map_err(|error| BuildError::wrong(Text::new(&path, "").wrong(&error, 1)))?;
        let text = Text::new(&path, text);
        Ok(Loaded {
            kustomization: Self::read(&text)?,
            file,
            text,
        })
    }

    fn read(text: &Text) -> Result<Self, String> {
        let value = yaml::parse_one(text.as_str())
            .map_err(|error| format!("{} (invalid Kustomization)", text.wrong(&error, 1)))?;
        if !matches!(value, Value::Null | Value::Map(_)) {
            return Err(format!(
                "{}: invalid Kustomization: a mapping is expected, not a {}",
                text.at(&[]),
                value.kind()
            ));
        }
        let mut kustomization: Kustomization = typed(&value).map_err(|wrong| {
            format!(
                "{}: invalid Kustomization: {}",
                text.at(&wrong.steps),
                wrong.cause
            )
        })?;
        kustomization.check(text)?;
        kustomization.convert();
        Ok(kustomization)
    }

    /// Where an entry of a list stands; those of deprecated fields come last.
    pub fn entry(&self, text: &Text, field: &str, at: usize) -> Spot {
        let listed = &self.listed;
        let (field, at) = match field {
            "resources" if at >= listed.n_resources => ("bases", at - listed.n_resources),
            "images" if at >= listed.n_images => ("imageTags", at - listed.n_images),
            "helmCharts" if at >= listed.n_charts => {
                ("helmChartInflationGenerator", at - listed.n_charts)
            }
            field => (field, at),
        };
        text.at(&[field.into(), at.into()])
    }

    pub fn is_component(&self) -> bool {
        self.kind == "Component"
    }

    fn check(&mut self, text: &Text) -> Result<(), String> {
        let unused = Kustomization {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            ..Kustomization::default()
        };
        if *self == unused {
            return Err(format!("{}: the kustomization is empty", text.path()));
        }
        if self.kind.is_empty() {
            self.kind = "Kustomization".to_owned();
        }
        if !matches!(self.kind.as_str(), "Kustomization" | "Component") {
            return Err(format!(
                "{}: kind should be Kustomization or Component, not {}",
                text.at(&["kind".into()]),
                self.kind
            ));
        }
        let version = if self.is_component() {
            "kustomize.config.k8s.io/v1alpha1"
        } else {
            "kustomize.config.k8s.io/v1beta1"
        };
        if !self.api_version.is_empty() && self.api_version != version {
            return Err(format!(
                "{}: apiVersion for {} should be {version}, not {}",
                text.at(&["apiVersion".into()]),
                self.kind,
                self.api_version
            ));
        }
        Ok(())
    }

    /// Deprecated fields become what took their place.
    fn convert(&mut self) {
        self.listed = Listed {
            n_resources: self.resources.len(),
            n_images: self.images.len(),
            n_charts: self.helm_charts.len(),
        };
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for generator in self
            .config_map_generator
            .iter_mut()
            .chain(&mut self.secret_generator)
        {
            if !generator.env.is_empty() {
                generator.envs.push(std::mem::take(&mut generator.env));
            }
        }
        // Of the charts of the older form the last that names a folder wins.
        let old = std::mem::take(&mut self.helm_chart_inflation_generator);
        let last = |of: fn(&HelmChartArgs) -> &String| {
            let named = old.iter().map(of).rev().find(|text| !text.is_empty());
            named.cloned().unwrap_or_default()
        };
        let globals = HelmGlobals {
            chart_home: last(|chart| &chart.chart_home),
            config_home: last(|chart| &chart.helm_home),
        };
        if self.helm_globals.is_none() && globals != HelmGlobals::default() {
            self.helm_globals = Some(globals);
        }
        for old in old {
            self.helm_charts.push(HelmChart {
                name: old.chart_name,
                version: old.chart_version,
                repo: old.chart_repo_url,
                values_file: old.values,
                values_inline: old.values_local,
                values_merge: old.values_merge,
                release_name: old.release_name,
                ..HelmChart::default()
            });
        }
    }
}

/// What a part of a kustomization cannot be read for.
#[derive(Debug)]
pub struct Mistyped {
    /// The way to the field that is wrong.
    pub steps: Vec<Step>,
    pub cause: String,
    is_unknown: bool,
}

impl Mistyped {
    /// What is wrong with a field.
    pub fn at(field: &str, cause: String) -> Self {
        Mistyped {
            steps: vec![field.into()],
            ..Mistyped::whole(cause)
        }
    }

    /// What is wrong with the whole.
    pub fn whole(cause: String) -> Self {
        Mistyped {
            steps: Vec::new(),
            cause,
            is_unknown: false,
        }
    }
}

/// A value as a typed part of a kustomization. Null fields are absent ones, as
/// for Go's decoder.
pub fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, Mistyped> {
    let without = match value {
        Value::Null => Value::Map(Map::new()),
        other => without_nulls(other),
    };
    let text = without.to_json();
    from_json_line(&text).map_err(|misfit| {
        let steps = misfit.steps;
        let path = dotted(&steps, String::new());
        let cause = misfit
            .cause
            .split(", expected one of")
            .next()
            .unwrap_or_default()
            .replace('`', "\"")
            .replace("expected i64", "expected a whole number")
            .replace(
                "expected struct ",
                "expected a mapping with the fields of a ",
            );
        let unknown = cause
            .strip_prefix("unknown field \"")
            .and_then(|rest| rest.split('"').next())
            .map(str::to_owned);
        let cause = match path.as_str() {
            "" => cause,
            path if unknown.as_deref() == Some(path) => cause,
            _ if cause.starts_with("unknown field") => format!("{cause} at {path}"),
            _ => format!("{path}: {cause}"),
        };
        Mistyped {
            steps,
            cause,
            is_unknown: unknown.is_some(),
        }
    })
}

/// The same of what kustomize reads without minding unknown fields.
pub fn typed_known<T: DeserializeOwned>(value: &Value) -> Result<T, Mistyped> {
    let mut known = value.clone();
    loop {
        match typed(&known) {
            Err(wrong) if wrong.is_unknown && remove(&mut known, &wrong.steps) => {}
            other => return other,
        }
    }
}

/// Whether something was there to take away.
fn remove(value: &mut Value, steps: &[Step]) -> bool {
    match (value, steps) {
        (Value::Map(map), [Step::Key(key)]) => {
            let found = map.keys().find(|known| known.eq_ignore_ascii_case(key));
            let found = found.map(str::to_owned);
            found.is_some_and(|key| map.remove(&key).is_some())
        }
        (Value::Map(map), [Step::Key(key), rest @ ..]) => {
            let found = map
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(key));
            found.is_some_and(|(_, value)| remove(value, rest))
        }
        (Value::Seq(items), [Step::Item(at), rest @ ..]) => {
            items.get_mut(*at).is_some_and(|item| remove(item, rest))
        }
        _ => false,
    }
}

/// Maps whose keys are the user's.
const FREE: [&str; 5] = [
    "commonLabels",
    "commonAnnotations",
    "labels",
    "annotations",
    "pairs",
];

/// Go's decoder does not look at the case of a field's letters.
const CAMEL: &[&str] = &[
    "apiVersion",
    "namePrefix",
    "nameSuffix",
    "commonLabels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "imageTags",
    "sortOptions",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "buildMetadata",
    "fieldPath",
    "fieldPaths",
    "objref",
    "fieldref",
    "newName",
    "newTag",
    "tagSuffix",
    "labelSelector",
    "annotationSelector",
    "includeSelectors",
    "includeTemplates",
    "includeVolumeClaimTemplates",
    "allowNameChange",
    "allowKindChange",
    "disableNameSuffixHash",
    "releaseName",
    "valuesFile",
    "valuesInline",
    "valuesMerge",
    "includeCRDs",
    "skipHooks",
    "skipTests",
    "apiVersions",
    "kubeVersion",
    "nameTemplate",
    "additionalValuesFiles",
    "chartHome",
    "configHome",
    "sourceValue",
    "legacySortOptions",
    "orderFirst",
    "orderLast",
];

fn canonical(key: &str) -> &str {
    let known = CAMEL.iter().find(|known| known.eq_ignore_ascii_case(key));
    known.copied().unwrap_or(key)
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            let kept = kept.map(|(key, value)| {
                let key = canonical(key);
                let is_free = matches!(value, Value::Map(_)) && FREE.contains(&key);
                let value = if is_free || keeps_nulls(key) {
                    value.clone()
                } else {
                    without_nulls(value)
                };
                (key, value)
            });
            Value::Map(kept.collect())
        }
        Value::Seq(items) => Value::Seq(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
