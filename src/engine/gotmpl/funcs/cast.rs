//! Conversions to numbers as spf13/cast 1.7 does them: what cannot be
//! converted is zero.

use super::args::text;
use super::strval::sprint_v;
use crate::gotmpl::number::{NumberError, parse_float, parse_int};
use crate::gotmpl::{Context, Error, FuncDef, GoStr, Type, Val};

use Type::{Any, Float64, Int, Int64, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("int", &[Any], Int, |_, args| {
        Ok(Val::Int(to_int64(&args[0])))
    }),
    FuncDef::new("int64", &[Any], Int64, |_, args| {
        Ok(Val::Int64(to_int64(&args[0])))
    }),
    FuncDef::new("float64", &[Any], Float64, |_, args| {
        Ok(Val::Float(to_float64(&args[0])))
    }),
    FuncDef::new("atoi", &[Str], Int, atoi),
    FuncDef::new("toDecimal", &[Any], Int64, to_decimal),
];

/// `cast.ToInt64`, and `cast.ToInt`, which is the same where int has 64 bits.
pub(super) fn to_int64(value: &Val) -> i64 {
    match value {
        Val::Int(number) | Val::Int64(number) => *number,
        Val::Uint8(number) => i64::from(*number),
        Val::Uint64(number) => *number as i64,
        Val::Float(number) => truncated(*number),
        Val::Str(text) => text.as_str().map_or(0, |text| {
            parse_int(without_zero_fraction(text), 0).unwrap_or(0)
        }),
        Val::Bool(flag) => i64::from(*flag),
        Val::Object(_) => super::times::small_integer(value).unwrap_or(0),
        Val::Nil | Val::Bytes(_) | Val::List(_) | Val::Map(_) => 0,
    }
}

/// `cast.ToFloat64`
pub(super) fn to_float64(value: &Val) -> f64 {
    match value {
        Val::Int(number) | Val::Int64(number) => *number as f64,
        Val::Uint8(number) => f64::from(*number),
        Val::Uint64(number) => *number as f64,
        Val::Float(number) => *number,
        Val::Str(text) => text
            .as_str()
            .map_or(0.0, |text| parse_float(text).unwrap_or(0.0)),
        Val::Bool(flag) => f64::from(u8::from(*flag)),
        Val::Object(_) => super::times::small_integer(value).unwrap_or(0) as f64,
        Val::Nil | Val::Bytes(_) | Val::List(_) | Val::Map(_) => 0.0,
    }
}

/// A float as an integer, as amd64 does it in Go: what does not fit is the
/// smallest integer.
pub(super) fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

/// `12.00` as `12`: cut at the first point from the end that has zeros, at
/// least one, behind it.
fn without_zero_fraction(text: &str) -> &str {
    let mut found_zero = false;
    for (at, byte) in text.bytes().enumerate().rev() {
        match byte {
            b'.' if found_zero => return &text[..at],
            b'.' => {}
            b'0' => found_zero = true,
            _ => return text,
        }
    }
    text
}

/// `strconv.Atoi` whose error is dropped: out of range, the nearest integer.
pub(super) fn atoi_clamped(text: &GoStr) -> i64 {
    let Some(text) = text.as_str() else { return 0 };
    match parse_int(text, 10) {
        Ok(number) => number,
        Err(NumberError::Syntax) => 0,
        Err(NumberError::Range) if text.starts_with('-') => i64::MIN,
        Err(NumberError::Range) => i64::MAX,
    }
}

fn atoi(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(Val::Int(atoi_clamped(text(args, 0))))
}

/// Octal digits as a number.
fn to_decimal(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let text = sprint_v(&args[0])?;
    let number = text.as_str().map(|text| parse_int(text, 8));
    Ok(Val::Int64(number.and_then(Result::ok).unwrap_or(0)))
}
