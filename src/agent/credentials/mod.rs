//! Who we are to each repository: Secrets with the labels `repository` and
//! `repo-creds`, the older lists of argocd-cm, certificates and known hosts.
//!
//! ```text
//! watch -> Repositories (what is known now) <- way(URL, project) by whoever fetches
//! ```
//! Invariants: a secret value is in no message, log line or Debug output. It
//! goes to the host of the URL that it was given for, and a project's own
//! repository serves that project alone.

mod address;

mod entry;

mod legacy;

mod github;

mod registered;

use crate::git;
use crate::http::{self, ClientCertificate, Credentials, ProxyChoice, Roots};
use crate::kube;
use crate::object::{Object, names};
use entry::{Entry, Text};
pub(super) use entry::{parse_bool, secret_value};
use github::Tokens;
pub use registered::{Registered, is_same_repository};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// ConfigMaps of the control namespace that speak of repositories.
const CONFIG: &str = "argocd-cm";
const TLS_CERTIFICATES: &str = "argocd-tls-certs-cm";
const SSH_KNOWN_HOSTS: &str = "argocd-ssh-known-hosts-cm";
const PARAMETERS: &str = "argocd-cmd-params-cm";
/// By whom commits may be signed.
const SIGNERS: &str = "argocd-gpg-keys-cm";
/// Of the parameters: `"false"` leaves submodules empty.
const SUBMODULES: &str = "reposerver.enable.git.submodule";

/// Clients with settings of their own that are kept: each holds connections.
const MAX_CLIENTS: usize = 32;

/// By which way, and as whom, a repository is asked.
pub(super) struct Way {
    pub client: http::Client,
    pub credentials: Option<Credentials>,
    pub plain_oci: bool,
    pub ssh: git::Ssh,
    /// `enableLfs`.
    pub lfs: bool,
}

/// What is known of repositories; shared between the watch and the fetches.
pub struct Repositories {
    /// For repositories that have no settings of their own.
    base: http::Client,
    known: Mutex<Known>,
    tokens: Tokens,
    /// Where the Secrets are that argocd-cm refers to; not there without a
    /// cluster.
    cluster: OnceLock<(kube::Client, String)>,
}

#[derive(Default)]
struct Known {
    /// By the Secret's name.
    secrets: BTreeMap<String, Arc<Entry>>,
    legacy: Vec<Arc<Entry>>,
    /// PEM by host.
    certificates: BTreeMap<String, Arc<str>>,
    known_hosts: Option<Arc<str>>,
    without_submodules: bool,
    keyring: Arc<git::Keyring>,
    clients: Vec<(http::Settings, http::Client)>,
    /// What was listed, or may not be.
    secrets_listed: bool,
    configs_listed: bool,
}

impl Repositories {
    pub fn new(base: http::Client) -> Self {
        Repositories {
            base,
            known: Mutex::default(),
            tokens: Tokens::default(),
            cluster: OnceLock::new(),
        }
    }

    /// Where Secrets are read that are referred to by name.
    pub(super) fn attach(&self, client: kube::Client, namespace: &str) {
        // An agent has one cluster of its own: a second call changes nothing.
        let _ = self.cluster.set((client, namespace.to_owned()));
    }

    /// Reads once what an agent watches: for a command, which ends. Whoever may
    /// not read it asks repositories without credentials.
    pub(super) fn load(&self, client: &kube::Client, namespace: &str) -> Result<(), kube::Error> {
        self.attach(client.clone(), namespace);
        let of = |selector: &str| kube::ListOptions {
            namespace: namespace.to_owned(),
            label_selector: selector.to_owned(),
            ..kube::ListOptions::default()
        };
        let secrets = client.list_all(&super::resources::secret_resource(), &of(SECRET_SELECTOR));
        for secret in readable(secrets, "Secrets of repositories")? {
            self.put(&secret);
        }
        let configs = super::resources::config_map_resource();
        let configs = client.list_all(&configs, &of(CONFIG_SELECTOR));
        for config in readable(configs, "ConfigMaps of Argo CD")? {
            self.configure(config.name(), Some(&config));
        }
        self.set_secrets_listed();
        self.set_configs_listed();
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no holder of this lock panics")
    }

    /// Nothing is asked of repositories before their credentials are known.
    pub(super) fn is_listed(&self) -> bool {
        let known = self.known();
        self.cluster.get().is_none() || (known.secrets_listed && known.configs_listed)
    }

    pub(super) fn set_secrets_listed(&self) {
        self.known().secrets_listed = true;
    }

    pub(super) fn set_configs_listed(&self) {
        self.known().configs_listed = true;
    }

    /// A labelled Secret is there; true if that is news.
    pub(super) fn put(&self, secret: &Object) -> bool {
        let entry = Entry::read(secret);
        if let Some(fault) = entry.as_ref().and_then(|entry| entry.fault.as_ref()) {
            tracing::warn!("{fault}");
        }
        let mut known = self.known();
        let before = known.secrets.get(secret.name());
        if before.map(|entry| &**entry) == entry.as_ref() {
            return false;
        }
        match entry {
            Some(entry) => known
                .secrets
                .insert(secret.name().to_owned(), Arc::new(entry)),
            None => known.secrets.remove(secret.name()),
        };
        known.clients.clear();
        drop(known);
        self.tokens.forget();
        true
    }

    /// Only these Secrets are there; true if others are gone.
    pub(super) fn retain(&self, is_there: impl Fn(&str) -> bool) -> bool {
        let mut known = self.known();
        let before = known.secrets.len();
        known.secrets.retain(|name, _| is_there(name));
        known.secrets.len() != before
    }

    /// A ConfigMap is there (or gone: `None`); true if that changes anything.
    pub(super) fn configure(&self, name: &str, config: Option<&Object>) -> bool {
        match name {
            CONFIG => {
                let mut warnings = Vec::new();
                let read = config.map(|config| legacy::read(config, &mut warnings));
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                let fresh: Vec<Arc<Entry>> =
                    read.unwrap_or_default().into_iter().map(Arc::new).collect();
                let mut known = self.known();
                let is_news = known.legacy != fresh;
                known.legacy = fresh;
                is_news
            }
            TLS_CERTIFICATES => {
                let fresh: BTreeMap<String, Arc<str>> = texts(config)
                    .map(|(host, pem)| (host.to_lowercase(), Arc::from(pem)))
                    .collect();
                let mut known = self.known();
                let is_news = known.certificates != fresh;
                known.certificates = fresh;
                known.clients.clear();
                is_news
            }
            SSH_KNOWN_HOSTS => {
                let fresh = texts(config)
                    .find(|(key, _)| *key == "ssh_known_hosts")
                    .map(|(_, text)| Arc::from(text));
                let mut known = self.known();
                let is_news = known.known_hosts != fresh;
                known.known_hosts = fresh;
                is_news
            }
            PARAMETERS => {
                let fresh = texts(config)
                    .any(|(key, text)| key == SUBMODULES && parse_bool(text) == Some(false));
                let mut known = self.known();
                let is_news = known.without_submodules != fresh;
                known.without_submodules = fresh;
                is_news
            }
            SIGNERS => {
                let fresh = git::Keyring::read(texts(config));
                let mut known = self.known();
                let is_news = *known.keyring != fresh;
                if is_news {
                    for fault in &fresh.faults {
                        tracing::warn!("{SIGNERS}, {fault}");
                    }
                }
                known.keyring = Arc::new(fresh);
                is_news
            }
            _ => false,
        }
    }

    /// The keys that signatures are held against.
    pub(super) fn keyring(&self) -> Arc<git::Keyring> {
        self.known().keyring.clone()
    }

    /// Only these ConfigMaps are there.
    pub(super) fn retain_configs(&self, is_there: impl Fn(&str) -> bool) {
        for name in [
            CONFIG,
            TLS_CERTIFICATES,
            SSH_KNOWN_HOSTS,
            PARAMETERS,
            SIGNERS,
        ] {
            if !is_there(name) {
                self.configure(name, None);
            }
        }
    }

    pub(super) fn has_submodules(&self) -> bool {
        !self.known().without_submodules
    }

    /// The URL of the Helm repository that is registered under a name.
    pub(super) fn url_of(&self, name: &str, project: &str) -> Option<String> {
        let known = self.known();
        let found = known.all().find(|entry| {
            entry.name == name
                && !entry.is_template
                && (entry.project.is_empty() || entry.project == project)
                && matches!(entry.kind.as_str(), "helm" | "oci")
        })?;
        match found.url.contains("://") {
            true => Some(found.url.clone()),
            // As Argo CD has it: a registry is named without its scheme.
            false => Some(format!("oci://{}", found.url)),
        }
    }

    /// The way to a repository for an application of a project. What cannot
    /// be used is an error that names the Secret and the key.
    pub(super) fn way(&self, url: &str, project: &str) -> Result<Way, String> {
        let (entry, certificate, known_hosts) = {
            let known = self.known();
            let certificate = known.certificates.get(&address::host(url)).cloned();
            (
                known.entry(url, project),
                certificate,
                known.known_hosts.clone(),
            )
        };
        if let Some(fault) = &entry.fault {
            return Err(fault.clone());
        }
        let told = |why: String| format!("{}: {why}", entry.origin);
        let client = self.client(&entry, certificate).map_err(told)?;
        if address::is_ssh(url) {
            return Ok(Way {
                client,
                credentials: None,
                plain_oci: false,
                ssh: self.ssh(&entry, known_hosts).map_err(told)?,
                lfs: entry.enable_lfs,
            });
        }
        let credentials = self.credentials(&entry, &client).map_err(told)?;
        Ok(Way {
            client,
            credentials,
            plain_oci: entry.plain_oci,
            ssh: git::Ssh::default(),
            lfs: entry.enable_lfs,
        })
    }

    /// Whether a repository is to be read with Git LFS.
    pub(super) fn has_lfs(&self, url: &str, project: &str) -> bool {
        self.known().entry(url, project).enable_lfs
    }

    /// The way to a submodule: its own where there is one, else, on the same
    /// server, that of the repository that names it.
    pub(super) fn way_of_submodule(
        &self,
        url: &str,
        parent: &str,
        project: &str,
    ) -> Result<Way, String> {
        let is_named = !self.known().entry(url, project).origin.is_empty();
        match !is_named && address::server(url) == address::server(parent) {
            true => self.way(parent, project),
            false => self.way(url, project),
        }
    }

    fn ssh(&self, entry: &Entry, known_hosts: Option<Arc<str>>) -> Result<git::Ssh, String> {
        if !entry.proxy.is_empty() {
            return Err("proxy is not supported for ssh".to_owned());
        }
        let key = self.value(&entry.ssh_private_key)?;
        Ok(git::Ssh {
            private_key: (!key.is_empty()).then(|| Arc::from(key)),
            known_hosts,
            any_host_key: entry.insecure,
        })
    }

    fn client(&self, entry: &Entry, certificate: Option<Arc<str>>) -> Result<http::Client, String> {
        let mut settings = self.base.settings().clone();
        if let Some(pem) = certificate {
            settings.roots = Roots::Only(pem.as_bytes().to_vec());
        }
        settings.insecure |= entry.insecure;
        if !entry.proxy.is_empty() {
            settings.proxy = ProxyChoice::all(&entry.proxy, &entry.no_proxy);
        }
        if entry.tls_certificate.is_set() {
            settings.client_certificate = Some(ClientCertificate {
                chain: self.value(&entry.tls_certificate)?.into_bytes(),
                key: self.value(&entry.tls_key)?.into_bytes(),
            });
        }
        if settings == *self.base.settings() {
            return Ok(self.base.clone());
        }
        let mut known = self.known();
        if let Some((_, client)) = known.clients.iter().find(|(have, _)| *have == settings) {
            return Ok(client.clone());
        }
        let client = http::Client::new(settings.clone()).map_err(|error| error.to_string())?;
        if known.clients.len() >= MAX_CLIENTS {
            known.clients.clear();
        }
        known.clients.push((settings, client.clone()));
        Ok(client)
    }

    fn credentials(
        &self,
        entry: &Entry,
        client: &http::Client,
    ) -> Result<Option<Credentials>, String> {
        let has_basic = entry.username.is_set() || entry.password.is_set();
        if entry.bearer_token.is_set() && !(entry.force_basic && has_basic) {
            return Ok(Some(Credentials::Bearer(self.value(&entry.bearer_token)?)));
        }
        if has_basic {
            return Ok(Some(Credentials::Basic {
                user: self.value(&entry.username)?,
                password: self.value(&entry.password)?,
            }));
        }
        let app = &entry.github;
        if !app.private_key.is_set() {
            return Ok(None);
        }
        if app.id == 0 || app.installation == 0 {
            return Err(
                "githubAppPrivateKey needs githubAppID and githubAppInstallationID".to_owned(),
            );
        }
        let key = self.value(&app.private_key)?;
        let now = jiff::Timestamp::now().as_second();
        self.tokens
            .token(client, &key, app.id, app.installation, &app.base_url, now)
            .map(Some)
    }

    /// A value, read from its Secret where it is referred to.
    fn value(&self, text: &Text) -> Result<String, String> {
        let (name, key) = match text {
            Text::None => return Ok(String::new()),
            Text::Here(text) => return Ok(text.to_string()),
            Text::In(name, key) => (name, key),
        };
        let Some((client, namespace)) = self.cluster.get() else {
            return Err(format!(
                "Secret {name}: there is no cluster to read it from"
            ));
        };
        let place = format!("Secret {namespace}/{name}");
        let secret = client
            .find(&super::resources::secret_resource(), namespace, name)
            .map_err(|error| format!("{place}: {error}"))?
            .ok_or_else(|| format!("{place} does not exist"))?;
        match secret_value(&secret, key) {
            Some(Ok(text)) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
            Some(Err(why)) => Err(format!("{place}: {key} {why}")),
            None => Err(format!("{place} has no key {key}")),
        }
    }
}

impl Known {
    fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.secrets.values().chain(&self.legacy)
    }

    /// What is said of a repository; of several, the project's own comes
    /// first, and labelled Secrets come before argocd-cm.
    fn entry(&self, url: &str, project: &str) -> Entry {
        let wanted = address::normalized(url);
        let mut found: Option<&Arc<Entry>> = None;
        for entry in self.all() {
            if entry.is_template || entry.address != wanted {
                continue;
            }
            if entry.project == project {
                found = Some(entry);
                break;
            }
            if entry.project.is_empty() && found.is_none() {
                found = Some(entry);
            }
        }
        let mut entry = found.map(|entry| (**entry).clone()).unwrap_or_default();
        if !entry.has_credentials()
            && let Some(template) = self.template(&wanted)
        {
            entry.inherit(template);
        }
        entry
    }

    /// The template with the longest URL that the repository lies below.
    fn template(&self, wanted: &str) -> Option<&Arc<Entry>> {
        let mut best: Option<&Arc<Entry>> = None;
        for entry in self.all() {
            let fits = entry.is_template && address::is_below(wanted, &entry.address);
            if fits && best.is_none_or(|best| entry.address.len() > best.address.len()) {
                best = Some(entry);
            }
        }
        best
    }
}

/// What was listed; nothing where that is forbidden, which is told.
fn readable(
    listed: Result<(Vec<Object>, kube::Listed), kube::Error>,
    what: &str,
) -> Result<Vec<Object>, kube::Error> {
    match listed {
        Ok((objects, _)) => Ok(objects),
        Err(error) if error.is_forbidden() => {
            tracing::warn!(%error, "the {what} count as absent");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Keys and texts of a ConfigMap.
fn texts(config: Option<&Object>) -> impl Iterator<Item = (&str, &str)> {
    config
        .and_then(|config| config.at(&["data"])?.as_map())
        .into_iter()
        .flat_map(|data| data.iter())
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
}

/// The selector of the Secrets.
pub(super) const SECRET_SELECTOR: &str = names::SECRET_TYPE;

/// The selector of the ConfigMaps: Argo CD reads no others.
pub(super) const CONFIG_SELECTOR: &str = "app.kubernetes.io/part-of=argocd";

#[cfg(test)]
mod tests;
