//! What a client is told about the other side, as plain values.

use std::time::Duration;

use super::proxy::ProxyChoice;

/// Requests that only pass small bodies work with these; ureq's default of
/// 128 KB a direction costs 250 KB for each connection.
pub const BUFFER_BYTES: usize = 8 * 1024;
/// Header blocks above this are refused.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Redirects that one request may follow.
pub const MAX_REDIRECTS: u32 = 5;
/// Connections kept open without work, all hosts of one client together.
pub const MAX_IDLE_CONNECTIONS: usize = 3;
/// How long one stays open: longer than a poll's interval with its jitter, so
/// that a poll finds the connection of the last one where the server keeps it.
pub const MAX_IDLE_AGE: Duration = Duration::from_secs(200);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub roots: Roots,
    pub client_certificate: Option<ClientCertificate>,
    /// Takes any certificate. The operator's explicit wish, never a fallback.
    pub insecure: bool,
    /// The name in the certificate where it is not the host of the URL
    /// (kubeconfig's tls-server-name).
    pub server_name: Option<String>,
    pub proxy: ProxyChoice,
    pub timeouts: Timeouts,
}

/// Whose signatures count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Mozilla's list and the files of this system.
    #[default]
    Public,
    /// Those and these (PEM). A server's own certificate may stand here too.
    PublicAnd(Vec<u8>),
    /// These alone (PEM), as a kubeconfig means it.
    Only(Vec<u8>),
}

/// PEM, chain and key.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    pub chain: Vec<u8>,
    pub key: Vec<u8>,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientCertificate(..)")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP and TLS together.
    pub connect: Duration,
    /// From the request's last byte to the answer's head.
    pub answer: Duration,
    /// Between two reads, and between two writes.
    pub stall: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            answer: Duration::from_secs(60),
            stall: Duration::from_secs(60),
        }
    }
}
