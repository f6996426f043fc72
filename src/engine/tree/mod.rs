//! A read-only file tree: a git tree, an archive, files in memory.
//!
//! Invariant: a path never leaves its tree. `..` past the root, absolute
//! paths and symlinks that point outside are errors, not lookups.

mod resolve;

mod follow;

mod find;

mod recorded;

mod inputs;

mod memory;

pub use find::{FindError, find_files, is_pattern};
pub use follow::{entry_following, files_below, join, read_following};
pub use inputs::Inputs;
pub use memory::MemoryTree;
pub use recorded::Recorded;
pub use resolve::{clean, resolve};

/// Where in a symlink chain a lookup gives up.
pub const MAX_SYMLINKS: usize = 40;

#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error("{path}: no such file or directory")]
    NotFound { path: String },
    #[error("{path}: is a directory")]
    IsDirectory { path: String },
    #[error("{path}: not a directory")]
    NotDirectory { path: String },
    #[error("{path}: leads outside of the repository")]
    Outside { path: String },
    #[error("{path}: too many levels of symbolic links")]
    SymlinkLoop { path: String },
    #[error("{path}: {bytes} bytes, above the limit of {limit}")]
    TooLarge {
        path: String,
        bytes: u64,
        limit: u64,
    },
    #[error("{path}: {cause}")]
    Read { path: String, cause: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    File,
    Directory,
    Symlink,
    Submodule,
}

/// What stands at a path. `id` names the content: equal ids, equal content
/// (a git object id, or a digest of the bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: EntryKind,
    pub id: Vec<u8>,
}

/// A tree of files. Paths are relative to its root, with `/` between the
/// parts, no leading `/`, and "" for the root; implementations get them
/// normalized and without symlinks in front of the last part.
pub trait Tree {
    /// What stands at a path, symlinks not followed; `None` where nothing does.
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError>;
    /// Names and entries of a directory, sorted by name.
    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError>;
    /// The bytes of a file, or the target of a symlink.
    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError>;
}
