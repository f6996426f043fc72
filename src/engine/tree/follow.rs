//! Look-ups that go through symbolic links, as everyone wants them who is
//! given a path by a person.

use super::{Entry, EntryKind, Tree, TreeError, resolve};

/// The bytes of a file, links followed inside of the tree.
pub fn read_following(tree: &dyn Tree, path: &str) -> Result<Vec<u8>, TreeError> {
    match resolve(tree, path)? {
        (resolved, Some(entry)) if entry.kind == EntryKind::File => tree.read(&resolved),
        _ => Err(TreeError::IsDirectory {
            path: path.to_owned(),
        }),
    }
}

/// Where a path really leads and what stands there; `None` where nothing
/// does. The root is the path "" with an entry of its own kind.
pub fn entry_following(
    tree: &dyn Tree,
    path: &str,
) -> Result<Option<(String, EntryKind)>, TreeError> {
    match resolve(tree, path) {
        Ok((resolved, entry)) => {
            let kind = entry.map_or(EntryKind::Directory, |entry| entry.kind);
            Ok(Some((resolved, kind)))
        }
        Err(TreeError::NotFound { .. } | TreeError::NotDirectory { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The files and links below a directory, in the order of a walk that takes
/// each directory's names sorted.
/// Links are given out as such and never gone into.
pub fn files_below(
    tree: &dyn Tree,
    directory: &str,
    mut wants_directory: impl FnMut(&str) -> bool,
) -> Result<Vec<(String, EntryKind)>, TreeError> {
    let mut found = Vec::new();
    let mut todo = vec![directory.to_owned()];
    while let Some(directory) = todo.pop() {
        for (name, entry) in tree.list(&directory)? {
            let path = join(&directory, &name);
            match entry.kind {
                EntryKind::File | EntryKind::Symlink => found.push((path, entry.kind)),
                EntryKind::Directory if wants_directory(&path) => todo.push(path),
                EntryKind::Directory | EntryKind::Submodule => {}
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
    Ok(found)
}

/// A path below a directory; the root's is the name alone.
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

/// What a look-up that found nothing, or no directory on its way, says.
pub(super) fn absent_is_none(
    found: Result<Option<Entry>, TreeError>,
) -> Result<Option<Entry>, TreeError> {
    match found {
        Err(TreeError::NotFound { .. } | TreeError::NotDirectory { .. }) => Ok(None),
        found => found,
    }
}
