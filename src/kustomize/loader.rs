//! Files and folders as a kustomization names them, in its own tree and in
//! those of other repositories.
//!
//! Invariant: a file is in or below the folder of the kustomization that names
//! it, links followed; nothing leaves a tree even where that is switched off.

use super::need::{Fetched, Need, Page};
use super::remote::{Remote, is_plainly_git};
use super::text::Text;
use super::{BuildError, Options};
use crate::tree::{EntryKind, Tree, TreeError, entry_following, join, read_following, resolve};
use crate::value::yaml;

/// How large a file may be that a kustomization reads.
const MAX_FILE_BYTES: usize = 32 << 20;

/// How deep kustomizations may refer to one another.
const MAX_DEPTH: usize = 64;

/// How many repositories may lead to one another.
const MAX_REMOTE_DEPTH: usize = 8;

#[derive(Clone)]
pub struct Loader<'a> {
    tree: &'a dyn Tree,
    fetched: &'a dyn Fetched,
    /// Resolved: no links, no dots.
    root: String,
    /// The URL of the tree, "" for the first one, and `:` behind it.
    shown: String,
    /// Where the kustomizations stand that led here.
    referrers: Vec<Referrer>,
    /// The URL that led to the tree, and how many did.
    entered_by: Option<String>,
    n_remote: usize,
    root_only: bool,
}

#[derive(Clone)]
struct Referrer {
    root: String,
    n_remote: usize,
    entered_by: Option<String>,
}

impl<'a> Loader<'a> {
    pub fn new(tree: &'a dyn Tree, path: &str, options: &Options<'a>) -> Result<Self, BuildError> {
        Ok(Loader {
            tree,
            fetched: options.fetched,
            root: directory(tree, path, "")?,
            shown: String::new(),
            referrers: Vec::new(),
            entered_by: None,
            n_remote: 0,
            root_only: options.root_only,
        })
    }

    /// The folder of the kustomization, for messages.
    pub fn root(&self) -> String {
        self.shown(&self.root)
    }

    fn shown(&self, path: &str) -> String {
        match (path, self.shown.as_str()) {
            ("", "") => ".".to_owned(),
            (path, shown) => format!("{shown}{path}"),
        }
    }

    pub fn tree(&self) -> &'a dyn Tree {
        self.tree
    }

    /// Where a path of the kustomization leads to, in its tree.
    pub fn place_of(&self, path: &str) -> String {
        join(&self.root, path)
    }

    /// The same, for messages.
    pub fn path_of(&self, path: &str) -> String {
        if is_url(path) {
            return path.to_owned();
        }
        self.shown(&self.place_of(path))
    }

    /// A folder that this kustomization refers to.
    pub fn descend(&self, path: &str) -> Result<Self, BuildError> {
        if path.is_empty() {
            return Err(BuildError::wrong("new root cannot be empty"));
        }
        if let Some(remote) = Remote::parse(path) {
            return self.enter(path, &remote);
        }
        if path.starts_with('/') {
            return Err(BuildError::wrong(format!(
                "new root '{path}' cannot be absolute"
            )));
        }
        let ambiguous = |part: &str| !matches!(part, "" | "." | "..") && part.contains("..");
        if path.split('/').any(ambiguous) {
            return Err(BuildError::wrong(format!(
                "path {path:?} is ambiguous: a part of it has two dots in it; check the indentation of the kustomization"
            )));
        }
        let root = directory(self.tree, &self.place_of(path), &self.shown)?;
        let is_within = |inner: &str| {
            root.is_empty()
                || inner == root
                || inner
                    .strip_prefix(&root)
                    .is_some_and(|r| r.starts_with('/'))
        };
        let here = self
            .referrers
            .iter()
            .filter(|r| r.n_remote == self.n_remote);
        let visited = here.map(|r| &r.root).chain([&self.root]);
        if let Some(visited) = visited.rev().find(|visited| is_within(visited)) {
            return Err(BuildError::wrong(format!(
                "cycle detected: candidate root '{}' contains visited root '{}'",
                self.shown(&root),
                self.shown(visited)
            )));
        }
        Ok(Loader {
            root,
            entered_by: None,
            referrers: self.referrers()?,
            shown: self.shown.clone(),
            ..*self
        })
    }

    /// The folder of another repository.
    fn enter(&self, url: &str, remote: &Remote) -> Result<Self, BuildError> {
        let entered = self.referrers.iter().map(|r| &r.entered_by);
        let mut entered = entered.chain([&self.entered_by]).flatten();
        if let Some(known) = entered.find(|known| known.starts_with(url)) {
            return Err(BuildError::wrong(format!(
                "cycle detected: URI '{url}' referenced by previous URI '{known}'"
            )));
        }
        if self.n_remote == MAX_REMOTE_DEPTH {
            return Err(BuildError::wrong(format!(
                "{url}: repositories refer to one another more than {MAX_REMOTE_DEPTH} deep"
            )));
        }
        let repository = remote.repository();
        let Some(tree) = self.fetched.repository(&repository) else {
            return Err(BuildError::Needs(vec![Need::Repository(repository)]));
        };
        let shown = format!("{}:", remote.url);
        Ok(Loader {
            tree,
            fetched: self.fetched,
            root: directory(tree, &remote.path, &shown)?,
            shown,
            referrers: self.referrers()?,
            entered_by: Some(url.to_owned()),
            n_remote: self.n_remote + 1,
            // Whatever the caller allows of its own tree.
            root_only: true,
        })
    }

    fn referrers(&self) -> Result<Vec<Referrer>, BuildError> {
        if self.referrers.len() == MAX_DEPTH {
            return Err(BuildError::wrong(format!(
                "kustomizations refer to one another more than {MAX_DEPTH} deep"
            )));
        }
        let mut referrers = self.referrers.clone();
        referrers.push(Referrer {
            root: self.root.clone(),
            n_remote: self.n_remote,
            entered_by: self.entered_by.clone(),
        });
        Ok(referrers)
    }

    /// The bytes of a file; `None` where nothing of the name is there.
    pub fn find(&self, path: &str) -> Result<Option<Vec<u8>>, BuildError> {
        let full = self.place_of(path);
        match entry_following(self.tree, &full).map_err(|error| wrong(&error))? {
            Some((_, EntryKind::File)) => self.read(path).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// The bytes of a file.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, BuildError> {
        if is_url(path) {
            return self.page(path);
        }
        if path.starts_with('/') {
            return Err(self.outside(path));
        }
        let full = self.place_of(path);
        let (resolved, _) = match resolve(self.tree, &full) {
            Err(TreeError::Outside { .. }) if self.root_only => return Err(self.outside(path)),
            other => other.map_err(|error| wrong(&error))?,
        };
        let is_below = self.root.is_empty()
            || resolved
                .strip_prefix(&self.root)
                .is_some_and(|rest| rest.starts_with('/'));
        if self.root_only && !is_below {
            return Err(self.outside(path));
        }
        let bytes = read_following(self.tree, &full).map_err(|error| wrong(&error))?;
        limited(path, bytes)
    }

    /// What stands at a URL.
    fn page(&self, url: &str) -> Result<Vec<u8>, BuildError> {
        let is_repository = || BuildError::wrong(format!("{url}: URL is a git repository"));
        if is_plainly_git(url) {
            return Err(is_repository());
        }
        match self.fetched.file(url) {
            None => Err(BuildError::Needs(vec![Need::File {
                url: url.to_owned(),
            }])),
            Some(Page::Bytes(bytes)) => limited(url, bytes),
            Some(Page::Refused(_)) if Remote::parse(url).is_some() => Err(is_repository()),
            Some(Page::Refused(status)) => Err(BuildError::wrong(format!(
                "{url}: HTTP Error: status code {status}"
            ))),
        }
    }

    fn outside(&self, path: &str) -> BuildError {
        BuildError::wrong(format!(
            "security; file '{path}' is not in or below '{}'",
            self.root()
        ))
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Result<Text, BuildError> {
        let bytes = self.read(path)?;
        self.decoded(path, &bytes)
    }

    /// The bytes of a file as its text.
    pub fn decoded(&self, path: &str, bytes: &[u8]) -> Result<Text, BuildError> {
        let shown = self.path_of(path);
        match yaml::decode(bytes) {
            Ok(text) => Ok(Text::new(&shown, text)),
            Err(error) => Err(Text::new(&shown, "").wrong(&error, 1).into()),
        }
    }
}

fn wrong(error: &TreeError) -> BuildError {
    BuildError::wrong(error.to_string())
}

pub fn is_url(path: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        path.get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    })
}

fn limited(path: &str, bytes: Vec<u8>) -> Result<Vec<u8>, BuildError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(BuildError::wrong(format!(
            "{path}: {} bytes, above the limit of {MAX_FILE_BYTES}",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// `tree_name` stands in front of the path in messages.
fn directory(tree: &dyn Tree, path: &str, tree_name: &str) -> Result<String, BuildError> {
    match resolve(tree, path) {
        Ok((root, entry))
            if entry
                .as_ref()
                .is_none_or(|e| e.kind == EntryKind::Directory) =>
        {
            Ok(root)
        }
        Ok(_) => Err(BuildError::wrong(format!(
            "{tree_name}{path}: not a directory"
        ))),
        Err(error) => Err(BuildError::wrong(format!(
            "must build at directory: {tree_name}{error}"
        ))),
    }
}
