//! What a build wants from outside before it can go on, and what was brought.

use crate::tree::Tree;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    Chart(crate::helm::Need),
    Repository(Repository),
    /// A plain file by http or https.
    File {
        url: String,
    },
    /// What a chart's template asks the cluster for.
    Lookup(crate::helm::Lookup),
}

/// A repository at a reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    /// As git takes it.
    pub url: String,
    /// A branch, tag or commit; "" for the default branch.
    pub reference: String,
    pub submodules: bool,
}

/// What was brought for the needs of earlier attempts.
pub trait Fetched {
    fn repository(&self, of: &Repository) -> Option<&dyn Tree>;

    fn file(&self, url: &str) -> Option<Page>;
}

/// What a server answers for a plain URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    Bytes(Vec<u8>),
    /// A status that is no success.
    Refused(u16),
}

/// Where nothing was fetched.
pub struct Nothing;

impl Fetched for Nothing {
    fn repository(&self, _: &Repository) -> Option<&dyn Tree> {
        None
    }

    fn file(&self, _: &str) -> Option<Page> {
        None
    }
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
            Need::Repository(Repository { url, reference, .. }) => {
                let reference = match reference.as_str() {
                    "" => "HEAD",
                    named => named,
                };
                write!(f, "{url} at {reference}")
            }
            Need::File { url } => f.write_str(url),
            Need::Lookup(lookup) => lookup.fmt(f),
        }
    }
}
