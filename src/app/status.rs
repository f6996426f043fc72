use super::application::{Destination, IgnoreDifferences};
use super::operation::{InitiatedBy, OperationState};
use super::source::{Source, is_false};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the agent reports on an Application. There is no status
/// subresource: it is patched on the object itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationStatus {
    pub sync: SyncStatus,
    pub health: AppHealth,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<RevisionHistory>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_state: Option<Box<OperationState>>,
    /// When a comparison last changed anything here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reconciled_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source_type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_types: Vec<String>,
    #[serde(skip_serializing_if = "Summary::is_empty")]
    pub summary: Summary,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub controller_namespace: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SyncCode {
    #[default]
    Unknown,
    Synced,
    OutOfSync,
}

impl SyncCode {
    pub fn as_str(self) -> &'static str {
        match self {
            SyncCode::Unknown => "Unknown",
            SyncCode::Synced => "Synced",
            SyncCode::OutOfSync => "OutOfSync",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncStatus {
    pub status: SyncCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_to: Option<Box<ComparedTo>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub revision: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ComparedTo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    pub destination: Destination,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_differences: Vec<IgnoreDifferences>,
}

/// Health as text: Healthy, Suspended, Progressing, Missing, Degraded, Unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppHealth {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_transition_time: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceStatus {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    pub version: String,
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    pub name: String,
    pub status: SyncCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<AppHealth>,
    #[serde(skip_serializing_if = "is_false")]
    pub hook: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub requires_pruning: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub requires_deletion_confirmation: bool,
    #[serde(skip_serializing_if = "is_zero")]
    pub sync_wave: i64,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// One sync that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RevisionHistory {
    pub revision: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<String>,
    pub deployed_at: String,
    pub deploy_started_at: String,
    pub id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    pub initiated_by: InitiatedBy,
}

/// Something to tell the user: `type` ends in Error or Warning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_transition_time: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    #[serde(rename = "externalURLs", skip_serializing_if = "Vec::is_empty")]
    pub external_urls: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
}

impl Summary {
    fn is_empty(&self) -> bool {
        self.external_urls.is_empty() && self.images.is_empty()
    }
}
