use super::{REPOSITORY, TEMPLATE, view};
use crate::agent::{Connection, is_same_repository};
use crate::cli::app::Place;
use crate::cli::labelled::{self, Put};
use crate::cli::maps::Maps;
use crate::cli::{objects, output};
use crate::object::Object;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet repo add https://github.com/me/cluster --username me --password-stdin <token.txt\n  drupelet repo add git@github.com:me/cluster.git --ssh-private-key-path ~/.ssh/id_ed25519\n  drupelet repo add https://charts.example.com --type helm --name example\n  drupelet repo add ghcr.io/me/charts --type helm --enable-oci\n  drupelet repo add https://github.com/me --creds --username me --password-stdin <token.txt\nThe repository is asked with these credentials before anything is written. A secret on the command line can be seen by others on this machine: prefer --password-stdin and files."
)]
pub struct Arguments {
    /// URL of the repository
    url: String,
    /// Credentials for all repositories below the URL that have none of their own
    #[arg(long)]
    creds: bool,
    #[arg(long, value_enum, default_value = "git")]
    r#type: Type,
    /// Name; of a Helm repository it can stand in Chart.yaml as @NAME
    #[arg(long, default_value = "")]
    name: String,
    /// For the Applications of this project alone
    #[arg(long, default_value = "")]
    project: String,
    /// User name
    #[arg(long, default_value = "")]
    username: String,
    /// Password or token
    #[arg(long, default_value = "", conflicts_with = "password_stdin")]
    password: String,
    /// Read the password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Token that is sent as `Authorization: Bearer`
    #[arg(long, default_value = "")]
    bearer_token: String,
    /// Private key for ssh
    #[arg(long, value_name = "FILE")]
    ssh_private_key_path: Option<PathBuf>,
    /// Client certificate for TLS
    #[arg(long, value_name = "FILE", requires = "tls_client_cert_key_path")]
    tls_client_cert_path: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "tls_client_cert_path")]
    tls_client_cert_key_path: Option<PathBuf>,
    /// Take any certificate of the server
    #[arg(long, visible_alias = "insecure-ignore-host-key")]
    insecure_skip_server_verification: bool,
    /// Fetch large files of Git LFS
    #[arg(long)]
    enable_lfs: bool,
    /// The Helm repository is an OCI registry
    #[arg(long)]
    enable_oci: bool,
    /// The registry speaks plain http
    #[arg(long)]
    insecure_oci_force_http: bool,
    /// Send user name and password even where there is a token
    #[arg(long)]
    force_http_basic_auth: bool,
    /// GitHub App
    #[arg(
        long,
        value_name = "ID",
        default_value = "",
        requires = "github_app_private_key_path"
    )]
    github_app_id: String,
    /// Installation of the GitHub App
    #[arg(
        long,
        value_name = "ID",
        default_value = "",
        requires = "github_app_id"
    )]
    github_app_installation_id: String,
    /// Private key of the GitHub App
    #[arg(long, value_name = "FILE")]
    github_app_private_key_path: Option<PathBuf>,
    /// API of a GitHub Enterprise server
    #[arg(long, value_name = "URL", default_value = "")]
    github_app_enterprise_base_url: String,
    /// Proxy on the way to it
    #[arg(long, value_name = "URL", default_value = "")]
    proxy: String,
    /// Hosts that are reached without the proxy
    #[arg(long, value_name = "HOSTS", default_value = "")]
    no_proxy: String,
    /// Change what is there already
    #[arg(long)]
    upsert: bool,
    /// Do not ask the repository first
    #[arg(long)]
    no_check: bool,
    /// Have the API server check it, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    maps: Maps,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Type {
    Git,
    Helm,
    Oci,
}

impl Type {
    fn as_str(self) -> &'static str {
        match self {
            Type::Git => "git",
            Type::Helm => "helm",
            Type::Oci => "oci",
        }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let url = arguments.url.as_str();
    if arguments.creds && !(arguments.name.is_empty() && arguments.project.is_empty()) {
        bail!("--creds: credentials below a URL have no name and no project");
    }
    if arguments.r#type == Type::Helm && arguments.name.is_empty() && !arguments.creds {
        bail!("a Helm repository needs a name: --name NAME");
    }
    let client = arguments.place.cluster.client()?;
    let wanted = arguments.secret()?;
    if !arguments.no_check && !arguments.creds {
        let sources = view::sources(&client, &arguments.place, &arguments.maps)?;
        sources.learn_secret(&wanted);
        match sources.connection(arguments.r#type.as_str(), url, &arguments.project) {
            Connection::Works => {}
            Connection::Untold(why) => eprintln!("drupelet: not tested: {why}"),
            Connection::Fails(why) => bail!("{why}; --no-check adds it all the same"),
        }
    }
    let secrets = labelled::list(&client, &arguments.place, arguments.kind())?;
    let live = secrets.iter().find(|secret| {
        is_same_repository(&labelled::text(secret, "url"), url)
            && labelled::text(secret, "project") == arguments.project
    });
    let put = Put {
        place: &arguments.place,
        upsert: arguments.upsert,
        dry_run: arguments.dry_run,
        what: &format!("repository {url}"),
    };
    let verb = put.put(&client, &wanted, live)?;
    let dry = objects::dry(arguments.dry_run);
    let what = if arguments.creds {
        "Credentials for"
    } else {
        "Repository"
    };
    output::print(&format!("{what} '{url}' {verb}{dry}\n"))?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn kind(&self) -> &'static str {
        match self.creds {
            true => TEMPLATE,
            false => REPOSITORY,
        }
    }

    fn secret(&self) -> anyhow::Result<Object> {
        let mut password = self.password.clone();
        if self.password_stdin {
            std::io::stdin()
                .read_to_string(&mut password)
                .context("--password-stdin")?;
        }
        let flag = |is_set: bool| if is_set { "true" } else { "" };
        let is_ssh = self.url.starts_with("ssh://") || !self.url.contains("://");
        let any_key = self.insecure_skip_server_verification && is_ssh;
        let fields = [
            ("url", self.url.as_str()),
            ("type", self.r#type.as_str()),
            ("name", &self.name),
            ("project", &self.project),
            ("username", &self.username),
            ("password", password.trim_end_matches(['\r', '\n'])),
            ("bearerToken", &self.bearer_token),
            (
                "sshPrivateKey",
                &file(self.ssh_private_key_path.as_deref())?,
            ),
            (
                "tlsClientCertData",
                &file(self.tls_client_cert_path.as_deref())?,
            ),
            (
                "tlsClientCertKey",
                &file(self.tls_client_cert_key_path.as_deref())?,
            ),
            ("insecure", flag(self.insecure_skip_server_verification)),
            ("insecureIgnoreHostKey", flag(any_key)),
            ("enableLfs", flag(self.enable_lfs)),
            ("enableOCI", flag(self.enable_oci)),
            ("insecureOCIForceHttp", flag(self.insecure_oci_force_http)),
            ("forceHttpBasicAuth", flag(self.force_http_basic_auth)),
            ("githubAppID", &self.github_app_id),
            ("githubAppInstallationID", &self.github_app_installation_id),
            (
                "githubAppPrivateKey",
                &file(self.github_app_private_key_path.as_deref())?,
            ),
            (
                "githubAppEnterpriseBaseUrl",
                &self.github_app_enterprise_base_url,
            ),
            ("proxy", &self.proxy),
            ("noProxy", &self.no_proxy),
        ];
        let prefix = if self.creds { "creds" } else { "repo" };
        let hash = labelled::hash(&[&self.url, &self.project]);
        let name = format!("{prefix}-{hash}");
        Ok(labelled::secret(&self.place, self.kind(), &name, &fields))
    }
}

/// The text of a file, "" where none is named.
fn file(path: Option<&Path>) -> anyhow::Result<String> {
    match path {
        None => Ok(String::new()),
        Some(path) => std::fs::read_to_string(path).with_context(|| path.display().to_string()),
    }
}
