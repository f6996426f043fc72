//! Charts by repository, name and version: pinned, then pulled.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::error::{Error, Fault};
use super::oci::{Oci, Token};
use super::provenance::Provenance;
use super::repository::{HttpRepository, IndexState};
use super::store::{Store, sha256};
use crate::http::{Client, Credentials};

/// A packed chart above this is not taken.
pub const MAX_ARCHIVE_BYTES: u64 = 64 * 1024 * 1024;

/// How large the cache may grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Archives, all together; the oldest go first.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 256 * 1024 * 1024,
        }
    }
}

/// A chart as a source or a dependency asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `https://…`, `http://…`, `oci://registry/path`; of an OCI source
    /// without a scheme, the caller adds it.
    pub repository: String,
    /// Below the repository; may be empty for OCI, where the repository names
    /// the chart.
    pub chart: String,
    /// A version, a range, or nothing for the newest; for OCI also a tag or
    /// `sha256:…`.
    pub version: String,
}

impl Request {
    pub(super) fn is_oci(&self) -> bool {
        self.repository.starts_with("oci://")
    }

    fn operation(&self, verb: &str) -> String {
        let space = if self.version.is_empty() { "" } else { " " };
        format!("{verb} chart {}{space}{}", self.chart, self.version)
    }
}

/// By which way, and as whom, a repository is asked.
#[derive(Clone, Debug)]
pub struct Access {
    pub client: Client,
    pub credentials: Option<Credentials>,
    /// Send the credentials also to where the index says that the archive is.
    pub pass_credentials: bool,
    /// `insecureOCIForceHttp`: a registry without TLS.
    pub plain_http: bool,
}

impl Access {
    pub fn anonymous(client: Client) -> Self {
        Self {
            client,
            credentials: None,
            pass_credentials: false,
            plain_http: false,
        }
    }
}

/// A request, pinned to one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    pub request: Request,
    /// The exact version (or tag, or digest) that the request means now.
    pub version: String,
    /// Of the archive, 64 hexadecimal digits, where it is known already.
    pub digest: Option<String>,
    /// Where the index says that the archive is.
    pub(super) url: Option<String>,
}

/// A packed chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    pub version: String,
    /// 64 hexadecimal digits.
    pub digest: String,
    pub bytes: Vec<u8>,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub requests: u64,
    pub pulls: u64,
    pub bytes_received: u64,
}

/// Repositories, registries and the cache. Cheap to clone; clones are one.
/// Blocking: for a worker thread.
#[derive(Clone)]
pub struct Charts(Arc<Shared>);

pub(super) struct Shared {
    pub store: Store,
    /// Of one packed chart.
    pub archive_bytes: AtomicU64,
    pub counters: Counters,
    pub indexes: Mutex<BTreeMap<(String, String), IndexState>>,
    /// By chart's URL and a digest of who asked.
    pub tokens: Mutex<BTreeMap<(String, String), Token>>,
}

#[derive(Default)]
pub(super) struct Counters {
    pub requests: AtomicU64,
    pub pulls: AtomicU64,
    pub bytes_received: AtomicU64,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is replaced whole: a panic elsewhere leaves it valid.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Charts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Charts(..)")
    }
}

impl Charts {
    /// Opens the cache, or makes it.
    pub fn open(directory: &Path, limits: Limits) -> Result<Self, Error> {
        let shown = directory.display().to_string();
        let store = Store::open(directory, limits.bytes)
            .map_err(|error| Error::new(&shown, "open the cache", Fault::Disk(error)))?;
        Ok(Self(Arc::new(Shared {
            store,
            archive_bytes: AtomicU64::new(MAX_ARCHIVE_BYTES),
            counters: Counters::default(),
            indexes: Mutex::default(),
            tokens: Mutex::default(),
        })))
    }

    /// From now on packed charts above this are not taken; an archive is held
    /// in memory while it is unpacked.
    pub fn limit_archives(&self, bytes: u64) {
        let bytes = bytes.min(MAX_ARCHIVE_BYTES);
        self.0.archive_bytes.store(bytes, Ordering::Relaxed);
    }

    /// How many archives are here, and their bytes on disk.
    pub fn usage(&self) -> (usize, u64) {
        self.0.store.usage()
    }

    pub fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            requests: get(&self.0.counters.requests),
            pulls: get(&self.0.counters.pulls),
            bytes_received: get(&self.0.counters.bytes_received),
        }
    }

    /// The version that a request means now. Asks nobody where an exact
    /// version was pulled before; where the network is away, what is known
    /// from before answers.
    pub fn resolve(&self, request: &Request, access: &Access) -> Result<Pinned, Error> {
        let fault = |fault| Error::new(&request.repository, &request.operation("resolve"), fault);
        if let Some(pinned) = self.pulled_before(request) {
            return Ok(pinned);
        }
        if request.is_oci() {
            Oci::new(&self.0, request, access)
                .and_then(|oci| oci.resolve())
                .map_err(fault)
        } else {
            HttpRepository::new(&self.0, request, access)
                .and_then(|repository| repository.resolve(Instant::now()))
                .map_err(fault)
        }
    }

    /// The archive of a pinned chart: from the cache, else from its repository.
    pub fn pull(&self, pinned: &Pinned, access: &Access) -> Result<Archive, Error> {
        let request = &pinned.request;
        let fault = |fault| {
            let exact = Request {
                version: pinned.version.clone(),
                ..request.clone()
            };
            Error::new(&request.repository, &exact.operation("pull"), fault)
        };
        if let Some(archive) = self.cached(pinned) {
            return Ok(archive);
        }
        let bytes = if request.is_oci() {
            Oci::new(&self.0, request, access)
                .and_then(|oci| oci.pull(&pinned.version))
                .map_err(fault)?
        } else {
            HttpRepository::new(&self.0, request, access)
                .and_then(|repository| repository.pull(pinned))
                .map_err(fault)?
        };
        self.0.counters.pulls.fetch_add(1, Ordering::Relaxed);
        let digest = sha256(&bytes);
        if let Some(wanted) = &pinned.digest
            && *wanted != digest
        {
            return Err(fault(Fault::Digest {
                what: "the archive",
                found: digest,
                wanted: wanted.clone(),
            }));
        }
        // A full disk costs the next pull, not this one.
        let kept = self.0.store.keep_blob(&digest, &bytes).and_then(|()| {
            let (repository, chart) = (&request.repository, &request.chart);
            self.0
                .store
                .keep_pin(repository, chart, &pinned.version, &digest)
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "cannot keep a pulled chart");
        }
        Ok(Archive {
            version: pinned.version.clone(),
            digest,
            bytes,
        })
    }

    /// What stands beside an archive; `None` where there is nothing. Not verified
    /// here, and so not kept: see `keep_provenance`.
    pub fn provenance(
        &self,
        pinned: &Pinned,
        access: &Access,
    ) -> Result<Option<Provenance>, Error> {
        let request = &pinned.request;
        let found = if request.is_oci() {
            Oci::new(&self.0, request, access).and_then(|oci| oci.provenance(&pinned.version))
        } else {
            HttpRepository::new(&self.0, request, access)
                .and_then(|repository| repository.provenance(pinned))
        };
        found.map_err(|fault| {
            let operation = request.operation("pull the provenance of");
            Error::new(&request.repository, &operation, fault)
        })
    }

    /// What was found beside the archive with this digest, and was good then.
    pub fn kept_provenance(&self, digest: &str) -> Option<Provenance> {
        self.0.store.provenance(digest)
    }

    pub fn keep_provenance(&self, digest: &str, provenance: &Provenance) {
        if let Err(error) = self.0.store.keep_provenance(digest, provenance) {
            tracing::warn!(%error, "cannot keep a provenance");
        }
    }

    /// Asks again for this exact version next time (a hard refresh).
    pub fn forget(&self, request: &Request) {
        let Request {
            repository,
            chart,
            version,
        } = request;
        self.0.store.forget_pin(repository, chart, version);
        lock(&self.0.indexes).remove(&(repository.clone(), chart.clone()));
    }

    fn pulled_before(&self, request: &Request) -> Option<Pinned> {
        let Request {
            repository,
            chart,
            version,
        } = request;
        let pin = self.0.store.pin(repository, chart, version)?;
        let pinned = Pinned {
            request: request.clone(),
            version: version.clone(),
            digest: Some(pin.digest),
            url: None,
        };
        let digest = pinned.digest.as_deref()?;
        self.0.store.has_blob(digest).then_some(pinned)
    }

    fn cached(&self, pinned: &Pinned) -> Option<Archive> {
        let request = &pinned.request;
        let digest = match &pinned.digest {
            Some(digest) => digest.clone(),
            None => {
                let (repository, chart) = (&request.repository, &request.chart);
                self.0.store.pin(repository, chart, &pinned.version)?.digest
            }
        };
        let bytes = self.0.store.blob(&digest)?;
        Some(Archive {
            version: pinned.version.clone(),
            digest,
            bytes,
        })
    }
}
