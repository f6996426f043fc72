//! Keys and signatures, as a repository and an operator may bring them.

use drupelet::git::{Keyring, SSH_ALLOWED_SIGNERS, SSH_REVOKED_KEYS, Signed};

/// A keyring, a line `%`, and a commit: the name of the key is the first line.
pub fn signature(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (keys, commit) = text.split_once("\n%\n").unwrap_or((&text, ""));
    let (id, certificate) = keys.split_once('\n').unwrap_or((keys, ""));
    let texts = [
        (id, certificate),
        (SSH_ALLOWED_SIGNERS, certificate),
        (SSH_REVOKED_KEYS, certificate),
    ];
    let keyring = Keyring::read(texts.into_iter());
    let author = String::new();
    keyring.verify(&Signed::commit("1", author.clone(), commit.as_bytes()), 0);
    keyring.verify(&Signed::tag("v1", author, commit.as_bytes()), 0);
}
