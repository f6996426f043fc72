//! Signatures of commits, annotated tags and charts, checked in this process against
//! the keys that the operator trusts.
//!
//! ```text
//! commit or tag -> Signed{payload, signature} -> Keyring.verify(signed, now) -> Checked{key, verdict}
//! a chart's .prov -> ClearSigned -> Keyring.verify_clear(signed, now) -> Checked
//! ```
//! Invariants: what is verified are the bytes whose hash names the commit or
//! the tag. Whatever cannot be checked is not good: an unknown key, algorithm,
//! version or critical detail each is a verdict of its own.

mod armor;

mod packet;

mod algorithm;

mod certificate;

mod openpgp;

mod ssh;

mod clear;

mod keyring;

pub use clear::ClearSigned;
pub use keyring::{Keyring, SSH_ALLOWED_SIGNERS, SSH_REVOKED_KEYS};

const HEADERS: [&str; 2] = ["gpgsig", "gpgsig-sha256"];
const OPENPGP: &str = "-----BEGIN PGP SIGNATURE-----";
const OPENPGP_MESSAGE: &str = "-----BEGIN PGP MESSAGE-----";
const SSH: &str = "-----BEGIN SSH SIGNATURE-----";
const X509: &str = "-----BEGIN SIGNED MESSAGE-----";

/// A commit or a tag, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The commit's SHA, or the tag's name.
    pub revision: String,
    /// `Name <address>` of the author or the tagger.
    pub author: String,
    /// What was signed.
    payload: Vec<u8>,
    /// Armored; none where nothing is signed.
    signature: Option<String>,
}

/// What a signature is worth.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    #[error("signed")]
    Good,
    #[error("bad signature")]
    Bad,
    #[error("expired signature")]
    ExpiredSignature,
    #[error("signed with expired key")]
    ExpiredKey,
    #[error("signed with revoked key")]
    RevokedKey,
    #[error("signed with key not in keyring")]
    MissingKey,
    #[error("unsigned")]
    Unsigned,
    /// Neither good nor bad: it cannot be told.
    #[error("signature that cannot be verified here: {0}")]
    Unsupported(String),
}

/// A verdict, and the key that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub verdict: Verdict,
    /// Of the key that signed: 16 hexadecimal digits, or `SHA256:…` of an ssh
    /// key; empty where that is not known.
    pub key: String,
    /// Of the primary key that it belongs to, where that is another one.
    pub primary: Option<String>,
}

impl Checked {
    fn of(verdict: Verdict, key: &str) -> Self {
        Checked {
            verdict,
            key: key.to_owned(),
            primary: None,
        }
    }

    pub fn is_by_ssh(&self) -> bool {
        self.key.starts_with("SHA256:")
    }
}

impl Signed {
    /// A commit as git stores it. As git does, the headers with signatures are
    /// left out of what is signed.
    pub fn commit(revision: &str, author: String, raw: &[u8]) -> Self {
        let mut payload = Vec::with_capacity(raw.len());
        let mut signature = Vec::new();
        let mut n_signatures = 0;
        let mut rest = raw;
        // Of the header that the continuation lines belong to: left out, ours.
        let mut inside = (false, false);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end + 1);
            if line == b"\n" {
                break;
            }
            if line[0] != b' ' {
                let name = line.split(|byte| *byte == b' ').next().unwrap_or(line);
                inside = (
                    HEADERS.iter().any(|header| header.as_bytes() == name),
                    name == HEADERS[0].as_bytes(),
                );
                n_signatures += usize::from(inside.1);
            }
            if inside.1 {
                let from = match line[0] {
                    b' ' => 1,
                    _ => HEADERS[0].len() + 1,
                };
                signature.extend_from_slice(line.get(from..).unwrap_or_default());
            }
            if !inside.0 {
                payload.extend_from_slice(line);
            }
            rest = after;
        }
        payload.extend_from_slice(rest);
        let signature = match n_signatures {
            0 => None,
            1 => Some(String::from_utf8_lossy(&signature).into_owned()),
            // Which one would count is a matter of taste: none does.
            _ => Some(String::new()),
        };
        Signed {
            revision: revision.to_owned(),
            author,
            payload,
            signature,
        }
    }

    /// A tag as git stores it: its signature is the end of its message.
    pub fn tag(name: &str, author: String, raw: &[u8]) -> Self {
        let begins = |line: &[u8]| {
            [OPENPGP, OPENPGP_MESSAGE, SSH, X509]
                .iter()
                .any(|armor| line.starts_with(armor.as_bytes()))
        };
        let (mut at, mut found) = (0, None);
        for line in raw.split_inclusive(|byte| *byte == b'\n') {
            if begins(line) {
                found = Some(at);
            }
            at += line.len();
        }
        let signature = found.map(|at| String::from_utf8_lossy(&raw[at..]).into_owned());
        Signed {
            revision: name.to_owned(),
            author,
            payload: raw[..found.unwrap_or(raw.len())].to_vec(),
            signature,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "tree 1\nauthor a\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\nencoding x\n\ngpgsig in the message\n";

    #[test]
    fn the_signature_is_taken_out_of_the_headers_alone() {
        let signed = Signed::commit("1", String::new(), COMMIT.as_bytes());
        assert_eq!(
            String::from_utf8_lossy(&signed.payload),
            "tree 1\nauthor a\nencoding x\n\ngpgsig in the message\n"
        );
        assert_eq!(
            signed.signature.as_deref(),
            Some("-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n")
        );
        let unsigned = "tree 1\n\ngpgsig -----BEGIN PGP SIGNATURE-----\n";
        let signed = Signed::commit("1", String::new(), unsigned.as_bytes());
        assert_eq!(signed.signature, None);
        assert_eq!(signed.payload, unsigned.as_bytes());
    }

    #[test]
    fn of_two_signatures_none_counts() {
        let twice = COMMIT.replace("encoding x", "gpgsig second");
        let signed = Signed::commit("1", String::new(), twice.as_bytes());
        let checked = Keyring::default().verify(&signed, 0);
        assert_eq!(checked.verdict, Verdict::Bad);
    }

    #[test]
    fn a_tags_signature_is_the_last_armor_of_its_message() {
        let text =
            "object 1\n\nsee\n-----BEGIN PGP SIGNATURE-----\nx\n-----BEGIN SSH SIGNATURE-----\ny\n";
        let signed = Signed::tag("v1", String::new(), text.as_bytes());
        assert_eq!(
            signed.signature.as_deref(),
            Some("-----BEGIN SSH SIGNATURE-----\ny\n")
        );
        assert!(signed.payload.ends_with(b"\nx\n"));
    }
}
