//! Regular expressions. A wrong one is no match to `regexMatch`, and an error
//! to all others.

use super::args::{bytes, int, text};
use super::regexp::Regexp;
use crate::gotmpl::{Context, Error, FuncDef, GoStr, List, Type, Val};

use std::rc::Rc;

use Type::{Bool, Int, Str, StrList};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("regexMatch", &[Str, Str], Bool, |ctx, args| {
        let regexp = must(ctx, args);
        Ok(regexp.is_ok_and(|r| r.is_match(bytes(args, 1))).into())
    }),
    FuncDef::new("mustRegexMatch", &[Str, Str], Bool, |ctx, args| {
        Ok(must(ctx, args)?.is_match(bytes(args, 1)).into())
    }),
    FuncDef::new("regexFind", &[Str, Str], Str, |ctx, args| {
        let regexp = panicking(ctx, args)?;
        Ok(found(&regexp, args))
    }),
    FuncDef::new("mustRegexFind", &[Str, Str], Str, |ctx, args| {
        let regexp = must(ctx, args)?;
        Ok(found(&regexp, args))
    }),
    FuncDef::new("regexFindAll", &[Str, Str, Int], StrList, |ctx, args| {
        let regexp = panicking(ctx, args)?;
        find_all(ctx, &regexp, args)
    }),
    FuncDef::new(
        "mustRegexFindAll",
        &[Str, Str, Int],
        StrList,
        |ctx, args| {
            let regexp = must(ctx, args)?;
            find_all(ctx, &regexp, args)
        },
    ),
    FuncDef::new("regexReplaceAll", &[Str, Str, Str], Str, |ctx, args| {
        let regexp = panicking(ctx, args)?;
        replace(ctx, &regexp, args)
    }),
    FuncDef::new("mustRegexReplaceAll", &[Str, Str, Str], Str, |ctx, args| {
        let regexp = must(ctx, args)?;
        replace(ctx, &regexp, args)
    }),
    FuncDef::new(
        "regexReplaceAllLiteral",
        &[Str, Str, Str],
        Str,
        |ctx, args| {
            let regexp = panicking(ctx, args)?;
            replace_literal(ctx, &regexp, args)
        },
    ),
    FuncDef::new(
        "mustRegexReplaceAllLiteral",
        &[Str, Str, Str],
        Str,
        |ctx, args| {
            let regexp = must(ctx, args)?;
            replace_literal(ctx, &regexp, args)
        },
    ),
    FuncDef::new("regexSplit", &[Str, Str, Int], StrList, |ctx, args| {
        let regexp = panicking(ctx, args)?;
        split(ctx, &regexp, args)
    }),
    FuncDef::new("mustRegexSplit", &[Str, Str, Int], StrList, |ctx, args| {
        let regexp = must(ctx, args)?;
        split(ctx, &regexp, args)
    }),
    FuncDef::new("regexQuoteMeta", &[Str], Str, quote_meta),
];

/// How many expressions are kept, and how long they are at most.
const MAX_KEPT: usize = 64;
const MAX_KEPT_BYTES: usize = 256;

/// The expression, or the error that Go returns.
fn must(ctx: &mut Context<'_>, args: &[Val]) -> Result<Rc<Regexp>, Error> {
    compiled(ctx, bytes(args, 0), Regexp::compile)
}

/// The expression, or what Go's `MustCompile` panics with.
fn panicking(ctx: &mut Context<'_>, args: &[Val]) -> Result<Rc<Regexp>, Error> {
    compiled(ctx, bytes(args, 0), Regexp::must_compile)
}

fn compiled(
    ctx: &mut Context<'_>,
    pattern: &[u8],
    compile: fn(&[u8]) -> Result<Regexp, String>,
) -> Result<Rc<Regexp>, Error> {
    if let Some(known) = ctx.expressions.get(pattern) {
        return Ok(known.clone());
    }
    let regexp = Rc::new(compile(pattern).map_err(Error::new)?);
    if ctx.expressions.len() < MAX_KEPT && pattern.len() <= MAX_KEPT_BYTES {
        ctx.expressions.insert(pattern.to_vec(), regexp.clone());
    }
    Ok(regexp)
}

fn found(regexp: &Regexp, args: &[Val]) -> Val {
    Val::Str(GoStr::from_bytes(regexp.find(bytes(args, 1))))
}

/// What an item of a list of strings costs.
const BYTES_PER_ITEM: u64 = 48;

fn strings(ctx: &mut Context<'_>, items: Vec<&[u8]>) -> Result<Val, Error> {
    let n_bytes = items.iter().map(|item| item.len() as u64).sum::<u64>();
    ctx.take_bytes(n_bytes + items.len() as u64 * BYTES_PER_ITEM)?;
    Ok(List::strings(items.into_iter().map(GoStr::from_bytes)).into())
}

fn find_all(ctx: &mut Context<'_>, regexp: &Regexp, args: &[Val]) -> Result<Val, Error> {
    let text = bytes(args, 1);
    let ranges = regexp.find_all(text, int(args, 2));
    if ranges.is_empty() {
        return Ok(List::nil(Str).into());
    }
    strings(ctx, ranges.into_iter().map(|at| &text[at]).collect())
}

fn split(ctx: &mut Context<'_>, regexp: &Regexp, args: &[Val]) -> Result<Val, Error> {
    match regexp.split(bytes(args, 1), int(args, 2)) {
        Some(parts) => strings(ctx, parts),
        None => Ok(List::nil(Str).into()),
    }
}

/// Replaces while the limits allow, and tells what of it went beyond.
fn replaced(
    ctx: &mut Context<'_>,
    regexp: &Regexp,
    args: &[Val],
    mut push: impl FnMut(&mut Vec<u8>, &Vec<Option<std::ops::Range<usize>>>),
) -> Result<Val, Error> {
    let mut taken = Ok(());
    let replaced = regexp.replace_all(bytes(args, 1), |out, groups| {
        let before = out.len();
        if taken.is_ok() {
            push(out, groups);
            taken = ctx.take_bytes((out.len() - before) as u64);
        }
    });
    taken?;
    Ok(Val::Str(match replaced {
        Some(replaced) => replaced.into(),
        None => text(args, 1).clone(),
    }))
}

fn replace(ctx: &mut Context<'_>, regexp: &Regexp, args: &[Val]) -> Result<Val, Error> {
    let (text, template) = (bytes(args, 1), bytes(args, 2));
    replaced(ctx, regexp, args, |out, groups| {
        regexp.expand(out, template, text, groups);
    })
}

fn replace_literal(ctx: &mut Context<'_>, regexp: &Regexp, args: &[Val]) -> Result<Val, Error> {
    let replacement = bytes(args, 2);
    replaced(ctx, regexp, args, |out, _| {
        out.extend_from_slice(replacement)
    })
}

fn quote_meta(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut out = Vec::new();
    for byte in bytes(args, 0) {
        if br"\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    Ok(Val::Str(out.into()))
}
