use super::Resource;
use crate::object::{Object, ResourceKey};
use kube_core::Status;
use std::fmt;
use std::time::Duration;

/// Why a request came to nothing. Every message names what was tried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server answered, and said no.
    #[error("cannot {attempt}: {}", Words(.status))]
    Status {
        attempt: Attempt,
        status: Box<Status>,
    },
    /// No answer: name resolution, connection, TLS, a broken body, a timeout.
    #[error("cannot {attempt}: {source}")]
    Connection {
        attempt: Attempt,
        source: Box<crate::http::Error>,
    },
    /// An answer that is not what the API server should send.
    #[error("cannot {attempt}: {server} answered with {what}")]
    Answer {
        attempt: Attempt,
        server: String,
        what: String,
    },
    /// The request could not be made.
    #[error("cannot {attempt}: {what}")]
    Request { attempt: Attempt, what: String },
    /// No credentials to send.
    #[error("cannot {attempt}: {source}")]
    Credentials {
        attempt: Attempt,
        source: Box<super::ConfigError>,
    },
    /// A write that the client's fence holds back.
    #[error(
        "cannot {attempt}: this agent does not hold its Lease (any more), or another one has the application now"
    )]
    Fenced { attempt: Attempt },
}

/// A verb and the object, kind or path that it was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub verb: &'static str,
    pub target: Box<Target>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Object(ResourceKey),
    /// `apps/Deployment in namespace logging`.
    Kind(String),
    Path(String),
}

/// The two sorts of 409 that a retry must tell apart, and the third.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The object changed since it was read, or a precondition fails: read it again.
    ResourceVersion,
    /// Others own fields of an apply without force: only force or a decision helps.
    FieldManager(Vec<FieldConflict>),
    AlreadyExists,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldConflict {
    /// `.spec.replicas`, as the API server writes paths.
    pub field: String,
    /// `conflict with "kubectl" using apps/v1`, as the API server says it.
    pub message: String,
}

const FIELD_MANAGER_CONFLICT: &str = "FieldManagerConflict";

impl Error {
    pub(super) fn no_answer(attempt: &Attempt, source: crate::http::Error) -> Self {
        Error::Connection {
            attempt: attempt.clone(),
            source: Box::new(source),
        }
    }

    pub fn status(&self) -> Option<&Status> {
        match self {
            Error::Status { status, .. } => Some(status),
            Error::Connection { .. }
            | Error::Answer { .. }
            | Error::Request { .. }
            | Error::Credentials { .. }
            | Error::Fenced { .. } => None,
        }
    }

    /// The HTTP status of the answer, 0 where there was none.
    pub fn code(&self) -> u16 {
        self.status().map_or(0, |status| status.code)
    }

    /// The object is not there; also said of objects whose kind is not served.
    pub fn is_not_found(&self) -> bool {
        self.code() == 404
    }

    /// The path itself is unknown to the server: a kind or version that it
    /// does not serve, or no longer.
    pub fn is_kind_not_served(&self) -> bool {
        self.status().is_some_and(|status| {
            status.code == 404 && status.details.as_ref().is_none_or(|d| d.name.is_empty())
        })
    }

    /// The namespace of an object that is written is being deleted.
    pub fn is_namespace_terminating(&self) -> bool {
        self.has_cause("NamespaceTerminating")
    }

    pub fn is_unauthorized(&self) -> bool {
        self.code() == 401
    }

    pub fn is_forbidden(&self) -> bool {
        self.code() == 403
    }

    /// The object has fields that no schema knows: said with a code that else
    /// means a fault of the server.
    pub fn is_untyped(&self) -> bool {
        self.status().is_some_and(|status| {
            status.code == 500
                && status
                    .message
                    .starts_with("failed to create typed patch object")
        })
    }

    pub fn is_invalid(&self) -> bool {
        self.code() == 422
    }

    /// A resourceVersion or a continue token is too old: list again.
    pub fn is_expired(&self) -> bool {
        self.code() == 410
    }

    pub fn conflict(&self) -> Option<Conflict> {
        let status = self.status().filter(|status| status.code == 409)?;
        if status.reason == "AlreadyExists" {
            return Some(Conflict::AlreadyExists);
        }
        let fields: Vec<_> = status
            .details
            .iter()
            .flat_map(|details| &details.causes)
            .filter(|cause| cause.reason == FIELD_MANAGER_CONFLICT)
            .map(|cause| FieldConflict {
                field: cause.field.clone(),
                message: cause.message.clone(),
            })
            .collect();
        Some(if fields.is_empty() {
            Conflict::ResourceVersion
        } else {
            Conflict::FieldManager(fields)
        })
    }

    /// Whether the same request may succeed later without anybody's doing.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Status { status, .. } => {
                (is_retryable_code(status.code) && !self.is_untyped())
                    || self.is_namespace_terminating()
                    || self.conflict() == Some(Conflict::ResourceVersion)
            }
            Error::Connection { source, .. } => source.is_retryable(),
            // A proxy's page between us and the server, mostly.
            Error::Answer { .. } => true,
            Error::Request { .. } => false,
            Error::Credentials { .. } => true,
            // The Lease may be renewed a moment later.
            Error::Fenced { .. } => true,
        }
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.status()?.details.as_ref()?.retry_after_seconds;
        (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
    }

    fn has_cause(&self, reason: &str) -> bool {
        self.status()
            .and_then(|status| status.details.as_ref())
            .is_some_and(|details| details.causes.iter().any(|cause| cause.reason == reason))
    }
}

impl Attempt {
    pub(super) fn on(verb: &'static str, resource: &Resource, object: &Object) -> Self {
        let name = match object.name() {
            "" => object.generate_name(),
            name => name,
        };
        Self::on_object(verb, resource, object.namespace(), name)
    }

    pub(super) fn on_object(
        verb: &'static str,
        resource: &Resource,
        namespace: &str,
        name: &str,
    ) -> Self {
        Attempt {
            verb,
            target: Box::new(Target::Object(resource.key(namespace, name))),
        }
    }

    pub(super) fn on_kind(verb: &'static str, resource: &Resource, namespace: &str) -> Self {
        let target = match namespace {
            "" => resource.to_string(),
            namespace => format!("{resource} in namespace {namespace}"),
        };
        Attempt {
            verb,
            target: Box::new(Target::Kind(target)),
        }
    }

    pub(super) fn on_path(verb: &'static str, path: &str) -> Self {
        Attempt {
            verb,
            target: Box::new(Target::Path(path.to_owned())),
        }
    }
}

/// Too many requests, or a server (or what stands before it) that is not well.
pub(crate) fn is_retryable_code(code: u16) -> bool {
    matches!(code, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.verb)?;
        match &*self.target {
            Target::Object(key) => key.fmt(f),
            Target::Kind(kind) => f.write_str(kind),
            Target::Path(path) => f.write_str(path),
        }
    }
}

/// What a Status says, in one line; the message carries the causes mostly.
struct Words<'a>(&'a Status);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status {
            code,
            reason,
            message,
            details,
            ..
        } = self.0;
        if !message.is_empty() {
            f.write_str(message.trim_end())?;
        } else if !reason.is_empty() {
            f.write_str(reason)?;
        } else {
            f.write_str("no reason given")?;
        }
        for cause in details.iter().flat_map(|details| &details.causes) {
            let told = message.contains(&cause.message) || cause.reason == FIELD_MANAGER_CONFLICT;
            if !told && !cause.message.is_empty() {
                write!(f, "; {}: {}", cause.field, cause.message)?;
            }
        }
        write!(f, " (HTTP {code})")
    }
}
