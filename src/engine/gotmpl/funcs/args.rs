//! Arguments as Rust values. The evaluator has checked them against the
//! signature before a function sees them.

use crate::gotmpl::{GoStr, Map, Type, Val};

/// A `string` parameter.
pub fn text(args: &[Val], at: usize) -> &GoStr {
    args[at]
        .as_str()
        .expect("the evaluator gives a string for Type::Str")
}

/// The bytes of a `string` parameter.
pub fn bytes(args: &[Val], at: usize) -> &[u8] {
    text(args, at).as_bytes()
}

/// An `int` parameter.
pub fn int(args: &[Val], at: usize) -> i64 {
    args[at]
        .as_int()
        .expect("the evaluator gives an integer for Type::Int")
}

/// A `bool` parameter.
pub fn flag(args: &[Val], at: usize) -> bool {
    matches!(args[at], Val::Bool(true))
}

/// A `map[string]interface{}` parameter; nil is the nil map.
pub fn map(args: &[Val], at: usize) -> Map {
    match &args[at] {
        Val::Map(map) => map.clone(),
        _ => Map::nil(Type::Any),
    }
}
