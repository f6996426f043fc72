//! The account that is made in another cluster for the agent, under the names
//! that `argocd cluster add` gives.

use crate::cli::app::CLI_MANAGER;
use crate::kube::{ApplyOptions, Client, Discovery, Resource};
use crate::object::{Gvk, Object};
use crate::value::{Value, yaml};
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

pub const ACCOUNT: &str = "argocd-manager";
/// The token controller of a cluster fills a Secret within this.
const TOKEN_WAIT: Duration = Duration::from_secs(30);
const TOKEN_POLL: Duration = Duration::from_millis(250);

/// Makes the account and its rights, where they are missing; gives the token.
pub fn create_account(client: &Client, namespace: &str) -> anyhow::Result<String> {
    let discovery = client.discover(None)?;
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {ACCOUNT}, namespace: {namespace}}}\n"
    );
    let role = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {ACCOUNT}-role}}\n\
         rules:\n- {{apiGroups: ['*'], resources: ['*'], verbs: ['*']}}\n- {{nonResourceURLs: ['*'], verbs: ['*']}}\n"
    );
    let binding = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: {ACCOUNT}-role-binding}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {ACCOUNT}-role}}\n\
         subjects: [{{kind: ServiceAccount, name: {ACCOUNT}, namespace: {namespace}}}]\n"
    );
    for text in [account, role, binding] {
        let object = apply(client, &discovery, &text)?;
        eprintln!("{} {} is there", object.kind(), object.name());
    }
    token(client, &discovery, namespace, ACCOUNT)
}

/// A token of an account that does not expire.
pub fn token(
    client: &Client,
    discovery: &Discovery,
    namespace: &str,
    account: &str,
) -> anyhow::Result<String> {
    let name = format!("{account}-long-lived-token");
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: {namespace}\n  annotations: {{kubernetes.io/service-account.name: {account}}}\n\
         type: kubernetes.io/service-account-token\n"
    );
    apply(client, discovery, &text)?;
    let secrets = resource(discovery, &Gvk::new("", "v1", "Secret"))?;
    let until = Instant::now() + TOKEN_WAIT;
    loop {
        let secret = client.get(&secrets, namespace, &name)?;
        let encoded = secret.at(&["data", "token"]).and_then(Value::as_str);
        if let Some(encoded) = encoded.filter(|encoded| !encoded.is_empty()) {
            let bytes = STANDARD
                .decode(encoded)
                .with_context(|| format!("Secret {namespace}/{name}: token is not base64"))?;
            return String::from_utf8(bytes)
                .with_context(|| format!("Secret {namespace}/{name}: token is no text"));
        }
        if Instant::now() > until {
            bail!(
                "Secret {namespace}/{name}: the cluster put no token into it within {TOKEN_WAIT:?}; is there a ServiceAccount {account}?"
            );
        }
        thread::sleep(TOKEN_POLL);
    }
}

fn apply(client: &Client, discovery: &Discovery, text: &str) -> anyhow::Result<Object> {
    let value =
        yaml::parse_one(text).context("the name of a namespace or an account is no name")?;
    let object = Object::new(value)?;
    let resource = resource(discovery, &object.gvk())?;
    let options = ApplyOptions {
        force: true,
        ..ApplyOptions::by(CLI_MANAGER)
    };
    Ok(client.apply(&resource, &object, &options)?)
}

fn resource(discovery: &Discovery, gvk: &Gvk) -> anyhow::Result<Arc<Resource>> {
    let found = discovery.resource(gvk).cloned();
    found.with_context(|| format!("the cluster does not serve {gvk}"))
}
