//! A chart's folder on the disk, read as Helm reads it: links are followed,
//! wherever they lead. For charts that the user names, never for those of a
//! repository.

use crate::tree::{Entry, EntryKind, Tree, TreeError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub struct ChartFolder(pub PathBuf);

impl ChartFolder {
    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.0.clone()
        } else {
            self.0.join(path)
        }
    }
}

impl Tree for ChartFolder {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        match fs::metadata(self.path(path)) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(entry(EntryKind::Directory, path))),
            Ok(_) => Ok(Some(entry(EntryKind::File, path))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(path, &error)),
        }
    }

    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        let listing = fs::read_dir(self.path(directory)).map_err(|e| failed(directory, &e))?;
        let mut entries = Vec::new();
        for item in listing {
            let item = item.map_err(|error| failed(directory, &error))?;
            let name = item.file_name().to_string_lossy().into_owned();
            let path = Path::new(directory).join(&name);
            let path = path.to_string_lossy();
            let found = self.entry(&path)?.ok_or_else(|| TreeError::NotFound {
                path: path.to_string(),
            })?;
            entries.push((name, found));
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        fs::read(self.path(file)).map_err(|error| failed(file, &error))
    }
}

/// The ids are paths: nothing is kept of such a tree.
fn entry(kind: EntryKind, path: &str) -> Entry {
    Entry {
        kind,
        id: path.as_bytes().to_vec(),
    }
}

fn failed(path: &str, error: &io::Error) -> TreeError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => TreeError::NotFound { path },
        io::ErrorKind::NotADirectory => TreeError::NotDirectory { path },
        io::ErrorKind::IsADirectory => TreeError::IsDirectory { path },
        _ => TreeError::Read {
            path,
            cause: error.to_string(),
        },
    }
}
