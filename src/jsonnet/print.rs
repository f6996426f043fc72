//! Values as text: JSON as the program prints it, and as strings have it.

use super::error::{Failure, Result};
use super::machine::Machine;
use super::value::*;
use std::fmt::Write as _;

/// How JSON is laid out.
#[derive(Clone, Copy)]
pub(super) struct Layout<'t> {
    pub indent: &'t str,
    pub newline: &'t str,
    pub colon: &'t str,
    pub comma: &'t str,
    /// Between the brackets of what is empty; `None`: as if something stood there.
    pub empty: Option<&'t str>,
    /// As Go's encoding/json has strings and the shortest digits; else as
    /// Jsonnet has them.
    pub is_go: bool,
}

impl Layout<'static> {
    /// Of a program's output.
    pub const LINES: Self = Layout {
        indent: "   ",
        newline: "\n",
        colon: ": ",
        comma: ",",
        empty: Some(" "),
        is_go: false,
    };
    /// Of `toString`.
    pub const ONE_LINE: Self = Layout {
        indent: "",
        newline: "",
        comma: ", ",
        ..Self::LINES
    };
}

impl Layout<'_> {
    fn quote(&self, text: &str, out: &mut String) {
        if self.is_go {
            quote_go(text, out);
        } else {
            quote(text, out);
        }
    }

    fn empty(&self, [open, close]: [char; 2], indent: &str, out: &mut String) {
        out.push(open);
        match self.empty {
            Some(between) => out.push_str(between),
            None => {
                out.push_str(self.newline);
                out.push_str(self.newline);
                out.push_str(indent);
            }
        }
        out.push(close);
    }
}

impl<'a> Machine<'a> {
    /// The value as a string: a string as it is, else JSON in one line.
    pub(super) fn to_text(&self, value: Val<'a>) -> Result<&'a str> {
        let text = self.to_text_value(value)?;
        self.read(text)
    }

    pub(super) fn to_text_value(&self, value: Val<'a>) -> Result<&'a Text<'a>> {
        if let Val::Text(text) = value {
            return Ok(text);
        }
        let mut out = String::new();
        self.json(value, &Layout::ONE_LINE, &mut String::new(), &mut out)?;
        let text = self.heap.text(&out)?;
        self.heap.put(Text::flat(text))
    }

    pub(super) fn has_output_room(&self, out: &str) -> Result<()> {
        if out.len() > self.limits.output {
            return Err(Failure::new(format!(
                "the output is larger than {} MiB",
                self.limits.output / (1024 * 1024)
            )));
        }
        Ok(())
    }

    pub(super) fn json(
        &self,
        value: Val<'a>,
        layout: &Layout<'_>,
        indent: &mut String,
        out: &mut String,
    ) -> Result<()> {
        self.step(1)?;
        self.has_output_room(out)?;
        match value {
            Val::Null => out.push_str("null"),
            Val::Bool(flag) => out.push_str(if flag { "true" } else { "false" }),
            Val::Number(number) if layout.is_go => {
                let _ = write!(out, "{number}");
            }
            Val::Number(number) => out.push_str(&number_text(number)),
            Val::Text(text) => layout.quote(self.read(text)?, out),
            Val::Function(_) => {
                return Err(Failure::new("couldn't manifest function as JSON"));
            }
            Val::Array([]) => layout.empty(['[', ']'], indent, out),
            Val::Array(items) => self.deeper(|| {
                out.push('[');
                indent.push_str(layout.indent);
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { layout.comma });
                    out.push_str(layout.newline);
                    out.push_str(indent);
                    let item = self.force(item)?;
                    self.json(item, layout, indent, out)?;
                }
                indent.truncate(indent.len() - layout.indent.len());
                out.push_str(layout.newline);
                out.push_str(indent);
                out.push(']');
                Ok(())
            })?,
            Val::Object(object) => self.deeper(|| {
                self.check(object)?;
                let mut is_first = true;
                indent.push_str(layout.indent);
                for name in self.shown(object)? {
                    out.push_str(if is_first { "{" } else { layout.comma });
                    is_first = false;
                    out.push_str(layout.newline);
                    out.push_str(indent);
                    layout.quote(name, out);
                    out.push_str(layout.colon);
                    let field = self.field(object, name)?;
                    self.json(field, layout, indent, out)?;
                }
                indent.truncate(indent.len() - layout.indent.len());
                if is_first {
                    layout.empty(['{', '}'], indent, out);
                } else {
                    out.push_str(layout.newline);
                    out.push_str(indent);
                    out.push('}');
                }
                Ok(())
            })?,
        }
        Ok(())
    }
}

/// A string in the quotes of JSON, control characters of Latin-1 escaped.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The same as encoding/json has it without its escapes for HTML.
pub(super) fn quote_go(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// All digits of a whole number, else the 17 that tell floats apart (`%.17g`).
pub(super) fn number_text(number: f64) -> String {
    if number == number.floor() {
        return format!("{number:.0}");
    }
    general(number, 17, false, false)
}

/// C's `%g` with so many significant digits.
pub(super) fn general(number: f64, precision: usize, upper: bool, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    let scientific = format!("{number:.*e}", precision - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |digits: &str| {
        if keep_zeros || !digits.contains('.') {
            digits.to_owned()
        } else {
            digits
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        }
    };
    if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        let e = if upper { 'E' } else { 'e' };
        return format!("{}{e}{sign}{:02}", trimmed(mantissa), exponent.abs());
    }
    let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
    trimmed(&format!("{number:.decimals$}"))
}
