//! `std.format`, which is also `%` on a string: Python's conversions.

use super::strings::character;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::value::{Thunk, Val};
use std::iter::Peekable;
use std::str::Chars;

/// Width and precision of one conversion.
const MAX_WIDTH: usize = 1_000_000;

#[derive(Default)]
struct Conversion {
    key: Option<String>,
    alternate: bool,
    zero: bool,
    left: bool,
    blank: bool,
    sign: bool,
    /// `None` is a `*`.
    width: Option<usize>,
    precision: Option<Option<usize>>,
    kind: char,
}

fn truncated<T>() -> Result<T> {
    Err(Failure::new("Truncated format code."))
}

fn parse(chars: &mut Peekable<Chars<'_>>) -> Result<Conversion> {
    let mut conversion = Conversion::default();
    if chars.peek().is_none() {
        return truncated();
    }
    if chars.next_if_eq(&'(').is_some() {
        let mut key = String::new();
        loop {
            match chars.next() {
                Some(')') => break,
                Some(c) => key.push(c),
                None => return truncated(),
            }
        }
        conversion.key = Some(key);
    }
    loop {
        let flag = match chars.peek() {
            Some('#') => &mut conversion.alternate,
            Some('0') => &mut conversion.zero,
            Some('-') => &mut conversion.left,
            Some(' ') => &mut conversion.blank,
            Some('+') => &mut conversion.sign,
            Some(_) => break,
            None => return truncated(),
        };
        *flag = true;
        chars.next();
    }
    conversion.width = width(chars)?;
    if chars.next_if_eq(&'.').is_some() {
        conversion.precision = Some(width(chars)?);
    }
    chars.next_if(|c| matches!(c, 'h' | 'l' | 'L'));
    match chars.next() {
        Some(
            kind @ ('d' | 'i' | 'u' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'c'
            | 's' | '%'),
        ) => {
            conversion.kind = kind;
            Ok(conversion)
        }
        Some(other) => Err(Failure::new(format!(
            "Unrecognised conversion type: {other}"
        ))),
        None => truncated(),
    }
}

fn width(chars: &mut Peekable<Chars<'_>>) -> Result<Option<usize>> {
    if chars.next_if_eq(&'*').is_some() {
        return Ok(None);
    }
    let mut width = 0_usize;
    loop {
        match chars.peek().map(|c| c.to_digit(10)) {
            Some(Some(digit)) => {
                chars.next();
                width = checked(width.saturating_mul(10).saturating_add(digit as usize))?;
            }
            Some(None) => return Ok(Some(width)),
            None => return truncated(),
        }
    }
}

fn checked(width: usize) -> Result<usize> {
    if width > MAX_WIDTH {
        return Err(Failure::new(format!(
            "format: a width of more than {MAX_WIDTH} characters"
        )));
    }
    Ok(width)
}

/// Where the values come from.
enum Values<'a> {
    List(Vec<Thunk<'a>>, usize),
    Object(&'a crate::jsonnet::value::Object<'a>),
}

impl<'a> Machine<'a> {
    pub(in crate::jsonnet) fn format(&self, format: &'a str, values: Val<'a>) -> Result<Val<'a>> {
        self.step(format.len() / 16)?;
        let mut values = match values {
            Val::Array(items) => Values::List(items.to_vec(), 0),
            Val::Object(object) => Values::Object(object),
            one => Values::List(vec![self.ready(one)?], 0),
        };
        let mut out = String::new();
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let conversion = parse(&mut chars)?;
            self.heap.has_room(out.len())?;
            self.has_output_room(&out)?;
            self.converted(&conversion, &mut values, &mut out)?;
        }
        if let Values::List(items, used) = &values
            && *used < items.len()
        {
            return Err(Failure::new(format!(
                "Too many values to format: {}, expected {used}",
                items.len()
            )));
        }
        self.text(&out)
    }

    fn next_value(&self, values: &mut Values<'a>, what: &str) -> Result<Val<'a>> {
        match values {
            Values::List(items, used) => match items.get(*used) {
                Some(item) => {
                    *used += 1;
                    self.force(item)
                }
                None => Err(Failure::new(format!(
                    "Not enough values to format: {}, expected more than {used}",
                    items.len()
                ))),
            },
            Values::Object(_) => Err(Failure::new(format!("Cannot use * {what} with object."))),
        }
    }

    fn star(&self, width: Option<usize>, values: &mut Values<'a>, what: &str) -> Result<usize> {
        match width {
            Some(width) => Ok(width),
            None => {
                let value = self.next_value(values, what)?;
                checked(usize::try_from(self.integer(value)?).unwrap_or(0))
            }
        }
    }

    fn converted(
        &self,
        conversion: &Conversion,
        values: &mut Values<'a>,
        out: &mut String,
    ) -> Result<()> {
        let width = self.star(conversion.width, values, "field width")?;
        let precision = match conversion.precision {
            Some(precision) => Some(self.star(precision, values, "precision")?),
            None => None,
        };
        let text = if conversion.kind == '%' {
            "%".to_owned()
        } else {
            let (value, place) = match values {
                Values::List(_, used) => {
                    let place = used.to_string();
                    (self.next_value(values, "")?, place)
                }
                Values::Object(object) => {
                    let Some(key) = &conversion.key else {
                        return Err(Failure::new("Mapping keys required."));
                    };
                    if !self.has(object, key)? {
                        return Err(Failure::new(format!("No such field: {key}")));
                    }
                    (self.field(object, key)?, key.clone())
                }
            };
            self.one(conversion, value, &place, width, precision)?
        };
        let missing = width.saturating_sub(text.chars().count());
        let padding = " ".repeat(missing);
        if conversion.left {
            out.push_str(&text);
            out.push_str(&padding);
        } else {
            out.push_str(&padding);
            out.push_str(&text);
        }
        Ok(())
    }

    fn one(
        &self,
        conversion: &Conversion,
        value: Val<'a>,
        place: &str,
        width: usize,
        precision: Option<usize>,
    ) -> Result<String> {
        match conversion.kind {
            's' => return Ok(self.to_text(value)?.to_owned()),
            'c' => {
                return match value {
                    Val::Number(_) => Ok(character(self, value)?.to_string()),
                    Val::Text(text) => {
                        let text = self.read(text)?;
                        match text.chars().count() {
                            1 => Ok(text.to_owned()),
                            n => Err(Failure::new(format!("%c expected 1-sized string got: {n}"))),
                        }
                    }
                    other => Err(Failure::new(format!(
                        "%c expected number / string, got: {}",
                        other.type_name()
                    ))),
                };
            }
            _ => {}
        }
        let Val::Number(number) = value else {
            return Err(Failure::new(format!(
                "Format required number at {place}, got {}",
                value.type_name()
            )));
        };
        let zeros = if conversion.zero && !conversion.left {
            width
        } else {
            0
        };
        let six = precision.unwrap_or(6);
        let upper = conversion.kind.is_ascii_uppercase();
        let fill = Fill {
            zeros,
            blank: conversion.blank,
            sign: conversion.sign,
        };
        Ok(match conversion.kind.to_ascii_lowercase() {
            'o' => {
                let prefix = if conversion.alternate { "0" } else { "" };
                integer(number, fill, precision.unwrap_or(0), 8, prefix, false)
            }
            'x' => {
                let prefix = match (conversion.alternate, upper) {
                    (false, _) => "",
                    (true, false) => "0x",
                    (true, true) => "0X",
                };
                integer(number, fill, precision.unwrap_or(0), 16, prefix, upper)
            }
            'f' => decimal(number, fill, conversion.alternate, true, six),
            'e' => scientific(number, fill, conversion.alternate, true, upper, six),
            'g' => {
                let exponent = exponent_of(number);
                if exponent < -4.0 || exponent >= six as f64 {
                    let digits = six.saturating_sub(1);
                    scientific(
                        number,
                        fill,
                        conversion.alternate,
                        conversion.alternate,
                        upper,
                        digits,
                    )
                } else {
                    let before = (exponent + 1.0).max(1.0) as usize;
                    let digits = six.saturating_sub(before);
                    decimal(
                        number,
                        fill,
                        conversion.alternate,
                        conversion.alternate,
                        digits,
                    )
                }
            }
            _ => integer(number, fill, precision.unwrap_or(0), 10, "", false),
        })
    }
}

#[derive(Clone, Copy)]
struct Fill {
    /// Width up to which zeros are put in front.
    zeros: usize,
    blank: bool,
    sign: bool,
}

impl Fill {
    fn mark(self, is_negative: bool) -> &'static str {
        match (is_negative, self.sign, self.blank) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }
}

fn digits(mut number: f64, radix: f64, upper: bool) -> String {
    if number < 1.0 {
        return "0".to_owned();
    }
    let mut digits = Vec::new();
    while number >= 1.0 {
        let digit = std::char::from_digit((number % radix) as u32, 16).unwrap_or('0');
        digits.push(if upper {
            digit.to_ascii_uppercase()
        } else {
            digit
        });
        number = (number / radix).floor();
    }
    digits.iter().rev().collect()
}

fn integer(number: f64, fill: Fill, least: usize, radix: u32, prefix: &str, upper: bool) -> String {
    let whole = number.abs().floor();
    let mark = fill.mark(number <= -1.0);
    let mut text = digits(whole, f64::from(radix), upper);
    let mut zeros = fill.zeros.saturating_sub(mark.len());
    if radix == 16 {
        zeros = zeros.saturating_sub(prefix.len());
    } else if whole >= 1.0 {
        // The zero of an octal number is one of its digits.
        text.insert_str(0, prefix);
    }
    let missing = zeros.max(least).saturating_sub(text.len());
    let prefix = if radix == 16 { prefix } else { "" };
    format!("{mark}{prefix}{}{text}", "0".repeat(missing))
}

fn decimal(number: f64, fill: Fill, point: bool, trailing: bool, precision: usize) -> String {
    let scale = 10_f64.powi(precision as i32);
    let scaled = number.abs() * scale + 0.5;
    let whole = (scaled / scale).floor();
    let fraction = scaled.floor() % scale;
    let dot = usize::from(precision > 0 || point);
    let zeros = fill.zeros.saturating_sub(precision + dot);
    let mark = fill.mark(number < 0.0);
    let text = digits(whole, 10.0, false);
    let missing = zeros.saturating_sub(mark.len()).saturating_sub(text.len());
    let mut out = format!("{mark}{}{text}", "0".repeat(missing));
    if precision == 0 {
        if point {
            out.push('.');
        }
        return out;
    }
    if trailing || fraction > 0.0 {
        let text = digits(fraction, 10.0, false);
        let text = format!("{}{text}", "0".repeat(precision.saturating_sub(text.len())));
        out.push('.');
        out.push_str(if trailing {
            &text
        } else {
            text.trim_end_matches('0')
        });
    }
    out
}

fn exponent_of(number: f64) -> f64 {
    if number == 0.0 {
        return 0.0;
    }
    (number.abs().ln() / 10_f64.ln()).floor()
}

fn scientific(
    number: f64,
    fill: Fill,
    point: bool,
    trailing: bool,
    upper: bool,
    precision: usize,
) -> String {
    let exponent = exponent_of(number);
    let plus = Fill {
        zeros: 3,
        blank: false,
        sign: true,
    };
    let suffix = format!(
        "{}{}",
        if upper { 'E' } else { 'e' },
        integer(exponent, plus, 0, 10, "", false)
    );
    let mantissa = if exponent == -324.0 {
        number * 10.0 / 10_f64.powf(exponent + 1.0)
    } else {
        number / 10_f64.powf(exponent)
    };
    let fill = Fill {
        zeros: fill.zeros.saturating_sub(suffix.len()),
        ..fill
    };
    format!(
        "{}{suffix}",
        decimal(mantissa, fill, point, trailing, precision)
    )
}
