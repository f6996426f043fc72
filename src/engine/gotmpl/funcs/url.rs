//! URLs as Go's net/url (go1.26.8) parses, escapes and prints them.

use super::ip;
use crate::gotmpl::strconv::quote;

/// A parsed URL; parts are unescaped, but for the query.
#[derive(Default)]
pub(super) struct Url {
    pub scheme: Vec<u8>,
    pub opaque: Vec<u8>,
    pub user: Option<UserInfo>,
    /// Host or host:port.
    pub host: Vec<u8>,
    pub path: Vec<u8>,
    pub query: Vec<u8>,
    pub fragment: Vec<u8>,
}

pub(super) struct UserInfo {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl UserInfo {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = escape(&self.name, Part::UserPassword);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escape(password, Part::UserPassword));
        }
        out
    }
}

/// What a text is unescaped or escaped for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    UserPassword,
    Fragment,
}

fn should_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return false;
    }
    match part {
        Part::Host | Part::Zone => !b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Part::Path => !b"$&+,/:;=@".contains(&byte),
        Part::UserPassword => !b"$&+,;=".contains(&byte),
        Part::Fragment => !b"$&+,/:;=?@!()*".contains(&byte),
    }
}

fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if should_escape(byte, part) {
            let hex = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble)];
            out.extend([b'%', hex(byte >> 4), hex(byte & 15)]);
        } else {
            out.push(byte);
        }
    }
    out
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let in_host = matches!(part, Part::Host | Part::Zone);
    while let Some(&byte) = rest.first() {
        if byte != b'%' {
            if in_host && byte < 0x80 && should_escape(byte, part) {
                let shown = quote(&[byte]);
                return Err(format!("invalid character {shown} in host name"));
            }
            out.push(byte);
            rest = &rest[1..];
            continue;
        }
        let shown = &rest[..rest.len().min(3)];
        let wrong = || format!("invalid URL escape {}", quote(shown));
        let digit = |at: usize| {
            let digit = rest.get(at).and_then(|b| char::from(*b).to_digit(16));
            digit.ok_or_else(wrong)
        };
        let (high, low) = (digit(1)?, digit(2)?);
        let value = (high << 4 | low) as u8;
        if part == Part::Host && high < 8 && shown != b"%25" {
            return Err(wrong());
        }
        let plain_in_zone = value == b' ' || !should_escape(value, Part::Host);
        if part == Part::Zone && shown != b"%25" && !plain_in_zone {
            return Err(wrong());
        }
        out.push(value);
        rest = &rest[3..];
    }
    Ok(out)
}

/// `strings.Cut`
fn cut(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|b| *b == at) {
        Some(n) => (&text[..n], &text[n + 1..]),
        None => (text, b""),
    }
}

impl Url {
    pub fn parse(raw: &[u8]) -> Result<Url, String> {
        let about = |of: &[u8], fault: String| format!("parse {}: {fault}", quote(of));
        let (before, fragment) = cut(raw, b'#');
        let mut url = Url::without_fragment(before).map_err(|fault| about(before, fault))?;
        url.fragment = unescape(fragment, Part::Fragment).map_err(|fault| about(raw, fault))?;
        Ok(url)
    }

    fn without_fragment(raw: &[u8]) -> Result<Url, String> {
        if raw.iter().any(|b| *b < b' ' || *b == 0x7f) {
            return Err("net/url: invalid control character in URL".into());
        }
        let mut url = Url::default();
        if raw == b"*" {
            url.path = raw.to_vec();
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(raw)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = cut(rest, b'?');
        url.query = query.to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".into());
            }
        }
        let has_authority = !url.scheme.is_empty() || !rest.starts_with(b"///");
        if has_authority && rest.starts_with(b"//") {
            let end = rest[2..].iter().position(|b| *b == b'/');
            let end = end.map_or(rest.len(), |at| at + 2);
            (url.user, url.host) = authority(&url.scheme, &rest[2..end])?;
            rest = &rest[end..];
        }
        url.path = unescape(rest, Part::Path)?;
        Ok(url)
    }

    /// The host without port and brackets.
    pub fn hostname(&self) -> &[u8] {
        let mut host = &self.host[..];
        if let Some(colon) = host.iter().rposition(|b| *b == b':')
            && is_port(&host[colon..])
        {
            host = &host[..colon];
        }
        match host {
            [b'[', inner @ .., b']'] => inner,
            _ => host,
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.push_hierarchy(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Part::Fragment));
        }
        out
    }

    fn push_hierarchy(&self, out: &mut Vec<u8>) {
        let somewhere = !self.host.is_empty() || self.user.is_some();
        if somewhere || !self.scheme.is_empty() && !self.path.is_empty() {
            out.extend_from_slice(b"//");
        }
        if let Some(user) = &self.user {
            out.extend(user.to_bytes());
            out.push(b'@');
        }
        out.extend(escape(&self.host, Part::Host));
        let path = match &self.path[..] {
            b"*" => b"*".to_vec(),
            path => escape(path, Part::Path),
        };
        if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
            out.push(b'/');
        }
        // Else it would be taken for a scheme.
        if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

fn split_scheme(raw: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in raw.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok((&raw[..at], &raw[at + 1..])),
            _ => break,
        }
    }
    Ok((b"", raw))
}

fn authority(scheme: &[u8], text: &[u8]) -> Result<(Option<UserInfo>, Vec<u8>), String> {
    let Some(at) = text.iter().rposition(|b| *b == b'@') else {
        return Ok((None, host(scheme, text)?));
    };
    let host = host(scheme, &text[at + 1..])?;
    let user = &text[..at];
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(b);
    if !user.iter().all(allowed) {
        return Err("net/url: invalid userinfo".into());
    }
    let (name, password) = cut(user, b':');
    let name = unescape(name, Part::UserPassword)?;
    let password = match user.contains(&b':') {
        true => Some(unescape(password, Part::UserPassword)?),
        false => None,
    };
    Ok((Some(UserInfo { name, password }), host))
}

/// Nothing, or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn host(scheme: &[u8], text: &[u8]) -> Result<Vec<u8>, String> {
    let wrong_port = |port: &[u8]| format!("invalid port {} after host", quote(port));
    match text.iter().rposition(|b| *b == b'[') {
        Some(0) => {
            let Some(close) = text.iter().rposition(|b| *b == b']') else {
                return Err("missing ']' in host".into());
            };
            let (inner, port) = (&text[1..close], &text[close + 1..]);
            if !is_port(port) {
                return Err(wrong_port(port));
            }
            let port = unescape(port, Part::Host)?;
            let zone = super::strings::find(inner, b"%25").unwrap_or(inner.len());
            let mut name = unescape(&inner[..zone], Part::Host)?;
            name.extend(unescape(&inner[zone..], Part::Zone)?);
            let address = ip::parse(&name).map_err(|fault| format!("invalid host: {fault}"))?;
            if address.is_ipv4() {
                return Err("invalid IP-literal".into());
            }
            return Ok([b"[", &name[..], b"]", &port].concat());
        }
        Some(_) => return Err("invalid IP-literal".into()),
        None => {}
    }
    if let Some(first) = text.iter().position(|b| *b == b':') {
        let last = text.iter().rposition(|b| *b == b':').unwrap_or(first);
        let strict = scheme == b"http" || scheme == b"https";
        let port = &text[if strict { first } else { last }..];
        if !is_port(port) {
            return Err(wrong_port(port));
        }
    }
    unescape(text, Part::Host)
}
