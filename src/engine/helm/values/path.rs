//! Dotted paths into values: `a.b.c`.

use crate::gotmpl::{Map, Type, Val};

/// Why a path leads to no value; a missing value is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lookup {
    #[error("YAML path cannot be empty")]
    EmptyPath,
    #[error("{0:?} is not a value")]
    NoValue(String),
    #[error("{0:?} is not a table")]
    NoTable(String),
}

/// The map at a dotted path.
pub fn table(values: &Map, path: &str) -> Result<Map, Lookup> {
    let mut at = values.clone();
    for part in path.split('.') {
        at = match at.get(part) {
            Some(Val::Map(next)) if is_table(&next) => next,
            _ => return Err(Lookup::NoTable(part.to_owned())),
        };
    }
    Ok(at)
}

/// What stands at a dotted path and is no map.
pub fn path_value(values: &Map, path: &str) -> Result<Val, Lookup> {
    if path.is_empty() {
        return Err(Lookup::EmptyPath);
    }
    let (owner, key) = match path.rsplit_once('.') {
        Some((front, key)) => match table(values, front) {
            Ok(owner) => (owner, key),
            Err(_) => return Err(Lookup::NoValue(key.to_owned())),
        },
        None => (values.clone(), path),
    };
    match owner.get(key) {
        Some(Val::Map(map)) if is_table(&map) => Err(Lookup::NoValue(key.to_owned())),
        Some(value) => Ok(value),
        None => Err(Lookup::NoValue(key.to_owned())),
    }
}

/// Helm's istable: a `map[string]interface {}`.
pub fn is_table(map: &Map) -> bool {
    map.elem() == Type::Any
}
