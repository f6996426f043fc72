//! The lists of argocd-cm from before there were labelled Secrets:
//! `repositories`, `repository.credentials`, `helm.repositories`. Upstream
//! dropped them in 3.0; the guides of the time show nothing else.

use super::address;
use super::entry::{Entry, GitHubApp, Text, string_of};
use crate::object::Object;
use crate::value::{Value, yaml};

/// Entries above this are not read: no cluster has so many.
const MAX_ENTRIES: usize = 1_000;

/// All entries of the three lists. A list that is not readable becomes one
/// warning and no entries.
pub(super) fn read(config: &Object, warnings: &mut Vec<String>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (key, is_template, is_helm) in [
        ("repositories", false, false),
        ("helm.repositories", false, true),
        ("repository.credentials", true, false),
    ] {
        let text = string_of(config.at(&["data", key]));
        if text.trim().is_empty() {
            continue;
        }
        match yaml::parse_one(&text) {
            Ok(Value::Seq(list)) => {
                let read = |item: &Value| entry(item, key, is_template, is_helm);
                entries.extend(list.iter().take(MAX_ENTRIES).map(read));
            }
            Ok(Value::Null) => {}
            Ok(other) => warnings.push(format!(
                "argocd-cm: {key} must be a list, not a {}",
                other.kind()
            )),
            Err(error) => warnings.push(format!("argocd-cm: {key}: {error}")),
        }
    }
    entries
}

fn entry(item: &Value, list: &str, is_template: bool, is_helm: bool) -> Entry {
    let text = |key: &str| string_of(item.get(key));
    let flag = |key: &str| item.get(key).and_then(Value::as_bool).unwrap_or(false);
    let number = |key: &str| item.get(key).and_then(Value::as_i64).unwrap_or(0);
    let url = text("url");
    let kind = match is_helm {
        true => "helm".to_owned(),
        false => text("type"),
    };
    // `helm.repositories` has names of its own for the certificate.
    let (certificate, certificate_key) = match is_helm {
        true => ("certSecret", "keySecret"),
        false => ("tlsClientCertDataSecret", "tlsClientCertKeySecret"),
    };
    let fault = item
        .get("caSecret")
        .map(|_| format!("argocd-cm: {list}: caSecret is not read: use argocd-tls-certs-cm"));
    Entry {
        origin: format!("ConfigMap argocd-cm, {list}"),
        address: match is_template {
            true => address::template(&url),
            false => address::normalized(&url),
        },
        url,
        is_template,
        name: text("name"),
        project: String::new(),
        kind,
        username: reference(item.get("usernameSecret")),
        password: reference(item.get("passwordSecret")),
        bearer_token: Text::None,
        ssh_private_key: reference(item.get("sshPrivateKeySecret")),
        tls_certificate: reference(item.get(certificate)),
        tls_key: reference(item.get(certificate_key)),
        github: GitHubApp {
            private_key: reference(item.get("githubAppPrivateKeySecret")),
            id: number("githubAppID"),
            installation: number("githubAppInstallationID"),
            base_url: text("githubAppEnterpriseBaseUrl").into(),
        },
        insecure: flag("insecure") || flag("insecureIgnoreHostKey"),
        enable_lfs: flag("enableLfs"),
        enable_oci: flag("enableOCI"),
        plain_oci: false,
        force_basic: false,
        proxy: text("proxy"),
        no_proxy: String::new(),
        fault,
    }
}

/// `{name: SECRET, key: KEY}`.
fn reference(value: Option<&Value>) -> Text {
    let Some(value) = value else {
        return Text::None;
    };
    let part = |key: &str| string_of(value.get(key)).into_boxed_str();
    match (part("name"), part("key")) {
        (name, key) if !name.is_empty() && !key.is_empty() => Text::In(name, key),
        _ => Text::None,
    }
}
