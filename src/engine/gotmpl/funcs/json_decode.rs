//! JSON as Go's encoding/json reads it into `interface{}`: numbers are
//! float64, and errors have Go's texts.

use crate::gotmpl::strconv::{append_rune, decode_rune, quote};
use crate::gotmpl::{GoStr, List, MAX_NESTING, Map, Type, Val};

/// What was read, and the first thing that did not fit its Go type. A number
/// beyond float64 leaves a nil, and the rest is read all the same.
pub(super) struct Decoded {
    pub value: Val,
    pub misfit: Option<String>,
}

/// `json.Unmarshal` into an `interface{}`; the error is a syntax error.
pub(super) fn decode(text: &[u8]) -> Result<Decoded, String> {
    let mut decoder = Decoder {
        text,
        at: 0,
        misfit: None,
    };
    let value = decoder.value(0)?;
    decoder.skip_space();
    match decoder.peek() {
        None => Ok(Decoded {
            value,
            misfit: decoder.misfit,
        }),
        Some(_) => Err(decoder.unexpected("after top-level value")),
    }
}

/// What Go says of a value that is not of the type wanted.
pub(super) fn misfit(value: &Val, wanted: &str) -> String {
    let found = match value {
        Val::List(_) => "array",
        Val::Map(_) => "object",
        Val::Bool(_) => "bool",
        Val::Str(_) => "string",
        _ => "number",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

struct Decoder<'t> {
    text: &'t [u8],
    at: usize,
    misfit: Option<String>,
}

type Syntax<T> = Result<T, String>;

impl Decoder<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error about the byte that stands here.
    fn unexpected(&self, context: &str) -> String {
        // At the end Go feeds its scanner one more space, which ends neither a
        // literal nor an escape.
        let inside = context.starts_with("in ") || context.contains("numeric literal");
        let byte = match self.peek() {
            Some(byte) => byte,
            None if inside => b' ',
            None => return "unexpected end of JSON input".into(),
        };
        let shown = match byte {
            b'\'' => "\\'".to_owned(),
            b'"' => "\"".to_owned(),
            _ => {
                let quoted = quote(char::from(byte).encode_utf8(&mut [0; 4]).as_bytes());
                quoted[1..quoted.len() - 1].to_owned()
            }
        };
        format!("invalid character '{shown}' {context}")
    }

    fn value(&mut self, depth: usize) -> Syntax<Val> {
        if depth > MAX_NESTING {
            return Err("exceeded max depth".into());
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Val::Str(self.string()?)),
            Some(b't') => self.literal("true", Val::Bool(true)),
            Some(b'f') => self.literal("false", Val::Bool(false)),
            Some(b'n') => self.literal("null", Val::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Syntax<Val> {
        self.at += 1;
        let mut entries = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Map::new().into());
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("after object key"));
            }
            self.at += 1;
            entries.push((key, self.value(depth + 1)?));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Map::of(Type::Any, entries).into());
                }
                _ => return Err(self.unexpected("after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Syntax<Val> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(List::new(items).into());
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(List::new(items).into());
                }
                _ => return Err(self.unexpected("after array element")),
            }
        }
    }

    fn literal(&mut self, name: &str, value: Val) -> Syntax<Val> {
        for expected in name.bytes() {
            if self.peek() != Some(expected) {
                let expected = char::from(expected);
                let context = format!("in literal {name} (expecting '{expected}')");
                return Err(self.unexpected(&context));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Syntax<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.unexpected(context));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Syntax<Val> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.text[start..self.at]);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Val::Float(number)),
            _ => {
                let text =
                    format!("json: cannot unmarshal number {text} into Go value of type float64");
                self.misfit.get_or_insert(text);
                Ok(Val::Nil)
            }
        }
    }

    /// Four hexadecimal digits.
    fn hex4(&mut self) -> Syntax<u32> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected("in \\u hexadecimal character escape"));
            };
            number = number << 4 | digit;
            self.at += 1;
        }
        Ok(number)
    }

    fn string(&mut self) -> Syntax<GoStr> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.unexpected(""));
            };
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(out.into());
                }
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                0..0x20 => return Err(self.unexpected("in string literal")),
                0x20..0x80 => {
                    out.push(byte);
                    self.at += 1;
                }
                0x80.. => {
                    let (rune, width) = decode_rune(&self.text[self.at..]);
                    append_rune(&mut out, rune);
                    self.at += width;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Syntax<()> {
        let Some(byte) = self.peek() else {
            return Err(self.unexpected(""));
        };
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                let rune = self.hex4()?;
                append_rune(out, self.surrogates(rune)?);
                return Ok(());
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        out.push(plain);
        Ok(())
    }

    /// The rune of a surrogate pair; half a pair stays what it is, no rune.
    fn surrogates(&mut self, high: u32) -> Syntax<u32> {
        let second = self.text[self.at..].starts_with(b"\\u");
        if !(0xd800..0xdc00).contains(&high) || !second {
            return Ok(high);
        }
        let before = self.at;
        self.at += 2;
        let low = self.hex4()?;
        if (0xdc00..0xe000).contains(&low) {
            return Ok(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        }
        self.at = before;
        Ok(high)
    }
}
