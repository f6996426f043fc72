//! The keys that an operator trusts: the texts of argocd-gpg-keys-cm.

use super::certificate::TrustedKey;
use super::ssh::Signer;
use super::{
    Checked, ClearSigned, OPENPGP, SSH, Signed, Verdict, armor, certificate, openpgp, ssh,
};
use russh::keys::ssh_key::PublicKey;

/// The key of the allowed signers, in the form of git's
/// `gpg.ssh.allowedSignersFile`.
pub const SSH_ALLOWED_SIGNERS: &str = "ssh_allowed_signers";
/// The key of the ssh keys that are not trusted any more, one a line.
pub const SSH_REVOKED_KEYS: &str = "ssh_revoked_keys";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    keys: Vec<TrustedKey>,
    signers: Vec<Signer>,
    revoked: Vec<PublicKey>,
    /// What could not be read, each with its place.
    pub faults: Vec<String>,
}

impl Keyring {
    /// Of the names and texts of the ConfigMap. As Argo CD has it, a
    /// certificate counts under the ID of its primary key alone.
    pub fn read<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut keyring = Keyring::default();
        for (name, text) in texts {
            let mut faults = Vec::new();
            match name {
                SSH_ALLOWED_SIGNERS => {
                    for signer in ssh::read_signers(text) {
                        match signer {
                            Ok(signer) => keyring.signers.push(signer),
                            Err(why) => faults.push(why),
                        }
                    }
                }
                SSH_REVOKED_KEYS => {
                    for key in ssh::read_keys(text) {
                        match key {
                            Ok(key) => keyring.revoked.push(key),
                            Err(why) => faults.push(why),
                        }
                    }
                }
                id if is_key_id(id) => keyring.import(id, text, &mut faults),
                _ => {}
            }
            let told = faults.into_iter().map(|why| format!("{name}: {why}"));
            keyring.faults.extend(told);
        }
        keyring
    }

    fn import(&mut self, id: &str, text: &str, faults: &mut Vec<String>) {
        let certificates =
            armor::decode(text, "PUBLIC KEY BLOCK").and_then(|data| certificate::read(&data));
        let certificates = match certificates {
            Ok(certificates) => certificates,
            Err(why) => return faults.push(why),
        };
        let mut is_there = false;
        for keys in certificates {
            match keys {
                Ok(keys) if keys[0].primary.eq_ignore_ascii_case(id) => {
                    is_there = true;
                    self.keys.extend(keys);
                }
                Ok(keys) => faults.push(format!(
                    "the key in it is {}, and counts only under that name",
                    keys[0].primary
                )),
                Err(why) => faults.push(why),
            }
        }
        if !is_there && faults.is_empty() {
            faults.push("there is no key in it".to_owned());
        }
    }

    /// What a signature is worth; `now` in seconds since 1970.
    pub fn verify(&self, signed: &Signed, now: i64) -> Checked {
        let Some(signature) = &signed.signature else {
            return Checked::of(Verdict::Unsigned, "");
        };
        let payload = &signed.payload;
        if signature.starts_with(OPENPGP) {
            openpgp::check(signature, payload, openpgp::BINARY, &self.keys, now)
        } else if signature.starts_with(SSH) {
            ssh::check(signature, payload, &self.signers, &self.revoked, now)
        } else if signature.is_empty() {
            Checked::of(Verdict::Bad, "")
        } else {
            let kind = signature.lines().next().unwrap_or_default();
            let kind = kind.trim_start_matches("-----BEGIN ").trim_end_matches('-');
            let why = format!("it is a {kind}, neither of GnuPG nor of ssh");
            Checked::of(Verdict::Unsupported(why), "")
        }
    }

    /// The same of a text that is signed in the clear: with a key of OpenPGP.
    pub fn verify_clear(&self, signed: &ClearSigned, now: i64) -> Checked {
        let ClearSigned {
            payload, signature, ..
        } = signed;
        openpgp::check(signature, payload, openpgp::TEXT, &self.keys, now)
    }
}

/// 64 bits of a fingerprint.
fn is_key_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
