use crate::object::{Gvk, ResourceKey};
use std::fmt;

/// One kind in one version as the API server serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// "" is the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    /// The name in paths: `deployments`.
    pub plural: String,
    pub namespaced: bool,
    pub verbs: Verbs,
    /// Whether `status` is written by itself: a write to the object leaves it alone then.
    pub has_status: bool,
}

impl Resource {
    pub fn gvk(&self) -> Gvk {
        Gvk::new(&self.group, &self.version, &self.kind)
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The key of an object of this kind; the namespace of a cluster-wide kind is dropped.
    pub fn key(&self, namespace: &str, name: &str) -> ResourceKey {
        ResourceKey {
            group: self.group.clone(),
            kind: self.kind.clone(),
            namespace: if self.namespaced { namespace } else { "" }.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The path of all objects, or of those of one namespace where it is not "".
    pub fn collection_path(&self, namespace: &str) -> String {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            push_segment(&mut path, namespace);
        }
        path.push('/');
        path.push_str(&self.plural);
        path
    }

    pub fn object_path(&self, namespace: &str, name: &str) -> String {
        let mut path = self.collection_path(namespace);
        path.push('/');
        push_segment(&mut path, name);
        path
    }
}

impl fmt::Display for Resource {
    /// `apps/Deployment`, `Namespace`: as in the display of a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        f.write_str(&self.kind)
    }
}

/// Names come from manifests: whatever is not plain is escaped, so that none
/// reaches outside of its segment of the path.
fn push_segment(path: &mut String, segment: &str) {
    let dots = segment == "." || segment == "..";
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b':' | b'~' => {
                path.push(byte as char);
            }
            b'.' if !dots => path.push('.'),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// The verbs that a resource answers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verbs(u8);

impl Verbs {
    pub const GET: Verbs = Verbs(1);
    pub const LIST: Verbs = Verbs(2);
    pub const WATCH: Verbs = Verbs(4);
    pub const CREATE: Verbs = Verbs(8);
    pub const UPDATE: Verbs = Verbs(16);
    pub const PATCH: Verbs = Verbs(32);
    pub const DELETE: Verbs = Verbs(64);

    pub fn has(self, verb: Verbs) -> bool {
        self.0 & verb.0 == verb.0
    }

    #[must_use]
    pub fn with(self, verb: Verbs) -> Verbs {
        Verbs(self.0 | verb.0)
    }

    /// Verbs that the client never uses (deletecollection, proxy) are left out.
    pub(crate) fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Verbs {
        names.into_iter().fold(Verbs::default(), |verbs, name| {
            verbs.with(match name {
                "get" => Verbs::GET,
                "list" => Verbs::LIST,
                "watch" => Verbs::WATCH,
                "create" => Verbs::CREATE,
                "update" => Verbs::UPDATE,
                "patch" => Verbs::PATCH,
                "delete" => Verbs::DELETE,
                _ => Verbs::default(),
            })
        })
    }
}
