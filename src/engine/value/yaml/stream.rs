//! Streams of several documents, split where Kubernetes' YAML reader splits:
//! at lines that begin with `---`, whatever the YAML around them.

use super::{Value, YamlError, parse_one};
use std::borrow::Cow;

/// One document of a stream, not yet parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawDocument<'a> {
    /// The line of the stream in which `text` begins, from 1.
    pub line: usize,
    pub text: &'a str,
}

impl RawDocument<'_> {
    /// The first line of the stream that is neither blank nor a comment in it.
    pub fn content_line(&self) -> usize {
        let is_content = |line: &str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        };
        self.line + self.text.lines().position(is_content).unwrap_or(0)
    }

    /// The document as a value; positions in errors are those of the stream.
    pub fn parse(&self) -> Result<Value, YamlError> {
        parse_one(self.text).map_err(|error| error.in_file_from(self.line))
    }
}

/// One document of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The first line of the stream that is neither blank nor a comment in it.
    pub line: usize,
    pub value: Value,
}

/// All documents of a stream; those that are empty or null are left out. The
/// first fault ends it: where each document counts, use [`documents`].
pub fn parse_stream(text: &str) -> Result<Vec<Document>, YamlError> {
    let mut found = Vec::new();
    for raw in documents(text) {
        let raw = raw?;
        let value = raw.parse()?;
        if !value.is_null() {
            let line = raw.content_line();
            found.push(Document { line, value });
        }
    }
    Ok(found)
}

/// The documents of a stream. A separator with content behind it is an
/// error, as it is for Kubernetes' reader; what follows is still given out.
pub fn documents(text: &str) -> impl Iterator<Item = Result<RawDocument<'_>, YamlError>> {
    Documents {
        rest: Some(text),
        line: 1,
        fault: None,
    }
}

/// Bytes of a file as text: UTF-8 or, by their byte-order mark, UTF-16. The
/// mark is taken away.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, YamlError> {
    let wide = |to_unit: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2);
        if !units.remainder().is_empty() {
            return Err(YamlError::new(1, 1, "incomplete UTF-16 character"));
        }
        char::decode_utf16(units.map(|pair| to_unit([pair[0], pair[1]])))
            .collect::<Result<String, _>>()
            .map(Cow::Owned)
            .map_err(|_| YamlError::new(1, 1, "invalid UTF-16: unpaired surrogate"))
    };
    match bytes {
        [0xff, 0xfe, ..] => return wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => return wide(u16::from_be_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => {
            let valid = &bytes[..error.valid_up_to()];
            let line = 1 + valid.iter().filter(|b| **b == b'\n').count();
            let start = valid
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |at| at + 1);
            let column = 1 + String::from_utf8_lossy(&valid[start..]).chars().count();
            Err(YamlError::new(line, column, "invalid UTF-8 octet"))
        }
    }
}

struct Documents<'a> {
    rest: Option<&'a str>,
    line: usize,
    /// What is wrong with the separator behind the document given out last.
    fault: Option<YamlError>,
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<RawDocument<'a>, YamlError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(fault) = self.fault.take() {
                return Some(Err(fault));
            }
            let text = self.rest?;
            let first_line = self.line;
            let mut end = 0;
            self.rest = None;
            for line in text.split_inclusive('\n') {
                self.line += 1;
                let Some(behind) = line.strip_prefix("---") else {
                    end += line.len();
                    continue;
                };
                self.rest = Some(&text[end + line.len()..]);
                let behind = behind.trim();
                if !behind.is_empty() && !behind.starts_with('#') {
                    let problem = format!("invalid Yaml document separator: {behind}");
                    self.fault = Some(YamlError::new(self.line - 1, 1, problem));
                }
                break;
            }
            let text = &text[..end];
            if !text.trim().is_empty() {
                return Some(Ok(RawDocument {
                    line: first_line,
                    text,
                }));
            }
        }
    }
}
