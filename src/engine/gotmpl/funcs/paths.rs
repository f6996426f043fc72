//! Slash-separated paths, as Go's `path` and, on Unix, `filepath`.

use super::args::{bytes, text};
use crate::gotmpl::{Context, Error, FuncDef, GoStr, Type, Val};

use Type::{Bool, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("base", &[Str], Str, base),
    FuncDef::new("osBase", &[Str], Str, base),
    FuncDef::new("dir", &[Str], Str, dir),
    FuncDef::new("osDir", &[Str], Str, dir),
    FuncDef::new("clean", &[Str], Str, |_, args| {
        Ok(Val::Str(cleaned(bytes(args, 0)).into()))
    }),
    FuncDef::new("osClean", &[Str], Str, |_, args| {
        Ok(Val::Str(cleaned(bytes(args, 0)).into()))
    }),
    FuncDef::new("ext", &[Str], Str, ext),
    FuncDef::new("osExt", &[Str], Str, ext),
    FuncDef::new("isAbs", &[Str], Bool, |_, args| {
        Ok(bytes(args, 0).starts_with(b"/").into())
    }),
    FuncDef::new("osIsAbs", &[Str], Bool, |_, args| {
        Ok(bytes(args, 0).starts_with(b"/").into())
    }),
];

fn base(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let path = bytes(args, 0);
    if path.is_empty() {
        return Ok(".".into());
    }
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
    if end == 0 {
        return Ok("/".into());
    }
    let start = path[..end].iter().rposition(|b| *b == b'/');
    let name = &path[start.map_or(0, |at| at + 1)..end];
    Ok(Val::Str(GoStr::from_bytes(name)))
}

fn dir(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let path = bytes(args, 0);
    let end = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    Ok(Val::Str(cleaned(&path[..end]).into()))
}

fn ext(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let path = text(args, 0).as_bytes();
    let last = path.iter().rposition(|b| matches!(b, b'.' | b'/'));
    Ok(match last {
        Some(at) if path[at] == b'.' => Val::Str(GoStr::from_bytes(&path[at..])),
        _ => "".into(),
    })
}

/// `path.Clean`: no `.`, no `..` that can be resolved, no doubled slash.
fn cleaned(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(part),
            },
            _ => kept.push(part),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
