//! `index.yaml`, read as a stream: of 20 MB, one chart's versions are kept.
//!
//! The text is never in memory as a whole, and nothing nests in here: a state
//! machine over the parser's events keeps what it wants and counts the rest.

use std::io::{self, BufRead, BufReader, Read};

use granit_parser::{Event, Parser};
use serde::{Deserialize, Serialize};

use crate::value::semver::{Constraint, Version};

/// An index above this is not read; the largest public ones have some 30 MB.
pub const MAX_INDEX_BYTES: u64 = 128 * 1024 * 1024;
/// Versions of one chart.
const MAX_VERSIONS: usize = 20_000;
/// Bytes of one version's fields that are kept.
const MAX_FIELD_BYTES: usize = 4096;
/// URLs of one version.
const MAX_URLS: usize = 8;
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// One entry of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedVersion {
    pub version: String,
    /// 64 hexadecimal digits, where the index has one.
    pub digest: Option<String>,
    /// As they stand there: absolute, or relative to the index.
    pub urls: Vec<String>,
}

/// The versions of `chart`, in the order of the index; `None` if it has no
/// such chart.
pub fn read_chart(index: impl Read, chart: &str) -> Result<Option<Vec<IndexedVersion>>, String> {
    let chars = Chars {
        input: BufReader::with_capacity(READ_BUFFER_BYTES, index.take(MAX_INDEX_BYTES + 1)),
        left: MAX_INDEX_BYTES,
        fault: None,
    };
    let chars = std::rc::Rc::new(std::cell::RefCell::new(chars));
    let source = std::rc::Rc::clone(&chars);
    let mut parser =
        Parser::new_from_iter(std::iter::from_fn(move || source.borrow_mut().next_char()));
    let mut reader = ChartReader::new(chart);
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                // An input that broke looks to the parser like one that ended.
                let fault = chars.borrow_mut().fault.take();
                return Err(fault.unwrap_or_else(|| error.to_string()));
            }
        };
        reader
            .take(event)
            .map_err(|cause| format!("line {}: {cause}", span.start.line()))?;
    }
    if let Some(fault) = chars.borrow_mut().fault.take() {
        return Err(fault);
    }
    reader.finish()
}

/// UTF-8 from a reader, one character at a time.
struct Chars<R> {
    input: BufReader<R>,
    left: u64,
    fault: Option<String>,
}

impl<R: Read> Chars<R> {
    fn next_char(&mut self) -> Option<char> {
        match self.try_next() {
            Ok(found) => found,
            Err(error) => {
                self.fault = Some(error.to_string());
                None
            }
        }
    }

    fn try_next(&mut self) -> io::Result<Option<char>> {
        if self.fault.is_some() {
            return Ok(None);
        }
        let Some(first) = self.byte()? else {
            return Ok(None);
        };
        if first < 0x80 {
            return Ok(Some(char::from(first)));
        }
        let n_bytes = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Err(io::Error::other("is not UTF-8")),
        };
        let mut bytes = [first, 0, 0, 0];
        for byte in &mut bytes[1..n_bytes] {
            *byte = self.byte()?.unwrap_or_default();
        }
        std::str::from_utf8(&bytes[..n_bytes])
            .ok()
            .and_then(|text| text.chars().next())
            .map(Some)
            .ok_or_else(|| io::Error::other("is not UTF-8"))
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let Some(byte) = self.input.fill_buf()?.first().copied() else {
            return Ok(None);
        };
        self.input.consume(1);
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            io::Error::other(format!("exceeds the limit of {MAX_INDEX_BYTES} bytes"))
        })?;
        Ok(Some(byte))
    }
}

/// Where in the document the events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the outermost mapping.
    Top,
    /// In `entries`, whose keys are charts.
    Entries,
    /// In the sequence of the wanted chart.
    Versions,
    /// In a mapping of that sequence.
    Version,
    /// In its `urls`.
    Urls,
}

struct ChartReader<'a> {
    chart: &'a str,
    at: Option<At>,
    /// The key whose value comes next, in a mapping.
    key: Option<String>,
    /// How deep in something that nobody wants.
    skipped: usize,
    version: IndexedVersion,
    found: Option<Vec<IndexedVersion>>,
    is_index: bool,
}

impl<'a> ChartReader<'a> {
    fn new(chart: &'a str) -> Self {
        Self {
            chart,
            at: None,
            key: None,
            skipped: 0,
            version: IndexedVersion::default(),
            found: None,
            is_index: false,
        }
    }

    fn finish(self) -> Result<Option<Vec<IndexedVersion>>, String> {
        if !self.is_index {
            return Err("has neither entries nor apiVersion".into());
        }
        Ok(self.found)
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::MappingStart(..) => self.open(true),
            Event::SequenceStart(..) => self.open(false),
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            Event::Scalar(text, ..) => self.scalar(&text),
            // What an alias names was seen where it stood; here it is nothing.
            Event::Alias(_) => self.scalar(""),
            _ => Ok(()),
        }
    }

    fn in_mapping(&self) -> bool {
        matches!(self.at, Some(At::Top | At::Entries | At::Version))
    }

    fn open(&mut self, mapping: bool) -> Result<(), String> {
        if self.skipped > 0 {
            self.skipped += 1;
            return Ok(());
        }
        let key = self.key.take();
        let next = match (self.at, key.as_deref(), mapping) {
            (None, _, true) => At::Top,
            (None, _, false) => return Err("is not an index".into()),
            (Some(At::Top), Some("entries"), true) => {
                self.is_index = true;
                At::Entries
            }
            (Some(At::Entries), Some(name), false) if name == self.chart => {
                self.found = Some(Vec::new());
                At::Versions
            }
            (Some(At::Versions), _, true) => {
                self.version = IndexedVersion::default();
                At::Version
            }
            (Some(At::Version), Some("urls"), false) => At::Urls,
            _ => {
                self.skipped = 1;
                return Ok(());
            }
        };
        self.at = Some(next);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(());
        }
        self.key = None;
        self.at = match self.at {
            Some(At::Urls) => Some(At::Version),
            Some(At::Version) => {
                let version = std::mem::take(&mut self.version);
                let found = self.found.get_or_insert_default();
                if found.len() >= MAX_VERSIONS {
                    return Err(format!("more than {MAX_VERSIONS} versions of one chart"));
                }
                // Helm drops entries without a version or a place to get it.
                if !version.version.is_empty() && !version.urls.is_empty() {
                    found.push(version);
                }
                Some(At::Versions)
            }
            Some(At::Versions) => Some(At::Entries),
            Some(At::Entries) => Some(At::Top),
            Some(At::Top) | None => None,
        };
        Ok(())
    }

    fn scalar(&mut self, text: &str) -> Result<(), String> {
        if self.skipped > 0 {
            return Ok(());
        }
        if self.in_mapping() && self.key.is_none() {
            let longest = MAX_FIELD_BYTES.min(text.len());
            self.key = Some(text.get(..longest).unwrap_or_default().to_owned());
            return Ok(());
        }
        let key = self.key.take();
        if text.len() > MAX_FIELD_BYTES {
            return Ok(());
        }
        match (self.at, key.as_deref()) {
            (Some(At::Top), Some("apiVersion")) => self.is_index = true,
            (Some(At::Top), Some("entries")) => self.is_index = true,
            (Some(At::Version), Some("version")) => self.version.version = text.to_owned(),
            (Some(At::Version), Some("digest")) => {
                let digest = text.strip_prefix("sha256:").unwrap_or(text);
                let digest = digest.to_ascii_lowercase();
                let is_sha256 = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
                self.version.digest = is_sha256.then_some(digest);
            }
            (Some(At::Urls), _) if self.version.urls.len() < MAX_URLS => {
                self.version.urls.push(text.to_owned());
            }
            (None, _) => return Err("is not an index".into()),
            _ => {}
        }
        Ok(())
    }
}

/// The version that is wanted: one that is written just so; else, from the
/// highest down, the first that fits (`IndexFile.Get` of Helm's pkg/repo).
pub(super) fn choose<'a>(
    versions: &'a [IndexedVersion],
    wanted: &str,
) -> Option<&'a IndexedVersion> {
    if !wanted.is_empty()
        && let Some(same) = versions.iter().find(|v| v.version == wanted)
    {
        return Some(same);
    }
    let constraint = Constraint::parse(if wanted.is_empty() { "*" } else { wanted }).ok()?;
    let mut parsed: Vec<(Version, &IndexedVersion)> = versions
        .iter()
        .filter_map(|entry| Some((Version::parse(&entry.version).ok()?, entry)))
        .collect();
    parsed.sort_by(|(a, _), (b, _)| b.compare(a));
    let fits = parsed
        .iter()
        .find(|(version, _)| constraint.matches(version));
    fits.map(|(_, entry)| *entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = r#"apiVersion: v1
entries:
  other:
  - version: 9.9.9
    urls: [x]
    maintainers: [{name: a, urls: [y]}]
  app:
  - annotations: {a: [b, {c: d}]}
    apiVersion: v2
    dependencies:
    - {name: app, version: 0.0.1, repository: "https://x"}
    digest: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF
    name: app
    urls:
    - https://example.org/app-1.2.0.tgz
    version: 1.2.0
  - version: "1.10.0"
    urls: [app-1.10.0.tgz, second.tgz]
    digest: sha256:x
  - version: 2.0.0-rc.1
    urls: [rc.tgz]
  - version: 3.0.0
  - urls: [none.tgz]
generated: "2026-01-01T00:00:00Z"
"#;

    #[test]
    fn one_charts_versions_are_kept() {
        let found = read_chart(INDEX.as_bytes(), "app")
            .expect("reads")
            .expect("has it");
        let versions: Vec<_> = found.iter().map(|v| v.version.as_str()).collect();
        assert_eq!(versions, ["1.2.0", "1.10.0", "2.0.0-rc.1"]);
        assert_eq!(found[0].urls, ["https://example.org/app-1.2.0.tgz"]);
        assert!(
            found[0]
                .digest
                .as_deref()
                .is_some_and(|d| d.ends_with("cdef"))
        );
        assert_eq!(found[1].digest, None);
        assert_eq!(found[1].urls.len(), 2);
        assert_eq!(read_chart(INDEX.as_bytes(), "none"), Ok(None));
    }

    #[test]
    fn json_is_an_index_too() {
        let json =
            r#"{"apiVersion":"v1","entries":{"app":[{"version":"1.0.0","urls":["é.tgz"]}]}}"#;
        let found = read_chart(json.as_bytes(), "app")
            .expect("reads")
            .expect("has it");
        assert_eq!(found[0].urls, ["é.tgz"]);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for text in [
            "",
            "<html>",
            "- a",
            "a: b",
            "entries: [",
            "entries:\n  app:\n\t- x",
            "apiVersion: v1\nentries:\n  app: [{version: 1.0.0, urls: [x]}",
            "\u{0}",
        ] {
            let found = read_chart(text.as_bytes(), "app");
            assert!(found.is_err(), "{text:?} is taken as {found:?}");
        }
        assert!(read_chart(&b"entries: \xff"[..], "app").is_err());
    }

    #[test]
    fn versions_are_chosen_as_helm_does() {
        let found = read_chart(INDEX.as_bytes(), "app")
            .expect("reads")
            .expect("has it");
        for (wanted, expected) in [
            ("", Some("1.10.0")),
            ("1.2.0", Some("1.2.0")),
            ("1.2", Some("1.2.0")),
            ("^1.0", Some("1.10.0")),
            ("~1.2.0", Some("1.2.0")),
            (">=2.0.0-0", Some("2.0.0-rc.1")),
            ("2.0.0-rc.1", Some("2.0.0-rc.1")),
            ("v1.2.0", Some("1.2.0")),
            ("9", None),
            ("nonsense", None),
        ] {
            let version = choose(&found, wanted).map(|v| v.version.as_str());
            assert_eq!(version, expected, "{wanted}");
        }
    }

    #[test]
    fn charts_that_nobody_asked_for_are_passed_over() {
        // A long chart that nobody asked for.
        let head = io::Cursor::new("apiVersion: v1\nentries:\n  big:\n");
        let entry = "  - version: 1.0.0\n    urls: [x]\n    description: some words about it\n";
        let body = io::Cursor::new(entry.repeat(500).into_bytes());
        let mut input: Box<dyn Read> = Box::new(head);
        for _ in 0..50 {
            input = Box::new(input.chain(body.clone()));
        }
        assert_eq!(read_chart(input, "app"), Ok(None));
    }
}
