//! Files and folders as a kustomization names them.
//!
//! Invariant: a file is in or below the folder of the kustomization that names
//! it, links followed; nothing leaves the tree even where that is switched off.

use super::BuildError;
use super::need::Need;
use super::remote::Remote;
use crate::tree::{EntryKind, Tree, TreeError, entry_following, join, read_following, resolve};

/// How large a file may be that a kustomization reads.
const MAX_FILE_BYTES: usize = 32 << 20;

/// How deep kustomizations may refer to one another.
const MAX_DEPTH: usize = 64;

#[derive(Clone)]
pub struct Loader<'a> {
    tree: &'a dyn Tree,
    /// Resolved: no links, no dots.
    root: String,
    /// The roots that led here.
    referrers: Vec<String>,
    root_only: bool,
}

impl<'a> Loader<'a> {
    pub fn new(tree: &'a dyn Tree, path: &str, root_only: bool) -> Result<Self, BuildError> {
        let root = directory(tree, path)?;
        Ok(Loader {
            tree,
            root,
            referrers: Vec::new(),
            root_only,
        })
    }

    /// The folder of the kustomization, for messages.
    pub fn root(&self) -> &str {
        if self.root.is_empty() {
            "."
        } else {
            &self.root
        }
    }

    pub fn tree(&self) -> &'a dyn Tree {
        self.tree
    }

    pub fn path_of(&self, path: &str) -> String {
        join(&self.root, path)
    }

    /// A folder that this kustomization refers to.
    pub fn descend(&self, path: &str) -> Result<Self, BuildError> {
        if path.is_empty() {
            return Err(BuildError::wrong("new root cannot be empty"));
        }
        if let Some(remote) = Remote::parse(path) {
            return Err(BuildError::Needs(vec![remote.into_need()]));
        }
        if path.starts_with('/') {
            return Err(BuildError::wrong(format!(
                "new root '{path}' cannot be absolute"
            )));
        }
        let ambiguous = |part: &str| !matches!(part, "" | "." | "..") && part.contains("..");
        if path.split('/').any(ambiguous) {
            return Err(BuildError::wrong(format!(
                "path {path:?} is ambiguous: a part of it has two dots in it; check the indentation of the kustomization"
            )));
        }
        let root = directory(self.tree, &join(&self.root, path))?;
        let is_within = |inner: &str| {
            root.is_empty()
                || inner == root
                || inner
                    .strip_prefix(&root)
                    .is_some_and(|r| r.starts_with('/'))
        };
        let visited = self.referrers.iter().chain([&self.root]);
        if let Some(visited) = visited.rev().find(|visited| is_within(visited)) {
            let named = |root: &str| {
                if root.is_empty() {
                    ".".to_owned()
                } else {
                    root.to_owned()
                }
            };
            return Err(BuildError::wrong(format!(
                "cycle detected: candidate root '{}' contains visited root '{}'",
                named(&root),
                named(visited)
            )));
        }
        let mut referrers = self.referrers.clone();
        referrers.push(self.root.clone());
        if referrers.len() > MAX_DEPTH {
            return Err(BuildError::wrong(format!(
                "kustomizations refer to one another more than {MAX_DEPTH} deep"
            )));
        }
        Ok(Loader {
            tree: self.tree,
            root,
            referrers,
            root_only: self.root_only,
        })
    }

    /// The bytes of a file; `None` where nothing of the name is there.
    pub fn find(&self, path: &str) -> Result<Option<Vec<u8>>, BuildError> {
        let full = join(&self.root, path);
        match entry_following(self.tree, &full).map_err(|error| wrong(&error))? {
            Some((_, EntryKind::File)) => self.read(path).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// The bytes of a file.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, BuildError> {
        if ["http://", "https://"]
            .iter()
            .any(|scheme| path.starts_with(scheme))
        {
            let url = path.to_owned();
            return Err(BuildError::Needs(vec![Need::File { url }]));
        }
        if path.starts_with('/') {
            return Err(self.outside(path));
        }
        let full = join(&self.root, path);
        let (resolved, _) = match resolve(self.tree, &full) {
            Err(TreeError::Outside { .. }) if self.root_only => return Err(self.outside(path)),
            other => other.map_err(|error| wrong(&error))?,
        };
        let is_below = self.root.is_empty()
            || resolved
                .strip_prefix(&self.root)
                .is_some_and(|rest| rest.starts_with('/'));
        if self.root_only && !is_below {
            return Err(self.outside(path));
        }
        let bytes = read_following(self.tree, &full).map_err(|error| wrong(&error))?;
        if bytes.len() > MAX_FILE_BYTES {
            return Err(BuildError::wrong(format!(
                "{full}: {} bytes, above the limit of {MAX_FILE_BYTES}",
                bytes.len()
            )));
        }
        Ok(bytes)
    }

    fn outside(&self, path: &str) -> BuildError {
        BuildError::wrong(format!(
            "security; file '{path}' is not in or below '{}'",
            self.root()
        ))
    }

    pub fn read_text(&self, path: &str) -> Result<String, BuildError> {
        String::from_utf8(self.read(path)?)
            .map_err(|_| BuildError::wrong(format!("{}: not UTF-8", self.path_of(path))))
    }
}

fn wrong(error: &TreeError) -> BuildError {
    BuildError::wrong(error.to_string())
}

fn directory(tree: &dyn Tree, path: &str) -> Result<String, BuildError> {
    match resolve(tree, path) {
        Ok((root, entry))
            if entry
                .as_ref()
                .is_none_or(|e| e.kind == EntryKind::Directory) =>
        {
            Ok(root)
        }
        Ok(_) => Err(BuildError::wrong(format!("{path}: not a directory"))),
        Err(error) => Err(BuildError::wrong(format!(
            "must build at directory: {error}"
        ))),
    }
}
