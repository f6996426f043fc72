//! Digests as indices, manifests and provenance name them.

use sha2::{Digest, Sha256};

/// The 64 digits of SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
