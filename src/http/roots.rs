//! Trust anchors: Mozilla's list from the binary, the system's files, and
//! what the operator adds.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::settings::Roots;

/// Where distributions keep their bundle; the first that exists counts.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// A bundle above this is not one.
const MAX_BUNDLE_BYTES: u64 = 8 * 1024 * 1024;

/// Anchors, and the certificates among them that were named one by one.
pub(super) struct Trust {
    pub anchors: Arc<RootCertStore>,
    pub pinned: Vec<CertificateDer<'static>>,
}

pub(super) fn trust(roots: &Roots) -> Result<Trust, String> {
    let (base, pem) = match roots {
        Roots::Public => {
            return Ok(Trust {
                anchors: public(),
                pinned: named(),
            });
        }
        Roots::PublicAnd(pem) => (RootCertStore::clone(&public()), pem),
        Roots::Only(pem) => (RootCertStore::empty(), pem),
    };
    let mut anchors = base;
    let mut pinned = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("CA certificate: {error}"))?;
        // Both roles: what cannot be an anchor can still be the server's own.
        if anchors.add(certificate.clone()).is_err() && pinned.len() >= MAX_PINNED {
            continue;
        }
        if pinned.len() < MAX_PINNED {
            pinned.push(certificate);
        }
    }
    if pinned.is_empty() {
        return Err("no certificate in the CA data".into());
    }
    Ok(Trust {
        anchors: Arc::new(anchors),
        pinned,
    })
}

/// Certificates of one server that may be trusted by their bytes.
const MAX_PINNED: usize = 16;

/// Mozilla's list and the system's additions to it, read once for the process.
fn public() -> Arc<RootCertStore> {
    static PUBLIC: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    PUBLIC.get_or_init(|| Arc::new(with_system_files())).clone()
}

/// What the operator names by SSL_CERT_FILE may also be a server's own
/// certificate; a distribution's bundle is nothing but anchors.
fn named() -> Vec<CertificateDer<'static>> {
    let pem = std::env::var_os("SSL_CERT_FILE").and_then(|file| read_bundle(Path::new(&file)));
    let pem = pem.unwrap_or_default();
    let mut certificates = CertificateDer::pem_slice_iter(&pem).flatten();
    let first: Vec<_> = certificates.by_ref().take(MAX_PINNED).collect();
    match certificates.next() {
        Some(_) => Vec::new(),
        None => first,
    }
}

fn with_system_files() -> RootCertStore {
    let mut store = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let n_known = store.roots.len();
    for file in system_files() {
        let Some(pem) = read_bundle(&file) else {
            continue;
        };
        for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
            let mut one = RootCertStore::empty();
            if one.add(certificate).is_err() {
                continue;
            }
            // Distributions ship Mozilla's list too: keep what is new in it.
            for anchor in one.roots {
                let known = store.roots[..n_known].iter().any(|k| {
                    k.subject == anchor.subject
                        && k.subject_public_key_info == anchor.subject_public_key_info
                });
                if !known {
                    store.roots.push(anchor);
                }
            }
        }
    }
    store
}

fn system_files() -> Vec<PathBuf> {
    // The one variable that every TLS library on Linux honours.
    if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
        return vec![PathBuf::from(file)];
    }
    SYSTEM_BUNDLES
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .into_iter()
        .collect()
}

fn read_bundle(path: &Path) -> Option<Vec<u8>> {
    let size = fs::metadata(path).ok()?.len();
    (size <= MAX_BUNDLE_BYTES)
        .then(|| fs::read(path).ok())
        .flatten()
}
