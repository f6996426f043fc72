//! Parser events into values: anchors, merge keys, keys that are no strings.

use super::resolve::{Scalar, resolve, resolve_tagged};
use super::rules::{Dialect, Duplicates, Place, Rules};
use super::{MAX_ALIAS_BYTES, MAX_DEPTH, YamlError};
use crate::value::number::{format_g, format_g32, through_json};
use crate::value::{Map, Value};
use base64::Engine;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

pub struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    rules: Rules,
    /// The keys of an object that lead to what is read now.
    place: Place,
    anchors: HashMap<usize, Anchored>,
    /// Bytes that aliases have copied so far.
    alias_bytes: usize,
    /// go-yaml's measure of documents that consist of aliases.
    n_decoded: usize,
    n_from_aliases: usize,
}

/// A node that aliases may name.
enum Anchored {
    /// Its end has not been reached.
    Open,
    Done(Node),
}

/// A value and what aliases of it would cost.
#[derive(Clone)]
pub(super) struct Node {
    /// A scalar is as go-yaml resolves it: only what goes into a collection
    /// has been through JSON, since keys are made of what was before.
    value: Value,
    /// How deep its collections nest; 0 for a scalar.
    depth: usize,
    /// How many steps go-yaml takes to decode it.
    n_decoded: usize,
    bytes: usize,
}

impl Node {
    fn scalar(value: Value) -> Self {
        let text = value.as_str().map_or(0, str::len);
        Node {
            value,
            depth: 0,
            n_decoded: 1,
            bytes: size_of::<Value>() + text,
        }
    }

    fn empty_collection() -> Self {
        Node {
            value: Value::Null,
            depth: 1,
            n_decoded: 1,
            bytes: size_of::<Value>(),
        }
    }

    /// Counts a node that stands in this collection.
    fn count(&mut self, inner: &Node) {
        self.depth = self.depth.max(inner.depth + 1);
        self.n_decoded = self.n_decoded.saturating_add(inner.n_decoded);
        self.bytes = self.bytes.saturating_add(inner.bytes);
    }

    pub(super) fn into_json(self) -> Result<Value, String> {
        into_json(self.value)
    }

    /// The string that sigs.k8s.io/yaml makes of a key.
    pub(super) fn into_key(self) -> Result<String, String> {
        Ok(match self.value {
            Value::Str(text) => text,
            Value::Int(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Float(number) => match format_g32(number).as_str() {
                "+Inf" => ".inf".to_owned(),
                "-Inf" => "-.inf".to_owned(),
                "NaN" => ".nan".to_owned(),
                finite => finite.to_owned(),
            },
            Value::Null => return Err("unsupported map key: null".to_owned()),
            Value::Uint(number) => return Err(format!("unsupported map key: {number}")),
            Value::Seq(_) | Value::Map(_) => {
                return Err(format!("invalid map key: a {}", self.value.kind()));
            }
        })
    }
}

/// A scalar after a round through JSON.
pub(super) fn into_json(value: Value) -> Result<Value, String> {
    match value {
        Value::Float(number) if !number.is_finite() => {
            Err(format!("json: unsupported value: {}", format_g(number)))
        }
        Value::Float(number) => Ok(through_json(number)),
        other => Ok(other),
    }
}

pub(super) type Next<'a> = (Event<'a>, Span);

impl<'a> Composer<'a> {
    pub fn new(text: &'a str, rules: Rules) -> Result<Self, YamlError> {
        refuse_control_characters(text)?;
        let options = granit_parser::options! {
            emit_comments: false,
            // As libyaml: no line feed is added to a last line without one.
            block_scalar_eof_without_line_feed: true,
            bom_inside_document_as_content: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        Ok(Composer {
            parser: Parser::new_from_str_with_options(text, options),
            rules,
            place: Place::Elsewhere,
            anchors: HashMap::new(),
            alias_bytes: 0,
            n_decoded: 0,
            n_from_aliases: 0,
        })
    }

    pub fn first_document(mut self) -> Result<Value, YamlError> {
        self.document(|composer, next| {
            let span = next.1;
            let root = composer.node(next, 0)?;
            Ok((root, span))
        })
        .and_then(|root| match root {
            Some((root, span)) => root.into_json().map_err(|problem| at(&span, problem)),
            None => Ok(Value::Null),
        })
    }

    /// Reads the first document, if there is one, by `read`.
    pub(super) fn document<T>(
        &mut self,
        read: impl FnOnce(&mut Self, Next<'a>) -> Result<T, YamlError>,
    ) -> Result<Option<T>, YamlError> {
        loop {
            let next = self.next()?;
            match next.0 {
                Event::StreamStart => {}
                Event::DocumentStart(..) => break,
                _ => return Ok(None),
            }
        }
        let next = self.next()?;
        let root = read(self, next)?;
        // Reading on to the end of the document shows what may not stand there.
        self.next()?;
        Ok(Some(root))
    }

    /// A step of go-yaml's decoder.
    pub(super) fn count_decoded(&mut self) {
        self.n_decoded += 1;
    }

    pub(super) fn next(&mut self) -> Result<Next<'a>, YamlError> {
        let end = || ScanError::new(granit_parser::Marker::default(), "unexpected end of stream");
        Ok(self.parser.next_event().unwrap_or_else(|| Err(end()))?)
    }

    pub(super) fn node(
        &mut self,
        (event, span): Next<'a>,
        depth: usize,
    ) -> Result<Node, YamlError> {
        self.count_decoded();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(text, style, tag.as_deref(), self.rules.dialect, self.place)
                    .map_err(|problem| at(&span, problem))?;
                let node = Node::scalar(value);
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(anchor);
                let node = self.sequence(&span, depth + 1)?;
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::MappingStart(_, anchor, _) => {
                self.open(anchor);
                let node = self.mapping(&span, depth + 1)?;
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::Alias(target) => self.alias(target, &span, depth),
            _ => Err(at(&span, "did not find expected node content")),
        }
    }

    fn sequence(&mut self, span: &Span, depth: usize) -> Result<Node, YamlError> {
        check_depth(depth, span)?;
        let mut items = Vec::new();
        let mut collection = Node::empty_collection();
        loop {
            let next = self.next()?;
            if matches!(next.0, Event::SequenceEnd) {
                break;
            }
            let span = next.1;
            let node = self.node(next, depth)?;
            collection.count(&node);
            items.push(node.into_json().map_err(|problem| at(&span, problem))?);
        }
        items.shrink_to_fit();
        collection.value = Value::Seq(items);
        Ok(collection)
    }

    fn mapping(&mut self, span: &Span, depth: usize) -> Result<Node, YamlError> {
        check_depth(depth, span)?;
        let mut map = Map::new();
        let mut merged = Map::new();
        let mut collection = Node::empty_collection();
        let place = self.place;
        loop {
            let next = self.next()?;
            if matches!(next.0, Event::MappingEnd) {
                break;
            }
            if is_merge(&next.0) {
                let next = self.next()?;
                let into = match self.rules.dialect {
                    Dialect::V2 => &mut map,
                    Dialect::Kyaml => &mut merged,
                };
                self.merge(next, into, &mut collection, depth)?;
                continue;
            }
            let key_span = next.1;
            let key = self.node(next, depth)?;
            collection.count(&key);
            let key = key.into_key().map_err(|problem| at(&key_span, problem))?;
            self.place = self.rules.place_of(place, depth, &key);
            let next = self.next()?;
            let span = next.1;
            let node = self.node(next, depth)?;
            self.place = place;
            collection.count(&node);
            let value = node.into_json().map_err(|problem| at(&span, problem))?;
            self.insert(&mut map, key, value, &key_span)?;
        }
        for (key, value) in merged {
            if !map.contains_key(&key) {
                map.insert(key, value);
            }
        }
        collection.value = Value::Map(map);
        Ok(collection)
    }

    /// The value of a `<<` key. As in go-yaml, it overrides what stands before it.
    fn merge(
        &mut self,
        next: Next<'a>,
        map: &mut Map,
        collection: &mut Node,
        depth: usize,
    ) -> Result<(), YamlError> {
        let span = next.1;
        for (key, value) in self.merged_into(next, collection, depth)? {
            self.insert(map, key, value, &span)?;
        }
        Ok(())
    }

    /// The entries of the value of a `<<` key.
    pub(super) fn merged(
        &mut self,
        next: Next<'a>,
        depth: usize,
    ) -> Result<impl Iterator<Item = (String, Value)> + use<>, YamlError> {
        self.merged_into(next, &mut Node::empty_collection(), depth)
    }

    /// A mapping or a sequence of mappings, of which the first wins.
    fn merged_into(
        &mut self,
        next: Next<'a>,
        collection: &mut Node,
        depth: usize,
    ) -> Result<impl Iterator<Item = (String, Value)> + use<>, YamlError> {
        const WANT_MAP: &str = "map merge requires map or sequence of maps as the value";
        let span = next.1;
        let aliased = matches!(next.0, Event::Alias(_));
        let node = self.node(next, depth)?;
        collection.count(&node);
        let maps = match node.value {
            Value::Map(merged) => vec![merged],
            Value::Seq(items) if !aliased => {
                let maps = items.into_iter().rev().map(|item| match item {
                    Value::Map(merged) => Ok(merged),
                    _ => Err(at(&span, WANT_MAP)),
                });
                maps.collect::<Result<_, _>>()?
            }
            _ => return Err(at(&span, WANT_MAP)),
        };
        Ok(maps.into_iter().flatten())
    }

    fn insert(
        &self,
        map: &mut Map,
        key: String,
        value: Value,
        span: &Span,
    ) -> Result<(), YamlError> {
        if self.rules.duplicates == Duplicates::Forbidden && map.contains_key(&key) {
            return Err(at(span, format!("key {key:?} already set in map")));
        }
        map.insert(key, value);
        Ok(())
    }

    fn alias(&mut self, target: usize, span: &Span, depth: usize) -> Result<Node, YamlError> {
        let node = match self.anchors.get(&target) {
            Some(Anchored::Done(node)) => node,
            Some(Anchored::Open) => return Err(at(span, "anchor value contains itself")),
            None => return Err(at(span, "unknown anchor referenced")),
        };
        check_depth(depth + node.depth, span)?;
        self.n_decoded += node.n_decoded;
        self.n_from_aliases += node.n_decoded;
        self.alias_bytes = self.alias_bytes.saturating_add(node.bytes);
        if self.alias_bytes > MAX_ALIAS_BYTES || is_excessive(self.n_from_aliases, self.n_decoded) {
            return Err(at(span, "document contains excessive aliasing"));
        }
        let mut node = node.clone();
        node.n_decoded += 1;
        Ok(node)
    }

    fn open(&mut self, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored::Open);
        }
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored::Done(node.clone()));
        }
    }
}

fn scalar(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    dialect: Dialect,
    place: Place,
) -> Result<Value, String> {
    let Some(tag) = tag else {
        return Ok(match style {
            ScalarStyle::Plain => resolved(text, dialect, place),
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Value::Str(text.into_owned()),
        });
    };
    let full = format!("{}{}", tag.handle(), tag.suffix());
    match full.strip_prefix("tag:yaml.org,2002:") {
        Some(known @ ("str" | "bool" | "int" | "float" | "null" | "timestamp")) => {
            Ok(value_of(resolve_tagged(known, &text)?, text))
        }
        Some("binary") => {
            // Go's decoder passes over line breaks.
            let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|_| "!!binary value contains invalid base64 data".to_owned())?;
            Ok(Value::Str(go_lossy(&bytes)))
        }
        // Other tags, `!` among them, say nothing: the text as it stands.
        Some(_) | None => Ok(Value::Str(text.into_owned())),
    }
}

/// What a plain scalar means.
pub fn resolved(text: Cow<'_, str>, dialect: Dialect, place: Place) -> Value {
    match dialect {
        Dialect::Kyaml => kyaml_scalar(text, place == Place::Annotations),
        Dialect::V2 => value_of(resolve(&text), text),
    }
}

pub fn kyaml_scalar(text: Cow<'_, str>, keeps_text: bool) -> Value {
    let scalar = match resolve(&text) {
        // The words of YAML 1.1 that 1.2 does not have.
        Scalar::Bool(_)
            if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") =>
        {
            Scalar::Str
        }
        other => other,
    };
    if keeps_text {
        let same = match &scalar {
            Scalar::Null | Scalar::Str => true,
            Scalar::Bool(flag) => flag.to_string() == *text,
            Scalar::Int(number) => number.to_string() == *text,
            Scalar::Uint(_) | Scalar::Float(_) | Scalar::Timestamp => false,
        };
        return value_of(if same { scalar } else { Scalar::Str }, text);
    }
    match scalar {
        Scalar::Timestamp => Value::Str(super::timestamp::to_rfc3339(&text)),
        other => value_of(other, text),
    }
}

fn value_of(scalar: Scalar, text: Cow<'_, str>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(flag) => Value::Bool(flag),
        Scalar::Int(number) => Value::Int(number),
        Scalar::Uint(number) => Value::Uint(number),
        Scalar::Float(number) => Value::Float(number),
        Scalar::Timestamp | Scalar::Str => Value::Str(text.into_owned()),
    }
}

/// Bytes as encoding/json makes a string of them: one U+FFFD for each byte
/// that is no part of a character (Rust's own takes several for one).
fn go_lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

pub(super) fn is_merge(key: &Event<'_>) -> bool {
    let Event::Scalar(text, style, _, tag) = key else {
        return false;
    };
    text == "<<"
        && match tag.as_deref() {
            None => *style == ScalarStyle::Plain,
            Some(tag) => {
                let full = (tag.handle(), tag.suffix());
                matches!(
                    full,
                    ("!", "") | ("", "!") | ("tag:yaml.org,2002:", "merge")
                )
            }
        }
}

/// libyaml's reader takes no control character but tab and line breaks.
fn refuse_control_characters(text: &str) -> Result<(), YamlError> {
    let is_refused = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\u{fffe}' | '\u{ffff}' => true,
        _ => c.is_control(),
    };
    let Some(offset) = text.find(is_refused) else {
        return Ok(());
    };
    let before = &text[..offset];
    let line = 1 + before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = 1 + before[start..].chars().count();
    let problem = "control characters are not allowed";
    Err(YamlError::new(line, column, problem))
}

pub(super) fn check_depth(depth: usize, span: &Span) -> Result<(), YamlError> {
    if depth > MAX_DEPTH {
        return Err(at(span, format!("exceeded max depth of {MAX_DEPTH}")));
    }
    Ok(())
}

/// go-yaml's own rule: 99 % of a small document may come of aliases, down to
/// 10 % of a large one.
fn is_excessive(n_from_aliases: usize, n_decoded: usize) -> bool {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    if n_from_aliases <= 100 || n_decoded <= 1000 {
        return false;
    }
    let decoded = n_decoded as f64;
    let allowed = 0.99 - 0.89 * ((decoded.clamp(LOW, HIGH) - LOW) / (HIGH - LOW));
    n_from_aliases as f64 / decoded > allowed
}

pub(super) fn at(span: &Span, problem: impl Into<String>) -> YamlError {
    YamlError::new(span.start.line(), span.start.col() + 1, problem)
}
