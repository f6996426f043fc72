//! A repository on this machine, read where it lies: its object database is
//! opened read-only, nothing is copied, no process is started.

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice;

use super::error::{Error, Fault, chain};
use super::history::History;
use super::objects::{ObjectError, Objects};
use super::revision::{Resolved, Wanted, candidates, constraint, highest, wanted};
use super::snapshot::Snapshot;
use super::status::{Changes, changes};

/// What the name of a branch means in a local clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branches {
    /// The branch.
    AsTheyAre,
    /// HEAD, for every branch that the clone knows: what is checked out is
    /// what somebody wants to try, whatever branch the Applications track.
    MeanHead,
}

/// A clone, a worktree, or a bare repository.
pub struct LocalRepository {
    /// As it is shown: the path, or the URL that is mapped to it.
    name: String,
    repository: gix::Repository,
}

impl LocalRepository {
    /// Opens the repository whose work tree or git directory is `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_as(&path.display().to_string(), path)
    }

    /// The same, under the name of the URL that is mapped to it.
    pub fn open_as(name: &str, path: &Path) -> Result<Self, Error> {
        let fault = |fault| Error::new(name, &format!("open {}", path.display()), fault);
        if !is_repository(path) {
            return Err(fault(Fault::NotGit));
        }
        // Isolated: no configuration but the repository's own, no environment.
        let options = gix::open::Options::isolated();
        let repository =
            gix::open_opts(path, options).map_err(|error| fault(Fault::Local(chain(&error))))?;
        Ok(Self {
            name: name.to_owned(),
            repository,
        })
    }

    /// The repository that holds `path`, and what `path` is in it.
    pub fn discover(path: &Path) -> Result<Option<(Self, String)>, Error> {
        let fault = |error: std::io::Error| {
            Error::new(
                &path.display().to_string(),
                "find the repository",
                Fault::Local(error.to_string()),
            )
        };
        let path = path.canonicalize().map_err(fault)?;
        for above in path.ancestors() {
            if is_repository(above) {
                let below = path.strip_prefix(above).unwrap_or(Path::new(""));
                return Ok(Some((Self::open(above)?, below.display().to_string())));
            }
        }
        Ok(None)
    }

    /// URLs of its remotes, as they are configured.
    pub fn remotes(&self) -> Vec<String> {
        let mut urls = Vec::new();
        for name in self.repository.remote_names() {
            let Some(Ok(remote)) = self
                .repository
                .try_find_remote_without_url_rewrite(name.as_bstr())
            else {
                continue;
            };
            if let Some(url) = remote.url(gix::remote::Direction::Fetch) {
                urls.push(url.to_bstring().to_str_lossy().into_owned());
            }
        }
        urls.sort();
        urls.dedup();
        urls
    }

    pub fn resolve(&self, revision: &str, branches: Branches) -> Result<Resolved, Error> {
        self.resolve_tagged(revision, "", branches)
    }

    /// The same, where a semver constraint looks only at tags with this prefix.
    pub fn resolve_tagged(
        &self,
        revision: &str,
        tag_prefix: &str,
        branches: Branches,
    ) -> Result<Resolved, Error> {
        let operation = format!(
            "resolve {}",
            if revision.is_empty() {
                "HEAD"
            } else {
                revision
            }
        );
        let fault = |fault| Error::new(&self.name, &operation, fault);
        match wanted(revision) {
            Wanted::Head => self.head().map_err(fault),
            Wanted::Commit(id) => {
                let objects = self.objects().map_err(fault)?;
                let id = objects
                    .peel_to_commit(id)
                    .map_err(|error| fault(unresolved(error)))?;
                Ok(Resolved::commit(id))
            }
            Wanted::Name { abbreviated } => {
                if let Some(resolved) = self.constrained(revision, tag_prefix).map_err(fault)? {
                    return Ok(resolved);
                }
                if let Some(resolved) = self.named(revision, branches).map_err(fault)? {
                    return Ok(resolved);
                }
                if abbreviated && let Some(id) = self.abbreviated(revision).map_err(fault)? {
                    return Ok(Resolved::commit(id));
                }
                Err(fault(Fault::NoSuchRevision(self.what_there_is())))
            }
        }
    }

    /// Its tree is read from the object database as it is needed.
    pub fn snapshot(&self, resolved: &Resolved) -> Result<Snapshot, Error> {
        let fault = |fault| {
            let operation = format!("open commit {}", resolved.commit);
            Error::new(&self.name, &operation, fault)
        };
        let id = ObjectId::from_hex(resolved.commit.as_bytes())
            .map_err(|error| fault(Fault::Local(error.to_string())))?;
        let objects = self.objects().map_err(fault)?;
        objects
            .kind_and_size(id)
            .map_err(|error| fault(unresolved(error)))?;
        Ok(Snapshot::git(&self.name, self.objects_path(), id, None).tagged(resolved.tag()))
    }

    pub(super) fn history(&self, head: ObjectId) -> Result<History, Error> {
        let objects = self.objects();
        let objects = objects.map_err(|fault| Error::new(&self.name, "open its history", fault))?;
        Ok(History::new(&self.name, head, objects, None))
    }

    /// What is not committed; nothing for a bare repository.
    pub fn changes(&self) -> Result<Changes, Error> {
        changes(&self.repository)
            .map_err(|cause| Error::new(&self.name, "compare the work tree", Fault::Local(cause)))
    }

    fn head(&self) -> Result<Resolved, Fault> {
        let head = self
            .repository
            .head()
            .map_err(|error| Fault::Local(chain(&error)))?;
        if head.is_unborn() {
            return Err(Fault::Unborn);
        }
        let reference = head.referent_name().map(|name| name.as_bstr().to_string());
        let id = self
            .repository
            .head_id()
            .map_err(|error| Fault::Local(chain(&error)))?
            .detach();
        let commit = self.objects()?.peel_to_commit(id).map_err(unresolved)?;
        Ok(Resolved {
            reference: reference.or_else(|| Some("HEAD".into())),
            ..Resolved::commit(commit)
        })
    }

    fn named(&self, revision: &str, branches: Branches) -> Result<Option<Resolved>, Fault> {
        let mut names = candidates(revision);
        // A clone knows most branches of its origin only under this name.
        names.push(format!("refs/remotes/origin/{revision}"));
        for name in names {
            let found = self
                .repository
                .try_find_reference(name.as_str())
                .ok()
                .flatten();
            let Some(mut found) = found else {
                continue;
            };
            let is_branch = name.starts_with("refs/heads/") || name.starts_with("refs/remotes/");
            if is_branch && branches == Branches::MeanHead {
                let head = self.head()?;
                let same = head.reference.as_deref() == Some(name.as_str());
                let note = (!same).then(|| {
                    let reference = head.reference.as_deref().unwrap_or("HEAD");
                    let short = reference.trim_start_matches("refs/heads/");
                    format!("{revision} is taken as what is checked out ({short})")
                });
                return Ok(Some(Resolved { note, ..head }));
            }
            let tag = found.target().try_id().map(ToOwned::to_owned);
            let id = found
                .peel_to_id()
                .map_err(|error| Fault::Local(chain(&error)))?
                .detach();
            let commit = self.objects()?.peel_to_commit(id).map_err(unresolved)?;
            return Ok(Some(Resolved {
                reference: Some(name),
                wanted: tag,
                ..Resolved::commit(commit)
            }));
        }
        Ok(None)
    }

    fn constrained(&self, revision: &str, tag_prefix: &str) -> Result<Option<Resolved>, Fault> {
        let Some(constraint) = constraint(revision) else {
            return Ok(None);
        };
        let fault = |error: gix::Error| Fault::Local(chain(&error));
        let references = self.repository.references().map_err(fault)?;
        let mut names = Vec::new();
        for tag in references.tags().map_err(fault)? {
            let tag = tag.map_err(|error| Fault::Local(error.to_string()))?;
            names.push(tag.name().shorten().to_string());
        }
        let tags = names.iter().map(|name| (name.as_str(), ()));
        match highest(&constraint, tag_prefix, tags) {
            Some((name, ())) => self.named(&format!("refs/tags/{name}"), Branches::AsTheyAre),
            None => Ok(None),
        }
    }

    fn abbreviated(&self, revision: &str) -> Result<Option<ObjectId>, Fault> {
        let prefix = gix::hash::Prefix::from_hex(revision)
            .map_err(|error| Fault::Local(error.to_string()))?;
        let objects = self.objects()?;
        let mut candidates = std::collections::HashSet::new();
        objects
            .handle()
            .lookup_prefix(prefix, Some(&mut candidates))
            .map_err(|error| Fault::Local(chain(&error)))?;
        // Blobs and trees may share the digits: a commit is meant.
        let mut commits: Vec<_> = candidates
            .into_iter()
            .filter_map(|id| objects.peel_to_commit(id).ok())
            .collect();
        commits.sort();
        commits.dedup();
        match commits.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => Err(Fault::Ambiguous(
                several
                    .iter()
                    .map(|id| id.to_string())
                    .collect::<Vec<_>>()
                    .join(" and "),
            )),
        }
    }

    /// The branches, for an error about one that is not there.
    fn what_there_is(&self) -> String {
        let Ok(references) = self.repository.references() else {
            return String::new();
        };
        let Ok(branches) = references.local_branches() else {
            return String::new();
        };
        let names: Vec<_> = branches
            .flatten()
            .take(5)
            .map(|branch| branch.name().shorten().to_string())
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!(" (branches: {})", names.join(", "))
        }
    }

    fn objects_path(&self) -> PathBuf {
        self.repository.objects.store_ref().path().to_owned()
    }

    fn objects(&self) -> Result<Objects, Fault> {
        Objects::open(&self.objects_path(), None).map_err(|error| Fault::Local(error.to_string()))
    }
}

/// A work tree with `.git` (a directory, or a file that points to one), or a
/// git directory itself.
pub(super) fn is_repository(path: &Path) -> bool {
    path.join(".git").exists()
        || (path.join("HEAD").is_file()
            && path.join("objects").is_dir()
            && path.join("refs").is_dir())
}

fn unresolved(error: ObjectError) -> Fault {
    match error {
        ObjectError::Missing(id) => Fault::NoSuchRevision(format!(
            " (object {id} is not in this clone: is it shallow or partial?)"
        )),
        other => Fault::Damaged(other.to_string()),
    }
}
