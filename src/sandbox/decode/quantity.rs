//! Quantities in the one form that the API server prints (apimachinery's
//! `resource.Quantity`): no fraction, the largest suffix that keeps it exact.

/// Digits behind the point that are kept; more are rounded up.
const SCALE: u32 = 9;
const NANO: i128 = 10i128.pow(SCALE);

pub const FORMAT_FAULT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

#[derive(Clone, Copy, PartialEq)]
enum Format {
    DecimalSi,
    DecimalExponent,
    BinarySi,
}

const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];

/// A quantity in billionths.
#[derive(Clone, Copy)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

/// The canonical text; none for what is no quantity.
pub fn canonical(text: &str) -> Option<String> {
    Some(Quantity::parse(text)?.to_text())
}

impl Quantity {
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let number_end = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(number_end);
        let (format, power_of_ten, power_of_two) = parse_suffix(suffix)?;
        let (negative, digits) = match number.as_bytes().first()? {
            b'-' => (true, &number[1..]),
            b'+' => (false, &number[1..]),
            _ => (false, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        if !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let mut mantissa: i128 = 0;
        // More digits than an i128 holds are beyond what any cluster has.
        for digit in whole.bytes().chain(fraction.bytes()).take(30) {
            mantissa = mantissa
                .checked_mul(10)?
                .checked_add(i128::from(digit - b'0'))?;
        }
        let exponent = power_of_ten - fraction.len() as i32 + SCALE as i32;
        let scaled = mantissa.saturating_mul(1i128.checked_shl(power_of_two)?);
        let nanos = if exponent >= 0 {
            scaled.saturating_mul(10i128.saturating_pow(exponent as u32))
        } else {
            let divisor = 10i128.saturating_pow(exponent.unsigned_abs());
            scaled / divisor + i128::from(scaled % divisor != 0)
        };
        Some(Quantity {
            nanos: if negative { -nanos } else { nanos },
            format,
        })
    }

    pub fn nanos(&self) -> i128 {
        self.nanos
    }

    /// Rounded away from zero to whole thousandths.
    pub fn rounded_to_milli(self) -> Self {
        const MILLI: i128 = NANO / 1000;
        let rest = self.nanos % MILLI;
        let up = if rest == 0 {
            0
        } else {
            MILLI * self.nanos.signum() - rest
        };
        Quantity {
            nanos: self.nanos + up,
            format: self.format,
        }
    }

    pub fn to_text(self) -> String {
        if self.nanos == 0 {
            return "0".to_owned();
        }
        let small = self.nanos.abs() < 1024 * NANO;
        if self.format == Format::BinarySi && !small && self.nanos % NANO == 0 {
            let mut number = self.nanos / NANO;
            let mut steps = 0;
            while number % 1024 == 0 && steps < BINARY.len() {
                number /= 1024;
                steps += 1;
            }
            let suffix = steps.checked_sub(1).map_or("", |at| BINARY[at].0);
            return format!("{number}{suffix}");
        }
        let (mut mantissa, mut exponent) = (self.nanos, -(SCALE as i32));
        while mantissa % 1000 == 0 && exponent < 18 {
            mantissa /= 1000;
            exponent += 3;
        }
        if self.format == Format::DecimalExponent {
            return if exponent == 0 {
                mantissa.to_string()
            } else {
                format!("{mantissa}e{exponent}")
            };
        }
        let suffix = DECIMAL
            .iter()
            .find(|(_, power)| *power == exponent)
            .map_or("", |(suffix, _)| suffix);
        format!("{mantissa}{suffix}")
    }
}

fn parse_suffix(suffix: &str) -> Option<(Format, i32, u32)> {
    if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((Format::BinarySi, 0, *power));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Format::DecimalSi, *power, 0));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((Format::DecimalExponent, exponent, 0))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn quantities_come_out_in_one_form() {
        for (given, expected) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.5Gi", "1536Mi"),
            ("1024Mi", "1Gi"),
            ("1000Mi", "1000Mi"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("0.1Gi", "107374182400m"),
            ("512Ki", "512Ki"),
            ("0Mi", "0"),
            ("100.5m", "100500u"),
            ("-2", "-2"),
            (".5", "500m"),
        ] {
            assert_eq!(canonical(given).as_deref(), Some(expected), "{given}");
        }
        for given in ["", "abc", "1Kib", "1 Gi", "--1", "1e"] {
            assert_eq!(canonical(given), None, "{given}");
        }
    }
}
