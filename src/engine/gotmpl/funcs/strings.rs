//! Strings: searched, cut, trimmed, repeated, indented.

use super::args::{bytes, int, text};
use super::letters::is_space;
use super::strval::{strslice, strval};
use crate::gotmpl::strconv::decode_rune;
use crate::gotmpl::{Context, Error, FuncDef, GoStr, List, Map, Type, Val};

use Type::{Any, Bool, Int, Str, StrList, StrMap};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("hello", &[], Str, |_, _| Ok("Hello!".into())),
    FuncDef::new("trim", &[Str], Str, trim),
    FuncDef::new("trimall", &[Str, Str], Str, trim_all),
    FuncDef::new("trimAll", &[Str, Str], Str, trim_all),
    FuncDef::new("trimSuffix", &[Str, Str], Str, trim_suffix),
    FuncDef::new("trimPrefix", &[Str, Str], Str, trim_prefix),
    FuncDef::new("contains", &[Str, Str], Bool, contains),
    FuncDef::new("hasPrefix", &[Str, Str], Bool, has_prefix),
    FuncDef::new("hasSuffix", &[Str, Str], Bool, has_suffix),
    FuncDef::new("trunc", &[Int, Str], Str, trunc),
    FuncDef::new("substr", &[Int, Int, Str], Str, substr),
    FuncDef::new("repeat", &[Int, Str], Str, repeat),
    FuncDef::new("replace", &[Str, Str, Str], Str, replace),
    FuncDef::new("indent", &[Int, Str], Str, indent),
    FuncDef::new("nindent", &[Int, Str], Str, nindent),
    FuncDef::new("plural", &[Str, Str, Int], Str, plural),
    FuncDef::new("split", &[Str, Str], StrMap, split),
    FuncDef::new("splitn", &[Str, Int, Str], StrMap, splitn),
    FuncDef::new("splitList", &[Str, Str], StrList, split_list),
    FuncDef::new("join", &[Str, Any], Str, join),
    FuncDef::new("toString", &[Any], Str, |_, args| {
        Ok(Val::Str(strval(&args[0])?))
    }),
    FuncDef::new("toStrings", &[Any], StrList, |_, args| {
        Ok(strslice(&args[0])?.into())
    }),
    // Off in Helm without --enable-dns, and no name is looked up here.
    FuncDef::new("getHostByName", &[Str], Str, |_, _| Ok("".into())),
];

fn cut(of: &GoStr, part: &[u8]) -> Val {
    if part.len() == of.len() {
        return Val::Str(of.clone());
    }
    Val::Str(GoStr::from_bytes(part))
}

fn trim(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let text = text(args, 0);
    Ok(cut(text, trim_by(text.as_bytes(), is_space)))
}

/// `strings.TrimFunc`
fn trim_by(mut text: &[u8], unwanted: impl Fn(u32) -> bool) -> &[u8] {
    while !text.is_empty() {
        let (rune, width) = decode_rune(text);
        if !unwanted(rune) {
            break;
        }
        text = &text[width..];
    }
    while !text.is_empty() {
        let (rune, width) = decode_last_rune(text);
        if !unwanted(rune) {
            break;
        }
        text = &text[..text.len() - width];
    }
    text
}

/// `utf8.DecodeLastRune`
fn decode_last_rune(text: &[u8]) -> (u32, usize) {
    for width in (2..=4.min(text.len())).rev() {
        let tail = &text[text.len() - width..];
        let (rune, decoded) = decode_rune(tail);
        if decoded == width {
            return (rune, width);
        }
    }
    decode_rune(&text[text.len() - 1..])
}

fn trim_all(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (cutset, text) = (bytes(args, 0), text(args, 1));
    let mut runes = Vec::new();
    let mut rest = cutset;
    while !rest.is_empty() {
        let (rune, width) = decode_rune(rest);
        runes.push(rune);
        rest = &rest[width..];
    }
    // A cutset of one ASCII byte or of ASCII alone is compared by bytes, which
    // makes no difference: no other rune has such a byte in it.
    Ok(cut(text, trim_by(text.as_bytes(), |r| runes.contains(&r))))
}

fn trim_suffix(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (suffix, text) = (bytes(args, 0), text(args, 1));
    let kept = text.as_bytes();
    Ok(cut(text, kept.strip_suffix(suffix).unwrap_or(kept)))
}

fn trim_prefix(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (prefix, text) = (bytes(args, 0), text(args, 1));
    let kept = text.as_bytes();
    Ok(cut(text, kept.strip_prefix(prefix).unwrap_or(kept)))
}

/// `strings.Index`
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    if let (Ok(text), Ok(part)) = (std::str::from_utf8(text), std::str::from_utf8(part)) {
        return text.find(part);
    }
    text.windows(part.len()).position(|window| window == part)
}

fn contains(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(find(bytes(args, 1), bytes(args, 0)).is_some().into())
}

fn has_prefix(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(bytes(args, 1).starts_with(bytes(args, 0)).into())
}

fn has_suffix(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(bytes(args, 1).ends_with(bytes(args, 0)).into())
}

fn trunc(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (count, text) = (int(args, 0), text(args, 1));
    let (all, len) = (text.as_bytes(), text.len() as i64);
    let kept = if count < 0 && len.wrapping_add(count) > 0 {
        &all[(len + count) as usize..]
    } else if count >= 0 && len > count {
        &all[..count as usize]
    } else {
        all
    };
    Ok(cut(text, kept))
}

/// As Go's runtime words it.
pub(super) fn out_of_range(text: String) -> Error {
    Error::new(format!("runtime error: slice bounds out of range {text}"))
}

fn substr(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (start, end, text) = (int(args, 0), int(args, 1), text(args, 2));
    let (all, len) = (text.as_bytes(), text.len() as i64);
    if start < 0 {
        if end < 0 {
            return Err(out_of_range(format!("[:{end}]")));
        }
        if end > len {
            return Err(out_of_range(format!("[:{end}] with length {len}")));
        }
        return Ok(cut(text, &all[..end as usize]));
    }
    if end < 0 || end > len {
        if start > len {
            return Err(out_of_range(format!("[{start}:{len}]")));
        }
        return Ok(cut(text, &all[start as usize..]));
    }
    if start > end {
        return Err(out_of_range(format!("[{start}:{end}]")));
    }
    Ok(cut(text, &all[start as usize..end as usize]))
}

fn repeat(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (count, text) = (int(args, 0), text(args, 1));
    let Ok(count) = u64::try_from(count) else {
        return Err(Error::new("strings: negative Repeat count"));
    };
    let size = (text.len() as u64).saturating_mul(count);
    if size > i64::MAX as u64 {
        return Err(Error::new("strings: Repeat output length overflow"));
    }
    ctx.take_bytes(size)?;
    if size == 0 {
        return Ok("".into());
    }
    Ok(Val::Str(text.as_bytes().repeat(count as usize).into()))
}

fn replace(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (old, new, text) = (bytes(args, 0), bytes(args, 1), text(args, 2));
    replace_all(ctx, text, old, new).map(Val::Str)
}

/// `strings.ReplaceAll`: an empty `old` stands before each rune and at the end.
pub(super) fn replace_all(
    ctx: &mut Context<'_>,
    text: &GoStr,
    old: &[u8],
    new: &[u8],
) -> Result<GoStr, Error> {
    let all = text.as_bytes();
    let mut out = Vec::with_capacity(all.len());
    if old.is_empty() {
        let n_places = crate::gotmpl::strconv::rune_count(all) as u64 + 1;
        ctx.take_bytes(n_places.saturating_mul(new.len() as u64))?;
        let mut rest = all;
        out.extend_from_slice(new);
        while !rest.is_empty() {
            let (_, width) = decode_rune(rest);
            out.extend_from_slice(&rest[..width]);
            out.extend_from_slice(new);
            rest = &rest[width..];
        }
        return Ok(out.into());
    }
    if find(all, old).is_none() {
        return Ok(text.clone());
    }
    let mut rest = all;
    while let Some(at) = find(rest, old) {
        ctx.take_bytes(at as u64 + new.len() as u64)?;
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    Ok(out.into())
}

fn indent(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    indented(ctx, int(args, 0), bytes(args, 1), b"")
}

fn nindent(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    indented(ctx, int(args, 0), bytes(args, 1), b"\n")
}

fn indented(ctx: &mut Context<'_>, spaces: i64, text: &[u8], before: &[u8]) -> Result<Val, Error> {
    let Ok(spaces) = u64::try_from(spaces) else {
        return Err(Error::new("strings: negative Repeat count"));
    };
    let n_lines = text.iter().filter(|b| **b == b'\n').count() as u64 + 1;
    let size = n_lines.saturating_mul(spaces) + text.len() as u64 + 1;
    ctx.take_bytes(size)?;
    let mut out = Vec::with_capacity(size as usize);
    out.extend_from_slice(before);
    for (n, line) in text.split(|b| *b == b'\n').enumerate() {
        if n > 0 {
            out.push(b'\n');
        }
        out.resize(out.len() + spaces as usize, b' ');
        out.extend_from_slice(line);
    }
    Ok(Val::Str(out.into()))
}

fn plural(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(args[usize::from(int(args, 2) != 1)].clone())
}

/// `strings.SplitN`: below zero all parts, an empty separator cuts between runes.
fn parts<'t>(text: &'t [u8], separator: &[u8], n: i64) -> Vec<&'t [u8]> {
    let most = usize::try_from(n).unwrap_or(usize::MAX);
    let (mut found, mut rest) = (Vec::new(), text);
    if most == 0 {
        return found;
    }
    if separator.is_empty() {
        while !rest.is_empty() {
            let width = match found.len() + 1 {
                n if n == most => rest.len(),
                _ => decode_rune(rest).1,
            };
            found.push(&rest[..width]);
            rest = &rest[width..];
        }
        return found;
    }
    while found.len() + 1 < most
        && let Some(at) = find(rest, separator)
    {
        found.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    found.push(rest);
    found
}

/// Parts as `{_0: .., _1: ..}`.
fn numbered(ctx: &mut Context<'_>, parts: &[&[u8]]) -> Result<Val, Error> {
    ctx.take_bytes(parts.len() as u64 * BYTES_PER_ITEM)?;
    let entries = parts.iter().enumerate().map(|(n, part)| {
        let part = Val::Str(GoStr::from_bytes(part));
        (GoStr::from(format!("_{n}")), part)
    });
    Ok(Map::of(Str, entries.collect()).into())
}

/// What an item of a list or map costs beside its text.
const BYTES_PER_ITEM: u64 = 48;

fn split(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let parts = parts(bytes(args, 1), bytes(args, 0), -1);
    numbered(ctx, &parts)
}

fn splitn(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let parts = parts(bytes(args, 2), bytes(args, 0), int(args, 1));
    numbered(ctx, &parts)
}

fn split_list(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let parts = parts(bytes(args, 1), bytes(args, 0), -1);
    ctx.take_bytes(parts.len() as u64 * BYTES_PER_ITEM)?;
    Ok(List::strings(parts.iter().map(|p| GoStr::from_bytes(p))).into())
}

fn join(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (separator, items) = (bytes(args, 0), strslice(&args[1])?);
    let mut out = Vec::new();
    for (n, item) in items.items().iter().enumerate() {
        let item = item.as_str().map_or(&b""[..], GoStr::as_bytes);
        ctx.take_bytes((separator.len() + item.len()) as u64)?;
        if n > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(item);
    }
    Ok(Val::Str(out.into()))
}
