//! Charts on disk: archives by their digest, and what is known of the
//! repositories they came from.
//!
//! ```text
//! <cache>/blobs/<sha256>        archives, checked each time they are read
//! <cache>/pins/<key>.json       (repository, chart, version) -> digest
//! <cache>/provenances/<sha256>.json   of an archive
//! <cache>/indexes/<key>.json    of one chart: versions, and the index's validators
//! ```
//!
//! Everything in here can be fetched again; what is damaged is removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::index::IndexedVersion;
use super::provenance::Provenance;

/// So many are kept; then all are fetched again.
const MAX_PROVENANCES: usize = 200;

/// What a repository's index said of one chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownIndex {
    /// Of the answer, for asking whether it changed.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// Where the index was found, after redirects: URLs in it are relative to it.
    pub base: String,
    pub versions: Vec<IndexedVersion>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    pub digest: String,
}

#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    limit: u64,
}

impl Store {
    pub fn open(directory: &Path, limit: u64) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            limit,
        })
    }

    pub fn index(&self, repository: &str, chart: &str) -> Option<KnownIndex> {
        self.read_json("indexes", &key(&[repository, chart]))
    }

    pub fn keep_index(&self, repository: &str, chart: &str, known: &KnownIndex) -> io::Result<()> {
        // The validators alone are not worth a write: the card wears out.
        if self.index(repository, chart).as_ref() == Some(known) {
            return Ok(());
        }
        self.write_json("indexes", &key(&[repository, chart]), known)
    }

    pub fn pin(&self, repository: &str, chart: &str, version: &str) -> Option<Pin> {
        self.read_json("pins", &key(&[repository, chart, version]))
    }

    pub fn keep_pin(
        &self,
        repository: &str,
        chart: &str,
        version: &str,
        digest: &str,
    ) -> io::Result<()> {
        let pin = Pin {
            digest: digest.to_owned(),
        };
        if self.pin(repository, chart, version).as_ref() == Some(&pin) {
            return Ok(());
        }
        self.write_json("pins", &key(&[repository, chart, version]), &pin)
    }

    pub fn forget_pin(&self, repository: &str, chart: &str, version: &str) {
        let name = format!("{}.json", key(&[repository, chart, version]));
        let _ = fs::remove_file(self.directory.join("pins").join(name));
    }

    /// The archive with this digest; a damaged one is removed.
    pub fn blob(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.blob_path(digest)?;
        let bytes = fs::read(&path).ok()?;
        if sha256(&bytes) == digest {
            return Some(bytes);
        }
        let _ = fs::remove_file(path);
        None
    }

    pub fn has_blob(&self, digest: &str) -> bool {
        self.blob_path(digest).is_some_and(|path| path.exists())
    }

    pub fn keep_blob(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        let Some(path) = self.blob_path(digest) else {
            return Err(io::Error::other("not a digest"));
        };
        if path.exists() {
            return Ok(());
        }
        write_whole(&path, bytes)?;
        self.make_room(digest);
        Ok(())
    }

    /// How many archives there are, and their bytes.
    pub fn usage(&self) -> (usize, u64) {
        let names = fs::read_dir(self.directory.join("blobs"));
        let found = names.into_iter().flatten().flatten();
        let sizes = found.filter_map(|name| Some(name.metadata().ok()?.len()));
        sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
    }

    /// What was found beside the archive with this digest.
    pub fn provenance(&self, digest: &str) -> Option<Provenance> {
        self.blob_path(digest)?;
        self.read_json("provenances", digest)
    }

    pub fn keep_provenance(&self, digest: &str, provenance: &Provenance) -> io::Result<()> {
        if self.blob_path(digest).is_none() {
            return Err(io::Error::other("not a digest"));
        }
        let folder = self.directory.join("provenances");
        let n_kept = fs::read_dir(&folder).map_or(0, Iterator::count);
        if n_kept >= MAX_PROVENANCES {
            fs::remove_dir_all(&folder)?;
        }
        self.write_json("provenances", digest, provenance)
    }

    fn blob_path(&self, digest: &str) -> Option<PathBuf> {
        let valid = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        valid.then(|| self.directory.join("blobs").join(digest))
    }

    /// The oldest archives go first; the one just written stays.
    fn make_room(&self, kept: &str) {
        let Ok(names) = fs::read_dir(self.directory.join("blobs")) else {
            return;
        };
        let mut blobs: Vec<_> = names
            .flatten()
            .filter_map(|name| {
                let found = name.metadata().ok()?;
                Some((found.modified().ok()?, found.len(), name.path()))
            })
            .collect();
        blobs.sort();
        let mut total: u64 = blobs.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in blobs {
            if total <= self.limit {
                break;
            }
            if !path.ends_with(kept) && fs::remove_file(&path).is_ok() {
                total = total.saturating_sub(bytes);
            }
        }
    }

    fn read_json<T: DeserializeOwned>(&self, folder: &str, key: &str) -> Option<T> {
        let path = self.directory.join(folder).join(format!("{key}.json"));
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn write_json(&self, folder: &str, key: &str, value: &impl Serialize) -> io::Result<()> {
        let path = self.directory.join(folder).join(format!("{key}.json"));
        let bytes = serde_json::to_vec(value).map_err(io::Error::other)?;
        write_whole(&path, &bytes)
    }
}

/// Whole or not at all, also when the power goes.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes)?;
    fs::rename(fresh, path)
}

fn key(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|b| format!("{b:02x}"))
        .collect()
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|b| format!("{b:02x}")).collect()
}
