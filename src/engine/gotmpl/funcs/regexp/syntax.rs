//! Go's regular expressions (regexp/syntax of go1.26.8, the Perl flags) as
//! patterns of the `regex` crate.

use super::class;
use crate::gotmpl::strconv::{RUNE_ERROR, decode_rune};

/// Counts of nested repetitions, multiplied, go up to this.
const MAX_REPEAT: i64 = 1_000;

pub struct Parsed {
    pub pattern: String,
    /// The names of the groups, the whole match first.
    pub names: Vec<String>,
}

/// `*syntax.Error`
pub fn fault(what: &str, expression: &[u8]) -> String {
    let expression = String::from_utf8_lossy(expression);
    format!("error parsing regexp: {what}: `{expression}`")
}

pub fn parse(pattern: &[u8]) -> Result<Parsed, String> {
    let mut parser = Parser {
        whole: pattern,
        groups: vec![Group::default()],
        names: vec![String::new()],
    };
    parser.run()?;
    let top = parser
        .groups
        .pop()
        .expect("the outermost group is never closed");
    if !parser.groups.is_empty() {
        return Err(fault("missing closing )", pattern));
    }
    Ok(Parsed {
        pattern: top.into_text(),
        names: parser.names,
    })
}

/// An open group, or the whole.
#[derive(Default)]
struct Group {
    /// What it begins with: `(?:`, `(`.
    opening: &'static str,
    pieces: Vec<Piece>,
    /// The largest product of counts in it.
    repeat: i64,
}

/// A part of the translation.
struct Piece {
    text: String,
    /// What a repetition would repeat; not a flag, a bar.
    is_operand: bool,
    repeat: i64,
}

impl Group {
    fn into_text(self) -> String {
        let pieces = self.pieces.iter().map(|piece| piece.text.as_str());
        std::iter::once(self.opening).chain(pieces).collect()
    }
}

struct Parser<'p> {
    whole: &'p [u8],
    groups: Vec<Group>,
    names: Vec<String>,
}

type Fallible<T> = Result<T, String>;

/// The next rune and the rest; only UTF-8 is taken.
pub fn next_rune(text: &[u8]) -> Fallible<(u32, &[u8])> {
    let (rune, width) = decode_rune(text);
    if rune == RUNE_ERROR && width == 1 {
        return Err(fault("invalid UTF-8", text));
    }
    Ok((rune, &text[width..]))
}

pub fn check_utf8(text: &[u8]) -> Fallible<()> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(fault("invalid UTF-8", &text[error.valid_up_to()..])),
    }
}

/// A character of the pattern, whatever it means there. Half of a surrogate
/// pair, which an escape may write, matches nothing.
fn literal(rune: u32) -> String {
    match char::from_u32(rune) {
        Some(c) if c.is_ascii_alphanumeric() => c.to_string(),
        Some(_) => format!("\\x{{{rune:x}}}"),
        None => r"[^\x{0}-\x{10ffff}]".to_owned(),
    }
}

impl<'p> Parser<'p> {
    fn group(&mut self) -> &mut Group {
        self.groups
            .last_mut()
            .expect("the outermost group is never closed")
    }

    fn push(&mut self, text: impl Into<String>, is_operand: bool) {
        self.group().pieces.push(Piece {
            text: text.into(),
            is_operand,
            repeat: 1,
        });
    }

    fn open(&mut self, opening: &'static str) {
        self.groups.push(Group {
            opening,
            ..Group::default()
        });
    }

    fn run(&mut self) -> Fallible<()> {
        let mut rest = self.whole;
        let mut last_repeat: &[u8] = b"";
        while let Some(&first) = rest.first() {
            let before = rest;
            let mut repeated = false;
            match first {
                b'(' if rest.get(1) == Some(&b'?') => rest = self.perl_group(rest)?,
                b'(' => {
                    self.names.push(String::new());
                    self.open("(");
                    rest = &rest[1..];
                }
                b')' => {
                    self.close()?;
                    rest = &rest[1..];
                }
                b'|' => {
                    self.push("|", false);
                    rest = &rest[1..];
                }
                b'^' | b'$' | b'.' => {
                    self.push(char::from(first), true);
                    rest = &rest[1..];
                }
                b'[' => {
                    let (class, after) = class::bracketed(rest)?;
                    self.push(class, true);
                    rest = after;
                }
                b'*' | b'+' | b'?' => {
                    rest = self.repeat(before, &rest[1..], None, last_repeat)?;
                    repeated = true;
                }
                b'{' => match counts(rest) {
                    None => {
                        self.push(literal(u32::from(first)), true);
                        rest = &rest[1..];
                    }
                    Some((count, after)) => {
                        if count.is_wrong() {
                            let text = &before[..before.len() - after.len()];
                            return Err(fault("invalid repeat count", text));
                        }
                        rest = self.repeat(before, after, Some(count), last_repeat)?;
                        repeated = true;
                    }
                },
                b'\\' => rest = self.escape(rest)?,
                _ => {
                    let (rune, after) = next_rune(rest)?;
                    self.push(literal(rune), true);
                    rest = after;
                }
            }
            last_repeat = if repeated { before } else { b"" };
        }
        Ok(())
    }

    fn close(&mut self) -> Fallible<()> {
        if self.groups.len() < 2 {
            return Err(fault("unexpected )", self.whole));
        }
        let group = self.groups.pop().expect("there are two");
        let repeat = group.repeat.max(1);
        let text = group.into_text() + ")";
        let outer = self.group();
        outer.repeat = outer.repeat.max(repeat);
        outer.pieces.push(Piece {
            text,
            is_operand: true,
            repeat,
        });
        Ok(())
    }

    /// Puts a repetition on what stands before it.
    fn repeat<'t>(
        &mut self,
        before: &'t [u8],
        mut after: &'t [u8],
        count: Option<Count>,
        last_repeat: &[u8],
    ) -> Fallible<&'t [u8]> {
        let lazy = after.strip_prefix(b"?");
        after = lazy.unwrap_or(after);
        let text = &before[..before.len() - after.len()];
        if !last_repeat.is_empty() {
            let doubled = &last_repeat[..last_repeat.len() - after.len()];
            return Err(fault("invalid nested repetition operator", doubled));
        }
        let group = self.group();
        let bar = group.pieces.iter().rposition(|piece| piece.text == "|");
        let operand = group
            .pieces
            .iter_mut()
            .enumerate()
            .rev()
            .find(|(at, piece)| piece.is_operand && bar.is_none_or(|bar| *at > bar));
        let Some((_, operand)) = operand else {
            return Err(fault("missing argument to repetition operator", text));
        };
        let written = std::str::from_utf8(text).expect("repetitions are ASCII");
        operand.text.push_str(written);
        if let Some(count) = count {
            operand.repeat = match count.most {
                Some(0) => 1,
                most => operand.repeat * most.unwrap_or(count.least).max(1),
            };
            let counted = count.least >= 2 || count.most.is_some_and(|most| most >= 2);
            if counted && operand.repeat > MAX_REPEAT {
                return Err(fault("invalid repeat count", text));
            }
        }
        group.repeat = group.repeat.max(operand.repeat);
        Ok(after)
    }

    /// `(?P<name>`, `(?i)`, `(?i:`.
    fn perl_group<'t>(&mut self, text: &'t [u8]) -> Fallible<&'t [u8]> {
        let python = text.len() > 4 && text[2..].starts_with(b"P<");
        let perl = text.len() > 3 && text[2] == b'<';
        if python || perl {
            let Some(end) = text.iter().position(|b| *b == b'>') else {
                check_utf8(text)?;
                return Err(fault("invalid named capture", text));
            };
            let name = &text[if perl { 3 } else { 4 }..end];
            check_utf8(name)?;
            let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
            if name.is_empty() || !name.iter().all(word) {
                return Err(fault("invalid named capture", &text[..=end]));
            }
            self.names.push(String::from_utf8_lossy(name).into_owned());
            self.open("(");
            return Ok(&text[end + 1..]);
        }
        let mut rest = &text[2..];
        let (mut negated, mut saw_flag, mut flags) = (false, false, String::from("(?"));
        while !rest.is_empty() {
            let (rune, after) = next_rune(rest)?;
            rest = after;
            match char::from_u32(rune) {
                Some(flag @ ('i' | 'm' | 's' | 'U')) => {
                    // Go takes a flag twice, the regex crate does not.
                    if !flags.contains(flag) {
                        flags.push(flag);
                    }
                    saw_flag = true;
                }
                Some('-') if !negated => {
                    negated = true;
                    flags.push('-');
                    saw_flag = false;
                }
                Some(end @ (':' | ')')) if !negated || saw_flag => {
                    if end == ':' {
                        self.open("(?:");
                    }
                    // An empty set of flags changes nothing.
                    if flags.len() > 2 {
                        self.push(flags + ")", false);
                    }
                    return Ok(rest);
                }
                _ => break,
            }
        }
        let wrong = &text[..text.len() - rest.len()];
        Err(fault("invalid or unsupported Perl syntax", wrong))
    }

    fn escape<'t>(&mut self, text: &'t [u8]) -> Fallible<&'t [u8]> {
        let simple = match text.get(1) {
            Some(b'A') => r"\A",
            Some(b'z') => r"\z",
            Some(b'b') => r"(?-u:\b)",
            Some(b'B') => r"(?-u:\B)",
            Some(b'C') => return Err(fault("invalid escape sequence", &text[..2])),
            Some(b'Q') => {
                let quoted = &text[2..];
                let end = super::find(quoted, br"\E");
                let mut left = &quoted[..end.unwrap_or(quoted.len())];
                while !left.is_empty() {
                    let (rune, after) = next_rune(left)?;
                    self.push(literal(rune), true);
                    left = after;
                }
                return Ok(end.map_or(&quoted[quoted.len()..], |end| &quoted[end + 2..]));
            }
            _ => {
                if let Some((class, after)) = class::escaped(text)? {
                    self.push(format!("[{class}]"), true);
                    return Ok(after);
                }
                let (rune, after) = class::character(text)?;
                self.push(literal(rune), true);
                return Ok(after);
            }
        };
        self.push(simple, true);
        Ok(&text[2..])
    }
}

/// `{2,5}`
struct Count {
    least: i64,
    /// None is no limit.
    most: Option<i64>,
}

impl Count {
    fn is_wrong(&self) -> bool {
        self.least > MAX_REPEAT
            || self
                .most
                .is_some_and(|most| most > MAX_REPEAT || self.least > most)
    }
}

/// Counts in braces and what follows; none where the brace is just a brace.
fn counts(text: &[u8]) -> Option<(Count, &[u8])> {
    let (least, rest) = count(text.strip_prefix(b"{")?)?;
    let (most, rest) = match rest.strip_prefix(b",") {
        None => (Some(least), rest),
        Some(rest) if rest.first() == Some(&b'}') => (None, rest),
        Some(rest) => {
            let (most, rest) = count(rest)?;
            (Some(most), rest)
        }
    };
    Some((Count { least, most }, rest.strip_prefix(b"}")?))
}

/// A number without zeros in front; a huge one is some huge one.
fn count(text: &[u8]) -> Option<(i64, &[u8])> {
    let n = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(n);
    if digits.is_empty() || digits.len() > 1 && digits[0] == b'0' {
        return None;
    }
    let number = digits.iter().fold(0_i64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    Some((number, rest))
}
