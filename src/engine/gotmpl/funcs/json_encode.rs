//! Values as Go's encoding/json writes them.

use crate::gotmpl::strconv::{RUNE_ERROR, decode_rune};
use crate::gotmpl::{Error, GoStr, MAX_NESTING, Val};
use crate::value::number::format_json;
use crate::value::{self, Value};

/// Whether `<`, `>` and `&` are escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Html {
    Escaped,
    Raw,
}

/// Whether a value stands on one line or on many, indented by two spaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Indented,
}

/// `json.Marshal`, `json.MarshalIndent`. Fails on NaN, infinities and cycles.
pub(super) fn encode(value: &Val, html: Html, layout: Layout) -> Result<String, Error> {
    let mut encoder = Encoder {
        out: String::new(),
        html,
        layout,
    };
    encoder.val(value, 0)?;
    Ok(encoder.out)
}

struct Encoder {
    out: String,
    html: Html,
    layout: Layout,
}

impl Encoder {
    fn val(&mut self, value: &Val, depth: usize) -> Result<(), Error> {
        if depth > MAX_NESTING {
            return Err(Error::new(format!(
                "json: unsupported value: encountered a cycle via {}",
                value.type_name()
            )));
        }
        match value {
            Val::Str(text) => self.string(text),
            Val::List(list) if !list.is_nil() => {
                self.out.push('[');
                for (n, item) in list.items().iter().enumerate() {
                    self.item(n, depth);
                    self.val(item, depth + 1)?;
                }
                self.close(list.len(), depth, ']');
            }
            Val::Map(map) if !map.is_nil() => {
                self.out.push('{');
                for (n, (key, item)) in map.entries().iter().enumerate() {
                    self.item(n, depth);
                    self.string(key);
                    self.colon();
                    self.val(item, depth + 1)?;
                }
                self.close(map.len(), depth, '}');
            }
            Val::Nil
            | Val::Bool(_)
            | Val::Int(_)
            | Val::Int64(_)
            | Val::Uint8(_)
            | Val::Uint64(_)
            | Val::Float(_)
            | Val::Bytes(_)
            | Val::List(_)
            | Val::Map(_)
            | Val::Object(_) => self.value(&value.to_value()?, depth),
        }
        Ok(())
    }

    /// What an object or a number is in JSON.
    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Value::Int(number) => self.out.push_str(&number.to_string()),
            Value::Uint(number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.out.push_str(&format_json(*number)),
            Value::Str(text) => self.string(&GoStr::new(text)),
            Value::Seq(items) => {
                self.out.push('[');
                for (n, item) in items.iter().enumerate() {
                    self.item(n, depth);
                    self.value(item, depth + 1);
                }
                self.close(items.len(), depth, ']');
            }
            Value::Map(map) => self.map(map, depth),
        }
    }

    fn map(&mut self, map: &value::Map, depth: usize) {
        self.out.push('{');
        for (n, (key, item)) in map.iter().enumerate() {
            self.item(n, depth);
            self.string(&GoStr::new(key));
            self.colon();
            self.value(item, depth + 1);
        }
        self.close(map.len(), depth, '}');
    }

    fn item(&mut self, n: usize, depth: usize) {
        if n > 0 {
            self.out.push(',');
        }
        self.new_line(depth + 1);
    }

    fn colon(&mut self) {
        self.out.push_str(match self.layout {
            Layout::Compact => ":",
            Layout::Indented => ": ",
        });
    }

    fn close(&mut self, n_items: usize, depth: usize, bracket: char) {
        if n_items > 0 {
            self.new_line(depth);
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self, depth: usize) {
        if self.layout == Layout::Indented {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", depth));
        }
    }

    fn string(&mut self, text: &GoStr) {
        self.out.push('"');
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let plain = rest.iter().position(|b| !self.is_plain(*b));
            let (clean, tail) = rest.split_at(plain.unwrap_or(rest.len()));
            self.out
                .push_str(std::str::from_utf8(clean).expect("plain bytes are ASCII"));
            if tail.is_empty() {
                break;
            }
            let (rune, width) = decode_rune(tail);
            match (rune, width) {
                (RUNE_ERROR, 1) => self.out.push_str("\\ufffd"),
                (0x22, _) => self.out.push_str("\\\""),
                (0x5c, _) => self.out.push_str("\\\\"),
                (0x08, _) => self.out.push_str("\\b"),
                (0x0c, _) => self.out.push_str("\\f"),
                (0x0a, _) => self.out.push_str("\\n"),
                (0x0d, _) => self.out.push_str("\\r"),
                (0x09, _) => self.out.push_str("\\t"),
                (0..0x80 | 0x2028 | 0x2029, _) => self.out.push_str(&format!("\\u{rune:04x}")),
                (rune, _) => self.out.extend(char::from_u32(rune)),
            }
            rest = &tail[width..];
        }
        self.out.push('"');
    }

    fn is_plain(&self, byte: u8) -> bool {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x80.. => false,
            b'<' | b'>' | b'&' => self.html == Html::Raw,
            _ => true,
        }
    }
}
