//! Base64, UTF-8 and digests.

use super::arguments::Arguments;
use super::function;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::value::{Builtin, Val};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;
use std::fmt::Write as _;

pub(super) const FUNCTIONS: &[Builtin] = &[
    function("base64", &["input"], |m, a| {
        let bytes = match m.value_at(a, 0)? {
            Val::Text(text) => {
                let text = m.read(text)?;
                if let Some(wide) = text.chars().find(|c| u32::from(*c) > 255) {
                    return Err(Failure::new(format!(
                        "base64 encountered invalid codepoint value in the array (must be 0 <= X <= 255), got {}",
                        u32::from(wide)
                    )));
                }
                text.as_bytes().to_vec()
            }
            Val::Array(items) => {
                let mut bytes = Vec::with_capacity(items.len());
                for item in items {
                    match m.force(item)? {
                        Val::Number(number)
                            if number.fract() == 0.0 && (0.0..256.0).contains(&number) =>
                        {
                            bytes.push(number as u8);
                        }
                        Val::Number(number) => {
                            return Err(Failure::new(format!(
                                "base64 encountered invalid codepoint value in the array (must be 0 <= X <= 255), got {number}"
                            )));
                        }
                        other => {
                            return Err(Failure::new(format!(
                                "base64 encountered a non-integer value in the array, got {}",
                                other.type_name()
                            )));
                        }
                    }
                }
                bytes
            }
            other => {
                return Err(Failure::new(format!(
                    "base64 can only base64 encode strings / arrays of single bytes, got {}",
                    other.type_name()
                )));
            }
        };
        m.heap.has_room(bytes.len() * 2)?;
        m.text(&STANDARD.encode(bytes))
    }),
    function("base64Decode", &["str"], |m, a| {
        let bytes = decoded(m, a)?;
        m.text(&String::from_utf8_lossy(&bytes))
    }),
    function("base64DecodeBytes", &["str"], |m, a| {
        let bytes = decoded(m, a)?;
        m.step(bytes.len())?;
        m.bytes(&bytes)
    }),
    function("encodeUTF8", &["str"], |m, a| {
        let text = m.text_at(a, 0)?;
        m.step(text.len())?;
        m.bytes(text.as_bytes())
    }),
    function("decodeUTF8", &["arr"], |m, a| {
        let mut bytes = Vec::new();
        for item in m.array_at(a, 0)? {
            let number = m.integer(m.force(item)?)?;
            match u8::try_from(number) {
                Ok(byte) => bytes.push(byte),
                Err(_) => {
                    return Err(Failure::new(format!(
                        "Bytes must be integers in range [0, 255], got {number}"
                    )));
                }
            }
        }
        m.text(&String::from_utf8_lossy(&bytes))
    }),
    function("md5", &["s"], digest::<md5::Md5>),
    function("sha1", &["s"], digest::<sha1::Sha1>),
    function("sha256", &["s"], digest::<sha2::Sha256>),
    function("sha512", &["s"], digest::<sha2::Sha512>),
    function("sha3", &["s"], digest::<sha3::Sha3_512>),
];

fn decoded<'a>(machine: &Machine<'a>, arguments: Arguments<'_, 'a>) -> Result<Vec<u8>> {
    let text = match machine.value_at(arguments, 0)? {
        Val::Text(text) => machine.read(text)?,
        other => {
            return Err(Failure::new(format!(
                "base64DecodeBytes requires a string, got {}",
                other.type_name()
            )));
        }
    };
    if text.len() % 4 != 0 {
        return Err(Failure::new(format!(
            "input string appears not to be a base64 encoded string. Wrong length found ({})",
            text.len()
        )));
    }
    STANDARD.decode(text).map_err(|cause| {
        let at = match cause {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                text.len()
            }
        };
        Failure::new(format!(
            "failed to decode: illegal base64 data at input byte {at}"
        ))
    })
}

fn digest<'a, D: Digest>(machine: &Machine<'a>, arguments: Arguments<'_, 'a>) -> Result<Val<'a>> {
    let text = machine.text_at(arguments, 0)?;
    machine.step(text.len() / 16)?;
    let mut out = String::new();
    for byte in D::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    machine.text(&out)
}
