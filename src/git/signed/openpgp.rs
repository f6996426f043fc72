//! Signatures that GnuPG made.

use super::algorithm::{Fault, Sha1Rule, verify};
use super::certificate::TrustedKey;
use super::packet::{Bytes, SIGNATURE, Signature};
use super::{Checked, Verdict, armor};

/// Over the bytes of a document as they are.
pub const BINARY: u8 = 0;
/// Over a text whose line ends are CR LF.
pub const TEXT: u8 = 1;

/// `now` is in seconds since 1970: a key that has expired or was revoked is
/// not trusted any more, whenever it signed; GnuPG has it so, since a
/// signature's own date is what its maker writes there.
pub fn check(armored: &str, payload: &[u8], kind: u8, keys: &[TrustedKey], now: i64) -> Checked {
    let unsupported = |why: String| Checked::of(Verdict::Unsupported(why), "");
    let signature = match read(armored) {
        Ok(signature) => signature,
        Err(why) => return unsupported(why),
    };
    let id = signature.issuers.first().cloned().unwrap_or_default();
    if signature.kind != kind {
        return unsupported(format!("it is of kind {}", signature.kind));
    }
    let known = keys.iter().find(|key| signature.issuers.contains(&key.id));
    let Some(known) = known else {
        return Checked::of(Verdict::MissingKey, &id);
    };
    let verdict = match verify(&known.key, &signature, payload, Sha1Rule::Refused) {
        Err(Fault::Bad) => Verdict::Bad,
        Err(Fault::Unsupported(why)) => Verdict::Unsupported(why),
        Ok(()) if signature.created < known.key.created => Verdict::Bad,
        Ok(()) if known.is_revoked => Verdict::RevokedKey,
        Ok(()) if known.expires.is_some_and(|at| at <= now) => Verdict::ExpiredKey,
        Ok(())
            if signature.expires_after != 0
                && signature.created + signature.expires_after <= now =>
        {
            Verdict::ExpiredSignature
        }
        Ok(()) if !known.may_sign => {
            Verdict::Unsupported("the key may not be used to sign".to_owned())
        }
        Ok(()) => Verdict::Good,
    };
    Checked {
        verdict,
        key: known.id.clone(),
        primary: (known.primary != known.id).then(|| known.primary.clone()),
    }
}

fn read(armored: &str) -> Result<Signature, String> {
    let data = armor::decode(armored, "SIGNATURE")?;
    let mut packets = Bytes(&data);
    let mut found = None;
    while let Some((tag, body)) = packets.packet()? {
        if tag == SIGNATURE && found.replace(Signature::read(body)?).is_some() {
            return Err("there are several in one".to_owned());
        }
    }
    found.ok_or_else(|| "there is none in its armor".to_owned())
}
