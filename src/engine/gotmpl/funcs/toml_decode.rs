//! TOML 1.0 as BurntSushi/toml reads it: integers are int64, arrays of tables
//! `[]map[string]interface {}`. Errors begin as there: `toml: line 1: `.

use super::times::{Civil, Time, Zone};
use crate::gotmpl::strconv::append_rune;
use crate::gotmpl::{GoStr, List, MAX_NESTING, Map, Type, Val};
use std::collections::HashSet;

/// The document as a map.
pub(super) fn decode(text: &[u8]) -> Result<Map, String> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text.trim_start_matches('\u{feff}').as_bytes(),
        Err(error) => {
            let line = 1 + text[..error.valid_up_to()]
                .iter()
                .filter(|b| **b == b'\n')
                .count();
            let byte = text[error.valid_up_to()];
            return Err(format!(
                "toml: line {line}: invalid UTF-8 byte: 0x{byte:02x}"
            ));
        }
    };
    let mut parser = Parser {
        text,
        at: 0,
        last_key: String::new(),
        defined: HashSet::new(),
    };
    parser.document().map_err(|fault| {
        let end = parser.at.min(text.len());
        let line = 1 + text[..end].iter().filter(|b| **b == b'\n').count();
        match parser.last_key.as_str() {
            "" => format!("toml: line {line}: {fault}"),
            key => format!("toml: line {line} (last key {key:?}): {fault}"),
        }
    })
}

type Fallible<T> = Result<T, String>;

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
    last_key: String,
    /// Addresses of tables that a header or an inline table has closed.
    defined: HashSet<usize>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Blanks, line ends and comments.
    fn skip_lines(&mut self) -> Fallible<()> {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'\n') => self.at += 1,
                Some(b'\r') if self.rest().starts_with(b"\r\n") => self.at += 2,
                Some(b'#') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Fallible<()> {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => break,
                b'\r' if self.rest().starts_with(b"\r\n") => break,
                0..=0x08 | 0x0a..0x20 | 0x7f => return Err(control(byte)),
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    fn document(&mut self) -> Fallible<Map> {
        let root = Map::new();
        let mut table = root.clone();
        loop {
            self.skip_lines()?;
            match self.peek() {
                None => return Ok(root),
                Some(b'[') => {
                    self.last_key.clear();
                    table = self.header(&root)?;
                }
                Some(_) => self.pair(&table)?,
            }
            self.skip_blanks();
            if self.peek() == Some(b'#') {
                self.comment()?;
            }
            match self.peek() {
                None | Some(b'\n') => {}
                Some(b'\r') if self.rest().starts_with(b"\r\n") => {}
                Some(byte) => {
                    self.last_key.clear();
                    return Err(format!(
                        "expected a top-level item to end with a newline, comment, or EOF, \
                         but got {:?} instead",
                        char::from(byte)
                    ));
                }
            }
        }
    }

    /// `[a.b]` and `[[a.b]]`: the table that follows.
    fn header(&mut self, root: &Map) -> Fallible<Map> {
        let many = self.rest().starts_with(b"[[");
        self.at += if many { 2 } else { 1 };
        self.skip_blanks();
        let key = self.key()?;
        self.skip_blanks();
        let close: &[u8] = if many { b"]]" } else { b"]" };
        if !self.rest().starts_with(close) {
            let found = self.peek().map_or('\0', char::from);
            return Err(format!(
                "expected '.' or ']' to end table name, but got {found:?} instead"
            ));
        }
        self.at += close.len();
        let (last, path) = key.split_last().ok_or("empty table name")?;
        let mut table = root.clone();
        for part in path {
            table = self.step(&table, part, &key)?;
        }
        let found = table.get_bytes(last.as_bytes());
        if many {
            let new = Map::new();
            match found {
                None => {
                    let list = List::of(Type::AnyMap, vec![new.clone().into()]);
                    table.insert(last.clone(), list);
                }
                Some(Val::List(list)) if list.elem() == Type::AnyMap => {
                    list.items_mut().push(new.clone().into());
                }
                Some(_) => return Err(defined(&key)),
            }
            return Ok(new);
        }
        let new = match found {
            None => {
                let new = Map::new();
                table.insert(last.clone(), new.clone());
                new
            }
            Some(Val::Map(map)) if !self.defined.contains(&map.address()) => map,
            Some(_) => return Err(defined(&key)),
        };
        self.defined.insert(new.address());
        Ok(new)
    }

    /// The table below another, made where it is missing; of several the last.
    fn step(&self, table: &Map, part: &GoStr, key: &[GoStr]) -> Fallible<Map> {
        match table.get_bytes(part.as_bytes()) {
            None => {
                let new = Map::new();
                table.insert(part.clone(), new.clone());
                Ok(new)
            }
            Some(Val::Map(map)) => Ok(map),
            Some(Val::List(list)) if list.elem() == Type::AnyMap => {
                let last = list.items().last().cloned();
                last.and_then(|v| v.as_map().cloned())
                    .ok_or_else(|| defined(key))
            }
            Some(_) => Err(defined(key)),
        }
    }

    /// `a.b = value`
    fn pair(&mut self, table: &Map) -> Fallible<()> {
        let key = self.key()?;
        self.skip_blanks();
        match self.peek() {
            Some(b'=') => self.at += 1,
            None | Some(b'\n' | b'\r') => {
                return Err("unexpected EOF; expected key separator '='".into());
            }
            Some(byte) => {
                let rest = self.rest();
                let shown = String::from_utf8_lossy(&rest[..rest.len().min(4)]);
                let found = shown.chars().next().unwrap_or(char::from(byte));
                return Err(format!("expected '.' or '=', but got {found:?} instead"));
            }
        }
        self.skip_blanks();
        self.last_key = joined(&key);
        let value = self.value(0)?;
        let (last, path) = key.split_last().ok_or("empty key")?;
        let mut table = table.clone();
        for part in path {
            table = self.step(&table, part, &key)?;
            if self.defined.contains(&table.address()) && !path.is_empty() {
                return Err(defined(&key));
            }
        }
        match table.get_bytes(last.as_bytes()) {
            // A table that only dotted keys have made stays, without an error.
            Some(Val::Map(map)) if !self.defined.contains(&map.address()) => {}
            Some(_) => return Err(defined(&key)),
            None => {
                table.insert(last.clone(), value);
            }
        }
        Ok(())
    }

    fn key(&mut self) -> Fallible<Vec<GoStr>> {
        let mut parts = Vec::new();
        loop {
            self.skip_blanks();
            let part: GoStr = match self.peek() {
                Some(b'"') => self.basic_string()?,
                Some(b'\'') => self.literal_string()?,
                _ => {
                    let bare = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
                    let n = self.rest().iter().take_while(|b| bare(b)).count();
                    let part = GoStr::from_bytes(&self.rest()[..n]);
                    self.at += n;
                    part
                }
            };
            let quoted = matches!(self.text.get(self.at.wrapping_sub(1)), Some(b'"' | b'\''));
            if part.is_empty() && !quoted {
                return Err(match self.peek() {
                    Some(b'=') => "unexpected '=': key name appears blank".into(),
                    Some(b'.') => "unexpected '.': keys cannot start with a '.'".into(),
                    Some(byte) if is_control(byte) => control(byte),
                    Some(byte) => {
                        let rest = self.rest();
                        let shown = String::from_utf8_lossy(&rest[..rest.len().min(4)]);
                        let found = shown.chars().next().unwrap_or(char::from(byte));
                        format!("expected '.' or '=', but got {found:?} instead")
                    }
                    None => "unexpected EOF; expected key".into(),
                });
            }
            parts.push(part);
            self.skip_blanks();
            if self.peek() != Some(b'.') {
                return Ok(parts);
            }
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Fallible<Val> {
        if depth > MAX_NESTING {
            return Err("nested too deeply".into());
        }
        match self.peek() {
            None | Some(b'\n' | b'\r') => Err("unexpected EOF; expected value".into()),
            Some(b'"') if self.rest().starts_with(b"\"\"\"") => self.long_string(b"\"\"\""),
            Some(b'\'') if self.rest().starts_with(b"'''") => self.long_string(b"'''"),
            Some(b'"') => Ok(Val::Str(self.basic_string()?)),
            Some(b'\'') => Ok(Val::Str(self.literal_string()?)),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.inline_table(depth),
            Some(b'.') => Err("floats must start with a digit, not '.'".into()),
            Some(_) => self.scalar(),
        }
    }

    fn array(&mut self, depth: usize) -> Fallible<Val> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_lines()?;
            if self.peek() == Some(b']') {
                break;
            }
            items.push(self.value(depth + 1)?);
            self.skip_lines()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                found => {
                    let found = found.map_or("end of file".to_owned(), |byte| {
                        format!("{:?}", char::from(byte))
                    });
                    return Err(format!(
                        "expected a comma (',') or array terminator (']'), but got {found}"
                    ));
                }
            }
        }
        self.at += 1;
        Ok(List::new(items).into())
    }

    fn inline_table(&mut self, depth: usize) -> Fallible<Val> {
        self.at += 1;
        let table = Map::new();
        let outer = self.last_key.clone();
        self.skip_lines()?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            self.defined.insert(table.address());
            return Ok(table.into());
        }
        loop {
            if depth > MAX_NESTING {
                return Err("nested too deeply".into());
            }
            self.skip_lines()?;
            self.pair_at(&table, depth + 1, &outer)?;
            self.skip_lines()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                found => {
                    let found = found.map_or("end of file".to_owned(), |byte| {
                        format!("{:?}", char::from(byte))
                    });
                    return Err(format!(
                        "expected a comma or an inline table terminator '}}', \
                         but got {found} instead"
                    ));
                }
            }
            self.skip_lines()?;
            if self.peek() == Some(b'}') {
                break;
            }
        }
        self.at += 1;
        self.last_key = outer;
        self.defined.insert(table.address());
        Ok(table.into())
    }

    /// A pair of an inline table.
    fn pair_at(&mut self, table: &Map, depth: usize, outer: &str) -> Fallible<()> {
        let key = self.key()?;
        self.skip_blanks();
        if self.peek() != Some(b'=') {
            return Err("expected '.' or '='".into());
        }
        self.at += 1;
        self.skip_blanks();
        self.last_key = format!("{outer}.{}", joined(&key));
        let value = self.value(depth)?;
        let (last, path) = key.split_last().ok_or("empty key")?;
        let mut table = table.clone();
        for part in path {
            table = self.step(&table, part, &key)?;
        }
        if table.contains_key(last.as_bytes()) {
            return Err(defined(&key));
        }
        table.insert(last.clone(), value);
        Ok(())
    }

    fn basic_string(&mut self) -> Fallible<GoStr> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return Err("unexpected EOF; expected '\"'".into()),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(b'\n') => return Err("strings cannot contain newlines".into()),
                Some(byte @ (0..=0x08 | 0x0b..0x20 | 0x7f)) => return Err(control(byte)),
                Some(byte) => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn literal_string(&mut self) -> Fallible<GoStr> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err("unexpected EOF; expected '\\''".into()),
                Some(b'\'') => {
                    let text = GoStr::from_bytes(&self.text[start..self.at]);
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\n') => return Err("strings cannot contain newlines".into()),
                Some(byte @ (0..=0x08 | 0x0b..0x20 | 0x7f)) => return Err(control(byte)),
                Some(_) => self.at += 1,
            }
        }
    }

    /// A string over lines; a line end right behind the opening is dropped.
    fn long_string(&mut self, mark: &[u8; 3]) -> Fallible<Val> {
        self.at += 3;
        if self.rest().starts_with(b"\r\n") {
            self.at += 2;
        } else if self.peek() == Some(b'\n') {
            self.at += 1;
        }
        let mut out = Vec::new();
        loop {
            if self.rest().starts_with(mark) {
                self.at += 3;
                // Up to two quotes more belong to the text.
                for _ in 0..2 {
                    if self.peek() == Some(mark[0]) {
                        out.push(mark[0]);
                        self.at += 1;
                    }
                }
                return Ok(Val::Str(out.into()));
            }
            match self.peek() {
                None => {
                    let mark = String::from_utf8_lossy(mark);
                    return Err(format!("unexpected EOF; expected '{mark}'"));
                }
                Some(b'\\') if mark[0] == b'"' => {
                    let n = self.rest()[1..]
                        .iter()
                        .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'));
                    let after = self.at + 1 + n.count();
                    if self.text.get(after) == Some(&b'\n') {
                        self.at = after;
                        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                            self.at += 1;
                        }
                    } else {
                        self.escape(&mut out)?;
                    }
                }
                Some(b'\r') if self.rest().starts_with(b"\r\n") => self.at += 1,
                Some(byte @ (0..=0x08 | 0x0b..0x20 | 0x7f)) => return Err(control(byte)),
                Some(byte) => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Fallible<()> {
        let byte = self.text.get(self.at + 1).copied();
        self.at += 2;
        match byte {
            Some(b'b') => out.push(0x08),
            Some(b't') => out.push(b'\t'),
            Some(b'n') => out.push(b'\n'),
            Some(b'f') => out.push(0x0c),
            Some(b'r') => out.push(b'\r'),
            Some(b'e') => out.push(0x1b),
            Some(b'"') => out.push(b'"'),
            Some(b'\\') => out.push(b'\\'),
            Some(kind @ (b'x' | b'u' | b'U')) => {
                let n_digits = match kind {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
                let digits = self.text.get(self.at..self.at + n_digits);
                let digits = digits.and_then(|d| std::str::from_utf8(d).ok());
                let rune = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
                let Some(rune) = rune.filter(|r| char::from_u32(*r).is_some()) else {
                    return Err("expected hexadecimal digits of a Unicode character".into());
                };
                append_rune(out, rune);
                self.at += n_digits;
            }
            found => {
                let found = found.map_or('\0', char::from);
                return Err(format!("invalid escape in string '\\{found}'"));
            }
        }
        Ok(())
    }

    /// A number, a boolean or a date.
    fn scalar(&mut self) -> Fallible<Val> {
        let word = |b: &u8| !b" \t\r\n,]}#=[{\"'".contains(b);
        let mut n = self.rest().iter().take_while(|b| word(b)).count();
        // A space may stand between date and time.
        if n == 10
            && self.rest()[4] == b'-'
            && self.rest().get(10) == Some(&b' ')
            && self.rest().get(11).is_some_and(u8::is_ascii_digit)
        {
            n = 11 + self.rest()[11..].iter().take_while(|b| word(b)).count();
        }
        let text = String::from_utf8_lossy(&self.rest()[..n]).into_owned();
        let value = scalar(&text)?;
        self.at += n;
        Ok(value)
    }
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n')
}

fn control(byte: u8) -> String {
    format!("TOML files cannot contain control characters: '0x{byte:02x}'")
}

fn joined(key: &[GoStr]) -> String {
    let parts: Vec<String> = key.iter().map(GoStr::to_string).collect();
    parts.join(".")
}

fn defined(key: &[GoStr]) -> String {
    format!("Key '{}' has already been defined.", joined(key))
}

fn scalar(text: &str) -> Fallible<Val> {
    match text {
        "true" => return Ok(Val::Bool(true)),
        "false" => return Ok(Val::Bool(false)),
        "inf" | "+inf" => return Ok(Val::Float(f64::INFINITY)),
        "-inf" => return Ok(Val::Float(f64::NEG_INFINITY)),
        "nan" | "+nan" | "-nan" => return Ok(Val::Float(f64::NAN)),
        _ => {}
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("expected value but found {text:?} instead"));
    }
    let is_date =
        text.len() >= 8 && matches!(text.as_bytes()[4], b'-') && text.as_bytes()[0] != b'-';
    if is_date || text.as_bytes().get(2) == Some(&b':') {
        return date(text).ok_or_else(|| format!("invalid datetime: {text:?}"));
    }
    number(text, unsigned)
}

fn number(text: &str, unsigned: &str) -> Fallible<Val> {
    let lower = unsigned.to_ascii_lowercase();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)];
    let based = prefixed
        .iter()
        .find(|(prefix, _)| unsigned.starts_with(prefix));
    let is_float = based.is_none() && lower.contains(['.', 'e']);
    let kind = if is_float { "float" } else { "integer" };
    let invalid = |why: &str| format!("Invalid {kind} {text:?}: {why}");
    let digits = based.map_or(unsigned, |(prefix, _)| &unsigned[prefix.len()..]);
    let around = |at: usize| {
        let bytes = digits.as_bytes();
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_hexdigit)
        };
        digit(at.checked_sub(1)) && digit(Some(at + 1))
    };
    if !digits.match_indices('_').all(|(at, _)| around(at)) {
        return Err(invalid("underscores must be surrounded by digits"));
    }
    let plain = digits.replace('_', "");
    let leading = plain.len() > 1 && plain.starts_with('0') && plain.as_bytes()[1].is_ascii_digit();
    if based.is_none() && leading {
        return Err(invalid("cannot have leading zeroes"));
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    if is_float {
        let points = plain.split('.').skip(1);
        if points
            .into_iter()
            .any(|part| !part.starts_with(|c: char| c.is_ascii_digit()))
        {
            return Err(invalid("'.' must be followed by one or more digits"));
        }
        let number = format!("{sign}{plain}").parse::<f64>();
        return match number {
            Ok(number) if number.is_finite() => Ok(Val::Float(number)),
            Ok(_) => Err(format!("{text} is out of range for float64")),
            Err(_) => Err(invalid("not a number")),
        };
    }
    let radix = based.map_or(10, |(_, radix)| *radix);
    let number = i64::from_str_radix(&format!("{sign}{plain}"), radix);
    number.map(Val::Int64).map_err(|fault| match fault.kind() {
        std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
            format!("{text} is out of range for int64")
        }
        _ => format!("expected value but found {text:?} instead"),
    })
}

/// A date, a time, both, or both with an offset.
fn date(text: &str) -> Option<Val> {
    let text = text.replacen(' ', "T", 1).to_ascii_uppercase();
    let local = |name: &str| Zone::Fixed {
        name: name.to_owned(),
        offset: 0,
    };
    let forms: [(&[u8], Option<&str>); 4] = [
        (b"2006-01-02T15:04:05Z07:00", None),
        (b"2006-01-02T15:04:05", Some("datetime-local")),
        (b"2006-01-02", Some("date-local")),
        (b"15:04:05", Some("time-local")),
    ];
    forms.into_iter().find_map(|(layout, name)| {
        let zone = name.map_or(Zone::Utc, local);
        let time = Time::parse(layout, text.as_bytes(), &zone).ok()?;
        let civil: Civil = time.civil();
        ((0..10_000).contains(&civil.year)).then(|| time.into_val())
    })
}
