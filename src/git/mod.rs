//! Git over gix: the cache, fetches, trees.
//!
//! ```text
//! Locator.repository(url, access) -> Repository          remote, local clone, or plain folder
//! Repository.resolve(revision)    -> Resolved            a handshake and an ls-refs
//! Repository.fetch(&resolved)     -> Snapshot            depth 1, a delta against what is there
//! Snapshot.tree()                 -> impl tree::Tree     objects read from the database, no work tree
//! Repository.history(commit)      -> History             commits alone, fetched as far as they are read
//! Keyring.verify(Snapshot.signed()) -> Checked           what the signature of the commit or tag is worth
//! ```
//!
//! Invariants: a snapshot is a repository and a commit, and never changes.
//! What is read from an object database is checked against its name before it
//! is used. The cache holds nothing that cannot be fetched again. No process
//! is ever started, for any URL.

mod error;
mod url;

mod revision;

mod lfs;
mod objects;
mod signed;
mod snapshot;
mod submodules;
mod tree;

mod folder;
mod local;
mod status;

mod access;
mod counters;
mod https;
mod remote;
mod ssh;

mod cache;
mod compact;
mod history;
mod mirror;

mod repository;

pub use access::Access;
pub use cache::{Cache, Limits};
pub use counters::Counts;
pub use error::{Error, Fault};
pub use folder::FolderTree;
pub use history::{History, unsealed};
pub use local::{Branches, LocalRepository};
pub use repository::{Locator, Repository};
pub use revision::Resolved;
pub use signed::{
    Checked, ClearSigned, Keyring, SSH_ALLOWED_SIGNERS, SSH_REVOKED_KEYS, Signed, Verdict,
};
pub use snapshot::{CommitInfo, Snapshot};
pub use ssh::Ssh;
pub use status::Changes;
pub use submodules::{MAX_SUBMODULE_DEPTH, MAX_SUBMODULES, Submodule, with_submodules};
pub use tree::GitTree;
pub use url::{RepositoryUrl, Scheme};
