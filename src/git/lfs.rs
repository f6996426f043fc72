//! Git LFS: what a pointer file stands for, fetched when it is read.
//!
//! ```text
//! blob of the tree -> Pointer{oid, size} -> the cache by oid, else
//!     [ssh: git-lfs-authenticate PATH download -> the server and a header for it]
//!     POST SERVER/objects/batch -> href -> GET -> checked -> the cache
//! ```
//! By https the server is `REPOSITORY/info/lfs`.
//!
//! Invariants: content is handed out only if its digest is its oid and its
//! length its size, from the cache, too. The repository's credentials go to
//! its own origin alone; what the server gives for another place goes there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ::http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::access::Access;
use super::counters::Counters;
use super::error::Fault;
use super::https::lock;
use super::ssh;
use super::tree::MAX_FILE_BYTES;
use super::url::{RepositoryUrl, Scheme};
use crate::http::{masked, may_carry_credentials, read_body, require_success};

/// A pointer is smaller than this (git-lfs, docs/spec.md).
pub const MAX_POINTER_BYTES: usize = 1024;
/// What a server says of one object.
const MAX_BATCH_BYTES: u64 = 256 * 1024;
/// All objects in the cache; the oldest go first.
const MAX_CACHE_BYTES: u64 = 512 * 1024 * 1024;
/// So long an answer of git-lfs-authenticate serves. Servers let it expire, too,
/// after some minutes: an answer that does not serve any more is asked for anew.
const SERVER_KEPT_FOR: Duration = Duration::from_secs(60);
const MEDIA_TYPE: &str = "application/vnd.git-lfs+json";
const VERSIONS: [&str; 2] = [
    "version https://git-lfs.github.com/spec/v1",
    "version https://hawser.github.com/spec/v1",
];

/// What stands in a repository in place of a large file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// SHA-256, 64 hexadecimal digits.
    pub oid: String,
    pub size: u64,
}

impl Pointer {
    /// `None` where a file is no pointer but itself.
    pub fn read(file: &[u8]) -> Option<Self> {
        if file.len() >= MAX_POINTER_BYTES {
            return None;
        }
        let text = std::str::from_utf8(file).ok()?;
        let mut lines = text.lines();
        let first = lines.next()?;
        VERSIONS.contains(&first).then_some(())?;
        let (mut oid, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ')? {
                ("oid", value) => oid = value.strip_prefix("sha256:"),
                ("size", value) => size = value.parse().ok(),
                // Extensions change the content on its way: not ours to undo.
                _ => return None,
            }
        }
        let oid = oid.filter(|oid| oid.len() == 64 && oid.bytes().all(is_digit))?;
        Some(Pointer {
            oid: oid.to_owned(),
            size: size?,
        })
    }

    fn is(&self, content: &[u8]) -> bool {
        let digest: String = Sha256::digest(content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        content.len() as u64 == self.size && digest == self.oid
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Where the large files of a repository are.
#[derive(Debug)]
pub struct Lfs {
    url: RepositoryUrl,
    access: Access,
    folder: PathBuf,
    counters: Arc<Counters>,
    /// What ssh said last that served, and when it said so.
    kept: Mutex<Option<(Server, Instant)>>,
}

/// Where objects are asked for, and with what; that goes there alone.
#[derive(Clone, Debug)]
struct Server {
    href: String,
    header: HeaderMap,
}

#[derive(Serialize)]
struct Wish<'a> {
    operation: &'a str,
    transfers: [&'a str; 1],
    objects: [Wanted<'a>; 1],
    hash_algo: &'a str,
}

#[derive(Serialize)]
struct Wanted<'a> {
    oid: &'a str,
    size: u64,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    objects: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    oid: String,
    #[serde(default)]
    actions: Actions,
    error: Option<Refused>,
}

#[derive(Deserialize, Default)]
struct Actions {
    download: Option<Action>,
}

#[derive(Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Refused {
    code: i64,
    #[serde(default)]
    message: String,
}

impl Lfs {
    /// `folder` is below the cache of git: free to be deleted at any time.
    pub fn new(
        url: &RepositoryUrl,
        access: &Access,
        folder: PathBuf,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            url: url.clone(),
            access: access.clone(),
            folder,
            counters,
            kept: Mutex::default(),
        }
    }

    /// The content of a pointer.
    pub fn object(&self, pointer: &Pointer) -> Result<Vec<u8>, String> {
        let told = |why: String| format!("Git LFS object {}: {why}", pointer.oid);
        if pointer.size > MAX_FILE_BYTES {
            let Pointer { size, .. } = pointer;
            return Err(told(format!(
                "{size} bytes, above the limit of {MAX_FILE_BYTES}"
            )));
        }
        let path = self.folder.join(&pointer.oid);
        if let Ok(content) = fs::read(&path)
            && pointer.is(&content)
        {
            return Ok(content);
        }
        let content = self.fetch(pointer).map_err(told)?;
        if !pointer.is(&content) {
            return Err(told(format!(
                "the server gave something else ({} bytes instead of {}, or another digest)",
                content.len(),
                pointer.size
            )));
        }
        if let Err(error) = store(&self.folder, &path, &content) {
            tracing::warn!(path = %path.display(), %error, "cannot keep this object of Git LFS");
        }
        Ok(content)
    }

    fn fetch(&self, pointer: &Pointer) -> Result<Vec<u8>, String> {
        let kept = lock(&self.kept).clone();
        if let Some((server, _)) = kept.filter(|kept| kept.1.elapsed() < SERVER_KEPT_FOR) {
            match self.fetch_from(&server, pointer) {
                Ok(content) => return Ok(content),
                // It may have expired.
                Err(_) => *lock(&self.kept) = None,
            }
        }
        let asked = Instant::now();
        let server = self.server()?;
        let content = self.fetch_from(&server, pointer)?;
        if self.url.scheme == Scheme::Ssh {
            *lock(&self.kept) = Some((server, asked));
        }
        Ok(content)
    }

    fn fetch_from(&self, server: &Server, pointer: &Pointer) -> Result<Vec<u8>, String> {
        let batch = format!("{}/objects/batch", server.href.trim_end_matches('/'));
        let Action { href, header } = self.ask(&batch, server, pointer)?;
        let uri = href
            .parse::<::http::Uri>()
            .map_err(|error| format!("the server names no usable address: {error}"))?;
        let is_served = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => self.url.scheme == Scheme::Http,
            _ => false,
        };
        if !is_served {
            let href = masked(&href);
            return Err(format!("the server refers to {href}, which is not https"));
        }
        let mut request = Request::get(&uri);
        let mut is_given = false;
        for (name, value) in &header {
            is_given |= name.eq_ignore_ascii_case(AUTHORIZATION.as_str());
            request = request.header(name, value);
        }
        let own = batch.parse().map_err(|error| format!("{error}"))?;
        let mut request = request.body(Vec::new()).map_err(|e| e.to_string())?;
        if !is_given && may_carry_credentials(&own, &uri) {
            request.headers_mut().extend(server.header.clone());
        }
        // What it may be is known: not a byte more is taken.
        self.exchange("GET", &href, request, pointer.size)
    }

    fn server(&self) -> Result<Server, String> {
        match self.url.scheme {
            Scheme::Https | Scheme::Http => {
                let origin = self.url.to_string();
                let origin = origin.trim_end_matches('/');
                let git = if origin.ends_with(".git") { "" } else { ".git" };
                let authorization = self.access.authorization(&self.url);
                let authorization = authorization.map_err(|fault| fault.to_string())?;
                Ok(Server {
                    href: format!("{origin}{git}/info/lfs"),
                    header: authorization
                        .map(|value| (AUTHORIZATION, value))
                        .into_iter()
                        .collect(),
                })
            }
            Scheme::Ssh => {
                let tried = |why: String| format!("git-lfs-authenticate of {}: {why}", self.url);
                let said = ssh::lfs_authenticate(&self.url, &self.access, &self.counters);
                let said = said.map_err(|fault| match fault {
                    // A shell says so of the program, a forge of the repository.
                    Fault::NotFound => tried(
                        "the server has no such program (it serves no Git LFS), or no such repository"
                            .to_owned(),
                    ),
                    fault => tried(fault.to_string()),
                })?;
                let Action { href, header } = serde_json::from_slice(&said)
                    .map_err(|error| tried(format!("no answer of Git LFS: {error}")))?;
                if !href.starts_with("https://") {
                    let href = masked(&href);
                    return Err(tried(format!("it refers to {href}, which is not https")));
                }
                let header = header.iter().map(|(name, value)| secret(name, value));
                let header = header.collect::<Result<_, _>>().map_err(tried)?;
                Ok(Server { href, header })
            }
            Scheme::File => Err(format!(
                "its server is asked by https and ssh only, and the repository is {}",
                self.url
            )),
        }
    }

    fn ask(&self, batch: &str, server: &Server, pointer: &Pointer) -> Result<Action, String> {
        let wish = Wish {
            operation: "download",
            transfers: ["basic"],
            objects: [Wanted {
                oid: &pointer.oid,
                size: pointer.size,
            }],
            hash_algo: "sha256",
        };
        let body = serde_json::to_vec(&wish).expect("strings and numbers are JSON");
        let request = Request::post(batch)
            .header(ACCEPT, MEDIA_TYPE)
            .header(CONTENT_TYPE, MEDIA_TYPE);
        let mut request = request.body(body).map_err(|error| error.to_string())?;
        request.headers_mut().extend(server.header.clone());
        let answer = self.exchange("POST", batch, request, MAX_BATCH_BYTES)?;
        let answer: Batch = serde_json::from_slice(&answer)
            .map_err(|error| format!("the answer is not one of Git LFS: {error}"))?;
        let offered = answer.objects.into_iter().find(|it| it.oid == pointer.oid);
        let offered = offered.ok_or("the answer of the server does not mention it")?;
        if let Some(Refused { code, message }) = offered.error {
            return Err(format!("the server refuses it: {code} {message}"));
        }
        let action = offered.actions.download;
        action.ok_or_else(|| "the server offers no download".to_owned())
    }

    fn exchange(
        &self,
        method: &str,
        url: &str,
        request: Request<Vec<u8>>,
        limit: u64,
    ) -> Result<Vec<u8>, String> {
        self.counters.request();
        let response = self.access.client.send(request);
        let response = response.and_then(|response| require_success(method, url, response));
        let body = response.and_then(|response| read_body(method, url, response, limit));
        let body = body.map_err(|error| error.to_string())?;
        self.counters.received(body.len());
        Ok(body)
    }
}

/// A header that no log shows.
fn secret(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = name.parse::<HeaderName>().map_err(|e| e.to_string())?;
    let mut value = value.parse::<HeaderValue>().map_err(|e| e.to_string())?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Whole or not at all, and not more than there may be.
fn store(folder: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let about = entry.metadata()?;
        kept.push((about.modified()?, about.len(), entry.path()));
    }
    kept.sort();
    let mut total: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, old) in kept {
        if total + content.len() as u64 <= MAX_CACHE_BYTES {
            break;
        }
        fs::remove_file(old)?;
        total -= bytes;
    }
    let half = path.with_extension("half");
    fs::write(&half, content)?;
    fs::rename(half, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

    #[test]
    fn pointers_are_told_from_files() {
        let text =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n");
        let pointer = Pointer::read(text.as_bytes()).expect("is one");
        assert_eq!((pointer.oid.as_str(), pointer.size), (OID, 12345));
        for other in [
            "",
            "version: 1\n",
            "version https://git-lfs.github.com/spec/v1\n",
            "version https://git-lfs.github.com/spec/v1\noid sha256:../../etc/passwd\nsize 1\n",
            &text.replace("sha256", "md5"),
            &text.replace("4d7a", "4D7A"),
            &text.replace("size 12345", "size -1"),
            &text.replace("oid", "ext-0-foo sha256:1\noid"),
            &format!("{text}{}", "x".repeat(MAX_POINTER_BYTES)),
        ] {
            assert_eq!(Pointer::read(other.as_bytes()), None, "{other}");
        }
    }
}
