//! Generators and transformers with a configuration of their own: the
//! built-in kinds. Others are functions or programs, and are never run.

use super::config::field_specs;
use super::field_spec::FieldSpec;
use super::fields::At;
use super::generate::{Kind, generate};
use super::kustomization::{
    Generator, HelmChart, HelmGlobals, Image, Patch, Replica, Selector, SortOptions, typed_known,
};
use super::loader::Loader;
use super::resource::Resource;
use super::transform::{Affix, Subjects};
use super::transformer::{Transformer, legacy_json, replacements};
use super::{BuildError, Options, helm_chart, patching, read};
use crate::value::{Map, Value};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

pub struct Plugin<'l, 'a> {
    loader: &'l Loader<'a>,
    options: &'l Options<'a>,
    kind: String,
    /// For messages: where it stands, kind and name.
    pub what: String,
}

impl<'l, 'a> Plugin<'l, 'a> {
    pub fn new(
        loader: &'l Loader<'a>,
        options: &'l Options<'a>,
        config: &Resource,
    ) -> Result<Self, BuildError> {
        let (kind, gvk) = (config.kind(), config.gvk());
        let what = format!("{}{kind} {}", config.place_in_front(), config.name());
        if gvk.api_version() != "builtin" {
            return Err(BuildError::wrong(format!(
                "{what}: external plugins and functions are not run; only apiVersion 'builtin' is allowed, not {:?}",
                gvk.api_version()
            )));
        }
        Ok(Plugin {
            loader,
            options,
            kind,
            what,
        })
    }

    fn wrong(&self, cause: impl AsRef<str>) -> BuildError {
        BuildError::wrong(format!("{}: {}", self.what, cause.as_ref()))
    }

    /// Some fields of the configuration as a typed part; others are passed
    /// over, as kustomize does.
    fn fields<T: DeserializeOwned>(
        &self,
        config: &Resource,
        names: &[&str],
    ) -> Result<T, BuildError> {
        let map: Map = names
            .iter()
            .filter_map(|name| Some((*name, config.value.get(name)?.clone())))
            .collect();
        typed_known(&Value::Map(map)).map_err(|wrong| self.wrong(wrong.cause))
    }

    fn part<T: DeserializeOwned + Default>(
        &self,
        config: &Resource,
        name: &str,
    ) -> Result<T, BuildError> {
        match config.value.get(name) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => value
                .to()
                .map_err(|error| self.wrong(format!("{name}: {error}"))),
        }
    }

    fn specs(&self, config: &Resource) -> Result<Vec<FieldSpec>, BuildError> {
        let list = config.value.get("fieldSpecs").unwrap_or(&Value::Null);
        field_specs("fieldSpecs", list).map_err(|cause| self.wrong(cause))
    }

    pub fn generate(&self, config: &Resource) -> Result<Vec<Resource>, BuildError> {
        let kind = match self.kind.as_str() {
            "ConfigMapGenerator" => Kind::ConfigMap,
            "SecretGenerator" => Kind::Secret,
            "HelmChartInflationGenerator" => {
                let globals: HelmGlobals = self.fields(config, &["chartHome", "configHome"])?;
                let chart: HelmChart = self.fields(
                    config,
                    &[
                        "name",
                        "version",
                        "repo",
                        "releaseName",
                        "namespace",
                        "additionalValuesFiles",
                        "valuesFile",
                        "valuesInline",
                        "valuesMerge",
                        "includeCRDs",
                        "skipHooks",
                        "apiVersions",
                        "kubeVersion",
                        "nameTemplate",
                        "skipTests",
                        "debug",
                        "devel",
                    ],
                )?;
                return helm_chart::inflate(self.loader, self.options, &chart, &globals)
                    .map_err(|error| error.at(&self.what));
            }
            _ => return Err(self.wrong("is not a generator that is built in")),
        };
        let mut arguments: Generator = self.fields(
            config,
            &[
                "name",
                "namespace",
                "behavior",
                "literals",
                "files",
                "envs",
                "env",
                "options",
                "type",
            ],
        )?;
        if arguments.name.is_empty() {
            arguments.name = config.name();
        }
        if arguments.namespace.is_empty() {
            arguments.namespace = config.namespace();
        }
        let options = arguments.options.clone().unwrap_or_default();
        let made = generate(self.loader, kind, &arguments, &options);
        Ok(vec![made.map_err(|fault| fault.error.at(&self.what))?])
    }

    pub fn transformer(&self, config: &Resource) -> Result<Transformer, BuildError> {
        let text = |key: &str| {
            config
                .value
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(match self.kind.as_str() {
            "AnnotationsTransformer" | "LabelTransformer" => {
                let key = if self.kind == "LabelTransformer" {
                    "labels"
                } else {
                    "annotations"
                };
                Transformer::Entries {
                    texts: self.part::<BTreeMap<String, String>>(config, key)?,
                    specs: self.specs(config)?,
                }
            }
            "NamespaceTransformer" => Transformer::Namespace {
                namespace: config.namespace(),
                specs: self.specs(config)?,
                unset_only: self.part::<bool>(config, "unsetOnly")?,
                subjects: Subjects::parse(&text("setRoleBindingSubjects"))
                    .map_err(|cause| self.wrong(cause))?,
            },
            kind @ ("PrefixTransformer" | "SuffixTransformer") => {
                let (which, key) = match kind {
                    "PrefixTransformer" => (Affix::Prefix, "prefix"),
                    _ => (Affix::Suffix, "suffix"),
                };
                if config.value.get("fieldSpecs").is_none_or(Value::is_null) {
                    return Err(self.wrong("fieldSpecs is not expected to be nil"));
                }
                Transformer::Affix {
                    which,
                    text: text(key),
                    specs: self.specs(config)?,
                }
            }
            // The older of the two in one.
            "PrefixSuffixTransformer" => {
                let specs = self.specs(config)?;
                let of = |which, key| Transformer::Affix {
                    which,
                    text: text(key),
                    specs: specs.clone(),
                };
                Transformer::Both(Box::new([
                    of(Affix::Prefix, "prefix"),
                    of(Affix::Suffix, "suffix"),
                ]))
            }
            "ImageTagTransformer" => Transformer::Images {
                image: self.part::<Image>(config, "imageTag")?,
                specs: self.specs(config)?,
            },
            "ReplicaCountTransformer" => Transformer::Replicas {
                replica: self.part::<Replica>(config, "replica")?,
                specs: self.specs(config)?,
            },
            "PatchTransformer" => {
                let patch: Patch = self.fields(config, &["path", "patch", "target", "options"])?;
                let inline = config.inner_text(&patch.patch);
                let read = patching::read(self.loader, &patch, inline);
                Transformer::Patch(read.map_err(|error| error.at(&self.what))?)
            }
            "PatchJson6902Transformer" => {
                let target = self.part::<Option<Selector>>(config, "target")?;
                let inline = config.inner_text(&text("jsonOp"));
                legacy_json(self.loader, &text("path"), inline, target.as_ref())
                    .map_err(|error| error.at(&self.what))?
            }
            "PatchStrategicMergeTransformer" => {
                let paths = self.part::<Vec<String>>(config, "paths")?;
                let mut patches = Vec::new();
                for path in &paths {
                    let inline = config.inner_text(path);
                    let read = patching::legacy_entry(self.loader, path, &inline);
                    patches.extend(read.map_err(|error| error.at(&self.what))?);
                }
                let inline = config.inner_text(&text("patches"));
                patches.extend(read::resources(&inline).map_err(|cause| self.wrong(cause))?);
                if patches.is_empty() {
                    return Err(self.wrong("empty file path and empty patch content"));
                }
                Transformer::LegacyMerge(patches)
            }
            "ReplacementTransformer" => {
                let list = self.part::<Vec<Value>>(config, "replacements")?;
                replacements(self.loader, &list, &|_, _| At::Plugin(self.what.clone()))?
            }
            "HashTransformer" => Transformer::Hash,
            "SortOrderTransformer" => {
                Transformer::Sort(self.part::<Option<SortOptions>>(config, "sortOptions")?)
            }
            _ => return Err(self.wrong("is not a transformer that drupelet has built in")),
        })
    }
}
