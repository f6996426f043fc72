//! What of a work tree is not in its HEAD commit.
//!
//! Compared are the index with HEAD's tree, and each tracked file with the
//! index: by size and time first, by content where those differ. Line-ending
//! and other filters are not applied, so that a file that only they change
//! counts as changed. Files that git does not track count where no ignore rule
//! names them. Submodules are not entered.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::Mode;
use gix::objs::Kind;

use super::error::chain;

/// Paths that are named; the rest is counted.
const MAX_NAMED: usize = 20;
/// Directories below each other that are searched for untracked files.
const MAX_DEPTH: usize = 64;

/// Paths that differ from HEAD, sorted, at most 20 of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub paths: Vec<String>,
    pub n_paths: usize,
}

impl Changes {
    pub fn is_clean(&self) -> bool {
        self.n_paths == 0
    }

    fn add(&mut self, path: &BStr) {
        self.n_paths += 1;
        if self.paths.len() < MAX_NAMED {
            self.paths.push(path.to_str_lossy().into_owned());
        }
    }
}

pub(super) fn changes(repository: &gix::Repository) -> Result<Changes, String> {
    let mut changes = Changes::default();
    let Some(root) = repository.workdir() else {
        return Ok(changes);
    };
    let index = repository.index_or_empty().map_err(|error| chain(&error))?;
    let mut committed = committed(repository)?;
    let mut differing: BTreeMap<BString, ()> = BTreeMap::new();
    for entry in index.entries() {
        let path = entry.path(&index);
        let same_in_head = committed.remove(path) == Some(entry.id);
        if !same_in_head || !same_on_disk(&root.join(OsStr::from_bytes(path)), entry) {
            differing.insert(path.to_owned(), ());
        }
    }
    // Deleted in the index, still in HEAD.
    differing.extend(committed.into_keys().map(|path| (path, ())));
    let mut excludes = repository
        .excludes(
            &index,
            None,
            gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped,
        )
        .map_err(|error| chain(&error))?;
    let mut search = Search {
        index: &index,
        excludes: &mut excludes,
        differing: &mut differing,
    };
    search.directory(root, BStr::new(""), 0);
    for path in differing.keys() {
        changes.add(path.as_bstr());
    }
    Ok(changes)
}

/// Path and object of everything in HEAD's tree but directories.
fn committed(repository: &gix::Repository) -> Result<BTreeMap<BString, ObjectId>, String> {
    let mut found = BTreeMap::new();
    let tree = repository
        .head_tree_id_or_empty()
        .map_err(|error| chain(&error))?;
    let tree = repository
        .index_from_tree(&tree)
        .map_err(|error| chain(&error))?;
    for entry in tree.entries() {
        found.insert(entry.path(&tree).to_owned(), entry.id);
    }
    Ok(found)
}

fn same_on_disk(place: &Path, entry: &gix::index::Entry) -> bool {
    if entry.mode == Mode::COMMIT {
        return true;
    }
    let Ok(found) = place.symlink_metadata() else {
        return false;
    };
    if found.is_symlink() != (entry.mode == Mode::SYMLINK) || found.is_dir() {
        return false;
    }
    let since = found
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let same_time = since.is_some_and(|since| {
        since.as_secs() as u32 == entry.stat.mtime.secs
            && since.subsec_nanos() == entry.stat.mtime.nsecs
    });
    if same_time && found.len() as u32 == entry.stat.size {
        return true;
    }
    let content = if found.is_symlink() {
        fs::read_link(place).map(|target| target.as_os_str().as_bytes().to_vec())
    } else {
        fs::read(place)
    };
    content.is_ok_and(|content| {
        gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Blob, &content)
            .is_ok_and(|id| id == entry.id)
    })
}

struct Search<'a, 'repo> {
    index: &'a gix::index::State,
    excludes: &'a mut gix::AttributeStack<'repo>,
    differing: &'a mut BTreeMap<BString, ()>,
}

impl Search<'_, '_> {
    /// Adds files that are neither tracked nor ignored; what cannot be read
    /// is not worth an error here.
    fn directory(&mut self, place: &Path, path: &BStr, depth: usize) {
        let Ok(names) = fs::read_dir(place) else {
            return;
        };
        for name in names.flatten() {
            let Ok(kind) = name.file_type() else {
                continue;
            };
            let mut path = path.to_owned();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.file_name().as_bytes());
            if name.file_name() == ".git" || self.index.entry_by_path(path.as_bstr()).is_some() {
                continue;
            }
            let mode = if kind.is_dir() { Mode::DIR } else { Mode::FILE };
            let ignored = self
                .excludes
                .at_entry(path.as_bstr(), Some(mode))
                .is_ok_and(|found| found.is_excluded());
            if ignored {
                continue;
            }
            if !kind.is_dir() {
                self.differing.insert(path, ());
            } else if depth < MAX_DEPTH && !name.path().join(".git").exists() {
                self.directory(&name.path(), path.as_bstr(), depth + 1);
            }
        }
    }
}
