//! Classes of characters: `[a-z]`, `\d`, `\p{Greek}`, and escapes of one.

use super::syntax::{check_utf8, fault, next_rune};
use regex::Regex;

type Fallible<T> = Result<T, String>;

/// `[...]` as the regex crate writes it, and what follows.
pub fn bracketed(whole: &[u8]) -> Fallible<(String, &[u8])> {
    let mut rest = &whole[1..];
    let mut out = String::from("[");
    if let Some(tail) = rest.strip_prefix(b"^") {
        out.push('^');
        rest = tail;
    }
    let mut first = true;
    while first || rest.first() != Some(&b']') {
        first = false;
        if rest.starts_with(b"[:")
            && let Some(end) = super::find(&rest[2..], b":]")
        {
            let (name, after) = rest.split_at(end + 4);
            out.push_str(posix(name).ok_or_else(|| fault("invalid character class range", name))?);
            rest = after;
            continue;
        }
        if let Some((class, after)) = escaped(rest)? {
            out.push_str(&class);
            rest = after;
            continue;
        }
        let start = rest;
        let (low, after) = class_character(rest, whole)?;
        rest = after;
        let mut high = low;
        if rest.len() >= 2 && rest[0] == b'-' && rest[1] != b']' {
            (high, rest) = class_character(&rest[1..], whole)?;
            if high < low {
                let range = &start[..start.len() - rest.len()];
                return Err(fault("invalid character class range", range));
            }
        }
        push_range(&mut out, low, high);
    }
    out.push(']');
    // Empty but for halves of surrogate pairs: a class of nothing.
    let out = match out.as_str() {
        "[]" => r"[^\x{0}-\x{10ffff}]".to_owned(),
        "[^]" => r"[\x{0}-\x{10ffff}]".to_owned(),
        _ => out,
    };
    Ok((out, &rest[1..]))
}

/// Surrogates, which no text has, are left out.
fn push_range(out: &mut String, low: u32, high: u32) {
    let surrogates = 0xd800..=0xdfff;
    let low = if surrogates.contains(&low) {
        0xe000
    } else {
        low
    };
    let high = if surrogates.contains(&high) {
        0xd7ff
    } else {
        high
    };
    if low <= high {
        out.push_str(&format!(r"\x{{{low:x}}}-\x{{{high:x}}}"));
    }
}

fn class_character<'t>(text: &'t [u8], whole: &[u8]) -> Fallible<(u32, &'t [u8])> {
    match text.first() {
        None => Err(fault("missing closing ]", whole)),
        Some(b'\\') => character(text),
        Some(_) => next_rune(text),
    }
}

/// `[:alpha:]`; in brackets, since some are negated.
fn posix(name: &[u8]) -> Option<&'static str> {
    Some(match name {
        b"[:alnum:]" => "[0-9A-Za-z]",
        b"[:^alnum:]" => "[^0-9A-Za-z]",
        b"[:alpha:]" => "[A-Za-z]",
        b"[:^alpha:]" => "[^A-Za-z]",
        b"[:ascii:]" => r"[\x00-\x7f]",
        b"[:^ascii:]" => r"[^\x00-\x7f]",
        b"[:blank:]" => r"[\t ]",
        b"[:^blank:]" => r"[^\t ]",
        b"[:cntrl:]" => r"[\x00-\x1f\x7f]",
        b"[:^cntrl:]" => r"[^\x00-\x1f\x7f]",
        b"[:digit:]" => "[0-9]",
        b"[:^digit:]" => "[^0-9]",
        b"[:graph:]" => r"[\x21-\x7e]",
        b"[:^graph:]" => r"[^\x21-\x7e]",
        b"[:lower:]" => "[a-z]",
        b"[:^lower:]" => "[^a-z]",
        b"[:print:]" => r"[\x20-\x7e]",
        b"[:^print:]" => r"[^\x20-\x7e]",
        b"[:punct:]" => r"[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]",
        b"[:^punct:]" => r"[^\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]",
        b"[:space:]" => r"[\x09-\x0d ]",
        b"[:^space:]" => r"[^\x09-\x0d ]",
        b"[:upper:]" => "[A-Z]",
        b"[:^upper:]" => "[^A-Z]",
        b"[:word:]" => "[0-9A-Z_a-z]",
        b"[:^word:]" => "[^0-9A-Z_a-z]",
        b"[:xdigit:]" => "[0-9A-Fa-f]",
        b"[:^xdigit:]" => "[^0-9A-Fa-f]",
        _ => return None,
    })
}

/// `\d`, `\p{Greek}` and what follows; none where it is no class.
pub fn escaped(text: &[u8]) -> Fallible<Option<(String, &[u8])>> {
    let perl = match text {
        [b'\\', b'd', ..] => "[0-9]",
        [b'\\', b'D', ..] => "[^0-9]",
        [b'\\', b's', ..] => r"[\t\n\x0c\r ]",
        [b'\\', b'S', ..] => r"[^\t\n\x0c\r ]",
        [b'\\', b'w', ..] => "[0-9A-Z_a-z]",
        [b'\\', b'W', ..] => "[^0-9A-Z_a-z]",
        [b'\\', b'p' | b'P', ..] => return unicode(text).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((perl.to_owned(), &text[2..])))
}

fn unicode(text: &[u8]) -> Fallible<(String, &[u8])> {
    let mut negated = text[1] == b'P';
    if text.len() == 2 {
        return Err(fault("invalid character class range", text));
    }
    let (rune, after) = next_rune(&text[2..])?;
    let (mut name, sequence, after) = if rune == u32::from('{') {
        let Some(end) = text.iter().position(|b| *b == b'}') else {
            check_utf8(text)?;
            return Err(fault("invalid character class range", text));
        };
        (&text[3..end], &text[..=end], &text[end + 1..])
    } else {
        let sequence = &text[..text.len() - after.len()];
        (&sequence[2..], sequence, after)
    };
    check_utf8(name)?;
    if let Some(tail) = name.strip_prefix(b"^") {
        negated = !negated;
        name = tail;
    }
    let wrong = || fault("invalid character class range", sequence);
    let plain = |b: &u8| b.is_ascii_alphabetic() || b"_- ".contains(b);
    if name.is_empty() || !name.iter().all(plain) {
        return Err(wrong());
    }
    let name = String::from_utf8_lossy(name).replace(['_', '-', ' '], "");
    let mark = if negated { 'P' } else { 'p' };
    let class = format!(r"\{mark}{{{name}}}");
    // The regex crate knows the categories and scripts.
    Regex::new(&class).map_err(|_| wrong())?;
    Ok((class, after))
}

/// An escape of one character, and what follows.
pub fn character(text: &[u8]) -> Fallible<(u32, &[u8])> {
    let mut rest = &text[1..];
    if rest.is_empty() {
        return Err(fault("trailing backslash at end of expression", b""));
    }
    let wrong = |rest: &[u8]| fault("invalid escape sequence", &text[..text.len() - rest.len()]);
    let (rune, after) = next_rune(rest)?;
    rest = after;
    let octal = |rest: &[u8]| rest.first().copied().filter(|b| (b'0'..=b'7').contains(b));
    let simple = match char::from_u32(rune) {
        Some(digit @ '0'..='7') => {
            // A single digit but 0 is a reference, of which there are none.
            if digit != '0' && octal(rest).is_none() {
                return Err(wrong(rest));
            }
            let mut number = rune - u32::from('0');
            for _ in 0..2 {
                let Some(digit) = octal(rest) else { break };
                number = number * 8 + u32::from(digit - b'0');
                rest = &rest[1..];
            }
            return Ok((number, rest));
        }
        Some('x') => return hexadecimal(text, rest),
        Some('a') => 0x07,
        Some('f') => 0x0c,
        Some('n') => 0x0a,
        Some('r') => 0x0d,
        Some('t') => 0x09,
        Some('v') => 0x0b,
        Some(c) if c.is_ascii() && !c.is_ascii_alphanumeric() => rune,
        _ => return Err(wrong(rest)),
    };
    Ok((simple, rest))
}

/// What follows `\x`: two digits, or any number of them in braces.
fn hexadecimal<'t>(text: &[u8], mut rest: &'t [u8]) -> Fallible<(u32, &'t [u8])> {
    let wrong = |rest: &[u8]| fault("invalid escape sequence", &text[..text.len() - rest.len()]);
    let value = |rune: u32| char::from_u32(rune).and_then(|c| c.to_digit(16));
    if rest.is_empty() {
        return Err(wrong(rest));
    }
    let (first, after) = next_rune(rest)?;
    rest = after;
    if first != u32::from('{') {
        let high = value(first);
        let (second, after) = next_rune(rest)?;
        rest = after;
        return match (high, value(second)) {
            (Some(high), Some(low)) => Ok((high * 16 + low, rest)),
            _ => Err(wrong(rest)),
        };
    }
    let (mut number, mut n_digits) = (0, 0);
    loop {
        if rest.is_empty() {
            return Err(wrong(rest));
        }
        let (rune, after) = next_rune(rest)?;
        rest = after;
        if rune == u32::from('}') {
            break;
        }
        let digit = value(rune).ok_or_else(|| wrong(rest))?;
        number = number * 16 + digit;
        if number > 0x10ffff {
            return Err(wrong(rest));
        }
        n_digits += 1;
    }
    match n_digits {
        0 => Err(wrong(rest)),
        _ => Ok((number, rest)),
    }
}
