//! The registered repositories as somebody sees them who asks: read once from
//! the cluster, secrets left out.

use super::entry::{Entry, Text};
use super::{CONFIG_SELECTOR, Repositories, SECRET_SELECTOR, address};
use crate::agent::resources::{config_map_resource, secret_resource};
use crate::kube::{self, Client, ListOptions};
use crate::object::Object;

/// A repository, or a template of credentials for all below its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// `Secret argocd/repo-1`, `argocd-cm: repositories`.
    pub origin: String,
    pub url: String,
    /// `git`, `helm` or `oci`.
    pub kind: String,
    pub name: String,
    /// "" for all projects.
    pub project: String,
    pub is_template: bool,
    pub insecure: bool,
    pub enable_oci: bool,
    pub enable_lfs: bool,
    pub proxy: String,
    pub has_credentials: bool,
    pub has_ssh_key: bool,
    /// Its credentials are those of a template.
    pub inherits: bool,
    pub username: String,
    /// Why it cannot be used.
    pub fault: Option<String>,
}

impl Repositories {
    /// Takes in what the control namespace says of repositories now.
    pub(in crate::agent) fn learn(
        &self,
        client: &Client,
        namespace: &str,
    ) -> Result<(), kube::Error> {
        self.attach(client.clone(), namespace);
        for (resource, selector) in [
            (secret_resource(), SECRET_SELECTOR),
            (config_map_resource(), CONFIG_SELECTOR),
        ] {
            let options = ListOptions {
                namespace: namespace.to_owned(),
                label_selector: selector.to_owned(),
                ..ListOptions::default()
            };
            client.list(&resource, &options, &mut |object: Object| {
                match selector {
                    SECRET_SELECTOR => self.put(&object),
                    _ => self.configure(object.name(), Some(&object)),
                };
            })?;
        }
        self.set_secrets_listed();
        self.set_configs_listed();
        Ok(())
    }

    /// Sorted by URL and project, repositories before templates.
    pub(in crate::agent) fn registered(&self) -> Vec<Registered> {
        let known = self.known();
        let mut all: Vec<Registered> = known
            .all()
            .map(|entry| {
                let used = match entry.is_template {
                    true => (**entry).clone(),
                    false => known.entry(&entry.url, &entry.project),
                };
                view(entry, &used)
            })
            .collect();
        all.sort_by(|one, other| {
            let key = |view: &Registered| {
                (
                    view.is_template,
                    view.url.clone(),
                    view.project.clone(),
                    view.origin.clone(),
                )
            };
            key(one).cmp(&key(other))
        });
        all
    }
}

/// Whether two URLs mean the same repository.
pub fn is_same_repository(one: &str, other: &str) -> bool {
    address::normalized(one) == address::normalized(other)
}

fn view(entry: &Entry, used: &Entry) -> Registered {
    Registered {
        origin: entry.origin.clone(),
        url: entry.url.clone(),
        kind: match entry.kind.as_str() {
            "" => "git".to_owned(),
            kind => kind.to_owned(),
        },
        name: entry.name.clone(),
        project: entry.project.clone(),
        is_template: entry.is_template,
        insecure: entry.insecure,
        enable_oci: entry.enable_oci,
        enable_lfs: entry.enable_lfs,
        proxy: crate::http::masked(&entry.proxy),
        has_credentials: used.has_credentials(),
        has_ssh_key: used.ssh_private_key.is_set(),
        inherits: !entry.has_credentials() && used.has_credentials(),
        username: match &used.username {
            Text::Here(name) => name.to_string(),
            Text::None | Text::In(..) => String::new(),
        },
        fault: used.fault.clone(),
    }
}
