//! Why a request failed, on which URL, and whether another try may help.

use std::io;

use super::url::masked;

/// A failed request: what was tried, and what went wrong.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {fault}")]
pub struct Error {
    pub method: String,
    /// Without userinfo and query.
    pub url: String,
    #[source]
    pub fault: Fault,
}

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the settings are not usable: {0}")]
    Settings(String),
    #[error("not a usable URL: {0}")]
    Url(String),
    #[error("the name {host} does not resolve: {cause}")]
    Dns { host: String, cause: String },
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("no answer: {0}")]
    Timeout(String),
    #[error("tls: {cause}")]
    Tls { cause: String, retryable: bool },
    #[error("proxy: {0}")]
    Proxy(String),
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the answer is not valid HTTP: {0}")]
    Garbage(String),
    #[error("redirected to {to}: {why}")]
    Redirect { to: String, why: &'static str },
    #[error("the answer exceeds the limit of {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("answered {status}{}", excerpt(.body))]
    Status { status: u16, body: String },
}

fn excerpt(body: &str) -> String {
    if body.is_empty() {
        String::new()
    } else {
        format!(": {body}")
    }
}

impl Error {
    pub fn new(method: &str, url: &str, fault: Fault) -> Self {
        Self {
            method: method.to_owned(),
            url: masked(url),
            fault,
        }
    }

    /// May the same request succeed a little later?
    pub fn is_retryable(&self) -> bool {
        self.fault.is_retryable()
    }

    /// The status of the answer, where there was one that was not a success.
    pub fn status(&self) -> Option<u16> {
        match self.fault {
            Fault::Status { status, .. } => Some(status),
            Fault::Settings(_)
            | Fault::Url(_)
            | Fault::Dns { .. }
            | Fault::Connect(_)
            | Fault::Timeout(_)
            | Fault::Tls { .. }
            | Fault::Proxy(_)
            | Fault::Broken(_)
            | Fault::Garbage(_)
            | Fault::Redirect { .. }
            | Fault::TooLarge { .. } => None,
        }
    }
}

impl Fault {
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::Connect(_)
            | Self::Timeout(_)
            | Self::Proxy(_)
            | Self::Broken(_) => true,
            Self::Tls { retryable, .. } => *retryable,
            // 408 and 429 ask for another try; 501 and 505 never change.
            Self::Status { status, .. } => {
                matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 507..=599)
            }
            Self::Settings(_)
            | Self::Url(_)
            | Self::Garbage(_)
            | Self::Redirect { .. }
            | Self::TooLarge { .. } => false,
        }
    }
}

/// A name that did not resolve, as our resolver hands it through ureq.
#[derive(Debug, thiserror::Error)]
#[error("{host}: {cause}")]
pub(super) struct Unresolved {
    pub host: String,
    pub cause: String,
}

/// Sorts ureq's error into ours.
pub(super) fn fault_of(error: ureq::Error) -> Fault {
    match error {
        ureq::Error::StatusCode(status) => Fault::Status {
            status,
            body: String::new(),
        },
        ureq::Error::Http(cause) => Fault::Url(cause.to_string()),
        ureq::Error::BadUri(cause) => Fault::Url(cause),
        ureq::Error::Protocol(cause) => Fault::Garbage(cause.to_string()),
        ureq::Error::LargeResponseHeader(_, limit) => Fault::TooLarge {
            limit: limit as u64,
        },
        ureq::Error::BodyExceedsLimit(limit) => Fault::TooLarge { limit },
        ureq::Error::Decompress(_, cause) => Fault::Garbage(cause.to_string()),
        ureq::Error::Timeout(phase) => Fault::Timeout(format!("{phase} timed out")),
        ureq::Error::HostNotFound => Fault::Dns {
            host: "host".into(),
            cause: "no address".into(),
        },
        ureq::Error::InvalidProxyUrl => Fault::Settings("the proxy is not a usable URL".into()),
        ureq::Error::ConnectProxyFailed(cause) => Fault::Proxy(cause),
        ureq::Error::ConnectionFailed => Fault::Connect("no route to the host".into()),
        ureq::Error::Tls(cause) => Fault::Tls {
            cause: cause.to_owned(),
            retryable: false,
        },
        ureq::Error::Rustls(cause) => tls_fault(&cause),
        ureq::Error::Io(cause) => io_fault(cause),
        ureq::Error::Other(cause) => match cause.downcast::<Unresolved>() {
            Ok(name) => Fault::Dns {
                host: name.host,
                cause: name.cause,
            },
            Err(cause) => Fault::Broken(cause.to_string()),
        },
        // ureq's list is open; what is left is about its own use.
        other => Fault::Broken(other.to_string()),
    }
}

/// Sorts an error met while a body is read: ureq wraps its own into io errors.
pub(crate) fn io_fault(error: io::Error) -> Fault {
    let text = error.to_string();
    let kind = error.kind();
    if let Some(inner) = error.into_inner() {
        match inner.downcast::<ureq::Error>() {
            Ok(inner) => return fault_of(*inner),
            Err(inner) => match inner.downcast::<rustls::Error>() {
                Ok(cause) => return tls_fault(&cause),
                Err(inner) => {
                    if let Ok(cause) = inner.downcast::<io::Error>() {
                        return io_fault(*cause);
                    }
                }
            },
        }
    }
    match kind {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Fault::Connect(text),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Fault::Timeout(text),
        _ => Fault::Broken(text),
    }
}

fn tls_fault(cause: &rustls::Error) -> Fault {
    use rustls::CertificateError as Certificate;
    let retryable = match cause {
        // A board without a clock battery boots in the past: the time service
        // puts it right within moments.
        rustls::Error::InvalidCertificate(
            Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. }
            | Certificate::Expired
            | Certificate::ExpiredContext { .. },
        ) => true,
        rustls::Error::InvalidCertificate(_) => false,
        _ => false,
    };
    let hint = match cause {
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            " (add the server's CA, or set insecure)"
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. },
        ) => " (is this machine's clock right?)",
        rustls::Error::InvalidCertificate(Certificate::Other(other)) if is_self_signed(other) => {
            " (self-signed: add the certificate itself, or set insecure)"
        }
        _ => "",
    };
    Fault::Tls {
        cause: format!("{cause}{hint}"),
        retryable,
    }
}

/// A CA's own certificate, served as a server's.
pub(super) fn is_self_signed(other: &rustls::OtherError) -> bool {
    matches!(
        other.0.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}
