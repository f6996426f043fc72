//! The private key of `sshPrivateKey`.

use russh::keys::{PrivateKey, decode_secret_key};

use super::super::error::Fault;

/// Never a part of the key in the message.
pub(super) fn read(text: &str) -> Result<PrivateKey, Fault> {
    let refuse = |why: &str| Fault::Credentials(format!("sshPrivateKey {why}"));
    if text.contains("-----BEGIN EC PRIVATE KEY-----") {
        return Err(refuse(
            "is in the old SEC1 form: rewrite it with ssh-keygen -p -N '' -f FILE",
        ));
    }
    if text.contains("ENCRYPTED") {
        return Err(refuse(ENCRYPTED));
    }
    // Windows' line ends, and blanks that a YAML block left in front.
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let key = decode_secret_key(&lines.join("\n"), None).map_err(|error| match error {
        russh::keys::Error::KeyIsEncrypted => refuse(ENCRYPTED),
        _ => refuse("is no private key that is understood (OpenSSH, PKCS#1, PKCS#8)"),
    })?;
    match key.is_encrypted() {
        true => Err(refuse(ENCRYPTED)),
        false => Ok(key),
    }
}

const ENCRYPTED: &str = "is locked by a passphrase: nobody is there to type it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_keys_are_refused_without_showing_them() {
        for text in [
            "",
            "s3cret",
            "-----BEGIN OPENSSH PRIVATE KEY-----\ns3cret\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\ns3cretA=\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,xx\n",
            "-----BEGIN EC PRIVATE KEY-----\nMHcs3cret\n-----END EC PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----",
            "PuTTY-User-Key-File-3: s3cret",
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.starts_with("sshPrivateKey is "), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
