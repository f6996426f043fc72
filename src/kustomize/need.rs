//! What a build wants from outside before it can go on.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    Chart(crate::helm::Need),
    /// A folder of another repository.
    Repository {
        url: String,
        /// A branch, tag or commit; "" for the default branch.
        reference: String,
        path: String,
    },
    /// A plain file by http or https.
    File {
        url: String,
    },
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Chart(crate::helm::Need::Chart {
                repository,
                name,
                version,
            }) => {
                write!(f, "chart {name} {version} of {repository}")
            }
            Need::Repository {
                url,
                reference,
                path,
            } => {
                let reference = if reference.is_empty() {
                    "HEAD"
                } else {
                    reference
                };
                write!(f, "path {path:?} of {url} at {reference}")
            }
            Need::File { url } => f.write_str(url),
        }
    }
}
