//! What a value is, whether two are deeply equal, and deep copies.

use super::args::text;
use crate::gotmpl::{Context, Error, FuncDef, List, MAX_NESTING, Map, Type, Val};
use std::rc::Rc;

use Type::{Any, Bool, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("typeOf", &[Any], Str, |_, args| {
        Ok(args[0].type_name().into_owned().into())
    }),
    FuncDef::new("kindOf", &[Any], Str, |_, args| {
        Ok(args[0].kind().name().into())
    }),
    FuncDef::new("typeIs", &[Str, Any], Bool, |_, args| {
        Ok((*text(args, 0) == *args[1].type_name()).into())
    }),
    FuncDef::new("kindIs", &[Str, Any], Bool, |_, args| {
        Ok((*text(args, 0) == *args[1].kind().name()).into())
    }),
    FuncDef::new("typeIsLike", &[Str, Any], Bool, |_, args| {
        let (wanted, name) = (text(args, 0).to_text(), args[1].type_name());
        Ok((wanted == name || name.strip_prefix('*') == Some(&*wanted)).into())
    }),
    FuncDef::new("deepEqual", &[Any, Any], Bool, |_, args| {
        Ok(deep_equal(&args[0], &args[1])?.into())
    }),
    FuncDef::new("deepCopy", &[Any], Any, deep_copy_of),
    FuncDef::new("mustDeepCopy", &[Any], Any, deep_copy_of),
];

/// `reflect.DeepEqual`: of the same type, part by part; NaN is not NaN, an
/// empty list is not the nil list.
pub(super) fn deep_equal(a: &Val, b: &Val) -> Result<bool, Error> {
    equal_within(a, b, MAX_NESTING)
}

fn too_deep() -> Error {
    Error::new(format!("a value is nested more than {MAX_NESTING} deep"))
}

fn equal_within(a: &Val, b: &Val, depth: usize) -> Result<bool, Error> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    Ok(match (a, b) {
        (Val::Nil, Val::Nil) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Int(a), Val::Int(b)) | (Val::Int64(a), Val::Int64(b)) => a == b,
        (Val::Uint8(a), Val::Uint8(b)) => a == b,
        (Val::Uint64(a), Val::Uint64(b)) => a == b,
        (Val::Float(a), Val::Float(b)) => a == b,
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::Bytes(a), Val::Bytes(b)) => a == b,
        (Val::List(a), Val::List(b)) => lists_equal(a, b, depth)?,
        (Val::Map(a), Val::Map(b)) => maps_equal(a, b, depth)?,
        (Val::Object(a), Val::Object(b)) => {
            Rc::ptr_eq(a, b) || a.type_name() == b.type_name() && a.equals(b.as_ref())
        }
        _ => false,
    })
}

fn lists_equal(a: &List, b: &List, depth: usize) -> Result<bool, Error> {
    if Val::List(a.clone()).type_name() != Val::List(b.clone()).type_name()
        || a.is_nil() != b.is_nil()
        || a.len() != b.len()
    {
        return Ok(false);
    }
    if a.same(b) {
        return Ok(true);
    }
    for (a, b) in a.items().iter().zip(b.items().iter()) {
        if !equal_within(a, b, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn maps_equal(a: &Map, b: &Map, depth: usize) -> Result<bool, Error> {
    if Val::Map(a.clone()).type_name() != Val::Map(b.clone()).type_name()
        || a.is_nil() != b.is_nil()
        || a.len() != b.len()
    {
        return Ok(false);
    }
    if a.same(b) {
        return Ok(true);
    }
    for ((a_key, a), (b_key, b)) in a.entries().iter().zip(b.entries().iter()) {
        if a_key != b_key || !equal_within(a, b, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn deep_copy_of(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    if args[0].is_nil() {
        return Err(Error::new(
            "reflect: call of reflect.Value.Type on zero Value",
        ));
    }
    copy_within(ctx, &args[0], MAX_NESTING)
}

/// What an item of a copy costs.
const BYTES_PER_ITEM: u64 = 32;

fn copy_within(ctx: &mut Context<'_>, value: &Val, depth: usize) -> Result<Val, Error> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    Ok(match value {
        Val::List(list) if list.is_nil() => value.clone(),
        Val::List(list) => {
            ctx.take_bytes(list.len() as u64 * BYTES_PER_ITEM)?;
            let items = list.to_vec();
            let copies = items.iter().map(|item| copy_within(ctx, item, depth));
            let copies = copies.collect::<Result<_, _>>()?;
            match list.type_named() {
                Some(named) => List::named(named, list.elem(), copies),
                None => List::of(list.elem(), copies),
            }
            .into()
        }
        Val::Map(map) if map.is_nil() => value.clone(),
        Val::Map(map) => {
            ctx.take_bytes(map.len() as u64 * BYTES_PER_ITEM)?;
            let mut copies = Vec::with_capacity(map.len());
            for at in 0..map.len() {
                let Some((key, item)) = map.entry_at(at) else {
                    break;
                };
                copies.push((key, copy_within(ctx, &item, depth)?));
            }
            match map.type_named() {
                Some(named) => Map::named(named, map.elem(), copies),
                None => Map::of(map.elem(), copies),
            }
            .into()
        }
        Val::Nil
        | Val::Bool(_)
        | Val::Int(_)
        | Val::Int64(_)
        | Val::Uint8(_)
        | Val::Uint64(_)
        | Val::Float(_)
        | Val::Str(_)
        | Val::Bytes(_) => value.clone(),
        // copystructure leaves out what is not exported, which is all of a version.
        Val::Object(object) if object.type_name() == "*semver.Version" => super::versions::zero(),
        Val::Object(_) => value.clone(),
    })
}
