//! Base64 and base32, with Go's texts for what is not: `b64dec` and `b32dec`
//! give the text of the error as their result.

use super::args::bytes;
use crate::gotmpl::{Context, Error, FuncDef, Type, Val};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use Type::Str;

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("b64enc", &[Str], Str, |_, args| {
        Ok(STANDARD.encode(bytes(args, 0)).into())
    }),
    FuncDef::new("b64dec", &[Str], Str, b64dec),
    FuncDef::new("b32enc", &[Str], Str, |_, args| {
        Ok(base32(bytes(args, 0)).into())
    }),
    FuncDef::new("b32dec", &[Str], Str, b32dec),
];

fn b64dec(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(match decode_base64(bytes(args, 0)) {
        Ok(decoded) => Val::Str(decoded.into()),
        Err(fault) => fault.to_string().into(),
    })
}

fn b32dec(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(match decode_base32(bytes(args, 0)) {
        Ok(decoded) => Val::Str(decoded.into()),
        Err(fault) => fault.to_string().into(),
    })
}

/// `base64.CorruptInputError` and `base32.CorruptInputError`
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Corrupt {
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    #[error("illegal base32 data at input byte {0}")]
    Base32(usize),
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// `base64.StdEncoding.DecodeString`: line ends anywhere, stray bits in the
/// last digit are dropped.
pub(super) fn decode_base64(input: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let mut out = Vec::with_capacity(input.len() / 4 * 3);
    let mut at = 0;
    let skip_newlines = |at: &mut usize| {
        while input.get(*at).is_some_and(|b| is_newline(*b)) {
            *at += 1;
        }
    };
    while at < input.len() {
        let (mut digits, mut n_digits) = ([0_u8; 4], 0);
        let mut padded = false;
        while n_digits < 4 {
            let Some(&byte) = input.get(at) else {
                if n_digits == 0 {
                    return Ok(out);
                }
                return Err(Corrupt::Base64(at - n_digits));
            };
            at += 1;
            if let Some(digit) = base64_digit(byte) {
                digits[n_digits] = digit;
                n_digits += 1;
                continue;
            }
            if is_newline(byte) {
                continue;
            }
            if byte != b'=' || n_digits < 2 {
                return Err(Corrupt::Base64(at - 1));
            }
            if n_digits == 2 {
                skip_newlines(&mut at);
                match input.get(at) {
                    None => return Err(Corrupt::Base64(input.len())),
                    Some(b'=') => at += 1,
                    Some(_) => return Err(Corrupt::Base64(at - 1)),
                }
            }
            skip_newlines(&mut at);
            if at < input.len() {
                return Err(Corrupt::Base64(at));
            }
            padded = true;
            break;
        }
        let [a, b, c, d] = digits.map(u32::from);
        let three = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
        let kept = if padded { n_digits - 1 } else { 3 };
        out.extend_from_slice(&three[1..=kept]);
    }
    Ok(out)
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(input: &[u8]) -> String {
    let mut out = String::with_capacity(input.len().div_ceil(5) * 8);
    for block in input.chunks(5) {
        let mut bits = [0_u8; 8];
        bits[3..3 + block.len()].copy_from_slice(block);
        let bits = u64::from_be_bytes(bits);
        let n_digits = (block.len() * 8).div_ceil(5);
        for n in 0..8 {
            let digit = bits >> (35 - 5 * n) & 31;
            out.push(if n < n_digits {
                char::from(BASE32[digit as usize])
            } else {
                '='
            });
        }
    }
    out
}

/// `base32.StdEncoding.DecodeString`; places count without line ends.
fn decode_base32(input: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let input: Vec<u8> = input.iter().copied().filter(|b| !is_newline(*b)).collect();
    let mut out = Vec::with_capacity(input.len() / 8 * 5);
    let (mut at, mut ended) = (0, false);
    while at < input.len() && !ended {
        let (mut bits, mut n_digits) = (0_u64, 0);
        while n_digits < 8 {
            let Some(&byte) = input.get(at) else {
                return Err(Corrupt::Base32(at - n_digits));
            };
            at += 1;
            let rest = &input[at..];
            if byte == b'=' && n_digits >= 2 && rest.len() < 8 {
                if rest.len() + n_digits < 7 {
                    return Err(Corrupt::Base32(input.len()));
                }
                let padding = rest.iter().take(7 - n_digits);
                if let Some(wrong) = padding.clone().position(|b| *b != b'=') {
                    return Err(Corrupt::Base32(at + wrong - 1));
                }
                if matches!(n_digits, 1 | 3 | 6) {
                    return Err(Corrupt::Base32(at - 1));
                }
                ended = true;
                break;
            }
            let digit = BASE32.iter().position(|d| *d == byte);
            let digit = digit.ok_or(Corrupt::Base32(at - 1))?;
            bits |= (digit as u64) << (35 - 5 * n_digits);
            n_digits += 1;
        }
        let block = bits.to_be_bytes();
        out.extend_from_slice(&block[3..3 + n_digits * 5 / 8]);
    }
    Ok(out)
}
