//! ASN.1 in DER, as much of it as keys and certificates have.

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OID: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// A value with its tag and length.
pub fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        len @ 0..0x80 => out.push(len as u8),
        len => {
            let bytes = len.to_be_bytes();
            let zeros = bytes.iter().take_while(|b| **b == 0).count();
            out.push(0x80 | (bytes.len() - zeros) as u8);
            out.extend_from_slice(&bytes[zeros..]);
        }
    }
    out.extend_from_slice(content);
    out
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

/// A positive integer from its bytes, the highest first.
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let digits = &bytes[zeros..];
    match digits.first() {
        None => value(INTEGER, &[0]),
        Some(0x80..) => value(INTEGER, &[&[0], digits].concat()),
        Some(_) => value(INTEGER, digits),
    }
}

/// A string of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    value(BIT_STRING, &[&[0], bytes].concat())
}

/// Values read one after another.
#[derive(Clone, Copy)]
pub struct Reader<'d>(pub &'d [u8]);

impl<'d> Reader<'d> {
    /// The next value: its tag, its content, and all of it.
    pub fn next(&mut self) -> Option<(u8, &'d [u8], &'d [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut len = usize::from(first);
        if first >= 0x80 {
            let n_bytes = usize::from(first & 0x7f);
            let (bytes, after) = rest.split_at_checked(n_bytes).filter(|_| n_bytes <= 4)?;
            len = bytes
                .iter()
                .fold(0, |len, byte| len << 8 | usize::from(*byte));
            rest = after;
        }
        let (content, after) = rest.split_at_checked(len)?;
        let whole = &self.0[..self.0.len() - after.len()];
        self.0 = after;
        Some((tag, content, whole))
    }

    /// The content of the next value, where it is of that tag.
    pub fn expect(&mut self, wanted: u8) -> Option<&'d [u8]> {
        let mut ahead = *self;
        let (tag, content, _) = ahead.next()?;
        (tag == wanted).then(|| {
            *self = ahead;
            content
        })
    }
}
