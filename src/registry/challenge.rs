//! `WWW-Authenticate`, as registries write it.

/// How a registry wants to be asked (RFC 7235, and the token flow of the
/// distribution specification).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

pub(super) fn parse(header: &str) -> Option<Challenge> {
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (None, None, None);
    for (name, value) in parameters(rest) {
        match name.to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value),
            "service" => service = Some(value),
            "scope" => scope = Some(value),
            _ => {}
        }
    }
    Some(Challenge::Bearer {
        realm: realm?,
        service,
        scope,
    })
}

/// `name="value, with commas", name=token`.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', ',']);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut value = String::new();
                let mut end = quoted.len();
                let mut escaped = false;
                for (at, c) in quoted.char_indices() {
                    if !escaped && c == '"' {
                        end = at + 1;
                        break;
                    }
                    escaped = !escaped && c == '\\';
                    if !escaped {
                        value.push(c);
                    }
                }
                (value, quoted.get(end..).unwrap_or_default())
            }
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.push((name.trim().to_owned(), value));
        rest = after.trim_start_matches([' ', ',']);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.map(Into::into),
                scope: scope.map(Into::into),
            })
        };
        for (header, expected) in [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://auth/token\",service=\"r\",scope=\"repository:a/b:pull,push\"",
                bearer(
                    "https://auth/token",
                    Some("r"),
                    Some("repository:a/b:pull,push"),
                ),
            ),
            (
                "bearer Realm=https://auth/token, service=r",
                bearer("https://auth/token", Some("r"), None),
            ),
            ("Bearer realm=\"a\\\"b", bearer("a\"b", None, None)),
            ("Bearer service=\"r\"", None),
            ("Negotiate", None),
            ("", None),
            ("Bearer =,=,\"", None),
        ] {
            assert_eq!(parse(header), expected, "{header}");
        }
    }
}
