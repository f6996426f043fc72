//! The whole disk as a tree, for a kustomization that the user names: its
//! bases may stand beside it. Links are shown, not followed: whoever resolves
//! them knows where they lead.

use crate::tree::{Entry, EntryKind, Tree, TreeError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub struct Disk;

fn place(path: &str) -> PathBuf {
    Path::new("/").join(path)
}

impl Tree for Disk {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        match fs::symlink_metadata(place(path)) {
            Ok(metadata) => {
                let kind = if metadata.is_symlink() {
                    EntryKind::Symlink
                } else if metadata.is_dir() {
                    EntryKind::Directory
                } else {
                    EntryKind::File
                };
                // The ids are paths: nothing is kept of such a tree.
                let id = path.as_bytes().to_vec();
                Ok(Some(Entry { kind, id }))
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed(path, &error)),
        }
    }

    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        let listing = fs::read_dir(place(directory)).map_err(|error| failed(directory, &error))?;
        let mut entries = Vec::new();
        for item in listing {
            let item = item.map_err(|error| failed(directory, &error))?;
            let name = item.file_name().to_string_lossy().into_owned();
            if let Some(entry) = self.entry(&crate::tree::join(directory, &name))? {
                entries.push((name, entry));
            }
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        let path = place(file);
        let is_link = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
        if !is_link {
            return fs::read(path).map_err(|error| failed(file, &error));
        }
        let target = fs::read_link(path).map_err(|error| failed(file, &error))?;
        let target = target.to_string_lossy().into_owned();
        // An absolute target is one from the root of this tree.
        let up = "../".repeat(file.matches('/').count());
        Ok(match target.strip_prefix('/') {
            Some(from_root) => format!("{up}{from_root}").into_bytes(),
            None => target.into_bytes(),
        })
    }
}

fn failed(path: &str, error: &io::Error) -> TreeError {
    TreeError::Read {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}
