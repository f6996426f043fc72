//! Digests in hexadecimal, and Adler-32.

use super::args::bytes;
use crate::gotmpl::{FuncDef, Type};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use Type::Str;

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("sha1sum", &[Str], Str, |_, args| {
        Ok(hex(&Sha1::digest(bytes(args, 0))).into())
    }),
    FuncDef::new("sha256sum", &[Str], Str, |_, args| {
        Ok(hex(&Sha256::digest(bytes(args, 0))).into())
    }),
    FuncDef::new("sha512sum", &[Str], Str, |_, args| {
        Ok(hex(&Sha512::digest(bytes(args, 0))).into())
    }),
    FuncDef::new("adler32sum", &[Str], Str, |_, args| {
        Ok(adler32(bytes(args, 0)).to_string().into())
    }),
];

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1, 0);
    for byte in bytes {
        a = (a + u32::from(*byte)) % MODULUS;
        b = (b + a) % MODULUS;
    }
    b << 16 | a
}
