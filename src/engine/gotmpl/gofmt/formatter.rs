//! Numbers and texts with their padding, as Go's format.go makes them.

use crate::gotmpl::number::format_float;
use crate::gotmpl::strconv::{can_backquote, decode_rune, quote, quote_to_ascii, rune_count};
use crate::gotmpl::unicode::is_print;

#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) plus_v: bool,
    pub(super) sharp_v: bool,
}

/// What was printed so far, and how the next operand is to be.
#[derive(Default)]
pub(super) struct Formatter {
    pub(super) out: Vec<u8>,
    pub(super) flags: Flags,
}

impl Formatter {
    pub(super) fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn hex_0x(&mut self, number: u64, leading: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, leading);
        self.integer(number, 16, false, 'v', false);
        self.flags.sharp = sharp;
    }

    pub(super) fn integer(
        &mut self,
        number: u64,
        base: u64,
        signed: bool,
        verb: char,
        upper: bool,
    ) {
        let negative = signed && (number as i64) < 0;
        let mut rest = if negative {
            number.wrapping_neg()
        } else {
            number
        };
        let flags = self.flags;
        let mut precision = 0;
        match (flags.precision, flags.width) {
            (Some(0), width) if rest == 0 => {
                self.spaces(width.unwrap_or_default());
                return;
            }
            (Some(wanted), _) => precision = wanted,
            (None, Some(width)) if flags.zero && !flags.minus => {
                precision = width;
                if negative || flags.plus || flags.space {
                    precision = precision.saturating_sub(1);
                }
            }
            (None, _) => {}
        }
        // Built from the last digit on.
        let mut text = Vec::with_capacity(24);
        loop {
            let digit = char::from_digit((rest % base) as u32, 16).unwrap_or('0');
            text.push(if upper {
                digit.to_ascii_uppercase() as u8
            } else {
                digit as u8
            });
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        while text.len() < precision {
            text.push(b'0');
        }
        if flags.sharp {
            match base {
                2 => text.extend(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend(if upper { b"X0" } else { b"x0" }),
                _ => {}
            }
        }
        if verb == 'O' {
            text.extend(b"o0");
        }
        if negative {
            text.push(b'-');
        } else if flags.plus {
            text.push(b'+');
        } else if flags.space {
            text.push(b' ');
        }
        text.reverse();
        self.pad_with_spaces(&text);
    }

    /// `U+0078 'x'`
    pub(super) fn unicode(&mut self, number: u64) {
        let digits = self.flags.precision.unwrap_or_default().max(4);
        let mut text = format!("U+{number:0digits$X}");
        let character = u32::try_from(number).ok().and_then(char::from_u32);
        if let (true, Some(character)) = (self.flags.sharp, character)
            && is_print(u32::from(character))
        {
            text.push_str(&format!(" '{character}'"));
        }
        self.pad_with_spaces(text.as_bytes());
    }

    pub(super) fn float(&mut self, number: f64, format: u8, precision: Option<usize>) {
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        let mut text = format_float(number, format, precision).into_bytes();
        if !matches!(text.first(), Some(b'-' | b'+')) {
            text.insert(0, b'+');
        }
        if flags.space && text[0] == b'+' && !flags.plus {
            text[0] = b' ';
        }
        if matches!(text[1], b'I' | b'N') {
            if text[1] == b'N' && !flags.space && !flags.plus {
                text.remove(0);
            }
            return self.pad_with_spaces(&text);
        }
        if flags.sharp && format != b'b' {
            text = sharp_float(text, format, precision);
        }
        if flags.plus || text[0] != b'+' {
            if let (true, false, Some(width)) = (flags.zero, flags.minus, flags.width)
                && width > text.len()
            {
                self.out.push(text[0]);
                self.fill(width - text.len());
                self.out.extend_from_slice(&text[1..]);
                return;
            }
            return self.pad(&text);
        }
        self.pad(&text[1..]);
    }

    pub(super) fn print_str(&mut self, text: &[u8]) {
        let text = self.truncate(text);
        self.pad(text);
    }

    pub(super) fn quoted(&mut self, text: &[u8]) {
        let text = self.truncate(text);
        if self.flags.sharp && can_backquote(text) {
            let raw = [b"`", text, b"`"].concat();
            return self.pad(&raw);
        }
        let quoted = if self.flags.plus {
            quote_to_ascii(text)
        } else {
            quote(text)
        };
        self.pad(quoted.as_bytes());
    }

    pub(super) fn hex_string(&mut self, text: &[u8], upper: bool) {
        let flags = self.flags;
        let length = text.len().min(flags.precision.unwrap_or(usize::MAX));
        if length == 0 {
            self.fill(flags.width.unwrap_or_default());
            return;
        }
        let mut hex = Vec::with_capacity(2 * length + 2);
        let prefix = if upper { b"0X" } else { b"0x" };
        for (at, byte) in text[..length].iter().enumerate() {
            if at > 0 && flags.space {
                hex.push(b' ');
            }
            if flags.sharp && (at == 0 || flags.space) {
                hex.extend_from_slice(prefix);
            }
            let pair = if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            };
            hex.extend_from_slice(pair.as_bytes());
        }
        self.pad(&hex);
    }

    /// The text up to the precision, in runes.
    fn truncate<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else {
            return text;
        };
        let mut at = 0;
        for _ in 0..precision {
            if at >= text.len() {
                break;
            }
            at += decode_rune(&text[at..]).1;
        }
        &text[..at.min(text.len())]
    }

    pub(super) fn pad(&mut self, text: &[u8]) {
        let Some(width) = self.flags.width else {
            return self.out.extend_from_slice(text);
        };
        let missing = width.saturating_sub(rune_count(text));
        if self.flags.minus {
            self.out.extend_from_slice(text);
            self.fill(missing);
        } else {
            self.fill(missing);
            self.out.extend_from_slice(text);
        }
    }

    /// `pad`, with spaces even where zeros are asked for.
    fn pad_with_spaces(&mut self, text: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    fn spaces(&mut self, n: usize) {
        self.out.resize(self.out.len() + n, b' ');
    }

    fn fill(&mut self, n: usize) {
        let byte = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        self.out.resize(self.out.len() + n, byte);
    }
}

/// What `%#g` and its like add: the point and the digits up to the precision.
fn sharp_float(mut text: Vec<u8>, format: u8, precision: Option<usize>) -> Vec<u8> {
    let mut missing = match format {
        b'g' | b'G' | b'x' => precision.map_or(6, |p| p as i64),
        _ => 0,
    };
    let mut tail = Vec::new();
    let (mut point, mut significant, mut at) = (false, false, 1);
    while at < text.len() {
        let byte = text[at];
        match byte {
            b'.' => point = true,
            b'p' | b'P' => tail = text.split_off(at),
            b'e' | b'E' if !matches!(format, b'x' | b'X') => tail = text.split_off(at),
            _ => {
                significant |= byte != b'0';
                missing -= i64::from(significant);
            }
        }
        at += 1;
    }
    if !point {
        if text.len() == 2 && text[1] == b'0' {
            missing -= 1;
        }
        text.push(b'.');
    }
    text.extend(std::iter::repeat_n(b'0', missing.max(0) as usize));
    text.extend(tail);
    text
}
