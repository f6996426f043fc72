//! Documents in the style that most values and manifests are written in: blocks of
//! keys and dashes, scalars beside or below them. They are read line by line, which
//! takes a fraction of what a parser of all of YAML takes.
//!
//! Invariant: what is read here, the composer reads in the same way; whatever is
//! not plain beyond doubt (anchors, tags, flow mappings, keys that are no text,
//! anything wrong) is left to it, errors and all.

use super::compose::{into_json, resolved};
use super::resolve::{Scalar, resolve};
use super::rules::{Duplicates, Place, Rules};
use crate::value::{Map, Value};
use memchr::{memchr, memchr_iter, memchr2, memchr3};

/// What nests deeper is left to the composer, which counts.
const MAX_DEPTH: usize = 60;
const MAX_KEY_BYTES: usize = 128;

/// The first document, if all of it is plain.
pub fn read(text: &str, rules: Rules) -> Option<Value> {
    let mut reader = Reader::new(text, rules)?;
    let root = reader.block(1, Place::Elsewhere)?;
    (reader.indent == END).then_some(root)
}

/// The same, but of a mapping only the keys that `keeps` names.
pub fn read_head(text: &str, rules: Rules, keeps: &dyn Fn(&str) -> bool) -> Option<Value> {
    const DEPTH: usize = 1;
    let mut reader = Reader::new(text, rules)?;
    let mut map = Map::new();
    let indent = reader.indent;
    while reader.indent == indent {
        let (key, behind) = reader.key()?;
        reader.at = behind;
        if keeps(key) {
            let value = reader.member::<Value>(indent, DEPTH, Place::Elsewhere)?;
            reader.insert(&mut map, key, value)?;
        } else {
            reader.member::<()>(indent, DEPTH, Place::Elsewhere)?;
        }
    }
    (reader.indent == END).then_some(Value::Map(map))
}

/// What a node becomes: a value, or nothing, where it is read to be passed over.
trait Made: Sized {
    /// Whether anything is kept.
    const KEPT: bool;
    type Entries: Default;

    fn null() -> Self;
    fn text(text: String) -> Self;
    fn scalar(text: &str, rules: Rules, place: Place) -> Option<Self>;
    fn list(items: Vec<Self>) -> Self;
    fn insert(reader: &Reader<'_>, into: &mut Self::Entries, key: &str, value: Self) -> Option<()>;
    fn map(entries: Self::Entries) -> Self;
}

impl Made for Value {
    const KEPT: bool = true;
    type Entries = Map;

    fn null() -> Self {
        Value::Null
    }

    fn text(text: String) -> Self {
        Value::Str(text)
    }

    fn scalar(text: &str, rules: Rules, place: Place) -> Option<Self> {
        into_json(resolved(text.into(), rules.dialect, place)).ok()
    }

    fn list(mut items: Vec<Self>) -> Self {
        items.shrink_to_fit();
        Value::Seq(items)
    }

    fn insert(reader: &Reader<'_>, into: &mut Map, key: &str, value: Self) -> Option<()> {
        reader.insert(into, key, value)
    }

    fn map(entries: Map) -> Self {
        Value::Map(entries)
    }
}

impl Made for () {
    const KEPT: bool = false;
    type Entries = ();

    fn null() -> Self {}

    fn text(_: String) -> Self {}

    fn scalar(text: &str, rules: Rules, place: Place) -> Option<Self> {
        // Only numbers may be what JSON cannot hold.
        if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Some(());
        }
        Value::scalar(text, rules, place).map(drop)
    }

    fn list(_: Vec<Self>) -> Self {}

    fn insert(_: &Reader<'_>, (): &mut (), _: &str, (): Self) -> Option<()> {
        Some(())
    }

    fn map((): ()) -> Self {}
}

/// The indent of what stands behind the last line.
const END: isize = -1;

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    /// The column of `at`, where it is the first on its line or behind dashes.
    indent: isize,
    rules: Rules,
}

impl<'t> Reader<'t> {
    /// At the first content of a text, if it has some and every character is plain.
    fn new(text: &'t str, rules: Rules) -> Option<Self> {
        if !has_plain_characters(text) {
            return None;
        }
        let mut reader = Reader {
            text,
            bytes: text.as_bytes(),
            at: 0,
            indent: END,
            rules,
        };
        reader.content_from(0)?;
        (reader.indent != END).then_some(reader)
    }

    fn here(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn is_line_end(&self) -> bool {
        matches!(self.here(), None | Some(b'\n'))
    }

    /// A dash, with a space or nothing behind it.
    fn is_dash(&self) -> bool {
        self.here() == Some(b'-')
            && matches!(self.bytes.get(self.at + 1), None | Some(b' ' | b'\n'))
    }

    fn pass_spaces(&mut self) {
        while self.here() == Some(b' ') {
            self.at += 1;
        }
    }

    fn line_end(&self) -> usize {
        memchr(b'\n', &self.bytes[self.at..]).map_or(self.bytes.len(), |n| self.at + n)
    }

    /// Goes to the next line that has more than blanks and a comment, of those that
    /// begin with the one at `start`.
    fn content_from(&mut self, start: usize) -> Option<()> {
        let mut start = start;
        loop {
            self.at = start;
            self.pass_spaces();
            match self.here() {
                None => {
                    self.indent = END;
                    return Some(());
                }
                Some(b'\t') => return None,
                Some(b'\n') => {}
                Some(b'#') => self.at = self.line_end(),
                Some(_) => {
                    let rest = &self.bytes[self.at..];
                    let ends_document = rest.starts_with(b"---") || rest.starts_with(b"...");
                    self.indent = (self.at - start) as isize;
                    return (self.indent > 0 || !ends_document).then_some(());
                }
            }
            if self.at == self.bytes.len() {
                start = self.at;
            } else {
                start = self.at + 1;
            }
        }
    }

    /// Passes blanks and a comment up to the end of the line.
    fn pass_line_end(&mut self) -> Option<()> {
        let from = self.at;
        self.pass_spaces();
        if self.here() == Some(b'#') && self.at > from {
            self.at = self.line_end();
        }
        self.is_line_end().then_some(())
    }

    /// From the end of a line to the next content.
    fn next_content(&mut self) -> Option<()> {
        self.content_from((self.at + 1).min(self.bytes.len()))
    }

    /// A sequence or a mapping, whose first entry is here.
    fn block<M: Made>(&mut self, depth: usize, place: Place) -> Option<M> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.is_dash() {
            self.sequence(depth, place)
        } else {
            self.mapping(depth, place)
        }
    }

    fn sequence<M: Made>(&mut self, depth: usize, place: Place) -> Option<M> {
        if depth > MAX_DEPTH {
            return None;
        }
        let indent = self.indent;
        let mut items = Vec::new();
        while self.indent == indent && self.is_dash() {
            let dash = self.at;
            self.at += 1;
            self.pass_spaces();
            // Of a comment, the space in front of it has to be seen.
            let is_empty = self.is_line_end() || self.here() == Some(b'#');
            items.push(if is_empty {
                self.at = dash + 1;
                self.below(indent, depth, place, false)?
            } else {
                self.indent = indent + (self.at - dash) as isize;
                if self.is_dash() || self.key().is_some() {
                    self.block(depth + 1, place)?
                } else {
                    self.on_line(indent, depth, place)?
                }
            });
        }
        (self.indent <= indent).then(|| M::list(items))
    }

    fn mapping<M: Made>(&mut self, depth: usize, place: Place) -> Option<M> {
        let indent = self.indent;
        let mut entries = M::Entries::default();
        while self.indent == indent {
            let (key, behind) = self.key()?;
            self.at = behind;
            let place = self.rules.place_of(place, depth, key);
            let value = self.member(indent, depth, place)?;
            M::insert(self, &mut entries, key, value)?;
        }
        (self.indent < indent).then(|| M::map(entries))
    }

    /// The value of a key, behind its colon.
    fn member<M: Made>(&mut self, indent: isize, depth: usize, place: Place) -> Option<M> {
        let colon = self.at;
        self.pass_spaces();
        if self.is_line_end() || self.here() == Some(b'#') {
            self.at = colon;
            return self.below(indent, depth, place, true);
        }
        self.on_line(indent, depth, place)
    }

    /// What stands on the next lines, further in than `indent`; the dashes of a key's
    /// sequence may stand below the key.
    fn below<M: Made>(
        &mut self,
        indent: isize,
        depth: usize,
        place: Place,
        is_member: bool,
    ) -> Option<M> {
        self.pass_line_end()?;
        self.next_content()?;
        if self.indent > indent || is_member && self.indent == indent && self.is_dash() {
            return if self.is_dash() || self.key().is_some() {
                self.block(depth + 1, place)
            } else {
                self.on_line(indent, depth, place)
            };
        }
        Some(M::null())
    }

    /// A value that begins here, in a collection of that indent.
    fn on_line<M: Made>(&mut self, indent: isize, depth: usize, place: Place) -> Option<M> {
        let value = match self.here()? {
            b'"' | b'\'' => M::text(self.quoted::<M>(indent)?),
            b'[' => self.flow_sequence(indent, depth + 1, place)?,
            b'{' => {
                self.at += 1;
                self.pass_spaces();
                (self.here() == Some(b'}')).then_some(())?;
                self.at += 1;
                M::map(M::Entries::default())
            }
            b'|' => return self.literal(indent, false),
            b'>' => return self.literal(indent, true),
            _ => self.plain(indent, place)?,
        };
        self.pass_line_end()?;
        self.next_content()?;
        Some(value)
    }

    /// A key and the place behind its colon.
    fn key(&self) -> Option<(&'t str, usize)> {
        let quote = self.here()?;
        let (key, end) = if matches!(quote, b'"' | b'\'') {
            let start = self.at + 1;
            let end = start + memchr2(quote, b'\n', &self.bytes[start..])?;
            let key = &self.text[start..end];
            (self.bytes[end] == quote && !key.contains('\\')).then_some(())?;
            (key, end + 1)
        } else {
            let is_first = |byte: u8| byte.is_ascii_alphanumeric() || b"_./$".contains(&byte);
            is_first(quote).then_some(())?;
            let rest = &self.bytes[self.at..];
            let n = rest.iter().position(|b| !is_first(*b) && *b != b'-')?;
            let key = &self.text[self.at..self.at + n];
            matches!(resolve(key), Scalar::Str).then_some(())?;
            (key, self.at + n)
        };
        let is_key = self.bytes.get(end) == Some(&b':')
            && matches!(self.bytes.get(end + 1), None | Some(b' ' | b'\n'))
            && key.len() <= MAX_KEY_BYTES;
        is_key.then_some((key, end + 1))
    }

    /// A plain scalar, on as many lines as stand further in than `parent`.
    fn plain<M: Made>(&mut self, parent: isize, place: Place) -> Option<M> {
        let may_begin = match self.here()? {
            b'-' => {
                let second = self.bytes.get(self.at + 1);
                second.is_some_and(|b| b.is_ascii_alphanumeric() || b"-./_".contains(b))
            }
            first => {
                first.is_ascii_alphanumeric() || b"_/.+($^~;=<\\)".contains(&first) || first >= 0x80
            }
        };
        may_begin.then_some(())?;
        let first = self.plain_line()?;
        let mut more = String::new();
        while self.is_line_end()
            && let Some((n_blank, at)) = self.line_within(parent)?
            && self.bytes[at] != b'#'
        {
            self.at = at;
            let line = self.plain_line()?;
            if M::KEPT {
                more.push_str(if n_blank == 0 { " " } else { "" });
                more.extend(std::iter::repeat_n('\n', n_blank));
                more.push_str(line);
            }
        }
        if more.is_empty() {
            M::scalar(first, self.rules, place)
        } else {
            M::scalar(&format!("{first}{more}"), self.rules, place)
        }
    }

    /// What a line has of a plain scalar; goes to the line's end, or to its comment.
    fn plain_line(&mut self) -> Option<&'t str> {
        let line = &self.text[self.at..self.line_end()];
        let is_comment = |at: usize| at > 0 && line.as_bytes()[at - 1] == b' ';
        let comment = memchr_iter(b'#', line.as_bytes()).find(|at| is_comment(*at));
        let text = line[..comment.unwrap_or(line.len())].trim_end_matches(' ');
        let bytes = text.as_bytes();
        let is_colon = |at: usize| matches!(bytes.get(at + 1), None | Some(b' '));
        let is_odd = memchr(b'\t', bytes).is_some() || memchr_iter(b':', bytes).any(is_colon);
        (!is_odd).then_some(())?;
        self.at += comment.map_or(line.len(), |at| at - 1);
        Some(text)
    }

    /// Behind the end of this line: the number of blank lines, and where the next one
    /// begins, if it stands further in than `parent`.
    fn line_within(&self, parent: isize) -> Option<Option<(usize, usize)>> {
        let (mut n_blank, mut line_end) = (0, self.at);
        loop {
            if line_end == self.bytes.len() {
                return Some(None);
            }
            let start = line_end + 1;
            let n_spaces = self.bytes[start..]
                .iter()
                .take_while(|b| **b == b' ')
                .count();
            let at = start + n_spaces;
            match self.bytes.get(at) {
                None => return Some(None),
                Some(b'\t') => return None,
                Some(b'\n') => {
                    n_blank += 1;
                    line_end = at;
                }
                Some(_) if n_spaces as isize > parent => return Some(Some((n_blank, at))),
                Some(_) => return Some(None),
            }
        }
    }

    /// A quoted scalar, whose lines stand further in than `parent`.
    fn quoted<M: Made>(&mut self, parent: isize) -> Option<String> {
        let quote = self.here()?;
        let mut text = String::new();
        // Where spaces begin that a line break takes away.
        let mut kept = 0;
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let n = match quote {
                b'"' => memchr3(b'"', b'\\', b'\n', rest)?,
                _ => memchr2(b'\'', b'\n', rest)?,
            };
            if M::KEPT {
                text.push_str(&self.text[self.at..self.at + n]);
            }
            let found = rest[n];
            self.at += n;
            if found == b'\n' {
                let (n_blank, at) = self.line_within(parent)??;
                let n_text = text[kept..].trim_end_matches([' ', '\t']).len();
                text.truncate(kept + n_text);
                if n_blank == 0 {
                    text.push(' ');
                }
                text.extend(std::iter::repeat_n('\n', n_blank));
                kept = text.len();
                self.at = at;
                continue;
            }
            self.at += 1;
            let escaped = match (found, self.here()) {
                (b'\'', Some(b'\'')) => '\'',
                (b'\'' | b'"', _) => return Some(text),
                (_, Some(b'n')) => '\n',
                (_, Some(b't')) => '\t',
                (_, Some(same @ (b'"' | b'\\' | b'/'))) => char::from(same),
                _ => return None,
            };
            self.at += 1;
            text.push(escaped);
            kept = text.len();
        }
    }

    /// `[a, "b", 3]` on one line.
    fn flow_sequence<M: Made>(&mut self, parent: isize, depth: usize, place: Place) -> Option<M> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.at += 1;
        self.pass_spaces();
        let mut items = Vec::new();
        if self.here() != Some(b']') {
            loop {
                items.push(match self.here()? {
                    b'"' | b'\'' => M::text(self.quoted::<M>(parent)?),
                    first => {
                        let is_inside = |b: &u8| b.is_ascii_alphanumeric() || b"_./-+".contains(b);
                        let rest = &self.bytes[self.at..];
                        let n = rest.iter().take_while(|b| is_inside(b)).count();
                        (first.is_ascii_alphanumeric() || b"_/".contains(&first)).then_some(())?;
                        let text = &self.text[self.at..self.at + n];
                        self.at += n;
                        M::scalar(text, self.rules, place)?
                    }
                });
                self.pass_spaces();
                match self.here()? {
                    b']' => break,
                    b',' => self.at += 1,
                    _ => return None,
                }
                self.pass_spaces();
            }
        }
        self.at += 1;
        Some(M::list(items))
    }

    /// A block scalar, literal or folded, whose header is here.
    fn literal<M: Made>(&mut self, parent: isize, is_folded: bool) -> Option<M> {
        self.at += 1;
        let chomping = self.here();
        if let Some(b'+' | b'-') = chomping {
            self.at += 1;
        }
        self.pass_line_end()?;
        let mut text = String::new();
        let mut indent = None;
        // Blank lines since the last that is not, and the widest in front of the first.
        let (mut n_blank, mut widest) = (0, 0);
        loop {
            let line_end = self.at;
            if line_end == self.bytes.len() {
                // To a last line without an end, none is added.
                indent?;
                self.indent = END;
                return Some(M::text(text));
            }
            self.at += 1;
            let start = self.at;
            self.pass_spaces();
            let n_spaces = self.at - start;
            if self.at == self.bytes.len() {
                (n_spaces == 0).then_some(())?;
                self.indent = END;
                break;
            }
            if self.is_line_end() {
                n_blank += 1;
                match indent {
                    None => widest = widest.max(n_spaces),
                    Some(indent) => (n_spaces <= indent).then_some(())?,
                }
                continue;
            }
            let known = match indent {
                Some(indent) => indent,
                None if n_spaces as isize > parent => {
                    let is_clear = widest <= n_spaces && self.here() != Some(b'\t');
                    *indent.insert(is_clear.then_some(n_spaces)?)
                }
                None => usize::MAX,
            };
            if n_spaces < known {
                (n_spaces as isize <= parent).then_some(())?;
                self.at = line_end;
                self.next_content()?;
                break;
            }
            let is_first = text.is_empty() && n_blank == 0;
            self.at = start + known;
            let end = self.line_end();
            if M::KEPT {
                let is_apart = is_folded && matches!(self.here(), Some(b' ' | b'\t'));
                (!is_apart).then_some(())?;
                let is_inside = text.bytes().any(|byte| byte != b'\n');
                if is_folded && is_inside {
                    text.push_str(if n_blank == 0 { " " } else { "" });
                    text.extend(std::iter::repeat_n('\n', n_blank));
                } else if !is_first {
                    text.extend(std::iter::repeat_n('\n', n_blank + usize::from(is_inside)));
                }
                text.push_str(&self.text[self.at..end]);
            }
            n_blank = 0;
            self.at = end;
        }
        match chomping {
            Some(b'-') => {}
            Some(b'+') => {
                // Of blank lines alone, the rules differ.
                indent?;
                text.extend(std::iter::repeat_n('\n', n_blank + 1));
            }
            _ if indent.is_some() => text.push('\n'),
            _ => {}
        }
        Some(M::text(text))
    }

    /// False of a key that stands there already, where that is an error.
    fn insert(&self, map: &mut Map, key: &str, value: Value) -> Option<()> {
        let is_double = map.insert(key, value).is_some();
        (!is_double || self.rules.duplicates == Duplicates::LastWins).then_some(())
    }
}

/// No control character but line feed and tab, no other line break, and no mark of
/// byte order.
fn has_plain_characters(text: &str) -> bool {
    // Eight bytes at a time; the high bits of those that are zero.
    const LOW: u64 = each(0x7f);
    let zeros = |word: u64| !(((word & LOW) + LOW) | word | LOW);
    let controls = |word: u64| {
        let are_fine = zeros(word ^ each(b'\n')) | zeros(word ^ each(b'\t'));
        zeros(word & each(0xe0)) & !are_fine | zeros(word ^ each(0x7f))
    };
    let (words, rest) = text.as_bytes().as_chunks();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut words = words.iter().chain([&last]);
    if words.any(|word| controls(u64::from_ne_bytes(*word)) != 0) {
        return false;
    }
    let is_odd = |c: char| {
        matches!(
            c,
            '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    };
    text.is_ascii() || !text.chars().any(is_odd)
}

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use super::super::compose::Composer;
    use super::*;

    /// What is read is what the composer reads.
    fn check(text: &str) -> bool {
        let mut n_read = 0;
        for rules in [
            Rules::V2,
            Rules::V2_STRICT,
            Rules::KYAML,
            Rules::KYAML_ELSEWHERE,
        ] {
            let composed = || Composer::new(text, rules).and_then(Composer::first_document);
            if let Some(value) = read(text, rules) {
                assert_eq!(Ok(value), composed(), "{text:?} by {rules:?}");
                n_read += 1;
            }
        }
        let keeps = |key: &str| key.len().is_multiple_of(2);
        if let Some(head) = read_head(text, Rules::V2, &keeps) {
            let composed =
                Composer::new(text, Rules::V2).and_then(|it| it.first_document_of(&keeps));
            assert_eq!(Ok(head), composed, "{text:?}");
        }
        n_read > 0
    }

    #[test]
    fn it_is_read_as_the_composer_reads_it() {
        let texts = [
            "a: 1\n",
            "# comment\n\na: 1 # one\nb: yes\nc:\nd: ~\n",
            "- a\n-\n- - b\n  - c\n- d: e\n  f: g\n",
            "a:\n- b\n- c:\n  - d\ne: f\n",
            "a:\n    b:\n        c: 0644\n    d: 1.50\n",
            "a: \"x\\n\\t\\\"y\\\"\\\\\" # c\nb: 'it''s'\n\"c\": ''\n'd/e': \"\"\n",
            "a: [1, \"b\", 'c', d.e/f]\nb: []\nc: {}\nd: [ ]\ne: { }\n",
            "a: |\n  b\n   c\n\n  d\n\ne: |-\n  f\ng: |+\n  h\n\n\ni: >\n  j\n  k\n\n  l\n",
            "a: |\n\n  b\nc: >-\n\n\n  d\n",
            "a: |\n  b",
            "a: |-\n  b\n\n\n",
            "a: |\nb: >-\n",
            "- |\n  a\n- >-\n  b\n",
            "a: one\n  two\n\n  three # end\nb: 'one\n  two'\nc: \"one \n\n  two\\t \n  \"\n",
            "- one\n  two\n- 1\n  2\n",
            "  a: 1\n  b: 2\n",
            "2020-01-01: a\n",
            "a: 2020-01-01\nb: 12e03\nc: 1_000\nd: 0x1F\ne: 18446744073709551615\n",
            "metadata:\n  annotations:\n    a: 1.0\n    b: yes\n    c: [1.0, 0x1]\n",
            "a: http://b:80/c#d\ne: {{ f }}\n",
            "a: \u{201c}b\u{201d} \u{2026}\n",
        ];
        for text in texts {
            check(text);
        }
        assert!(texts[..15].iter().all(|text| check(text)));
    }

    #[test]
    fn characters_are_plain_that_every_reader_takes() {
        for c in (0..=0x2_ffff).filter_map(char::from_u32) {
            let is_control = c.is_control() && !matches!(c, '\n' | '\t');
            let odd = ['\u{2028}', '\u{2029}', '\u{feff}', '\u{fffe}', '\u{ffff}'];
            let is_plain = !is_control && !odd.contains(&c);
            for before in ["", "abcdefg", "a\tb\ncdefghijk"] {
                let text = format!("{before}{c}xyz");
                assert_eq!(has_plain_characters(&text), is_plain, "{text:?}");
            }
        }
    }

    /// Texts of pieces that mean something to a parser, in any order, and lines of
    /// any indent.
    #[test]
    fn of_texts_at_random_it_reads_what_the_composer_reads() {
        const PIECES: [&str; 64] = [
            "a",
            "b",
            "key",
            "metadata",
            "annotations",
            "1",
            "0",
            "1.0",
            ".5",
            "-1",
            "1e3",
            "0o7",
            "true",
            "yes",
            "null",
            "~",
            ".inf",
            ".nan",
            "2020-01-01",
            ":",
            ": ",
            ": ",
            ":\n",
            ":\n  ",
            "\n",
            "\n",
            "\n\n",
            "\n  ",
            "\n    ",
            "\n ",
            "- ",
            "- ",
            "-",
            "\n- ",
            "\n  - ",
            "#",
            " # c",
            "\"",
            "'",
            "''",
            "\\n",
            "\\",
            "|\n",
            "|-\n  ",
            "|+\n",
            ">\n  ",
            ">-\n",
            "[",
            "]",
            ", ",
            "{}",
            "[]",
            "{",
            "}",
            "&a ",
            "*a",
            "!!str ",
            "<<",
            "? ",
            "\t",
            " ",
            "  ",
            "\u{e9}",
            "---\n",
        ];
        const LINES: [&str; 48] = [
            "a:",
            "a:",
            "b: 1",
            "c: text",
            "metadata:",
            "annotations:",
            "d: 1.0",
            "- a",
            "-",
            "- b: c",
            "- - d",
            "- e:",
            "",
            "",
            "# comment",
            "f: # comment",
            "g: h # i",
            "\"j\": k",
            "'l':",
            "m: \"n\"",
            "o: 'p",
            "q'",
            "r: \"s",
            "t\"",
            "u: |",
            "v: >-",
            "w: |+",
            "- |",
            "x: [y, z]",
            "aa: []",
            "bb: {}",
            "cc: [",
            "]",
            "text",
            "more text",
            "dd: ee ff",
            "- gg hh",
            "ii: -1",
            "jj: - 1",
            "kk: yes",
            "on: 1",
            "- \"ll mm",
            "nn: &a 1",
            "oo: *a",
            "\tpp",
            "qq:\trr",
            "ss: 'tt' uu",
            "vv: \\",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let n_cases =
            std::env::var("DRUPELET_CASES").map_or(40_000, |n| n.parse().expect("a number"));
        let mut n_read = 0;
        for _ in 0..n_cases {
            let mut text = String::new();
            if random(2) == 0 {
                text.push_str(["key: ", ""][random(2)]);
                for _ in 0..=random(12) {
                    text.push_str(PIECES[random(PIECES.len())]);
                }
            } else {
                for _ in 0..=random(8) {
                    text.extend(std::iter::repeat_n(
                        ' ',
                        [0, 0, 2, 2, 4, 1, 3, 6][random(8)],
                    ));
                    text.push_str(LINES[random(LINES.len())]);
                    text.push('\n');
                }
            }
            n_read += usize::from(check(&text));
        }
        assert!(n_read > n_cases / 20, "{n_read} of {n_cases}");
    }
}
