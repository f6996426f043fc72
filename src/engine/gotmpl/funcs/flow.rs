//! Choices between values: defaults, emptiness, and `fail`.

use super::args::{flag, text};
use crate::gotmpl::{Context, Error, FuncDef, Type, Val};

use Type::{Any, Bool, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::variadic("default", &[Any, Any], Any, default),
    FuncDef::new("empty", &[Any], Bool, |_, args| {
        Ok(is_empty(&args[0]).into())
    }),
    FuncDef::variadic("coalesce", &[Any], Any, |_, args| {
        let first = args.iter().find(|value| !is_empty(value));
        Ok(first.cloned().unwrap_or_default())
    }),
    FuncDef::variadic("all", &[Any], Bool, |_, args| {
        Ok((!args.iter().any(is_empty)).into())
    }),
    FuncDef::variadic("any", &[Any], Bool, |_, args| {
        Ok((!args.iter().all(is_empty)).into())
    }),
    FuncDef::new("ternary", &[Any, Any, Bool], Any, |_, args| {
        Ok(args[usize::from(!flag(args, 2))].clone())
    }),
    FuncDef::new("fail", &[Str], Str, |_, args| {
        Err(Error::new(text(args, 0).to_text()))
    }),
];

/// Sprig's `empty`: zero, false, without items. Structs never are.
pub(super) fn is_empty(value: &Val) -> bool {
    match value {
        Val::Object(object) => object.complex() == Some((0.0, 0.0)),
        _ => !value.is_true(),
    }
}

fn default(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let given = args.get(1).filter(|value| !is_empty(value));
    Ok(given.unwrap_or(&args[0]).clone())
}
