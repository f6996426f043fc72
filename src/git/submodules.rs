//! Submodules: what `.gitmodules` names, where it really stands in the tree,
//! and from where it comes.
//!
//! Nothing is checked out, so a hostile name or path could do no harm here; it
//! is refused all the same, as git does since CVE-2018-17456, CVE-2024-32002
//! and CVE-2025-48384.

use gix::bstr::ByteSlice;

use super::error::{Error, Fault};
use super::snapshot::Snapshot;
use super::url::{RepositoryUrl, Scheme};
use crate::tree::{EntryKind, TreeError};

/// Where they are named, at the root of a tree.
const FILE: &str = ".gitmodules";
/// A file of more than this is not read.
const MAX_FILE_BYTES: usize = 256 * 1024;
/// Submodules of submodules, so deep.
pub const MAX_SUBMODULE_DEPTH: usize = 8;
/// Submodules of one source, theirs included.
pub const MAX_SUBMODULES: usize = 64;

/// A repository at a commit, mounted in the tree of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// From the root of the tree, as `a/b`.
    pub path: String,
    pub url: RepositoryUrl,
    /// 40 hexadecimal digits.
    pub commit: String,
}

/// Brings a submodule of the repository at a URL; `None` leaves it empty.
pub type Bring<'a> = dyn Fn(&Submodule, &RepositoryUrl) -> Result<Option<Snapshot>, Error> + 'a;

/// The snapshot with its submodules in their places, and theirs.
pub fn with_submodules(
    snapshot: Snapshot,
    url: &RepositoryUrl,
    bring: &Bring<'_>,
) -> Result<Snapshot, Error> {
    let mut left = MAX_SUBMODULES;
    mount(snapshot, url, bring, 0, &mut left)
}

fn mount(
    snapshot: Snapshot,
    url: &RepositoryUrl,
    bring: &Bring<'_>,
    depth: usize,
    left: &mut usize,
) -> Result<Snapshot, Error> {
    let mut mounted = Vec::new();
    for submodule in snapshot.submodules(url)? {
        let refuse = |what: String| {
            let operation = format!("fetch submodule {}", submodule.path);
            Error::new(&snapshot.repository, &operation, Fault::Submodule(what))
        };
        if depth == MAX_SUBMODULE_DEPTH {
            return Err(refuse(format!(
                "submodules are nested more than {MAX_SUBMODULE_DEPTH} deep"
            )));
        }
        *left = left
            .checked_sub(1)
            .ok_or_else(|| refuse(format!("there are more than {MAX_SUBMODULES} submodules")))?;
        let Some(below) = bring(&submodule, url)? else {
            continue;
        };
        let below = mount(below, &submodule.url, bring, depth + 1, left)?;
        mounted.push((submodule.path, below));
    }
    Ok(match mounted.is_empty() {
        true => snapshot,
        false => snapshot.with(mounted),
    })
}

impl Snapshot {
    /// The submodules of this tree alone, not theirs. `url` is where it came
    /// from: relative URLs go by it.
    pub fn submodules(&self, url: &RepositoryUrl) -> Result<Vec<Submodule>, Error> {
        let fault = |fault| Error::new(&self.repository, "read .gitmodules", fault);
        let tree = self.tree()?;
        let unreadable = |error: TreeError| fault(Fault::Damaged(error.to_string()));
        match tree.entry(FILE).map_err(unreadable)? {
            Some(entry) if entry.kind == EntryKind::File => {}
            // git itself follows no symlink here.
            Some(_) | None => return Ok(Vec::new()),
        }
        let text = tree.read(FILE).map_err(unreadable)?;
        let refused = |why: String| fault(Fault::Submodule(why));
        if text.len() > MAX_FILE_BYTES {
            return Err(refused(format!(
                "{} bytes, above the limit of {MAX_FILE_BYTES}",
                text.len()
            )));
        }
        let mut found = Vec::new();
        for Named { path, url: wanted } in named(&text).map_err(refused)? {
            // Lookups pass no symlink: what stands below one is not there.
            let entry = match tree.entry(&path).map_err(unreadable)? {
                Some(entry) if entry.kind == EntryKind::Submodule => entry,
                Some(_) | None => continue,
            };
            let from =
                source(url, &wanted).map_err(|why| refused(format!("submodule {path}: {why}")))?;
            found.push(Submodule {
                commit: entry.id.iter().map(|byte| format!("{byte:02x}")).collect(),
                path,
                url: from,
            });
        }
        Ok(found)
    }
}

struct Named {
    path: String,
    url: String,
}

/// All entries that have a path and a URL, in the order of the file.
fn named(text: &[u8]) -> Result<Vec<Named>, String> {
    let text = text.to_str().map_err(|_| "is not UTF-8".to_owned())?;
    let file = gix::config::File::try_from(text).map_err(|error| error.to_string())?;
    let mut all: Vec<Named> = Vec::new();
    for section in file.sections_by_name("submodule").into_iter().flatten() {
        let header = section.header();
        let Some(name) = header.subsection_name() else {
            continue;
        };
        let name = name.to_str_lossy();
        if name.is_empty() || name.split(['/', '\\']).any(|part| part == "..") {
            return Err(format!("the name {name:?} of a submodule is refused"));
        }
        let value = |key: &str| section.value(key);
        let (Some(path), Some(url)) = (value("path"), value("url")) else {
            continue;
        };
        let path = path.to_str_lossy().trim_end_matches('/').to_owned();
        if !is_plain(&path) {
            return Err(format!("the path {path:?} of submodule {name} is refused"));
        }
        if all.iter().any(|known| known.path == path) {
            return Err(format!("two submodules have the path {path}"));
        }
        all.push(Named {
            path,
            url: url.to_str_lossy().into_owned(),
        });
    }
    Ok(all)
}

/// Relative, without `.`, `..`, `.git`, control characters and a dash in front.
fn is_plain(path: &str) -> bool {
    let is_part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part
                .trim_end_matches([' ', '.'])
                .eq_ignore_ascii_case(".git")
    };
    !path.starts_with('-')
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
        && path.split('/').all(is_part)
}

/// Where a submodule comes from. What a repository names is served only by
/// the network, unless the repository itself is a folder of this machine.
fn source(parent: &RepositoryUrl, wanted: &str) -> Result<RepositoryUrl, String> {
    let url = match wanted.starts_with("./") || wanted.starts_with("../") {
        true => relative(parent, wanted)?,
        false => RepositoryUrl::parse(wanted).map_err(|error| error.fault.to_string())?,
    };
    if url.scheme == Scheme::File && parent.scheme != Scheme::File {
        return Err(format!("{url} is a path of this machine: refused"));
    }
    Ok(url)
}

/// As git has it: `../` takes the last part off the parent's own URL.
fn relative(parent: &RepositoryUrl, wanted: &str) -> Result<RepositoryUrl, String> {
    let mut base: &str = parent.path.trim_end_matches('/');
    let mut rest = wanted;
    loop {
        if let Some(more) = rest.strip_prefix("./") {
            rest = more;
        } else if let Some(more) = rest.strip_prefix("../") {
            rest = more;
            base = match base.rsplit_once('/') {
                Some((above, _)) => above,
                None if !base.is_empty() => "",
                None => return Err(format!("{wanted} leads above the server's root")),
            };
        } else {
            break;
        }
    }
    let rest = rest.trim_end_matches('/');
    if !is_plain(rest) {
        return Err(format!("the URL {wanted:?} is refused"));
    }
    let is_rooted = parent.path.starts_with('/');
    let path = match base {
        "" if is_rooted => format!("/{rest}"),
        "" => rest.to_owned(),
        base => format!("{base}/{rest}"),
    };
    Ok(RepositoryUrl {
        path,
        ..parent.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parent: &str, wanted: &str, expected: &str) {
        let parent = RepositoryUrl::parse(parent).expect("served");
        let found = source(&parent, wanted).map_or_else(
            |why| format!("error: {why}"),
            |url| match url.scheme {
                Scheme::Ssh => format!("{} {}", url.authority(), url.path),
                _ => url.to_string(),
            },
        );
        assert_eq!(found, expected, "{wanted} of {parent}");
    }

    /// As `git submodule init` of git 2.39.5 resolves them.
    #[test]
    fn relative_urls_go_by_the_parent() {
        check("https://h/org/a.git", "../b.git", "https://h/org/b.git");
        check("https://h/org/a.git/", "../b", "https://h/org/b");
        check("https://h/org/a.git", "./b", "https://h/org/a.git/b");
        check("https://h/org/a", "../../c/b", "https://h/c/b");
        check("git@h:org/a.git", "../b.git", "h org/b.git");
        check("git@h:a.git", "../b.git", "h b.git");
        check("ssh://git@h:22/org/a", "../b", "h:22 /org/b");
        check("/srv/a", "../b", "file:///srv/b");
        check("https://h/org/a", "../b/", "https://h/org/b");
        check("https://h/a", "https://other/b", "https://other/b");
    }

    #[test]
    fn relative_urls_keep_the_userinfo_for_their_own_host() {
        let parent = RepositoryUrl::parse("https://u:p@h/org/a").expect("served");
        let url = source(&parent, "../b").expect("served");
        assert_eq!(url.password.as_deref(), Some("p"));
        let url = source(&parent, "https://h/b").expect("served");
        assert_eq!(url.password, None);
    }

    #[test]
    fn hostile_urls_are_refused() {
        for (wanted, why) in [
            ("../../../b", "leads above"),
            ("../../../../etc/passwd", "leads above"),
            ("./../x/../../../b", "is refused"),
            ("../b\r", "is refused"),
            ("../-b", "is refused"),
            ("./.git/x", "is refused"),
            ("-u./payload", "starts with a dash"),
            ("ext::sh -c id", "white space"),
            ("/etc", "path of this machine"),
            ("file:///etc", "path of this machine"),
            ("ssh://-oProxyCommand=id/x", "not valid"),
            ("git://h/x", "neither encrypted"),
            ("", "empty"),
        ] {
            let parent = RepositoryUrl::parse("https://h/org/a").expect("served");
            let error = source(&parent, wanted).expect_err(wanted);
            assert!(error.contains(why), "{wanted}: {error}");
        }
    }

    #[test]
    fn hostile_names_and_paths_are_refused() {
        let entry = |name: &str, path: &str| {
            named(format!("[submodule \"{name}\"]\n path = \"{path}\"\n url = ../x\n").as_bytes())
        };
        assert_eq!(entry("a", "sub/a").expect("is plain").len(), 1);
        assert_eq!(entry("a b/c", "sub/a/").expect("is plain")[0].path, "sub/a");
        for (name, path) in [
            ("../../x", "a"),
            ("a/../../x", "a"),
            ("", "a"),
            ("a", "../x"),
            ("a", "/x"),
            ("a", "x/../../y"),
            ("a", "./x"),
            ("a", ".git"),
            ("a", "x/.GIT/hooks"),
            ("a", ".git . "),
            ("a", "x\\\\..\\\\y"),
            ("a", "-x"),
            ("a", "x//y"),
            // CVE-2025-48384: a carriage return at the end.
            ("a", "x\r"),
            ("a", ""),
        ] {
            assert!(entry(name, path).is_err(), "{name:?} {path:?}");
        }
        let twice = "[submodule \"a\"]\npath=x\nurl=../a\n[submodule \"b\"]\npath=x\nurl=../b\n";
        assert!(named(twice.as_bytes()).is_err());
    }

    #[test]
    fn malformed_files_are_errors() {
        for text in [
            &b"[submodule"[..],
            b"[submodule \"a]\npath = x",
            b"\xff\xfe",
            b"[submodule \"a\"]\n\tpath = \"x",
        ] {
            assert!(named(text).is_err(), "{text:?}");
        }
        for text in [
            "",
            "path = x",
            "# nothing\n",
            "[core]\na = b\n",
            "[submodule]\npath=x\nurl=y\n",
        ] {
            assert!(named(text.as_bytes()).expect("is readable").is_empty());
        }
    }
}
