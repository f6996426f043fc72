//! Documents in the style that most values and manifests are written in: blocks of
//! keys and dashes, scalars beside or below them. They are read line by line, which
//! takes a fraction of what a parser of all of YAML takes.
//!
//! Invariant: what is read here, the composer reads in the same way; whatever is
//! not plain beyond doubt (anchors, tags, flow mappings, keys that are no text,
//! anything wrong) is left to it, errors and all.

mod characters;

mod made;

mod scalars;

#[cfg(test)]
mod tests;

use super::resolve::{Scalar, resolve};
use super::rules::{Duplicates, Place, Rules};
use crate::value::{Map, Value};
use characters::has_plain_characters;
use made::Made;
use memchr::{memchr, memchr2};

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

    /// False of a key that stands there already, where that is an error.
    fn insert(&self, map: &mut Map, key: &str, value: Value) -> Option<()> {
        let is_double = map.insert(key, value).is_some();
        (!is_double || self.rules.duplicates == Duplicates::LastWins).then_some(())
    }
}
