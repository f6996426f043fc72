//! The mathematics: RSA, Ed25519 and ECDSA over ring and p256.

use super::packet::{Bytes, Key, Signature};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use ring::signature as ring_signature;
use sha2::Digest;

const RSA: u8 = 1;
const RSA_SIGN_ONLY: u8 = 3;
const ECDSA: u8 = 19;
/// Ed25519 as GnuPG writes it, and as RFC 9580 does.
const EDDSA_LEGACY: u8 = 22;
const ED25519: u8 = 27;

const SHA1: u8 = 2;
const SHA256: u8 = 8;
const SHA384: u8 = 9;
const SHA512: u8 = 10;

const OID_ED25519: &[u8] = &[0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const OID_P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];

/// Why a signature does not count.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    Bad,
    Unsupported(String),
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Fault::Unsupported(why)
    }
}

/// Whether old hashes count: nobody forges what a key says of itself by a
/// collision, but a commit is written by whom it may concern.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sha1Rule {
    Refused,
    OfKeysThemselves,
}

/// Whether `key` made this signature over `data`.
pub fn verify(key: &Key, signature: &Signature, data: &[u8], sha1: Sha1Rule) -> Result<(), Fault> {
    if key.algorithm != signature.algorithm {
        return Err(Fault::Bad);
    }
    if signature.hash == SHA1 && sha1 == Sha1Rule::Refused {
        return Err("SHA-1 is not safe for signatures any more"
            .to_owned()
            .into());
    }
    if let Some(detail) = signature.unknown_critical {
        return Err(format!("its detail {detail} is critical and not known").into());
    }
    let message = signature.message(data);
    let (mut material, mut numbers) = (key.material(), signature.numbers());
    match key.algorithm {
        RSA | RSA_SIGN_ONLY => {
            let (n, e) = (material.mpi()?, material.mpi()?);
            verify_rsa(n, e, signature.hash, &message, numbers.mpi()?)
        }
        EDDSA_LEGACY => {
            let curve = curve(&mut material)?;
            let point = material.mpi()?;
            let Some((0x40, point)) = point.split_first().filter(|_| curve == OID_ED25519) else {
                return Err("only the curve Ed25519 of EdDSA is supported"
                    .to_owned()
                    .into());
            };
            let made = [padded::<32>(numbers.mpi()?)?, padded::<32>(numbers.mpi()?)?].concat();
            verify_ed25519(point, signature.hash, &message, &made)
        }
        ED25519 => verify_ed25519(
            material.take(32)?,
            signature.hash,
            &message,
            numbers.take(64)?,
        ),
        ECDSA => {
            let curve = curve(&mut material)?;
            let point = material.mpi()?;
            let (r, s) = (numbers.mpi()?, numbers.mpi()?);
            verify_ecdsa(curve, point, signature.hash, &message, r, s)
        }
        other => Err(format!("the key's algorithm {other} is not supported").into()),
    }
}

fn curve<'a>(material: &mut Bytes<'a>) -> Result<&'a [u8], String> {
    let length = material.number(1)?;
    material.take(length)
}

fn padded<const N: usize>(number: &[u8]) -> Result<Vec<u8>, Fault> {
    let missing = N.checked_sub(number.len()).ok_or(Fault::Bad)?;
    Ok([&vec![0; missing][..], number].concat())
}

fn digest(hash: u8, message: &[u8]) -> Result<Vec<u8>, Fault> {
    match hash {
        SHA1 => Ok(sha1::Sha1::digest(message).to_vec()),
        SHA256 => Ok(sha2::Sha256::digest(message).to_vec()),
        SHA384 => Ok(sha2::Sha384::digest(message).to_vec()),
        SHA512 => Ok(sha2::Sha512::digest(message).to_vec()),
        other => Err(format!("the hash {other} is not supported").into()),
    }
}

fn verify_rsa(n: &[u8], e: &[u8], hash: u8, message: &[u8], made: &[u8]) -> Result<(), Fault> {
    let parameters = match hash {
        SHA1 => &ring_signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        SHA256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        SHA384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        SHA512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
        other => return Err(format!("the hash {other} is not supported").into()),
    };
    if n.len() < 256 {
        let bits = n.len() * 8;
        return Err(format!("RSA keys of {bits} bits are too short to be safe").into());
    }
    let missing = n.len().checked_sub(made.len()).ok_or(Fault::Bad)?;
    let made = [&vec![0; missing][..], made].concat();
    ring_signature::RsaPublicKeyComponents { n, e }
        .verify(parameters, message, &made)
        .map_err(|_| Fault::Bad)
}

/// Ed25519 over the hash of the message.
fn verify_ed25519(point: &[u8], hash: u8, message: &[u8], made: &[u8]) -> Result<(), Fault> {
    let digest = digest(hash, message)?;
    ring_signature::UnparsedPublicKey::new(&ring_signature::ED25519, point)
        .verify(&digest, made)
        .map_err(|_| Fault::Bad)
}

fn verify_ecdsa(
    curve: &[u8],
    point: &[u8],
    hash: u8,
    message: &[u8],
    r: &[u8],
    s: &[u8],
) -> Result<(), Fault> {
    match (curve, hash) {
        (OID_P256, _) => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| Fault::Bad)?;
            let made = [padded::<32>(r)?, padded::<32>(s)?].concat();
            let made = p256::ecdsa::Signature::from_slice(&made).map_err(|_| Fault::Bad)?;
            let digest = digest(hash, message)?;
            key.verify_prehash(&digest, &made).map_err(|_| Fault::Bad)
        }
        (OID_P384, SHA384) => {
            let made = [padded::<48>(r)?, padded::<48>(s)?].concat();
            let algorithm = &ring_signature::ECDSA_P384_SHA384_FIXED;
            ring_signature::UnparsedPublicKey::new(algorithm, point)
                .verify(message, &made)
                .map_err(|_| Fault::Bad)
        }
        (OID_P384, other) => Err(format!("the hash {other} with P-384 is not supported").into()),
        _ => Err("of ECDSA only the curves P-256 and P-384 are supported"
            .to_owned()
            .into()),
    }
}
