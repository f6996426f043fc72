//! Git's smart HTTP over our own client: gix speaks the protocol, ureq carries it.
//!
//! A request whose body gix writes is sent when gix first reads the answer.
//! The last fault is kept aside as it is, since gix's error is only text.

use std::any::Any;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::error::{Error as GixError, Result as GixResult};
use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse,
};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, Uri};
use ureq::ResponseExt;

use super::access::Access;
use super::counters::Counters;
use super::error::Fault;
use super::url::RepositoryUrl;
use crate::http::{
    Client, Error as HttpError, Fault as HttpFault, io_fault, may_carry_credentials,
    require_success,
};

/// Bytes of the buffer between ureq and gix.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// A request holds wants, haves and shallow lines: hundreds of them, not more.
const MAX_REQUEST_BYTES: usize = 1024 * 1024;
/// What is read of an answer nobody wants any more, to keep its connection.
const MAX_DRAIN_BYTES: u64 = 16 * 1024;

pub(super) type FaultCell = Arc<Mutex<Option<Fault>>>;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is replaced whole: a panic elsewhere leaves it valid.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct HttpsTransport {
    inner: Arc<Sender>,
    redirected: Option<String>,
}

struct Sender {
    client: Client,
    /// Where the credentials may go.
    origin: Option<Uri>,
    authorization: Option<HeaderValue>,
    counters: Arc<Counters>,
    fault: FaultCell,
    /// Bytes that one answer may have.
    limit: u64,
}

impl HttpsTransport {
    pub fn new(
        url: &RepositoryUrl,
        access: &Access,
        counters: Arc<Counters>,
        limit: u64,
    ) -> Result<(Self, FaultCell), Fault> {
        let authorization = access.authorization(url)?;
        let fault = FaultCell::default();
        let sender = Sender {
            client: access.client.clone(),
            origin: url.to_string().parse().ok(),
            authorization,
            counters,
            fault: Arc::clone(&fault),
            limit,
        };
        let transport = Self {
            inner: Arc::new(sender),
            redirected: None,
        };
        Ok((transport, fault))
    }
}

impl Http for HttpsTransport {
    type Headers = Headers;
    type ResponseBody = Body;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> GixResult<GetResponse<Headers, Body>> {
        let (headers, body, last) = self
            .inner
            .send("GET", url, &owned(headers), Vec::new())
            .map_err(GixError::from_error)?;
        // Later requests go where this one ended up, as git does it.
        let tail = url.strip_prefix(base_url).unwrap_or_default();
        if last != url
            && let Some(base) = last.strip_suffix(tail)
        {
            self.redirected = Some(base.to_owned());
        }
        Ok(GetResponse {
            headers: Headers::Ready(headers),
            body: Body::Ready(body),
        })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> GixResult<PostResponse<Headers, Body, PostBody>> {
        let exchange = Arc::new(Mutex::new(Exchange {
            sender: Arc::clone(&self.inner),
            url: url.to_owned(),
            headers: owned(headers),
            request: Vec::new(),
            answer: None,
        }));
        Ok(PostResponse {
            post_body: PostBody(Arc::clone(&exchange)),
            headers: Headers::Later(Arc::clone(&exchange), None),
            body: Body::Later(exchange, None),
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> GixResult {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

fn owned(headers: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    headers.into_iter().map(|h| h.as_ref().to_owned()).collect()
}

impl Sender {
    /// Sends, and gives the header lines, the body, and the URL that answered.
    fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[String],
        body: Vec<u8>,
    ) -> io::Result<(Cursor<Vec<u8>>, Answer, String)> {
        self.counters.request();
        self.try_send(method, url, headers, body).map_err(|fault| {
            let text = fault.to_string();
            *lock(&self.fault) = Some(fault);
            io::Error::other(text)
        })
    }

    fn try_send(
        &self,
        method: &str,
        url: &str,
        headers: &[String],
        body: Vec<u8>,
    ) -> Result<(Cursor<Vec<u8>>, Answer, String), Fault> {
        let invalid = |cause: String| {
            Fault::Http(Box::new(HttpError::new(method, url, HttpFault::Url(cause))))
        };
        let uri: Uri = url.parse().map_err(|error| invalid(format!("{error}")))?;
        let mut request = Request::builder().method(method).uri(uri.clone());
        for line in headers {
            // gix says that it is git/oxide; drupelet says who it is.
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            if !name.eq_ignore_ascii_case("user-agent") {
                request = request.header(name, value.trim());
            }
        }
        let given = match (&self.authorization, &self.origin) {
            (Some(value), Some(origin)) if may_carry_credentials(origin, &uri) => {
                request = request.header(AUTHORIZATION, value.clone());
                true
            }
            _ => false,
        };
        let request = request
            .body(body)
            .map_err(|error| invalid(error.to_string()))?;
        let expects = expected_type(&request);
        let response = self
            .client
            .send(request)
            .map_err(|error| Fault::Http(Box::new(error)))?;
        let fault = match response.status().as_u16() {
            401 => Some(Fault::Unauthenticated { given }),
            403 => Some(Fault::Forbidden),
            404 => Some(Fault::NotFound),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(fault);
        }
        let response =
            require_success(method, url, response).map_err(|error| Fault::Http(Box::new(error)))?;
        let found = response.headers().get(CONTENT_TYPE);
        let found = found
            .and_then(|value| value.to_str().ok())
            .unwrap_or("none");
        if let Some(expected) = expects
            && found.split(';').next().map(str::trim) != Some(expected)
        {
            let length = response.body().content_length();
            return Err(match length {
                Some(0) => Fault::Nothing,
                _ => Fault::Garbage(format!("content type {found} instead of {expected}")),
            });
        }
        let mut lines = Vec::new();
        for (name, value) in response.headers() {
            push_header(&mut lines, name, value);
        }
        let last = response.get_uri().to_string();
        let reader = Answer {
            inner: BufReader::with_capacity(
                READ_BUFFER_BYTES,
                Counted {
                    inner: Some(response.into_body().into_reader()),
                    counters: Arc::clone(&self.counters),
                    fault: Arc::clone(&self.fault),
                    method: method.to_owned(),
                    url: url.to_owned(),
                    left: self.limit,
                    limit: self.limit,
                },
            ),
        };
        Ok((Cursor::new(lines), reader, last))
    }
}

/// What the answer must say that it is, or it is no git server's.
fn expected_type(request: &Request<Vec<u8>>) -> Option<&'static str> {
    let target = request.uri().path_and_query()?.as_str();
    if target.ends_with("/info/refs?service=git-upload-pack") {
        Some("application/x-git-upload-pack-advertisement")
    } else if target.ends_with("/git-upload-pack") {
        Some("application/x-git-upload-pack-result")
    } else {
        None
    }
}

fn push_header(lines: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    lines.extend_from_slice(name.as_str().as_bytes());
    lines.extend_from_slice(b": ");
    lines.extend_from_slice(value.as_bytes());
    lines.push(b'\n');
}

/// An answer's body: bounded, counted, its faults kept.
struct Counted {
    inner: Option<ureq::BodyReader<'static>>,
    counters: Arc<Counters>,
    fault: FaultCell,
    method: String,
    url: String,
    left: u64,
    limit: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(inner) = &mut self.inner else {
            return Ok(0);
        };
        match inner.read(buffer) {
            Ok(bytes) => {
                self.counters.received(bytes);
                match self.left.checked_sub(bytes as u64) {
                    Some(left) => self.left = left,
                    None => {
                        *lock(&self.fault) = Some(Fault::TooLarge { limit: self.limit });
                        return Err(io::Error::other("the answer is too large"));
                    }
                }
                Ok(bytes)
            }
            Err(error) => {
                let text = error.to_string();
                let fault = HttpError::new(&self.method, &self.url, io_fault(error));
                *lock(&self.fault) = Some(Fault::Http(Box::new(fault)));
                Err(io::Error::other(text))
            }
        }
    }
}

pub(super) struct Answer {
    inner: BufReader<Counted>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Read to its end, a connection can serve the next request.
        if let Some(mut rest) = self.inner.get_mut().inner.take() {
            let _ = io::copy(&mut (&mut rest).take(MAX_DRAIN_BYTES), &mut io::sink());
        }
    }
}

/// A POST: collected, sent when its answer is asked for.
pub(super) struct Exchange {
    sender: Arc<Sender>,
    url: String,
    headers: Vec<String>,
    request: Vec<u8>,
    answer: Option<Halves>,
}

/// Taken apart by gix: whoever comes first takes its half.
struct Halves {
    headers: Option<Cursor<Vec<u8>>>,
    body: Option<Answer>,
}

impl Exchange {
    fn answer(&mut self) -> io::Result<&mut Halves> {
        let answer = match self.answer.take() {
            Some(answer) => answer,
            None => {
                let request = std::mem::take(&mut self.request);
                let (headers, body, _) =
                    self.sender
                        .send("POST", &self.url, &self.headers, request)?;
                Halves {
                    headers: Some(headers),
                    body: Some(body),
                }
            }
        };
        Ok(self.answer.insert(answer))
    }
}

pub(super) struct PostBody(Arc<Mutex<Exchange>>);

impl io::Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut exchange = lock(&self.0);
        if exchange.request.len() + bytes.len() > MAX_REQUEST_BYTES {
            return Err(io::Error::other("the request is too large"));
        }
        exchange.request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) enum Headers {
    Ready(Cursor<Vec<u8>>),
    Later(Arc<Mutex<Exchange>>, Option<Cursor<Vec<u8>>>),
}

impl Headers {
    fn ready(&mut self) -> io::Result<&mut Cursor<Vec<u8>>> {
        match self {
            Self::Ready(lines) => Ok(lines),
            Self::Later(exchange, lines) => match lines {
                Some(lines) => Ok(lines),
                None => {
                    let found = lock(exchange).answer()?.headers.take();
                    Ok(lines.insert(found.unwrap_or_default()))
                }
            },
        }
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ready()?.read(buffer)
    }
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.ready()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(lines) = self.ready() {
            lines.consume(amount);
        }
    }
}

pub(super) enum Body {
    Ready(Answer),
    Later(Arc<Mutex<Exchange>>, Option<Answer>),
}

impl Body {
    fn ready(&mut self) -> io::Result<&mut Answer> {
        match self {
            Self::Ready(answer) => Ok(answer),
            Self::Later(exchange, answer) => match answer {
                Some(answer) => Ok(answer),
                None => {
                    let found = lock(exchange).answer()?.body.take();
                    let found = found.ok_or_else(|| io::Error::other("the answer is gone"))?;
                    Ok(answer.insert(found))
                }
            },
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ready()?.inner.read(buffer)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.ready()?.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(answer) = self.ready() {
            answer.inner.consume(amount);
        }
    }
}
