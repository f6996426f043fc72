//! Go's regexp over the `regex` crate: the syntax is Go's own, translated, with
//! its errors; matches, replacements and splits follow Go's rules.
//!
//! Invariant: matching takes time linear in the text, whatever the pattern.

mod syntax;

mod class;

use super::strings::find;
use crate::gotmpl::strconv::{can_backquote, decode_rune, quote};
use crate::gotmpl::unicode::{is_digit, is_letter};
use regex::bytes::{Regex, RegexBuilder};
use std::borrow::Cow;
use std::ops::Range;

/// What a compiled expression may take.
const MAX_COMPILED_BYTES: usize = 16 << 20;

/// Groups in groups, as in Go.
const MAX_NESTING: u32 = 1_000;

pub struct Regexp {
    compiled: Regex,
    /// The names of the groups, the whole match first; empty where there is none.
    names: Vec<String>,
    is_empty: bool,
}

/// Where the groups of a match are.
type Groups = Vec<Option<Range<usize>>>;

impl Regexp {
    /// `regexp.Compile`
    pub fn compile(pattern: &[u8]) -> Result<Regexp, String> {
        let parsed = syntax::parse(pattern)?;
        let compiled = RegexBuilder::new(&parsed.pattern)
            .size_limit(MAX_COMPILED_BYTES)
            .nest_limit(MAX_NESTING)
            .build()
            .map_err(|fault| {
                let what = match fault {
                    regex::Error::CompiledTooBig(_) => "expression too large",
                    _ => "expression nests too deeply",
                };
                syntax::fault(what, pattern)
            })?;
        Ok(Regexp {
            compiled,
            names: parsed.names,
            is_empty: pattern.is_empty(),
        })
    }

    /// `regexp.MustCompile`, whose panic has a text of its own.
    pub fn must_compile(pattern: &[u8]) -> Result<Regexp, String> {
        Regexp::compile(pattern).map_err(|fault| {
            let shown = match can_backquote(pattern) {
                true => format!("`{}`", String::from_utf8_lossy(pattern)),
                false => quote(pattern),
            };
            format!("regexp: Compile({shown}): {fault}")
        })
    }

    pub fn is_match(&self, text: &[u8]) -> bool {
        self.find_from(&Haystack::new(text), 0).is_some()
    }

    /// `FindString`: the first match, empty where there is none.
    pub fn find<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let haystack = Haystack::new(text);
        let found = self.find_from(&haystack, 0);
        found.map_or(b"", |at| &text[haystack.original(at)])
    }

    /// `FindAllStringIndex`: so many at most, all below zero. No empty match
    /// right behind another match.
    pub fn find_all(&self, text: &[u8], n: i64) -> Vec<Range<usize>> {
        let haystack = Haystack::new(text);
        let len = haystack.text.len();
        let most = usize::try_from(n).unwrap_or(usize::MAX);
        let (mut found, mut at, mut last_end) = (Vec::new(), 0, None);
        while found.len() < most && at <= len {
            let Some(range) = self.find_from(&haystack, at) else {
                break;
            };
            let accepted = range.end != at || Some(range.start) != last_end;
            at = match range.end == at {
                true => at + haystack.width(at).max(1),
                false => range.end,
            };
            last_end = Some(range.end);
            if accepted {
                found.push(haystack.original(range));
            }
        }
        found
    }

    /// `ReplaceAllString` and its literal kin; `None` where nothing matches.
    pub fn replace_all(
        &self,
        text: &[u8],
        mut replacement: impl FnMut(&mut Vec<u8>, &Groups),
    ) -> Option<Vec<u8>> {
        let haystack = Haystack::new(text);
        let len = haystack.text.len();
        let (mut out, mut at, mut last_end, mut any) = (Vec::new(), 0, 0, false);
        while at <= len {
            let Some(groups) = self.groups_from(&haystack, at) else {
                break;
            };
            any = true;
            let whole = groups[0].clone().expect("a match has a whole");
            out.extend_from_slice(&text[haystack.original(last_end..whole.start)]);
            if whole.end > last_end || whole.start == 0 {
                let groups = groups
                    .into_iter()
                    .map(|group| group.map(|at| haystack.original(at)))
                    .collect();
                replacement(&mut out, &groups);
            }
            last_end = whole.end;
            let next = at + haystack.width(at);
            at = if next > whole.end {
                next
            } else if at + 1 > whole.end {
                at + 1
            } else {
                whole.end
            };
        }
        out.extend_from_slice(&text[haystack.original(last_end..len)]);
        any.then_some(out)
    }

    /// `Split`
    pub fn split<'t>(&self, text: &'t [u8], n: i64) -> Option<Vec<&'t [u8]>> {
        if n == 0 {
            return None;
        }
        if !self.is_empty && text.is_empty() {
            return Some(vec![text]);
        }
        let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
        for found in self.find_all(text, n) {
            if n > 0 && parts.len() as i64 == n - 1 {
                break;
            }
            end = found.start;
            if found.end != 0 {
                parts.push(&text[begin..end]);
            }
            begin = found.end;
        }
        if end != text.len() {
            parts.push(&text[begin..]);
        }
        Some(parts)
    }

    /// `Expand`: `$1`, `${name}`, `$$` in a template.
    pub fn expand(&self, out: &mut Vec<u8>, template: &[u8], text: &[u8], groups: &Groups) {
        let mut rest = template;
        while let Some(dollar) = find(rest, b"$") {
            out.extend_from_slice(&rest[..dollar]);
            rest = &rest[dollar + 1..];
            if let Some(tail) = rest.strip_prefix(b"$") {
                out.push(b'$');
                rest = tail;
                continue;
            }
            let Some((name, tail)) = reference(rest) else {
                out.push(b'$');
                continue;
            };
            rest = tail;
            let found = match number(name) {
                Some(number) => groups.get(number).cloned().flatten(),
                None => self.named(name, groups),
            };
            if let Some(range) = found {
                out.extend_from_slice(&text[range]);
            }
        }
        out.extend_from_slice(rest);
    }

    /// The first group of a name that took part.
    fn named(&self, name: &[u8], groups: &Groups) -> Option<Range<usize>> {
        let mut named = self.names.iter().zip(groups);
        named.find_map(|(own, group)| match own.as_bytes() == name {
            true => group.clone(),
            false => None,
        })
    }

    /// A match must not begin inside of a character, which `\B` alone could.
    fn find_from(&self, haystack: &Haystack<'_>, from: usize) -> Option<Range<usize>> {
        let mut at = from;
        loop {
            let found = self.compiled.find_at(haystack.text.as_bytes(), at)?.range();
            if haystack.text.is_char_boundary(found.start) {
                return Some(found);
            }
            at = found.start + 1;
        }
    }

    fn groups_from(&self, haystack: &Haystack<'_>, from: usize) -> Option<Groups> {
        let whole = self.find_from(haystack, from)?;
        if self.names.len() == 1 {
            return Some(vec![Some(whole)]);
        }
        let mut locations = self.compiled.capture_locations();
        let text = haystack.text.as_bytes();
        self.compiled
            .captures_read_at(&mut locations, text, from.max(whole.start))?;
        let group = |n| locations.get(n).map(|(start, end)| start..end);
        Some((0..locations.len()).map(group).collect())
    }
}

/// `name` or `{name}` behind a dollar sign, and what follows.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (braced, text) = match text.strip_prefix(b"{") {
        Some(tail) => (true, tail),
        None => (false, text),
    };
    let mut end = 0;
    while end < text.len() {
        let (rune, width) = decode_rune(&text[end..]);
        if !is_letter(rune) && !is_digit(rune) && rune != u32::from('_') {
            break;
        }
        end += width;
    }
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    match braced {
        true => Some((name, rest.strip_prefix(b"}")?)),
        false => Some((name, rest)),
    }
}

/// The number of a group; what is no number, or has a zero in front, is a name.
fn number(name: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(name).ok()?;
    let plain = digits == "0" || !digits.starts_with('0');
    let is_number = plain && digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// The text to search, with U+FFFD for each byte that is not UTF-8, as Go sees it.
struct Haystack<'t> {
    text: Cow<'t, str>,
    /// For each byte of `text` and its end, the place in the original; none
    /// where they are the same.
    places: Option<Vec<usize>>,
}

impl<'t> Haystack<'t> {
    fn new(original: &'t [u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(original) {
            return Haystack {
                text: Cow::Borrowed(text),
                places: None,
            };
        }
        let (mut text, mut places, mut at) = (String::new(), Vec::new(), 0);
        while at < original.len() {
            let (rune, width) = decode_rune(&original[at..]);
            text.push(char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER));
            places.resize(text.len(), at);
            at += width;
        }
        places.push(at);
        Haystack {
            text: Cow::Owned(text),
            places: Some(places),
        }
    }

    /// How long the character at a place is; 0 at the end.
    fn width(&self, at: usize) -> usize {
        self.text[at..].chars().next().map_or(0, char::len_utf8)
    }

    fn original(&self, range: Range<usize>) -> Range<usize> {
        match &self.places {
            None => range,
            Some(places) => places[range.start]..places[range.end],
        }
    }
}
