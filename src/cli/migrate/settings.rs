//! What Argo CD's ConfigMaps say, and which of it counts.

use super::finding::{Finding, Verdict};
use crate::agent::ArgocdCm;
use crate::object::Object;
use crate::value::glob::Glob;
use crate::value::{Map, Value};

/// Keys of argocd-cm that count as they are, besides those of resources.
const READ: &[&str] = &[
    "application.instanceLabelKey",
    "application.resourceTrackingMethod",
    "application.sync.impersonation.enabled",
    "helm.repositories",
    "installationID",
    "repositories",
    "repository.credentials",
    "resource.compareoptions",
    "resource.customizations",
    "resource.exclusions",
    "resource.inclusions",
    "resource.sensitive.mask.annotations",
    "timeout.reconciliation",
    "timeout.reconciliation.jitter",
];
/// Of argocd-cm: of a part of Argo CD that drupelet leaves as it is, or has none of.
const OF_THE_SERVER: &[&str] = &[
    "accounts.",
    "admin.",
    "dex.",
    "exec.",
    "ga.",
    "help.",
    "oidc.",
    "statusbadge.",
    "ui.",
    "url",
    "users.",
    "webhook.",
];
const NAMESPACES: &str = "application.namespaces";
/// Of argocd-cmd-params-cm.
const PARAMETERS: &[&str] = &["reposerver.enable.git.submodule"];

/// Globs of the namespaces whose Applications Argo CD serves besides its own.
pub fn application_namespaces(config_maps: &[Object]) -> Vec<Glob> {
    let mut found = config_maps
        .iter()
        .filter(|object| object.name() == "argocd-cmd-params-cm");
    let text = found.find_map(|object| object.at(&["data", NAMESPACES])?.as_str());
    let globs = text.unwrap_or_default().split(',').map(str::trim);
    // One that is broken matches nothing.
    globs
        .filter_map(|glob| Glob::gobwas(glob, &[]).ok())
        .collect()
}

/// The keys of a ConfigMap that have a value.
fn keys(object: &Object) -> Vec<&str> {
    let data = object.at(&["data"]).and_then(Value::as_map);
    let all = data.into_iter().flat_map(Map::iter);
    let set = all.filter(|(_, value)| value.as_str().is_some_and(|text| !text.trim().is_empty()));
    set.map(|(key, _)| key).collect()
}

fn is_of_the_server(key: &str) -> bool {
    OF_THE_SERVER.iter().any(|prefix| key.starts_with(prefix))
}

/// One ConfigMap by its name; nothing of one that is of no concern.
pub fn findings(object: &Object) -> Vec<Finding> {
    let subject = format!("ConfigMap {}/{}", object.namespace(), object.name());
    let found = |verdict, message: String| Finding::new(&subject, verdict, message);
    let keys = keys(object);
    match object.name() {
        "argocd-cm" => argocd_cm(object, &keys, &found),
        "argocd-cmd-params-cm" => parameters(object, &keys, &found),
        "argocd-rbac-cm" if !keys.is_empty() => vec![found(
            Verdict::Changes,
            "has no effect: who may do what with Applications is what Kubernetes' own RBAC says"
                .to_owned(),
        )],
        "argocd-notifications-cm" if !keys.is_empty() => vec![found(
            Verdict::Changes,
            "drupelet sends no notifications: Argo CD's notifications controller may go on running, it reads the same status".to_owned(),
        )],
        "argocd-gpg-keys-cm" | "argocd-ssh-known-hosts-cm" | "argocd-tls-certs-cm"
            if !keys.is_empty() =>
        {
            vec![found(
                Verdict::CarriesOver,
                format!("{} entries are read", keys.len()),
            )]
        }
        _ => Vec::new(),
    }
}

type Found<'a> = &'a dyn Fn(Verdict, String) -> Finding;

fn argocd_cm(object: &Object, keys: &[&str], found: Found<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let counts = |key: &str| {
        let of_kind = key.strip_prefix("resource.customizations.");
        let of_kind = of_kind.and_then(|rest| rest.split_once('.'));
        READ.contains(&key)
            || of_kind.is_some_and(|(what, _)| {
                matches!(what, "health" | "useOpenLibs" | "ignoreDifferences")
            })
    };
    let read: Vec<&str> = keys.iter().copied().filter(|key| counts(key)).collect();
    if !read.is_empty() {
        findings.push(found(Verdict::CarriesOver, read.join(", ")));
    }
    for fault in ArgocdCm::read(object).faults {
        findings.push(found(Verdict::NotSupported, fault));
    }
    if keys.contains(&"configManagementPlugins") {
        findings.push(found(
            Verdict::NotSupported,
            "configManagementPlugins: no program is run to render; render to plain manifests, Helm or Kustomize".to_owned(),
        ));
    }
    let idle = keys
        .iter()
        .copied()
        .filter(|key| !counts(key) && *key != "configManagementPlugins" && !is_of_the_server(key));
    let idle: Vec<&str> = idle.collect();
    if !idle.is_empty() {
        findings.push(found(
            Verdict::Changes,
            format!("without effect: {}", idle.join(", ")),
        ));
    }
    findings
}

fn parameters(object: &Object, keys: &[&str], found: Found<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let text = |key: &str| {
        let text = object.at(&["data", key]).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    if keys.contains(&NAMESPACES) {
        findings.push(found(
            Verdict::Changes,
            format!(
                "{NAMESPACES}: start the agent with --application-namespaces {}",
                text(NAMESPACES).replace(' ', "")
            ),
        ));
    }
    let (read, idle): (Vec<&str>, Vec<&str>) = keys
        .iter()
        .filter(|key| **key != NAMESPACES)
        .partition(|key| PARAMETERS.contains(key));
    if !read.is_empty() {
        findings.push(found(Verdict::CarriesOver, read.join(", ")));
    }
    if !idle.is_empty() {
        findings.push(found(
            Verdict::Changes,
            format!("without effect: {}", idle.join(", ")),
        ));
    }
    findings
}
