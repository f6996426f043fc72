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
