//! Splits a template into tokens, as Go's text/template/parse does: the parser
//! asks for one after another, and an error is a token.

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::gofmt::sprintf;
use super::strconv::{decode_rune, quote};
use super::unicode::{is_digit, is_letter, is_print};
use super::{GoStr, Val};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Error,
    Bool,
    /// An ASCII character of no other meaning, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    /// `.name`
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    /// `$name`
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Token {
    fn keyword(word: &[u8]) -> Option<Token> {
        Some(match word {
            b"." => Token::Dot,
            b"block" => Token::Block,
            b"break" => Token::Break,
            b"continue" => Token::Continue,
            b"define" => Token::Define,
            b"else" => Token::Else,
            b"end" => Token::End,
            b"if" => Token::If,
            b"range" => Token::Range,
            b"nil" => Token::Nil,
            b"template" => Token::Template,
            b"with" => Token::With,
            _ => return None,
        })
    }

    fn is_keyword(self) -> bool {
        matches!(
            self,
            Token::Block
                | Token::Break
                | Token::Continue
                | Token::Dot
                | Token::Define
                | Token::Else
                | Token::End
                | Token::If
                | Token::Nil
                | Token::Range
                | Token::Template
                | Token::With
        )
    }
}

/// One token: where it stands, and the line on which it starts. Four bytes are
/// wide enough: a template has less than 4 GiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub token: Token,
    pub start: u32,
    pub end: u32,
    pub line: u32,
}

impl Item {
    pub fn none() -> Self {
        Item {
            token: Token::Eof,
            start: 0,
            end: 0,
            line: 0,
        }
    }

    pub fn text<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        input
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

const LEFT_DELIM: &[u8] = b"{{";
const RIGHT_DELIM: &[u8] = b"}}";
const LEFT_COMMENT: &[u8] = b"/*";
const RIGHT_COMMENT: &[u8] = b"*/";
/// The marker and the space beside it.
const TRIM_MARKER_LEN: usize = 2;

/// Letters, digits and `_` of ASCII.
const IS_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

pub(super) struct Lexer<'i> {
    input: &'i [u8],
    at: usize,
    /// Where the token at hand starts, and on which line.
    start: usize,
    start_line: usize,
    line: usize,
    paren_depth: i64,
    inside_action: bool,
    /// The text of the error that ended the input.
    message: String,
}

impl<'i> Lexer<'i> {
    pub fn new(input: &'i [u8]) -> Self {
        Lexer {
            input,
            at: 0,
            start: 0,
            start_line: 1,
            line: 1,
            paren_depth: 0,
            inside_action: false,
            message: String::new(),
        }
    }

    /// As Go's parser shows a token in its errors.
    pub fn describe(&self, item: &Item, input: &[u8]) -> String {
        let text = item.text(input);
        match item.token {
            Token::Eof => "EOF".into(),
            Token::Error => self.message.clone(),
            token if token.is_keyword() => format!("<{}>", String::from_utf8_lossy(text)),
            _ if text.len() > 10 => {
                let text = Val::Str(GoStr::from_bytes(text));
                sprintf(b"%.10q...", &[text]).map_or_else(|e| e.to_string(), |s| s.to_string())
            }
            _ => quote(text),
        }
    }

    pub fn next_item(&mut self) -> Item {
        if self.inside_action {
            self.action()
        } else {
            self.text()
        }
    }

    fn rest(&self) -> &'i [u8] {
        &self.input[self.at..]
    }

    /// The rune here, none at the end.
    fn peek(&self) -> Option<u32> {
        match decode_rune(self.rest()) {
            (_, 0) => None,
            (rune, _) => Some(rune),
        }
    }

    fn next(&mut self) -> Option<u32> {
        let (rune, width) = decode_rune(self.rest());
        self.at += width;
        if width > 0 && rune == u32::from(b'\n') {
            self.line += 1;
        }
        (width > 0).then_some(rune)
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|c| valid.contains(c));
        self.at += usize::from(found);
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    fn item(&mut self, token: Token) -> Item {
        let item = Item {
            token,
            start: self.start as u32,
            end: self.at as u32,
            line: self.start_line as u32,
        };
        self.start = self.at;
        self.start_line = self.line;
        item
    }

    /// Leaves out what has been passed without `next`, counting its lines.
    fn ignore(&mut self) {
        self.count_lines();
        self.start = self.at;
        self.start_line = self.line;
    }

    fn count_lines(&mut self) {
        let passed = &self.input[self.start..self.at];
        self.line += memchr_iter(b'\n', passed).count();
    }

    /// An error ends the input.
    fn error(&mut self, message: impl Into<String>) -> Item {
        let item = Item {
            token: Token::Error,
            start: self.start as u32,
            end: self.start as u32,
            line: self.start_line as u32,
        };
        self.message = message.into();
        self.input = &[];
        self.at = 0;
        self.start = 0;
        item
    }

    fn text(&mut self) -> Item {
        loop {
            let Some(found) = find(self.rest(), LEFT_DELIM) else {
                self.at = self.input.len();
                if self.at > self.start {
                    self.count_lines();
                    return self.item(Token::Text);
                }
                return self.item(Token::Eof);
            };
            if found > 0 {
                let delim = self.at + found;
                let text = &self.input[self.start..delim];
                let trimmed = if has_left_trim_marker(&self.input[delim + LEFT_DELIM.len()..]) {
                    text.len() - trim_end(text).len()
                } else {
                    0
                };
                self.at = delim - trimmed;
                self.count_lines();
                let item = self.item(Token::Text);
                self.at += trimmed;
                self.ignore();
                if item.end > item.start {
                    return item;
                }
            }
            match self.left_delim() {
                Some(item) => return item,
                // A comment: on with the text behind it.
                None => continue,
            }
        }
    }

    /// The delimiter, which is here, or the comment that it opens.
    fn left_delim(&mut self) -> Option<Item> {
        self.at += LEFT_DELIM.len();
        let marker = if has_left_trim_marker(self.rest()) {
            TRIM_MARKER_LEN
        } else {
            0
        };
        if self.rest()[marker..].starts_with(LEFT_COMMENT) {
            self.at += marker;
            self.ignore();
            return self.comment();
        }
        let item = self.item(Token::LeftDelim);
        self.inside_action = true;
        self.at += marker;
        self.ignore();
        self.paren_depth = 0;
        Some(item)
    }

    fn comment(&mut self) -> Option<Item> {
        self.at += LEFT_COMMENT.len();
        let Some(end) = find(self.rest(), RIGHT_COMMENT) else {
            return Some(self.error("unclosed comment"));
        };
        self.at += end + RIGHT_COMMENT.len();
        let Some(trim) = self.at_right_delim() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.ignore();
        self.pass_right_delim(trim);
        None
    }

    /// Whether a right delimiter is here, and whether it trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim_marker(rest) && rest[TRIM_MARKER_LEN..].starts_with(RIGHT_DELIM) {
            Some(true)
        } else if rest.starts_with(RIGHT_DELIM) {
            Some(false)
        } else {
            None
        }
    }

    fn pass_right_delim(&mut self, trim: bool) -> Item {
        if trim {
            self.at += TRIM_MARKER_LEN;
            self.ignore();
        }
        self.at += RIGHT_DELIM.len();
        let item = self.item(Token::RightDelim);
        if trim {
            let rest = self.rest();
            self.at += rest.len() - trim_start(rest).len();
            self.ignore();
        }
        self.inside_action = false;
        item
    }

    fn action(&mut self) -> Item {
        let rest = self.rest();
        let Some(&first) = rest.first() else {
            return self.error("unclosed action");
        };
        // Only these two begin a right delimiter.
        if (first == b'}' || is_space(first))
            && let Some(trim) = self.at_right_delim()
        {
            if self.paren_depth == 0 {
                return self.pass_right_delim(trim);
            }
            return self.error("unclosed left paren");
        }
        let rune = decode_rune(rest).0;
        match Some(first).filter(u8::is_ascii) {
            Some(c) if is_space(c) => self.space(),
            Some(b'=') => self.single(Token::Assign),
            Some(b':') => {
                self.next();
                if self.next() != Some(u32::from(b'=')) {
                    return self.error("expected :=");
                }
                self.item(Token::Declare)
            }
            Some(b'|') => self.single(Token::Pipe),
            Some(b'"') => self.quoted(b'"', Token::String, "unterminated quoted string"),
            Some(b'\'') => self.quoted(
                b'\'',
                Token::CharConstant,
                "unterminated character constant",
            ),
            Some(b'`') => self.raw_string(),
            Some(b'$') => {
                self.at += 1;
                self.field_or_variable(Token::Variable)
            }
            Some(b'.') if !self.rest().get(1).is_none_or(u8::is_ascii_digit) => {
                self.at += 1;
                self.field_or_variable(Token::Field)
            }
            Some(b'.' | b'+' | b'-' | b'0'..=b'9') => self.number(),
            _ if is_alphanumeric(rune) => self.identifier(),
            Some(b'(') => {
                self.paren_depth += 1;
                self.single(Token::LeftParen)
            }
            Some(b')') => {
                self.paren_depth -= 1;
                self.at += 1;
                if self.paren_depth < 0 {
                    return self.error("unexpected right paren");
                }
                self.item(Token::RightParen)
            }
            Some(_) if is_print(rune) => self.single(Token::Char),
            _ => self.error(format!(
                "unrecognized character in action: {}",
                unicode_name(rune)
            )),
        }
    }

    /// A character of ASCII, and no line feed.
    fn single(&mut self, token: Token) -> Item {
        self.at += 1;
        self.item(token)
    }

    /// A run of spaces. The last may belong to a right delimiter that trims.
    fn space(&mut self) -> Item {
        let from = self.at;
        while let Some(c) = self.input.get(self.at)
            && is_space(*c)
        {
            self.at += 1;
            self.line += usize::from(*c == b'\n');
        }
        let n_spaces = self.at - from;
        let last = &self.input[self.at - 1..];
        if has_right_trim_marker(last) && last[TRIM_MARKER_LEN..].starts_with(RIGHT_DELIM) {
            self.at -= 1;
            if self.input[self.at] == b'\n' {
                self.line -= 1;
            }
            if n_spaces == 1 {
                return self.pass_right_delim(true);
            }
        }
        self.item(Token::Space)
    }

    fn pass_alphanumeric(&mut self) {
        loop {
            let is_word = |c: &u8| IS_WORD[usize::from(*c)];
            self.at += self.rest().iter().take_while(|c| is_word(c)).count();
            match self.rest().first() {
                // Letters beyond ASCII are few.
                Some(0x80..) if self.peek().is_some_and(is_alphanumeric) => {
                    self.next();
                }
                _ => return,
            }
        }
    }

    fn identifier(&mut self) -> Item {
        self.pass_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let word = &self.input[self.start..self.at];
        let token = match word {
            b"true" | b"false" => Token::Bool,
            _ => Token::keyword(word).unwrap_or(Token::Identifier),
        };
        self.item(token)
    }

    /// `.name` or `$name`, the first character is past.
    fn field_or_variable(&mut self, token: Token) -> Item {
        if self.at_terminator() {
            return self.item(match token {
                Token::Variable => Token::Variable,
                _ => Token::Dot,
            });
        }
        self.pass_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.item(token)
    }

    fn bad_character(&mut self) -> Item {
        let message = match self.peek() {
            Some(rune) => format!("bad character {}", unicode_name(rune)),
            // Go prints its end-of-file marker, -1.
            None => "bad character U+FFFFFFFFFFFFFFFF".into(),
        };
        self.error(message)
    }

    /// Whether an identifier may end here.
    fn at_terminator(&self) -> bool {
        match self.rest().first() {
            None => true,
            Some(c) if is_space(*c) => true,
            Some(b'.' | b',' | b'|' | b':' | b')' | b'(') => true,
            Some(_) => self.rest().starts_with(RIGHT_DELIM),
        }
    }

    /// What ends it is ASCII, as is what it must not hold: no other character
    /// has such bytes in it.
    fn quoted(&mut self, quote: u8, token: Token, unterminated: &str) -> Item {
        self.at += 1;
        loop {
            let Some(found) = memchr3(quote, b'\\', b'\n', self.rest()) else {
                self.at = self.input.len();
                return self.error(unterminated);
            };
            self.at += found + 1;
            match self.input[self.at - 1] {
                b'\n' => return self.error(unterminated),
                b'\\' => match self.rest().first() {
                    None | Some(b'\n') => return self.error(unterminated),
                    Some(_) => self.at += 1,
                },
                _ => return self.item(token),
            }
        }
    }

    fn raw_string(&mut self) -> Item {
        self.at += 1;
        while let Some(found) = memchr2(b'`', b'\n', self.rest()) {
            self.at += found + 1;
            if self.input[self.at - 1] == b'`' {
                return self.item(Token::RawString);
            }
            self.line += 1;
        }
        self.error("unterminated raw quoted string")
    }

    fn number(&mut self) -> Item {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.rest().first(), Some(b'+' | b'-')) {
            // A complex number: 1+2i.
            if !self.scan_number() || self.input.get(self.at - 1) != Some(&b'i') {
                return self.bad_number();
            }
            return self.item(Token::Complex);
        }
        self.item(Token::Number)
    }

    fn bad_number(&mut self) -> Item {
        let text = quote(&self.input[self.start..self.at]);
        self.error(format!("bad number syntax: {text}"))
    }

    /// Passes what may be a number; whether it is one, the parser finds out.
    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let (mut digits, mut decimal, mut hex): (&[u8], _, _) = (b"0123456789_", true, false);
        if self.accept(b"0") {
            if self.accept(b"xX") {
                (digits, decimal, hex) = (b"0123456789abcdefABCDEF_", false, true);
            } else if self.accept(b"oO") {
                (digits, decimal) = (b"01234567_", false);
            } else if self.accept(b"bB") {
                (digits, decimal) = (b"01_", false);
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if decimal && self.accept(b"eE") || hex && self.accept(b"pP") {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

/// Go's `%#U`
fn unicode_name(rune: u32) -> String {
    let name = format!("U+{rune:04X}");
    match char::from_u32(rune) {
        Some(character) if is_print(rune) => format!("{name} '{character}'"),
        _ => name,
    }
}

/// For texts of a few lines, where a search that prepares itself does not pay.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = memchr(first, &text[from..]) {
        if text[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_alphanumeric(rune: u32) -> bool {
    rune == u32::from(b'_') || is_letter(rune) || is_digit(rune)
}

fn has_left_trim_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(*space))
}

fn has_right_trim_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(*space))
}

fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|c| !is_space(*c));
    &text[..end.map_or(0, |at| at + 1)]
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|c| !is_space(*c));
    &text[start.unwrap_or(text.len())..]
}
