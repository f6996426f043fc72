//! How a draft becomes an answer: credentials, attempts, errors.

use super::client::{Client, Connection};
use super::config::{Config, ConfigError, read_limited};
use super::credentials::Identity;
use super::error::{Attempt, Error};
use super::fence::Pass;
use super::request::Draft;
use super::retry::{ATTEMPTS, is_worth_another, jitter};
use crate::http::{self, ClientCertificate, Fault, Roots, Settings, Timeouts};
use ::http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, RETRY_AFTER,
};
use ::http::{HeaderMap, Method, Request, Response};
use kube_core::Status;
use kube_core::response::StatusDetails;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use ureq::Body;

/// An error's body above this is cut: it is a page, not a Status.
pub(super) const MAX_STATUS_BYTES: u64 = 256 * 1024;
/// How much of a body that is no Status goes into the message.
const MAX_EXCERPT_CHARS: usize = 200;

impl Client {
    /// Attempts until an answer is a success, or not worth another attempt.
    /// `read` takes in what of the body belongs to the attempt.
    pub(super) fn run<T>(
        &self,
        draft: &Draft,
        attempt: &Attempt,
        read: &mut dyn FnMut(Response<Body>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut n = 1;
        let mut renewed = false;
        loop {
            let error = match self.send_once(draft, attempt).and_then(&mut *read) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let wait = if !renewed && self.renew(&error) {
                renewed = true;
                Duration::ZERO
            } else if n < draft.attempts && is_worth_another(&error, draft.repeatable) {
                let asked = error.retry_after();
                if asked.is_some_and(|asked| asked > ATTEMPTS.longest) {
                    return Err(error);
                }
                n += 1;
                ATTEMPTS.delay(n - 1, jitter(), asked)
            } else {
                return Err(error);
            };
            self.inner.counters.retries.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(wait);
        }
    }

    fn send_once(&self, draft: &Draft, attempt: &Attempt) -> Result<Response<Body>, Error> {
        let (connection, identity) = self.connection(attempt)?;
        // Last of all, and held until the answer is there.
        let pass = self.pass(draft, attempt)?;
        let within = pass.as_ref().map(|pass| pass.left).or(draft.within);
        let request = self.request(draft, &identity, attempt, within)?;
        self.count(draft);
        let mut response = connection
            .http
            .send_within(request, within)
            .map_err(|source| Error::no_answer(attempt, source))?;
        let code = response.status().as_u16();
        if (200..300).contains(&code) || code == 304 {
            return Ok(response);
        }
        let mut body = Vec::new();
        // The code is the error, however its body ends.
        let _ = response
            .body_mut()
            .as_reader()
            .take(MAX_STATUS_BYTES)
            .read_to_end(&mut body);
        let retry_after = retry_after(response.headers());
        Err(Error::Status {
            attempt: attempt.clone(),
            status: Box::new(status_of(code, &body, retry_after)),
        })
    }

    /// What a write needs where the client is guarded.
    fn pass(&self, draft: &Draft, attempt: &Attempt) -> Result<Option<Pass>, Error> {
        match &self.fence {
            Some(fence) if draft.is_write() => match fence.pass() {
                Some(pass) => Ok(Some(pass)),
                None => Err(Error::Fenced {
                    attempt: attempt.clone(),
                }),
            },
            Some(_) | None => Ok(None),
        }
    }

    /// The request with server and credentials; the server, too, gives up
    /// after `within`.
    pub(super) fn request(
        &self,
        draft: &Draft,
        identity: &Identity,
        attempt: &Attempt,
        within: Option<Duration>,
    ) -> Result<Request<Vec<u8>>, Error> {
        let mut uri = format!("{}{}", self.inner.config.server, draft.path);
        if let Some(within) = within {
            let sign = if uri.contains('?') { '&' } else { '?' };
            uri.push_str(&format!("{sign}timeout={}ms", within.as_millis()));
        }
        let mut request = Request::builder()
            .method(draft.method.clone())
            .uri(uri)
            .header(ACCEPT, draft.accept)
            // Compressing costs the server more than the network beside it saves.
            .header(ACCEPT_ENCODING, "identity");
        if let Some(content_type) = draft.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(etag) = &draft.if_none_match {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(authorization) = &identity.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        match &self.acts_as {
            Some(user) if draft.method != Method::GET => {
                request = request.header("impersonate-user", &**user);
            }
            Some(_) | None => {
                for (name, value) in self.inner.credentials.impersonate() {
                    request = request.header(*name, value);
                }
            }
        }
        request
            .body(draft.body.clone())
            .map_err(|error| Error::Request {
                attempt: attempt.clone(),
                what: format!("the request cannot be made: {error}"),
            })
    }

    /// The connection for the credentials of this moment.
    pub(super) fn connection(
        &self,
        attempt: &Attempt,
    ) -> Result<(Arc<Connection>, Identity), Error> {
        let identity = self
            .inner
            .credentials
            .identity()
            .map_err(|source| Error::Credentials {
                attempt: attempt.clone(),
                source: Box::new(source),
            })?;
        let mut connection = self.inner.connection.lock().expect("no holder panics");
        if connection.certificate != identity.certificate {
            let roots = connection.roots.clone();
            let made = connect(&self.inner.config, roots, identity.certificate.clone());
            *connection = Arc::new(made.map_err(|source| Error::no_answer(attempt, source))?);
        }
        Ok((Arc::clone(&connection), identity))
    }

    /// New credentials after a 401, the CA's file once more after a
    /// certificate that it did not sign. False where nothing is new.
    pub(super) fn renew(&self, error: &Error) -> bool {
        match error {
            Error::Status { .. } if error.is_unauthorized() => self.inner.credentials.refused(),
            Error::Connection { source, .. } if matches!(source.fault, Fault::Tls { .. }) => {
                self.reread_roots().unwrap_or(false)
            }
            Error::Status { .. }
            | Error::Connection { .. }
            | Error::Answer { .. }
            | Error::Request { .. }
            | Error::Credentials { .. }
            | Error::Fenced { .. } => false,
        }
    }

    fn reread_roots(&self) -> Result<bool, ConfigError> {
        let Some(path) = &self.inner.config.roots_file else {
            return Ok(false);
        };
        let roots = Roots::Only(read_limited(path)?);
        let mut connection = self.inner.connection.lock().expect("no holder panics");
        if connection.roots == roots {
            return Ok(false);
        }
        let certificate = connection.certificate.clone();
        let Ok(made) = connect(&self.inner.config, roots, certificate) else {
            return Ok(false);
        };
        *connection = Arc::new(made);
        Ok(true)
    }

    fn count(&self, draft: &Draft) {
        let counters = &self.inner.counters;
        let counter = if draft.method == Method::GET {
            &counters.reads
        } else if draft.dry_run {
            &counters.dry_runs
        } else {
            &counters.writes
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A body that ends early is a broken connection, any other fault the server's.
    pub(super) fn broken_body(
        &self,
        draft: &Draft,
        attempt: &Attempt,
        error: serde_json::Error,
    ) -> Error {
        if error.is_io() || error.is_eof() {
            let url = format!("{}{}", self.inner.config.server, draft.path);
            let fault = Fault::Broken(format!("the answer breaks off: {error}"));
            return Error::Connection {
                attempt: attempt.clone(),
                source: Box::new(http::Error::new(draft.method.as_str(), &url, fault)),
            };
        }
        self.odd(attempt, &format!("what is not the JSON expected: {error}"))
    }

    pub(super) fn odd(&self, attempt: &Attempt, what: &str) -> Error {
        Error::Answer {
            attempt: attempt.clone(),
            server: self.inner.config.server.clone(),
            what: what.to_owned(),
        }
    }
}

pub(super) fn connect(
    config: &Config,
    roots: Roots,
    certificate: Option<ClientCertificate>,
) -> Result<Connection, http::Error> {
    connect_within(config, roots, certificate, Timeouts::default())
}

pub(super) fn connect_within(
    config: &Config,
    roots: Roots,
    certificate: Option<ClientCertificate>,
    timeouts: Timeouts,
) -> Result<Connection, http::Error> {
    let http = http::Client::new(Settings {
        timeouts,
        roots: roots.clone(),
        client_certificate: certificate.clone(),
        insecure: config.insecure,
        server_name: config.server_name.clone(),
        proxy: config.proxy.clone(),
    })?;
    Ok(Connection {
        http,
        certificate,
        roots,
    })
}

/// The Status in an error's body; where there is none (a proxy's page, Go's
/// plain "404 page not found"), one made of the code and the text.
pub(super) fn status_of(code: u16, body: &[u8], retry_after: Option<u32>) -> Status {
    let mut status = serde_json::from_slice::<Status>(body)
        .ok()
        .filter(|status| status.status.is_some() || !status.reason.is_empty())
        .unwrap_or_else(|| {
            let text = String::from_utf8_lossy(body);
            let line: Vec<_> = text.split_whitespace().collect();
            let line = line.join(" ");
            let reason = ::http::StatusCode::from_u16(code)
                .ok()
                .and_then(|code| code.canonical_reason())
                .unwrap_or("unknown");
            // A page for a browser says nothing that the code does not.
            let words = if line.is_empty() || line.starts_with('<') {
                reason.to_owned()
            } else {
                line.chars().take(MAX_EXCERPT_CHARS).collect()
            };
            Status::failure(&words, "")
        });
    status.code = code;
    if let Some(seconds) = retry_after {
        let details = status.details.get_or_insert_with(|| StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        });
        details.retry_after_seconds = details.retry_after_seconds.max(seconds);
    }
    status
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<u32> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}
