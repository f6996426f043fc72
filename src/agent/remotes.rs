//! What kustomizations take from other places: repositories and plain files.
//!
//! Invariant: nobody is asked whom the project's sourceRepos do not allow, and
//! credentials go to the host that they were given for.

use super::sources::{SourceError, Sources, Tracked};
use crate::app::AppProject;
use crate::git;
use crate::http;
use crate::kustomize::{Fetched, Page, Repository};
use crate::project::is_source_permitted;
use crate::tree::Tree;
use ::http::Request;
use ::http::header::AUTHORIZATION;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// How much one render may bring.
pub(super) const MAX_REMOTES: usize = 64;
/// How large a plain file may be.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// How much is kept of plain files, for when their servers are away.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// Whom kustomizations may ask.
#[derive(Debug, Default)]
enum Policy {
    /// Of a command that somebody runs: it is his kustomization.
    #[default]
    Anybody,
    Nobody,
    Allowed(BTreeMap<String, Arc<AppProject>>),
}

impl Policy {
    fn check(&self, url: &str, project: &str) -> Result<(), String> {
        match self {
            Policy::Anybody => Ok(()),
            Policy::Nobody => Err(
                "remote resources are turned off (--no-remote-bases); put it into the repository"
                    .to_owned(),
            ),
            Policy::Allowed(projects) => match projects.get(project) {
                Some(known) if is_source_permitted(known, url) => Ok(()),
                Some(_) => Err(format!(
                    "not permitted in project '{project}': add it to sourceRepos, or put it into the repository"
                )),
                None => Err(format!("there is no project '{project}'")),
            },
        }
    }
}

/// What is known of other places from one render to the next.
#[derive(Default)]
pub(super) struct Remotes {
    policy: Mutex<Policy>,
    last: Mutex<Last>,
}

/// What stands while a server is away.
#[derive(Default)]
struct Last {
    /// The commit that a reference of a repository meant.
    commits: BTreeMap<(String, String), String>,
    pages: BTreeMap<String, Vec<u8>>,
}

impl Remotes {
    fn policy(&self) -> MutexGuard<'_, Policy> {
        self.policy.lock().expect("no holder of this lock panics")
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().expect("no holder of this lock panics")
    }
}

impl Remotes {
    /// How many plain files are kept, and their bytes.
    pub fn usage(&self) -> (usize, u64) {
        let last = self.last();
        let bytes: usize = last.pages.values().map(Vec::len).sum();
        (last.pages.len(), bytes as u64)
    }
}

impl Last {
    fn keep(&mut self, url: &str, bytes: &[u8], limit: usize) {
        self.pages.remove(url);
        let kept: usize = self.pages.values().map(Vec::len).sum();
        if kept + bytes.len() <= limit {
            self.pages.insert(url.to_owned(), bytes.to_vec());
        }
    }
}

/// What one render was brought.
#[derive(Default)]
pub(super) struct Brought {
    repositories: BTreeMap<Repository, Box<dyn Tree>>,
    pages: BTreeMap<String, Page>,
}

impl Brought {
    pub fn len(&self) -> usize {
        self.repositories.len() + self.pages.len()
    }
}

impl Fetched for Brought {
    fn repository(&self, of: &Repository) -> Option<&dyn Tree> {
        self.repositories.get(of).map(AsRef::as_ref)
    }

    fn file(&self, url: &str) -> Option<Page> {
        self.pages.get(url).cloned()
    }
}

impl Sources {
    /// No kustomization takes anything from elsewhere.
    pub fn refuse_remotes(&self) {
        *self.remotes().policy() = Policy::Nobody;
    }

    /// Kustomizations take only from where their project may.
    pub(super) fn limit_remotes(&self) {
        let mut policy = self.remotes().policy();
        if let Policy::Anybody = *policy {
            *policy = Policy::Allowed(BTreeMap::new());
        }
    }

    pub(super) fn allow_remotes_of(&self, name: &str, project: Option<Arc<AppProject>>) {
        if let Policy::Allowed(projects) = &mut *self.remotes().policy() {
            match project {
                Some(project) => projects.insert(name.to_owned(), project),
                None => projects.remove(name),
            };
        }
    }

    /// Brings a repository; what it last was where its server is away.
    pub(super) fn bring_repository(
        &self,
        wanted: &Repository,
        project: &str,
        into: &mut Brought,
    ) -> Result<(), String> {
        self.remotes().policy().check(&wanted.url, project)?;
        let question = (wanted.url.clone(), wanted.reference.clone());
        let tracked = Tracked {
            revision: wanted.reference.clone(),
            tag_prefix: String::new(),
            project: project.to_owned(),
        };
        let snapshot = match self.snapshot(&wanted.url, tracked, false, wanted.submodules) {
            Ok((commit, snapshot)) => {
                self.remotes().last().commits.insert(question, commit);
                snapshot
            }
            Err(error) => {
                let last = self.remotes().last().commits.get(&question).cloned();
                let stands = last.filter(|_| error.is_retryable());
                let stands =
                    stands.and_then(|commit| self.stored(wanted, &commit, project).ok()?);
                stands.ok_or_else(|| error.to_string())?
            }
        };
        let tree = snapshot.tree().map_err(|error| error.to_string())?;
        into.repositories.insert(wanted.clone(), tree);
        Ok(())
    }

    fn stored(
        &self,
        of: &Repository,
        commit: &str,
        project: &str,
    ) -> Result<Option<git::Snapshot>, SourceError> {
        self.stored_snapshot(&of.url, commit, project, of.submodules)
    }

    pub(super) fn bring_file(
        &self,
        url: &str,
        project: &str,
        into: &mut Brought,
    ) -> Result<(), String> {
        self.remotes().policy().check(url, project)?;
        if !url.to_ascii_lowercase().starts_with("https://") {
            return Err("plain files are fetched by https only".to_owned());
        }
        let page = match self.page(url, project) {
            Ok(page) => page,
            Err((cause, is_retryable)) => {
                let last = self.remotes().last().pages.get(url).cloned();
                let last = last.filter(|_| is_retryable);
                Page::Bytes(last.ok_or(cause)?)
            }
        };
        if let Page::Bytes(bytes) = &page {
            self.remotes()
                .last()
                .keep(url, bytes, self.scaled(MAX_KEPT_BYTES));
        }
        into.pages.insert(url.to_owned(), page);
        Ok(())
    }

    /// What a server says now; of an error, too, whether it may pass.
    fn page(&self, url: &str, project: &str) -> Result<Page, (String, bool)> {
        let failed = |error: http::Error| (error.to_string(), error.is_retryable());
        let way = self.repositories().way(url, project);
        let way = way.map_err(|cause| (cause, false))?;
        let mut request = Request::get(url);
        let credentials = way.credentials.as_ref();
        if let Some(value) = credentials.and_then(http::Credentials::authorization) {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request
            .body(Vec::new())
            .map_err(|error| (error.to_string(), false))?;
        let answer = way.client.send(request).map_err(failed)?;
        let status = answer.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err((format!("status {status}"), true));
        }
        if !status.is_success() {
            return Ok(Page::Refused(status.as_u16()));
        }
        http::read_body("GET", url, answer, MAX_FILE_BYTES)
            .map(Page::Bytes)
            .map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Object;
    use crate::value::yaml;

    fn project(repositories: &str) -> Arc<AppProject> {
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: team}}\nspec: {{sourceRepos: {repositories}}}\n"
        );
        let value = yaml::parse_one(&text).expect("it is YAML");
        let object = Object::new(value).expect("it is an object");
        Arc::new(AppProject::read(&object).expect("it is a project"))
    }

    #[track_caller]
    fn check(policy: &Policy, url: &str, allowed: bool) {
        assert_eq!(policy.check(url, "team").is_ok(), allowed, "{url}");
    }

    #[test]
    fn only_what_the_project_allows_is_asked_for() {
        let url = "https://git.lan/o/base.git";
        check(&Policy::Anybody, url, true);
        check(&Policy::Nobody, url, false);
        check(&Policy::Allowed(BTreeMap::new()), url, false);
        let of = |repositories| {
            let projects = [("team".to_owned(), project(repositories))];
            Policy::Allowed(projects.into())
        };
        check(&of("['*']"), url, true);
        let own = of("['https://git.lan/o/*']");
        check(&own, url, true);
        check(&own, "https://git.lan.evil/o/base.git", false);
        check(&own, "https://git.lan/p/base.git", false);
        check(&own, "https://raw.lan/o/x.yaml", false);
        check(&of("['*', '!https://git.lan/o/base.git']"), url, false);
    }

    #[test]
    fn files_are_kept_up_to_a_limit() {
        let mut last = Last::default();
        last.keep("a", &vec![0; MAX_KEPT_BYTES / 2], MAX_KEPT_BYTES);
        last.keep("b", &vec![0; MAX_KEPT_BYTES], MAX_KEPT_BYTES);
        last.keep("a", b"new", MAX_KEPT_BYTES);
        assert_eq!(last.pages.len(), 1);
        assert_eq!(last.pages["a"], b"new");
    }
}
