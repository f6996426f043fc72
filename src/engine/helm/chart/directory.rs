//! Charts as folders of a tree: the files that .helmignore leaves.

use super::archive::{MAX_CHART_BYTES, MAX_FILE_BYTES, MAX_FILES};
use super::ignore::{HELMIGNORE, IgnoreError, IgnoreRules};
use super::{ChartFile, UTF8_BOM};
use crate::tree::{self, EntryKind, Tree, TreeError};

/// Folders in each other; links may lead round in circles.
const MAX_DEPTH: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("{HELMIGNORE}: {0}")]
    Ignore(#[from] IgnoreError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("chart file {name:?} is larger than the maximum file size {MAX_FILE_BYTES}")]
    FileTooLarge { name: String },
    #[error("chart is larger than the maximum size {MAX_CHART_BYTES}")]
    ChartTooLarge,
    #[error("chart holds more than {MAX_FILES} files")]
    TooManyFiles,
    #[error("{path}: more than {MAX_DEPTH} folders in each other")]
    TooDeep { path: String },
}

/// The files of the chart at `root`, in the order of their names.
pub fn read(tree: &dyn Tree, root: &str) -> Result<Vec<ChartFile>, DirectoryError> {
    let ignore_file = join(root, HELMIGNORE);
    let rules = match tree::resolve(tree, &ignore_file) {
        Ok((path, _)) => String::from_utf8_lossy(&tree.read(&path)?).into_owned(),
        Err(TreeError::NotFound { .. }) => String::new(),
        Err(other) => return Err(other.into()),
    };
    let mut walk = Walk {
        tree,
        rules: IgnoreRules::parse(&rules)?,
        files: Vec::new(),
        remaining: MAX_CHART_BYTES,
    };
    let (root, _) = tree::resolve(tree, root)?;
    walk.directory(&root, "", 0)?;
    Ok(walk.files)
}

struct Walk<'t> {
    tree: &'t dyn Tree,
    rules: IgnoreRules,
    files: Vec<ChartFile>,
    remaining: u64,
}

impl Walk<'_> {
    /// `path` is where the folder stands in the tree, `name` in the chart.
    fn directory(&mut self, path: &str, name: &str, depth: usize) -> Result<(), DirectoryError> {
        if depth > MAX_DEPTH {
            return Err(DirectoryError::TooDeep {
                path: path.to_owned(),
            });
        }
        for (leaf, entry) in self.tree.list(path)? {
            let name = join(name, &leaf);
            let (path, kind) = match entry.kind {
                EntryKind::Symlink => {
                    let (path, entry) = tree::resolve(self.tree, &join(path, &leaf))?;
                    // A link to the root itself has no entry.
                    (path, entry.map_or(EntryKind::Directory, |e| e.kind))
                }
                kind => (join(path, &leaf), kind),
            };
            match kind {
                EntryKind::Directory => {
                    if !self.rules.is_ignored(&name, true) {
                        self.directory(&path, &name, depth + 1)?;
                    }
                }
                EntryKind::File => {
                    if !self.rules.is_ignored(&name, false) {
                        self.file(&path, name)?;
                    }
                }
                EntryKind::Symlink | EntryKind::Submodule => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str, name: String) -> Result<(), DirectoryError> {
        let mut data = self.tree.read(path)?;
        let size = data.len() as u64;
        if size > MAX_FILE_BYTES {
            return Err(DirectoryError::FileTooLarge { name });
        }
        self.remaining = self
            .remaining
            .checked_sub(size)
            .ok_or(DirectoryError::ChartTooLarge)?;
        if self.files.len() == MAX_FILES {
            return Err(DirectoryError::TooManyFiles);
        }
        if data.starts_with(UTF8_BOM) {
            data.drain(..UTF8_BOM.len());
        }
        self.files.push(ChartFile::new(name, data));
        Ok(())
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}
