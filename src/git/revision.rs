//! From what `targetRevision` says to a commit, given a repository's refs.
//!
//! The order is Argo CD's (util/git/client.go): a full SHA is itself; a semver
//! constraint is the highest tag that fits; then branches, tags, and names as
//! they are; at last an abbreviated SHA.

use std::cmp::Ordering;

use gix::ObjectId;

use super::remote::RemoteRef;
use crate::value::semver::{Constraint, Version};

/// A revision, pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// 40 hexadecimal digits; of a plain folder, the digest of its content.
    pub commit: String,
    /// `refs/heads/main`, `refs/tags/v1`, `HEAD`; none for a SHA.
    pub reference: Option<String>,
    /// Worth showing: how the revision was understood, where it is not plain.
    pub note: Option<String>,
    /// What the server hands out for it: the tag object of an annotated tag.
    pub(super) wanted: Option<ObjectId>,
}

impl Resolved {
    /// A commit that is named by its SHA.
    pub(super) fn commit(id: ObjectId) -> Self {
        Self {
            commit: id.to_string(),
            reference: None,
            note: None,
            wanted: None,
        }
    }

    /// The annotated tag that leads to the commit, where one does.
    pub(super) fn tag(&self) -> Option<ObjectId> {
        self.wanted.filter(|id| *id != self.commit)
    }

    /// The first digits, as people say it.
    pub fn short(&self) -> &str {
        self.commit.get(..7).unwrap_or(&self.commit)
    }
}

/// What a revision may mean, before any ref is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Head,
    Commit(ObjectId),
    /// A name of a ref, short or full; where `abbreviated`, else a commit.
    Name {
        abbreviated: bool,
    },
}

pub(super) fn wanted(revision: &str) -> Wanted {
    if revision.is_empty() || revision == "HEAD" {
        return Wanted::Head;
    }
    if revision.len() == 40
        && let Ok(id) = ObjectId::from_hex(revision.to_ascii_lowercase().as_bytes())
    {
        return Wanted::Commit(id);
    }
    let hex = revision.bytes().all(|b| b.is_ascii_hexdigit());
    Wanted::Name {
        abbreviated: hex && (7..40).contains(&revision.len()),
    }
}

/// The full names that a short one may stand for, in the order that counts.
pub(super) fn candidates(revision: &str) -> Vec<String> {
    if revision.starts_with("refs/") {
        return vec![revision.to_owned()];
    }
    vec![
        format!("refs/heads/{revision}"),
        format!("refs/tags/{revision}"),
        format!("refs/{revision}"),
        format!("refs/remotes/{revision}"),
    ]
}

/// The constraint that a revision is, if it is one; `1.2` is a version and so
/// means a tag of that name.
pub(super) fn constraint(revision: &str) -> Option<Constraint> {
    if revision.is_empty() || Version::parse(revision).is_ok() {
        return None;
    }
    Constraint::parse(revision).ok()
}

/// Of these tags, named without `refs/tags/`, the highest that fits. With a
/// prefix (`app-`), only tags that start with it count, without it.
pub(super) fn highest<'a, T>(
    constraint: &Constraint,
    tag_prefix: &str,
    tags: impl Iterator<Item = (&'a str, T)>,
) -> Option<(&'a str, T)> {
    let mut best: Option<(Version, (&str, T))> = None;
    for (name, tag) in tags {
        let Some(text) = name.strip_prefix(tag_prefix) else {
            continue;
        };
        let Ok(version) = Version::parse(text) else {
            continue;
        };
        if !constraint.matches(&version) {
            continue;
        }
        let higher = best
            .as_ref()
            .is_none_or(|(known, _)| version.compare(known) == Ordering::Greater);
        if higher {
            best = Some((version, (name, tag)));
        }
    }
    best.map(|(_, found)| found)
}

/// What to ask a server for: names that start with one of these.
pub(super) fn prefixes(revision: &str) -> Vec<String> {
    if constraint(revision).is_some() {
        let mut names = candidates(revision);
        names.push("refs/tags/".to_owned());
        return names;
    }
    match wanted(revision) {
        Wanted::Head => vec!["HEAD".to_owned()],
        // Tips may be the commit that is meant.
        Wanted::Name { abbreviated: true } => {
            vec!["refs/heads/".to_owned(), "refs/tags/".to_owned()]
        }
        Wanted::Name { abbreviated: false } | Wanted::Commit(_) => candidates(revision),
    }
}

/// The ref that a revision means, among those that a server has.
pub(super) fn choose(revision: &str, tag_prefix: &str, refs: &[RemoteRef]) -> Option<Resolved> {
    let pinned = |found: &RemoteRef, name: &str| Resolved {
        commit: found.commit.to_string(),
        reference: Some(name.to_owned()),
        note: None,
        wanted: Some(found.object),
    };
    if wanted(revision) == Wanted::Head {
        let head = refs.iter().find(|found| found.name == "HEAD")?;
        let name = head.target.as_deref().unwrap_or("HEAD");
        return Some(pinned(head, name));
    }
    if let Some(constraint) = constraint(revision) {
        let tags = refs.iter().filter_map(|found| {
            let name = found.name.strip_prefix("refs/tags/")?;
            Some((name, found))
        });
        if let Some((_, found)) = highest(&constraint, tag_prefix, tags) {
            return Some(pinned(found, &found.name));
        }
    }
    candidates(revision).iter().find_map(|name| {
        let found = refs.iter().find(|found| found.name == *name)?;
        Some(pinned(found, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_shas_from_names() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        assert!(matches!(wanted(sha), Wanted::Commit(_)));
        assert!(matches!(wanted(&sha.to_uppercase()), Wanted::Commit(_)));
        assert_eq!(wanted(""), Wanted::Head);
        assert_eq!(wanted("HEAD"), Wanted::Head);
        assert_eq!(wanted("0123456"), Wanted::Name { abbreviated: true });
        assert_eq!(wanted("012345"), Wanted::Name { abbreviated: false });
        assert_eq!(wanted("main"), Wanted::Name { abbreviated: false });
        assert_eq!(wanted(&sha[..39]), Wanted::Name { abbreviated: true });
    }

    #[track_caller]
    fn check_highest(revision: &str, tag_prefix: &str, expected: Option<&str>) {
        let tags = [
            "v1.0.0",
            "v1.2.0",
            "1.2.1",
            "v1.3.0-rc.1",
            "v2.0",
            "app-9.0.0",
            "latest",
        ];
        let found = constraint(revision)
            .and_then(|c| highest(&c, tag_prefix, tags.iter().map(|tag| (*tag, ()))));
        assert_eq!(found.map(|(name, ())| name), expected, "{revision}");
    }

    #[test]
    fn constraints_take_the_highest_tag_that_fits() {
        check_highest("1.x", "", Some("1.2.1"));
        check_highest("v1.2.*", "", Some("1.2.1"));
        check_highest(">=1.3.0-0 <2", "", Some("v1.3.0-rc.1"));
        check_highest("*", "", Some("v2.0"));
        check_highest("*", "app-", Some("app-9.0.0"));
        check_highest("^3", "", None);
        // Versions and names are no constraints.
        check_highest("1.2", "", None);
        check_highest("main", "", None);
    }
}
