//! Files in memory, for tests and for what is built on the way.

use super::{Entry, EntryKind, Tree, TreeError};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Files by path; folders are what the paths imply. There are no links.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl MemoryTree {
    /// Everything below a folder: its path with the slash.
    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Vec<u8>)> {
        self.files
            .range(prefix.to_owned()..)
            .take_while(move |(path, _)| path.starts_with(prefix))
            .map(move |(path, data)| (&path[prefix.len()..], data))
    }

    fn directory_entry(&self, prefix: &str) -> Option<Entry> {
        let mut digest = Sha256::new();
        let mut is_there = false;
        for (name, data) in self.below(prefix) {
            is_there = true;
            digest.update(name);
            digest.update([0]);
            digest.update(Sha256::digest(data));
        }
        is_there.then(|| Entry {
            kind: EntryKind::Directory,
            id: digest.finalize().to_vec(),
        })
    }
}

impl Tree for MemoryTree {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        if let Some(data) = self.files.get(path) {
            return Ok(Some(Entry {
                kind: EntryKind::File,
                id: Sha256::digest(data).to_vec(),
            }));
        }
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        Ok(self.directory_entry(&prefix))
    }

    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        let prefix = if directory.is_empty() {
            String::new()
        } else {
            format!("{directory}/")
        };
        let mut names: Vec<&str> = self
            .below(&prefix)
            .map(|(rest, _)| rest.split('/').next().unwrap_or(rest))
            .collect();
        names.dedup();
        if names.is_empty() && !directory.is_empty() {
            let path = directory.to_owned();
            return Err(if self.files.contains_key(directory) {
                TreeError::NotDirectory { path }
            } else {
                TreeError::NotFound { path }
            });
        }
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            let path = format!("{prefix}{name}");
            let entry = self.entry(&path)?.expect("the name was just listed");
            entries.push((name.to_owned(), entry));
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(a, _), (b, _)| a == b);
        Ok(entries)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        if let Some(data) = self.files.get(file) {
            return Ok(data.clone());
        }
        let path = file.to_owned();
        Err(match self.entry(file)? {
            Some(_) => TreeError::IsDirectory { path },
            None => TreeError::NotFound { path },
        })
    }
}
