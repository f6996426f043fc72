//! OpenPGP packets, as far as keys and signatures need them: version 4 of
//! both, which is all that GnuPG makes by default (RFC 9580, RFC 4880).

use sha1::{Digest, Sha1};

pub const SIGNATURE: u8 = 2;
pub const PUBLIC_KEY: u8 = 6;
pub const USER_ID: u8 = 13;
pub const PUBLIC_SUBKEY: u8 = 14;
pub const USER_ATTRIBUTE: u8 = 17;

/// Ends of a text that is not long enough.
fn short() -> String {
    "a packet ends too early".to_owned()
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.0.split_at_checked(n).ok_or_else(short)?;
        self.0 = rest;
        Ok(head)
    }

    pub fn number(&mut self, n_bytes: usize) -> Result<usize, String> {
        let bytes = self.take(n_bytes)?;
        Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | *byte as usize))
    }

    pub fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A number of any length, without leading zeros.
    pub fn mpi(&mut self) -> Result<&'a [u8], String> {
        let bits = self.number(2)?;
        let bytes = self.take(bits.div_ceil(8))?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(&bytes[zeros..])
    }

    /// A length as in new packets and subpackets; partial ones are for data
    /// that nobody signs.
    fn length(&mut self, is_subpacket: bool) -> Result<usize, String> {
        match self.byte()? {
            first @ 0..=191 => Ok(first as usize),
            255 => self.number(4),
            first @ 224..=254 if !is_subpacket => {
                Err(format!("a partial length ({first}) is not supported"))
            }
            first => Ok(((first as usize - 192) << 8) + self.number(1)? + 192),
        }
    }

    /// The next packet: its tag and body.
    pub fn packet(&mut self) -> Result<Option<(u8, &'a [u8])>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let head = self.byte()?;
        let (tag, length) = match head >> 6 {
            0b11 => (head & 0x3f, self.length(false)?),
            0b10 => match head & 3 {
                3 => return Err("a packet without a length is not supported".to_owned()),
                size => ((head >> 2) & 0xf, self.number(1 << size)?),
            },
            _ => return Err("this is no OpenPGP packet".to_owned()),
        };
        Ok(Some((tag, self.take(length)?)))
    }
}

/// A public key or subkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub body: Vec<u8>,
    /// Seconds since 1970.
    pub created: i64,
    pub algorithm: u8,
    fingerprint: [u8; 20],
}

impl Key {
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let mut bytes = Bytes(body);
        let version = bytes.byte()?;
        if version != 4 {
            return Err(format!("keys of version {version} are not supported"));
        }
        let created = bytes.number(4)? as i64;
        let algorithm = bytes.byte()?;
        Ok(Key {
            created,
            algorithm,
            fingerprint: Sha1::digest(hashed_key(body)).into(),
            body: body.to_vec(),
        })
    }

    /// What follows version, time and algorithm.
    pub fn material(&self) -> Bytes<'_> {
        Bytes(&self.body[6..])
    }

    /// The last 64 bits of the fingerprint, in upper case as GnuPG prints it.
    pub fn id(&self) -> String {
        hex(&self.fingerprint[12..])
    }

    pub fn hashed(&self) -> Vec<u8> {
        hashed_key(&self.body)
    }
}

/// A key as it goes into fingerprints and signatures.
fn hashed_key(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    [&[0x99], &length.to_be_bytes()[..], body].concat()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A signature with what it says of itself.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// 0x00 over a document, 0x13 over a user id, 0x18 over a subkey …
    pub kind: u8,
    pub algorithm: u8,
    pub hash: u8,
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds after its creation; zero is never.
    pub expires_after: i64,
    /// Seconds after the key's creation; zero is never.
    pub key_expires_after: i64,
    pub key_flags: Option<u8>,
    /// Key IDs, as far as it tells.
    pub issuers: Vec<String>,
    /// What the subkey that it binds says of its primary key.
    pub embedded: Option<Vec<u8>>,
    /// A critical detail that we do not know: it counts as no signature.
    pub unknown_critical: Option<u8>,
    /// The end of what is hashed.
    trailer: Vec<u8>,
    numbers: Vec<u8>,
}

impl Signature {
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let mut bytes = Bytes(body);
        let version = bytes.byte()?;
        if version != 4 {
            return Err(format!("signatures of version {version} are not supported"));
        }
        let mut signature = Signature {
            kind: bytes.byte()?,
            algorithm: bytes.byte()?,
            hash: bytes.byte()?,
            ..Signature::default()
        };
        let length = bytes.number(2)?;
        let hashed = bytes.take(length)?;
        signature.trailer = body[..6 + length].to_vec();
        signature.trailer.extend([4, 0xff]);
        let n_hashed = u32::try_from(6 + length).expect("the length has 16 bits");
        signature.trailer.extend(n_hashed.to_be_bytes());
        let length = bytes.number(2)?;
        let unhashed = bytes.take(length)?;
        // The start of the hash, for the hasty.
        bytes.take(2)?;
        signature.numbers = bytes.0.to_vec();
        signature.details(Bytes(hashed), true)?;
        signature.details(Bytes(unhashed), false)?;
        Ok(signature)
    }

    fn details(&mut self, mut bytes: Bytes<'_>, is_hashed: bool) -> Result<(), String> {
        while !bytes.0.is_empty() {
            let length = bytes.length(true)?;
            let mut detail = Bytes(bytes.take(length)?);
            let kind = detail.byte()?;
            // What is not hashed anybody may have written: only what helps to
            // find a key, or is a signature itself, is taken from there.
            match (kind & 0x7f, is_hashed) {
                (2, true) => self.created = detail.number(4)? as i64,
                (3, true) => self.expires_after = detail.number(4)? as i64,
                (9, true) => self.key_expires_after = detail.number(4)? as i64,
                (27, true) => self.key_flags = Some(detail.byte().unwrap_or_default()),
                (16, _) => self.issuers.push(hex(detail.take(8)?)),
                (33, _) if detail.0.len() == 21 => self.issuers.push(hex(&detail.0[13..])),
                (32, _) => self.embedded = Some(detail.0.to_vec()),
                // Preferences, policy, reasons and names: nothing follows from them.
                (4 | 7 | 10 | 11 | 12 | 21..=26 | 28..=31 | 33..=35 | 38 | 39, _) => {}
                (_, true) if kind & 0x80 != 0 => self.unknown_critical = Some(kind & 0x7f),
                _ => {}
            }
        }
        Ok(())
    }

    /// What was hashed for it: some data, and the signature's own head.
    pub fn message(&self, data: &[u8]) -> Vec<u8> {
        [data, &self.trailer].concat()
    }

    pub fn numbers(&self) -> Bytes<'_> {
        Bytes(&self.numbers)
    }
}
