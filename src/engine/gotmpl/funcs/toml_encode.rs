//! TOML as BurntSushi/toml 1.6 writes it: plain values before tables, sorted
//! by key, tables indented by their depth.

use super::times::{Time, Zone};
use crate::gotmpl::{GoStr, Kind, List, MAX_NESTING, Val};
use crate::value::number::format_g;

/// Why a value has no TOML.
pub(super) enum Fault {
    /// An error that the encoder returns.
    Value(String),
    /// What it panics with.
    Panic(String),
}

impl Fault {
    fn value(text: &str) -> Fault {
        Fault::Value(text.to_owned())
    }
}

/// A document of a map, or a single value.
pub(super) fn encode(value: &Val) -> Result<Vec<u8>, Fault> {
    if value.is_nil() {
        let text = "reflect: call of reflect.Value.Type on zero Value";
        return Err(Fault::Panic(text.to_owned()));
    }
    let mut encoder = Encoder { out: Vec::new() };
    encoder.item(&mut Vec::new(), value)?;
    Ok(encoder.out)
}

/// What a value is in TOML, as far as its place depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nil, which is left out.
    None,
    Plain,
    Table,
    Tables,
}

fn is_nil(value: &Val) -> bool {
    match value {
        Val::Nil => true,
        Val::List(list) => list.is_nil(),
        Val::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn shape(value: &Val, depth: usize) -> Result<Shape, Fault> {
    if depth > MAX_NESTING {
        let text = format!("a value is nested more than {MAX_NESTING} deep");
        return Err(Fault::Panic(text));
    }
    Ok(match value {
        _ if is_nil(value) => Shape::None,
        Val::Map(_) => Shape::Table,
        Val::List(list) => {
            let mut tables = !list.is_empty();
            for item in list.items().iter() {
                match shape(item, depth + 1)? {
                    Shape::None => {
                        return Err(Fault::value("toml: cannot encode array with nil element"));
                    }
                    Shape::Table => {}
                    Shape::Plain | Shape::Tables => tables = false,
                }
            }
            if tables { Shape::Tables } else { Shape::Plain }
        }
        Val::Object(object) if object.complex().is_some() => {
            return Err(Fault::value("unsupported type: complex128"));
        }
        Val::Object(object)
            if object.kind() == Kind::Struct && value.downcast::<Time>().is_none() =>
        {
            match object.stringer() {
                Some(_) => Shape::Plain,
                None => Shape::Table,
            }
        }
        _ => Shape::Plain,
    })
}

struct Encoder {
    out: Vec<u8>,
}

/// A struct's fields, or a map's entries in key order.
fn entries(value: &Val) -> Vec<(GoStr, Val)> {
    match value {
        Val::Map(map) => map.entries().clone(),
        Val::Object(object) => {
            let fields = object.fields().into_iter();
            fields.map(|(name, field)| (name.into(), field)).collect()
        }
        _ => Vec::new(),
    }
}

fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn push_key(out: &mut Vec<u8>, key: &GoStr) {
    let bare = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if !key.is_empty() && key.as_bytes().iter().all(bare) {
        out.extend_from_slice(key.as_bytes());
    } else {
        push_quoted(out, key.as_bytes());
    }
}

impl Encoder {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self, key: &[GoStr]) {
        self.out.resize(self.out.len() + 2 * (key.len() - 1), b' ');
    }

    /// A value at a place of the document.
    fn item(&mut self, key: &mut Vec<GoStr>, value: &Val) -> Result<(), Fault> {
        match (shape(value, key.len())?, value) {
            // A nil slice that is the whole document is an empty one.
            (Shape::None, Val::List(_)) if key.is_empty() => self.element(value),
            (Shape::None, _) => Ok(()),
            (Shape::Table, _) => {
                if key.len() == 1 {
                    self.new_line();
                }
                if !key.is_empty() {
                    self.header(key, "[", "]");
                }
                self.table(key, value)
            }
            (Shape::Tables, Val::List(list)) => self.tables(key, list),
            (Shape::Plain | Shape::Tables, _) => {
                let Some(last) = key.last().cloned() else {
                    return self.element(value);
                };
                self.indent(key);
                push_key(&mut self.out, &last);
                self.push(" = ");
                self.element(value)?;
                self.new_line();
                Ok(())
            }
        }
    }

    fn header(&mut self, key: &[GoStr], open: &str, close: &str) {
        self.indent(key);
        self.push(open);
        for (n, part) in key.iter().enumerate() {
            if n > 0 {
                self.out.push(b'.');
            }
            push_key(&mut self.out, part);
        }
        self.push(close);
        self.new_line();
    }

    fn tables(&mut self, key: &mut Vec<GoStr>, list: &List) -> Result<(), Fault> {
        if key.is_empty() {
            let text = "toml: top-level values must be Go maps or structs";
            return Err(Fault::value(text));
        }
        for table in list.items().iter() {
            self.new_line();
            self.header(key, "[[", "]]");
            self.table(key, table)?;
        }
        Ok(())
    }

    /// Plain values first, since a table goes on to the next header.
    fn table(&mut self, key: &mut Vec<GoStr>, value: &Val) -> Result<(), Fault> {
        let (plain, tables) = by_shape(value, key.len())?;
        for (name, item) in plain.into_iter().chain(tables) {
            if !is_nil(&item) {
                key.push(name);
                self.item(key, &item)?;
                key.pop();
            }
        }
        Ok(())
    }

    fn inline_table(&mut self, value: &Val) -> Result<(), Fault> {
        let (plain, tables) = by_shape(value, 0)?;
        self.out.push(b'{');
        for (entries, more) in [(&plain, !tables.is_empty()), (&tables, false)] {
            for (n, (name, item)) in entries.iter().enumerate() {
                // A nil at the end leaves the comma before it.
                if is_nil(item) {
                    continue;
                }
                push_key(&mut self.out, name);
                self.push(" = ");
                self.element(item)?;
                if more || n + 1 != entries.len() {
                    self.push(", ");
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// A value behind `=` or in an array.
    fn element(&mut self, value: &Val) -> Result<(), Fault> {
        match value {
            Val::Str(text) => push_quoted(&mut self.out, text.as_bytes()),
            Val::Bool(flag) => self.push(if *flag { "true" } else { "false" }),
            Val::Int(number) | Val::Int64(number) => self.push(&number.to_string()),
            Val::Uint8(number) => self.push(&number.to_string()),
            Val::Uint64(number) => self.push(&number.to_string()),
            Val::Float(number) => self.push(&float(*number)),
            Val::Bytes(bytes) => {
                let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
                self.push(&format!("[{}]", numbers.join(", ")));
            }
            Val::List(list) => {
                self.out.push(b'[');
                for (n, item) in list.items().iter().enumerate() {
                    if n > 0 {
                        self.push(", ");
                    }
                    self.element(item)?;
                }
                self.out.push(b']');
            }
            Val::Map(_) => self.inline_table(value)?,
            Val::Object(object) => match (value.downcast::<Time>(), object.stringer()) {
                (Some(time), _) => self.out.extend(date(time)),
                (None, _) if object.kind() == Kind::Int => {
                    let number = super::times::small_integer(value).unwrap_or(0);
                    self.push(&number.to_string());
                }
                (None, Some(text)) => push_quoted(&mut self.out, text.as_bytes()),
                (None, None) => self.inline_table(value)?,
            },
            Val::Nil => {
                return Err(Fault::value("toml: cannot encode array with nil element"));
            }
        }
        Ok(())
    }
}

type Entries = Vec<(GoStr, Val)>;

/// Entries that are no tables, and those that are.
fn by_shape(value: &Val, depth: usize) -> Result<(Entries, Entries), Fault> {
    let (mut plain, mut tables) = (Vec::new(), Vec::new());
    for (key, item) in entries(value) {
        match shape(&item, depth + 1)? {
            Shape::Table | Shape::Tables => tables.push((key, item)),
            Shape::None | Shape::Plain => plain.push((key, item)),
        }
    }
    Ok((plain, tables))
}

/// With a point or an exponent in any case.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    let text = format_g(number);
    match text.contains(['e', '.']) {
        true => text,
        false => text + ".0",
    }
}

/// A time, in the form that it was read from where that had no zone.
fn date(time: &Time) -> Vec<u8> {
    let zone = match &time.zone {
        Zone::Fixed { name, .. } => name.as_str(),
        _ => "",
    };
    time.format(match zone {
        "datetime-local" => b"2006-01-02T15:04:05.999999999",
        "date-local" => b"2006-01-02",
        "time-local" => b"15:04:05.999999999",
        _ => b"2006-01-02T15:04:05.999999999Z07:00",
    })
}
