//! Repository URLs: what is served, what is refused, which are the same.

use std::path::PathBuf;

use super::error::{Error, Fault};

/// A URL above this is not one.
const MAX_URL_BYTES: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    Https,
    Http,
    Ssh,
    /// `file://` and absolute paths.
    File,
}

impl Scheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        }
    }
}

/// A repository's URL, taken apart. Userinfo is kept apart from what is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RepositoryUrl {
    pub scheme: Scheme,
    pub user: Option<String>,
    pub password: Option<String>,
    /// Without brackets around an IPv6 address.
    pub host: String,
    pub port: Option<u16>,
    /// As the server wants it: with `/` in front, but for scp-like addresses.
    pub path: String,
}

impl RepositoryUrl {
    /// https, http, ssh (also as `git@host:path`), file and absolute paths;
    /// everything else is refused, above all what git would run as a command.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::new(text, "read the URL", Fault::Url(why.to_owned()));
        let text = text.trim();
        if text.is_empty() {
            return Err(refuse("it is empty"));
        }
        if text.len() > MAX_URL_BYTES {
            return Err(refuse("it is too long"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(refuse("it holds white space or control characters"));
        }
        if text.starts_with('-') {
            return Err(refuse("it starts with a dash"));
        }
        if text.starts_with('/') {
            return Ok(Self::local(text));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return scp_like(text).ok_or_else(|| refuse(served()));
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" | "git+ssh" | "ssh+git" => Scheme::Ssh,
            "file" => {
                let path = rest.strip_prefix("localhost").unwrap_or(rest);
                return if path.starts_with('/') {
                    Ok(Self::local(&percent_decoded(path)))
                } else {
                    Err(refuse("a file URL needs an absolute path"))
                };
            }
            "git" => {
                return Err(refuse(
                    "git:// is neither encrypted nor authenticated: use https or ssh",
                ));
            }
            _ => return Err(refuse(served())),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if path.trim_matches('/').is_empty() {
            return Err(refuse("it has no path"));
        }
        if path.contains(['?', '#']) {
            return Err(refuse("it has a query or a fragment"));
        }
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let (host, port) =
            host_and_port(host_port).ok_or_else(|| refuse("the host is not valid"))?;
        let (user, password) = match userinfo.map(|u| u.split_once(':').unwrap_or((u, ""))) {
            Some((user, password)) => {
                (Some(percent_decoded(user)), Some(percent_decoded(password)))
            }
            None => (None, None),
        };
        let user = user.filter(|user| !user.is_empty());
        let url = Self {
            scheme,
            user,
            password: password.filter(|password| !password.is_empty()),
            host,
            port,
            path: path.to_owned(),
        };
        url.safe()
            .ok_or_else(|| refuse("a part of it starts with a dash"))
    }

    fn local(path: &str) -> Self {
        Self {
            scheme: Scheme::File,
            user: None,
            password: None,
            host: String::new(),
            port: None,
            path: path.to_owned(),
        }
    }

    /// Nothing in it may be taken for an option by a program behind the server.
    fn safe(self) -> Option<Self> {
        let dashed = |part: &str| part.starts_with('-');
        let user = self.user.as_deref().unwrap_or_default();
        (!dashed(&self.host) && !dashed(user) && !dashed(&self.path)).then_some(self)
    }

    /// The path of a local repository.
    pub fn local_path(&self) -> Option<PathBuf> {
        (self.scheme == Scheme::File).then(|| PathBuf::from(&self.path))
    }

    /// What two URLs of one repository have in common: lower case, without
    /// userinfo, default port, `.git` and trailing slashes.
    pub fn normalized(&self) -> String {
        let default = match self.scheme {
            Scheme::Https => 443,
            Scheme::Http => 80,
            Scheme::Ssh => 22,
            Scheme::File => 0,
        };
        let port = match self.port {
            Some(port) if port != default => format!(":{port}"),
            _ => String::new(),
        };
        let path = self.normalized_path();
        let host = self.host.to_lowercase();
        format!("{}://{host}{port}/{path}", self.scheme.as_str())
    }

    /// Whether the other one is the same repository by ssh where this one is
    /// by http, or the other way round. Ports say nothing then.
    pub fn is_twin_of(&self, other: &RepositoryUrl) -> bool {
        (self.scheme == Scheme::Ssh) != (other.scheme == Scheme::Ssh) && self.is_place_of(other)
    }

    /// Whether the other one is the same path of the same host, in whatever
    /// way it is reached.
    pub fn is_place_of(&self, other: &RepositoryUrl) -> bool {
        let is_file = |url: &RepositoryUrl| url.scheme == Scheme::File;
        !is_file(self)
            && !is_file(other)
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.normalized_path() == other.normalized_path()
    }

    fn normalized_path(&self) -> String {
        let path = self.path.trim_matches('/').to_lowercase();
        let path = path.strip_suffix(".git").unwrap_or(&path);
        path.trim_end_matches('/').to_owned()
    }

    /// With brackets around an IPv6 address, and the port.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

/// The URL without its credentials; the user of ssh is none.
impl std::fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = match (&self.user, self.scheme) {
            (Some(user), Scheme::Ssh) => format!("{user}@"),
            _ => String::new(),
        };
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        let (scheme, authority) = (self.scheme.as_str(), self.authority());
        write!(f, "{scheme}://{user}{authority}{slash}{}", self.path)
    }
}

impl std::fmt::Debug for RepositoryUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RepositoryUrl({self})")
    }
}

fn served() -> &'static str {
    "only https, http and ssh URLs are served, and file URLs where the operator allows them"
}

/// `git@host:path` and `host:path`, not `transport::address`.
fn scp_like(text: &str) -> Option<RepositoryUrl> {
    let (authority, path) = text.split_once(':')?;
    if authority.contains('/') || path.starts_with(':') || path.is_empty() {
        return None;
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, authority),
    };
    let (host, port) = host_and_port(host)?;
    let url = RepositoryUrl {
        scheme: Scheme::Ssh,
        user: user.filter(|user| !user.is_empty()),
        password: None,
        host,
        port,
        path: path.to_owned(),
    };
    url.safe()
}

fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return None,
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        Some("") | None => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
    };
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    (!host.is_empty() && host.chars().all(valid)).then(|| (host.to_owned(), port))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn normalized(url: &str) -> String {
        RepositoryUrl::parse(url).expect("served").normalized()
    }

    #[test]
    fn urls_of_one_repository_are_the_same() {
        let same = [
            "https://github.com/Dixneuf19/x",
            "https://GitHub.com/dixneuf19/x.git",
            "https://user:token@github.com:443/dixneuf19/x/",
            "https://github.com/dixneuf19/x.git/",
        ];
        for url in same {
            assert_eq!(normalized(url), "https://github.com/dixneuf19/x");
        }
        let ssh = [
            "git@github.com:dixneuf19/x.git",
            "ssh://git@github.com/dixneuf19/x",
            "ssh://git@github.com:22/dixneuf19/x.git",
            "github.com:dixneuf19/x",
        ];
        for url in ssh {
            assert_eq!(normalized(url), "ssh://github.com/dixneuf19/x");
        }
        assert_eq!(normalized("http://[::1]:3000/a"), "http://::1:3000/a");
        assert_eq!(normalized("/srv/git/a.git"), "file:///srv/git/a");
        assert_eq!(normalized("file:///srv/git/a"), "file:///srv/git/a");
    }

    #[test]
    fn one_repository_by_ssh_and_by_https_is_a_twin() {
        let twins = |one: &str, two: &str| {
            let parse = |url| RepositoryUrl::parse(url).expect("served");
            parse(one).is_twin_of(&parse(two))
        };
        assert!(twins("git@GitHub.com:me/x", "https://github.com/Me/x.git"));
        assert!(twins(
            "https://gitea.lan/me/x",
            "ssh://git@gitea.lan:2222/me/x.git"
        ));
        assert!(!twins("https://github.com/me/x", "http://github.com/me/x"));
        assert!(!twins("git@github.com:me/x", "https://github.com/me/y"));
        assert!(!twins("git@github.com:me/x", "https://gitlab.com/me/x"));
    }

    #[test]
    fn what_could_run_or_read_something_else_is_refused() {
        for url in [
            "",
            "ext::sh -c touch% /tmp/x",
            "ext::sh",
            "fd::17",
            "ssh://-oProxyCommand=touch/x",
            "ssh://git@-oProxyCommand=x/y",
            "ssh://-oX@host/y",
            "-oProxyCommand=x:y",
            "host:-oX",
            "git@-host:x",
            "--upload-pack=touch /tmp/x",
            "git://host/x",
            "ftp://host/x",
            "file://host/x",
            "javascript:alert(1)//://x",
            "https://host",
            "https:///x",
            "https://host/x?service=y",
            "https://ho st/x",
            "https://host\n/x",
            "https://host:0/x",
            "https://host:99999/x",
            "https://[::1/x",
            "https://ho'st/x",
            "../x",
            "x",
        ] {
            let error = RepositoryUrl::parse(url);
            assert!(error.is_err(), "{url} is taken as {error:?}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let url = RepositoryUrl::parse("https://us%40er:s3cret@h/x").expect("served");
        assert_eq!(url.user.as_deref(), Some("us@er"));
        assert_eq!(url.password.as_deref(), Some("s3cret"));
        assert_eq!(
            format!("{url} {url:?}"),
            "https://h/x RepositoryUrl(https://h/x)"
        );
    }
}
