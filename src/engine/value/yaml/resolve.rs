//! What a plain scalar means: YAML 1.1 as go-yaml v2 reads it (resolve.go).

use super::timestamp::is_timestamp;

/// A scalar before it is turned into a value: go-yaml's own types.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Timestamp,
    Str,
}

impl Scalar {
    /// The short tag, as errors name it.
    fn tag(&self) -> &'static str {
        match self {
            Scalar::Null => "!!null",
            Scalar::Bool(_) => "!!bool",
            Scalar::Int(_) | Scalar::Uint(_) => "!!int",
            Scalar::Float(_) => "!!float",
            Scalar::Timestamp => "!!timestamp",
            Scalar::Str => "!!str",
        }
    }
}

/// Resolves a plain scalar without a tag.
pub fn resolve(text: &str) -> Scalar {
    resolve_hinted(text, true)
}

/// Resolves a scalar under one of the tags of YAML itself, given by what
/// stands behind `tag:yaml.org,2002:`.
pub fn resolve_tagged(tag: &str, text: &str) -> Result<Scalar, String> {
    if tag == "str" {
        return Ok(Scalar::Str);
    }
    let scalar = resolve_hinted(text, tag == "timestamp");
    match (tag, &scalar) {
        ("float", Scalar::Int(whole)) => return Ok(Scalar::Float(*whole as f64)),
        _ if scalar.tag().strip_prefix("!!") == Some(tag) => return Ok(scalar),
        _ => {}
    }
    Err(format!(
        "cannot decode {} `{text}` as a !!{tag}",
        scalar.tag()
    ))
}

fn resolve_hinted(text: &str, timestamps: bool) -> Scalar {
    let Some(first) = text.bytes().next() else {
        return Scalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            word(text).unwrap_or(Scalar::Str)
        }
        b'.' => word(text)
            .or_else(|| parse_float(text).map(Scalar::Float))
            .unwrap_or(Scalar::Str),
        b'0'..=b'9' | b'+' | b'-' => word(text).unwrap_or_else(|| number(text, timestamps)),
        _ => Scalar::Str,
    }
}

fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(text: &str, timestamps: bool) -> Scalar {
    if timestamps && is_timestamp(text) {
        return Scalar::Timestamp;
    }
    let plain = text.replace('_', "");
    if let Some(whole) = parse_int(&plain) {
        return whole;
    }
    if is_yaml_float(&plain)
        && let Some(float) = parse_float(&plain)
    {
        return Scalar::Float(float);
    }
    // go-yaml's own way with binary numbers, which takes a second sign.
    if let Some(digits) = plain.strip_prefix("0b")
        && let Ok(whole) = i64::from_str_radix(digits, 2)
    {
        return Scalar::Int(whole);
    }
    Scalar::Str
}

/// strconv.ParseInt and ParseUint with base 0, for a text without underscores.
fn parse_int(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = digits.len() != text.len();
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (base, digits) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let size = u64::from_str_radix(digits, base).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(size).map(Scalar::Int);
    }
    match i64::try_from(size) {
        Ok(whole) => Some(Scalar::Int(whole)),
        // ParseUint takes no sign.
        Err(_) => (!signed).then_some(Scalar::Uint(size)),
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_yaml_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let n_whole = digits(unsigned);
    let mut rest = &unsigned[n_whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let n_fraction = digits(fraction);
        if n_whole == 0 && n_fraction == 0 {
            return false;
        }
        rest = &fraction[n_fraction..];
    } else if n_whole == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        None => rest.is_empty(),
    }
}

/// strconv.ParseFloat for decimal digits: underscores may stand between
/// digits, and what is out of range is no number.
fn parse_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
    for (at, byte) in bytes.iter().enumerate() {
        let between =
            *byte == b'_' && at > 0 && is_digit(bytes.get(at - 1)) && is_digit(bytes.get(at + 1));
        if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-') || between) {
            return None;
        }
    }
    let float: f64 = text.replace('_', "").parse().ok()?;
    float.is_finite().then_some(float)
}
