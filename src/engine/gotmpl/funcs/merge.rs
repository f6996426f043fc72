//! `merge` and its kin, as mergo 1.0 does it: the first dict is changed in
//! place, and may come to share parts with the others.

use super::args::map;
use crate::gotmpl::{Context, Error, FuncDef, GoStr, Kind, MAX_NESTING, Map, Type, Val};

use Type::{Any, AnyMap};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::variadic("merge", &[AnyMap, AnyMap], Any, |ctx, args| {
        lenient(merged(ctx, args, Winner::First))
    }),
    FuncDef::variadic("mergeOverwrite", &[AnyMap, AnyMap], Any, |ctx, args| {
        lenient(merged(ctx, args, Winner::Last))
    }),
    FuncDef::variadic("mustMerge", &[AnyMap, AnyMap], Any, |ctx, args| {
        strict(merged(ctx, args, Winner::First))
    }),
    FuncDef::variadic("mustMergeOverwrite", &[AnyMap, AnyMap], Any, |ctx, args| {
        strict(merged(ctx, args, Winner::Last))
    }),
];

/// Whose value stays where both have one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Winner {
    First,
    Last,
}

enum Fault {
    /// An error that mergo returns.
    Returned(&'static str),
    /// A panic in Go, or a limit of ours.
    Raised(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Raised(error)
    }
}

/// Sprig makes an empty string of what mergo returns.
fn lenient(merged: Result<Val, Fault>) -> Result<Val, Error> {
    match merged {
        Ok(dict) => Ok(dict),
        Err(Fault::Returned(_)) => Ok("".into()),
        Err(Fault::Raised(error)) => Err(error),
    }
}

fn strict(merged: Result<Val, Fault>) -> Result<Val, Error> {
    merged.map_err(|fault| match fault {
        Fault::Returned(text) => Error::new(text),
        Fault::Raised(error) => error,
    })
}

fn merged(ctx: &mut Context<'_>, args: &[Val], winner: Winner) -> Result<Val, Fault> {
    let mut into = map(args, 0);
    for at in 1..args.len() {
        let from = map(args, at);
        if into.is_nil() && !from.is_nil() {
            into = Map::new();
        }
        merge_maps(ctx, &into, &from, winner, MAX_NESTING)?;
    }
    Ok(into.into())
}

/// mergo's `deepMerge` with a map as the destination.
fn merge_maps(
    ctx: &mut Context<'_>,
    into: &Map,
    from: &Map,
    winner: Winner,
    depth: usize,
) -> Result<(), Fault> {
    let Some(depth) = depth.checked_sub(1) else {
        let text = format!("a dict to merge is nested more than {MAX_NESTING} deep");
        return Err(Fault::Raised(Error::new(text)));
    };
    let overwrite = winner == Winner::Last;
    // Go asks for the static type of the value, not for what it holds.
    let put = |ctx: &mut Context<'_>, key: GoStr, value: Val| {
        if from.elem() == Any && into.elem() != Any {
            let text = format!(
                "reflect.Value.SetMapIndex: value of type interface {{}} is not assignable to type {}",
                into.elem().name()
            );
            return Err(Fault::Raised(Error::new(text)));
        }
        ctx.set_entry(into, key, value);
        Ok(())
    };
    // A map that is merged into itself changes while it is read.
    let entries = from.entries().clone();
    ctx.take_steps(entries.len() as u64)?;
    for (key, new) in entries {
        let old = into.get_bytes(key.as_bytes());
        match new.kind() {
            Kind::Invalid => {
                if overwrite {
                    put(ctx, key, new)?;
                }
                continue;
            }
            Kind::Map | Kind::Ptr | Kind::Struct => {
                merge_parts(ctx, old.as_ref(), &new, winner, depth)?;
            }
            Kind::Slice => {
                // An overwriting list replaces; else what is there stays.
                if overwrite || into.is_empty() {
                    put(ctx, key.clone(), new.clone())?;
                }
            }
            Kind::Bool
            | Kind::Int
            | Kind::Int64
            | Kind::Uint8
            | Kind::Uint64
            | Kind::Float64
            | Kind::Complex128
            | Kind::String => {}
        }
        // Asked only now: merging may have filled an empty map.
        if let Some(old) = &old
            && !is_empty(old)
            && (new.kind() == Kind::Slice || new.kind() == Kind::Map && old.kind() == Kind::Map)
        {
            continue;
        }
        if overwrite || old.as_ref().is_none_or(is_empty) {
            put(ctx, key, new)?;
        }
    }
    Ok(())
}

/// mergo's `deepMerge` of a map, pointer or struct into what stands there, none
/// of which can be set as a whole.
fn merge_parts(
    ctx: &mut Context<'_>,
    old: Option<&Val>,
    new: &Val,
    winner: Winner,
    depth: usize,
) -> Result<(), Fault> {
    match (old, new) {
        (Some(Val::Map(old)), Val::Map(new)) if !old.is_nil() || new.is_nil() => {
            merge_maps(ctx, old, new, winner, depth)
        }
        (Some(old), new)
            if old.kind() == Kind::Ptr && new.kind() != Kind::Ptr && winner == Winner::First =>
        {
            Err(Fault::Returned("src and dst must be of same type"))
        }
        _ => Ok(()),
    }
}

/// mergo's `isEmptyValue`
fn is_empty(value: &Val) -> bool {
    !value.is_true()
}
