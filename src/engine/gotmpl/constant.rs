//! Numeric literals of templates: what they are, and what else they can be.

use std::any::Any;
use std::rc::Rc;

use super::ast::Number;
use super::number::{parse_float, parse_int, parse_uint};
use super::strconv::{quote, unquote_char};
use super::{Error, GoStr, Kind, Object, Val};
use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    Plain,
    /// `'x'`
    Character,
    /// `1+2i`
    Complex,
}

/// The number that a literal writes, or Go's text of what is wrong with it.
pub(super) fn number(text: &[u8], kind: NumberKind) -> Result<Number, String> {
    match kind {
        NumberKind::Character => character(text),
        NumberKind::Complex => {
            let text = String::from_utf8_lossy(text);
            // The sign between the parts, not that of an exponent.
            let split = text
                .char_indices()
                .skip(1)
                .filter(|(at, c)| {
                    matches!(c, '+' | '-') && !text[..*at].ends_with(['e', 'E', 'p', 'P'])
                })
                .map(|(at, _)| at)
                .next();
            let parts = split.map(|at| (&text[..at], text[at..].trim_end_matches('i')));
            let (real, imaginary) = parts.ok_or("expected complex")?;
            if imaginary.len() == 1 {
                // A sign and no digits (errComplex of Go's fmt).
                return Err("syntax error scanning complex number".to_owned());
            }
            let read = |part: &str| parse_float(part).map_err(|error| error.to_string());
            Ok(complex(&text, read(real)?, read(imaginary)?))
        }
        NumberKind::Plain => plain(&String::from_utf8_lossy(text)),
    }
}

fn character(text: &[u8]) -> Result<Number, String> {
    let body = text.get(1..).unwrap_or_default();
    let unquoted = unquote_char(body, b'\'').map_err(|error| error.to_string())?;
    if body.get(unquoted.width..) != Some(b"'") {
        return Err(format!(
            "malformed character constant: {}",
            String::from_utf8_lossy(text)
        ));
    }
    Ok(Number {
        text: GoStr::from_bytes(text),
        int: Some(i64::from(unquoted.rune)),
        uint: Some(u64::from(unquoted.rune)),
        float: Some(f64::from(unquoted.rune)),
        ideal: Some(Val::Int(i64::from(unquoted.rune))),
    })
}

fn plain(text: &str) -> Result<Number, String> {
    if let Some(imaginary) = text.strip_suffix('i')
        && let Ok(imaginary) = parse_float(imaginary)
    {
        return Ok(complex(text, 0.0, imaginary));
    }
    let mut uint = parse_uint(text, 0).ok();
    let mut int = parse_int(text, 0).ok();
    if int == Some(0) {
        uint = Some(0);
    }
    let looks_float = text.contains(['.', 'e', 'E', 'p', 'P']);
    let mut float = int.map(|n| n as f64).or(uint.map(|n| n as f64));
    if float.is_none()
        && let Ok(number) = parse_float(text)
    {
        if !looks_float {
            return Err(format!("integer overflow: {}", quote(text.as_bytes())));
        }
        float = Some(number);
        int = exact_int(number);
        uint = exact_uint(number);
    }
    if int.is_none() && uint.is_none() && float.is_none() {
        return Err(format!("illegal number syntax: {}", quote(text.as_bytes())));
    }
    let is_hex = text.len() > 2
        && (text.starts_with("0x") || text.starts_with("0X"))
        && !text.contains(['p', 'P']);
    let ideal = match float {
        Some(number) if looks_float && !is_hex => Some(Val::Float(number)),
        _ => int.map(Val::Int),
    };
    Ok(Number {
        text: GoStr::new(text),
        int,
        uint,
        float,
        ideal,
    })
}

/// Go's `float64(int64(f)) == f`
fn exact_int(number: f64) -> Option<i64> {
    let int = number as i64;
    (int as f64 == number && int != i64::MAX).then_some(int)
}

fn exact_uint(number: f64) -> Option<u64> {
    let uint = number as u64;
    (uint as f64 == number && uint != u64::MAX).then_some(uint)
}

fn complex(text: &str, real: f64, imaginary: f64) -> Number {
    let float = (imaginary == 0.0).then_some(real);
    Number {
        text: GoStr::new(text),
        int: float.and_then(exact_int),
        uint: float.and_then(exact_uint),
        float,
        ideal: Some(Val::Object(Rc::new(Complex { real, imaginary }))),
    }
}

/// Go's complex128, which only a literal can make.
struct Complex {
    real: f64,
    imaginary: f64,
}

impl Object for Complex {
    fn type_name(&self) -> &'static str {
        "complex128"
    }

    fn kind(&self) -> Kind {
        Kind::Complex128
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn complex(&self) -> Option<(f64, f64)> {
        Some((self.real, self.imaginary))
    }

    fn to_value(&self) -> Result<Value, Error> {
        Err(Error::new("json: unsupported type: complex128"))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.complex() == self.complex()
    }
}
