//! Several kubeconfig files as one: of entries with the same name the first
//! wins, whole; so does the first current-context.

use super::exec::ExecPlugin;
use super::file::{Cluster, Context, File, User as FileUser};
use super::{Config, ConfigError, DEFAULT_NAMESPACE, User, read_limited};
use crate::http::{ClientCertificate, ProxyChoice, Roots};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each entry with the file that it came from, for errors.
#[derive(Default)]
pub struct Merged {
    current_context: String,
    clusters: BTreeMap<String, (PathBuf, Cluster)>,
    users: BTreeMap<String, (PathBuf, FileUser)>,
    contexts: BTreeMap<String, (PathBuf, Context)>,
    /// For the words about what is in none of them.
    paths: Vec<PathBuf>,
}

pub fn merge(files: Vec<File>) -> Merged {
    let mut merged = Merged::default();
    for file in files {
        if merged.current_context.is_empty() {
            merged.current_context = file.current_context;
        }
        for entry in file.clusters {
            let found = (file.path.clone(), entry.cluster);
            merged.clusters.entry(entry.name).or_insert(found);
        }
        for entry in file.users {
            let found = (file.path.clone(), entry.user);
            merged.users.entry(entry.name).or_insert(found);
        }
        for entry in file.contexts {
            let found = (file.path.clone(), entry.context);
            merged.contexts.entry(entry.name).or_insert(found);
        }
        merged.paths.push(file.path);
    }
    merged
}

impl Merged {
    pub fn resolve(
        mut self,
        named: Option<&str>,
        environment: ProxyChoice,
    ) -> Result<Config, ConfigError> {
        let name = named.unwrap_or(&self.current_context).to_owned();
        if name.is_empty() {
            return Err(ConfigError::None(format!(
                "{} names no current-context",
                self.files()
            )));
        }
        let (path, context) = self
            .contexts
            .remove(&name)
            .ok_or_else(|| ConfigError::None(format!("no context {name:?} in {}", self.files())))?;
        let dangling = |what: String| ConfigError::Invalid {
            path: path.clone(),
            what,
        };
        let (cluster_path, cluster) = self.clusters.remove(&context.cluster).ok_or_else(|| {
            dangling(format!(
                "context {name:?} names the cluster {:?}, which is not there",
                context.cluster
            ))
        })?;
        let user = match (context.user.as_str(), self.users.remove(&context.user)) {
            (_, Some((path, user))) => resolve_user(&path, &context.user, user, &cluster)?,
            ("", None) => User::default(),
            (missing, None) => {
                return Err(dangling(format!(
                    "context {name:?} names the user {missing:?}, which is not there"
                )));
            }
        };
        let namespace = match context.namespace.as_str() {
            "" => DEFAULT_NAMESPACE,
            namespace => namespace,
        };
        Ok(Config {
            user,
            namespace: namespace.to_owned(),
            ..resolve_cluster(&cluster_path, &context.cluster, &cluster, environment)?
        })
    }

    fn files(&self) -> String {
        let names: Vec<_> = self.paths.iter().map(|p| p.display().to_string()).collect();
        names.join(", ")
    }
}

fn resolve_cluster(
    path: &Path,
    name: &str,
    cluster: &Cluster,
    environment: ProxyChoice,
) -> Result<Config, ConfigError> {
    let invalid = |what: String| ConfigError::Invalid {
        path: path.to_owned(),
        what: format!("cluster {name:?}: {what}"),
    };
    let server = match cluster.server.as_str() {
        "" => return Err(invalid("server is missing".to_owned())),
        // As in client-go, a bare host speaks http.
        server if !server.contains("://") => format!("http://{server}"),
        server => server.to_owned(),
    };
    let has_ca = !cluster.certificate_authority_data.is_empty()
        || !cluster.certificate_authority.as_os_str().is_empty();
    if cluster.insecure_skip_tls_verify && has_ca {
        return Err(invalid(
            "insecure-skip-tls-verify and a certificate authority exclude each other".to_owned(),
        ));
    }
    let field = "certificate-authority-data";
    let ca = pem(
        &cluster.certificate_authority_data,
        &cluster.certificate_authority,
    )
    .map_err(|fault| fault.named(path, name, field))?;
    let from_file = cluster.certificate_authority_data.is_empty() && has_ca;
    Ok(Config {
        roots_file: from_file.then(|| cluster.certificate_authority.clone()),
        insecure: cluster.insecure_skip_tls_verify,
        server_name: Some(cluster.tls_server_name.clone()).filter(|name| !name.is_empty()),
        proxy: match cluster.proxy_url.as_str() {
            "" => environment,
            url => ProxyChoice::all(url, ""),
        },
        ..Config::new(&server, ca.map_or(Roots::Public, Roots::Only))
    })
}

fn resolve_user(
    path: &Path,
    name: &str,
    user: FileUser,
    cluster: &Cluster,
) -> Result<User, ConfigError> {
    let invalid = |what: &str| ConfigError::Invalid {
        path: path.to_owned(),
        what: format!("user {name:?}: {what}"),
    };
    if user.auth_provider.is_some() {
        return Err(invalid(
            "auth-provider is gone since Kubernetes 1.26: use an exec credential plugin",
        ));
    }
    if user.as_user_extra.is_some() {
        return Err(invalid("as-user-extra is not supported"));
    }
    let chain = pem(&user.client_certificate_data, &user.client_certificate)
        .map_err(|fault| fault.named(path, name, "client-certificate-data"))?;
    let key = pem(&user.client_key_data, &user.client_key)
        .map_err(|fault| fault.named(path, name, "client-key-data"))?;
    let certificate = match (chain, key) {
        (Some(chain), Some(key)) => Some(ClientCertificate { chain, key }),
        (None, None) => None,
        (Some(_), None) => return Err(invalid("a client certificate without its key")),
        (None, Some(_)) => return Err(invalid("a client key without its certificate")),
    };
    let mut impersonate = Vec::new();
    for (header, value) in [
        ("impersonate-user", user.as_user),
        ("impersonate-uid", user.as_uid),
    ] {
        if !value.is_empty() {
            impersonate.push((header, value));
        }
    }
    let groups = user.as_groups.into_iter();
    impersonate.extend(groups.map(|group| ("impersonate-group", group)));
    let exec = match user.exec {
        Some(exec) => {
            let told = with_ca_as_data(cluster)?;
            Some(ExecPlugin::new(exec, &told).map_err(|what| invalid(&what))?)
        }
        None => None,
    };
    Ok(User {
        certificate,
        token: Some(user.token).filter(|token| !token.is_empty()),
        token_file: Some(user.token_file).filter(|file| !file.as_os_str().is_empty()),
        basic: (!user.username.is_empty()).then_some((user.username, user.password)),
        impersonate,
        exec: exec.map(Box::new),
    })
}

/// A plugin is told the CA's bytes, not a path.
fn with_ca_as_data(cluster: &Cluster) -> Result<Cluster, ConfigError> {
    let mut told = cluster.clone();
    if told.certificate_authority_data.is_empty()
        && !told.certificate_authority.as_os_str().is_empty()
    {
        told.certificate_authority_data =
            STANDARD.encode(read_limited(&told.certificate_authority)?);
    }
    Ok(told)
}

enum PemFault {
    Base64(base64::DecodeError),
    File(ConfigError),
}

impl PemFault {
    fn named(self, path: &Path, entry: &str, field: &str) -> ConfigError {
        match self {
            PemFault::Base64(error) => ConfigError::Invalid {
                path: path.to_owned(),
                what: format!("{entry:?}: {field} is not base64: {error}"),
            },
            PemFault::File(error) => error,
        }
    }
}

/// Data counts before the file, as in client-go.
fn pem(data: &str, file: &Path) -> Result<Option<Vec<u8>>, PemFault> {
    if !data.is_empty() {
        let compact: String = data.split_whitespace().collect();
        return STANDARD.decode(compact).map(Some).map_err(PemFault::Base64);
    }
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    read_limited(file).map(Some).map_err(PemFault::File)
}
