//! What one Secret, or one entry of argocd-cm's lists, says of a repository.

use super::address;
use crate::object::{Object, names};
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A value, or where it stands.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) enum Text {
    #[default]
    None,
    Here(Box<str>),
    /// Secret and key, read when it is needed: the form of argocd-cm.
    In(Box<str>, Box<str>),
}

impl Text {
    pub fn is_set(&self) -> bool {
        !matches!(self, Text::None)
    }
}

/// A GitHub App's installation.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct GitHubApp {
    pub private_key: Text,
    pub id: i64,
    pub installation: i64,
    /// `https://github.example/api/v3`; "" for github.com.
    pub base_url: Box<str>,
}

/// No Debug: it holds secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// `Secret argocd/repo-1`: for messages.
    pub origin: String,
    /// As it was written.
    pub url: String,
    /// Normalized, for comparisons.
    pub address: String,
    pub is_template: bool,
    pub name: String,
    pub project: String,
    pub kind: String,
    pub username: Text,
    pub password: Text,
    pub bearer_token: Text,
    pub ssh_private_key: Text,
    pub tls_certificate: Text,
    pub tls_key: Text,
    pub github: GitHubApp,
    pub insecure: bool,
    pub enable_lfs: bool,
    pub enable_oci: bool,
    pub plain_oci: bool,
    pub force_basic: bool,
    pub proxy: String,
    pub no_proxy: String,
    /// Why it cannot be used: told to whoever needs it.
    pub fault: Option<String>,
}

/// Ways to log in that other clouds have: refused, not passed over.
const UNSUPPORTED: [&str; 2] = ["gcpServiceAccountKey", "useAzureWorkloadIdentity"];

impl Entry {
    /// A labelled Secret; `None` where it is not about a repository.
    pub fn read(secret: &Object) -> Option<Entry> {
        let is_template = match secret.label(names::SECRET_TYPE)? {
            "repository" => false,
            "repo-creds" => true,
            _ => return None,
        };
        let mut reader = Reader {
            secret,
            fault: None,
        };
        let url = reader.line("url");
        let mut entry = Entry {
            origin: format!("Secret {}/{}", secret.namespace(), secret.name()),
            address: match is_template {
                true => address::template(&url),
                false => address::normalized(&url),
            },
            url,
            is_template,
            name: reader.line("name"),
            project: reader.line("project"),
            kind: reader.line("type"),
            username: text(reader.line("username")),
            password: text(reader.line("password")),
            bearer_token: text(reader.line("bearerToken")),
            ssh_private_key: text(reader.text("sshPrivateKey")),
            tls_certificate: text(reader.text("tlsClientCertData")),
            tls_key: text(reader.text("tlsClientCertKey")),
            github: GitHubApp {
                private_key: text(reader.text("githubAppPrivateKey")),
                id: reader.number("githubAppID"),
                installation: reader.number("githubAppInstallationID"),
                base_url: reader.line("githubAppEnterpriseBaseUrl").into(),
            },
            insecure: reader.flag("insecure") | reader.flag("insecureIgnoreHostKey"),
            enable_lfs: reader.flag("enableLfs"),
            enable_oci: reader.flag("enableOCI"),
            plain_oci: reader.flag("insecureOCIForceHttp"),
            force_basic: reader.flag("forceHttpBasicAuth"),
            proxy: reader.line("proxy"),
            no_proxy: reader.line("noProxy"),
            fault: None,
        };
        // Checked although without effect: every fetch is at depth 1.
        reader.number("depth");
        for key in UNSUPPORTED {
            let value = reader.line(key);
            if !value.is_empty() && !matches!(parse_bool(&value), Some(false)) {
                reader.refuse(key, "is not supported");
            }
        }
        if !matches!(entry.kind.as_str(), "" | "git" | "helm" | "oci") {
            reader.refuse("type", "must be git, helm or oci");
        }
        entry.fault = reader.fault;
        Some(entry)
    }

    pub fn has_credentials(&self) -> bool {
        [
            &self.username,
            &self.password,
            &self.bearer_token,
            &self.ssh_private_key,
            &self.tls_certificate,
            &self.github.private_key,
        ]
        .iter()
        .any(|text| text.is_set())
    }

    /// What a repository without credentials of its own takes from a template.
    pub fn inherit(&mut self, template: &Entry) {
        self.username.clone_from(&template.username);
        self.password.clone_from(&template.password);
        self.bearer_token.clone_from(&template.bearer_token);
        self.ssh_private_key.clone_from(&template.ssh_private_key);
        self.tls_certificate.clone_from(&template.tls_certificate);
        self.tls_key.clone_from(&template.tls_key);
        self.github.clone_from(&template.github);
        self.enable_oci |= template.enable_oci;
        self.plain_oci |= template.plain_oci;
        self.force_basic |= template.force_basic;
        if self.proxy.is_empty() {
            self.proxy.clone_from(&template.proxy);
            self.no_proxy.clone_from(&template.no_proxy);
        }
        self.origin.clone_from(&template.origin);
        if self.fault.is_none() {
            self.fault.clone_from(&template.fault);
        }
    }
}

fn text(value: String) -> Text {
    match value.is_empty() {
        true => Text::None,
        false => Text::Here(value.into_boxed_str()),
    }
}

/// As Go's strconv.ParseBool.
pub(in crate::agent) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The bytes at a key of a Secret; `None` where it is absent.
pub(in crate::agent) fn secret_value(
    secret: &Object,
    key: &str,
) -> Option<Result<String, &'static str>> {
    let encoded = secret.at(&["data", key])?.as_str()?;
    let bytes = STANDARD.decode(encoded).map_err(|_| "is not base64");
    Some(bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not UTF-8 text")))
}

struct Reader<'a> {
    secret: &'a Object,
    fault: Option<String>,
}

impl Reader<'_> {
    /// Never the value itself: it may be a secret.
    fn refuse(&mut self, key: &str, why: &str) {
        let secret = self.secret;
        self.fault.get_or_insert_with(|| {
            format!(
                "Secret {}/{}: {key} {why}",
                secret.namespace(),
                secret.name()
            )
        });
    }

    fn text(&mut self, key: &str) -> String {
        match secret_value(self.secret, key) {
            Some(Ok(text)) => text,
            Some(Err(why)) => {
                self.refuse(key, why);
                String::new()
            }
            None => String::new(),
        }
    }

    /// Without the line break that `echo` or an editor left behind.
    fn line(&mut self, key: &str) -> String {
        let text = self.text(key);
        text.trim_end_matches(['\r', '\n']).to_owned()
    }

    fn flag(&mut self, key: &str) -> bool {
        let text = self.line(key);
        if text.is_empty() {
            return false;
        }
        parse_bool(&text).unwrap_or_else(|| {
            self.refuse(key, "must be true or false");
            false
        })
    }

    fn number(&mut self, key: &str) -> i64 {
        let text = self.line(key);
        if text.is_empty() {
            return 0;
        }
        text.parse().unwrap_or_else(|_| {
            self.refuse(key, "must be a number");
            0
        })
    }
}

/// A string of argocd-cm's lists.
pub(super) fn string_of(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}
