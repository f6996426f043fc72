//! Values as strings: `strval` and `strslice` of sprig, `quote` and its kin.

use crate::gotmpl::gofmt::print_to;
use crate::gotmpl::strconv::quote as go_quote;
use crate::gotmpl::{Context, Error, FuncDef, GoStr, List, Type, Val};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::variadic("quote", &[Type::Any], Type::Str, quote),
    FuncDef::variadic("squote", &[Type::Any], Type::Str, squote),
    FuncDef::variadic("cat", &[Type::Any], Type::Str, cat),
];

/// A value as a string: itself, its bytes, its `String()`, or `%v`.
pub(super) fn strval(value: &Val) -> Result<GoStr, Error> {
    match value {
        Val::Str(text) => Ok(text.clone()),
        Val::Bytes(bytes) => Ok(GoStr::from_bytes(bytes)),
        Val::Nil
        | Val::Bool(_)
        | Val::Int(_)
        | Val::Int64(_)
        | Val::Uint8(_)
        | Val::Uint64(_)
        | Val::Float(_)
        | Val::List(_)
        | Val::Map(_)
        | Val::Object(_) => sprint_v(value),
    }
}

/// `fmt.Sprintf("%v", value)`
pub(in crate::gotmpl) fn sprint_v(value: &Val) -> Result<GoStr, Error> {
    if let Val::Str(text) = value {
        return Ok(text.clone());
    }
    let mut out = Vec::new();
    print_to(&mut out, value)?;
    Ok(out.into())
}

/// A value as `[]string`: nil items are left out, a single value is a list of
/// one. A `[]string` is given back itself, not a copy.
pub(super) fn strslice(value: &Val) -> Result<List, Error> {
    let strings = match value {
        Val::List(list) if list.elem() == Type::Str && list.type_named().is_none() => {
            return Ok(list.clone());
        }
        Val::Nil => Vec::new(),
        Val::List(list) => {
            let items = list.items();
            let kept = items.iter().filter(|item| !item.is_nil());
            kept.map(strval).collect::<Result<_, _>>()?
        }
        Val::Bytes(bytes) => bytes.iter().map(|b| b.to_string().into()).collect(),
        Val::Bool(_)
        | Val::Int(_)
        | Val::Int64(_)
        | Val::Uint8(_)
        | Val::Uint64(_)
        | Val::Float(_)
        | Val::Str(_)
        | Val::Map(_)
        | Val::Object(_) => vec![strval(value)?],
    };
    Ok(List::strings(strings))
}

fn quote(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    joined(ctx, args, |out, value| {
        let text = strval(value)?;
        out.extend_from_slice(go_quote(text.as_bytes()).as_bytes());
        Ok(())
    })
}

fn squote(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    joined(ctx, args, |out, value| {
        out.push(b'\'');
        out.extend_from_slice(sprint_v(value)?.as_bytes());
        out.push(b'\'');
        Ok(())
    })
}

fn cat(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    joined(ctx, args, |out, value| {
        out.extend_from_slice(sprint_v(value)?.as_bytes());
        Ok(())
    })
}

/// What is not nil, with spaces between.
fn joined(
    ctx: &mut Context<'_>,
    args: &[Val],
    write: impl Fn(&mut Vec<u8>, &Val) -> Result<(), Error>,
) -> Result<Val, Error> {
    let mut out = Vec::new();
    for (n, value) in args.iter().filter(|v| !v.is_nil()).enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        write(&mut out, value)?;
    }
    ctx.take_bytes(out.len() as u64)?;
    Ok(Val::Str(out.into()))
}
