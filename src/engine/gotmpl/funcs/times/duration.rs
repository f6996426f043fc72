//! Durations: `1h2m3.5s`.

use super::parse::quoted;
use std::fmt;

/// `time.Duration`, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub i64);

pub const SECOND: i64 = 1_000_000_000;

impl Duration {
    /// `Duration.Round(time.Second)`: half away from zero.
    pub fn rounded_to_seconds(self) -> Duration {
        let rest = self.0 % SECOND;
        let towards_zero = self.0 - rest;
        if rest.abs() * 2 < SECOND {
            return Duration(towards_zero);
        }
        // Where there is no whole second beyond, Go gives the extreme.
        Duration(towards_zero.saturating_add(SECOND * self.0.signum()))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if nanos < SECOND as u64 {
            return match nanos {
                0 => out.write_str("0s"),
                1..1_000 => write!(out, "{sign}{nanos}ns"),
                1_000..1_000_000 => write!(out, "{sign}{}µs", decimal(nanos, 1_000)),
                _ => write!(out, "{sign}{}ms", decimal(nanos, 1_000_000)),
            };
        }
        let minutes = nanos / (60 * SECOND as u64);
        let seconds = decimal(nanos % (60 * SECOND as u64), SECOND as u64);
        match (minutes / 60, minutes % 60) {
            (0, 0) => write!(out, "{sign}{seconds}s"),
            (0, minutes) => write!(out, "{sign}{minutes}m{seconds}s"),
            (hours, minutes) => write!(out, "{sign}{hours}h{minutes}m{seconds}s"),
        }
    }
}

/// A quotient by a power of ten, without zeros at its end.
fn decimal(number: u64, unit: u64) -> String {
    let width = unit.ilog10() as usize;
    let text = format!("{}.{:0width$}", number / unit, number % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `time.ParseDuration`
pub fn parse_duration(text: &[u8]) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {}", quoted(text));
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(Duration(0));
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (whole, n_whole) = leading_int(rest).ok_or_else(invalid)?;
        rest = &rest[n_whole..];
        let (mut part, mut scale, mut n_fraction) = (0, 1.0, 0);
        if let Some(tail) = rest.strip_prefix(b".") {
            (part, scale, n_fraction) = leading_fraction(tail);
            rest = &tail[n_fraction..];
        }
        if n_whole + n_fraction == 0 {
            return Err(invalid());
        }
        let is_number = |b: &&u8| **b == b'.' || b.is_ascii_digit();
        let n_unit = rest.iter().take_while(|b| !is_number(b)).count();
        let (name, tail) = rest.split_at(n_unit);
        rest = tail;
        if name.is_empty() {
            let text = quoted(text);
            return Err(format!("time: missing unit in duration {text}"));
        }
        let Some(unit) = unit(name) else {
            let (name, text) = (quoted(name), quoted(text));
            return Err(format!("time: unknown unit {name} in duration {text}"));
        };
        let mut value = whole
            .checked_mul(unit)
            .filter(|v| *v <= 1 << 63)
            .ok_or_else(invalid)?;
        if part > 0 {
            value += (part as f64 * (unit as f64 / scale)) as u64;
        }
        total = total
            .checked_add(value)
            .filter(|t| *t <= 1 << 63)
            .ok_or_else(invalid)?;
    }
    if negative {
        return Ok(Duration((total as i64).wrapping_neg()));
    }
    i64::try_from(total).map(Duration).map_err(|_| invalid())
}

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        // U+00B5, the micro sign, and U+03BC, the Greek letter.
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => SECOND as u64,
        b"m" => 60 * SECOND as u64,
        b"h" => 3600 * SECOND as u64,
        _ => return None,
    })
}

/// The digits in front, as a number up to 2^63, and how many they are.
fn leading_int(text: &[u8]) -> Option<(u64, usize)> {
    let n = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let number = text[..n].iter().try_fold(0_u64, |number, digit| {
        let next = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        (next <= 1 << 63).then_some(next)
    })?;
    Some((number, n))
}

/// Digits behind a point, what they are to be divided by, and how many.
fn leading_fraction(text: &[u8]) -> (u64, f64, usize) {
    let n = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (mut number, mut scale) = (0_u64, 1.0);
    for digit in &text[..n] {
        if number > (i64::MAX as u64) / 10 {
            break;
        }
        let next = number * 10 + u64::from(digit - b'0');
        if next > 1 << 63 {
            break;
        }
        number = next;
        scale *= 10.0;
    }
    (number, scale, n)
}
