//! A commit's tree, read from the object database as it is asked for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::tree::EntryKind as Mode;
use gix::objs::{Kind, TreeRefIter};

use super::lfs::{Lfs, Pointer};
use super::objects::{ObjectError, Objects};
use crate::tree::{Entry, EntryKind, Tree, TreeError};

/// Files above this are not read: a manifest, a chart archive, a values file
/// are far below.
pub const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of tree objects that are kept decoded while a render reads.
const MAX_CACHED_TREE_BYTES: usize = 1024 * 1024;

/// One commit's tree. Not for sharing between threads: open one where it is
/// read, drop it when done; it holds file descriptors and mappings.
pub struct GitTree {
    objects: Objects,
    root: ObjectId,
    trees: RefCell<TreeCache>,
    /// Submodules by path.
    mounted: Vec<(String, Box<dyn Tree>)>,
    /// What its pointers stand for, where that is asked for.
    lfs: Option<Arc<Lfs>>,
}

#[derive(Default)]
struct TreeCache {
    by_id: HashMap<ObjectId, Rc<Vec<u8>>>,
    bytes: usize,
}

impl GitTree {
    pub(super) fn new(
        objects: Objects,
        root: ObjectId,
        mounted: Vec<(String, Box<dyn Tree>)>,
        lfs: Option<Arc<Lfs>>,
    ) -> Self {
        Self {
            objects,
            root,
            trees: RefCell::default(),
            mounted,
            lfs,
        }
    }

    /// A file as it is meant: where it is a pointer of Git LFS, what that
    /// stands for.
    fn smudged(&self, path: &str, file: Vec<u8>) -> Result<Vec<u8>, TreeError> {
        let pointer = self.lfs.as_ref().zip(Pointer::read(&file));
        let Some((lfs, pointer)) = pointer else {
            return Ok(file);
        };
        lfs.object(&pointer).map_err(|cause| TreeError::Read {
            path: path.to_owned(),
            cause,
        })
    }

    /// The submodule that a path leads into, and the path within.
    fn submodule<'a>(&self, path: &'a str) -> Option<(&dyn Tree, &'a str)> {
        self.mounted.iter().find_map(|(at, tree)| {
            let rest = path.trim_start_matches('/').strip_prefix(at.as_str())?;
            match rest.is_empty() {
                true => Some((&**tree, rest)),
                false => Some((&**tree, rest.strip_prefix('/')?)),
            }
        })
    }

    fn tree(&self, id: ObjectId, path: &str) -> Result<Rc<Vec<u8>>, TreeError> {
        if let Some(known) = self.trees.borrow().by_id.get(&id) {
            return Ok(Rc::clone(known));
        }
        let data = self
            .objects
            .read(id, Kind::Tree, MAX_FILE_BYTES)
            .map_err(|error| tree_error(path, error))?;
        let data = Rc::new(data);
        let mut cache = self.trees.borrow_mut();
        if cache.bytes + data.len() > MAX_CACHED_TREE_BYTES {
            *cache = TreeCache::default();
        }
        cache.bytes += data.len();
        cache.by_id.insert(id, Rc::clone(&data));
        Ok(data)
    }

    /// Mode and id at a path; `None` where nothing stands.
    fn lookup(&self, path: &str) -> Result<Option<(Mode, ObjectId)>, TreeError> {
        let mut found = (Mode::Tree, self.root);
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if found.0 != Mode::Tree {
                return Ok(None);
            }
            let data = self.tree(found.1, path)?;
            let mut next = None;
            for entry in TreeRefIter::from_bytes(&data, gix::hash::Kind::Sha1) {
                let entry = entry.map_err(|error| self.malformed(path, found.1, &error))?;
                if entry.filename == part {
                    next = Some((entry.mode.kind(), entry.oid.to_owned()));
                    break;
                }
            }
            match next {
                Some(next) => found = next,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// A submodule that is here is a directory, named by its commit.
    fn as_mounted(&self, path: &str, entry: Entry) -> Entry {
        let is_here = entry.kind == EntryKind::Submodule
            && self
                .submodule(path)
                .is_some_and(|(_, rest)| rest.is_empty());
        match is_here {
            true => Entry {
                kind: EntryKind::Directory,
                ..entry
            },
            false => entry,
        }
    }

    fn malformed(&self, path: &str, id: ObjectId, error: &gix::Error) -> TreeError {
        tree_error(path, self.objects.broken(id, error.to_string()))
    }
}

impl Tree for GitTree {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        if let Some((tree, rest)) = self.submodule(path)
            && !rest.is_empty()
        {
            return tree.entry(rest).map_err(|error| below(error, path));
        }
        let found = self.lookup(path)?.map(entry_of);
        Ok(found.map(|entry| self.as_mounted(path, entry)))
    }

    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        if let Some((tree, rest)) = self.submodule(directory) {
            return tree.list(rest).map_err(|error| below(error, directory));
        }
        let path = || directory.to_owned();
        let id = match self.lookup(directory)? {
            Some((Mode::Tree, id)) => id,
            Some(_) => return Err(TreeError::NotDirectory { path: path() }),
            None => return Err(TreeError::NotFound { path: path() }),
        };
        let data = self.tree(id, directory)?;
        let mut entries = Vec::new();
        for entry in TreeRefIter::from_bytes(&data, gix::hash::Kind::Sha1) {
            let entry = entry.map_err(|error| self.malformed(directory, id, &error))?;
            // A name that is not UTF-8 cannot be asked for by any manifest.
            let Ok(name) = std::str::from_utf8(entry.filename) else {
                continue;
            };
            // Hand-made trees may hold what git itself refuses to check out.
            if matches!(name, "" | "." | "..") || name.contains('/') {
                continue;
            }
            let found = entry_of((entry.mode.kind(), entry.oid.to_owned()));
            let found = match found.kind {
                EntryKind::Submodule => {
                    self.as_mounted(&crate::tree::join(directory.trim_matches('/'), name), found)
                }
                _ => found,
            };
            entries.push((name.to_owned(), found));
        }
        // Git sorts directories as if a slash followed.
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        if let Some((tree, rest)) = self.submodule(file)
            && !rest.is_empty()
        {
            return tree.read(rest).map_err(|error| below(error, file));
        }
        let path = || file.to_owned();
        match self.lookup(file)? {
            Some((mode @ (Mode::Blob | Mode::BlobExecutable | Mode::Link), id)) => {
                let read = self.objects.read(id, Kind::Blob, MAX_FILE_BYTES);
                let read = read.map_err(|error| tree_error(file, error))?;
                match mode {
                    Mode::Link => Ok(read),
                    _ => self.smudged(file, read),
                }
            }
            Some((Mode::Tree, _)) => Err(TreeError::IsDirectory { path: path() }),
            Some((Mode::Commit, _)) => Err(TreeError::Read {
                path: path(),
                cause: "is a submodule".into(),
            }),
            None => Err(TreeError::NotFound { path: path() }),
        }
    }
}

fn entry_of((mode, id): (Mode, ObjectId)) -> Entry {
    let kind = match mode {
        Mode::Tree => EntryKind::Directory,
        Mode::Blob | Mode::BlobExecutable => EntryKind::File,
        Mode::Link => EntryKind::Symlink,
        Mode::Commit => EntryKind::Submodule,
    };
    Entry {
        kind,
        id: id.as_slice().to_vec(),
    }
}

/// An error of a submodule, with the path from the outer root.
fn below(error: TreeError, outer: &str) -> TreeError {
    let path = outer.to_owned();
    match error {
        TreeError::NotFound { .. } => TreeError::NotFound { path },
        TreeError::IsDirectory { .. } => TreeError::IsDirectory { path },
        TreeError::NotDirectory { .. } => TreeError::NotDirectory { path },
        TreeError::Outside { .. } => TreeError::Outside { path },
        TreeError::SymlinkLoop { .. } => TreeError::SymlinkLoop { path },
        TreeError::TooLarge { bytes, limit, .. } => TreeError::TooLarge { path, bytes, limit },
        TreeError::Read { cause, .. } => TreeError::Read { path, cause },
    }
}

fn tree_error(path: &str, error: ObjectError) -> TreeError {
    match error {
        ObjectError::TooLarge { bytes, limit, .. } => TreeError::TooLarge {
            path: path.to_owned(),
            bytes,
            limit,
        },
        other => TreeError::Read {
            path: path.to_owned(),
            cause: other.to_string(),
        },
    }
}
