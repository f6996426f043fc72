//! YAML as sigs.k8s.io/yaml's Marshal prints it, byte for byte: go-yaml v2's
//! emitter behind a round through JSON. Sequences are not indented in their
//! mapping, keys are in go-yaml's natural order, lines fold at 80.
//!
//! What JSON cannot carry is printed so that it reads back, where Go answers
//! with an error: DEL and the like escaped, `.nan`.

mod analyze;

mod key_order;

mod writer;

use super::resolve::{Scalar, resolve};
use crate::value::number::{format_g, through_json};
use crate::value::{Map, Value};
use analyze::{Analysis, analyze};
use key_order::in_key_order;
use writer::Writer;

/// A key of more bytes than this is printed behind a `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// How far each level is indented.
const INDENT: usize = 2;

/// One document, ending in a line break.
pub fn emit(value: &Value) -> String {
    let mut writer = Writer::default();
    node(&mut writer, value, Place::root());
    writer.indent(0);
    writer.into_text()
}

/// One document as go-yaml v3's encoder prints it with an indentation of two:
/// sequences are indented below their key, lines are not folded, and floats stay
/// floats.
pub fn emit_indented(value: &Value) -> String {
    let mut writer = Writer::default();
    writer.set_indented();
    node(&mut writer, value, Place::root());
    writer.indent(0);
    writer.into_text()
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Place {
    /// The column of the collection that holds it; `None` for the root.
    indent: Option<usize>,
    in_mapping: bool,
}

impl Place {
    fn root() -> Self {
        Place {
            indent: None,
            in_mapping: false,
        }
    }

    /// The column of a block collection's entries, or of a scalar's second line.
    fn deeper(self) -> usize {
        self.indent.map_or(0, |indent| indent + INDENT)
    }

    fn scalar_indent(self) -> usize {
        self.indent.map_or(INDENT, |indent| indent + INDENT)
    }
}

/// What go-yaml's encoder asks for, before the emitter sees what is possible.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

fn node(writer: &mut Writer, value: &Value, place: Place) {
    match value {
        Value::Seq(items) if items.is_empty() => empty(writer, "[", "]"),
        Value::Map(map) if map.is_empty() => empty(writer, "{", "}"),
        Value::Seq(items) => sequence(writer, items, place),
        Value::Map(map) => mapping(writer, map, place),
        Value::Str(text) => string(writer, text, place),
        Value::Null => writer.plain("null", place.scalar_indent()),
        Value::Bool(flag) => writer.plain(&flag.to_string(), place.scalar_indent()),
        Value::Int(number) => writer.plain(&number.to_string(), place.scalar_indent()),
        Value::Uint(number) => writer.plain(&number.to_string(), place.scalar_indent()),
        Value::Float(number) if writer.is_indented() => {
            writer.plain(&plain_float(*number), place.scalar_indent());
        }
        Value::Float(number) => writer.plain(&float(*number), place.scalar_indent()),
    }
}

fn empty(writer: &mut Writer, open: &str, close: &str) {
    writer.spaced_indicator(open);
    writer.indicator(close);
}

fn sequence(writer: &mut Writer, items: &[Value], place: Place) {
    let indent = match place.indent {
        // Directly below a key the dashes stand in the key's own column.
        Some(indent) if place.in_mapping && !writer.is_indention() && !writer.is_indented() => {
            indent
        }
        _ => place.deeper(),
    };
    let inner = Place {
        indent: Some(indent),
        in_mapping: false,
    };
    for item in items {
        writer.indent(indent);
        writer.block_indicator("-");
        node(writer, item, inner);
    }
}

fn mapping(writer: &mut Writer, map: &Map, place: Place) {
    let indent = place.deeper();
    let inner = Place {
        indent: Some(indent),
        in_mapping: true,
    };
    for (key, value) in in_key_order(map) {
        writer.indent(indent);
        let analysis = analyze(key);
        if !analysis.multiline && key.len() <= MAX_SIMPLE_KEY {
            simple_key(writer, key, &analysis, inner.scalar_indent());
            writer.indicator(":");
        } else {
            writer.block_indicator("?");
            string(writer, key, inner);
            writer.indent(indent);
            writer.block_indicator(":");
        }
        node(writer, value, inner);
    }
}

fn string(writer: &mut Writer, text: &str, place: Place) {
    let analysis = analyze(text);
    let indent = place.scalar_indent();
    match style(text, &analysis) {
        Style::Plain => writer.plain(text, indent),
        Style::SingleQuoted => writer.single_quoted(text, indent),
        Style::DoubleQuoted => writer.double_quoted(text, indent),
        Style::Literal => writer.literal(text, indent),
    }
}

/// A key in front of its `:` is never folded.
fn simple_key(writer: &mut Writer, text: &str, analysis: &Analysis, indent: usize) {
    writer.fold(false);
    match style(text, analysis) {
        Style::Plain => writer.plain(text, indent),
        Style::SingleQuoted => writer.single_quoted(text, indent),
        Style::DoubleQuoted | Style::Literal => writer.double_quoted(text, indent),
    }
    writer.fold(!writer.is_indented());
}

fn style(text: &str, analysis: &Analysis) -> Style {
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if resolve(text) == Scalar::Str && !is_base60(text) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    match wanted {
        Style::Plain if analysis.plain_allowed => Style::Plain,
        Style::Plain | Style::SingleQuoted if analysis.single_quoted_allowed => Style::SingleQuoted,
        Style::Literal if analysis.block_allowed => Style::Literal,
        Style::Plain | Style::SingleQuoted | Style::DoubleQuoted | Style::Literal => {
            Style::DoubleQuoted
        }
    }
}

fn float(number: f64) -> String {
    match through_json(number) {
        Value::Int(whole) => whole.to_string(),
        Value::Uint(whole) => whole.to_string(),
        _ => plain_float(number),
    }
}

fn plain_float(number: f64) -> String {
    match format_g(number).as_str() {
        "NaN" => ".nan".to_owned(),
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        finite => finite.to_owned(),
    }
}

/// `^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`: numbers of YAML 1.1
/// that go-yaml does not read, but quotes for those who do.
fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let digit_or_line = |c: char| c.is_ascii_digit() || c == '_';
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (unsigned, ""),
    };
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let mut n_parts = 0;
    let sixties = parts.all(|part| {
        n_parts += 1;
        match part.as_bytes() {
            [ones] => ones.is_ascii_digit(),
            [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
            _ => false,
        }
    });
    n_parts > 0
        && sixties
        && first.chars().all(digit_or_line)
        && fraction.chars().all(digit_or_line)
}
