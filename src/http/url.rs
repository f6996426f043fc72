//! What may be shown of a URL, and which two belong to the same server.

use http::Uri;

/// The URL without userinfo, query and fragment: tokens live in all three.
pub fn masked(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

fn port(uri: &Uri) -> Option<u16> {
    uri.port_u16().or(match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    })
}

/// Same scheme, host and port.
pub fn same_origin(a: &Uri, b: &Uri) -> bool {
    a.scheme() == b.scheme() && same_host(a, b) && port(a) == port(b)
}

/// May what was given for one URL be sent to another?
pub fn may_carry_credentials(given_for: &Uri, to: &Uri) -> bool {
    same_origin(given_for, to) || is_upgrade(given_for, to)
}

/// From http on port 80 to https on port 443 of the same host: credentials
/// already went there in the clear, so they may go there encrypted.
fn is_upgrade(from: &Uri, to: &Uri) -> bool {
    from.scheme_str() == Some("http")
        && to.scheme_str() == Some("https")
        && same_host(from, to)
        && port(from) == Some(80)
        && port(to) == Some(443)
}

fn same_host(a: &Uri, b: &Uri) -> bool {
    match (a.host(), b.host()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

/// The target of a `Location` header, which may be relative.
pub(super) fn resolve(base: &Uri, location: &str) -> Result<Uri, String> {
    let location = location.split('#').next().unwrap_or_default();
    let authority = base.authority().map_or("", |a| a.as_str());
    // The userinfo of the base is a credential: a redirect does not inherit it.
    let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let scheme = base.scheme_str().unwrap_or("https");
    let text = if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{host}{location}")
    } else {
        let folder = base
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{scheme}://{host}{folder}/{location}")
    };
    text.parse::<Uri>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_whatever_may_be_a_credential() {
        for (url, expected) in [
            ("https://u:p@h/x.git", "https://h/x.git"),
            ("https://token@h:8443/x", "https://h:8443/x"),
            ("https://h/x?token=1#y", "https://h/x"),
            ("https://a:b@c@h/x", "https://h/x"),
            ("git@host:x/y", "git@host:x/y"),
        ] {
            assert_eq!(masked(url), expected);
        }
    }

    #[test]
    fn resolves_locations_as_browsers_do() {
        let base: Uri = "https://u:p@h:1/a/b?c".parse().expect("a URL");
        for (location, expected) in [
            ("https://other/x", "https://other/x"),
            ("//other/x", "https://other/x"),
            ("/x#f", "https://h:1/x"),
            ("x", "https://h:1/a/x"),
        ] {
            let target = resolve(&base, location).expect("resolves");
            assert_eq!(target.to_string(), expected);
        }
    }
}
