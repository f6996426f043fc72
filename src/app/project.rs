use super::read::{ReadError, read_part};
use super::source::is_false;
use super::{APP_PROJECT, GROUP};
use crate::object::Object;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An AppProject as the agent reads it.
#[derive(Clone, Debug, Default)]
pub struct AppProject {
    pub name: String,
    pub namespace: String,
    pub spec: AppProjectSpec,
}

impl AppProject {
    pub fn read(object: &Object) -> Result<Self, ReadError> {
        let gvk = object.gvk();
        if gvk.group != GROUP || gvk.kind != APP_PROJECT {
            return Err(ReadError::WrongKind {
                wanted: APP_PROJECT,
                found: gvk.to_string(),
            });
        }
        Ok(AppProject {
            name: object.name().to_owned(),
            namespace: object.namespace().to_owned(),
            spec: read_part(object, "spec")?.unwrap_or_default(),
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppProjectSpec {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_repos: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_namespaces: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<ProjectDestination>,
    /// Kinds of the cluster that are allowed; empty allows none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_resource_whitelist: Vec<GroupKind>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_resource_blacklist: Vec<GroupKind>,
    /// Kinds in namespaces that are allowed; absent allows all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_resource_whitelist: Option<Vec<GroupKind>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespace_resource_blacklist: Vec<GroupKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orphaned_resources: Option<OrphanedResources>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sync_windows: Vec<SyncWindow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<ProjectRole>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signature_keys: Vec<SignatureKey>,
    /// Wins over `signatureKeys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_integrity: Option<SourceIntegrity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_service_accounts: Vec<DestinationServiceAccount>,
    #[serde(skip_serializing_if = "is_false")]
    pub permit_only_project_scoped_clusters: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProjectDestination {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GroupKind {
    pub group: String,
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OrphanedResources {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<OrphanedKey>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OrphanedKey {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncWindow {
    /// allow or deny.
    pub kind: String,
    /// Five-field cron.
    pub schedule: String,
    pub duration: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub manual_sync: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub sync_overrun: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    #[serde(skip_serializing_if = "is_false")]
    pub and_operator: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectRole {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jwt_tokens: Vec<JwtToken>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JwtToken {
    pub iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SignatureKey {
    #[serde(rename = "keyID")]
    pub key_id: String,
}

/// What must be signed before it is used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SourceIntegrity {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<IntegrityPolicies>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helm: Option<IntegrityPolicies>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IntegrityPolicies {
    pub policies: Vec<IntegrityPolicy>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IntegrityPolicy {
    pub repos: Vec<IntegrityRepository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpg: Option<IntegrityKeys>,
    /// Of charts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<ProvenanceKeys>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProvenanceKeys {
    pub keys: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IntegrityRepository {
    /// A pattern; `!` in front takes repositories out.
    pub url: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IntegrityKeys {
    /// none, head or strict.
    pub mode: String,
    pub keys: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DestinationServiceAccount {
    pub server: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    pub default_service_account: String,
}
