//! Client settings: TLS, proxies, CAs, limits, redirects, retries.
//!
//! One configuration stands under the Kubernetes client, git, chart
//! repositories and OCI: [`Settings`] become a [`Client`], which holds a
//! `ureq::Agent` for each way to the network (direct, by proxy) and the rustls
//! configuration that the long watches share.
//!
//! ```text
//! Settings -> Client -> send(request)            one attempt, redirects followed
//!                    -> send_retrying(request)   attempts with backoff and jitter
//!                    -> agent_for(uri), tls()    for git's transport and the watches
//! ```
//!
//! Invariant: credentials go to the origin that they were given for and to no
//! other; no error, log line or message shows the userinfo or query of a URL.

mod client;
mod credentials;
mod error;
mod proxy;
mod retry;
mod roots;
mod settings;
mod tls;
mod url;

pub use client::{Client, read_body, require_success};
pub use credentials::Credentials;
pub(crate) use error::io_fault;
pub use error::{Error, Fault};
pub use proxy::ProxyChoice;
pub use retry::Retry;
pub use settings::{ClientCertificate, Roots, Settings, Timeouts};
pub use url::{masked, may_carry_credentials, same_origin};

/// What every request says of itself.
pub const USER_AGENT: &str = concat!("drupelet/", env!("CARGO_PKG_VERSION"));
