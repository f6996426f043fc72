//! A repository at a commit: immutable, cheap to hold, opened where it is read.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::{CommitRef, Kind, TagRef};

use super::error::{Error, Fault, chain};
use super::folder::FolderTree;
use super::lfs::Lfs;
use super::objects::{ObjectError, Objects};
use super::signed::Signed;
use super::tree::GitTree;
use crate::tree::Tree;

/// Commit objects above this are not read.
pub(super) const MAX_COMMIT_BYTES: u64 = 1024 * 1024;

/// Holds no file open and no object in memory.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The repository's URL, without credentials.
    pub repository: String,
    /// 40 hexadecimal digits; of a plain folder, a digest of its content.
    pub commit: String,
    content: Content,
    /// Other snapshots that stand below paths of this one: its submodules.
    mounted: Vec<(String, Snapshot)>,
}

#[derive(Clone, Debug)]
enum Content {
    Git {
        objects: PathBuf,
        commit: ObjectId,
        damaged: Option<Arc<AtomicBool>>,
        /// The annotated tag that led to the commit.
        tag: Option<ObjectId>,
        /// Where its large files are, if they are asked for.
        lfs: Option<Arc<Lfs>>,
    },
    Folder(PathBuf),
}

/// What a commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// `Name <address>`.
    pub author: String,
    /// Seconds since 1970, of the author's date.
    pub date: i64,
    /// Of the committer's date: the time that renders take for now.
    pub committed: i64,
    pub message: String,
}

impl Snapshot {
    pub(super) fn git(
        repository: &str,
        objects: PathBuf,
        commit: ObjectId,
        damaged: Option<Arc<AtomicBool>>,
    ) -> Self {
        Self {
            repository: repository.to_owned(),
            commit: commit.to_string(),
            content: Content::Git {
                objects,
                commit,
                damaged,
                tag: None,
                lfs: None,
            },
            mounted: Vec::new(),
        }
    }

    pub(super) fn folder(repository: &str, path: PathBuf, digest: String) -> Self {
        Self {
            repository: repository.to_owned(),
            commit: digest,
            content: Content::Folder(path),
            mounted: Vec::new(),
        }
    }

    /// The same, found by this annotated tag.
    pub(super) fn tagged(mut self, by: Option<ObjectId>) -> Self {
        if let Content::Git { tag, .. } = &mut self.content {
            *tag = by;
        }
        self
    }

    /// The same with its large files.
    pub(super) fn with_lfs(mut self, from: Option<Arc<Lfs>>) -> Self {
        if let Content::Git { lfs, .. } = &mut self.content {
            *lfs = from;
        }
        self
    }

    /// Whether its large files are asked for.
    pub fn has_lfs(&self) -> bool {
        matches!(&self.content, Content::Git { lfs: Some(_), .. })
    }

    /// The same with these snapshots in the place of its submodules.
    pub fn with(self, mounted: Vec<(String, Snapshot)>) -> Self {
        Self { mounted, ..self }
    }

    /// The tree of the commit, opened for reading on this thread.
    pub fn tree(&self) -> Result<Box<dyn Tree>, Error> {
        match &self.content {
            Content::Git { lfs, .. } => {
                let (objects, commit) = self.open("open the tree of the commit")?;
                let root = self.commit_object(&objects, commit, |c| c.tree())?;
                let mounted = self.mounted.iter();
                let mounted = mounted
                    .map(|(path, snapshot)| Ok((path.clone(), snapshot.tree()?)))
                    .collect::<Result<Vec<_>, Error>>()?;
                Ok(Box::new(GitTree::new(objects, root, mounted, lfs.clone())))
            }
            Content::Folder(path) => Ok(Box::new(FolderTree::new(path.clone()))),
        }
    }

    /// Author, date and message; a plain folder has none.
    pub fn info(&self) -> Result<Option<CommitInfo>, Error> {
        if matches!(self.content, Content::Folder(_)) {
            return Ok(None);
        }
        let (objects, commit) = self.open("read the commit")?;
        let info = self.commit_object(&objects, commit, |commit| {
            let signature = commit.author().ok().map(|author| author.trim());
            let seconds = |time: Result<gix::date::Time, _>| time.map_or(0, |time| time.seconds);
            CommitInfo {
                author: signature
                    .map(|author| format!("{} <{}>", author.name, author.email))
                    .unwrap_or_default(),
                date: seconds(commit.author().and_then(|author| author.time())),
                committed: seconds(commit.time()),
                message: commit.message.to_string(),
            }
        })?;
        Ok(Some(info))
    }

    /// What its maker may have signed: the annotated tag that led here, else
    /// the commit. A plain folder has neither.
    pub fn signed(&self) -> Result<Option<Signed>, Error> {
        let Content::Git { tag, .. } = &self.content else {
            return Ok(None);
        };
        let (objects, commit) = self.open("read the signature")?;
        let read = |id, kind| {
            objects.read(id, kind, MAX_COMMIT_BYTES).map_err(|error| {
                let operation = format!("read {kind} {id}");
                Error::new(
                    &self.repository,
                    &operation,
                    Fault::Damaged(error.to_string()),
                )
            })
        };
        if let Some(tag) = tag {
            let raw = read(*tag, Kind::Tag)?;
            let parsed = TagRef::from_bytes(&raw, gix::hash::Kind::Sha1).map_err(|error| {
                let operation = format!("read tag {tag}");
                Error::new(&self.repository, &operation, Fault::Damaged(chain(&error)))
            })?;
            let tagger = parsed.tagger().ok().flatten();
            let tagger = tagger.map(|who| format!("{} <{}>", who.name, who.email));
            let name = parsed.name.to_string();
            return Ok(Some(Signed::tag(&name, tagger.unwrap_or_default(), &raw)));
        }
        let author = self.info()?.map(|info| info.author).unwrap_or_default();
        let raw = read(commit, Kind::Commit)?;
        Ok(Some(Signed::commit(&self.commit, author, &raw)))
    }

    /// Did reading find something missing or damaged? Then fetch again.
    pub fn is_damaged(&self) -> bool {
        let own = match &self.content {
            Content::Git {
                damaged: Some(flag),
                ..
            } => flag.load(Ordering::SeqCst),
            Content::Git { damaged: None, .. } | Content::Folder(_) => false,
        };
        own || self.mounted.iter().any(|(_, below)| below.is_damaged())
    }

    fn open(&self, operation: &str) -> Result<(Objects, ObjectId), Error> {
        let Content::Git {
            objects,
            commit,
            damaged,
            ..
        } = &self.content
        else {
            return Err(Error::new(&self.repository, operation, Fault::NotGit));
        };
        let opened = Objects::open(objects, damaged.clone()).map_err(|error| {
            if let Some(flag) = damaged {
                flag.store(true, Ordering::SeqCst);
            }
            Error::new(&self.repository, operation, Fault::Disk(error))
        })?;
        Ok((opened, *commit))
    }

    fn commit_object<T>(
        &self,
        objects: &Objects,
        id: ObjectId,
        give: impl FnOnce(&CommitRef<'_>) -> T,
    ) -> Result<T, Error> {
        let fault = |error: ObjectError| {
            let operation = format!("read commit {id}");
            Error::new(
                &self.repository,
                &operation,
                Fault::Damaged(error.to_string()),
            )
        };
        let data = objects
            .read(id, Kind::Commit, MAX_COMMIT_BYTES)
            .map_err(fault)?;
        let commit = CommitRef::from_bytes(&data, gix::hash::Kind::Sha1)
            .map_err(|error| fault(objects.broken(id, chain(&error))))?;
        Ok(give(&commit))
    }
}
