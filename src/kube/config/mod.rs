//! Where the API server is and who we are there: kubeconfig files as kubectl
//! reads them, or the service account of a pod.

mod exec;
mod file;
mod merge;

pub(crate) use exec::{ExecCredential, ExecPlugin};

use crate::http::{ClientCertificate, ProxyChoice, Roots};
use std::path::{Path, PathBuf};

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const DEFAULT_NAMESPACE: &str = "default";
/// A kubeconfig, a token or a certificate above this is none.
pub(crate) const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// All that is needed to talk to one cluster as one user.
#[derive(Clone, Debug)]
pub struct Config {
    /// `https://10.0.0.1:6443`, perhaps with a path below which the API is.
    pub server: String,
    pub roots: Roots,
    /// The file that `roots` came from, to be read again when the CA changes.
    pub roots_file: Option<PathBuf>,
    pub insecure: bool,
    pub server_name: Option<String>,
    pub proxy: ProxyChoice,
    pub user: User,
    /// Of the context, or of the pod.
    pub namespace: String,
}

/// What proves who we are; all that is there is sent.
#[derive(Clone, Default)]
pub struct User {
    pub certificate: Option<ClientCertificate>,
    pub token: Option<String>,
    /// Read again now and then; counts more than `token`.
    pub token_file: Option<PathBuf>,
    /// User name and password.
    pub basic: Option<(String, String)>,
    pub impersonate: Vec<(&'static str, String)>,
    pub(crate) exec: Option<Box<ExecPlugin>>,
}

impl std::fmt::Debug for User {
    /// Which credentials there are, never what they are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("certificate", &self.certificate.is_some())
            .field("token", &self.token.is_some())
            .field("token_file", &self.token_file)
            .field("basic", &self.basic.is_some())
            .field("exec", &self.exec.is_some())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: {source}", path.display())]
    Parse {
        path: PathBuf,
        source: serde_yaml::Error,
    },
    #[error("{}: {what}", path.display())]
    Invalid { path: PathBuf, what: String },
    #[error("no cluster: {0}")]
    None(String),
    #[error("credential plugin {command}: {what}")]
    Exec { command: String, what: String },
}

impl Config {
    /// The server alone, for one whose address and CA are known.
    pub fn new(server: &str, roots: Roots) -> Self {
        Config {
            server: server.trim_end_matches('/').to_owned(),
            roots,
            roots_file: None,
            insecure: false,
            server_name: None,
            proxy: ProxyChoice::Direct,
            user: User::default(),
            namespace: DEFAULT_NAMESPACE.to_owned(),
        }
    }

    /// kubectl's order: the file that was named, the files of `KUBECONFIG`,
    /// `~/.kube/config`, the pod that this runs in.
    pub fn find(
        named: Option<&Path>,
        context: Option<&str>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let proxy = ProxyChoice::from_variables(variable);
        if let Some(path) = named {
            return Self::from_files(&[path.to_owned()], context, proxy);
        }
        let listed = variable("KUBECONFIG").unwrap_or_default();
        let mut paths: Vec<PathBuf> = std::env::split_paths(&listed)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
        if paths.is_empty() {
            let home = variable("HOME").map(|home| Path::new(&home).join(".kube/config"));
            paths.extend(home);
        }
        // Files of a list may be missing, as long as one is there.
        paths.retain(|path| path.exists());
        if !paths.is_empty() {
            return Self::from_files(&paths, context, proxy);
        }
        if variable("KUBERNETES_SERVICE_HOST").is_some() {
            return Self::in_cluster(variable);
        }
        Err(ConfigError::None(
            "no --kubeconfig, no file of KUBECONFIG or ~/.kube/config, and not in a pod".to_owned(),
        ))
    }

    /// The context (the current one where none is named) of the merged files.
    pub fn from_files(
        paths: &[PathBuf],
        context: Option<&str>,
        proxy: ProxyChoice,
    ) -> Result<Self, ConfigError> {
        let files = paths
            .iter()
            .map(|path| file::read(path))
            .collect::<Result<Vec<_>, _>>()?;
        merge::merge(files).resolve(context, proxy)
    }

    /// The service account of the pod.
    pub fn in_cluster(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::service_account(Path::new(SERVICE_ACCOUNT), variable)
    }

    /// The same with the folder of token, CA and namespace.
    pub fn service_account(
        account: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let missing = |name: &str| ConfigError::None(format!("{name} is not set: not in a pod"));
        let host = variable("KUBERNETES_SERVICE_HOST")
            .ok_or_else(|| missing("KUBERNETES_SERVICE_HOST"))?;
        let port = variable("KUBERNETES_SERVICE_PORT")
            .ok_or_else(|| missing("KUBERNETES_SERVICE_PORT"))?;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host
        };
        let ca = account.join("ca.crt");
        let token_file = account.join("token");
        read_token(&token_file)?;
        let namespace = read_limited(&account.join("namespace"))
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        Ok(Config {
            roots_file: Some(ca.clone()),
            user: User {
                token_file: Some(token_file),
                ..User::default()
            },
            namespace: namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            ..Config::new(
                &format!("https://{host}:{port}"),
                Roots::Only(read_limited(&ca)?),
            )
        })
    }
}

pub(crate) fn read_limited(path: &Path) -> Result<Vec<u8>, ConfigError> {
    use std::io::Read;
    let fault = |source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(fault)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(fault)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::Invalid {
            path: path.to_owned(),
            what: format!("larger than {MAX_FILE_BYTES} bytes"),
        });
    }
    Ok(bytes)
}

pub(crate) fn read_token(path: &Path) -> Result<String, ConfigError> {
    let invalid = |what: &str| ConfigError::Invalid {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let text = String::from_utf8(read_limited(path)?).map_err(|_| invalid("not a token"))?;
    match text.trim() {
        "" => Err(invalid("the token is empty")),
        token => Ok(token.to_owned()),
    }
}
