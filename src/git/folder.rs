//! A folder that is no git repository, taken as it is.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::{Error, Fault};
use super::snapshot::Snapshot;
use super::tree::MAX_FILE_BYTES;
use crate::tree::{Entry, EntryKind, Tree, TreeError};

/// Directories below each other.
const MAX_DEPTH: usize = 64;
/// Files in one folder, all levels together.
const MAX_FILES: usize = 100_000;

/// A folder of the file system as a tree. Symlinks are shown, not followed:
/// whoever resolves them stays inside of the tree.
pub struct FolderTree {
    root: PathBuf,
    /// What was found at a path: a directory's id costs reading all below it.
    known: RefCell<HashMap<PathBuf, Option<Entry>>>,
}

impl FolderTree {
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            known: RefCell::default(),
        }
    }

    fn found(&self, place: &Path) -> io::Result<Option<Entry>> {
        if let Some(known) = self.known.borrow().get(place) {
            return Ok(known.clone());
        }
        let entry = entry_at(place, 0, &mut 0)?;
        self.known
            .borrow_mut()
            .insert(place.to_owned(), entry.clone());
        Ok(entry)
    }

    /// Where a tree path stands on disk; `None` if any part in front of the
    /// last is not a real directory, so that no symlink is ever walked through.
    fn place(&self, path: &str) -> Result<Option<PathBuf>, TreeError> {
        let mut place = self.root.clone();
        let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            if matches!(part, "." | "..") {
                return Err(TreeError::Outside {
                    path: path.to_owned(),
                });
            }
            place.push(part);
            if parts.peek().is_some() && !place.symlink_metadata().is_ok_and(|m| m.is_dir()) {
                return Ok(None);
            }
        }
        Ok(Some(place))
    }
}

impl Tree for FolderTree {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        match self.place(path)? {
            Some(place) => self.found(&place).map_err(|error| read_error(path, &error)),
            None => Ok(None),
        }
    }

    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        let path = || directory.to_owned();
        let place = self
            .place(directory)?
            .ok_or_else(|| TreeError::NotFound { path: path() })?;
        match place.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(TreeError::NotDirectory { path: path() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TreeError::NotFound { path: path() });
            }
            Err(error) => return Err(read_error(directory, &error)),
        }
        let mut entries = Vec::new();
        let names = fs::read_dir(&place).map_err(|error| read_error(directory, &error))?;
        for name in names {
            let name = name.map_err(|error| read_error(directory, &error))?;
            let Ok(text) = name.file_name().into_string() else {
                continue;
            };
            let found = self.found(&name.path());
            if let Some(entry) = found.map_err(|error| read_error(directory, &error))? {
                entries.push((text, entry));
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        let path = || file.to_owned();
        let place = self
            .place(file)?
            .ok_or_else(|| TreeError::NotFound { path: path() })?;
        let found = match place.symlink_metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TreeError::NotFound { path: path() });
            }
            Err(error) => return Err(read_error(file, &error)),
        };
        if found.is_dir() {
            return Err(TreeError::IsDirectory { path: path() });
        }
        if found.is_symlink() {
            let target = fs::read_link(&place).map_err(|error| read_error(file, &error))?;
            return Ok(target.as_os_str().as_bytes().to_vec());
        }
        if found.len() > MAX_FILE_BYTES {
            return Err(TreeError::TooLarge {
                path: path(),
                bytes: found.len(),
                limit: MAX_FILE_BYTES,
            });
        }
        if !found.is_file() {
            return Err(read_error(file, &io::Error::other("is not a regular file")));
        }
        fs::read(&place).map_err(|error| read_error(file, &error))
    }
}

/// The folder as it is now, as a snapshot. Its tree shows what is on disk at
/// the time of reading: a folder has no older versions.
pub(super) fn snapshot(repository: &str, path: &Path) -> Result<Snapshot, Error> {
    let digest = digest(path)
        .map_err(|cause| Error::new(repository, "read the folder", Fault::Local(cause)))?;
    Ok(Snapshot::folder(repository, path.to_owned(), digest))
}

/// 40 hexadecimal digits over names, kinds and contents.
fn digest(root: &Path) -> Result<String, String> {
    let digest = directory_id(root, 0, &mut 0).map_err(|error| error.to_string())?;
    Ok(digest.iter().take(20).map(|b| format!("{b:02x}")).collect())
}

/// A digest over everything below: equal ids, equal content.
fn directory_id(place: &Path, depth: usize, n_files: &mut usize) -> io::Result<Vec<u8>> {
    let fault = |cause: String| io::Error::other(format!("{}: {cause}", place.display()));
    if depth > MAX_DEPTH {
        return Err(fault(format!("directories nest deeper than {MAX_DEPTH}")));
    }
    let names = fs::read_dir(place).and_then(|names| {
        names
            .map(|name| Ok(name?.file_name()))
            .collect::<Result<Vec<_>, _>>()
    });
    let mut names = names.map_err(|error| fault(error.to_string()))?;
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        *n_files += 1;
        if *n_files > MAX_FILES {
            return Err(fault(format!(
                "more than {MAX_FILES} files: name a smaller folder"
            )));
        }
        let path = place.join(&name);
        let entry = entry_at(&path, depth, n_files)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        let Some(entry) = entry else {
            continue;
        };
        hash.update(name.as_bytes());
        hash.update([0, entry.kind as u8]);
        hash.update(&entry.id);
    }
    Ok(hash.finalize().to_vec())
}

fn entry_at(place: &Path, depth: usize, n_files: &mut usize) -> io::Result<Option<Entry>> {
    let found = match place.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (kind, id) = if found.is_dir() {
        (
            EntryKind::Directory,
            directory_id(place, depth + 1, n_files)?,
        )
    } else if found.is_symlink() {
        let target = fs::read_link(place)?;
        (EntryKind::Symlink, sha256(target.as_os_str().as_bytes()))
    } else if found.is_file() {
        (EntryKind::File, file_id(place, found.len())?)
    } else {
        // Sockets, pipes and devices are no files of a repository.
        return Ok(None);
    };
    Ok(Some(Entry { kind, id }))
}

fn file_id(place: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    if bytes > MAX_FILE_BYTES {
        // Too large to be read by anything here: its size tells it apart.
        return Ok(sha256(&bytes.to_le_bytes()));
    }
    Ok(sha256(&fs::read(place)?))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

fn read_error(path: &str, error: &io::Error) -> TreeError {
    TreeError::Read {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}
