//! Paths as people write them: `.` and `..`, symbolic links anywhere.

use super::{Entry, EntryKind, MAX_SYMLINKS, Tree, TreeError};

/// Where a path really leads: the normalized path without symbolic links,
/// and what stands there. `None` for the entry of the root itself.
pub fn resolve(tree: &dyn Tree, path: &str) -> Result<(String, Option<Entry>), TreeError> {
    let outside = || TreeError::Outside {
        path: path.to_owned(),
    };
    if path.starts_with('/') {
        return Err(outside());
    }
    let mut todo: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut done: Vec<String> = Vec::new();
    let mut last: Option<Entry> = None;
    let mut n_links = 0;
    while let Some(part) = todo.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                done.pop().ok_or_else(outside)?;
                last = None;
                continue;
            }
            _ => {}
        }
        if last.as_ref().is_some_and(|e| e.kind == EntryKind::File) {
            return Err(TreeError::NotDirectory {
                path: done.join("/"),
            });
        }
        done.push(part);
        let here = done.join("/");
        let entry = tree.entry(&here)?.ok_or_else(|| TreeError::NotFound {
            path: path.to_owned(),
        })?;
        if entry.kind != EntryKind::Symlink {
            last = Some(entry);
            continue;
        }
        n_links += 1;
        if n_links > MAX_SYMLINKS {
            return Err(TreeError::SymlinkLoop {
                path: path.to_owned(),
            });
        }
        let target = tree.read(&here)?;
        let target = String::from_utf8_lossy(&target).into_owned();
        if target.starts_with('/') {
            return Err(outside());
        }
        done.pop();
        last = None;
        todo.extend(target.split('/').rev().map(str::to_owned));
    }
    let resolved = done.join("/");
    if last.is_none() && !resolved.is_empty() {
        last = tree.entry(&resolved)?;
    }
    Ok((resolved, last))
}

/// Go's `path.Clean` of a relative path.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}
