//! Objects in an application's namespace that nobody deploys: told where the
//! project asks for it.

use super::argocd_cm::ArgocdCm;
use super::compare::glob_matches;
use super::permissions::Permits;
use crate::app::OrphanedResources;
use crate::kube::{self, Client, Discovery, ListOptions, Verbs};
use crate::object::{Object, ResourceKey};
use crate::value::Value;
use std::collections::BTreeSet;

pub(super) const CONDITION: &str = "OrphanedResourceWarning";

/// What the cluster itself puts into namespaces.
const OF_THE_CLUSTER: [(&str, &str, &str); 3] = [
    ("ServiceAccount", "default", ""),
    ("ConfigMap", "kube-root-ca.crt", ""),
    ("Service", "kubernetes", "default"),
];

/// In Argo CD's words; `None` where there are none.
pub(super) fn warning(n_orphans: usize) -> Option<(String, String)> {
    (n_orphans > 0).then(|| {
        let text = format!("Application has {n_orphans} orphaned resources");
        (CONDITION.to_owned(), text)
    })
}

/// How many objects of a namespace belong to no application, those that they
/// own among them. Names and owners alone are read.
pub(super) fn count(
    client: &Client,
    discovery: &Discovery,
    config: &ArgocdCm,
    permits: &Permits,
    settings: &OrphanedResources,
    namespace: &str,
) -> Result<usize, kube::Error> {
    let mut orphans: BTreeSet<String> = BTreeSet::new();
    // Their own uid, and those of their owners.
    let mut owned: Vec<(String, Vec<String>)> = Vec::new();
    let kinds = discovery.preferred_resources().filter(|resource| {
        resource.namespaced
            && resource.verbs.has(Verbs::LIST.with(Verbs::WATCH))
            && resource.kind != "Event"
    });
    for resource in kinds {
        let options = ListOptions {
            namespace: namespace.to_owned(),
            metadata_only: true,
            from_cache: true,
            ..ListOptions::default()
        };
        client.list(resource, &options, &mut |object| {
            let key = resource.key(object.namespace(), object.name());
            let owners: Vec<String> = owners(&object);
            if !owners.is_empty() {
                owned.push((object.uid().to_owned(), owners));
            } else if is_orphan(&object, &key, config, permits, settings) {
                orphans.insert(object.uid().to_owned());
            }
        })?;
    }
    // Children of orphans are orphans: until no more are found.
    loop {
        let before = orphans.len();
        for (uid, owners) in &owned {
            if owners.iter().any(|owner| orphans.contains(owner)) {
                orphans.insert(uid.clone());
            }
        }
        if orphans.len() == before {
            return Ok(before);
        }
    }
}

fn owners(object: &Object) -> Vec<String> {
    let uids = object.owner_references().iter();
    uids.filter_map(|owner| Some(owner.get("uid").and_then(Value::as_str)?.to_owned()))
        .collect()
}

fn is_orphan(
    object: &Object,
    key: &ResourceKey,
    config: &ArgocdCm,
    permits: &Permits,
    settings: &OrphanedResources,
) -> bool {
    let is_of_cluster = key.group.is_empty()
        && OF_THE_CLUSTER.iter().any(|(kind, name, namespace)| {
            key.kind == *kind
                && key.name == *name
                && (namespace.is_empty() || key.namespace == *namespace)
        });
    let is_ignored = settings.ignore.iter().any(|ignored| {
        let fits = |pattern: &str, text: &str| pattern.is_empty() || glob_matches(pattern, text);
        fits(&ignored.kind, &key.kind)
            && glob_matches(&ignored.group, &key.group)
            && fits(&ignored.name, &key.name)
    });
    let is_excluded = config
        .filter
        .excludes(key, crate::app::Destination::IN_CLUSTER_URL);
    config.tracking.owner(object).is_none()
        && !is_of_cluster
        && !is_ignored
        && !is_excluded
        && permits.check(key, true).is_ok()
}
