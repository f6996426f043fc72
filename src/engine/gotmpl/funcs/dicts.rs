//! Dicts: built, read, changed in place, picked from.

use super::args::{map, text};
use super::strval::strval;
use crate::gotmpl::{Context, Error, FuncDef, GoStr, List, Map, Type, Val};

use Type::{Any, AnyList, AnyMap, Bool, Str, StrList};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::variadic("dict", &[Any], AnyMap, dict),
    FuncDef::new("get", &[AnyMap, Str], Any, get),
    FuncDef::new("set", &[AnyMap, Str, Any], AnyMap, set),
    FuncDef::new("unset", &[AnyMap, Str], AnyMap, unset),
    FuncDef::new("hasKey", &[AnyMap, Str], Bool, has_key),
    FuncDef::variadic("pluck", &[Str, AnyMap], AnyList, pluck),
    FuncDef::variadic("keys", &[AnyMap], StrList, keys),
    FuncDef::new("values", &[AnyMap], AnyList, values),
    FuncDef::variadic("pick", &[AnyMap, Str], AnyMap, pick),
    FuncDef::variadic("omit", &[AnyMap, Str], AnyMap, omit),
    FuncDef::variadic("dig", &[Any], Any, dig),
];

fn dict(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut entries = Vec::with_capacity(args.len().div_ceil(2));
    for pair in args.chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
        entries.push((strval(&pair[0])?, value));
    }
    Ok(Map::of(Any, entries).into())
}

fn get(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let found = map(args, 0).get_bytes(text(args, 1).as_bytes());
    Ok(found.unwrap_or_else(|| "".into()))
}

fn set(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let map = map(args, 0);
    if map.is_nil() {
        return Err(Error::new("assignment to entry in nil map"));
    }
    ctx.take_bytes(text(args, 1).len() as u64)?;
    ctx.set_entry(&map, text(args, 1).clone(), args[2].clone());
    Ok(map.into())
}

fn unset(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let map = map(args, 0);
    map.remove(text(args, 1).as_bytes());
    Ok(map.into())
}

fn has_key(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(map(args, 0).contains_key(text(args, 1).as_bytes()).into())
}

fn pluck(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let key = text(args, 0).as_bytes();
    let maps = (1..args.len()).map(|at| map(args, at));
    Ok(List::new(maps.filter_map(|map| map.get_bytes(key)).collect()).into())
}

/// In key order; Go gives them in any.
fn keys(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut all = Vec::new();
    for at in 0..args.len() {
        let keys = map(args, at).keys();
        ctx.take_bytes(keys.len() as u64 * 16)?;
        all.extend(keys);
    }
    Ok(List::strings(all).into())
}

/// In the order of their keys; Go gives them in any.
fn values(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let map = map(args, 0);
    ctx.take_bytes(map.len() as u64 * 16)?;
    let values = map.entries().iter().map(|(_, v)| v.clone()).collect();
    Ok(List::new(values).into())
}

fn pick(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let from = map(args, 0);
    let keys = (1..args.len()).map(|at| text(args, at));
    let picked = keys.filter_map(|key| Some((key.clone(), from.get_bytes(key.as_bytes())?)));
    Ok(Map::of(Any, picked.collect()).into())
}

fn omit(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let from = map(args, 0);
    let omitted: Vec<&GoStr> = (1..args.len()).map(|at| text(args, at)).collect();
    let entries = from.entries();
    let kept = entries.iter().filter(|(key, _)| !omitted.contains(&key));
    Ok(Map::of(Any, kept.cloned().collect()).into())
}

/// What Go says when an interface holds another type than asserted.
fn wrong_type(value: &Val, wanted: &str) -> Error {
    let found = match value {
        Val::Nil => "nil".into(),
        _ => value.type_name(),
    };
    Error::new(format!(
        "interface conversion: interface {{}} is {found}, not {wanted}"
    ))
}

/// `value.(map[string]interface{})`
fn as_dict(value: &Val) -> Result<&Map, Error> {
    match value {
        Val::Map(map) if map.elem() == Any && map.type_named().is_none() => Ok(map),
        _ => Err(wrong_type(value, "map[string]interface {}")),
    }
}

fn dig(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let [path @ .., default, dict] = args else {
        return Err(Error::new("dig needs at least three arguments"));
    };
    if path.is_empty() {
        return Err(Error::new("dig needs at least three arguments"));
    }
    let mut here = as_dict(dict)?.clone();
    let keys = path
        .iter()
        .map(|key| key.as_str().ok_or_else(|| wrong_type(key, "string")))
        .collect::<Result<Vec<&GoStr>, _>>()?;
    for (at, key) in keys.iter().enumerate() {
        let Some(step) = here.get_bytes(key.as_bytes()) else {
            return Ok(default.clone());
        };
        if at + 1 == keys.len() {
            return Ok(step);
        }
        here = as_dict(&step)?.clone();
    }
    Ok(default.clone())
}
