//! Why a chart cannot be had, and whether waiting may help.

use std::io;

use crate::http;

/// What was tried on which repository, and what went wrong.
#[derive(Debug, thiserror::Error)]
#[error("chart repository {repository}: {operation}: {fault}")]
pub struct Error {
    /// Without credentials.
    pub repository: String,
    pub operation: String,
    #[source]
    pub fault: Fault,
}

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Url(String),
    #[error(transparent)]
    Http(Box<http::Error>),
    #[error("authentication is required{}", hint(.given))]
    Unauthenticated { given: bool },
    /// They are not usable as they are configured, or cannot be had now.
    #[error("{0}")]
    Credentials(String),
    #[error("access is denied to these credentials")]
    Forbidden,
    #[error("there is no {0} there: is it a Helm repository?")]
    NoIndex(String),
    #[error("{0} is not there")]
    NotFound(String),
    #[error("its index is not readable: {0}")]
    Index(String),
    #[error("it has no chart {0}")]
    NoChart(String),
    #[error("no version of chart {chart} fits {wanted:?}{newest}")]
    NoVersion {
        chart: String,
        wanted: String,
        newest: Box<str>,
    },
    #[error("{what} has digest {found}, but {wanted} is asked for")]
    Digest {
        what: &'static str,
        found: String,
        wanted: String,
    },
    #[error("the registry's answer is not usable: {0}")]
    Registry(String),
    #[error("it exceeds the limit of {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the cache on disk: {0}")]
    Disk(#[source] io::Error),
}

fn hint(given: &bool) -> &'static str {
    if *given {
        ", and the given credentials were refused"
    } else {
        " (no credentials are configured for this URL)"
    }
}

impl Error {
    pub fn new(repository: &str, operation: &str, fault: Fault) -> Self {
        Self {
            repository: http::masked(repository),
            operation: operation.to_owned(),
            fault,
        }
    }

    /// May the same succeed a little later, with nothing changed here?
    pub fn is_retryable(&self) -> bool {
        self.fault.is_retryable()
    }
}

impl Fault {
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Http(error) => error.is_retryable(),
            Self::Disk(_) | Self::Credentials(_) => true,
            Self::Url(_)
            | Self::Unauthenticated { .. }
            | Self::Forbidden
            | Self::NoIndex(_)
            | Self::NotFound(_)
            | Self::Index(_)
            | Self::NoChart(_)
            | Self::NoVersion { .. }
            | Self::Digest { .. }
            | Self::Registry(_)
            | Self::TooLarge { .. } => false,
        }
    }

    pub(super) fn http(error: http::Error) -> Self {
        Self::Http(Box::new(error))
    }
}
