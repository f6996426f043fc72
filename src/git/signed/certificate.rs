//! OpenPGP certificates: which of their keys may sign, until when. All that a
//! key says of itself is checked once, when the certificate is read.

use super::algorithm::{Sha1Rule, verify};
use super::packet::{
    Bytes, Key, PUBLIC_KEY, PUBLIC_SUBKEY, SIGNATURE, Signature, USER_ATTRIBUTE, USER_ID,
};

const MAY_SIGN: u8 = 0x02;

/// Kinds of signatures (RFC 9580, section 5.2.1).
const CERTIFICATIONS: std::ops::RangeInclusive<u8> = 0x10..=0x13;
const SUBKEY_BINDING: u8 = 0x18;
const PRIMARY_BINDING: u8 = 0x19;
const DIRECT: u8 = 0x1f;
const KEY_REVOCATION: u8 = 0x20;
const SUBKEY_REVOCATION: u8 = 0x28;
const CERTIFICATION_REVOCATION: u8 = 0x30;

/// A key that is trusted, with what its owner says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    pub key: Key,
    pub id: String,
    /// Of the primary key, which a subkey belongs to.
    pub primary: String,
    /// Seconds since 1970.
    pub expires: Option<i64>,
    pub is_revoked: bool,
    pub may_sign: bool,
}

/// Something of a certificate, with the signatures that follow it.
struct Part<'a> {
    tag: u8,
    body: &'a [u8],
    signatures: Vec<Signature>,
}

/// The keys of all certificates in `data`; of one that cannot be used, why.
pub fn read(data: &[u8]) -> Result<Vec<Result<Vec<TrustedKey>, String>>, String> {
    let mut certificates: Vec<Vec<Part<'_>>> = Vec::new();
    let mut packets = Bytes(data);
    while let Some((tag, body)) = packets.packet()? {
        match tag {
            PUBLIC_KEY => certificates.push(Vec::new()),
            PUBLIC_SUBKEY | USER_ID | USER_ATTRIBUTE => {}
            SIGNATURE => {
                let part = certificates.last_mut().and_then(|parts| parts.last_mut());
                // Signatures of old and of new versions say nothing to us.
                if let (Some(part), Ok(signature)) = (part, Signature::read(body)) {
                    part.signatures.push(signature);
                }
                continue;
            }
            _ => continue,
        }
        if let Some(parts) = certificates.last_mut() {
            parts.push(Part {
                tag,
                body,
                signatures: Vec::new(),
            });
        }
    }
    Ok(certificates.iter().map(|parts| keys(parts)).collect())
}

fn keys(parts: &[Part<'_>]) -> Result<Vec<TrustedKey>, String> {
    let (first, others) = parts
        .split_first()
        .expect("a certificate begins with a key");
    let key = Key::read(first.body)?;
    let id = key.id();
    // Only what it signed itself: certificates carry thousands of others.
    let own = |part: &Part<'_>, data: &[u8], is_kind: &dyn Fn(u8) -> bool| -> Vec<Signature> {
        let ours = part.signatures.iter().filter(|signature| {
            is_kind(signature.kind)
                && (signature.issuers.is_empty() || signature.issuers.contains(&id))
                && verify(&key, signature, data, Sha1Rule::OfKeysThemselves).is_ok()
        });
        ours.cloned().collect()
    };
    let newest = |signatures: Vec<Signature>| {
        // One that ends by itself is not worth a clock.
        let lasting = signatures.into_iter().filter(|s| s.expires_after == 0);
        lasting.max_by_key(|signature| signature.created)
    };
    let hashed = key.hashed();
    let is_revoked = !own(first, &hashed, &|kind| kind == KEY_REVOCATION).is_empty();
    let direct = newest(own(first, &hashed, &|kind| kind == DIRECT));
    let mut of_names = Vec::new();
    for name in others.iter().filter(|part| part.tag == USER_ID) {
        let length = u32::try_from(name.body.len()).map_err(|_| "a user id is too long")?;
        let data = [&hashed, &[0xb4][..], &length.to_be_bytes(), name.body].concat();
        let revoked = own(name, &data, &|kind| kind == CERTIFICATION_REVOCATION);
        let revoked = revoked.iter().map(|s| s.created).max();
        let certified = newest(own(name, &data, &|kind| CERTIFICATIONS.contains(&kind)));
        of_names.extend(certified.filter(|s| revoked.is_none_or(|at| s.created > at)));
    }
    let named = newest(of_names);
    if named.is_none() && direct.is_none() {
        return Err(format!("key {id} has no valid signature of its own"));
    }
    let said = || named.iter().chain(&direct);
    let flags = said().find_map(|signature| signature.key_flags);
    let expires = said()
        .map(|signature| signature.key_expires_after)
        .find(|after| *after != 0)
        .map(|after| key.created + after);
    let mut keys = vec![TrustedKey {
        id: id.clone(),
        primary: id.clone(),
        expires,
        is_revoked,
        may_sign: flags.is_none_or(|flags| flags & MAY_SIGN != 0),
        key: key.clone(),
    }];
    for part in others.iter().filter(|part| part.tag == PUBLIC_SUBKEY) {
        let Ok(subkey) = Key::read(part.body) else {
            continue;
        };
        let data = [hashed.clone(), subkey.hashed()].concat();
        let Some(binding) = newest(own(part, &data, &|kind| kind == SUBKEY_BINDING)) else {
            continue;
        };
        let revoked = own(part, &data, &|kind| kind == SUBKEY_REVOCATION);
        let says_may_sign = binding.key_flags.is_some_and(|flags| flags & MAY_SIGN != 0);
        let until = Some(binding.key_expires_after)
            .filter(|after| *after != 0)
            .map(|after| subkey.created + after);
        keys.push(TrustedKey {
            id: subkey.id(),
            primary: id.clone(),
            expires: [expires, until].into_iter().flatten().min(),
            is_revoked: is_revoked || !revoked.is_empty(),
            may_sign: says_may_sign && agrees(&subkey, &binding, &data),
            key: subkey,
        });
    }
    Ok(keys)
}

/// Whether a subkey that may sign agrees to belong to its primary key: else
/// anybody could claim the signatures of another.
fn agrees(subkey: &Key, binding: &Signature, data: &[u8]) -> bool {
    let embedded = binding.embedded.as_deref().map(Signature::read);
    let Some(Ok(embedded)) = embedded else {
        return false;
    };
    embedded.kind == PRIMARY_BINDING
        && verify(subkey, &embedded, data, Sha1Rule::OfKeysThemselves).is_ok()
}
