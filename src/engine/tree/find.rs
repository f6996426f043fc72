//! The files that a doublestar pattern names.

use super::follow::files_below;
use super::{EntryKind, Tree, TreeError, entry_following};
use crate::value::glob::{Glob, GlobError};

#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error(transparent)]
    Glob(#[from] GlobError),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Whether a path is a pattern, by the characters that doublestar treats so.
pub fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', '{', '\\'])
}

/// The files that a pattern names, in the order of a sorted walk; none is no
/// error. The
/// pattern is relative to the root; what it names without wildcards may lead
/// through `..` and links, but not out of the tree.
pub fn find_files(tree: &dyn Tree, pattern: &str) -> Result<Vec<String>, FindError> {
    let parts: Vec<&str> = pattern.split('/').collect();
    let n_fixed = parts.iter().take_while(|part| !is_pattern(part)).count();
    // The last part is a file's name even where it is no pattern.
    let (fixed, rest) = parts.split_at(n_fixed.min(parts.len() - 1));
    let glob = Glob::doublestar(&rest.join("/"))?;
    let Some((base, EntryKind::Directory)) = entry_following(tree, &fixed.join("/"))? else {
        return Ok(Vec::new());
    };
    let below = |path: &str| match base.as_str() {
        "" => path.to_owned(),
        base => path[base.len() + 1..].to_owned(),
    };
    // Without `**`, nothing deeper than the pattern itself can match.
    let deepest = if rest
        .iter()
        .any(|part| part.contains("**") || part.contains('{'))
    {
        usize::MAX
    } else {
        rest.len()
    };
    let below_base = files_below(tree, &base, |directory| {
        below(directory).split('/').count() < deepest
    })?;
    let mut found = Vec::new();
    for (path, kind) in below_base {
        if !glob.matches(&below(&path)) {
            continue;
        }
        let is_file = kind == EntryKind::File
            || matches!(entry_following(tree, &path)?, Some((_, EntryKind::File)));
        if is_file {
            found.push(path);
        }
    }
    Ok(found)
}
