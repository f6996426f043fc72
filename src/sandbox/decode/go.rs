//! The round trip of a built-in object through its Go types.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{DecodeError, MAX_DEPTH, quantity};
use crate::sandbox::schema::{Field, Node, Schema, Shape, Struct};
use crate::value::{Map, Value};

pub struct Decoder<'a> {
    pub schema: &'a Schema,
    /// `unknown field "spec.foo"`
    pub strict: Vec<String>,
    /// Names of fields, without the indexes of lists.
    names: Vec<String>,
    /// The same with indexes, as strict errors print it.
    path: String,
    owner: String,
}

impl<'a> Decoder<'a> {
    pub fn new(schema: &'a Schema) -> Self {
        Decoder {
            schema,
            strict: Vec::new(),
            names: Vec::new(),
            path: String::new(),
            owner: String::new(),
        }
    }

    /// For the value of a field of the root.
    pub fn below(schema: &'a Schema, field: &str) -> Self {
        Decoder {
            names: vec![field.to_owned()],
            path: field.to_owned(),
            ..Decoder::new(schema)
        }
    }

    /// What a value is after Go read it. None is Go's nil.
    pub fn value(&mut self, node: &Node, value: &Value) -> Result<Option<Value>, DecodeError> {
        if self.names.len() > MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        if value.is_null() {
            return Ok(if node.pointer || is_nilable(&node.shape) {
                None
            } else {
                zero(self.schema, node)
            });
        }
        let read = match (&node.shape, value) {
            (Shape::Str, Value::Str(_))
            | (Shape::Bool, Value::Bool(_))
            | (Shape::Int64, Value::Int(_))
            | (Shape::Float, Value::Float(_) | Value::Int(_) | Value::Uint(_))
            | (Shape::Any | Shape::AnyAtomic, _)
            | (Shape::Duration, Value::Str(_))
            | (Shape::IntOrString, Value::Str(_)) => value.clone(),
            (Shape::IntOrString, Value::Int(number)) if i32::try_from(*number).is_ok() => {
                value.clone()
            }
            (Shape::Int32, Value::Int(number)) if i32::try_from(*number).is_ok() => value.clone(),
            (Shape::Quantity, Value::Str(text)) => match quantity::canonical(text) {
                Some(text) => Value::Str(text),
                None => return Err(DecodeError::Text(quantity::FORMAT_FAULT.to_owned())),
            },
            (Shape::Quantity, Value::Int(_) | Value::Float(_) | Value::Uint(_)) => {
                match quantity::canonical(&value.to_json()) {
                    Some(text) => Value::Str(text),
                    None => return Err(DecodeError::Text(quantity::FORMAT_FAULT.to_owned())),
                }
            }
            (Shape::Time | Shape::MicroTime, Value::Str(text)) => {
                Value::Str(time(text, node.shape == Shape::MicroTime)?)
            }
            (Shape::Bytes, Value::Str(text)) => Value::Str(bytes(text)?),
            (Shape::List(_, element), Value::Seq(items)) => {
                let mut out = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    let length = self.path.len();
                    self.path.push_str(&format!("[{at}]"));
                    out.push(self.value(element, item)?.unwrap_or_default());
                    self.path.truncate(length);
                }
                Value::Seq(out)
            }
            (Shape::Map { element, .. }, Value::Map(entries)) => {
                let mut out = Map::new();
                for (key, value) in entries.iter() {
                    let length = self.path.len();
                    self.path.push('.');
                    self.path.push_str(key);
                    out.insert(key, self.value(element, value)?.unwrap_or_default());
                    self.path.truncate(length);
                }
                Value::Map(out)
            }
            (Shape::Struct { id, .. }, Value::Map(entries)) => {
                self.structure(self.schema.types().get(*id), entries)?
            }
            _ => return Err(self.mismatch(node, value)),
        };
        Ok(Some(read))
    }

    fn structure(&mut self, fields: &'a Struct, entries: &Map) -> Result<Value, DecodeError> {
        let mut out = Map::new();
        for field in &fields.fields {
            let read = match entries.get(&field.name) {
                None => None,
                Some(value) => {
                    let length = self.path.len();
                    if length > 0 {
                        self.path.push('.');
                    }
                    self.path.push_str(&field.name);
                    self.names.push(field.name.to_string());
                    let owner = std::mem::replace(&mut self.owner, fields.name.to_string());
                    let read = self.value(&field.node, value)?;
                    self.owner = owner;
                    self.names.pop();
                    self.path.truncate(length);
                    read
                }
            };
            if let Some(value) = written(self.schema, field, read) {
                out.insert(&*field.name, value);
            }
        }
        for key in entries.keys() {
            if fields.field(key).is_none() {
                let dot = if self.path.is_empty() { "" } else { "." };
                self.strict
                    .push(format!("unknown field \"{}{dot}{key}\"", self.path));
            }
        }
        Ok(Value::Map(out))
    }

    fn mismatch(&self, node: &Node, value: &Value) -> DecodeError {
        let given = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => match node.shape {
                Shape::Int32 | Shape::Int64 => format!("number {}", value.to_json()),
                _ => "number".to_owned(),
            },
            Value::Str(_) => "string".to_owned(),
            Value::Seq(_) => "array".to_owned(),
            Value::Map(_) => "object".to_owned(),
        };
        DecodeError::Text(format!(
            "json: cannot unmarshal {given} into Go struct field {}.{} of type {}",
            self.owner,
            self.names.join("."),
            self.go_type(&node.shape)
        ))
    }

    fn go_type(&self, shape: &Shape) -> String {
        match shape {
            Shape::Str | Shape::Duration | Shape::Time | Shape::MicroTime => "string".to_owned(),
            Shape::Int32 | Shape::IntOrString => "int32".to_owned(),
            Shape::Int64 => "int64".to_owned(),
            Shape::Float => "float64".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::Quantity => "resource.Quantity".to_owned(),
            Shape::Bytes => "[]uint8".to_owned(),
            Shape::Any | Shape::AnyAtomic => "interface {}".to_owned(),
            Shape::List(_, element) => format!("[]{}", self.go_type(&element.shape)),
            Shape::Map { element, .. } => {
                format!("map[string]{}", self.go_type(&element.shape))
            }
            Shape::Struct { id, .. } => format!("v1.{}", self.schema.types().get(*id).name),
        }
    }
}

/// What Go prints of a field that was read as `read`; none if it leaves it out.
fn written(schema: &Schema, field: &Field, read: Option<Value>) -> Option<Value> {
    let node = &field.node;
    let Some(value) = read else {
        if node.pointer || is_nilable(&node.shape) {
            return (!field.omit_empty).then_some(Value::Null);
        }
        // Only structs (times among them) are printed when they are empty.
        if field.omit_zero || (field.omit_empty && !is_struct(&node.shape)) {
            return None;
        }
        return Some(zero(schema, node).unwrap_or_default());
    };
    if field.omit_zero && !node.pointer && zero(schema, node).as_ref() == Some(&value) {
        return None;
    }
    if field.omit_empty && !node.pointer && is_empty(&node.shape, &value) {
        return None;
    }
    Some(value)
}

/// Slices, maps and bytes are nil when nothing was read.
fn is_nilable(shape: &Shape) -> bool {
    matches!(shape, Shape::List(..) | Shape::Map { .. } | Shape::Bytes)
}

fn is_struct(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Struct { .. }
            | Shape::Time
            | Shape::MicroTime
            | Shape::Quantity
            | Shape::IntOrString
            | Shape::Duration
            | Shape::Any
            | Shape::AnyAtomic
    )
}

fn is_empty(shape: &Shape, value: &Value) -> bool {
    if is_struct(shape) {
        return false;
    }
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Int(number) => *number == 0,
        Value::Uint(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        Value::Str(text) => text.is_empty(),
        Value::Seq(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
    }
}

/// Go's zero value, printed. None for nil.
fn zero(schema: &Schema, node: &Node) -> Option<Value> {
    if node.pointer {
        return None;
    }
    Some(match &node.shape {
        Shape::Str => Value::from(""),
        Shape::Int32 | Shape::Int64 | Shape::IntOrString | Shape::Float => Value::Int(0),
        Shape::Bool => Value::Bool(false),
        Shape::Quantity => Value::from("0"),
        Shape::Duration => Value::from("0s"),
        Shape::Time | Shape::MicroTime | Shape::Any | Shape::AnyAtomic => Value::Null,
        Shape::List(..) | Shape::Map { .. } | Shape::Bytes => return None,
        Shape::Struct { id, .. } => {
            let mut out = Map::new();
            for field in &schema.types().get(*id).fields {
                if let Some(value) = written(schema, field, None) {
                    out.insert(&*field.name, value);
                }
            }
            Value::Map(out)
        }
    })
}

/// Go's zero value of a kind.
pub fn zero_object(schema: &Schema) -> Value {
    zero(schema, schema.root()).unwrap_or_default()
}

/// The form that protobuf keeps: an empty list or map is no list or map.
pub fn without_empties(schema: &Schema, node: &Node, value: &Value) -> Value {
    match (&node.shape, value) {
        (Shape::Struct { id, .. }, Value::Map(entries)) => {
            let fields = schema.types().get(*id);
            let mut out = Map::new();
            for (key, value) in entries.iter() {
                let Some(field) = fields.field(key) else {
                    out.insert(key, value.clone());
                    continue;
                };
                let inner = without_empties(schema, &field.node, value);
                let emptied = is_nilable(&field.node.shape) && is_empty(&field.node.shape, &inner);
                if emptied && !field.node.pointer {
                    if !field.omit_empty {
                        out.insert(key, Value::Null);
                    }
                } else {
                    out.insert(key, inner);
                }
            }
            Value::Map(out)
        }
        (Shape::List(_, element), Value::Seq(items)) => items
            .iter()
            .map(|item| without_empties(schema, element, item))
            .collect::<Vec<_>>()
            .into(),
        // No bytes are bytes, too, in a map.
        (Shape::Map { element, .. }, Value::Map(entries)) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| match (&element.shape, value) {
                    (Shape::Bytes, Value::Null) => (key, Value::from("")),
                    _ => (key, without_empties(schema, element, value)),
                })
                .collect(),
        ),
        _ => value.clone(),
    }
}

fn time(text: &str, micro: bool) -> Result<String, DecodeError> {
    let parsed: jiff::Timestamp = text.parse().map_err(|_| {
        DecodeError::Text(format!(
            "parsing time \"\\\"{text}\\\"\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
        ))
    })?;
    Ok(if micro {
        format!("{parsed:.6}")
    } else {
        format!("{parsed:.0}")
    })
}

fn bytes(text: &str) -> Result<String, DecodeError> {
    let plain: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match STANDARD.decode(&plain) {
        Ok(bytes) => Ok(STANDARD.encode(bytes)),
        Err(why) => {
            let at = match why {
                base64::DecodeError::InvalidByte(at, _)
                | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                _ => plain.len() / 4 * 4,
            };
            Err(DecodeError::Text(format!(
                "illegal base64 data at input byte {at}"
            )))
        }
    }
}
