use std::borrow::Cow;

use super::{FuncDef, Val};

/// A Go type, as signatures declare it and error texts show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`
    Any,
    Bool,
    Int,
    Int64,
    Uint8,
    /// Only of parameters; the value is a `Val::Uint64`.
    Uint32,
    Uint64,
    Float64,
    Str,
    /// `[]uint8`
    Bytes,
    /// `[]interface {}`
    AnyList,
    /// `[]string`
    StrList,
    /// `[]int`
    IntList,
    /// `[][]interface {}`
    AnyListList,
    /// `map[string]interface {}`
    AnyMap,
    /// `map[string]string`
    StrMap,
    /// `reflect.Value`, which takes anything: the builtins.
    Reflect,
    /// Any other type, by its Go name: `time.Time`, `sprig.certificate`.
    Named(&'static str),
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Type::Any => "interface {}",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Int64 => "int64",
            Type::Uint8 => "uint8",
            Type::Uint32 => "uint32",
            Type::Uint64 => "uint64",
            Type::Float64 => "float64",
            Type::Str => "string",
            Type::Bytes => "[]uint8",
            Type::AnyList => "[]interface {}",
            Type::StrList => "[]string",
            Type::IntList => "[]int",
            Type::AnyListList => "[][]interface {}",
            Type::AnyMap => "map[string]interface {}",
            Type::StrMap => "map[string]string",
            Type::Reflect => "reflect.Value",
            Type::Named(name) => name,
        }
    }

    /// Whether an untyped nil may be given for it (reflect.Zero then).
    pub fn can_be_nil(self) -> bool {
        match self {
            Type::Any
            | Type::Bytes
            | Type::AnyList
            | Type::StrList
            | Type::IntList
            | Type::AnyListList
            | Type::AnyMap
            | Type::StrMap
            | Type::Reflect => true,
            Type::Named(name) => name.starts_with('*'),
            Type::Bool
            | Type::Int
            | Type::Int64
            | Type::Uint8
            | Type::Uint32
            | Type::Uint64
            | Type::Float64
            | Type::Str => false,
        }
    }

    /// The zero value of the type: what a map of it gives for a missing key.
    pub fn zero(self) -> Val {
        match self {
            Type::Any | Type::Reflect | Type::Named(_) => Val::Nil,
            Type::Bool => Val::Bool(false),
            Type::Int => Val::Int(0),
            Type::Int64 => Val::Int64(0),
            Type::Uint8 => Val::Uint8(0),
            Type::Uint32 | Type::Uint64 => Val::Uint64(0),
            Type::Float64 => Val::Float(0.0),
            Type::Str => Val::from(""),
            Type::Bytes => Val::Bytes(Vec::new().into()),
            Type::AnyList => Val::List(super::List::nil(Type::Any)),
            Type::StrList => Val::List(super::List::nil(Type::Str)),
            Type::IntList => Val::List(super::List::nil(Type::Int)),
            Type::AnyListList => Val::List(super::List::nil(Type::AnyList)),
            Type::AnyMap => Val::Map(super::Map::nil(Type::Any)),
            Type::StrMap => Val::Map(super::Map::nil(Type::Str)),
        }
    }
}

/// A named slice or map type and its methods, such as Helm's `common.Values`.
#[derive(Debug)]
pub struct Named {
    pub name: &'static str,
    pub methods: &'static [FuncDef],
}

/// `reflect.Kind`, in the words of `kindOf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int64,
    Uint8,
    Uint64,
    Float64,
    Complex128,
    String,
    Slice,
    Map,
    Struct,
    Ptr,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Int64 => "int64",
            Kind::Uint8 => "uint8",
            Kind::Uint64 => "uint64",
            Kind::Float64 => "float64",
            Kind::Complex128 => "complex128",
            Kind::String => "string",
            Kind::Slice => "slice",
            Kind::Map => "map",
            Kind::Struct => "struct",
            Kind::Ptr => "ptr",
        }
    }
}

impl Val {
    pub fn kind(&self) -> Kind {
        match self {
            Val::Nil => Kind::Invalid,
            Val::Bool(_) => Kind::Bool,
            Val::Int(_) => Kind::Int,
            Val::Int64(_) => Kind::Int64,
            Val::Uint8(_) => Kind::Uint8,
            Val::Uint64(_) => Kind::Uint64,
            Val::Float(_) => Kind::Float64,
            Val::Str(_) => Kind::String,
            Val::Bytes(_) | Val::List(_) => Kind::Slice,
            Val::Map(_) => Kind::Map,
            Val::Object(object) => object.kind(),
        }
    }

    /// The type as `%T` prints it.
    pub fn type_name(&self) -> Cow<'static, str> {
        match self {
            Val::Nil => "<nil>".into(),
            Val::Bool(_) => "bool".into(),
            Val::Int(_) => "int".into(),
            Val::Int64(_) => "int64".into(),
            Val::Uint8(_) => "uint8".into(),
            Val::Uint64(_) => "uint64".into(),
            Val::Float(_) => "float64".into(),
            Val::Str(_) => "string".into(),
            Val::Bytes(_) => "[]uint8".into(),
            Val::List(list) => match list.type_named() {
                Some(named) => named.name.into(),
                None => format!("[]{}", list.elem().name()).into(),
            },
            Val::Map(map) => match map.type_named() {
                Some(named) => named.name.into(),
                None => format!("map[string]{}", map.elem().name()).into(),
            },
            Val::Object(object) => object.type_name().into(),
        }
    }

    /// Whether Go would assign this value to a parameter of the type. An
    /// unnamed slice or map type takes the named ones of the same elements.
    pub fn assignable_to(&self, to: Type) -> bool {
        match (self, to) {
            (_, Type::Any | Type::Reflect) => true,
            (Val::Bool(_), Type::Bool)
            | (Val::Int(_), Type::Int)
            | (Val::Int64(_), Type::Int64)
            | (Val::Uint8(_), Type::Uint8)
            | (Val::Uint64(_), Type::Uint64)
            | (Val::Float(_), Type::Float64)
            | (Val::Str(_), Type::Str)
            | (Val::Bytes(_), Type::Bytes) => true,
            (Val::List(list), _) => match to {
                Type::AnyList => list.elem() == Type::Any,
                Type::StrList => list.elem() == Type::Str,
                Type::IntList => list.elem() == Type::Int,
                Type::AnyListList => list.elem() == Type::AnyList,
                Type::Named(name) => list.type_named().is_some_and(|n| n.name == name),
                _ => false,
            },
            (Val::Map(map), _) => match to {
                Type::AnyMap => map.elem() == Type::Any,
                Type::StrMap => map.elem() == Type::Str,
                Type::Named(name) => map.type_named().is_some_and(|n| n.name == name),
                _ => false,
            },
            (Val::Object(object), Type::Named(name)) => object.type_name() == name,
            _ => false,
        }
    }
}
