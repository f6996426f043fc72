//! A Helm repository: `index.yaml` and archives by HTTP.

use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue, Request as HttpRequest, Response, Uri};
use ureq::{Body, ResponseExt};

use super::chart::{Access, Pinned, Request, Shared, lock};
use super::error::Fault;
use super::index::{choose, read_chart};
use super::provenance::{MAX_PROVENANCE_BYTES, Provenance};
use super::store::KnownIndex;
use crate::http::{
    Error as HttpError, Fault as HttpFault, io_fault, may_carry_credentials, read_body,
    require_success,
};

/// How long an index counts as fresh. After that the server is asked whether
/// it changed.
const INDEX_FRESH: Duration = Duration::from_secs(180);

/// When a chart's entries were last seen to be current.
pub(super) struct IndexState {
    checked: Instant,
}

pub(super) struct HttpRepository<'a> {
    shared: &'a Shared,
    request: &'a Request,
    access: &'a Access,
    origin: Uri,
    authorization: Option<HeaderValue>,
}

impl<'a> HttpRepository<'a> {
    pub fn new(
        shared: &'a Shared,
        request: &'a Request,
        access: &'a Access,
    ) -> Result<Self, Fault> {
        let unusable = |why: &str| Fault::Url(format!("its URL is not usable: {why}"));
        let origin: Uri = request
            .repository
            .parse()
            .map_err(|error: http::uri::InvalidUri| unusable(&error.to_string()))?;
        if !matches!(origin.scheme_str(), Some("https" | "http")) {
            return Err(unusable("only https, http and oci repositories are served"));
        }
        let authorization = authorization(access)?;
        Ok(Self {
            shared,
            request,
            access,
            origin,
            authorization,
        })
    }

    pub fn resolve(&self, now: Instant) -> Result<Pinned, Fault> {
        let known = self.index(now)?;
        let Request { chart, version, .. } = self.request;
        let Some(found) = choose(&known.versions, version) else {
            let newest = choose(&known.versions, "")
                .map(|newest| format!(" (the newest is {})", newest.version))
                .unwrap_or_default();
            return Err(Fault::NoVersion {
                chart: chart.clone(),
                wanted: version.clone(),
                newest: newest.into(),
            });
        };
        let place = found.urls.first().map(String::as_str).unwrap_or_default();
        Ok(Pinned {
            request: self.request.clone(),
            version: found.version.clone(),
            digest: found.digest.clone(),
            url: Some(resolve_reference(&known.base, place)),
        })
    }

    pub fn pull(&self, pinned: &Pinned) -> Result<Vec<u8>, Fault> {
        let url = self.place(pinned)?;
        let response = self.get(&url, &[])?;
        let response = checked(&url, response, self.authorization.is_some(), "the archive")?;
        let limit = self.shared.archive_bytes.load(Ordering::Relaxed);
        let bytes = read_body("GET", &url, response, limit).map_err(Fault::http)?;
        self.received(bytes.len());
        Ok(bytes)
    }

    /// The provenance beside the archive; `None` where there is none.
    pub fn provenance(&self, pinned: &Pinned) -> Result<Option<Provenance>, Fault> {
        let place = self.place(pinned)?;
        let url = format!("{place}.prov");
        let response = self.get(&url, &[])?;
        if response.status() == 404 {
            return Ok(None);
        }
        let given = self.authorization.is_some();
        let response = checked(&url, response, given, "the provenance")?;
        let bytes = read_body("GET", &url, response, MAX_PROVENANCE_BYTES).map_err(Fault::http)?;
        self.received(bytes.len());
        let path = place.split(['?', '#']).next().unwrap_or_default();
        let file = path.rsplit('/').next().unwrap_or_default();
        Provenance::of(file.to_owned(), bytes).map(Some)
    }

    /// Where the archive is.
    fn place(&self, pinned: &Pinned) -> Result<String, Fault> {
        let url = match &pinned.url {
            Some(url) => url.clone(),
            // Pinned from the cache: look it up again.
            None => {
                let again = self.resolve(Instant::now())?;
                again.url.unwrap_or_default()
            }
        };
        if url.starts_with("oci://") {
            return Err(Fault::Url(format!(
                "the index sends to {url}: name that registry as the repository"
            )));
        }
        Ok(url)
    }

    /// What the index says of the chart, asked for again where it is not fresh.
    fn index(&self, now: Instant) -> Result<KnownIndex, Fault> {
        let Request {
            repository, chart, ..
        } = self.request;
        let key = (repository.clone(), chart.clone());
        let known = self.shared.store.index(repository, chart);
        let checked = lock(&self.shared.indexes)
            .get(&key)
            .map(|state| state.checked);
        if let (Some(known), Some(checked)) = (&known, checked)
            && now.saturating_duration_since(checked) < INDEX_FRESH
        {
            return Ok(known.clone());
        }
        let asked = self.ask_index(known.as_ref());
        let current = match (asked, known) {
            (Ok(Some(fresh)), _) => {
                if let Err(error) = self.shared.store.keep_index(repository, chart, &fresh) {
                    tracing::warn!(%error, "cannot keep what an index says");
                }
                fresh
            }
            (Ok(None), Some(known)) => known,
            (Ok(None), None) => return Err(Fault::Index("unchanged, but never seen".into())),
            // Away: what was true before stands.
            (Err(fault), Some(known)) if fault.is_retryable() => {
                tracing::debug!(repository, %fault, "the index of before stands");
                return Ok(known);
            }
            (Err(fault), _) => return Err(fault),
        };
        lock(&self.shared.indexes).insert(key, IndexState { checked: now });
        Ok(current)
    }

    /// The chart's part of the index; `None` if it has not changed.
    fn ask_index(&self, known: Option<&KnownIndex>) -> Result<Option<KnownIndex>, Fault> {
        let url = index_url(&self.request.repository);
        let mut headers = Vec::new();
        if let Some(etag) = known.and_then(|known| known.etag.as_deref()) {
            headers.push((IF_NONE_MATCH, etag));
        } else if let Some(date) = known.and_then(|known| known.last_modified.as_deref()) {
            headers.push((IF_MODIFIED_SINCE, date));
        }
        let response = self.get(&url, &headers)?;
        if response.status() == 304 && known.is_some() {
            return Ok(None);
        }
        let response = checked(&url, response, self.authorization.is_some(), "index.yaml")?;
        let text = |headers: &HeaderMap, name: HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let mut fresh = KnownIndex {
            etag: text(response.headers(), ETAG),
            last_modified: text(response.headers(), LAST_MODIFIED),
            base: response.get_uri().to_string(),
            versions: Vec::new(),
        };
        let mut body = Counted {
            inner: response.into_body().into_reader(),
            bytes: 0,
            broken: None,
        };
        let read = read_chart(&mut body, &self.request.chart);
        self.received(body.bytes);
        if let Some(error) = body.broken {
            return Err(Fault::http(HttpError::new("GET", &url, error)));
        }
        let chart = &self.request.chart;
        fresh.versions = read
            .map_err(Fault::Index)?
            .ok_or_else(|| Fault::NoChart(chart.clone()))?;
        Ok(Some(fresh))
    }

    /// Credentials go along to the repository's own origin, and elsewhere only
    /// where they are to be passed.
    fn get(&self, url: &str, headers: &[(HeaderName, &str)]) -> Result<Response<Body>, Fault> {
        let unusable =
            |cause: String| Fault::http(HttpError::new("GET", url, HttpFault::Url(cause)));
        let uri: Uri = url
            .parse()
            .map_err(|error: http::uri::InvalidUri| unusable(error.to_string()))?;
        let mut request = HttpRequest::get(uri.clone());
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if let Some(value) = &self.authorization
            && (self.access.pass_credentials || may_carry_credentials(&self.origin, &uri))
        {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let request = request
            .body(Vec::new())
            .map_err(|error| unusable(error.to_string()))?;
        self.shared
            .counters
            .requests
            .fetch_add(1, Ordering::Relaxed);
        self.access.client.send(request).map_err(Fault::http)
    }

    fn received(&self, bytes: usize) {
        let counter = &self.shared.counters.bytes_received;
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

pub(super) fn authorization(access: &Access) -> Result<Option<HeaderValue>, Fault> {
    match &access.credentials {
        None => Ok(None),
        Some(credentials) => credentials
            .authorization()
            .map(Some)
            .ok_or_else(|| Fault::Url("the credentials hold control characters".into())),
    }
}

/// A success, or the fault that its status means.
pub(super) fn checked(
    url: &str,
    response: Response<Body>,
    given: bool,
    what: &str,
) -> Result<Response<Body>, Fault> {
    match response.status().as_u16() {
        401 => Err(Fault::Unauthenticated { given }),
        403 => Err(Fault::Forbidden),
        404 if what == "index.yaml" => Err(Fault::NoIndex(what.to_owned())),
        404 => Err(Fault::NotFound(what.to_owned())),
        _ => require_success("GET", url, response).map_err(Fault::http),
    }
}

/// The index below a repository's URL; a query stays (Helm's pkg/repo).
fn index_url(repository: &str) -> String {
    let (path, query) = match repository.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (repository, String::new()),
    };
    format!("{}/index.yaml{query}", path.trim_end_matches('/'))
}

/// A URL of an index: absolute, or relative to the folder of the index.
fn resolve_reference(index: &str, reference: &str) -> String {
    if reference.contains("://") {
        return reference.to_owned();
    }
    let (path, query) = match index.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (index, String::new()),
    };
    let query = if reference.contains('?') {
        String::new()
    } else {
        query
    };
    let root = path
        .find("://")
        .and_then(|at| path[at + 3..].find('/').map(|slash| at + 3 + slash))
        .unwrap_or(path.len());
    if reference.starts_with('/') {
        return format!("{}{reference}{query}", &path[..root]);
    }
    let folder = match path.rfind('/') {
        Some(at) if at >= root => &path[..at],
        _ => path,
    };
    let mut parts: Vec<&str> = folder[root..]
        .split('/')
        .filter(|p| !p.is_empty())
        .collect();
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("{}/{}{query}", &path[..root], parts.join("/"))
}

/// Counts what the parser takes, and keeps the network's fault apart from
/// the parser's.
struct Counted {
    inner: ureq::BodyReader<'static>,
    bytes: usize,
    broken: Option<HttpFault>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(bytes) => {
                self.bytes += bytes;
                Ok(bytes)
            }
            Err(error) => {
                let text = error.to_string();
                self.broken = Some(io_fault(error));
                Err(io::Error::other(text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_an_index_are_resolved_as_helm_does() {
        for (index, reference, expected) in [
            ("https://h/r/index.yaml", "a.tgz", "https://h/r/a.tgz"),
            (
                "https://h/r/index.yaml",
                "./c/../a.tgz",
                "https://h/r/a.tgz",
            ),
            ("https://h/r/index.yaml", "../a.tgz", "https://h/a.tgz"),
            (
                "https://h/r/index.yaml",
                "../../../a.tgz",
                "https://h/a.tgz",
            ),
            ("https://h/r/index.yaml", "/a.tgz", "https://h/a.tgz"),
            ("https://h/index.yaml?k=1", "a.tgz", "https://h/a.tgz?k=1"),
            ("https://h/index.yaml", "https://o/a.tgz", "https://o/a.tgz"),
        ] {
            assert_eq!(resolve_reference(index, reference), expected);
        }
        assert_eq!(index_url("https://h/r/"), "https://h/r/index.yaml");
        assert_eq!(index_url("https://h/r?k=1"), "https://h/r/index.yaml?k=1");
    }
}
