//! `urlParse` and `urlJoin` over what `url` reads and prints.

use super::args::{bytes, map};
use super::url::{Url, UserInfo};
use crate::gotmpl::{Context, Error, FuncDef, GoStr, Map, Type, Val};

use Type::{Any, AnyMap, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("urlParse", &[Str], AnyMap, url_parse),
    FuncDef::new("urlJoin", &[AnyMap], Str, url_join),
];

fn url_parse(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let url = Url::parse(bytes(args, 0))
        .map_err(|fault| Error::new(format!("unable to parse url: {fault}")))?;
    let user = url.user.as_ref().map(UserInfo::to_bytes);
    let parts: [(&str, Vec<u8>); 8] = [
        ("hostname", url.hostname().to_vec()),
        ("scheme", url.scheme),
        ("host", url.host),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", user.unwrap_or_default()),
    ];
    let entries = parts.map(|(key, part)| (key.into(), Val::Str(part.into())));
    Ok(Map::of(Any, entries.into()).into())
}

fn url_join(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let parts = map(args, 0);
    // In the order of sprig, which decides what fails first.
    let mut url = Url {
        scheme: part(&parts, "scheme")?,
        host: part(&parts, "host")?,
        path: part(&parts, "path")?,
        query: part(&parts, "query")?,
        opaque: part(&parts, "opaque")?,
        fragment: part(&parts, "fragment")?,
        ..Url::default()
    };
    let user = part(&parts, "userinfo")?;
    if !user.is_empty() {
        let probe = [b"proto://", user.as_slice(), b"@host"].concat();
        let parsed = Url::parse(&probe)
            .map_err(|fault| Error::new(format!("unable to parse userinfo in dict: {fault}")))?;
        url.user = parsed.user;
    }
    Ok(Val::Str(url.to_bytes().into()))
}

fn part(of: &Map, key: &str) -> Result<Vec<u8>, Error> {
    match of.get(key) {
        None => Ok(Vec::new()),
        Some(Val::Str(text)) => Ok(GoStr::as_bytes(&text).to_vec()),
        Some(Val::Nil) => Err(super::lists::nil_dereference()),
        Some(other) => Err(Error::new(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind().name()
        ))),
    }
}
