//! JSON over serde_json: integers stay integers, keys come out sorted.

use super::number::{format_json, through_json};
use super::{Map, Value};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A document that is not JSON; carries line and column.
#[derive(Debug, thiserror::Error)]
#[error("invalid JSON: {0}")]
pub struct JsonError(#[from] serde_json::Error);

impl JsonError {
    /// Line and column, from 1, and the words without them.
    pub fn parts(&self) -> (usize, usize, String) {
        let words = self.0.to_string();
        let problem = words.split(" at line ").next().unwrap_or_default();
        (self.0.line(), self.0.column(), problem.to_owned())
    }
}

impl Value {
    /// One JSON document; nothing but white space may follow.
    pub fn from_json(text: &[u8]) -> Result<Value, JsonError> {
        Ok(serde_json::from_slice(text)?)
    }

    /// Compact JSON with sorted keys and numbers as Go writes them. Equal
    /// values give equal texts. A float that is not finite becomes null.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text).expect("a string takes all");
        text
    }

    /// The same into whatever takes text: a hasher, a socket's buffer.
    pub fn write_json(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Value::Null => out.write_str("null"),
            Value::Bool(flag) => write!(out, "{flag}"),
            Value::Int(number) => write!(out, "{number}"),
            Value::Uint(number) => write!(out, "{number}"),
            // -0 is 0 once it has been read again.
            Value::Float(0.0) => out.write_str("0"),
            Value::Float(number) => out.write_str(&format_json(*number)),
            Value::Str(text) => write_string(text, out),
            Value::Seq(items) => {
                out.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.write_char(',')?;
                    }
                    item.write_json(out)?;
                }
                out.write_char(']')
            }
            Value::Map(map) => map.write_json(out),
        }
    }

    /// JSON with an indentation of `indent` spaces.
    pub fn to_json_pretty(&self, indent: usize) -> String {
        let indent = " ".repeat(indent);
        let mut out = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
        self.serialize(&mut serializer)
            .expect("a value has no key that is not a string");
        String::from_utf8(out).expect("serde_json writes UTF-8")
    }

    /// A Rust type with serde's traits as a value.
    pub fn of<T: Serialize>(typed: &T) -> Result<Value, JsonError> {
        let text = serde_json::to_vec(typed)?;
        Value::from_json(&text)
    }

    /// A value as a Rust type with serde's traits.
    pub fn to<T: serde::de::DeserializeOwned>(&self) -> Result<T, JsonError> {
        Ok(serde_json::from_slice(self.to_json().as_bytes())?)
    }
}

impl Map {
    pub fn write_json(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_char('{')?;
        for (at, (key, value)) in self.iter().enumerate() {
            if at > 0 {
                out.write_char(',')?;
            }
            write_string(key, out)?;
            out.write_char(':')?;
            value.write_json(out)?;
        }
        out.write_char('}')
    }
}

fn write_string(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    out.write_char('"')?;
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.write_str(&text[plain_from..at])?;
        plain_from = at + 1;
        if short.is_empty() {
            write!(out, "\\u{byte:04x}")?;
        } else {
            out.write_str(short)?;
        }
    }
    out.write_str(&text[plain_from..])?;
    out.write_char('"')
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Uint(number) => serializer.serialize_u64(*number),
            Value::Float(number) => match through_json(*number) {
                Value::Int(whole) => serializer.serialize_i64(whole),
                Value::Uint(whole) => serializer.serialize_u64(whole),
                _ => serializer.serialize_f64(*number),
            },
            Value::Str(text) => serializer.serialize_str(text),
            Value::Seq(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Value::Map(map) => map.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Deserialize::deserialize(deserializer)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Uint(number), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Str(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Str(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut seq = Vec::new();
        while let Some(item) = items.next_element()? {
            seq.push(item);
        }
        Ok(Value::Seq(seq))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            map.insert(key, value);
        }
        Ok(Value::Map(map))
    }
}
