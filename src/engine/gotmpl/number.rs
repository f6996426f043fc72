//! Numbers as Go's strconv reads and prints them.

use super::strconv::quote;

/// Why a number could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("invalid syntax")]
    Syntax,
    #[error("value out of range")]
    Range,
}

impl NumberError {
    /// The text of Go's `*strconv.NumError`: `strconv.Atoi: parsing "x": invalid syntax`.
    pub fn text(self, function: &str, number: &[u8]) -> String {
        format!("strconv.{function}: parsing {}: {self}", quote(number))
    }
}

/// `strconv.ParseUint(text, base, 64)`; base 0 reads the prefixes `0x`, `0o`,
/// `0b`, `0` and underscores. Out of range, Go also gives the largest value.
pub fn parse_uint(text: &str, base: u32) -> Result<u64, NumberError> {
    if text.is_empty() {
        return Err(NumberError::Syntax);
    }
    let bytes = text.as_bytes();
    let (digits, radix) = match (base, bytes) {
        (0, [b'0', b'b' | b'B', _, ..]) => (&bytes[2..], 2),
        (0, [b'0', b'o' | b'O', _, ..]) => (&bytes[2..], 8),
        (0, [b'0', b'x' | b'X', _, ..]) => (&bytes[2..], 16),
        (0, [b'0', ..]) => (&bytes[1..], 8),
        (0, _) => (bytes, 10),
        (base, _) => (bytes, base),
    };
    let mut number = 0_u64;
    let mut underscores = false;
    for byte in digits {
        if *byte == b'_' && base == 0 {
            underscores = true;
            continue;
        }
        let digit = char::from(*byte)
            .to_digit(radix)
            .ok_or(NumberError::Syntax)?;
        number = number
            .checked_mul(u64::from(radix))
            .and_then(|n| n.checked_add(u64::from(digit)))
            .ok_or(NumberError::Range)?;
    }
    if underscores && !underscores_ok(bytes) {
        return Err(NumberError::Syntax);
    }
    Ok(number)
}

/// `strconv.ParseInt(text, base, 64)`
pub fn parse_int(text: &str, base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits, base)?;
    let number = if negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    };
    number.ok_or(NumberError::Range)
}

/// Underscores only between digits, or after the base prefix.
fn underscores_ok(text: &[u8]) -> bool {
    let text = match text {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    let (mut after_digit, mut rest, mut hex) = (false, text, false);
    if let [
        b'0',
        prefix @ (b'b' | b'B' | b'o' | b'O' | b'x' | b'X'),
        tail @ ..,
    ] = text
    {
        (after_digit, rest, hex) = (true, tail, matches!(prefix, b'x' | b'X'));
    }
    let mut after_underscore = false;
    for byte in rest {
        let digit = byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit();
        match byte {
            b'_' if !after_digit => return false,
            _ if after_underscore && !digit => return false,
            _ => {}
        }
        after_underscore = *byte == b'_';
        after_digit = digit;
    }
    !after_underscore
}

/// `strconv.ParseFloat(text, 64)`: decimal, hexadecimal, underscores where
/// there is a base prefix, `inf` and `nan`.
pub fn parse_float(text: &str) -> Result<f64, NumberError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let special = ["inf", "infinity"];
    if special.iter().any(|s| unsigned.eq_ignore_ascii_case(s)) || text.eq_ignore_ascii_case("nan")
    {
        return text.parse().map_err(|_| NumberError::Syntax);
    }
    if text.contains('_') && !underscores_ok_in_float(text) {
        return Err(NumberError::Syntax);
    }
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if let Some(hex) = unsigned
        .strip_prefix("0x")
        .or_else(|| unsigned.strip_prefix("0X"))
    {
        let number = parse_hex_float(hex)?;
        return Ok(if plain.starts_with('-') {
            -number
        } else {
            number
        });
    }
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !unsigned.chars().all(allowed) {
        return Err(NumberError::Syntax);
    }
    let number: f64 = plain.parse().map_err(|_| NumberError::Syntax)?;
    if number.is_infinite() {
        return Err(NumberError::Range);
    }
    Ok(number)
}

/// Go takes underscores in a float only beside a base prefix, and there the
/// digits after the point count as digits too.
fn underscores_ok_in_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    (unsigned.starts_with("0x") || unsigned.starts_with("0X") || !unsigned.starts_with('_'))
        && underscores_ok(text.as_bytes())
}

/// Digits, point and the binary exponent, which is mandatory.
fn parse_hex_float(text: &str) -> Result<f64, NumberError> {
    let (mantissa, exponent) = text.split_once(['p', 'P']).ok_or(NumberError::Syntax)?;
    let exponent: i64 = match exponent.strip_prefix('+').unwrap_or(exponent) {
        digits if digits.starts_with('+') => return Err(NumberError::Syntax),
        digits => digits.parse().map_err(|_| NumberError::Syntax)?,
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(NumberError::Syntax);
    }
    let (mut number, mut shift) = (0_u64, exponent.clamp(-100_000, 100_000));
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16).ok_or(NumberError::Syntax)?);
        let in_fraction = at >= whole.len();
        if number >> 60 == 0 {
            number = number << 4 | digit;
            shift -= if in_fraction { 4 } else { 0 };
        } else {
            // Beyond 64 bits a digit only decides how to round.
            number |= u64::from(digit != 0);
            shift += if in_fraction { 0 } else { 4 };
        }
    }
    let mut float = number as f64;
    while shift != 0 && float != 0.0 && float.is_finite() {
        let step = shift.clamp(-1000, 1000) as i32;
        float *= 2_f64.powi(step);
        shift -= i64::from(step);
    }
    if float.is_infinite() {
        return Err(NumberError::Range);
    }
    Ok(float)
}

/// `strconv.FormatFloat(number, format, precision, 64)`; no precision is Go's
/// -1, the fewest digits that read back as the same number. Formats: `e E f g
/// G b x X`.
pub fn format_float(number: f64, format: u8, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let mut out = String::new();
    if number.is_sign_negative() {
        out.push('-');
    }
    let number = number.abs();
    match format {
        b'b' => push_binary(&mut out, number),
        b'x' | b'X' => push_hex(&mut out, number, format, precision),
        b'e' | b'E' => {
            let digits = Digits::significant(number, precision.map(|p| p.saturating_add(1)));
            let precision = precision.unwrap_or(digits.digits.len().saturating_sub(1));
            digits.push_exponential(&mut out, precision, format);
        }
        b'f' => match precision {
            Some(precision) => {
                let exact = precision.min(MAX_EXACT_DIGITS);
                out.push_str(&format!("{number:.exact$}"));
                push_zeros(&mut out, precision - exact);
            }
            None => {
                let digits = Digits::significant(number, None);
                digits.push_plain(&mut out, digits.fraction_len());
            }
        },
        b'g' | b'G' => {
            let shortest = precision.is_none();
            let wanted = precision.map(|p| p.max(1));
            let digits = Digits::significant(number, wanted);
            let n_digits = digits.digits.len();
            let mut precision = wanted.unwrap_or(n_digits);
            let mut limit = precision as i64;
            if limit > n_digits as i64 && n_digits as i64 >= digits.point {
                limit = n_digits as i64;
            }
            if shortest {
                limit = 6;
            }
            let exponent = digits.point - 1;
            if exponent < -4 || exponent >= limit {
                precision = precision.min(n_digits);
                let format = format - 2; // g to e, G to E
                digits.push_exponential(&mut out, precision.saturating_sub(1), format);
            } else {
                if precision as i64 > digits.point {
                    precision = n_digits;
                }
                let fraction = (precision as i64 - digits.point).max(0) as usize;
                digits.push_plain(&mut out, fraction);
            }
        }
        _ => {
            out.push('%');
            out.push(char::from(format));
        }
    }
    out
}

/// No double has more decimal digits than this; what follows are zeros.
const MAX_EXACT_DIGITS: usize = 1_100;

fn push_zeros(out: &mut String, n: usize) {
    out.extend(std::iter::repeat_n('0', n));
}

/// `0.digits * 10^point`; no digits for zero, no trailing zeros.
struct Digits {
    digits: Vec<u8>,
    point: i64,
}

impl Digits {
    /// The digits of a number, so many at most, or as few as tell it apart.
    fn significant(number: f64, n_digits: Option<usize>) -> Digits {
        if number == 0.0 {
            return Digits {
                digits: Vec::new(),
                point: 0,
            };
        }
        let text = match n_digits {
            Some(n) => {
                let after_first = n.saturating_sub(1).min(MAX_EXACT_DIGITS);
                format!("{number:.after_first$e}")
            }
            None => format!("{number:e}"),
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        Digits {
            digits,
            point: exponent.parse::<i64>().unwrap_or_default() + 1,
        }
    }

    /// How many digits stand after the decimal point.
    fn fraction_len(&self) -> usize {
        (self.digits.len() as i64 - self.point).max(0) as usize
    }

    fn push_exponential(&self, out: &mut String, precision: usize, format: u8) {
        out.push(self.digits.first().map_or('0', |d| char::from(*d)));
        if precision > 0 {
            out.push('.');
            let rest = self.digits.get(1..).unwrap_or_default();
            let shown = rest.len().min(precision);
            out.extend(rest[..shown].iter().map(|d| char::from(*d)));
            push_zeros(out, precision - shown);
        }
        let exponent = if self.digits.is_empty() {
            0
        } else {
            self.point - 1
        };
        out.push(char::from(format));
        out.push(if exponent < 0 { '-' } else { '+' });
        out.push_str(&format!("{:02}", exponent.abs()));
    }

    fn push_plain(&self, out: &mut String, fraction: usize) {
        let digit = |at: i64| {
            usize::try_from(at)
                .ok()
                .and_then(|at| self.digits.get(at))
                .map_or('0', |d| char::from(*d))
        };
        if self.point > 0 {
            out.extend((0..self.point).map(digit));
        } else {
            out.push('0');
        }
        if fraction > 0 {
            out.push('.');
            out.extend((0..fraction as i64).map(|at| digit(self.point + at)));
        }
    }
}

/// Mantissa without its leading bits shifted away, and the binary exponent.
fn decompose(number: f64) -> (u64, i64) {
    let bits = number.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    match (bits >> 52) & 0x7ff {
        0 => (mantissa, -1074),
        exponent => (mantissa | 1 << 52, exponent as i64 - 1075),
    }
}

/// `4503599627370496p-52`
fn push_binary(out: &mut String, number: f64) {
    let (mantissa, exponent) = decompose(number);
    out.push_str(&format!("{mantissa}p{exponent:+}"));
}

/// `0x1.8p+01`
fn push_hex(out: &mut String, number: f64, format: u8, precision: Option<usize>) {
    let (mut mantissa, mut exponent) = decompose(number);
    exponent += 52;
    if mantissa == 0 {
        exponent = 0;
    }
    mantissa <<= 8;
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision @ 0..15) = precision {
        let shift = precision as u32 * 4;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let upper = format == b'X';
    let hex = |nibble: u64| {
        let digit = char::from_digit((nibble & 15) as u32, 16).unwrap_or('0');
        if upper {
            digit.to_ascii_uppercase()
        } else {
            digit
        }
    };
    out.push('0');
    out.push(char::from(format));
    out.push(hex((mantissa >> 60) & 1));
    mantissa <<= 4;
    match precision {
        None if mantissa != 0 => {
            out.push('.');
            while mantissa != 0 {
                out.push(hex(mantissa >> 60));
                mantissa <<= 4;
            }
        }
        Some(precision) if precision > 0 => {
            out.push('.');
            for _ in 0..precision {
                out.push(hex(mantissa >> 60));
                mantissa <<= 4;
            }
        }
        None | Some(_) => {}
    }
    out.push(if upper { 'P' } else { 'p' });
    out.push(if exponent < 0 { '-' } else { '+' });
    out.push_str(&format!("{:02}", exponent.abs()));
}
