//! What a render wants from outside before it can go on. The shell fetches
//! it and renders again.

/// Something that a pure room asks its caller for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A chart that is not vendored, or not in the wanted version.
    Chart {
        /// As Chart.yaml writes it: https, http, oci, file, `alias:`, `@name`.
        repository: String,
        name: String,
        /// An exact version where Chart.lock pins one, else a range.
        version: String,
    },
}

/// What a template asks the cluster for: an object, or all of a kind where
/// `name` is empty; of all namespaces where `namespace` is, too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lookup {
    pub api_version: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
}

impl std::fmt::Display for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "lookup of {} {}", self.api_version, self.kind)?;
        match (self.namespace.as_str(), self.name.as_str()) {
            ("", "") => Ok(()),
            ("", name) => write!(f, " {name}"),
            (namespace, "") => write!(f, " in {namespace}"),
            (namespace, name) => write!(f, " {namespace}/{name}"),
        }
    }
}
