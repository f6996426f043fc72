//! What names a resource: group, version, kind, name, namespace.

use crate::object::Gvk;
use std::fmt;

/// A namespace that no object can be in: of cluster-scoped resources.
pub const NO_NAMESPACE: &str = "_non_namespaceable_";
/// What an empty namespace stands for.
pub const DEFAULT_NAMESPACE: &str = "default";

/// Of `apps/v1` or `v1`, and a kind; whatever stands there is taken.
pub fn gvk_of(api_version: &str, kind: &str) -> Gvk {
    let (group, version) = split_api_version(api_version);
    Gvk::new(group, version, kind)
}

pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Whether each part that the selector has is the same here; an empty part
/// of a selector means any.
pub fn is_selected(gvk: &Gvk, selector: &Gvk) -> bool {
    (selector.group.is_empty() || selector.group == gvk.group)
        && (selector.version.is_empty() || selector.version == gvk.version)
        && (selector.kind.is_empty() || selector.kind == gvk.kind)
}

/// A resource as it was named at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResId {
    pub gvk: Gvk,
    pub name: String,
    pub namespace: String,
    /// The schema knows the kind, and that it is in no namespace.
    pub is_cluster_scoped: bool,
}

impl ResId {
    /// The namespace that two ids are compared by.
    pub fn effective_namespace(&self) -> &str {
        if self.is_cluster_scoped {
            NO_NAMESPACE
        } else if self.namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            &self.namespace
        }
    }

    pub fn is_same(&self, other: &ResId) -> bool {
        self.is_same_namespace(other) && self.is_same_gvk_and_name(other)
    }

    pub fn is_same_namespace(&self, other: &ResId) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    pub fn is_same_gvk_and_name(&self, other: &ResId) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }
}

/// Group, version and kind as kustomize's messages have them:
/// `Deployment.v1.apps`.
pub fn gvk_words(gvk: &Gvk) -> String {
    let or = |text: &str, none: &str| if text.is_empty() { none } else { text }.to_owned();
    format!(
        "{}.{}.{}",
        or(&gvk.kind, "[noKind]"),
        or(&gvk.version, "[noVer]"),
        or(&gvk.group, "[noGrp]")
    )
}

/// `Deployment.v1.apps/web.default`
impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &str, none: &str| if text.is_empty() { none } else { text }.to_owned();
        let (name, namespace) = (or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"));
        write!(f, "{}/{name}.{namespace}", gvk_words(&self.gvk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_namespace_is_the_default_one() {
        let id = |namespace: &str| ResId {
            gvk: gvk_of("apps/v1", "Deployment"),
            name: "web".into(),
            namespace: namespace.into(),
            is_cluster_scoped: false,
        };
        assert!(id("").is_same(&id("default")));
        assert!(!id("").is_same(&id("other")));
        assert_eq!(id("").to_string(), "Deployment.v1.apps/web.[noNs]");
    }
}
