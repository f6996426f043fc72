//! Scalars, on one line or several, and lists of them on one.

use super::made::Made;
use super::{END, MAX_DEPTH, Reader};
use crate::value::yaml::rules::Place;
use memchr::{memchr, memchr_iter, memchr2, memchr3};

impl<'t> Reader<'t> {
    /// A plain scalar, on as many lines as stand further in than `parent`.
    pub(super) fn plain<M: Made>(&mut self, parent: isize, place: Place) -> Option<M> {
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
    pub(super) fn quoted<M: Made>(&mut self, parent: isize) -> Option<String> {
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
    pub(super) fn flow_sequence<M: Made>(
        &mut self,
        parent: isize,
        depth: usize,
        place: Place,
    ) -> Option<M> {
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
    pub(super) fn literal<M: Made>(&mut self, parent: isize, is_folded: bool) -> Option<M> {
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
}
