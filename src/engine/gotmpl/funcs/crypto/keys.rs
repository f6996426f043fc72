//! Private keys: made, read, written, and used to sign.

use super::der::{self, Reader};
use super::dsa::DsaKey;
use super::primes::random_prime;
use super::{HostRng, pem};
use crate::gotmpl::Context;
use num_bigint_dig::{BigUint, ModInverse};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer;
use ring::signature::{Ed25519KeyPair, KeyPair};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::traits::PublicKeyParts;
use sha2::{Digest, Sha256};

pub enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    /// On the curve P-256.
    Ecdsa(SigningKey),
    Ed25519([u8; 32]),
    Dsa(DsaKey),
}

/// What `rsaEncryption` is in DER, and so on.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// What all errors about malformed keys begin with in Go; the rest of Go's text
/// dumps its parser's state.
const MALFORMED: &str = "asn1: structure error: tags don't match";

fn oid(bytes: &[u8]) -> Vec<u8> {
    der::value(der::OID, bytes)
}

const RSA_EXPONENT: u32 = 65_537;

const NULL: &[u8] = &[der::NULL, 0];

impl PrivateKey {
    pub fn new_rsa(ctx: &Context<'_>, n_bits: usize) -> Result<PrivateKey, String> {
        let key = rsa_of_primes(&mut HostRng(ctx.host()), n_bits);
        Ok(PrivateKey::Rsa(Box::new(key.map_err(|e| e.to_string())?)))
    }

    pub fn new_ecdsa(ctx: &Context<'_>) -> PrivateKey {
        PrivateKey::Ecdsa(SigningKey::random(&mut HostRng(ctx.host())))
    }

    pub fn new_ed25519(ctx: &Context<'_>) -> PrivateKey {
        let mut seed = [0; 32];
        ctx.host().random(&mut seed);
        PrivateKey::Ed25519(seed)
    }

    pub fn new_dsa(ctx: &Context<'_>) -> PrivateKey {
        PrivateKey::Dsa(DsaKey::generate(&mut HostRng(ctx.host())))
    }

    pub fn to_pem(&self) -> Result<String, String> {
        Ok(match self {
            PrivateKey::Rsa(key) => {
                let der = key.to_pkcs1_der().map_err(|e| e.to_string())?;
                pem::encode("RSA PRIVATE KEY", der.as_bytes())
            }
            PrivateKey::Ecdsa(key) => {
                let point = ec_point(key);
                let der = der::sequence(&[
                    &der::integer(&[1]),
                    &der::value(der::OCTET_STRING, &key.to_bytes()),
                    &der::value(0xa0, &oid(P256)),
                    &der::value(0xa1, &der::bit_string(&point)),
                ]);
                pem::encode("EC PRIVATE KEY", &der)
            }
            PrivateKey::Ed25519(seed) => {
                let inner = der::value(der::OCTET_STRING, seed);
                let der = der::sequence(&[
                    &der::integer(&[0]),
                    &der::sequence(&[&oid(ED25519)]),
                    &der::value(der::OCTET_STRING, &inner),
                ]);
                pem::encode("PRIVATE KEY", &der)
            }
            PrivateKey::Dsa(key) => pem::encode("DSA PRIVATE KEY", &key.to_der()),
        })
    }

    /// Sprig's `parsePrivateKeyPEM`
    pub fn from_pem(text: &str) -> Result<PrivateKey, String> {
        let Some((kind, der)) = pem::decode(text) else {
            return Err("no PEM data in input".into());
        };
        if kind == "PRIVATE KEY" {
            return pkcs8(&der).map_err(|fault| format!("decoding PEM as PKCS#8: {fault}"));
        }
        match kind.strip_suffix(" PRIVATE KEY") {
            None => Err(format!("no private key data in PEM block of type {kind}")),
            Some("RSA") => {
                rsa(&der).map_err(|fault| format!("parsing RSA private key from PEM: {fault}"))
            }
            Some("EC") => ec(&der, None).map_err(|fault| {
                format!(
                    "parsing EC private key from PEM: x509: failed to parse EC private key: {fault}"
                )
            }),
            Some("DSA") => DsaKey::from_der(&der)
                .map(PrivateKey::Dsa)
                .ok_or_else(|| format!("parsing DSA private key from PEM: {MALFORMED}")),
            Some(_) => Err(format!("invalid private key type {kind}")),
        }
    }

    /// The SubjectPublicKeyInfo; none for DSA, which signs no certificates.
    pub fn public_info(&self) -> Option<Vec<u8>> {
        let algorithm = match self {
            PrivateKey::Rsa(_) => der::sequence(&[&oid(RSA), NULL]),
            PrivateKey::Ecdsa(_) => der::sequence(&[&oid(EC), &oid(P256)]),
            PrivateKey::Ed25519(_) => der::sequence(&[&oid(ED25519)]),
            PrivateKey::Dsa(_) => return None,
        };
        let key = self.public_key()?;
        Some(der::sequence(&[&algorithm, &der::bit_string(&key)]))
    }

    /// The bytes of the public key.
    pub fn public_key(&self) -> Option<Vec<u8>> {
        match self {
            PrivateKey::Rsa(key) => {
                let der = key.to_public_key().to_pkcs1_der().ok()?;
                Some(der.as_bytes().to_vec())
            }
            PrivateKey::Ecdsa(key) => Some(ec_point(key)),
            PrivateKey::Ed25519(seed) => Some(ed25519(seed)?.public_key().as_ref().to_vec()),
            PrivateKey::Dsa(_) => None,
        }
    }

    /// The AlgorithmIdentifier of its signatures.
    pub fn signature_algorithm(&self) -> Option<Vec<u8>> {
        Some(match self {
            PrivateKey::Rsa(_) => der::sequence(&[&oid(RSA_WITH_SHA256), NULL]),
            PrivateKey::Ecdsa(_) => der::sequence(&[&oid(ECDSA_WITH_SHA256)]),
            PrivateKey::Ed25519(_) => der::sequence(&[&oid(ED25519)]),
            PrivateKey::Dsa(_) => return None,
        })
    }

    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            PrivateKey::Rsa(key) => {
                let padding = rsa::Pkcs1v15Sign::new::<Sha256>();
                key.sign(padding, &Sha256::digest(message)).ok()
            }
            PrivateKey::Ecdsa(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                Some(signature.to_der().as_bytes().to_vec())
            }
            PrivateKey::Ed25519(seed) => Some(ed25519(seed)?.sign(message).as_ref().to_vec()),
            PrivateKey::Dsa(_) => None,
        }
    }
}

/// The crate's own search for primes takes several times as long.
fn rsa_of_primes(rng: &mut HostRng<'_>, n_bits: usize) -> rsa::Result<RsaPrivateKey> {
    let (one, exponent) = (BigUint::from(1_u8), BigUint::from(RSA_EXPONENT));
    loop {
        let p = random_prime(rng, n_bits / 2);
        let q = random_prime(rng, n_bits / 2);
        let totient = (&p - &one) * (&q - &one);
        let inverse = (&exponent).mod_inverse(&totient);
        let Some(private) = inverse.and_then(|inverse| inverse.to_biguint()) else {
            continue;
        };
        if p != q {
            return RsaPrivateKey::from_components(&p * &q, exponent, private, vec![p, q]);
        }
    }
}

fn ed25519(seed: &[u8; 32]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed).ok()
}

/// Uncompressed.
fn ec_point(key: &SigningKey) -> Vec<u8> {
    key.verifying_key()
        .to_encoded_point(false)
        .as_bytes()
        .to_vec()
}

fn rsa(der: &[u8]) -> Result<PrivateKey, String> {
    let key = RsaPrivateKey::from_pkcs1_der(der).map_err(|_| MALFORMED.to_owned())?;
    if key.size() < 64 {
        return Err("crypto/rsa: key too small".into());
    }
    Ok(PrivateKey::Rsa(Box::new(key)))
}

/// ECPrivateKey of RFC 5915; the curve may stand outside of it.
fn ec(der: &[u8], curve: Option<&[u8]>) -> Result<PrivateKey, String> {
    let malformed = || MALFORMED.to_owned();
    let mut fields = Reader(Reader(der).expect(der::SEQUENCE).ok_or_else(malformed)?);
    fields.expect(der::INTEGER).ok_or_else(malformed)?;
    let scalar = fields.expect(der::OCTET_STRING).ok_or_else(malformed)?;
    let own_curve = fields
        .expect(0xa0)
        .and_then(|inner| Reader(inner).expect(der::OID));
    if curve.or(own_curve) != Some(P256) {
        return Err("x509: unsupported elliptic curve, this agent knows P-256".into());
    }
    let mut padded = [0; 32];
    let start = padded
        .len()
        .checked_sub(scalar.len())
        .ok_or_else(malformed)?;
    padded[start..].copy_from_slice(scalar);
    let key = SigningKey::from_bytes(&padded.into())
        .map_err(|_| "x509: invalid elliptic curve private key value".to_owned())?;
    Ok(PrivateKey::Ecdsa(key))
}

fn pkcs8(der: &[u8]) -> Result<PrivateKey, String> {
    let malformed = || MALFORMED.to_owned();
    let mut fields = Reader(Reader(der).expect(der::SEQUENCE).ok_or_else(malformed)?);
    fields.expect(der::INTEGER).ok_or_else(malformed)?;
    let mut algorithm = Reader(fields.expect(der::SEQUENCE).ok_or_else(malformed)?);
    let name = algorithm.expect(der::OID).ok_or_else(malformed)?;
    let key = fields.expect(der::OCTET_STRING).ok_or_else(malformed)?;
    match name {
        RSA => rsa(key),
        EC => ec(key, algorithm.expect(der::OID)),
        ED25519 => {
            let seed = Reader(key)
                .expect(der::OCTET_STRING)
                .ok_or_else(malformed)?;
            let seed = seed
                .try_into()
                .map_err(|_| format!("x509: invalid Ed25519 private key length: {}", seed.len()))?;
            Ok(PrivateKey::Ed25519(seed))
        }
        _ => Err("x509: PKCS#8 wrapping contained private key with unknown algorithm".into()),
    }
}
