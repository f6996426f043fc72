//! The ConfigMap argocd-cm: what an operator set for all applications. Read
//! by key, each by itself: a key that cannot be read is told and counts as
//! absent, the others count.

use crate::app::IgnoreDifferences;
use crate::diff::{Tracking, TrackingMethod, compile_jq};
use crate::health::{LuaRule, LuaRules};
use crate::kube::{self, Client};
use crate::object::{Object, ResourceKey};
use crate::value::glob::Glob;
use crate::value::{Map, Value, yaml};
use std::time::Duration;

pub const NAME: &str = "argocd-cm";

/// What argocd-cm says, as far as the agent goes by it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArgocdCm {
    /// `timeout.reconciliation`; zero switches polling off.
    pub poll_interval: Option<Duration>,
    pub poll_jitter: Option<Duration>,
    pub tracking: Tracking,
    pub filter: ResourceFilter,
    /// For all applications, of `resource.customizations` in both forms.
    pub ignore_differences: Vec<IgnoreDifferences>,
    pub compare: CompareOptions,
    pub health: LuaRules,
    /// `application.sync.impersonation.enabled`.
    pub impersonates: bool,
    /// Annotations of Secrets whose values are masked.
    pub sensitive_annotations: Vec<String>,
    /// Keys that could not be read, with the reason.
    pub faults: Vec<String>,
}

/// `resource.compareoptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CompareOptions {
    /// The rules of aggregated ClusterRoles do not count.
    pub ignore_aggregated_roles: bool,
}

/// `resource.exclusions` and `resource.inclusions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ResourceFilter {
    exclusions: Vec<Filtered>,
    inclusions: Vec<Filtered>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filtered {
    api_groups: Vec<String>,
    kinds: Vec<String>,
    clusters: Vec<String>,
}

impl Filtered {
    fn names(&self, key: &ResourceKey, cluster: &str) -> bool {
        let any = |patterns: &[String], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| glob_matches(pattern, text))
        };
        any(&self.api_groups, &key.group)
            && (self.kinds.is_empty()
                || self
                    .kinds
                    .iter()
                    .any(|kind| kind == "*" || *kind == key.kind))
            && any(&self.clusters, cluster)
    }
}

impl ResourceFilter {
    /// Whether objects of a kind are left alone on a cluster (its URL).
    pub fn excludes(&self, key: &ResourceKey, cluster: &str) -> bool {
        let is_core = matches!(
            (key.group.as_str(), key.kind.as_str()),
            ("events.k8s.io" | "metrics.k8s.io", _)
                | ("", "Event")
                | ("coordination.k8s.io", "Lease")
        );
        if is_core || self.exclusions.iter().any(|item| item.names(key, cluster)) {
            return true;
        }
        let of_cluster = |item: &Filtered| {
            item.clusters.is_empty() || item.clusters.iter().any(|c| glob_matches(c, cluster))
        };
        !self.inclusions.iter().any(|item| item.names(key, cluster))
            && self.inclusions.iter().any(of_cluster)
    }
}

impl ArgocdCm {
    /// The ConfigMap of a control namespace; all defaults where there is none.
    pub fn fetch(client: &Client, namespace: &str) -> Result<Self, kube::Error> {
        let resource = super::resources::config_map_resource();
        match client.find(&resource, namespace, NAME) {
            Ok(found) => Ok(found.as_ref().map(Self::read).unwrap_or_default()),
            // Whoever may not read it works without.
            Err(error) if error.is_forbidden() => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    pub fn read(object: &Object) -> Self {
        let mut read = ArgocdCm::default();
        let data = object.at(&["data"]).and_then(Value::as_map);
        for (key, text) in data.into_iter().flat_map(Map::iter) {
            let text = text.as_str().unwrap_or_default();
            if let Err(problem) = read.take(key, text) {
                read.faults.push(format!("{NAME}, key {key}: {problem}"));
            }
        }
        read
    }

    /// Digest of all that a comparison goes by.
    pub fn comparison_digest(&self) -> crate::diff::Digest {
        crate::diff::digest_of(&(
            &self.tracking,
            &self.filter,
            &self.ignore_differences,
            &self.compare,
            self.impersonates,
        ))
    }

    fn take(&mut self, key: &str, text: &str) -> Result<(), String> {
        match key {
            "timeout.reconciliation" => self.poll_interval = Some(duration(text)?),
            "timeout.reconciliation.jitter" => self.poll_jitter = Some(duration(text)?),
            "application.resourceTrackingMethod" if !text.is_empty() => {
                self.tracking.method = TrackingMethod::parse(text).ok_or_else(|| {
                    format!("{text:?} is none of annotation, label, annotation+label")
                })?;
            }
            "application.instanceLabelKey" if !text.is_empty() => {
                text.clone_into(&mut self.tracking.label);
            }
            "installationID" => text.clone_into(&mut self.tracking.installation),
            "resource.exclusions" => self.filter.exclusions = typed(text)?,
            "resource.inclusions" => self.filter.inclusions = typed(text)?,
            "resource.compareoptions" => {
                let options = mapping(text)?;
                self.compare.ignore_aggregated_roles = options
                    .get("ignoreAggregatedRoles")
                    .and_then(Value::as_bool)
                    .unwrap_or(false);
            }
            "resource.customizations" => self.customizations(&mapping(text)?)?,
            "application.sync.impersonation.enabled" => self.impersonates = text == "true",
            "resource.sensitive.mask.annotations" => self.sensitive_annotations = words(text),
            _ => {
                if let Some((what, kind)) = key
                    .strip_prefix("resource.customizations.")
                    .and_then(|rest| rest.split_once('.'))
                {
                    self.customization(what, &pattern_of(kind), text)?;
                }
            }
        }
        Ok(())
    }

    /// The older single key: a map by `group/kind`.
    fn customizations(&mut self, all: &Map) -> Result<(), String> {
        let mut problems = Vec::new();
        for (pattern, one) in all.iter() {
            let Some(one) = one.as_map() else {
                problems.push(format!("{pattern}: must be a mapping"));
                continue;
            };
            // Whether libraries are open is said before the rule is read.
            let mut parts: Vec<(&str, &Value)> = one.iter().collect();
            parts.sort_by_key(|(what, _)| *what != "health.lua.useOpenLibs");
            for (what, value) in parts {
                let text = match value {
                    Value::Str(text) => text.clone(),
                    other => other.to_json(),
                };
                let what = match what {
                    "health.lua" => "health",
                    "health.lua.useOpenLibs" => "useOpenLibs",
                    other => other,
                };
                if let Err(problem) = self.customization(what, pattern, &text) {
                    problems.push(format!("{pattern}, {what}: {problem}"));
                }
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems.join("; ")),
        }
    }

    fn customization(&mut self, what: &str, pattern: &str, text: &str) -> Result<(), String> {
        match what {
            "health" => {
                let rule = self.health.entry(pattern);
                text.clone_into(&mut rule.script);
                LuaRule::check(&rule.script)?;
            }
            "useOpenLibs" => self.health.entry(pattern).open_libraries = text == "true",
            "ignoreDifferences" => {
                let (group, kind) = pattern.rsplit_once('/').unwrap_or(("", pattern));
                let mut rule: IgnoreDifferences = typed(text)?;
                for expression in &rule.jq_path_expressions {
                    compile_jq(expression).map_err(|e| e.to_string())?;
                }
                group.clone_into(&mut rule.group);
                kind.clone_into(&mut rule.kind);
                self.ignore_differences.push(rule);
            }
            // Actions are another room's; updates of what is not ours never
            // cause a comparison, and types of fields are the API server's.
            _ => {}
        }
        Ok(())
    }
}

/// `apps_Deployment` is `apps/Deployment`, `all` is every kind.
fn pattern_of(kind: &str) -> String {
    match kind.split_once('_') {
        _ if kind == "all" => "*/*".to_owned(),
        Some((group, kind)) => format!("{group}/{kind}"),
        None => kind.to_owned(),
    }
}

fn mapping(text: &str) -> Result<Map, String> {
    match yaml::parse_one(text).map_err(|error| error.to_string())? {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(format!("must be a mapping, not a {}", other.kind())),
    }
}

fn typed<T: Default + serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    let value = yaml::parse_one(text).map_err(|error| error.to_string())?;
    if value.is_null() {
        return Ok(T::default());
    }
    value.to().map_err(|error| error.to_string())
}

/// A Go duration; `0` and `0s` are zero.
fn duration(text: &str) -> Result<Duration, String> {
    match text.trim() {
        "0" => Ok(Duration::ZERO),
        text => humantime::parse_duration(text).map_err(|error| format!("{text:?}: {error}")),
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim);
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The globs of argocd-cm; one that is broken matches nothing.
fn glob_matches(pattern: &str, text: &str) -> bool {
    pattern == text || Glob::gobwas(pattern, &[]).is_ok_and(|glob| glob.matches(text))
}
