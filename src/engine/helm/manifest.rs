//! Rendered files as manifests: split at `---`, hooks apart, in the order in
//! which Helm installs.

use super::chart::Decoder;
use crate::value::yaml;
use std::rc::Rc;

/// One document of a rendered template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The template that it came from: `chart/templates/x.yaml`.
    pub source: Rc<str>,
    pub text: String,
    pub kind: String,
}

/// A manifest with `helm.sh/hook`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    pub manifest: Manifest,
    pub name: String,
    pub events: Vec<HookEvent>,
    pub weight: i64,
    /// As they stand in the annotation, in lower case.
    pub delete_policies: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "pre-install" => HookEvent::PreInstall,
            "post-install" => HookEvent::PostInstall,
            "pre-delete" => HookEvent::PreDelete,
            "post-delete" => HookEvent::PostDelete,
            "pre-upgrade" => HookEvent::PreUpgrade,
            "post-upgrade" => HookEvent::PostUpgrade,
            "pre-rollback" => HookEvent::PreRollback,
            "post-rollback" => HookEvent::PostRollback,
            // Helm 2 wrote test-success.
            "test" | "test-success" => HookEvent::Test,
            _ => return None,
        })
    }
}

/// A rendered file that is no YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("YAML parse error on {source_path}: {cause}")]
pub struct ManifestError {
    source_path: String,
    cause: String,
}

/// The order of kinds in which Helm installs; others follow by name.
const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Manifests and hooks of a release, while its files come in.
#[derive(Debug, Default)]
pub struct Manifests {
    pub plain: Vec<Manifest>,
    pub hooks: Vec<Hook>,
    pub warnings: Vec<String>,
}

impl Manifests {
    /// Takes one rendered file. Files come in the order of their paths.
    pub fn add(&mut self, source: &str, text: &str) -> Result<(), ManifestError> {
        let source: Rc<str> = source.into();
        for document in split(text) {
            let head = Head::parse(document).map_err(|cause| ManifestError {
                source_path: source.to_string(),
                cause,
            })?;
            let manifest = Manifest {
                source: source.clone(),
                text: document.to_owned(),
                kind: head.kind.clone(),
            };
            let Some(hook) = head.annotation("helm.sh/hook") else {
                self.plain.push(manifest);
                continue;
            };
            let events: Option<Vec<HookEvent>> = hook
                .split(',')
                .map(|event| HookEvent::parse(&event.trim().to_lowercase()))
                .collect();
            let Some(events) = events else {
                self.warnings
                    .push(format!("{source}: skipping unknown hook {hook}"));
                continue;
            };
            let weight = head.annotation("helm.sh/hook-weight").unwrap_or_default();
            let policies = head.annotation("helm.sh/hook-delete-policy");
            self.hooks.push(Hook {
                manifest,
                events,
                weight: weight.parse().unwrap_or(0),
                delete_policies: policies.map_or(Vec::new(), |policies| {
                    let policies = policies.split(',');
                    policies.map(|p| p.trim().to_lowercase()).collect()
                }),
                name: head.name,
            });
        }
        Ok(())
    }

    /// Brings both into the order of installation.
    pub fn sort(&mut self) {
        self.plain.sort_by(|a, b| order(&a.kind, &b.kind));
        self.hooks
            .sort_by(|a, b| order(&a.manifest.kind, &b.manifest.kind));
    }
}

fn order(a: &str, b: &str) -> std::cmp::Ordering {
    let rank = |kind: &str| INSTALL_ORDER.iter().position(|k| *k == kind);
    match (rank(a), rank(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// The documents of a rendered file: Go's split at `(?m)^---[ \t]*`, blank
/// ones left out, white space in front trimmed.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim_start();
    let mut from = Some(0);
    std::iter::from_fn(move || {
        loop {
            let start = from?;
            let (end, next) = match next_separator(text, start) {
                Some((at, behind)) => (at, Some(behind)),
                None => (text.len(), None),
            };
            from = next;
            let document = &text[start..end];
            if !document.trim().is_empty() {
                return Some(document.trim_start());
            }
        }
    })
}

/// Where the next `---` at the start of a line begins, and where the blanks
/// behind it end.
fn next_separator(text: &str, mut from: usize) -> Option<(usize, usize)> {
    loop {
        let at = from + text[from..].find("---")?;
        if at == 0 || text.as_bytes()[at - 1] == b'\n' {
            let behind = &text[at + 3..];
            let n_blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
            return Some((at, at + 3 + n_blanks));
        }
        from = at + 1;
    }
}

/// What Helm reads of a manifest.
#[derive(Default)]
struct Head {
    kind: String,
    name: String,
    annotations: Option<Vec<(String, String)>>,
}

impl Head {
    fn parse(document: &str) -> Result<Self, String> {
        const OWNER: &str = "SimpleHead";
        const METADATA: &str = "struct { Name string \"json:\\\"name\\\"\"; Annotations \
             map[string]string \"json:\\\"annotations\\\"\" }";
        let names = &["apiVersion", "kind", "metadata"];
        let value = yaml::parse_head(document, |key| {
            names.iter().any(|name| name.eq_ignore_ascii_case(key))
        })
        .map_err(|error| format!("error converting YAML to JSON: {error}"))?;
        let mut head = Head::default();
        let mut version = String::new();
        let mut decoder = Decoder::new();
        decoder.fields(
            &value,
            OWNER,
            "util.SimpleHead",
            names,
            |decoder, name, value| match name {
                "apiVersion" => decoder.string(OWNER, value, &mut version),
                "kind" => decoder.string(OWNER, value, &mut head.kind),
                _ => {
                    let names = &["name", "annotations"];
                    decoder.fields(value, OWNER, METADATA, names, |decoder, name, value| {
                        if name == "name" {
                            decoder.string("", value, &mut head.name);
                        } else {
                            decoder.string_map("", value, &mut head.annotations);
                        }
                    });
                }
            },
        );
        decoder.finish().map_err(|error| error.to_string())?;
        Ok(head)
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        let annotations = self.annotations.as_deref()?;
        let found = annotations.iter().find(|(key, _)| key == name);
        found.map(|(_, text)| text.as_str())
    }
}
