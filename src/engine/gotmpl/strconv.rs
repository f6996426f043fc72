//! Go's strconv and utf8: literals quoted and unquoted, numbers read and
//! printed as Go does.

use super::unicode::is_print;

/// U+FFFD, which Go's decoder gives for a byte that is not UTF-8.
pub const RUNE_ERROR: u32 = 0xfffd;

/// `utf8.DecodeRune`: the rune and its width; `(RUNE_ERROR, 1)` for a byte that
/// is not UTF-8, `(RUNE_ERROR, 0)` at the end.
pub fn decode_rune(bytes: &[u8]) -> (u32, usize) {
    let Some(&first) = bytes.first() else {
        return (RUNE_ERROR, 0);
    };
    let width = match first {
        0..0x80 => return (u32::from(first), 1),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return (RUNE_ERROR, 1),
    };
    match bytes.get(..width).map(std::str::from_utf8) {
        Some(Ok(text)) => (text.chars().next().map_or(RUNE_ERROR, u32::from), width),
        _ => (RUNE_ERROR, 1),
    }
}

/// `utf8.AppendRune`: what is no character becomes U+FFFD.
pub fn append_rune(out: &mut Vec<u8>, rune: u32) {
    let character = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// `utf8.RuneCount`
pub fn rune_count(bytes: &[u8]) -> usize {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.chars().count();
    }
    let (mut rest, mut n) = (bytes, 0);
    while !rest.is_empty() {
        rest = &rest[decode_rune(rest).1..];
        n += 1;
    }
    n
}

/// `strconv.Quote`
pub fn quote(bytes: &[u8]) -> String {
    quote_with(bytes, false)
}

/// `strconv.QuoteToASCII`
pub fn quote_to_ascii(bytes: &[u8]) -> String {
    quote_with(bytes, true)
}

fn quote_with(bytes: &[u8], ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    let mut rest = bytes;
    while !rest.is_empty() {
        let (rune, width) = decode_rune(rest);
        if width == 1 && rune == RUNE_ERROR {
            out.push_str(&format!("\\x{:02x}", rest[0]));
        } else {
            push_escaped(&mut out, rune, '"', ascii);
        }
        rest = &rest[width..];
    }
    out.push('"');
    out
}

/// `strconv.QuoteRune`, or with `ascii` `QuoteRuneToASCII`.
pub fn quote_rune(rune: u32, ascii: bool) -> String {
    let rune = char::from_u32(rune).map_or(RUNE_ERROR, u32::from);
    let mut out = String::from("'");
    push_escaped(&mut out, rune, '\'', ascii);
    out.push('\'');
    out
}

fn push_escaped(out: &mut String, rune: u32, quote: char, ascii: bool) {
    let character = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
    if character == quote || character == '\\' {
        out.push('\\');
        out.push(character);
        return;
    }
    if is_print(rune) && (!ascii || rune < 0x80) {
        out.push(character);
        return;
    }
    match rune {
        0x07 => out.push_str("\\a"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        0x0a => out.push_str("\\n"),
        0x0d => out.push_str("\\r"),
        0x09 => out.push_str("\\t"),
        0x0b => out.push_str("\\v"),
        0..0x20 | 0x7f => out.push_str(&format!("\\x{rune:02x}")),
        0x20..0x10000 => out.push_str(&format!("\\u{rune:04x}")),
        _ => out.push_str(&format!("\\U{rune:08x}")),
    }
}

/// `strconv.CanBackquote`: one line without control characters.
pub fn can_backquote(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (rune, width) = decode_rune(rest);
        rest = &rest[width..];
        let bad = match width {
            1 => (rune < 0x20 && rune != 0x09) || matches!(rune, 0x60 | 0x7f | RUNE_ERROR),
            _ => rune == 0xfeff,
        };
        if bad {
            return false;
        }
    }
    true
}

/// The literal does not follow Go's syntax; Go says "invalid syntax".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid syntax")]
pub struct InvalidSyntax;

/// `strconv.Unquote` of a literal in double quotes or backquotes.
pub fn unquote(literal: &[u8]) -> Result<Vec<u8>, InvalidSyntax> {
    let (Some(&quote), true) = (literal.first(), literal.len() >= 2) else {
        return Err(InvalidSyntax);
    };
    if literal.last() != Some(&quote) {
        return Err(InvalidSyntax);
    }
    let mut rest = &literal[1..literal.len() - 1];
    match quote {
        b'`' if rest.contains(&b'`') => Err(InvalidSyntax),
        b'`' => Ok(rest.iter().copied().filter(|c| *c != b'\r').collect()),
        b'"' => {
            let mut out = Vec::with_capacity(rest.len());
            while let Some(&first) = rest.first() {
                if first == b'\n' {
                    return Err(InvalidSyntax);
                }
                let unquoted = unquote_char(rest, b'"')?;
                if unquoted.is_byte {
                    out.push(unquoted.rune as u8);
                } else {
                    append_rune(&mut out, unquoted.rune);
                }
                rest = &rest[unquoted.width..];
            }
            Ok(out)
        }
        _ => Err(InvalidSyntax),
    }
}

/// One character of a literal, escaped or not.
#[derive(Clone, Copy, Debug)]
pub struct Unquoted {
    pub rune: u32,
    /// A byte (`\xff`, `\377`) and not a character.
    pub is_byte: bool,
    /// Bytes of the literal that it took.
    pub width: usize,
}

/// `strconv.UnquoteChar`
pub fn unquote_char(text: &[u8], quote: u8) -> Result<Unquoted, InvalidSyntax> {
    let first = *text.first().ok_or(InvalidSyntax)?;
    if first == quote && matches!(quote, b'\'' | b'"') {
        return Err(InvalidSyntax);
    }
    if first != b'\\' {
        let (rune, width) = decode_rune(text);
        return Ok(Unquoted {
            rune,
            is_byte: false,
            width,
        });
    }
    let escape = *text.get(1).ok_or(InvalidSyntax)?;
    let simple = |rune: u8| {
        Ok(Unquoted {
            rune: u32::from(rune),
            is_byte: false,
            width: 2,
        })
    };
    match escape {
        b'a' => simple(0x07),
        b'b' => simple(0x08),
        b'f' => simple(0x0c),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(0x0b),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' if escape == quote => simple(escape),
        b'x' | b'u' | b'U' => {
            let n = match escape {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let rune = digits(text.get(2..2 + n).ok_or(InvalidSyntax)?, 16)?;
            if escape != b'x' && char::from_u32(rune).is_none() {
                return Err(InvalidSyntax);
            }
            Ok(Unquoted {
                rune,
                is_byte: escape == b'x',
                width: 2 + n,
            })
        }
        b'0'..=b'7' => {
            let rune = digits(text.get(1..4).ok_or(InvalidSyntax)?, 8)?;
            if rune > 255 {
                return Err(InvalidSyntax);
            }
            Ok(Unquoted {
                rune,
                is_byte: true,
                width: 4,
            })
        }
        _ => Err(InvalidSyntax),
    }
}

fn digits(text: &[u8], base: u32) -> Result<u32, InvalidSyntax> {
    text.iter().try_fold(0_u32, |number, byte| {
        let digit = char::from(*byte).to_digit(base).ok_or(InvalidSyntax)?;
        number
            .checked_mul(base)
            .and_then(|n| n.checked_add(digit))
            .ok_or(InvalidSyntax)
    })
}
