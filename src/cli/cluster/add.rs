use super::CLUSTER;
use super::access::{ACCOUNT, create_account, token};
use crate::app::Destination;
use crate::cli::app::Place;
use crate::cli::connect::Cluster;
use crate::cli::labelled::{self, Put};
use crate::cli::output;
use crate::http::Roots;
use crate::kube::{Client, Config, User};
use crate::object::Object;
use crate::value::{Map, Value};
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet cluster add edge-1\n  drupelet cluster add edge-1 --name living-room --yes\n  drupelet cluster add edge-1 --service-account deployer --system-namespace apps\nIn the cluster of the context, the ServiceAccount argocd-manager is made in kube-system and may do everything; its token goes into a Secret of the own cluster, which is that of --context or of the current context."
)]
pub struct Arguments {
    /// Context of the kubeconfig that leads to the cluster
    #[arg(id = "there", value_name = "CONTEXT")]
    context: String,
    /// Name of the cluster; else that of the context
    #[arg(long)]
    name: Option<String>,
    /// It is the cluster that the agent runs in
    #[arg(long)]
    in_cluster: bool,
    /// Use this ServiceAccount of --system-namespace, and give it no rights
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    /// Namespace of the ServiceAccount
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system")]
    system_namespace: String,
    /// For the Applications of this project alone
    #[arg(long, default_value = "")]
    project: String,
    /// URL under which the agent reaches it, where that is not the kubeconfig's
    #[arg(long, value_name = "URL", conflicts_with = "in_cluster")]
    cluster_endpoint: Option<String>,
    /// Proxy on the way to it
    #[arg(long, value_name = "URL", default_value = "")]
    proxy_url: String,
    /// Label of its Secret; may be repeated
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<String>,
    /// Annotation of its Secret; may be repeated
    #[arg(long = "annotation", value_name = "NAME=VALUE")]
    annotations: Vec<String>,
    /// Change what is there already
    #[arg(long)]
    upsert: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let own = arguments.place.cluster.client()?;
    let there = Cluster {
        context: Some(arguments.context.clone()),
        ..arguments.place.cluster.clone()
    }
    .client()?;
    let account = arguments.service_account.as_deref();
    if account.is_none() && !arguments.yes {
        let question = format!(
            "Create the ServiceAccount {ACCOUNT} in namespace {} of {}, which may do everything there?",
            arguments.system_namespace,
            there.config().server
        );
        output::confirm(&question, "--yes")?;
    }
    let namespace = &arguments.system_namespace;
    let token = match account {
        Some(account) => token(&there, &*there.discover(None)?, namespace, account)?,
        None => create_account(&there, namespace)?,
    };
    let config = with_token(there.config(), &token);
    Client::new(config.clone())?
        .version()
        .with_context(|| format!("the token of {} does not work", account.unwrap_or(ACCOUNT)))?;

    let server = match (&arguments.cluster_endpoint, arguments.in_cluster) {
        (_, true) => Destination::IN_CLUSTER_URL,
        (Some(url), false) => url.trim_end_matches('/'),
        (None, false) => config.server.as_str(),
    };
    let name = arguments.name.as_deref().unwrap_or(&arguments.context);
    let wanted = arguments.secret(server, name, &token, &config)?;
    let live = labelled::list(&own, &arguments.place, CLUSTER)?;
    let live = live
        .iter()
        .find(|secret| labelled::text(secret, "server").trim_end_matches('/') == server);
    let put = Put {
        place: &arguments.place,
        upsert: arguments.upsert,
        dry_run: false,
        what: &format!("cluster {server}"),
    };
    let verb = put.put(&own, &wanted, live)?;
    output::print(&format!("Cluster '{server}' {verb}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The same server as another user.
fn with_token(config: &Config, token: &str) -> Config {
    Config {
        user: User {
            token: Some(token.to_owned()),
            ..User::default()
        },
        ..config.clone()
    }
}

impl Arguments {
    fn secret(
        &self,
        server: &str,
        name: &str,
        token: &str,
        config: &Config,
    ) -> anyhow::Result<Object> {
        let mut tls = Map::from_iter([("insecure", config.insecure)]);
        match &config.roots {
            Roots::Only(pem) | Roots::PublicAnd(pem) if !config.insecure => {
                tls.insert("caData", STANDARD.encode(pem));
            }
            Roots::Only(_) | Roots::PublicAnd(_) | Roots::Public => {}
        }
        if let Some(name) = &config.server_name {
            tls.insert("serverName", name.as_str());
        }
        let mut json = Map::from_iter([("bearerToken", token)]);
        json.insert("tlsClientConfig", tls);
        if !self.proxy_url.is_empty() {
            json.insert("proxyUrl", self.proxy_url.as_str());
        }
        let secret_name = format!("cluster-{}-{}", host(server), labelled::hash(&[server]));
        let fields = [
            ("server", server),
            ("name", name),
            ("project", &self.project),
            ("config", &Value::Map(json).to_json()),
        ];
        let mut secret = labelled::secret(&self.place, CLUSTER, &secret_name, &fields);
        for (texts, is_label) in [(&self.labels, true), (&self.annotations, false)] {
            for text in texts {
                let Some((name, value)) = text.split_once('=') else {
                    bail!("{text}: NAME=VALUE expected");
                };
                match is_label {
                    true => secret.set_label(name, value),
                    false => secret.set_annotation(name, value),
                }
            }
        }
        Ok(secret)
    }
}

/// The host of a URL as it stands in the names of Secrets.
fn host(server: &str) -> String {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority
        .strip_prefix('[')
        .and_then(|v6| v6.split_once(']'))
    {
        Some((address, _)) => address.replace(':', "-"),
        None => authority.split(':').next().unwrap_or_default().to_owned(),
    };
    host.to_lowercase()
}
