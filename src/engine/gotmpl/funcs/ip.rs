//! IP addresses as Go's net/netip reads them, with its texts.

use crate::gotmpl::strconv::quote;
use core::net::{IpAddr, Ipv6Addr};

/// `netip.ParseAddr`; a zone is read and dropped.
pub(super) fn parse(text: &[u8]) -> Result<IpAddr, String> {
    let fault = |message: &str, at: &[u8]| {
        let text = quote(text);
        match at {
            b"" => format!("ParseAddr({text}): {message}"),
            at => format!("ParseAddr({text}): {message} (at {})", quote(at)),
        }
    };
    match text.iter().find(|b| b".:%".contains(b)) {
        Some(b'.') => Ok(IpAddr::from(ipv4(text, &fault)?)),
        Some(b':') => Ok(IpAddr::V6(ipv6(text, &fault)?)),
        Some(_) => Err(fault("missing IPv6 address", b"")),
        None => Err(fault("unable to parse IP", b"")),
    }
}

type Fault<'f> = &'f dyn Fn(&str, &[u8]) -> String;

fn ipv4(text: &[u8], fault: Fault<'_>) -> Result<[u8; 4], String> {
    let (mut fields, mut field) = ([0; 4], 0);
    let (mut value, mut n_digits) = (0_u16, 0);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if n_digits == 1 && value == 0 {
                    return Err(fault("IPv4 field has octet with leading zero", b""));
                }
                value = value * 10 + u16::from(byte - b'0');
                n_digits += 1;
                if value > 255 {
                    return Err(fault("IPv4 field has value >255", b""));
                }
            }
            b'.' => {
                if n_digits == 0 || at == text.len() - 1 {
                    let message = "IPv4 field must have at least one digit";
                    return Err(fault(message, &text[at..]));
                }
                if field == 3 {
                    return Err(fault("IPv4 address too long", b""));
                }
                fields[field] = value as u8;
                field += 1;
                (value, n_digits) = (0, 0);
            }
            _ => return Err(fault("unexpected character", &text[at..])),
        }
    }
    if field < 3 {
        return Err(fault("IPv4 address too short", b""));
    }
    fields[3] = value as u8;
    Ok(fields)
}

fn ipv6(text: &[u8], fault: Fault<'_>) -> Result<Ipv6Addr, String> {
    let mut rest = text;
    if let Some(percent) = text.iter().position(|b| *b == b'%') {
        if percent + 1 == text.len() {
            return Err(fault("zone must be a non-empty string", b""));
        }
        rest = &text[..percent];
    }
    let mut octets = [0_u8; 16];
    let mut ellipsis = None;
    if let Some(tail) = rest.strip_prefix(b"::") {
        ellipsis = Some(0);
        rest = tail;
        if rest.is_empty() {
            return Ok(Ipv6Addr::UNSPECIFIED);
        }
    }
    let mut filled = 0;
    while filled < 16 {
        let n_digits = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        if n_digits > 4 {
            return Err(fault("each group must have 4 or less digits", rest));
        }
        if n_digits == 0 {
            let message = "each colon-separated field must have at least one digit";
            return Err(fault(message, rest));
        }
        if rest.get(n_digits) == Some(&b'.') {
            if ellipsis.is_none() && filled != 12 {
                let message =
                    "embedded IPv4 address must replace the final 2 fields of the address";
                return Err(fault(message, rest));
            }
            if filled + 4 > 16 {
                let message =
                    "too many hex fields to fit an embedded IPv4 at the end of the address";
                return Err(fault(message, rest));
            }
            octets[filled..filled + 4].copy_from_slice(&ipv4(rest, fault)?);
            rest = b"";
            filled += 4;
            break;
        }
        let group = rest[..n_digits].iter().fold(0_u16, |group, digit| {
            group << 4 | char::from(*digit).to_digit(16).unwrap_or(0) as u16
        });
        octets[filled..filled + 2].copy_from_slice(&group.to_be_bytes());
        filled += 2;
        rest = &rest[n_digits..];
        match rest {
            [] => break,
            [b':'] => return Err(fault("colon must be followed by more characters", rest)),
            [b':', tail @ ..] => rest = tail,
            _ => return Err(fault("unexpected character, want colon", rest)),
        }
        if rest.first() == Some(&b':') {
            if ellipsis.is_some() {
                return Err(fault("multiple :: in address", rest));
            }
            ellipsis = Some(filled);
            rest = &rest[1..];
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return Err(fault("trailing garbage after address", rest));
    }
    match ellipsis {
        None if filled < 16 => return Err(fault("address string too short", b"")),
        Some(_) if filled == 16 => {
            let message = "the :: must expand to at least one field of zeros";
            return Err(fault(message, b""));
        }
        Some(at) => {
            octets.copy_within(at..filled, at + 16 - filled);
            octets[at..at + 16 - filled].fill(0);
        }
        None => {}
    }
    Ok(Ipv6Addr::from(octets))
}
