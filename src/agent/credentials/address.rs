//! Which URLs are the same repository, and which lie below a template's.

use crate::http::masked;

/// What two URLs of one repository have in common: lower case, without
/// userinfo, default port, `.git` and trailing slashes. `oci://` is left out,
/// since registries are named with and without it.
pub(super) fn normalized(url: &str) -> String {
    let text = url.trim().to_lowercase();
    let (scheme, rest) = split_scheme(&text);
    let (authority, path) = rest.split_once('/').unwrap_or((rest.as_str(), ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let default = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        "ssh" => ":22",
        _ => "",
    };
    let host = match default {
        "" => host,
        port => host.strip_suffix(port).unwrap_or(host),
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let path = path.trim_end_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    match scheme.as_str() {
        "" => format!("{host}{slash}{path}"),
        scheme => format!("{scheme}://{host}{slash}{path}"),
    }
}

/// Scheme, host and port.
pub(super) fn server(url: &str) -> String {
    let text = normalized(url);
    let (scheme, rest) = text.split_once("://").unwrap_or(("", &text));
    format!("{scheme}://{}", rest.split('/').next().unwrap_or_default())
}

pub(super) fn is_ssh(url: &str) -> bool {
    split_scheme(&url.trim().to_lowercase()).0 == "ssh"
}

/// A template's URL: a slash at its end means a whole folder.
pub(super) fn template(url: &str) -> String {
    let text = normalized(url);
    match url.trim().ends_with('/') {
        true => format!("{text}/"),
        false => text,
    }
}

/// Does a normalized URL lie below a normalized template? The host is always
/// a whole one: credentials for `https://git.example` are not for
/// `https://git.example.evil`.
pub(super) fn is_below(url: &str, template: &str) -> bool {
    let Some(rest) = url.strip_prefix(template) else {
        return false;
    };
    let authority = template
        .split_once("://")
        .map_or(template, |(_, rest)| rest);
    rest.is_empty() || rest.starts_with('/') || authority.contains('/')
}

/// The host of a URL, without its port: what argocd-tls-certs-cm goes by.
pub(super) fn host(url: &str) -> String {
    let text = masked(&normalized(url));
    let rest = text
        .split_once("://")
        .map_or(text.as_str(), |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default().to_owned(),
        None => authority.split(':').next().unwrap_or_default().to_owned(),
    }
}

/// Scheme and the rest; `user@host:path` is ssh.
fn split_scheme(text: &str) -> (String, String) {
    if let Some((scheme, rest)) = text.split_once("://") {
        let scheme = match scheme {
            "git+ssh" | "ssh+git" => "ssh",
            "oci" => "",
            other => other,
        };
        return (scheme.to_owned(), rest.to_owned());
    }
    let before_slash = text.split('/').next().unwrap_or_default();
    match text.split_once(':') {
        Some((authority, path)) if before_slash.contains('@') && authority.contains('@') => {
            let path = path.trim_start_matches('/');
            ("ssh".to_owned(), format!("{authority}/{path}"))
        }
        _ if text.starts_with('/') => ("file".to_owned(), text.to_owned()),
        _ => (String::new(), text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_one_repository_are_the_same() {
        for (url, expected) in [
            (
                "https://GitHub.com/Org/Repo.git",
                "https://github.com/org/repo",
            ),
            (
                "https://u:p@github.com:443/org/repo/",
                "https://github.com/org/repo",
            ),
            ("git@github.com:org/repo.git", "ssh://github.com/org/repo"),
            (
                "ssh://git@github.com:22/org/repo",
                "ssh://github.com/org/repo",
            ),
            ("ssh://git@h:2222/org/repo", "ssh://h:2222/org/repo"),
            ("git@github.com:", "ssh://github.com"),
            ("oci://registry.example/charts", "registry.example/charts"),
            (
                "registry.example:5000/charts/",
                "registry.example:5000/charts",
            ),
            ("https://charts.example", "https://charts.example"),
            ("", ""),
        ] {
            assert_eq!(normalized(url), expected, "{url}");
        }
    }

    #[test]
    fn a_template_serves_its_host_alone() {
        let check = |url: &str, of: &str, expected: bool| {
            assert_eq!(
                is_below(&normalized(url), &template(of)),
                expected,
                "{url} {of}"
            );
        };
        check("https://git.example/a/b", "https://git.example", true);
        check("https://git.example/a/b", "https://git.example/", true);
        check("https://git.example.evil/a", "https://git.example", false);
        check("https://git.example:8443/a", "https://git.example", false);
        check("https://git.example@evil/a", "https://git.example", false);
        check("https://git.example/ab/c", "https://git.example/a", true);
        check("https://git.example/ab/c", "https://git.example/a/", false);
        check("http://git.example/a", "https://git.example", false);
        check("git@git.example:a/b", "git@git.example:a", true);
        check("git@git.example:a/b", "ssh://git@git.example/", true);
    }

    #[test]
    fn certificates_go_by_the_host_alone() {
        for (url, expected) in [
            ("https://u@Git.example:8443/a", "git.example"),
            ("registry.example:5000/a", "registry.example"),
            ("https://[::1]:3000/a", "::1"),
        ] {
            assert_eq!(host(url), expected);
        }
    }
}
