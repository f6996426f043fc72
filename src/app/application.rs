use super::operation::Operation;
use super::options::SyncOptions;
use super::read::{ReadError, read_part};
use super::source::{Source, is_false};
use super::status::ApplicationStatus;
use super::{APPLICATION, DEFAULT_PROJECT, GROUP};
use crate::object::{Object, names};
use crate::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An Application as the agent reads it from the cluster or a file.
#[derive(Clone, Debug, Default)]
pub struct Application {
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub annotations: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    pub finalizers: Vec<String>,
    pub is_deleting: bool,
    /// RFC 3339; "" while it is not being deleted.
    pub deletion_timestamp: String,
    pub spec: ApplicationSpec,
    pub operation: Option<Box<Operation>>,
    pub status: ApplicationStatus,
}

impl Application {
    /// Reads an object; the error names the field that is wrong.
    pub fn read(object: &Object) -> Result<Self, ReadError> {
        let gvk = object.gvk();
        if gvk.group != GROUP || gvk.kind != APPLICATION {
            return Err(ReadError::WrongKind {
                wanted: APPLICATION,
                found: gvk.to_string(),
            });
        }
        let texts = |field: &str| -> BTreeMap<String, String> {
            object
                .at(&["metadata", field])
                .and_then(Value::as_map)
                .map(|map| {
                    map.iter()
                        .filter_map(|(k, v)| Some((k.to_owned(), v.as_str()?.to_owned())))
                        .collect()
                })
                .unwrap_or_default()
        };
        Ok(Application {
            name: object.name().to_owned(),
            namespace: object.namespace().to_owned(),
            uid: object.uid().to_owned(),
            annotations: texts("annotations"),
            labels: texts("labels"),
            finalizers: object.finalizers().map(str::to_owned).collect(),
            is_deleting: object.is_deleting(),
            deletion_timestamp: object
                .at(&["metadata", "deletionTimestamp"])
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            spec: read_part(object, "spec")?.unwrap_or_default(),
            operation: read_part(object, "operation")?,
            // A status that another tool garbled is written anew.
            status: read_part(object, "status")
                .ok()
                .flatten()
                .unwrap_or_default(),
        })
    }

    /// The name in tracking ids: `name` in the control namespace, elsewhere
    /// `namespace_name`.
    pub fn instance_name(&self, control_namespace: &str) -> String {
        instance_name(&self.namespace, &self.name, control_namespace)
    }

    /// The refresh that the annotation asks for: `Some(true)` for a hard one.
    pub fn wanted_refresh(&self) -> Option<bool> {
        self.annotations
            .get(names::REFRESH)
            .map(|kind| kind == "hard")
    }

    /// Whether `deletion-approved` was set at or after a time (RFC 3339): what
    /// asks for confirmation may then be pruned or deleted.
    pub fn is_confirmed_since(&self, since: &str) -> bool {
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let approved = self.annotations.get(names::DELETION_APPROVED);
        match (approved.and_then(|text| time(text)), time(since)) {
            (Some(approved), Some(since)) => approved >= since,
            (_, _) => false,
        }
    }

    /// The applications that this one waits for, by the annotation
    /// `drupelet.io/depends-on`: `name` or `namespace/name`, comma-separated.
    pub fn depends_on(&self) -> Vec<(String, String)> {
        let text = self.annotations.get(names::DEPENDS_ON);
        text.map_or("", String::as_str)
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| match name.split_once('/') {
                Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
                None => (self.namespace.clone(), name.to_owned()),
            })
            .collect()
    }

    pub fn skips_reconcile(&self) -> bool {
        self.annotations
            .get(names::SKIP_RECONCILE)
            .is_some_and(|text| text == "true")
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Several sources; wins over `source`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    pub destination: Destination,
    pub project: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_policy: Option<SyncPolicy>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_differences: Vec<IgnoreDifferences>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub info: Vec<Info>,
    /// How many entries `status.history` keeps; 10 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i64>,
}

impl ApplicationSpec {
    /// The sources in force, in order.
    pub fn sources(&self) -> Vec<&Source> {
        if self.sources.is_empty() {
            self.source.iter().collect()
        } else {
            self.sources.iter().collect()
        }
    }

    pub fn has_multiple_sources(&self) -> bool {
        !self.sources.is_empty()
    }

    pub fn project(&self) -> &str {
        if self.project.is_empty() {
            DEFAULT_PROJECT
        } else {
            &self.project
        }
    }

    /// The automated policy, where it is there and enabled.
    pub fn automated(&self) -> Option<&Automated> {
        self.sync_policy
            .as_ref()?
            .automated
            .as_ref()
            .filter(|automated| automated.enabled.unwrap_or(true))
    }

    pub fn sync_options(&self) -> SyncOptions {
        SyncOptions::parse(
            self.sync_policy
                .iter()
                .flat_map(|policy| policy.sync_options.iter())
                .map(String::as_str),
        )
    }
}

/// The cluster and namespace to deploy to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Destination {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

impl Destination {
    /// The URL and the name under which Argo CD knows the cluster that the
    /// controller runs in.
    pub const IN_CLUSTER_URL: &'static str = "https://kubernetes.default.svc";
    pub const IN_CLUSTER_NAME: &'static str = "in-cluster";

    pub fn is_in_cluster(&self) -> bool {
        if self.server.is_empty() {
            self.name == Self::IN_CLUSTER_NAME
        } else {
            self.server.trim_end_matches('/') == Self::IN_CLUSTER_URL
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automated: Option<Automated>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sync_options: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_namespace_metadata: Option<ManagedNamespaceMetadata>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Automated {
    #[serde(skip_serializing_if = "is_false")]
    pub prune: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub self_heal: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub allow_empty: bool,
    /// Absent means on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Retry {
    /// How often a failed sync is tried again; -1 for ever, 0 never.
    pub limit: i64,
    /// Whether a retry takes the newest revision.
    #[serde(skip_serializing_if = "is_false")]
    pub refresh: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
}

impl Default for Retry {
    /// Without a limit of its own a retry strategy does not retry.
    fn default() -> Self {
        Retry {
            limit: 0,
            refresh: false,
            backoff: None,
        }
    }
}

impl Retry {
    /// What an automated sync gets when the policy has no `retry`.
    pub const AUTOMATED_LIMIT: i64 = 5;

    /// The pause before retry number `attempt` (from 0), in milliseconds.
    pub fn pause_ms(&self, attempt: u32) -> u64 {
        let default = Backoff::default();
        let backoff = self.backoff.as_ref().unwrap_or(&default);
        let base = duration_ms(&backoff.duration).unwrap_or(5_000);
        let most = duration_ms(&backoff.max_duration).unwrap_or(180_000);
        let factor = backoff.factor.unwrap_or(2).max(1) as u64;
        let pause = factor
            .checked_pow(attempt)
            .and_then(|f| f.checked_mul(base))
            .unwrap_or(most);
        pause.min(most.max(1))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Backoff {
    /// A Go duration or a number of seconds; 5s by default.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub duration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<i64>,
    /// 3m by default.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub max_duration: String,
}

/// A Go duration (`5s`, `1m30s`, `250ms`) or a bare number of seconds.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1000);
    }
    humantime::parse_duration(text)
        .ok()
        .and_then(|duration| u64::try_from(duration.as_millis()).ok())
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ManagedNamespaceMetadata {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreDifferences {
    /// Glob.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Glob.
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub json_pointers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jq_path_expressions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub managed_fields_managers: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Info {
    pub name: String,
    pub value: String,
}

/// See [`Application::instance_name`].
pub fn instance_name(namespace: &str, name: &str, control_namespace: &str) -> String {
    match namespace {
        "" => name.to_owned(),
        _ if namespace == control_namespace => name.to_owned(),
        _ => format!("{namespace}_{name}"),
    }
}
