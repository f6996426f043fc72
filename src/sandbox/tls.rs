//! The certificate of a sandbox, and the kubeconfig that leads to it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;

/// Who the server is, and what lets a client in.
pub struct Identity {
    /// The certificate authority, in PEM.
    pub root: String,
    pub token: String,
    pub server: Arc<rustls::ServerConfig>,
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error(transparent)]
    Generate(#[from] rcgen::Error),
    #[error(transparent)]
    Configure(#[from] rustls::Error),
}

impl Identity {
    /// A new authority and a certificate for localhost and `address`.
    pub fn generate(address: IpAddr) -> Result<Self, IdentityError> {
        let root_key = KeyPair::generate()?;
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        root.distinguished_name
            .push(DnType::CommonName, "drupelet sandbox");
        let root_certificate = root.self_signed(&root_key)?;
        let issuer = Issuer::new(root, &root_key);
        let key = KeyPair::generate()?;
        let mut names = vec![
            "localhost".to_owned(),
            "kubernetes".to_owned(),
            "kubernetes.default.svc".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        if !address.is_unspecified() && !address.is_loopback() {
            names.push(address.to_string());
        }
        let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        // A key that nobody keeps is as good a source of a secret as any.
        let token: String = Sha256::digest(KeyPair::generate()?.serialize_der())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let server = rustls::ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
        Ok(Identity {
            root: root_certificate.pem(),
            token,
            server: Arc::new(server),
        })
    }
}

/// A kubeconfig with one context, `sandbox`.
pub fn kubeconfig(url: &str, identity: Option<&Identity>) -> String {
    use base64::Engine;
    let authority = identity.map_or_else(String::new, |identity| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(&identity.root);
        format!("    certificate-authority-data: {encoded}\n")
    });
    let user = identity.map_or_else(
        || "  user: {}\n".to_owned(),
        |identity| format!("  user:\n    token: {}\n", identity.token),
    );
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: sandbox\n  cluster:\n    server: {url}\n{authority}users:\n- name: sandbox\n{user}contexts:\n- name: sandbox\n  context:\n    cluster: sandbox\n    user: sandbox\ncurrent-context: sandbox\n"
    )
}
