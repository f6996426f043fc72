//! Git over ssh in this process: no `ssh` is started, no file below `~/.ssh`
//! is read. The key and the known hosts are given with the access.
//!
//! ```text
//! known hosts -> the kinds of key that are asked for -> connect -> log in by key
//!             -> exec git-upload-pack 'PATH' -> bytes both ways for gix
//! ```
//! Invariant: without a known host key, and without the operator's word that
//! any will do, not one byte of the login is sent.

mod known_hosts;

mod key;

mod client;

pub(super) use client::{connect, lfs_authenticate};

use std::sync::Arc;

/// How a repository is reached by ssh.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ssh {
    /// OpenSSH, PKCS#1 or PKCS#8, as text.
    pub private_key: Option<Arc<str>>,
    /// Lines as in `ssh_known_hosts`.
    pub known_hosts: Option<Arc<str>>,
    /// Takes any host key. The operator's explicit wish, never a fallback.
    pub any_host_key: bool,
}

impl std::fmt::Debug for Ssh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ssh")
            .field("private_key", &self.private_key.is_some())
            .field("any_host_key", &self.any_host_key)
            .finish_non_exhaustive()
    }
}
