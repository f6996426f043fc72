//! Tokens of Jsonnet, as go-jsonnet's lexer cuts them.

use super::error::{At, Failure, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    Identifier,
    Keyword,
    Number,
    /// With escapes, still within its quotes.
    Quoted,
    /// `@"…"`, still within its quotes.
    Verbatim,
    /// `|||`: the text without its indentation.
    Block,
    Operator,
    Symbol,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub text: String,
    pub at: At,
}

const KEYWORDS: &[&str] = &[
    "assert",
    "else",
    "error",
    "false",
    "for",
    "function",
    "if",
    "import",
    "importstr",
    "importbin",
    "in",
    "local",
    "null",
    "tailstrict",
    "then",
    "self",
    "super",
    "true",
];

/// Tokens of one file; more than anybody writes.
pub const MAX_TOKENS: usize = 4_000_000;

/// Longer than any operator: what is read again for each token is bounded.
const MAX_OPERATOR: usize = 8;

struct Lexer<'s> {
    text: &'s str,
    offset: usize,
    at: At,
    tokens: Vec<Token>,
}

/// The tokens of a file, the last of which is its end.
pub(super) fn lex(text: &str, file: u32) -> Result<Vec<Token>> {
    let mut lexer = Lexer {
        text,
        offset: 0,
        at: At {
            file,
            line: 1,
            column: 1,
        },
        tokens: Vec::new(),
    };
    lexer.run()?;
    Ok(lexer.tokens)
}

fn is_operator(byte: u8) -> bool {
    b"!$:~+-&|^=<>*/%".contains(&byte)
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.text[self.offset..]
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.offset).copied().unwrap_or(0)
    }

    /// Goes over so many bytes of whole characters.
    fn advance(&mut self, bytes: usize) {
        for c in self.rest()[..bytes].chars() {
            if c == '\n' {
                self.at.line += 1;
                self.at.column = 1;
            } else {
                self.at.column += 1;
            }
        }
        self.offset += bytes;
    }

    fn push(&mut self, kind: Kind, bytes: usize) {
        let text = self.rest()[..bytes].to_owned();
        let at = self.at;
        self.advance(bytes);
        self.tokens.push(Token { kind, text, at });
    }

    fn run(&mut self) -> Result<()> {
        loop {
            self.skip_space()?;
            if self.tokens.len() > MAX_TOKENS {
                return Err(Failure::at(
                    format!("more than {MAX_TOKENS} tokens in a file"),
                    self.at,
                ));
            }
            let Some(first) = self.rest().chars().next() else {
                self.push(Kind::End, 0);
                return Ok(());
            };
            match first {
                '{' | '}' | '[' | ']' | ',' | '.' | '(' | ')' | ';' => self.push(Kind::Symbol, 1),
                '0'..='9' => self.number()?,
                'a'..='z' | 'A'..='Z' | '_' => {
                    let end = self
                        .rest()
                        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                        .unwrap_or(self.rest().len());
                    let kind = if KEYWORDS.contains(&&self.rest()[..end]) {
                        Kind::Keyword
                    } else {
                        Kind::Identifier
                    };
                    self.push(kind, end);
                }
                '"' | '\'' => self.quoted(first)?,
                '@' => self.verbatim()?,
                _ if self.rest().starts_with("|||") => self.block()?,
                _ if first.is_ascii() && is_operator(first as u8) => self.operator(),
                _ => {
                    return Err(Failure::at(
                        format!("Could not lex the character {first:?}"),
                        self.at,
                    ));
                }
            }
        }
    }

    fn skip_space(&mut self) -> Result<()> {
        loop {
            let rest = self.rest();
            if rest.starts_with([' ', '\t', '\r', '\n']) {
                self.advance(1);
            } else if rest.starts_with('#') || rest.starts_with("//") {
                self.advance(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                match rest.match_indices("*/").find(|(at, _)| *at >= 2) {
                    Some((end, _)) => self.advance(end + 2),
                    None => {
                        return Err(Failure::at(
                            "Multi-line comment has no terminating */",
                            self.at,
                        ));
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    fn operator(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut end = 1;
        while end < bytes.len().min(MAX_OPERATOR) && is_operator(bytes[end]) {
            let tail = &rest[end..];
            if ["//", "/*", "|||"].iter().any(|s| tail.starts_with(s)) {
                break;
            }
            end += 1;
        }
        // `a:-1` are two operators.
        while end > 1 && b"+-~!$".contains(&bytes[end - 1]) {
            end -= 1;
        }
        self.push(Kind::Operator, end);
    }

    fn number(&mut self) -> Result<()> {
        let rest = self.rest().as_bytes();
        let digit = |at: usize| rest.get(at).is_some_and(u8::is_ascii_digit);
        let digits = |mut at: usize| {
            while digit(at) || (rest.get(at) == Some(&b'_') && digit(at + 1)) {
                at += 1;
            }
            at
        };
        let fault = |lexer: &Self, at: usize, what: &str| {
            let junk = lexer.rest()[at..].chars().next();
            let message = match junk {
                Some(junk) => format!("Couldn't lex number, junk after {what}: {junk:?}"),
                None => "Couldn't lex number, unexpected end of file".to_owned(),
            };
            let mut place = lexer.at;
            place.column += at as u32;
            Err(Failure::at(message, place))
        };
        let mut end = if rest[0] == b'0' { 1 } else { digits(0) };
        if rest.get(end) == Some(&b'_') {
            return fault(self, end, "'_'");
        }
        if rest.get(end) == Some(&b'.') {
            if !digit(end + 1) {
                return fault(self, end + 1, "decimal point");
            }
            end = digits(end + 1);
        }
        if matches!(rest.get(end), Some(b'e' | b'E')) {
            end += 1;
            if matches!(rest.get(end), Some(b'+' | b'-')) {
                end += 1;
                if !digit(end) {
                    return fault(self, end, "exponent sign");
                }
            } else if !digit(end) {
                return fault(self, end, "'E'");
            }
            end = digits(end);
        }
        self.push(Kind::Number, end);
        let token = self.tokens.last_mut().expect("just pushed");
        token.text.retain(|c| c != '_');
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<()> {
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == quote {
                self.push(Kind::Quoted, at + 1);
                return Ok(());
            }
        }
        Err(Failure::at("Unterminated String", self.at))
    }

    fn verbatim(&mut self) -> Result<()> {
        let Some(quote @ ('"' | '\'')) = self.rest().chars().nth(1) else {
            let next = self.rest().chars().nth(1).unwrap_or('\0');
            return Err(Failure::at(
                format!("Couldn't lex verbatim string, junk after '@': {next}"),
                self.at,
            ));
        };
        let mut at = 2;
        loop {
            match self.rest()[at..].find(quote) {
                None => return Err(Failure::at("Unterminated String", self.at)),
                // A quote that stands twice is one of the text.
                Some(found) if self.rest()[at + found + 1..].starts_with(quote) => {
                    at += found + 2;
                }
                Some(found) => {
                    self.push(Kind::Verbatim, at + found + 1);
                    return Ok(());
                }
            }
        }
    }

    fn block(&mut self) -> Result<()> {
        let begin = self.at;
        let fault = |message: &str| Err(Failure::at(message, begin));
        self.advance(3);
        let chomp = self.peek() == b'-';
        if chomp {
            self.advance(1);
        }
        let line_end = self.rest().find('\n').unwrap_or(self.rest().len());
        if !self.rest()[..line_end]
            .trim_matches([' ', '\t', '\r'])
            .is_empty()
        {
            return fault("Text block requires new line after |||.");
        }
        self.advance((line_end + 1).min(self.rest().len()));
        let mut text = String::new();
        // Empty lines may stand before the line that sets the indentation.
        while self.peek() == b'\n' {
            text.push('\n');
            self.advance(1);
        }
        let indent_length = self.rest().find(|c| c != ' ' && c != '\t').unwrap_or(0);
        let indent = self.rest()[..indent_length].to_owned();
        if indent.is_empty() {
            return fault("Text block's first line must start with whitespace");
        }
        loop {
            let Some(line_end) = self.rest().find('\n') else {
                return fault("Unexpected EOF");
            };
            text.push_str(&self.rest()[indent.len()..=line_end]);
            self.advance(line_end + 1);
            while self.peek() == b'\n' {
                text.push('\n');
                self.advance(1);
            }
            if !self.rest().starts_with(&indent) {
                break;
            }
        }
        let spaces = self.rest().find(|c| c != ' ' && c != '\t').unwrap_or(0);
        self.advance(spaces);
        if !self.rest().starts_with("|||") {
            if self.rest().is_empty() {
                return fault("Unexpected EOF");
            }
            return fault("Text block not terminated with |||");
        }
        self.advance(3);
        if chomp && text.ends_with('\n') {
            text.pop();
        }
        self.tokens.push(Token {
            kind: Kind::Block,
            text,
            at: begin,
        });
        Ok(())
    }
}

/// The text of a string token.
pub(super) fn text_of(token: &Token) -> Result<String> {
    match token.kind {
        Kind::Quoted => unescape(&token.text[1..token.text.len() - 1], token.at),
        Kind::Verbatim => {
            let quote = &token.text[1..2];
            let inner = &token.text[2..token.text.len() - 1];
            Ok(inner.replace(&quote.repeat(2), quote))
        }
        _ => Ok(token.text.clone()),
    }
}

fn unescape(text: &str, at: At) -> Result<String> {
    if !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let fault = |message: String| Failure::at(message, at);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find('\\') {
        out.push_str(&rest[..found]);
        rest = &rest[found + 1..];
        let Some(kind) = rest.chars().next() else {
            return Err(fault("Truncated escape sequence in string literal.".into()));
        };
        rest = &rest[kind.len_utf8()..];
        match kind {
            '"' | '\'' | '\\' | '/' => out.push(kind),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let unit = hex(rest, "Unicode escape sequence was malformed", at)?;
                rest = &rest[4..];
                let mut code = u32::from(unit);
                if (0xd800..0xdc00).contains(&unit) {
                    let Some(low) = rest.strip_prefix("\\u") else {
                        return Err(fault(
                            "Unicode surrogate pair escape sequence missing low surrogate in string literal."
                                .into(),
                        ));
                    };
                    let low_unit = hex(
                        low,
                        "Unicode low surrogate escape sequence was malformed",
                        at,
                    )?;
                    rest = &low[4..];
                    code = 0x10000
                        + ((code - 0xd800) << 10)
                        + u32::from(low_unit).wrapping_sub(0xdc00) % 0x400;
                }
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => {
                return Err(fault(format!(
                    "Unknown escape sequence in string literal: \\{other}"
                )));
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn hex(text: &str, what: &str, at: At) -> Result<u16> {
    let Some(digits) = text.get(..4) else {
        return Err(Failure::at(
            "Truncated unicode escape sequence in string literal.",
            at,
        ));
    };
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Failure::at(format!("{what}: {digits}"), at));
    }
    u16::from_str_radix(digits, 16).map_err(|_| Failure::at(format!("{what}: {digits}"), at))
}
