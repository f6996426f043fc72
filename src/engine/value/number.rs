//! Numbers in the text forms of Go's strconv and encoding/json.

use super::Value;

/// `strconv.FormatFloat(number, 'g', -1, 64)`: `0.1`, `1e+06`, `+Inf`, `NaN`.
pub fn format_g(number: f64) -> String {
    if !number.is_finite() {
        return not_finite(number).to_owned();
    }
    shortest_g(&format!("{number:e}"))
}

/// The same of the nearest 32-bit float.
pub fn format_g32(number: f64) -> String {
    let narrow = number as f32;
    if !narrow.is_finite() {
        return not_finite(f64::from(narrow)).to_owned();
    }
    shortest_g(&format!("{narrow:e}"))
}

/// A float as encoding/json prints it: `1`, `0.1`, `1e+21`, `1e-7`. JSON has
/// no form for a number that is not finite: null.
pub fn format_json(number: f64) -> String {
    if !number.is_finite() {
        return "null".to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        // Rust's Display never uses an exponent and is the shortest, as Go's 'f'.
        return format!("{number}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

/// The number as it comes back from a round through JSON: a whole float is an
/// integer then, as in everything that Kubernetes' tools read.
pub(super) fn through_json(number: f64) -> Value {
    const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
    const TWO_POW_64: f64 = 18_446_744_073_709_551_616.0;
    if number.fract() != 0.0 || !number.is_finite() {
        return Value::Float(number);
    }
    // The decimal digits are what is read again, and the shortest digits of a
    // large float need not be its exact value.
    if (-TWO_POW_63..=TWO_POW_63).contains(&number)
        && let Ok(whole) = format_json(number).parse::<i64>()
    {
        return Value::Int(whole);
    }
    if (0.0..=TWO_POW_64).contains(&number)
        && let Ok(whole) = format_json(number).parse::<u64>()
    {
        return Value::Uint(whole);
    }
    Value::Float(number)
}

fn not_finite(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

/// From this exponent on, strconv writes the shortest 'g' with an exponent.
const SHORTEST_G_EXPONENT: i32 = 6;

/// Rust's `1.25e-7` to Go's 'g': an exponent, of two digits at least, below
/// 1e-4 and from 1e6 on; plain digits between them.
fn shortest_g(scientific: &str) -> String {
    let (sign, rest) = match scientific.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", scientific),
    };
    let (mantissa, exponent) = rest
        .split_once('e')
        .expect("Rust's {:e} always writes an exponent");
    let exponent: i32 = exponent
        .parse()
        .expect("Rust's {:e} writes a decimal exponent");
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let exponent_form = !(-4..SHORTEST_G_EXPONENT).contains(&exponent);
    if exponent_form {
        let mark = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{mark}{:02}", exponent.abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat((-exponent - 1) as usize);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        let zeros = "0".repeat(whole - digits.len());
        format!("{sign}{digits}{zeros}")
    } else {
        format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
    }
}
