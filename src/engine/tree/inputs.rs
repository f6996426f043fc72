//! The list of everything that a render read, packed for its long rest.
//!
//! ```text
//! record: shared, fresh  lengths: of what its path shares with the one before, and of the rest
//!         rest of the path
//!         what           low 3 bits: 0 not looked up, 1 absent, 2 file, 3 directory, 4 link, 5 submodule
//!                        bit 3: was listed
//!         length, id     of a found entry
//!         digest         of a listing, 32 bytes
//! ```
//! Lengths are little-endian base 128.

use super::follow::absent_is_none;
use super::recorded::names_digest;
use super::{Entry, EntryKind, Tree, TreeError};
use crate::value::Digest;
use std::collections::BTreeMap;

/// What a render read of one tree. Small: paths share their beginnings.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Inputs {
    packed: Box<[u8]>,
}

/// What was asked about one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Where it was looked up: what stood there.
    pub entry: Option<Option<Entry>>,
    /// Where it was listed.
    pub names: Option<Digest>,
}

const LISTED: u8 = 8;

impl Inputs {
    pub(super) fn pack(seen: &BTreeMap<String, Seen>) -> Self {
        let mut ordered: Vec<_> = seen.iter().collect();
        // A directory directly in front of all that is below it.
        ordered.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
        let mut packed = Vec::new();
        let mut previous = "";
        for (path, seen) in ordered {
            let pairs = path.bytes().zip(previous.bytes());
            let shared = pairs.take_while(|(a, b)| a == b).count();
            push_length(&mut packed, shared);
            push_length(&mut packed, path.len() - shared);
            packed.extend_from_slice(&path.as_bytes()[shared..]);
            let what = match &seen.entry {
                None => 0,
                Some(None) => 1,
                Some(Some(entry)) => 2 + entry.kind as u8,
            };
            let listed = if seen.names.is_some() { LISTED } else { 0 };
            packed.push(what | listed);
            if let Some(Some(entry)) = &seen.entry {
                push_length(&mut packed, entry.id.len());
                packed.extend_from_slice(&entry.id);
            }
            if let Some(names) = &seen.names {
                packed.extend_from_slice(names.as_bytes());
            }
            previous = path;
        }
        Inputs {
            packed: packed.into(),
        }
    }

    /// Whether a tree answers every question as the recorded one did. Where a
    /// directory is the same object, nothing below it is looked at.
    pub fn unchanged(&self, tree: &dyn Tree) -> Result<bool, TreeError> {
        Ok(self.first_change(tree)?.is_none())
    }

    /// The first path of which a tree says something else.
    pub fn first_change(&self, tree: &dyn Tree) -> Result<Option<String>, TreeError> {
        let mut same_below: Option<String> = None;
        for record in self.records() {
            let (path, seen) = record.expect("packed by pack or checked by from_bytes");
            if same_below.as_ref().is_some_and(|at| path.starts_with(at)) {
                continue;
            }
            if let Some(then) = &seen.entry {
                let now = absent_is_none(tree.entry(&path))?;
                match (then, now) {
                    (None, None) => {}
                    (Some(then), Some(now)) if *then == now => {
                        if now.kind == EntryKind::Directory && !path.is_empty() {
                            same_below = Some(format!("{path}/"));
                            continue;
                        }
                    }
                    // That it is a directory is all that its entry told.
                    (Some(then), Some(now))
                        if then.kind == EntryKind::Directory && now.kind == then.kind => {}
                    _ => return Ok(Some(path)),
                }
            }
            if let Some(names) = seen.names {
                match tree.list(&path) {
                    Ok(entries) if names_digest(&entries) == names => {}
                    Ok(_) | Err(TreeError::NotFound { .. } | TreeError::NotDirectory { .. }) => {
                        return Ok(Some(path));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    /// The paths that were asked for, directories in front of what is in them.
    pub fn paths(&self) -> Vec<String> {
        let records = self.records();
        records
            .filter_map(|record| record.ok().map(|(path, _)| path))
            .collect()
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.packed
    }

    /// Reads what `as_bytes` gave; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let inputs = Inputs {
            packed: bytes.into(),
        };
        let whole = inputs.records().all(|record| record.is_ok());
        whole.then_some(inputs)
    }

    fn records(&self) -> Records<'_> {
        Records {
            rest: &self.packed,
            path: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.paths()).finish()
    }
}

struct Records<'a> {
    rest: &'a [u8],
    path: Vec<u8>,
}

/// The bytes are no packed list.
#[derive(Debug)]
struct Malformed;

impl Iterator for Records<'_> {
    type Item = Result<(String, Seen), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.record();
        if record.is_none() {
            self.rest = &[];
        }
        Some(record.ok_or(Malformed))
    }
}

impl Records<'_> {
    fn record(&mut self) -> Option<(String, Seen)> {
        let shared = self.length().filter(|shared| *shared <= self.path.len())?;
        let fresh = self.length()?;
        let fresh = self.take(fresh)?.to_vec();
        self.path.truncate(shared);
        self.path.extend(fresh);
        let path = String::from_utf8(self.path.clone()).ok()?;
        let what = *self.take(1)?.first()?;
        let kind = match what & (LISTED - 1) {
            0 | 1 => None,
            2 => Some(EntryKind::File),
            3 => Some(EntryKind::Directory),
            4 => Some(EntryKind::Symlink),
            5 => Some(EntryKind::Submodule),
            _ => return None,
        };
        let found = match kind {
            Some(kind) => {
                let length = self.length()?;
                let id = self.take(length)?.to_vec();
                Some(Entry { kind, id })
            }
            None => None,
        };
        let names = match what & LISTED {
            0 => None,
            _ => Some(Digest::from_bytes(self.take(32)?.try_into().ok()?)),
        };
        let entry = (what & (LISTED - 1) != 0).then_some(found);
        Some((path, Seen { entry, names }))
    }

    fn take(&mut self, n: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    fn length(&mut self) -> Option<usize> {
        let mut length = 0usize;
        for shift in (0..28).step_by(7) {
            let byte = *self.take(1)?.first()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(length);
            }
        }
        None
    }
}

fn push_length(packed: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        packed.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    packed.push(length as u8);
}
