//! Why a repository cannot be read, and whether waiting may help.

use std::io;

use crate::http;

/// What was tried on which repository, and what went wrong.
#[derive(Debug, thiserror::Error)]
#[error("repository {repository}: {operation}: {fault}")]
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
    #[error("cannot be reached by ssh: {0}")]
    Ssh(String),
    #[error("the host key is refused: {0}")]
    HostKey(String),
    #[error("authentication is required{}", hint(.given))]
    Unauthenticated { given: bool },
    /// They are not usable as they are configured, or cannot be had now.
    #[error("{0}")]
    Credentials(String),
    #[error("access is denied to these credentials")]
    Forbidden,
    #[error("no such repository, or no access to it")]
    NotFound,
    #[error("the answer is not one of a git server: {0}")]
    Garbage(String),
    #[error("the server answered nothing")]
    Nothing,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the repository has no commits yet")]
    Unborn,
    #[error("no such branch, tag or commit{0}")]
    NoSuchRevision(String),
    #[error("the abbreviated commit fits {0}: give more of it")]
    Ambiguous(String),
    #[error(
        "the server does not resolve abbreviated commits, and its newest {commits} commits do not hold this one: give all 40 digits, a branch or a tag"
    )]
    Abbreviated { commits: usize },
    #[error("the server does not hand out this commit: {0}")]
    CommitRefused(String),
    #[error("it exceeds the limit of {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the object database is damaged: {0}")]
    Damaged(String),
    /// Whoever asked for it wants it no more.
    #[error("{0}")]
    Stopped(String),
    #[error("{0}")]
    Submodule(String),
    #[error("is not a git repository")]
    NotGit,
    #[error("{0}")]
    Local(String),
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

    /// Another process has the cache.
    pub fn is_in_use(&self) -> bool {
        matches!(&self.fault, Fault::Disk(error) if error.kind() == io::ErrorKind::ResourceBusy)
    }

    /// May the same succeed a little later, with nothing changed here?
    pub fn is_retryable(&self) -> bool {
        match &self.fault {
            Fault::Http(error) => error.is_retryable(),
            Fault::Ssh(_)
            | Fault::Credentials(_)
            | Fault::Nothing
            | Fault::Broken(_)
            | Fault::Damaged(_)
            | Fault::Stopped(_)
            | Fault::Disk(_)
            | Fault::CommitRefused(_) => true,
            Fault::Url(_)
            | Fault::HostKey(_)
            | Fault::Unauthenticated { .. }
            | Fault::Forbidden
            | Fault::NotFound
            | Fault::Garbage(_)
            | Fault::Unborn
            | Fault::NoSuchRevision(_)
            | Fault::Ambiguous(_)
            | Fault::Abbreviated { .. }
            | Fault::TooLarge { .. }
            | Fault::Submodule(_)
            | Fault::NotGit
            | Fault::Local(_) => false,
        }
    }
}

/// An error and its sources in one line, each said once.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string().replace('\n', " ");
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string().replace('\n', " ");
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = cause.source();
    }
    text
}
