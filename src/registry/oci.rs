//! A chart in an OCI registry (distribution specification 1.1): tags,
//! manifest, layer; tokens where the registry asks for them.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, AUTHORIZATION, LINK, WWW_AUTHENTICATE};
use http::{HeaderValue, Request as HttpRequest, Response, Uri};
use serde::Deserialize;
use ureq::Body;

use super::challenge::{Challenge, parse};
use super::chart::{Access, Pinned, Request, Shared, lock};
use super::error::Fault;
use super::manifest::{chart_layer, provenance_layer, sha256_hex};
use super::provenance::{MAX_PROVENANCE_BYTES, Provenance};
use super::repository::{authorization, checked};
use super::store::sha256;
use crate::http::{Credentials, Error as HttpError, Fault as HttpFault, read_body};
use crate::value::semver::{Constraint, Version};

/// Manifests and token answers are small; more is refused.
const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
const MAX_TOKEN_BYTES: u64 = 64 * 1024;
const MAX_TAG_PAGE_BYTES: u64 = 4 * 1024 * 1024;
/// Pages of tags that are asked for, of up to a thousand each.
const MAX_TAG_PAGES: usize = 50;
/// Tokens that are remembered.
const MAX_TOKENS: usize = 64;
/// What the token specification says where a registry does not.
const TOKEN_SECONDS: u64 = 60;

const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json";

/// An authorization that a registry gave or takes.
#[derive(Clone)]
pub(super) struct Token {
    value: HeaderValue,
    until: Instant,
}

pub(super) struct Oci<'a> {
    shared: &'a Shared,
    request: &'a Request,
    access: &'a Access,
    /// `https://registry/v2/path/chart`
    base: String,
    /// `path/chart`
    name: String,
}

impl<'a> Oci<'a> {
    pub fn new(
        shared: &'a Shared,
        request: &'a Request,
        access: &'a Access,
    ) -> Result<Self, Fault> {
        let unusable = || Fault::Url("its URL is not usable: oci://registry/path is".into());
        let rest = request
            .repository
            .strip_prefix("oci://")
            .ok_or_else(unusable)?
            .trim_end_matches('/');
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let chart = request.chart.trim_matches('/');
        let name = [path, chart]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/");
        if host.is_empty() || host.contains('@') || !is_name(&name) {
            return Err(unusable());
        }
        let scheme = if access.plain_http { "http" } else { "https" };
        // What Docker Hub calls itself is not where its API is.
        let server = match host {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            other => other,
        };
        Ok(Self {
            shared,
            request,
            access,
            base: format!("{scheme}://{server}/v2/{name}"),
            name,
        })
    }

    /// An exact version, a tag or a digest is what it is; a range is the
    /// highest tag that fits.
    pub fn resolve(&self) -> Result<Pinned, Fault> {
        let wanted = self.request.version.as_str();
        let pinned = |version: &str| Pinned {
            request: self.request.clone(),
            version: version.to_owned(),
            digest: None,
            url: None,
        };
        let exact = Version::parse_strict(wanted.strip_prefix('v').unwrap_or(wanted)).is_ok();
        if exact || wanted.starts_with("sha256:") {
            return Ok(pinned(wanted));
        }
        let range = if wanted.is_empty() { "*" } else { wanted };
        let Ok(constraint) = Constraint::parse(range) else {
            return Ok(pinned(wanted));
        };
        let tags = self.tags()?;
        let mut best: Option<(Version, &str)> = None;
        for tag in &tags {
            // A tag cannot hold `+`: Helm writes `_`.
            let Ok(version) = Version::parse(&tag.replace('_', "+")) else {
                continue;
            };
            let higher = best
                .as_ref()
                .is_none_or(|(known, _)| version.compare(known).is_gt());
            if constraint.matches(&version) && higher {
                best = Some((version, tag));
            }
        }
        match best {
            Some((_, tag)) => Ok(pinned(&tag.replace('_', "+"))),
            None => Err(Fault::NoVersion {
                chart: self.name.clone(),
                wanted: wanted.to_owned(),
                newest: Box::default(),
            }),
        }
    }

    pub fn pull(&self, version: &str) -> Result<Vec<u8>, Fault> {
        let manifest = self.manifest(version)?;
        let (digest, size) = chart_layer(&manifest).map_err(Fault::Registry)?;
        let limit = self.shared.archive_bytes.load(Ordering::Relaxed);
        // The same archive under another tag is here already.
        if let Some(bytes) = self.shared.store.blob(&digest) {
            return Ok(bytes);
        }
        self.blob("the chart layer", &digest, size, limit)
    }

    /// The provenance beside the chart; `None` where there is none.
    pub fn provenance(&self, version: &str) -> Result<Option<Provenance>, Fault> {
        let manifest = self.manifest(version)?;
        let layer = provenance_layer(&manifest).map_err(Fault::Registry)?;
        let Some((digest, size)) = layer else {
            return Ok(None);
        };
        let bytes = self.blob("the provenance", &digest, size, MAX_PROVENANCE_BYTES)?;
        let (_, chart) = self.name.rsplit_once('/').unwrap_or(("", &self.name));
        Provenance::of(format!("{chart}-{version}.tgz"), bytes).map(Some)
    }

    fn manifest(&self, version: &str) -> Result<Vec<u8>, Fault> {
        let reference = version.replace('+', "_");
        if !is_reference(&reference) {
            return Err(Fault::Url(format!("{version:?} is no tag")));
        }
        let url = format!("{}/manifests/{reference}", self.base);
        let what = format!("{}:{version}", self.name);
        let response = self.get(&url, MANIFESTS, &what)?;
        let stated = response
            .headers()
            .get("docker-content-digest")
            .and_then(|value| value.to_str().ok())
            .and_then(sha256_hex);
        let manifest = read_body("GET", &url, response, MAX_MANIFEST_BYTES).map_err(Fault::http)?;
        let wanted = sha256_hex(version).or(stated);
        check_digest("the manifest", &manifest, wanted.as_deref())?;
        Ok(manifest)
    }

    fn blob(
        &self,
        what: &'static str,
        digest: &str,
        size: u64,
        limit: u64,
    ) -> Result<Vec<u8>, Fault> {
        if size > limit {
            return Err(Fault::TooLarge { limit });
        }
        let url = format!("{}/blobs/sha256:{digest}", self.base);
        let response = self.get(&url, "*/*", what)?;
        let bytes = read_body("GET", &url, response, limit).map_err(Fault::http)?;
        let counter = &self.shared.counters.bytes_received;
        counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        check_digest(what, &bytes, Some(digest))?;
        Ok(bytes)
    }

    fn tags(&self) -> Result<Vec<String>, Fault> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let mut url = format!("{}/tags/list?n=1000", self.base);
        let mut tags = Vec::new();
        for _ in 0..MAX_TAG_PAGES {
            let response = self.get(&url, "application/json", &self.name)?;
            let next = response
                .headers()
                .get(LINK)
                .and_then(|value| value.to_str().ok())
                .and_then(next_page);
            let body = read_body("GET", &url, response, MAX_TAG_PAGE_BYTES).map_err(Fault::http)?;
            let page: Page = serde_json::from_slice(&body)
                .map_err(|error| Fault::Registry(format!("tags: {error}")))?;
            tags.extend(page.tags.unwrap_or_default());
            let Some(next) = next else {
                return Ok(tags);
            };
            // Only the query of the next page is the registry's to choose.
            let Some((_, query)) = next.split_once('?') else {
                return Ok(tags);
            };
            url = format!("{}/tags/list?{query}", self.base);
        }
        Ok(tags)
    }

    /// One request, and a second one where the registry wants to know who asks.
    fn get(&self, url: &str, accept: &str, what: &str) -> Result<Response<Body>, Fault> {
        let own = authorization(self.access)?;
        let asker = own
            .as_ref()
            .map_or_else(String::new, |own| sha256(own.as_bytes()));
        let key = (self.base.clone(), asker);
        let now = Instant::now();
        let known = lock(&self.shared.tokens)
            .get(&key)
            .filter(|token| token.until > now)
            .map(|token| token.value.clone());
        let response = self.send(url, accept, known)?;
        if response.status() != 401 {
            return checked(url, response, self.access.credentials.is_some(), what);
        }
        let given = self.access.credentials.is_some();
        let challenge = response
            .headers()
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find_map(parse);
        let token = match challenge {
            Some(Challenge::Basic) => Token {
                value: authorization(self.access)?.ok_or(Fault::Unauthenticated { given })?,
                until: now + Duration::from_secs(TOKEN_SECONDS),
            },
            Some(Challenge::Bearer {
                realm,
                service,
                scope,
            }) => self.token(&realm, service.as_deref(), scope.as_deref(), now)?,
            None => return Err(Fault::Unauthenticated { given }),
        };
        let value = token.value.clone();
        let mut tokens = lock(&self.shared.tokens);
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        tokens.insert(key.clone(), token);
        drop(tokens);
        let response = self.send(url, accept, Some(value))?;
        if response.status() == 401 {
            lock(&self.shared.tokens).remove(&key);
        }
        checked(url, response, given, what)
    }

    /// The token flow of the distribution project (token authentication).
    fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
        now: Instant,
    ) -> Result<Token, Fault> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
            expires_in: Option<u64>,
        }
        let unusable = |why: String| Fault::Registry(format!("token service {realm}: {why}"));
        let uri: Uri = realm
            .parse()
            .map_err(|error: http::uri::InvalidUri| unusable(error.to_string()))?;
        // Credentials in the clear only where the operator said plain http.
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if self.access.plain_http => {}
            _ => return Err(unusable("is not https".into())),
        }
        let default_scope = format!("repository:{}:pull", self.name);
        let scope = scope.unwrap_or(&default_scope);
        let separator = if realm.contains('?') { '&' } else { '?' };
        let mut url = format!("{realm}{separator}scope={}", encoded(scope));
        if let Some(service) = service {
            url.push_str(&format!("&service={}", encoded(service)));
        }
        // A static bearer token is for the registry itself.
        let value = match &self.access.credentials {
            Some(Credentials::Bearer(_)) => {
                let value = authorization(self.access)?;
                return value
                    .map(|value| Token {
                        value,
                        until: now + Duration::from_secs(TOKEN_SECONDS),
                    })
                    .ok_or(Fault::Unauthenticated { given: true });
            }
            Some(Credentials::Basic { .. }) | None => authorization(self.access)?,
        };
        let given = value.is_some();
        let response = self.send(&url, "application/json", value)?;
        let response = checked(&url, response, given, "the token")?;
        let body = read_body("GET", &url, response, MAX_TOKEN_BYTES).map_err(Fault::http)?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|error| unusable(error.to_string()))?;
        let token = answer
            .token
            .or(answer.access_token)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| unusable("gave no token".into()))?;
        let value = Credentials::Bearer(token)
            .authorization()
            .ok_or_else(|| unusable("gave a token that no header can hold".into()))?;
        let seconds = answer.expires_in.unwrap_or(TOKEN_SECONDS).min(3_600);
        Ok(Token {
            value,
            // A little early, so that none runs out on its way.
            until: now + Duration::from_secs(seconds.saturating_sub(5)),
        })
    }

    fn send(
        &self,
        url: &str,
        accept: &str,
        authorization: Option<HeaderValue>,
    ) -> Result<Response<Body>, Fault> {
        let mut request = HttpRequest::get(url).header(ACCEPT, accept);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Vec::new()).map_err(|error| {
            Fault::http(HttpError::new(
                "GET",
                url,
                HttpFault::Url(error.to_string()),
            ))
        })?;
        self.shared
            .counters
            .requests
            .fetch_add(1, Ordering::Relaxed);
        self.access.client.send(request).map_err(Fault::http)
    }
}

fn check_digest(what: &'static str, bytes: &[u8], wanted: Option<&str>) -> Result<(), Fault> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let found = sha256(bytes);
    if found == wanted {
        return Ok(());
    }
    Err(Fault::Digest {
        what,
        found,
        wanted: wanted.to_owned(),
    })
}

/// The grammar of names in the distribution specification, loosely: nothing
/// that could lead elsewhere in a URL.
fn is_name(name: &str) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    !name.is_empty()
        && name.chars().all(valid)
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// A tag, or a digest.
fn is_reference(reference: &str) -> bool {
    let tag = reference.strip_prefix("sha256:").unwrap_or(reference);
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=128).contains(&tag.len()) && tag.chars().all(valid) && !tag.starts_with('.')
}

/// The target of `<…>; rel="next"`.
fn next_page(link: &str) -> Option<String> {
    let (target, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    rest.contains("next").then(|| target.to_owned())
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
