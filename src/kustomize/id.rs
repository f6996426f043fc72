//! What names a resource: group, version, kind, name, namespace.

use std::fmt;

/// A namespace that no object can be in: of cluster-scoped resources.
pub const NO_NAMESPACE: &str = "_non_namespaceable_";
/// What an empty namespace stands for.
pub const DEFAULT_NAMESPACE: &str = "default";

/// Group, version and kind; in selectors an empty part means any.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    pub group: String,
    pub version: String,
    pub kind: String,
}

impl Gvk {
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        Gvk {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// Of `apps/v1` or `v1`, and a kind.
    pub fn from_api_version(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Gvk::new(group, version, kind)
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether each part that the selector has is the same here.
    pub fn is_selected_by(&self, selector: &Gvk) -> bool {
        (selector.group.is_empty() || selector.group == self.group)
            && (selector.version.is_empty() || selector.version == self.version)
            && (selector.kind.is_empty() || selector.kind == self.kind)
    }
}

/// `Deployment.v1.apps`, with words for what is missing.
impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &str, none: &'static str| {
            if text.is_empty() {
                none.to_owned()
            } else {
                text.to_owned()
            }
        };
        write!(
            f,
            "{}.{}.{}",
            or(&self.kind, "[noKind]"),
            or(&self.version, "[noVer]"),
            or(&self.group, "[noGrp]")
        )
    }
}

/// A resource as it was named at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// `Deployment.v1.apps/web.default`
impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "[noName]"
        } else {
            &self.name
        };
        let namespace = if self.namespace.is_empty() {
            "[noNs]"
        } else {
            &self.namespace
        };
        write!(f, "{}/{name}.{namespace}", self.gvk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_namespace_is_the_default_one() {
        let id = |namespace: &str| ResId {
            gvk: Gvk::from_api_version("apps/v1", "Deployment"),
            name: "web".into(),
            namespace: namespace.into(),
            is_cluster_scoped: false,
        };
        assert!(id("").is_same(&id("default")));
        assert!(!id("").is_same(&id("other")));
        assert_eq!(id("").to_string(), "Deployment.v1.apps/web.[noNs]");
    }
}
