//! Discovery documents, aggregated and one by one.
//!
//! Invariant: they are made from the catalog alone; what they list is what
//! requests find.

use super::catalog::{Catalog, Resource};
use super::cluster::KubeVersion;
use crate::value::{Map, Value};
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The order of groups in discovery: kube-apiserver's APIService priorities.
const GROUP_PRIORITIES: &[(&str, u32)] = &[
    ("", 18000),
    ("apiregistration.k8s.io", 17990),
    ("extensions", 17900),
    ("apps", 17800),
    ("events.k8s.io", 17750),
    ("authentication.k8s.io", 17700),
    ("authorization.k8s.io", 17600),
    ("autoscaling", 17500),
    ("batch", 17400),
    ("certificates.k8s.io", 17300),
    ("networking.k8s.io", 17200),
    ("policy", 17100),
    ("rbac.authorization.k8s.io", 17000),
    ("settings.k8s.io", 16900),
    ("storage.k8s.io", 16800),
    ("admissionregistration.k8s.io", 16700),
    ("apiextensions.k8s.io", 16700),
    ("scheduling.k8s.io", 16600),
    ("coordination.k8s.io", 16500),
    ("node.k8s.io", 16300),
    ("discovery.k8s.io", 16200),
    ("resource.k8s.io", 16200),
    ("flowcontrol.apiserver.k8s.io", 16100),
    ("internal.apiserver.k8s.io", 16000),
    ("storagemigration.k8s.io", 15800),
];
/// The priority of groups that CustomResourceDefinitions bring.
const CUSTOM_PRIORITY: u32 = 1000;

pub fn version(version: &KubeVersion) -> Value {
    let mut map = Map::new();
    map.insert("major", "1");
    map.insert("minor", version.minor.to_string());
    map.insert("gitVersion", version.to_string());
    map.insert("gitCommit", "");
    map.insert("gitTreeState", "clean");
    map.insert("buildDate", "1970-01-01T00:00:00Z");
    map.insert("goVersion", "");
    map.insert("compiler", "");
    map.insert("platform", "linux/amd64");
    Value::Map(map)
}

/// The paths that `/` lists.
pub fn root(catalog: &Catalog) -> Value {
    let mut paths: Vec<String> = vec!["/api".into(), "/api/v1".into(), "/apis".into()];
    for (group, versions) in ordered(catalog) {
        if !group.is_empty() {
            paths.push(format!("/apis/{group}"));
            paths.extend(versions.iter().map(|(v, _)| format!("/apis/{group}/{v}")));
        }
    }
    for path in [
        "/healthz",
        "/livez",
        "/openapi/v2",
        "/openapi/v3",
        "/readyz",
        "/version",
    ] {
        paths.push(path.to_owned());
    }
    let mut map = Map::new();
    map.insert("paths", strings(&paths));
    Value::Map(map)
}

pub fn core_versions() -> Value {
    let mut map = Map::new();
    map.insert("kind", "APIVersions");
    map.insert("versions", strings(&["v1".to_owned()]));
    let mut address = Map::new();
    address.insert("clientCIDR", "0.0.0.0/0");
    address.insert("serverAddress", "127.0.0.1:443");
    map.insert("serverAddressByClientCIDRs", vec![Value::Map(address)]);
    Value::Map(map)
}

/// `APIGroupList`.
pub fn groups(catalog: &Catalog) -> Value {
    let groups: Vec<Value> = ordered(catalog)
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, versions)| group_object(name, versions))
        .collect();
    let mut map = Map::new();
    map.insert("kind", "APIGroupList");
    map.insert("apiVersion", "v1");
    map.insert("groups", groups);
    Value::Map(map)
}

/// `APIGroup`.
pub fn group(catalog: &Catalog, name: &str) -> Option<Value> {
    let groups = ordered(catalog);
    let (name, versions) = groups.iter().find(|(group, _)| group == name)?;
    let mut object = group_object(name, versions);
    if let Some(map) = object.as_map_mut() {
        map.insert("kind", "APIGroup");
        map.insert("apiVersion", "v1");
    }
    Some(object)
}

fn group_object(name: &str, versions: &[(String, Vec<Rc<Resource>>)]) -> Value {
    let listed: Vec<Value> = versions
        .iter()
        .map(|(version, _)| {
            let mut map = Map::new();
            map.insert("groupVersion", format!("{name}/{version}"));
            map.insert("version", version.as_str());
            Value::Map(map)
        })
        .collect();
    let mut map = Map::new();
    map.insert("name", name);
    if let Some(first) = listed.first() {
        map.insert("preferredVersion", first.clone());
    }
    map.insert("versions", listed);
    Value::Map(map)
}

/// `APIResourceList` of one version.
pub fn resources(catalog: &Catalog, group: &str, version: &str) -> Option<Value> {
    let mut listed: Vec<(String, Value)> = Vec::new();
    for resource in catalog.all() {
        if resource.group != group || resource.version != version {
            continue;
        }
        listed.push((resource.plural.clone(), api_resource(resource)));
        for sub in &resource.subresources {
            let name = format!("{}/{}", resource.plural, sub.name);
            let mut map = Map::new();
            map.insert("name", name.as_str());
            map.insert("singularName", "");
            map.insert("namespaced", resource.namespaced);
            if sub.group != resource.group || sub.version != resource.version {
                if !sub.group.is_empty() {
                    map.insert("group", sub.group.as_str());
                }
                map.insert("version", sub.version.as_str());
            }
            map.insert("kind", sub.kind.as_str());
            map.insert("verbs", strings(&sub.verbs));
            listed.push((name, Value::Map(map)));
        }
    }
    if listed.is_empty() {
        return None;
    }
    // Those of definitions stand as they were made: status before scale.
    let is_custom = catalog
        .all()
        .any(|r| r.group == group && r.version == version && r.is_custom());
    if !is_custom {
        listed.sort_by(|a, b| a.0.cmp(&b.0));
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let items: Vec<Value> = listed.into_iter().map(|(_, value)| value).collect();
    let mut map = Map::new();
    map.insert("kind", "APIResourceList");
    map.insert("apiVersion", "v1");
    map.insert("groupVersion", group_version);
    map.insert("resources", items);
    Some(Value::Map(map))
}

fn api_resource(resource: &Resource) -> Value {
    let mut map = Map::new();
    map.insert("name", resource.plural.as_str());
    map.insert("singularName", resource.singular.as_str());
    map.insert("namespaced", resource.namespaced);
    map.insert("kind", resource.kind.as_str());
    map.insert("verbs", strings(&resource.verbs));
    if !resource.short_names.is_empty() {
        map.insert("shortNames", strings(&resource.short_names));
    }
    if !resource.categories.is_empty() {
        map.insert("categories", strings(&resource.categories));
    }
    Value::Map(map)
}

/// `APIGroupDiscoveryList`, where the client asks for it: content type,
/// bytes, ETag.
pub fn aggregated(
    catalog: &Catalog,
    is_core: bool,
    accept: &str,
) -> Option<(&'static str, String, String)> {
    let wanted = accept.split(',').find_map(|clause| {
        let is_list = clause.contains("as=APIGroupDiscoveryList");
        let is_json = clause.trim_start().starts_with("application/json");
        if !(is_list && is_json && clause.contains("g=apidiscovery.k8s.io")) {
            return None;
        }
        let version = clause
            .split(';')
            .find_map(|part| part.trim().strip_prefix("v="))?;
        ["v2", "v2beta1"]
            .into_iter()
            .find(|known| *known == version && catalog.aggregated_discovery.contains(known))
    })?;
    let content_type = match wanted {
        "v2" => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        _ => "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
    };
    let mut items = Vec::new();
    for (name, versions) in ordered(catalog) {
        if name.is_empty() != is_core {
            continue;
        }
        let versions: Vec<Value> = versions
            .into_iter()
            .map(|(version, resources)| aggregated_version(&version, &resources))
            .collect();
        let mut metadata = Map::new();
        if !name.is_empty() {
            metadata.insert("name", name.as_str());
        }
        metadata.insert("creationTimestamp", Value::Null);
        let mut item = Map::new();
        item.insert("metadata", metadata);
        item.insert("versions", versions);
        items.push(Value::Map(item));
    }
    let mut map = Map::new();
    map.insert("kind", "APIGroupDiscoveryList");
    map.insert("apiVersion", format!("apidiscovery.k8s.io/{wanted}"));
    map.insert("metadata", Map::new());
    map.insert("items", items);
    let body = Value::Map(map).to_json();
    // Of the content: clients keep it across restarts of the server.
    let digest: String = Sha256::digest(&body)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    Some((content_type, body, format!("\"{digest}\"")))
}

fn aggregated_version(version: &str, resources: &[Rc<Resource>]) -> Value {
    let listed: Vec<Value> = resources
        .iter()
        .map(|resource| {
            let mut map = Map::new();
            map.insert("resource", resource.plural.as_str());
            map.insert(
                "responseKind",
                kind_of(&resource.group, &resource.version, &resource.kind),
            );
            map.insert(
                "scope",
                if resource.namespaced {
                    "Namespaced"
                } else {
                    "Cluster"
                },
            );
            map.insert("singularResource", resource.singular.as_str());
            map.insert("verbs", strings(&resource.verbs));
            if !resource.short_names.is_empty() {
                map.insert("shortNames", strings(&resource.short_names));
            }
            if !resource.categories.is_empty() {
                map.insert("categories", strings(&resource.categories));
            }
            if !resource.subresources.is_empty() {
                let subresources: Vec<Value> = resource
                    .subresources
                    .iter()
                    .map(|sub| {
                        let mut map = Map::new();
                        map.insert("subresource", sub.name.as_str());
                        map.insert("responseKind", kind_of(&sub.group, &sub.version, &sub.kind));
                        map.insert("verbs", strings(&sub.verbs));
                        Value::Map(map)
                    })
                    .collect();
                map.insert("subresources", subresources);
            }
            Value::Map(map)
        })
        .collect();
    let mut map = Map::new();
    map.insert("version", version);
    map.insert("freshness", "Current");
    map.insert("resources", listed);
    Value::Map(map)
}

fn kind_of(group: &str, version: &str, kind: &str) -> Map {
    let mut map = Map::new();
    map.insert("group", group);
    map.insert("version", version);
    map.insert("kind", kind);
    map
}

fn strings(texts: &[String]) -> Vec<Value> {
    texts
        .iter()
        .map(|text| Value::from(text.as_str()))
        .collect()
}

/// The resources of each version, the preferred version first.
type Versions = Vec<(String, Vec<Rc<Resource>>)>;

/// All groups in the order of their priority.
fn ordered(catalog: &Catalog) -> Vec<(String, Versions)> {
    type ByVersion = BTreeMap<(Reverse<(u8, u32, u32)>, String), Vec<Rc<Resource>>>;
    let mut groups: BTreeMap<(Reverse<u32>, &str), ByVersion> = BTreeMap::new();
    for resource in catalog.all() {
        let priority = GROUP_PRIORITIES
            .iter()
            .find(|(name, _)| *name == resource.group)
            .map_or(CUSTOM_PRIORITY, |(_, priority)| *priority);
        groups
            .entry((Reverse(priority), &resource.group))
            .or_default()
            .entry(version_order(&resource.version))
            .or_default()
            .push(resource.clone());
    }
    groups
        .into_iter()
        .map(|((_, name), versions)| {
            let versions = versions
                .into_iter()
                .map(|((_, version), resources)| (version, resources))
                .collect();
            (name.to_owned(), versions)
        })
        .collect()
}

/// Sorts versions as Kubernetes does: v2, v1, v2beta1, v1beta2, v1alpha1, and
/// then those that have no such form, by name.
pub fn version_order(version: &str) -> (Reverse<(u8, u32, u32)>, String) {
    let parsed = || {
        let rest = version.strip_prefix('v')?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let major = rest[..end].parse().ok()?;
        let (stage, number) = match &rest[end..] {
            "" => (3, "0"),
            stage => match stage.strip_prefix("beta") {
                Some(number) => (2, number),
                None => (1, stage.strip_prefix("alpha")?),
            },
        };
        Some((stage, major, number.parse().ok()?))
    };
    (Reverse(parsed().unwrap_or_default()), version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_versions_by_stability() {
        let mut versions = ["v1alpha1", "v1", "foo", "v10", "v2beta1", "v1beta2", "v2"];
        versions.sort_by_key(|version| version_order(version));
        assert_eq!(
            versions,
            ["v10", "v2", "v1", "v2beta1", "v1beta2", "v1alpha1", "foo"]
        );
    }
}
