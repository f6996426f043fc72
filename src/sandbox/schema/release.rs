//! Which release serves which resource when no flag is set.

use std::io::Read;
use std::sync::OnceLock;

use crate::object::Gvk;

/// What one release of Kubernetes serves.
#[derive(Debug, Clone)]
pub struct Release {
    minor: u32,
    resources: Vec<Resource>,
}

/// One resource of one group version, in the words of its APIResource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub gvk: Gvk,
    /// The plural.
    pub name: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub namespaced: bool,
    pub verbs: Vec<&'static str>,
    pub categories: Vec<String>,
    pub subresources: Vec<Subresource>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Subresource {
    /// Without its resource: "status".
    pub name: String,
    /// What it takes and gives: the resource's own kind, or Scale, Eviction.
    pub gvk: Gvk,
    pub verbs: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    #[error("{0:?} is no Kubernetes version: write it as 1.34 or v1.34.2")]
    NotAVersion(String),
    #[error("no table for Kubernetes {asked}: there are 1.{oldest} to 1.{newest}")]
    Unknown {
        asked: String,
        oldest: u32,
        newest: u32,
    },
}

impl Release {
    /// The release of a version: `1.34`, `v1.34.2`.
    pub fn load(version: &str) -> Result<Self, ReleaseError> {
        let minor = parse_minor(version)?;
        let mut lines = text().lines();
        let known = lines
            .next()
            .and_then(|line| line.strip_prefix("releases "))
            .expect("the table's first line");
        if !in_ranges(known, minor) {
            let (oldest, newest) = known.split_once('-').expect("the table's first line");
            return Err(ReleaseError::Unknown {
                asked: version.to_owned(),
                oldest: oldest.parse().expect("the table's first line"),
                newest: newest.parse().expect("the table's first line"),
            });
        }
        let mut resources: Vec<Resource> = Vec::new();
        for line in lines {
            let row = Row::parse(line).expect("the table is checked by a test");
            if !in_ranges(row.minors, minor) {
                continue;
            }
            match row.name.split_once('/') {
                None => resources.push(row.resource()),
                Some((_, name)) => resources
                    .last_mut()
                    .expect("a subresource stands behind its resource")
                    .subresources
                    .push(Subresource {
                        name: name.to_owned(),
                        gvk: row.gvk(),
                        verbs: verbs(row.verbs),
                    }),
            }
        }
        Ok(Release { minor, resources })
    }

    /// The minor version: 34 of 1.34.
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// In the order of discovery: the core group first, a group's resources together.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    pub fn resource(&self, group: &str, version: &str, name: &str) -> Option<&Resource> {
        self.resources
            .iter()
            .find(|r| r.gvk.group == group && r.gvk.version == version && r.name == name)
    }
}

impl Resource {
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }
}

fn parse_minor(version: &str) -> Result<u32, ReleaseError> {
    let mut parts = version.trim().trim_start_matches('v').split('.');
    match (parts.next(), parts.next().map(str::parse)) {
        (Some("1"), Some(Ok(minor))) => Ok(minor),
        _ => Err(ReleaseError::NotAVersion(version.to_owned())),
    }
}

/// `16-21,23-36`
fn in_ranges(ranges: &str, minor: u32) -> bool {
    ranges.split(',').any(|range| {
        range.split_once('-').is_some_and(|(from, to)| {
            from.parse().is_ok_and(|from: u32| from <= minor)
                && to.parse().is_ok_and(|to: u32| minor <= to)
        })
    })
}

/// One line: `apps/v1|deployments|deployment|deploy|apps/v1|Deployment|n|cdDglpuw|all|16-36`.
struct Row<'a> {
    group_version: &'a str,
    name: &'a str,
    singular: &'a str,
    short_names: &'a str,
    response: &'a str,
    kind: &'a str,
    scope: &'a str,
    verbs: &'a str,
    categories: &'a str,
    minors: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut cells = line.split('|');
        Some(Row {
            group_version: cells.next()?,
            name: cells.next()?,
            singular: cells.next()?,
            short_names: cells.next()?,
            response: cells.next()?,
            kind: cells.next()?,
            scope: cells.next()?,
            verbs: cells.next()?,
            categories: cells.next()?,
            minors: cells.next()?,
        })
    }

    fn gvk(&self) -> Gvk {
        let (group, version) = self.response.split_once('/').unwrap_or(("", self.response));
        Gvk::new(group, version, self.kind)
    }

    fn resource(&self) -> Resource {
        let (group, version) = self
            .group_version
            .split_once('/')
            .unwrap_or(("", self.group_version));
        Resource {
            gvk: Gvk::new(group, version, self.kind),
            name: self.name.to_owned(),
            singular: self.singular.to_owned(),
            short_names: words(self.short_names),
            namespaced: self.scope == "n",
            verbs: verbs(self.verbs),
            categories: words(self.categories),
            subresources: Vec::new(),
        }
    }
}

fn words(list: &str) -> Vec<String> {
    list.split(',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn verbs(letters: &str) -> Vec<&'static str> {
    let mut verbs: Vec<&str> = letters
        .chars()
        .filter_map(|letter| match letter {
            'c' => Some("create"),
            'd' => Some("delete"),
            'D' => Some("deletecollection"),
            'g' => Some("get"),
            'l' => Some("list"),
            'p' => Some("patch"),
            'u' => Some("update"),
            'w' => Some("watch"),
            _ => None,
        })
        .collect();
    verbs.sort_unstable();
    verbs
}

fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| inflate(include_bytes!("served.z")))
}

/// A table of this folder, unpacked.
pub(super) fn inflate(packed: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(packed)
        .read_to_string(&mut text)
        .expect("the table is compiled in whole");
    text
}
