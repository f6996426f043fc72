//! Cluster Secrets: where other clusters are, and who we are there.

use super::credentials::{parse_bool, secret_value};
use crate::app::Destination;
use crate::diff::{Digest, digest_of};
use crate::http::{ClientCertificate, ProxyChoice, Roots};
use crate::kube::{self, User};
use crate::object::{Object, names};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A `config` of more bytes is not read.
const MAX_CONFIG_BYTES: usize = 1024 * 1024;

/// One Secret with `argocd.argoproj.io/secret-type: cluster`. No Debug: it
/// holds secrets.
pub struct ClusterSecret {
    /// `Secret argocd/edge-1`: for messages.
    pub origin: String,
    pub server: String,
    pub name: String,
    /// "" where it is nobody's own.
    pub project: String,
    /// How it is reached, or why it is not.
    pub config: Result<kube::Config, String>,
    /// Of all that the Secret says: another one, another cluster.
    pub digest: Digest,
}

impl ClusterSecret {
    /// `None` where the Secret is not about a cluster.
    pub fn read(secret: &Object) -> Option<Self> {
        if secret.label(names::SECRET_TYPE)? != "cluster" {
            return None;
        }
        let origin = format!("Secret {}/{}", secret.namespace(), secret.name());
        let line = |key: &str| match secret_value(secret, key) {
            Some(Ok(text)) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
            Some(Err(why)) => Err(format!("{origin}: {key} {why}")),
            None => Ok(String::new()),
        };
        let config = || -> Result<kube::Config, String> {
            let server = line("server")?;
            if !server.starts_with("https://") && !server.starts_with("http://") {
                return Err(format!("{origin}: server must be an http or https URL"));
            }
            if !line("namespaces")?.is_empty() {
                return Err(format!(
                    "{origin}: namespaces is not supported: the user of a cluster must be allowed to list the kinds that it deploys in all namespaces"
                ));
            }
            let resources = line("clusterResources")?;
            if !resources.is_empty() && parse_bool(&resources).is_none() {
                return Err(format!("{origin}: clusterResources must be true or false"));
            }
            read_config(&server, &line("config")?).map_err(|why| format!("{origin}: config: {why}"))
        };
        let text = |key: &str| line(key).unwrap_or_default();
        Some(Self {
            server: text("server").trim_end_matches('/').to_owned(),
            name: text("name"),
            project: text("project"),
            config: config(),
            digest: digest_of(&secret.at(&["data"])),
            origin,
        })
    }

    pub fn is_own(&self) -> bool {
        self.server == Destination::IN_CLUSTER_URL
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClusterConfig {
    username: String,
    password: String,
    bearer_token: String,
    tls_client_config: TlsClientConfig,
    aws_auth_config: Option<serde::de::IgnoredAny>,
    exec_provider_config: Option<serde::de::IgnoredAny>,
    proxy_url: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TlsClientConfig {
    insecure: bool,
    server_name: String,
    ca_data: Option<String>,
    cert_data: Option<String>,
    key_data: Option<String>,
}

/// The JSON of `config`. Errors name keys, never values.
fn read_config(server: &str, text: &str) -> Result<kube::Config, String> {
    if text.len() > MAX_CONFIG_BYTES {
        return Err(format!("is above the limit of {MAX_CONFIG_BYTES} bytes"));
    }
    let text = if text.trim().is_empty() { "{}" } else { text };
    if !text.trim_start().starts_with('{') {
        // A list would be taken for the fields in their order.
        return Err("is not the JSON that it must be: an object".into());
    }
    let read: ClusterConfig = serde_json::from_str(text).map_err(|error| {
        // The text of the error may quote a value.
        format!(
            "is not the JSON that it must be (line {}, column {})",
            error.line(),
            error.column()
        )
    })?;
    if read.exec_provider_config.is_some() {
        return Err("execProviderConfig is refused: no program is run for a cluster; give a bearerToken or a client certificate".into());
    }
    if read.aws_auth_config.is_some() {
        return Err("awsAuthConfig is not supported: give a bearerToken".into());
    }
    let tls = read.tls_client_config;
    let pem = |key: &str, value: Option<String>| match value.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => STANDARD
            .decode(text.trim())
            .map(Some)
            .map_err(|_| format!("{key} is not base64")),
    };
    let roots = match pem("caData", tls.ca_data)? {
        Some(pem) => Roots::Only(pem),
        None => Roots::Public,
    };
    let certificate = match (
        pem("certData", tls.cert_data)?,
        pem("keyData", tls.key_data)?,
    ) {
        (Some(chain), Some(key)) => Some(ClientCertificate { chain, key }),
        (None, None) => None,
        (Some(_), None) => return Err("certData needs keyData".into()),
        (None, Some(_)) => return Err("keyData needs certData".into()),
    };
    let mut config = kube::Config::new(server, roots);
    config.insecure = tls.insecure;
    config.server_name = Some(tls.server_name).filter(|name| !name.is_empty());
    if !read.proxy_url.is_empty() {
        config.proxy = ProxyChoice::all(&read.proxy_url, "");
    }
    config.user = User {
        certificate,
        token: Some(read.bearer_token).filter(|token| !token.is_empty()),
        basic: (!read.username.is_empty()).then_some((read.username, read.password)),
        ..User::default()
    };
    Ok(config)
}

/// Which cluster a destination means.
pub enum Meant<'a> {
    /// The agent's own, perhaps by another name that a Secret gives it.
    Own(Option<&'a ClusterSecret>),
    Other(&'a Arc<ClusterSecret>),
}

/// All cluster Secrets, by the Secret's name.
#[derive(Default)]
pub struct Clusters(BTreeMap<String, Arc<ClusterSecret>>);

impl Clusters {
    /// True if that is news.
    pub fn put(&mut self, secret: &str, cluster: ClusterSecret) -> bool {
        let is_same = |known: &Arc<ClusterSecret>| known.digest == cluster.digest;
        if self.0.get(secret).is_some_and(is_same) {
            return false;
        }
        if let Err(why) = &cluster.config {
            tracing::warn!("{why}");
        }
        self.0.insert(secret.to_owned(), Arc::new(cluster));
        true
    }

    /// Only these Secrets are there; true if others are gone.
    pub fn retain(&mut self, is_there: impl Fn(&str) -> bool) -> bool {
        let before = self.0.len();
        self.0.retain(|secret, _| is_there(secret));
        self.0.len() != before
    }

    pub fn with_server(&self, server: &str) -> Option<&Arc<ClusterSecret>> {
        let server = server.trim_end_matches('/');
        self.0.values().find(|cluster| cluster.server == server)
    }

    /// In Argo CD's words where there is none.
    pub fn meant(&self, destination: &Destination) -> Result<Meant<'_>, String> {
        let (server, name) = (destination.server.as_str(), destination.name.as_str());
        if destination.is_in_cluster() {
            return Ok(Meant::Own(
                self.with_server(Destination::IN_CLUSTER_URL).map(|c| &**c),
            ));
        }
        let found = match (server, name) {
            ("", "") => return Err("Destination server missing from app spec".to_owned()),
            ("", name) => {
                let mut named = self.0.values().filter(|cluster| cluster.name == name);
                match (named.next(), named.next()) {
                    (Some(cluster), None) => cluster,
                    (Some(_), Some(_)) => {
                        return Err(format!(
                            "unable to find destination server: there are several clusters with this name: {name}"
                        ));
                    }
                    (None, _) => {
                        return Err(format!(
                            "unable to find destination server: there are no clusters with this name: {name}"
                        ));
                    }
                }
            }
            (server, "") => self.with_server(server).ok_or_else(|| {
                format!("error getting cluster by server {server:?}: cluster not found")
            })?,
            (_, _) => {
                return Err(
                    "application destination can't have both name and server defined".to_owned(),
                );
            }
        };
        Ok(match found.is_own() {
            true => Meant::Own(Some(&**found)),
            false => Meant::Other(found),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::yaml;

    fn secret(name: &str, keys: &[(&str, &str)]) -> ClusterSecret {
        let mut text = format!(
            "{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: argocd, labels: {{argocd.argoproj.io/secret-type: cluster}}}}, data: {{"
        );
        for (key, value) in keys {
            text.push_str(&format!("{key}: '{}', ", STANDARD.encode(value)));
        }
        text.push_str("}}");
        let value = yaml::parse_one(&text).expect("the test writes YAML");
        let object = Object::new(value).expect("the test writes objects");
        ClusterSecret::read(&object).expect("is about a cluster")
    }

    fn config(text: &str) -> Result<kube::Config, String> {
        secret("a", &[("server", "https://edge:6443"), ("config", text)]).config
    }

    #[test]
    fn logs_in_by_token_password_and_certificate() {
        let read = config(r#"{"bearerToken":"t","tlsClientConfig":{"insecure":true}}"#);
        let read = read.expect("is sound");
        assert_eq!(read.user.token.as_deref(), Some("t"));
        assert!(read.insecure);
        let read = config(
            r#"{"username":"u","password":"p","tlsClientConfig":{"serverName":"x","caData":"Y2E="}}"#,
        );
        let read = read.expect("is sound");
        assert_eq!(read.user.basic, Some(("u".into(), "p".into())));
        assert_eq!(read.roots, Roots::Only(b"ca".to_vec()));
        assert_eq!(read.server_name.as_deref(), Some("x"));
        let read = config(r#"{"tlsClientConfig":{"certData":"Yw==","keyData":"aw=="}}"#);
        let certificate = read.expect("is sound").user.certificate.expect("is there");
        assert_eq!(
            (certificate.chain, certificate.key),
            (b"c".to_vec(), b"k".to_vec())
        );
        assert!(config("").is_ok());
    }

    #[test]
    fn what_is_not_supported_or_malformed_is_told_without_values() {
        for (text, why) in [
            (
                r#"{"execProviderConfig":{"command":"s3cret"}}"#,
                "execProviderConfig is refused",
            ),
            (
                r#"{"awsAuthConfig":{"clusterName":"s3cret"}}"#,
                "awsAuthConfig is not supported",
            ),
            (
                r#"{"tlsClientConfig":{"caData":"%s3cret"}}"#,
                "caData is not base64",
            ),
            (
                r#"{"tlsClientConfig":{"certData":"Yw=="}}"#,
                "certData needs keyData",
            ),
            (
                r#"{"tlsClientConfig":{"keyData":"Yw=="}}"#,
                "keyData needs certData",
            ),
            (r#"{"tlsClientConfig":"s3cret"}"#, "is not the JSON"),
            (r#"{"bearerToken":["s3cret"]}"#, "is not the JSON"),
            ("[]", "is not the JSON"),
            ("s3cret", "is not the JSON"),
            ("{", "is not the JSON"),
        ] {
            let error = config(text).map(|_| ()).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
            assert!(error.starts_with("Secret argocd/a: config: "), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        for keys in [
            vec![("server", "")],
            vec![("server", "edge:6443")],
            vec![("server", "https://e"), ("namespaces", "a,b")],
            vec![("server", "https://e"), ("clusterResources", "perhaps")],
        ] {
            assert!(secret("a", &keys).config.is_err(), "{keys:?}");
        }
    }

    #[test]
    fn a_destination_means_a_cluster_by_name_or_server() {
        let mut clusters = Clusters::default();
        for (secret_name, name, server) in [
            ("a", "edge", "https://edge:6443/"),
            ("b", "twin", "https://one"),
            ("c", "twin", "https://two"),
            ("d", "home", "https://kubernetes.default.svc"),
        ] {
            assert!(clusters.put(
                secret_name,
                secret(secret_name, &[("name", name), ("server", server)])
            ));
            assert!(!clusters.put(
                secret_name,
                secret(secret_name, &[("name", name), ("server", server)])
            ));
        }
        let check = |server: &str, name: &str, expected: &str| {
            let destination = Destination {
                server: server.to_owned(),
                name: name.to_owned(),
                namespace: String::new(),
            };
            let found = match clusters.meant(&destination) {
                Ok(Meant::Own(_)) => "own".to_owned(),
                Ok(Meant::Other(cluster)) => cluster.server.clone(),
                Err(why) => why,
            };
            assert!(found.contains(expected), "{server} {name}: {found}");
        };
        check("https://edge:6443", "", "https://edge:6443");
        check("", "edge", "https://edge:6443");
        check("https://kubernetes.default.svc/", "", "own");
        check("", "in-cluster", "own");
        check("", "home", "own");
        check("", "twin", "several clusters with this name");
        check("", "nowhere", "no clusters with this name: nowhere");
        check("https://nowhere", "", "cluster not found");
        check("https://edge:6443", "edge", "both name and server");
        check("", "", "Destination server missing");
    }
}
