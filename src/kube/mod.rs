//! The Kubernetes client: where the cluster is, what it serves, requests and
//! answers over ureq, and the watches on tokio.
//!
//! Invariant: nothing here decides what is written; a request goes out only
//! because a caller asked for it, and every error names the verb, the object
//! and the cause.
//!
//! ```text
//! kubeconfig | in-cluster -> Config -> Client -> get, list, apply, ...
//!                                        |-> Discovery (Gvk -> Resource)
//!                                        |-> Watcher -> (Resource, Event)
//!                                        '-> Election -> Fence -> Client::guarded
//! ```

mod resource;

mod discovery;

mod error;

mod options;

mod request;

mod config;

mod credentials;

mod retry;

mod list;

mod client;

mod send;

mod discover;

mod log;

pub mod watch;

mod fence;

pub mod election;

pub use client::{Client, Counts};
pub use config::{Config, ConfigError, User};
pub use discover::ServerVersion;
pub use discovery::Discovery;
pub use error::{Attempt, Conflict, Error, FieldConflict, Target};
pub use fence::Fence;
pub use list::Listed;
pub use log::LogOptions;
pub use options::{
    ApplyOptions, DeleteOptions, Deleted, FieldValidation, ListOptions, Patch, Propagation,
    WriteOptions,
};
pub use resource::{Resource, Verbs};
