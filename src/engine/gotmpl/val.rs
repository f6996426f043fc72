use std::any::Any;
use std::fmt;
use std::rc::Rc;

use super::{Context, Error, FuncDef, GoStr, Kind, List, Map};
use crate::value::{self, Value};

/// A value as templates see it: Go's dynamic types, as far as Helm's templates
/// meet them. Clones are cheap; lists and maps are shared, as in Go.
#[derive(Clone, Default)]
pub enum Val {
    /// The untyped nil.
    #[default]
    Nil,
    Bool(bool),
    /// Go's `int`: literals, `len`, `int`, indexes.
    Int(i64),
    /// `int64`: arithmetic, `--set`.
    Int64(i64),
    /// A byte: `index "abc" 0`.
    Uint8(u8),
    Uint64(u64),
    /// `float64`: every number of a values file.
    Float(f64),
    Str(GoStr),
    /// `[]uint8`
    Bytes(Rc<[u8]>),
    List(List),
    Map(Map),
    Object(Rc<dyn Object>),
}

/// A Go struct or pointer with fields and methods: `time.Time`,
/// `*semver.Version`, `*common.Capabilities`.
pub trait Object: 'static {
    /// As `%T` prints it: `time.Time`.
    fn type_name(&self) -> &'static str;

    /// `Kind::Struct` or `Kind::Ptr`, mostly.
    fn kind(&self) -> Kind;

    /// For functions that need the Rust type: `object.as_any().downcast_ref()`.
    fn as_any(&self) -> &dyn Any;

    /// An exported field of the struct (also through the pointer).
    fn field(&self, _name: &str) -> Option<Val> {
        None
    }

    /// Fields that are there and not exported: asking for one is an error of
    /// its own.
    fn unexported_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// Methods without parameters whose results no template can take, and
    /// what the engine says of them.
    fn unusable_methods(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The methods; each gets the receiver as `args[0]`, which its `params` do
    /// not count.
    fn methods(&self) -> &'static [FuncDef] {
        &[]
    }

    /// What `String()` or `Error()` gives, where the type has one.
    fn stringer(&self) -> Option<String> {
        None
    }

    /// What `String()` of a pointer to it gives, where only the pointer has the
    /// method: used where a template prints a field of a struct
    /// (`.Capabilities.KubeVersion`), not where a function formats it.
    fn stringer_of_address(&self) -> Option<String> {
        None
    }

    /// Real and imaginary part of a complex number.
    fn complex(&self) -> Option<(f64, f64)> {
        None
    }

    /// All fields in declaration order, for `%v` and for JSON.
    fn fields(&self) -> Vec<(&'static str, Val)> {
        Vec::new()
    }

    /// `==` of Go, with an object of the same `type_name`.
    fn equals(&self, _other: &dyn Object) -> bool {
        false
    }

    /// What encoding/json makes of it.
    fn to_value(&self) -> Result<Value, Error> {
        let mut map = value::Map::new();
        for (name, field) in self.fields() {
            map.insert(name, field.to_value()?);
        }
        Ok(Value::Map(map))
    }
}

/// How the integers of a document become Go numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// encoding/json into interface{}: everything is a float64. Values files,
    /// `fromYaml`, `fromJson`.
    Float64,
    /// Integers stay int64: `--set`, `fromToml`.
    Int64,
}

/// How deep values may nest when they are converted or printed. Go recurses on;
/// encoding/json looks for cycles from a depth of 1,000 on.
pub const MAX_NESTING: usize = 1_000;

impl Val {
    pub fn from_value(value: &Value, numbers: Numbers) -> Val {
        match value {
            Value::Null => Val::Nil,
            Value::Bool(flag) => Val::Bool(*flag),
            Value::Int(number) => match numbers {
                Numbers::Float64 => Val::Float(*number as f64),
                Numbers::Int64 => Val::Int64(*number),
            },
            Value::Uint(number) => match numbers {
                Numbers::Float64 => Val::Float(*number as f64),
                Numbers::Int64 => Val::Uint64(*number),
            },
            Value::Float(number) => Val::Float(*number),
            Value::Str(text) => Val::from(text.as_str()),
            Value::Seq(items) => {
                let items = items.iter().map(|v| Val::from_value(v, numbers));
                Val::List(List::new(items.collect()))
            }
            Value::Map(map) => Val::Map(
                map.iter()
                    .map(|(k, v)| (k, Val::from_value(v, numbers)))
                    .collect(),
            ),
        }
    }

    /// The value as encoding/json would marshal it: bytes are base64, what is
    /// not UTF-8 becomes U+FFFD, nil lists and maps are null. Fails on cycles
    /// and on NaN.
    pub fn to_value(&self) -> Result<Value, Error> {
        self.to_value_within(MAX_NESTING)
    }

    fn to_value_within(&self, depth: usize) -> Result<Value, Error> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Error::new(format!(
                "json: unsupported value: encountered a cycle via {}",
                self.type_name()
            )));
        };
        Ok(match self {
            Val::Nil => Value::Null,
            Val::Bool(flag) => Value::Bool(*flag),
            Val::Int(number) | Val::Int64(number) => Value::Int(*number),
            Val::Uint8(number) => Value::Int(i64::from(*number)),
            Val::Uint64(number) => match i64::try_from(*number) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Uint(*number),
            },
            Val::Float(number) if number.is_finite() => Value::Float(*number),
            Val::Float(number) => {
                let name = match number {
                    n if n.is_nan() => "NaN",
                    n if *n > 0.0 => "+Inf",
                    _ => "-Inf",
                };
                return Err(Error::new(format!("json: unsupported value: {name}")));
            }
            Val::Str(text) => Value::Str(text.to_text().into_owned()),
            Val::Bytes(bytes) => {
                use base64::Engine as _;
                Value::Str(base64::engine::general_purpose::STANDARD.encode(bytes))
            }
            Val::List(list) if list.is_nil() => Value::Null,
            Val::List(list) => Value::Seq(
                list.items()
                    .iter()
                    .map(|item| item.to_value_within(depth))
                    .collect::<Result<_, _>>()?,
            ),
            Val::Map(map) if map.is_nil() => Value::Null,
            Val::Map(map) => {
                let mut out = value::Map::new();
                for (key, item) in map.entries().iter() {
                    out.insert(key.to_text(), item.to_value_within(depth)?);
                }
                Value::Map(out)
            }
            Val::Object(object) => object.to_value()?,
        })
    }

    /// Truth as `if` sees it: not the zero of its type, not empty.
    pub fn is_true(&self) -> bool {
        match self {
            Val::Nil => false,
            Val::Bool(flag) => *flag,
            Val::Int(number) | Val::Int64(number) => *number != 0,
            Val::Uint8(number) => *number != 0,
            Val::Uint64(number) => *number != 0,
            Val::Float(number) => *number != 0.0,
            Val::Str(text) => !text.is_empty(),
            Val::Bytes(bytes) => !bytes.is_empty(),
            Val::List(list) => !list.is_empty(),
            Val::Map(map) => !map.is_empty(),
            Val::Object(object) => object.complex() != Some((0.0, 0.0)),
        }
    }

    pub fn is_nil(&self) -> bool {
        matches!(self, Val::Nil)
    }

    pub fn as_str(&self) -> Option<&GoStr> {
        match self {
            Val::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Val::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&List> {
        match self {
            Val::List(list) => Some(list),
            _ => None,
        }
    }

    /// The integer of any integer type.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Val::Int(number) | Val::Int64(number) => Some(*number),
            Val::Uint8(number) => Some(i64::from(*number)),
            Val::Uint64(number) => Some(*number as i64),
            _ => None,
        }
    }

    /// The Rust value behind an object.
    pub fn downcast<T: 'static>(&self) -> Option<&T> {
        match self {
            Val::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// The methods of the value's type.
    pub fn methods(&self) -> &'static [FuncDef] {
        match self {
            Val::List(list) => list.type_named().map_or(&[], |named| named.methods),
            Val::Map(map) => map.type_named().map_or(&[], |named| named.methods),
            Val::Object(object) => object.methods(),
            _ => &[],
        }
    }
}

impl Context<'_> {
    /// Sets an entry of a map that the template can see. A map may come to
    /// hold itself by it, so the render remembers it and empties it in the end.
    pub fn set_entry(&mut self, map: &Map, key: impl Into<GoStr>, value: Val) {
        if matches!(value, Val::Map(_) | Val::List(_) | Val::Object(_)) {
            self.track(map);
        }
        map.insert(key, value);
    }
}

impl fmt::Debug for Val {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Val::Nil => out.write_str("nil"),
            Val::Bool(flag) => write!(out, "{flag}"),
            Val::Int(number) => write!(out, "{number}"),
            Val::Int64(number) => write!(out, "int64({number})"),
            Val::Uint8(number) => write!(out, "uint8({number})"),
            Val::Uint64(number) => write!(out, "uint64({number})"),
            Val::Float(number) => write!(out, "{number:?}"),
            Val::Str(text) => write!(out, "{text:?}"),
            Val::Bytes(bytes) => write!(out, "[]byte({:?})", String::from_utf8_lossy(bytes)),
            // Not the contents: they may hold the value itself.
            Val::List(list) => write!(out, "{}(len {})", self.type_name(), list.len()),
            Val::Map(map) => write!(out, "{}(len {})", self.type_name(), map.len()),
            Val::Object(object) => write!(out, "{}{{..}}", object.type_name()),
        }
    }
}

impl From<bool> for Val {
    fn from(flag: bool) -> Self {
        Val::Bool(flag)
    }
}

impl From<&str> for Val {
    fn from(text: &str) -> Self {
        Val::Str(text.into())
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Val::Str(text.into())
    }
}

impl From<GoStr> for Val {
    fn from(text: GoStr) -> Self {
        Val::Str(text)
    }
}

impl From<List> for Val {
    fn from(list: List) -> Self {
        Val::List(list)
    }
}

impl From<Map> for Val {
    fn from(map: Map) -> Self {
        Val::Map(map)
    }
}
