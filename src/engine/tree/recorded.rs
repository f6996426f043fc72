//! A tree that remembers what was asked of it, so that it can be told later
//! whether another tree would have answered the same.

use super::follow::absent_is_none;
use super::inputs::{Inputs, Seen};
use super::{Entry, Tree, TreeError};
use crate::value::Digest;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Passes everything on and writes down what was looked up, read and listed,
/// and also what was looked for in vain.
pub struct Recorded<'a> {
    tree: &'a dyn Tree,
    seen: RefCell<BTreeMap<String, Seen>>,
}

impl<'a> Recorded<'a> {
    pub fn new(tree: &'a dyn Tree) -> Self {
        Recorded {
            tree,
            seen: RefCell::default(),
        }
    }

    /// What has been asked so far.
    pub fn inputs(&self) -> Inputs {
        Inputs::pack(&self.seen.borrow())
    }

    fn note(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        let entry = absent_is_none(self.tree.entry(path))?;
        let mut seen = self.seen.borrow_mut();
        let here = seen.entry(path.to_owned()).or_default();
        here.entry = Some(entry.clone());
        Ok(entry)
    }
}

impl Tree for Recorded<'_> {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        self.note(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        self.note(directory)?;
        let entries = self.tree.list(directory)?;
        let names = names_digest(&entries);
        let mut seen = self.seen.borrow_mut();
        seen.entry(directory.to_owned()).or_default().names = Some(names);
        Ok(entries)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        self.note(file)?;
        self.tree.read(file)
    }
}

/// What a listing told: the names and what kind of thing each is. What the
/// things contain was asked for apart, where it was.
pub(super) fn names_digest(entries: &[(String, Entry)]) -> Digest {
    let mut hasher = crate::value::Hasher::default();
    for (name, entry) in entries {
        hasher.bytes(name.as_bytes());
        // No name holds a zero byte.
        hasher.bytes(&[0, entry.kind as u8]);
    }
    hasher.finish()
}
