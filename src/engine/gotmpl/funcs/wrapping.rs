//! Strings shortened, wrapped and taken apart as goutils 1.1 does it: by
//! bytes, whatever that does to characters.

use super::args::{bytes, int, text};
use super::letters::is_space;
use super::random::below;
use crate::gotmpl::strconv::append_rune;
use crate::gotmpl::{Context, Error, FuncDef, GoStr, Type, Val};

use Type::{Int, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("abbrev", &[Int, Str], Str, abbrev),
    FuncDef::new("abbrevboth", &[Int, Int, Str], Str, abbrev_both),
    FuncDef::new("wrap", &[Int, Str], Str, wrap),
    FuncDef::new("wrapWith", &[Int, Str, Str], Str, wrap_with),
    FuncDef::new("nospace", &[Str], Str, no_space),
    FuncDef::new("initials", &[Str], Str, initials),
    FuncDef::new("shuffle", &[Str], Str, shuffle).drawn(),
];

fn abbrev(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (width, text) = (int(args, 0), text(args, 1));
    if width < 4 {
        return Ok(Val::Str(text.clone()));
    }
    Ok(Val::Str(abbreviated(text, 0, width)))
}

fn abbrev_both(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (left, right, text) = (int(args, 0), int(args, 1), text(args, 2));
    if right < 4 || left > 0 && right < 7 {
        return Ok(Val::Str(text.clone()));
    }
    Ok(Val::Str(abbreviated(text, left, right)))
}

/// `goutils.AbbreviateFull`; its errors are empty strings here.
fn abbreviated(text: &GoStr, offset: i64, width: i64) -> GoStr {
    let (all, len) = (text.as_bytes(), text.len() as i64);
    if all.is_empty() || width < 4 {
        return "".into();
    }
    if len <= width {
        return text.clone();
    }
    let mut offset = offset.min(len);
    if len - offset < width - 3 {
        offset = len - (width - 3);
    }
    let kept = (width - 3) as usize;
    if offset <= 4 {
        return [&all[..kept], b"..."].concat().into();
    }
    if width < 7 {
        return "".into();
    }
    let tail = if offset + width - 3 < len {
        let rest = GoStr::from_bytes(&all[offset as usize..]);
        abbreviated(&rest, 0, width - 3)
    } else {
        GoStr::from_bytes(&all[all.len() - kept..])
    };
    [b"...", tail.as_bytes()].concat().into()
}

fn wrap(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    wrapped(ctx, bytes(args, 1), int(args, 0), b"\n", false)
}

fn wrap_with(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let separator = match bytes(args, 1) {
        b"" => b"\n",
        given => given,
    };
    wrapped(ctx, bytes(args, 2), int(args, 0), separator, true)
}

/// `goutils.WrapCustom`
fn wrapped(
    ctx: &mut Context<'_>,
    text: &[u8],
    width: i64,
    separator: &[u8],
    cut_long_words: bool,
) -> Result<Val, Error> {
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let mut out = Vec::with_capacity(text.len());
    let mut offset = 0;
    while text.len() - offset > width {
        if text[offset] == b' ' {
            offset += 1;
            continue;
        }
        let line = &text[offset..=offset + width];
        ctx.take_bytes(separator.len() as u64)?;
        if let Some(space) = line.iter().rposition(|b| *b == b' ') {
            out.extend_from_slice(&line[..space]);
            out.extend_from_slice(separator);
            offset += space + 1;
        } else if cut_long_words {
            out.extend_from_slice(&line[..width]);
            out.extend_from_slice(separator);
            offset += width;
        } else if let Some(space) = text[offset + width..].iter().position(|b| *b == b' ') {
            out.extend_from_slice(&text[offset..offset + width + space]);
            out.extend_from_slice(separator);
            offset += width + space + 1;
        } else {
            out.extend_from_slice(&text[offset..]);
            offset = text.len();
        }
    }
    out.extend_from_slice(&text[offset..]);
    Ok(Val::Str(out.into()))
}

/// Bytes are taken for characters of Latin-1 as soon as one is white space.
fn no_space(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let text = text(args, 0);
    if !text.as_bytes().iter().any(|b| is_space(u32::from(*b))) {
        return Ok(Val::Str(text.clone()));
    }
    let mut out = Vec::new();
    for byte in text.as_bytes() {
        if !is_space(u32::from(*byte)) {
            append_rune(&mut out, u32::from(*byte));
        }
    }
    Ok(Val::Str(out.into()))
}

fn initials(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut out = Vec::new();
    let mut after_gap = true;
    for byte in bytes(args, 0) {
        if is_space(u32::from(*byte)) {
            after_gap = true;
        } else if std::mem::take(&mut after_gap) {
            append_rune(&mut out, u32::from(*byte));
        }
    }
    Ok(Val::Str(out.into()))
}

fn shuffle(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut runes: Vec<u32> = super::casing::runes(bytes(args, 0)).collect();
    for at in (1..runes.len()).rev() {
        let other = below(ctx, at as u64 + 1) as usize;
        runes.swap(at, other);
    }
    let mut out = Vec::new();
    runes.iter().for_each(|rune| append_rune(&mut out, *rune));
    Ok(Val::Str(out.into()))
}
