//! One handle for whatever stands behind a repository URL.

use std::path::PathBuf;

use super::access::Access;
use super::cache::Cache;
use super::error::{Error, Fault};
use super::folder;
use super::history::History;
use super::local::{Branches, LocalRepository, is_repository};
use super::revision::{Resolved, Wanted, wanted};
use super::snapshot::Snapshot;
use super::url::{RepositoryUrl, Scheme};

/// Where the repositories of URLs are: on this machine where they are mapped.
#[derive(Clone, Debug, Default)]
pub struct Locator {
    /// Where remote repositories are kept; without one, only mapped and local
    /// repositories are served.
    pub cache: Option<Cache>,
    /// URLs and the local path that stands for each.
    mapped: Vec<(RepositoryUrl, PathBuf)>,
    /// Are file URLs and absolute paths served?
    pub allow_file: bool,
}

impl Locator {
    /// `--map URL=PATH`. The later of two for one URL counts.
    pub fn map(&mut self, url: &str, path: PathBuf) -> Result<(), Error> {
        let url = RepositoryUrl::parse(url)?;
        let name = url.normalized();
        self.mapped.retain(|(known, _)| known.normalized() != name);
        self.mapped.push((url, path));
        Ok(())
    }

    /// A clone by ssh stands for the https URL of its repository, too, and the
    /// other way round, unless that one is mapped itself.
    pub fn mapped(&self, url: &RepositoryUrl) -> Option<&PathBuf> {
        let name = url.normalized();
        let mut mapped = self.mapped.iter();
        let found = mapped
            .find(|(known, _)| known.normalized() == name)
            .or_else(|| self.mapped.iter().find(|(known, _)| known.is_twin_of(url)));
        found.map(|(_, path)| path)
    }

    /// `access` is asked only for a remote repository.
    pub fn repository(
        &self,
        url: &str,
        access: impl FnOnce(&RepositoryUrl) -> Result<Access, Error>,
    ) -> Result<Repository, Error> {
        self.open(RepositoryUrl::parse(url)?, access)
    }

    /// The same for a URL that was taken apart already.
    pub fn open(
        &self,
        url: RepositoryUrl,
        access: impl FnOnce(&RepositoryUrl) -> Result<Access, Error>,
    ) -> Result<Repository, Error> {
        if let Some(path) = self.mapped(&url) {
            return Ok(Repository {
                url,
                place: Place::Local(path.clone(), Branches::MeanHead),
            });
        }
        match url.scheme {
            Scheme::File if !self.allow_file => Err(Error::new(
                &url.to_string(),
                "open the repository",
                Fault::Url("file URLs are not served here: the operator can allow them".into()),
            )),
            Scheme::File => {
                let place = Place::Local(PathBuf::from(&url.path), Branches::AsTheyAre);
                Ok(Repository { url, place })
            }
            Scheme::Https | Scheme::Http | Scheme::Ssh => {
                let Some(cache) = self.cache.clone() else {
                    return Err(Error::new(
                        &url.to_string(),
                        "open the repository",
                        Fault::Url("only mapped repositories are served here".into()),
                    ));
                };
                let place = Place::Remote(cache, access(&url)?);
                Ok(Repository { url, place })
            }
        }
    }
}

/// A repository, wherever it is. Blocking: for a worker thread.
#[derive(Clone, Debug)]
pub struct Repository {
    url: RepositoryUrl,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Local(PathBuf, Branches),
    Remote(Cache, Access),
}

impl Repository {
    pub fn url(&self) -> &RepositoryUrl {
        &self.url
    }

    /// The commit that a revision means now. Nothing is fetched.
    pub fn resolve(&self, revision: &str) -> Result<Resolved, Error> {
        self.resolve_tagged(revision, "")
    }

    /// The same, where a semver constraint looks only at tags with this prefix
    /// (`tagPrefix` of a source).
    pub fn resolve_tagged(&self, revision: &str, tag_prefix: &str) -> Result<Resolved, Error> {
        let name = self.url.to_string();
        match &self.place {
            Place::Remote(cache, access) => cache.resolve(&self.url, access, revision, tag_prefix),
            Place::Local(path, branches) if is_repository(path) => {
                let local = LocalRepository::open_as(&name, path)?;
                local.resolve_tagged(revision, tag_prefix, *branches)
            }
            Place::Local(path, _) => {
                let snapshot = folder::snapshot(&name, path)?;
                let note = match wanted(revision) {
                    Wanted::Head => None,
                    Wanted::Commit(_) | Wanted::Name { .. } => Some(format!(
                        "{} is no git repository: {revision} is taken as what is there",
                        path.display()
                    )),
                };
                Ok(Resolved {
                    commit: snapshot.commit,
                    reference: None,
                    note,
                    wanted: None,
                })
            }
        }
    }

    /// What a resolved revision holds; fetched only if it is not there yet.
    pub fn fetch(&self, resolved: &Resolved) -> Result<Snapshot, Error> {
        let name = self.url.to_string();
        match &self.place {
            Place::Remote(cache, access) => cache.fetch(&self.url, access, resolved),
            Place::Local(path, _) if is_repository(path) => {
                LocalRepository::open_as(&name, path)?.snapshot(resolved)
            }
            Place::Local(path, _) => folder::snapshot(&name, path),
        }
    }

    /// A commit with those before it.
    pub fn history(&self, commit: &str) -> Result<History, Error> {
        let name = self.url.to_string();
        let fault = |fault| Error::new(&name, "open its history", fault);
        let head = gix::ObjectId::from_hex(commit.as_bytes())
            .map_err(|error| fault(Fault::Url(error.to_string())))?;
        match &self.place {
            Place::Remote(cache, access) => cache.history(&self.url, access, head),
            Place::Local(path, _) if is_repository(path) => {
                LocalRepository::open_as(&name, path)?.history(head)
            }
            Place::Local(..) => Err(fault(Fault::NotGit)),
        }
    }

    /// A commit that is on this machine already: what stands when the server
    /// cannot be reached.
    pub fn cached(&self, commit: &str) -> Option<Snapshot> {
        match &self.place {
            Place::Remote(cache, access) => cache.cached(&self.url, access, commit),
            Place::Local(..) => {
                let id = gix::ObjectId::from_hex(commit.as_bytes()).ok()?;
                self.fetch(&Resolved::commit(id)).ok()
            }
        }
    }
}
