//! The emitter's output: columns, white space, and the four scalar styles
//! (emitterc.go, the write functions).

use super::INDENT;
use super::analyze::{is_break, is_printable};

/// Where a line is broken at its next space.
const WIDTH: usize = 80;

pub struct Writer {
    out: String,
    /// In characters.
    column: usize,
    /// Whether white space was written last.
    whitespace: bool,
    /// Whether the line holds nothing but indentation and block indicators.
    indention: bool,
    fold: bool,
    /// Whether sequences are indented below their key.
    indented: bool,
}

impl Default for Writer {
    fn default() -> Self {
        Writer {
            out: String::new(),
            column: 0,
            whitespace: true,
            indention: true,
            fold: true,
            indented: false,
        }
    }
}

impl Writer {
    pub fn into_text(self) -> String {
        self.out
    }

    pub fn is_indention(&self) -> bool {
        self.indention
    }

    /// Indented sequences, and no folding.
    pub fn set_indented(&mut self) {
        self.indented = true;
        self.fold = false;
    }

    pub fn is_indented(&self) -> bool {
        self.indented
    }

    /// Whether scalars may be broken into lines from here on.
    pub fn fold(&mut self, fold: bool) {
        self.fold = fold;
    }

    /// Goes to a column, on a new line where this one is past it.
    pub fn indent(&mut self, indent: usize) {
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// `:` behind a key, and what closes.
    pub fn indicator(&mut self, indicator: &str) {
        self.write_all(indicator);
        self.whitespace = false;
        self.indention = false;
    }

    /// `[` and `{`.
    pub fn spaced_indicator(&mut self, indicator: &str) {
        self.space();
        self.write_all(indicator);
        self.whitespace = true;
        self.indention = false;
    }

    /// `-`, `?` and `:` in front of a node.
    pub fn block_indicator(&mut self, indicator: &str) {
        self.space();
        self.write_all(indicator);
        self.whitespace = false;
    }

    pub fn plain(&mut self, text: &str, indent: usize) {
        self.space();
        self.folded_at_spaces(text, indent, false);
        self.whitespace = false;
        self.indention = false;
    }

    pub fn single_quoted(&mut self, text: &str, indent: usize) {
        self.space();
        self.indicator("'");
        self.folded_at_spaces(text, indent, true);
        self.indicator("'");
    }

    /// The common part of plain and single-quoted scalars.
    fn folded_at_spaces(&mut self, text: &str, indent: usize, quoted: bool) {
        let mut spaces = false;
        let mut breaks = false;
        let mut rest = text.chars().peekable();
        let mut at_start = true;
        while let Some(c) = rest.next() {
            let next = rest.peek();
            if c == ' ' {
                let inside = !quoted || (!at_start && next.is_some());
                if self.wants_fold() && !spaces && inside && next != Some(&' ') {
                    self.indent(indent);
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break();
                }
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.indent(indent);
                }
                if quoted && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
            at_start = false;
        }
    }

    pub fn double_quoted(&mut self, text: &str, indent: usize) {
        self.space();
        self.indicator("\"");
        // go-yaml looks for a byte-order mark at the start, whatever the place.
        let escape_all = text.starts_with('\u{feff}');
        let mut spaces = false;
        let mut rest = text.chars().peekable();
        let mut at_start = true;
        while let Some(c) = rest.next() {
            if escape_all || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.escape(c);
                spaces = false;
            } else if c == ' ' {
                let next = rest.peek();
                if self.wants_fold() && !spaces && !at_start && next.is_some() {
                    self.indent(indent);
                    if next == Some(&' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
            at_start = false;
        }
        self.indicator("\"");
    }

    pub fn literal(&mut self, text: &str, indent: usize) {
        self.space();
        self.indicator("|");
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator(&INDENT.to_string());
        }
        let mut from_end = text.chars().rev();
        let ends = (from_end.next(), from_end.next());
        match ends {
            (Some(last), _) if !is_break(last) => self.indicator("-"),
            (Some(_), Some(before)) if !is_break(before) => {}
            (Some(_), _) => self.indicator("+"),
            (None, _) => self.indicator("-"),
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.indent(indent);
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => "0",
            '\u{7}' => "a",
            '\u{8}' => "b",
            '\t' => "t",
            '\n' => "n",
            '\u{b}' => "v",
            '\u{c}' => "f",
            '\r' => "r",
            '\u{1b}' => "e",
            '"' => "\"",
            '\\' => "\\",
            '\u{85}' => "N",
            '\u{a0}' => "_",
            '\u{2028}' => "L",
            '\u{2029}' => "P",
            _ => "",
        };
        self.put('\\');
        if !short.is_empty() {
            self.write_all(short);
            return;
        }
        let code = u32::from(c);
        let text = match code {
            0..=0xff => format!("x{code:02X}"),
            0x100..=0xffff => format!("u{code:04X}"),
            _ => format!("U{code:08X}"),
        };
        self.write_all(&text);
    }

    fn wants_fold(&self) -> bool {
        self.fold && self.column > WIDTH
    }

    fn space(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    fn write_all(&mut self, text: &str) {
        for c in text.chars() {
            self.put(c);
        }
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// A break of the text itself, as it is.
    fn write_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }
}
