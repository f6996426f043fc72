//! Certificates: what crypto/x509's CreateCertificate makes of sprig's template,
//! field by field, and what is read of the signer's.

use super::der::{self, Reader};
use super::keys::PrivateKey;
use crate::gotmpl::funcs::times::{Time, Zone};
use core::net::IpAddr;
use sha2::{Digest, Sha256};

/// What a certificate is to say.
pub struct Template {
    pub serial: [u8; 16],
    pub common_name: Vec<u8>,
    pub addresses: Vec<IpAddr>,
    pub dns_names: Vec<String>,
    pub not_before: Time,
    pub not_after: Time,
    pub is_authority: bool,
}

/// Of the certificate that signs, what the signed one repeats.
pub struct Signer {
    /// Its subject, in DER.
    pub name: Vec<u8>,
    pub public_info: Vec<u8>,
    pub key_id: Option<Vec<u8>>,
}

const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 0x04, 0x03];
const KEY_USAGE: u8 = 15;
const EXTENDED_KEY_USAGE: u8 = 37;
const BASIC_CONSTRAINTS: u8 = 19;
const SUBJECT_KEY_ID: u8 = 14;
const AUTHORITY_KEY_ID: u8 = 35;
const SUBJECT_ALT_NAME: u8 = 17;

const TRUE: &[u8] = &[0x01, 1, 0xff];

/// serverAuth and clientAuth.
const PURPOSES: &[u8] = &[
    0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2,
];

/// An empty name.
const NO_NAME: &[u8] = &[der::SEQUENCE, 0];

/// A certificate in DER; without a signer, the key signs itself.
pub fn create(
    template: &Template,
    key: &PrivateKey,
    signer: Option<(&Signer, &PrivateKey)>,
) -> Result<Vec<u8>, String> {
    let no_signer = || "x509: certificate private key does not implement crypto.Signer".to_owned();
    let signing = signer.map_or(key, |(_, signing)| signing);
    let algorithm = signing.signature_algorithm().ok_or_else(no_signer)?;
    let public = key
        .public_info()
        .ok_or("x509: unsupported public key type: *dsa.PublicKey")?;
    let subject = name(&template.common_name)?;
    let issuer = signer.map_or(&subject, |(signer, _)| &signer.name);
    let authority = signer
        .filter(|(signer, _)| signer.name != subject)
        .and_then(|(signer, _)| signer.key_id.clone());
    if let Some((signer, signing)) = signer
        && signing.public_info().as_ref() != Some(&signer.public_info)
    {
        return Err("x509: provided PrivateKey doesn't match parent's PublicKey".into());
    }
    let public_key = key.public_key().ok_or_else(no_signer)?;
    let extensions = extensions(template, &subject, &public_key, authority)?;
    let validity = der::sequence(&[&time(&template.not_before), &time(&template.not_after)]);
    let to_be_signed = der::sequence(&[
        &der::value(0xa0, &der::integer(&[2])),
        &der::integer(&template.serial),
        &algorithm,
        issuer,
        &validity,
        &subject,
        &public,
        &der::value(0xa3, &der::value(der::SEQUENCE, &extensions)),
    ]);
    let signature = signing.sign(&to_be_signed).ok_or_else(no_signer)?;
    Ok(der::sequence(&[
        &to_be_signed,
        &algorithm,
        &der::bit_string(&signature),
    ]))
}

/// The parts of a certificate that a signed one repeats; none where it is
/// malformed.
pub fn signer(der: &[u8]) -> Option<Signer> {
    let mut outer = Reader(der);
    let mut whole = Reader(outer.expect(der::SEQUENCE)?);
    let mut fields = Reader(whole.expect(der::SEQUENCE)?);
    fields.expect(0xa0);
    fields.expect(der::INTEGER)?;
    fields.expect(der::SEQUENCE)?;
    fields.expect(der::SEQUENCE)?;
    fields.expect(der::SEQUENCE)?;
    let (_, _, name) = fields.next().filter(|(tag, ..)| *tag == der::SEQUENCE)?;
    let (_, _, public_info) = fields.next().filter(|(tag, ..)| *tag == der::SEQUENCE)?;
    let mut key_id = None;
    while let Some((tag, content, _)) = fields.next() {
        if tag == 0xa3 {
            key_id = subject_key_id(content);
        }
    }
    outer.0.is_empty().then(|| Signer {
        name: name.to_vec(),
        public_info: public_info.to_vec(),
        key_id,
    })
}

fn subject_key_id(extensions: &[u8]) -> Option<Vec<u8>> {
    let mut all = Reader(Reader(extensions).expect(der::SEQUENCE)?);
    while let Some(extension) = all.expect(der::SEQUENCE) {
        let mut fields = Reader(extension);
        let id = fields.expect(der::OID)?;
        fields.expect(0x01);
        let content = fields.expect(der::OCTET_STRING)?;
        if id == [0x55, 0x1d, SUBJECT_KEY_ID] {
            return Reader(content)
                .expect(der::OCTET_STRING)
                .map(<[u8]>::to_vec);
        }
    }
    None
}

/// A name of a common name alone: a PrintableString where that can hold it.
fn name(common_name: &[u8]) -> Result<Vec<u8>, String> {
    if common_name.is_empty() {
        return Ok(NO_NAME.to_vec());
    }
    let printable = |b: &u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(b);
    let tag = if common_name.iter().all(printable) {
        0x13
    } else {
        0x0c
    };
    if std::str::from_utf8(common_name).is_err() {
        return Err("asn1: string not valid UTF-8".into());
    }
    let attribute = der::sequence(&[COMMON_NAME, &der::value(tag, common_name)]);
    Ok(der::sequence(&[&der::value(der::SET, &attribute)]))
}

/// UTCTime up to 2049, GeneralizedTime from then on.
fn time(time: &Time) -> Vec<u8> {
    let time = time.in_zone(Zone::Utc);
    match time.civil().year {
        1950..2050 => der::value(0x17, &time.format(b"060102150405Z")),
        _ => der::value(0x18, &time.format(b"20060102150405Z")),
    }
}

fn extension(id: u8, is_critical: bool, content: &[u8]) -> Vec<u8> {
    let critical = if is_critical { TRUE } else { b"" };
    let id = [0x06, 3, 0x55, 0x1d, id];
    der::sequence(&[&id, critical, &der::value(der::OCTET_STRING, content)])
}

fn extensions(
    template: &Template,
    subject: &[u8],
    public_key: &[u8],
    authority: Option<Vec<u8>>,
) -> Result<Vec<u8>, String> {
    // digitalSignature and keyEncipherment; an authority signs certificates too.
    let usage: &[u8] = match template.is_authority {
        true => &[der::BIT_STRING, 2, 2, 0xa4],
        false => &[der::BIT_STRING, 2, 5, 0xa0],
    };
    let mut out = extension(KEY_USAGE, true, usage);
    out.extend(extension(
        EXTENDED_KEY_USAGE,
        false,
        &der::value(der::SEQUENCE, PURPOSES),
    ));
    let constraints = if template.is_authority { TRUE } else { b"" };
    out.extend(extension(
        BASIC_CONSTRAINTS,
        true,
        &der::value(der::SEQUENCE, constraints),
    ));
    if template.is_authority {
        let id = &Sha256::digest(public_key)[..20];
        out.extend(extension(
            SUBJECT_KEY_ID,
            false,
            &der::value(der::OCTET_STRING, id),
        ));
    }
    if let Some(id) = authority {
        let id = der::sequence(&[&der::value(0x80, &id)]);
        out.extend(extension(AUTHORITY_KEY_ID, false, &id));
    }
    let mut names = Vec::new();
    for name in &template.dns_names {
        if !name.is_ascii() {
            return Err(format!("x509: {name:?} cannot be encoded as an IA5String"));
        }
        names.extend(der::value(0x82, name.as_bytes()));
    }
    for address in &template.addresses {
        match address.to_canonical() {
            IpAddr::V4(address) => names.extend(der::value(0x87, &address.octets())),
            IpAddr::V6(address) => names.extend(der::value(0x87, &address.octets())),
        }
    }
    if !names.is_empty() {
        let without_subject = subject == NO_NAME;
        let names = der::value(der::SEQUENCE, &names);
        out.extend(extension(SUBJECT_ALT_NAME, without_subject, &names));
    }
    Ok(out)
}
