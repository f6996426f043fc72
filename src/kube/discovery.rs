//! What the API server serves, from the aggregated documents (Kubernetes 1.26
//! and later; two requests, ETags) or from one document a group version.

use super::{Resource, Verbs};
use crate::object::Gvk;
use serde::Deserialize;
use std::sync::Arc;

/// Every kind that is served, in the server's order of preference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discovery {
    pub(crate) parts: Vec<Arc<Part>>,
}

/// What one document said: the core group, or all others.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    pub etag: Option<String>,
    pub groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub name: String,
    /// The preferred version first.
    pub versions: Vec<Version>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub name: String,
    /// An aggregated API whose server does not answer: its kinds are unknown, not gone.
    pub stale: bool,
    pub resources: Vec<Arc<Resource>>,
}

impl Discovery {
    /// The resource of exactly this group, version and kind.
    pub fn resource(&self, gvk: &Gvk) -> Option<&Arc<Resource>> {
        self.version(&gvk.group, &gvk.version)?
            .resources
            .iter()
            .find(|resource| resource.kind == gvk.kind)
    }

    /// The resource of a kind in the version that the server prefers.
    pub fn preferred(&self, group: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.versions_of(group)
            .flat_map(|version| &version.resources)
            .find(|resource| resource.kind == kind)
    }

    /// The versions in which a kind is served, best first. For the words of
    /// an error about a version that is gone.
    pub fn served_versions(&self, group: &str, kind: &str) -> Vec<&str> {
        self.versions_of(group)
            .filter(|version| version.resources.iter().any(|r| r.kind == kind))
            .map(|version| version.name.as_str())
            .collect()
    }

    /// Every version of every group that serves this kind: `extensions/v1beta1
    /// Ingress` is asked for, `networking.k8s.io/v1` has it.
    pub fn served_elsewhere(&self, kind: &str) -> Vec<Gvk> {
        self.resources()
            .filter(|resource| resource.kind == kind)
            .map(|resource| resource.gvk())
            .collect()
    }

    pub fn serves_group_version(&self, group: &str, version: &str) -> bool {
        self.version(group, version).is_some()
    }

    /// All resources; a kind comes once for each of its versions.
    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.groups()
            .flat_map(|group| &group.versions)
            .flat_map(|version| &version.resources)
    }

    /// Each kind once, in its preferred version.
    pub fn preferred_resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources().filter(|resource| {
            self.preferred(&resource.group, &resource.kind)
                .is_some_and(|best| Arc::ptr_eq(best, resource))
        })
    }

    /// Group versions whose server does not answer (`metrics.k8s.io/v1beta1`
    /// mostly): nothing may be concluded from what is missing there.
    pub fn unavailable(&self) -> Vec<String> {
        self.groups()
            .flat_map(|group| group.versions.iter().map(move |version| (group, version)))
            .filter(|(_, version)| version.stale)
            .map(|(group, version)| api_version(&group.name, &version.name))
            .collect()
    }

    /// `v1`, `v1/Pod`, `apps/v1`, `apps/v1/Deployment`: what Helm's
    /// `.Capabilities.APIVersions` is given, from the kinds that can be listed
    /// and watched, sorted.
    pub fn api_versions(&self) -> Vec<String> {
        let mut all = Vec::new();
        for group in self.groups() {
            for version in &group.versions {
                let name = api_version(&group.name, &version.name);
                for resource in &version.resources {
                    if resource.verbs.has(Verbs::LIST.with(Verbs::WATCH)) {
                        all.push(format!("{name}/{}", resource.kind));
                        all.push(name.clone());
                    }
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.parts.iter().flat_map(|part| &part.groups)
    }

    fn versions_of(&self, group: &str) -> impl Iterator<Item = &Version> {
        self.groups()
            .filter(move |candidate| candidate.name == group)
            .flat_map(|group| &group.versions)
    }

    fn version(&self, group: &str, version: &str) -> Option<&Version> {
        self.versions_of(group)
            .find(|candidate| candidate.name == version)
    }
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// The documents of discovery, down to the fields that are kept.
pub(crate) mod document {
    use super::{Deserialize, Group, Resource, Verbs, Version};
    use std::sync::Arc;

    /// apidiscovery.k8s.io/v2 and v2beta1 agree in these fields.
    #[derive(Deserialize)]
    pub struct Aggregated {
        #[serde(default)]
        pub kind: String,
        #[serde(default)]
        items: Vec<AggregatedGroup>,
    }

    #[derive(Deserialize)]
    struct AggregatedGroup {
        #[serde(default)]
        metadata: Metadata,
        #[serde(default)]
        versions: Vec<AggregatedVersion>,
    }

    #[derive(Default, Deserialize)]
    struct Metadata {
        #[serde(default)]
        name: String,
    }

    #[derive(Deserialize)]
    struct AggregatedVersion {
        version: String,
        #[serde(default)]
        freshness: String,
        #[serde(default)]
        resources: Vec<AggregatedResource>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct AggregatedResource {
        resource: String,
        response_kind: Option<ResponseKind>,
        #[serde(default)]
        scope: String,
        #[serde(default)]
        verbs: Vec<String>,
        #[serde(default)]
        subresources: Vec<Subresource>,
    }

    #[derive(Deserialize)]
    struct ResponseKind {
        #[serde(default)]
        kind: String,
    }

    #[derive(Deserialize)]
    struct Subresource {
        subresource: String,
    }

    impl Aggregated {
        pub const KIND: &str = "APIGroupDiscoveryList";

        pub fn into_groups(self) -> Vec<Group> {
            let group = |group: AggregatedGroup| {
                let name = group.metadata.name;
                let versions = group
                    .versions
                    .into_iter()
                    .map(|version| Version {
                        stale: version.freshness == "Stale",
                        resources: version
                            .resources
                            .into_iter()
                            .filter_map(|found| found.into_resource(&name, &version.version))
                            .collect(),
                        name: version.version,
                    })
                    .collect();
                Group { versions, name }
            };
            self.items.into_iter().map(group).collect()
        }
    }

    impl AggregatedResource {
        /// None for a resource that is only there for its subresources.
        fn into_resource(self, group: &str, version: &str) -> Option<Arc<Resource>> {
            let kind = self.response_kind?.kind;
            if kind.is_empty() || self.verbs.is_empty() {
                return None;
            }
            Some(Arc::new(Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                kind,
                plural: self.resource,
                namespaced: self.scope == "Namespaced",
                verbs: Verbs::parse(self.verbs.iter().map(String::as_str)),
                has_status: self.subresources.iter().any(|s| s.subresource == "status"),
            }))
        }
    }

    /// `/api` of a server without aggregated discovery.
    #[derive(Deserialize)]
    pub struct CoreVersions {
        #[serde(default)]
        pub versions: Vec<String>,
    }

    /// `/apis` of a server without aggregated discovery.
    #[derive(Deserialize)]
    pub struct GroupList {
        #[serde(default)]
        pub groups: Vec<GroupEntry>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct GroupEntry {
        pub name: String,
        #[serde(default)]
        pub versions: Vec<VersionEntry>,
        pub preferred_version: Option<VersionEntry>,
    }

    #[derive(Deserialize)]
    pub struct VersionEntry {
        pub version: String,
    }

    impl GroupEntry {
        /// The preferred version first, the others in the server's order.
        pub fn ordered_versions(&self) -> Vec<&str> {
            let preferred = self.preferred_version.as_ref().map(|v| v.version.as_str());
            let others = self
                .versions
                .iter()
                .map(|v| v.version.as_str())
                .filter(|version| Some(*version) != preferred);
            preferred.into_iter().chain(others).collect()
        }
    }

    /// `/api/v1`, `/apis/apps/v1`.
    #[derive(Deserialize)]
    pub struct ResourceList {
        #[serde(default)]
        resources: Vec<ResourceEntry>,
    }

    #[derive(Deserialize)]
    struct ResourceEntry {
        name: String,
        #[serde(default)]
        kind: String,
        #[serde(default)]
        namespaced: bool,
        #[serde(default)]
        verbs: Vec<String>,
    }

    impl ResourceList {
        pub fn into_resources(self, group: &str, version: &str) -> Vec<Arc<Resource>> {
            let has_status = |plural: &str| {
                self.resources
                    .iter()
                    .any(|entry| entry.name.strip_suffix("/status") == Some(plural))
            };
            self.resources
                .iter()
                .filter(|entry| !entry.name.contains('/') && !entry.verbs.is_empty())
                .map(|entry| {
                    Arc::new(Resource {
                        group: group.to_owned(),
                        version: version.to_owned(),
                        kind: entry.kind.clone(),
                        plural: entry.name.clone(),
                        namespaced: entry.namespaced,
                        verbs: Verbs::parse(entry.verbs.iter().map(String::as_str)),
                        has_status: has_status(&entry.name),
                    })
                })
                .collect()
        }
    }
}
