//! The kubeconfig file format (client-go's clientcmd/api/v1), with relative
//! paths made absolute by the folder of the file.

use super::{ConfigError, read_limited};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct File {
    #[serde(default, deserialize_with = "null_is_default")]
    pub current_context: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub clusters: Vec<NamedCluster>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub users: Vec<NamedUser>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub contexts: Vec<NamedContext>,
    #[serde(skip)]
    pub path: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
pub struct NamedCluster {
    pub name: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub cluster: Cluster,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cluster {
    #[serde(default)]
    pub server: String,
    #[serde(default)]
    pub tls_server_name: String,
    #[serde(default)]
    pub insecure_skip_tls_verify: bool,
    #[serde(default)]
    pub certificate_authority: PathBuf,
    #[serde(default)]
    pub certificate_authority_data: String,
    #[serde(default)]
    pub proxy_url: String,
}

#[derive(Clone, Deserialize)]
pub struct NamedUser {
    pub name: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub user: User,
}

impl std::fmt::Debug for NamedUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedUser")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    #[serde(default)]
    pub client_certificate: PathBuf,
    #[serde(default)]
    pub client_certificate_data: String,
    #[serde(default)]
    pub client_key: PathBuf,
    #[serde(default)]
    pub client_key_data: String,
    #[serde(default)]
    pub token: String,
    #[serde(default, rename = "tokenFile")]
    pub token_file: PathBuf,
    #[serde(default)]
    pub username: String,
    #[serde(default)]
    pub password: String,
    #[serde(default, rename = "as")]
    pub as_user: String,
    #[serde(default)]
    pub as_uid: String,
    #[serde(default)]
    pub as_groups: Vec<String>,
    pub as_user_extra: Option<serde_yaml::Value>,
    pub auth_provider: Option<serde_yaml::Value>,
    pub exec: Option<Exec>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exec {
    #[serde(default)]
    pub api_version: String,
    pub command: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub args: Vec<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub env: Vec<ExecVariable>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub install_hint: String,
    #[serde(default)]
    pub provide_cluster_info: bool,
    #[serde(default, deserialize_with = "null_is_default")]
    pub interactive_mode: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ExecVariable {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct NamedContext {
    pub name: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub context: Context,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Context {
    #[serde(default)]
    pub cluster: String,
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub namespace: String,
}

/// `users: null` and `users:` are what tools write for an empty list.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

pub fn read(path: &Path) -> Result<File, ConfigError> {
    let bytes = read_limited(path)?;
    // An empty file is an empty configuration, as `kubectl config` leaves it.
    let file: Option<File> =
        serde_yaml::from_slice(&bytes).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source,
        })?;
    let mut file = file.unwrap_or_default();
    file.path = path.to_owned();
    let folder = path.parent().unwrap_or(Path::new(""));
    let anchor = |inner: &mut PathBuf| {
        if !inner.as_os_str().is_empty() {
            *inner = folder.join(&*inner);
        }
    };
    for entry in &mut file.clusters {
        anchor(&mut entry.cluster.certificate_authority);
    }
    for NamedUser { user, .. } in &mut file.users {
        anchor(&mut user.client_certificate);
        anchor(&mut user.client_key);
        anchor(&mut user.token_file);
        if let Some(exec) = &mut user.exec {
            // A bare name is looked up in PATH; only a path is relative to the file.
            if exec.command.contains('/') {
                exec.command = folder.join(&exec.command).to_string_lossy().into_owned();
            }
        }
    }
    Ok(file)
}
