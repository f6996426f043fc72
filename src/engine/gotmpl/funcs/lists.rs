//! Lists: built, cut, searched, sorted. Lists of any element type are taken.

use super::args::int;
use super::cast::to_int64;
use super::equal::deep_equal;
use super::strval::{strslice, strval};
use crate::gotmpl::{Context, Error, FuncDef, List, Type, Val};

use Type::{Any, AnyList, AnyListList, Bool, Int, StrList};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::variadic("list", &[Any], AnyList, list),
    FuncDef::variadic("tuple", &[Any], AnyList, list),
    FuncDef::new("append", &[Any, Any], AnyList, push),
    FuncDef::new("push", &[Any, Any], AnyList, push),
    FuncDef::new("mustAppend", &[Any, Any], AnyList, push),
    FuncDef::new("mustPush", &[Any, Any], AnyList, push),
    FuncDef::new("prepend", &[Any, Any], AnyList, prepend),
    FuncDef::new("mustPrepend", &[Any, Any], AnyList, prepend),
    FuncDef::new("first", &[Any], Any, first),
    FuncDef::new("mustFirst", &[Any], Any, first),
    FuncDef::new("last", &[Any], Any, last),
    FuncDef::new("mustLast", &[Any], Any, last),
    FuncDef::new("rest", &[Any], AnyList, rest),
    FuncDef::new("mustRest", &[Any], AnyList, rest),
    FuncDef::new("initial", &[Any], AnyList, initial),
    FuncDef::new("mustInitial", &[Any], AnyList, initial),
    FuncDef::new("reverse", &[Any], AnyList, reverse),
    FuncDef::new("mustReverse", &[Any], AnyList, reverse),
    FuncDef::new("compact", &[Any], AnyList, compact),
    FuncDef::new("mustCompact", &[Any], AnyList, compact),
    FuncDef::new("uniq", &[Any], AnyList, uniq),
    FuncDef::new("mustUniq", &[Any], AnyList, uniq),
    FuncDef::variadic("without", &[Any, Any], AnyList, without),
    FuncDef::variadic("mustWithout", &[Any, Any], AnyList, without),
    FuncDef::new("has", &[Any, Any], Bool, has),
    FuncDef::new("mustHas", &[Any, Any], Bool, has),
    FuncDef::variadic("slice", &[Any, Any], Any, slice),
    FuncDef::variadic("mustSlice", &[Any, Any], Any, slice),
    FuncDef::variadic("concat", &[Any], Any, concat),
    FuncDef::new("chunk", &[Int, Any], AnyListList, chunk),
    FuncDef::new("mustChunk", &[Int, Any], AnyListList, chunk),
    FuncDef::new("sortAlpha", &[Any], StrList, sort_alpha),
];

/// What an item of a new list costs.
const BYTES_PER_ITEM: u64 = 16;

/// Items copied out, counted against the limits.
fn items(ctx: &mut Context<'_>, of: &Val, fault: &str) -> Result<Vec<Val>, Error> {
    let items = match of {
        Val::List(list) => list.to_vec(),
        Val::Bytes(bytes) => bytes.iter().map(|b| Val::Uint8(*b)).collect(),
        Val::Nil => return Err(nil_dereference()),
        Val::Bool(_)
        | Val::Int(_)
        | Val::Int64(_)
        | Val::Uint8(_)
        | Val::Uint64(_)
        | Val::Float(_)
        | Val::Str(_)
        | Val::Map(_)
        | Val::Object(_) => return Err(Error::new(format!("{fault} {}", of.kind().name()))),
    };
    ctx.take_bytes(items.len() as u64 * BYTES_PER_ITEM)?;
    Ok(items)
}

/// What Go's runtime says when the type of nil is asked for its kind.
pub(super) fn nil_dereference() -> Error {
    Error::new("runtime error: invalid memory address or nil pointer dereference")
}

fn any_list(items: Vec<Val>) -> Result<Val, Error> {
    Ok(List::new(items).into())
}

fn list(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    any_list(args.to_vec())
}

fn push(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut all = items(ctx, &args[0], "Cannot push on type")?;
    all.push(args[1].clone());
    any_list(all)
}

fn prepend(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut all = items(ctx, &args[0], "Cannot prepend on type")?;
    all.insert(0, args[1].clone());
    any_list(all)
}

fn first(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    if let Val::List(list) = &args[0] {
        return Ok(list.get(0).unwrap_or_default());
    }
    let all = items(ctx, &args[0], "Cannot find first on type")?;
    Ok(all.first().cloned().unwrap_or_default())
}

fn last(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let all = items(ctx, &args[0], "Cannot find last on type")?;
    Ok(all.last().cloned().unwrap_or_default())
}

fn rest(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut all = items(ctx, &args[0], "Cannot find rest on type")?;
    if all.is_empty() {
        return Ok(List::nil(Any).into());
    }
    all.remove(0);
    any_list(all)
}

fn initial(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut all = items(ctx, &args[0], "Cannot find initial on type")?;
    match all.pop() {
        Some(_) => any_list(all),
        None => Ok(List::nil(Any).into()),
    }
}

fn reverse(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut all = items(ctx, &args[0], "Cannot find reverse on type")?;
    all.reverse();
    any_list(all)
}

fn compact(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut all = items(ctx, &args[0], "Cannot compact on type")?;
    all.retain(|item| !super::flow::is_empty(item));
    any_list(all)
}

fn uniq(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut kept: Vec<Val> = Vec::new();
    for item in items(ctx, &args[0], "Cannot find uniq on type")? {
        ctx.take_steps(kept.len() as u64)?;
        if !is_among(&kept, &item)? {
            kept.push(item);
        }
    }
    any_list(kept)
}

fn is_among(items: &[Val], wanted: &Val) -> Result<bool, Error> {
    for item in items {
        if deep_equal(wanted, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn without(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut kept = Vec::new();
    for item in items(ctx, &args[0], "Cannot find without on type")? {
        ctx.take_steps(args.len() as u64)?;
        if !is_among(&args[1..], &item)? {
            kept.push(item);
        }
    }
    any_list(kept)
}

fn has(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    if args[1].is_nil() {
        return Ok(false.into());
    }
    let all = items(ctx, &args[1], "Cannot find has on type")?;
    ctx.take_steps(all.len() as u64)?;
    for item in &all {
        if deep_equal(&args[0], item)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

/// Go's bounds are those of the capacity; a list here has none beyond its length.
fn slice(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let all = items(ctx, &args[0], "list should be type of slice or array but")?;
    if all.is_empty() {
        return Ok(Val::Nil);
    }
    let start = args.get(1).map_or(0, to_int64);
    let end = args.get(2).map_or(all.len() as i64, to_int64);
    let range = match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) if start <= end && end <= all.len() => start..end,
        _ => {
            return Err(Error::new("reflect.Value.Slice: slice index out of bounds"));
        }
    };
    Ok(match &args[0] {
        Val::Bytes(bytes) => Val::Bytes(bytes[range].into()),
        Val::List(list) => {
            let part = all[range].to_vec();
            match list.type_named() {
                Some(named) => List::named(named, list.elem(), part),
                None => List::of(list.elem(), part),
            }
            .into()
        }
        _ => Val::Nil,
    })
}

fn concat(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut all = Vec::new();
    for list in args {
        match list {
            Val::List(_) | Val::Bytes(_) | Val::Nil => all.extend(items(ctx, list, "")?),
            _ => {
                return Err(Error::new(format!(
                    "Cannot concat type {} as list",
                    list.kind().name()
                )));
            }
        }
    }
    if all.is_empty() {
        return Ok(List::nil(Any).into());
    }
    any_list(all)
}

/// In floats, as sprig computes it, since that decides what odd sizes do.
fn chunk(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let size = int(args, 0);
    let all = items(ctx, &args[1], "Cannot chunk type")?;
    let len = all.len() as f64;
    let wrong_length = || Error::new("runtime error: makeslice: len out of range");
    let n_chunks = ((len - 1.0) / size as f64).floor() + 1.0;
    let n_chunks = usize::try_from(super::cast::truncated(n_chunks)).map_err(|_| wrong_length())?;
    let mut chunks = Vec::new();
    for n in 0..n_chunks {
        let mut chunk_len = size;
        if n + 1 == n_chunks {
            chunk_len = super::cast::truncated((len % size as f64).floor());
            if chunk_len == 0 {
                chunk_len = size;
            }
        }
        let chunk_len = usize::try_from(chunk_len).map_err(|_| wrong_length())?;
        let start = n.saturating_mul(usize::try_from(size).unwrap_or(0));
        let part = all.iter().skip(start).take(chunk_len);
        chunks.push(Val::List(List::new(part.cloned().collect())));
    }
    Ok(List::of(AnyList, chunks).into())
}

/// A `[]string` is sorted in place, as in Go.
fn sort_alpha(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    if !matches!(args[0], Val::List(_) | Val::Bytes(_)) {
        return Ok(List::strings([strval(&args[0])?]).into());
    }
    let strings = strslice(&args[0])?;
    strings
        .items_mut()
        .sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Ok(strings.into())
}
