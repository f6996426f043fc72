//! Which failures the client tries again by itself, and when.

use super::error::is_retryable_code;
use super::{Conflict, Error};
use crate::http::{Fault, Retry};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Attempts of one request. Short: what lasts longer is the caller's to
/// schedule, and a worker must not sleep while others wait.
pub const ATTEMPTS: Retry = Retry {
    attempts: 4,
    first: Duration::from_millis(200),
    longest: Duration::from_secs(10),
};

/// Whether sending a request twice does what sending it once does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeatable {
    /// And it names no resourceVersion: an object that changed under it is
    /// just the next one to do it to.
    AnyVersion,
    Yes,
    /// Only if the server surely did not act on it.
    No,
}

pub fn is_worth_another(error: &Error, repeatable: Repeatable) -> bool {
    match error {
        Error::Status { status, .. } => match status.code {
            // Turned away at the door: nothing was done.
            429 => true,
            503 if error.retry_after().is_some() => true,
            409 => {
                repeatable == Repeatable::AnyVersion
                    && error.conflict() == Some(Conflict::ResourceVersion)
            }
            _ if error.is_untyped() => false,
            code => is_retryable_code(code) && repeatable != Repeatable::No,
        },
        Error::Connection { source, .. } => {
            let unsent = matches!(source.fault, Fault::Dns { .. } | Fault::Connect(_));
            source.is_retryable() && (unsent || repeatable != Repeatable::No)
        }
        Error::Answer { .. } => repeatable != Repeatable::No,
        Error::Request { .. } | Error::Credentials { .. } | Error::Fenced { .. } => false,
    }
}

/// A number in 0..1, different for every call. Spreads retries; no secret.
pub fn jitter() -> f64 {
    let bits = RandomState::new().hash_one(0u8) >> 11;
    bits as f64 / (1u64 << 53) as f64
}
