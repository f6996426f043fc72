//! Git URLs in the forms that kustomize takes.

use super::need::Repository;

/// A folder in a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// What would be cloned.
    pub url: String,
    pub path: String,
    pub reference: String,
    pub submodules: bool,
}

impl Remote {
    /// `None` where the text is a local path.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return None;
        }
        let (location, query) = text.split_once('?').unwrap_or((text, ""));
        let (host, rest) = host(location)?;
        let (repository, path) = split(&rest, host == "file://")?;
        let path = path.strip_prefix('/').unwrap_or(&path).to_owned();
        let first = path.split('/').find(|part| !matches!(*part, "" | "."));
        if repository.is_empty() || first == Some("..") {
            return None;
        }
        Some(Remote {
            url: format!("{host}{repository}"),
            path,
            reference: reference(query),
            submodules: submodules(query),
        })
    }

    pub fn repository(&self) -> Repository {
        Repository {
            url: self.url.clone(),
            reference: self.reference.clone(),
            submodules: self.submodules,
        }
    }
}

/// Whether a URL says by itself that it is one of a git repository. kustomize
/// asks the server for a file first, whatever it says.
pub fn is_plainly_git(url: &str) -> bool {
    let Some((location, query)) =
        Remote::parse(url).and(Some(url.split_once('?').unwrap_or((url, ""))))
    else {
        return false;
    };
    let path = location
        .split_once("://")
        .map_or(location, |(_, rest)| rest);
    ["//", ".git/", "_git/"]
        .iter()
        .any(|mark| path.contains(mark))
        || path.ends_with(".git")
        || !reference(query).is_empty()
}

/// `ref`, or `version` where there is none. `timeout` is the caller's affair.
fn reference(query: &str) -> String {
    parameter(query, "ref")
        .or_else(|| parameter(query, "version"))
        .unwrap_or_default()
}

/// `submodules`, in the words of Go's ParseBool; on unless it is turned off.
fn submodules(query: &str) -> bool {
    let value = parameter(query, "submodules");
    !value.is_some_and(|value| {
        matches!(
            value.as_str(),
            "0" | "f" | "F" | "false" | "FALSE" | "False"
        )
    })
}

fn parameter(query: &str, wanted: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, value)| *key == wanted && !value.is_empty())
        .map(|(_, value)| unescape(value))
}

/// `%2F` and `+` of a query.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn strip_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn host(text: &str) -> Option<(String, String)> {
    let text = strip_ignoring_case(text, "git::").unwrap_or(text);
    let schemes = ["ssh://", "https://", "http://", "file://"];
    let found = schemes
        .iter()
        .find_map(|s| Some((*s, strip_ignoring_case(text, s)?)));
    let (scheme, text) = found.unwrap_or(("", text));
    let (user, text) = user(text);
    let github = ["github.com/", "github.com:"];
    let is_github = github
        .iter()
        .any(|host| strip_ignoring_case(text, host).is_some());
    let may_be_scp = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !may_be_scp {
        return None;
    }
    if scheme == "file://" {
        return Some((scheme.to_owned(), format!("{user}{text}")));
    }
    let slash = text.find('/');
    let end = match (may_be_scp, slash, text.find(':')) {
        (true, None, colon) => colon,
        (true, Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        _ => slash,
    };
    let (host, rest) = match end {
        Some(end) => text.split_at(end + 1),
        None => (text, ""),
    };
    if is_github {
        let host = if scheme == "ssh://" || !user.is_empty() {
            format!("{user}github.com:")
        } else {
            "https://github.com/".to_owned()
        };
        return Some((host, rest.to_owned()));
    }
    if host.is_empty() {
        return None;
    }
    Some((format!("{scheme}{user}{host}"), rest.to_owned()))
}

/// `git@` in front of the host.
fn user(text: &str) -> (&str, &str) {
    let Some(at) = text.find('@') else {
        return ("", text);
    };
    let name = &text[..at];
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_name {
        text.split_at(at + 1)
    } else {
        ("", text)
    }
}

/// Repository and path in it: by `_git/`, `//` or `.git`, else two parts are
/// the repository, as on GitHub.
fn split(text: &str, is_file: bool) -> Option<(String, String)> {
    if let Some(at) = text.find("_git/") {
        let (head, rest) = text.split_at(at + "_git/".len());
        let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
        return Some((format!("{head}{name}"), path.to_owned()));
    }
    if let Some((repository, path)) = text.split_once("//") {
        return Some((repository.to_owned(), path.to_owned()));
    }
    if let Some(at) = text.find(".git") {
        let (repository, path) = text.split_at(at + ".git".len());
        return Some((repository.to_owned(), path.to_owned()));
    }
    if is_file {
        return Some((text.to_owned(), String::new()));
    }
    let mut parts = text.splitn(3, '/');
    let (owner, name) = (parts.next()?, parts.next()?);
    Some((
        format!("{owner}/{name}"),
        parts.next().unwrap_or_default().to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, url: &str, path: &str, reference: &str) {
        let expected = Remote {
            url: url.into(),
            path: path.into(),
            reference: reference.into(),
            submodules: true,
        };
        assert_eq!(Remote::parse(text), Some(expected));
    }

    #[test]
    fn git_urls_are_read_in_every_form() {
        check(
            "https://github.com/o/r//a/b?ref=v1",
            "https://github.com/o/r",
            "a/b",
            "v1",
        );
        check(
            "github.com/o/r/a?ref=main",
            "https://github.com/o/r",
            "a",
            "main",
        );
        check(
            "git@github.com:o/r.git//a",
            "git@github.com:o/r.git",
            "a",
            "",
        );
        check("ssh://git@github.com/o/r", "git@github.com:o/r", "", "");
        check(
            "https://gitea.lan/o/r.git/a?version=x",
            "https://gitea.lan/o/r.git",
            "a",
            "x",
        );
        check("git@gitea.lan:o/r.git/a", "git@gitea.lan:o/r.git", "a", "");
        check(
            "https://dev.azure.com/o/p/_git/r/a",
            "https://dev.azure.com/o/p/_git/r",
            "a",
            "",
        );
        check(
            "git::https://gitea.lan/o/r//a",
            "https://gitea.lan/o/r",
            "a",
            "",
        );
    }

    #[test]
    fn submodules_may_be_turned_off() {
        let submodules = |text: &str| Remote::parse(text).map(|remote| remote.submodules);
        assert_eq!(
            submodules("github.com/o/r?submodules=false&ref=a"),
            Some(false)
        );
        assert_eq!(submodules("github.com/o/r?submodules=0"), Some(false));
        assert_eq!(submodules("github.com/o/r?submodules=perhaps"), Some(true));
        assert_eq!(submodules("github.com/o/r?ref=a"), Some(true));
    }

    #[test]
    fn a_file_is_told_from_a_repository() {
        for url in [
            "https://h.lan/o/r//a",
            "https://h.lan/o/r.git",
            "https://h.lan/o/r.git/a",
            "https://h.lan/o/r?ref=v1",
            "https://h.lan/o/p/_git/r/a",
            "git@h.lan:o/r.git",
        ] {
            assert!(is_plainly_git(url), "{url}");
        }
        for url in [
            "https://h.lan/o/r/a/x.yaml",
            "https://h.lan/x.yaml",
            "x.yaml",
        ] {
            assert!(!is_plainly_git(url), "{url}");
        }
    }

    #[test]
    fn local_paths_are_no_urls() {
        for text in [
            "../base",
            "base",
            "/abs",
            "https://github.com/o",
            "https://h/o/r//../x",
            "",
        ] {
            assert_eq!(Remote::parse(text), None, "{text}");
        }
    }
}
