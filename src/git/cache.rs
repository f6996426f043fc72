//! Mirrors on disk: shared by every application that names the same
//! repository, bounded, and free to be deleted at any time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, TryLockError};

use gix::ObjectId;
use gix::objs::Kind;
use sha2::{Digest, Sha256};

use super::access::Access;
use super::compact::{MAX_PACKS, compact};
use super::counters::{Counters, Counts};
use super::error::{Error, Fault};
use super::history::{History, MAX_HISTORY_BYTES, Remote};
use super::https::lock;
use super::lfs::Lfs;
use super::mirror::Mirror;
use super::objects::Objects;
use super::remote::{RemoteRef, Session};
use super::revision::{Resolved, Wanted, choose, prefixes, wanted};
use super::snapshot::Snapshot;
use super::url::RepositoryUrl;

/// Beside the mirrors: objects of Git LFS, whatever repository has them. The
/// first to go where there is too much.
const LFS_DIRECTORY: &str = "lfs";

/// How large the cache may grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All mirrors together. Those not used for longest go first; the one in
    /// use stays, however large.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 2 * 1024 * 1024 * 1024,
        }
    }
}

/// Asked now and then during a long fetch, on its thread.
pub type Step = fn() -> Result<(), String>;

/// Cheap to clone; clones are one cache.
#[derive(Clone)]
pub struct Cache(Arc<Shared>);

struct Shared {
    directory: PathBuf,
    limits: Limits,
    mirrors: Mutex<BTreeMap<String, Arc<Mirror>>>,
    counters: Arc<Counters>,
    /// Ticks with each use: an order, no time.
    clock: AtomicU64,
    step: OnceLock<Step>,
    /// Held as long as the cache is open, against a second process.
    _lock: File,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cache({})", self.0.directory.display())
    }
}

impl Cache {
    /// Opens the cache, or makes it. Two processes do not share one.
    pub fn open(directory: &Path, limits: Limits) -> Result<Self, Error> {
        let shown = directory.display().to_string();
        let fault = |error| Error::new(&shown, "open the cache", Fault::Disk(error));
        fs::create_dir_all(directory).map_err(fault)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join("lock"))
            .map_err(fault)?;
        if lock.try_lock().is_err() {
            let busy = io::ErrorKind::ResourceBusy;
            return Err(fault(io::Error::new(busy, "another process uses it")));
        }
        Ok(Self(Arc::new(Shared {
            directory: directory.to_owned(),
            limits,
            mirrors: Mutex::default(),
            counters: Arc::default(),
            clock: AtomicU64::new(1),
            step: OnceLock::new(),
            _lock: lock,
        })))
    }

    /// Asked with each piece of a pack from now on: a message ends the fetch.
    pub fn set_step(&self, step: Step) {
        // A cache has one owner.
        let _ = self.0.step.set(step);
    }

    /// How many repositories are here, and their bytes on disk.
    pub fn usage(&self) -> (usize, u64) {
        let names = fs::read_dir(&self.0.directory);
        let places = names.into_iter().flatten().flatten();
        let folders: Vec<_> = places
            .map(|name| name.path())
            .filter(|p| p.is_dir())
            .collect();
        let bytes = folders.iter().map(|folder| size_below(folder)).sum();
        (folders.len(), bytes)
    }

    pub fn counts(&self) -> Counts {
        self.0.counters.now()
    }

    fn mirror(&self, url: &RepositoryUrl) -> Arc<Mirror> {
        let name = directory_name(url);
        let path = self.0.directory.join(&name);
        let mut mirrors = lock(&self.0.mirrors);
        Arc::clone(
            mirrors
                .entry(name)
                .or_insert_with(|| Arc::new(Mirror::new(path))),
        )
    }

    fn tick(&self) -> u64 {
        self.0.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// What a revision means now, by asking the server; a full SHA needs none.
    pub(super) fn resolve(
        &self,
        url: &RepositoryUrl,
        access: &Access,
        revision: &str,
        tag_prefix: &str,
    ) -> Result<Resolved, Error> {
        let shown = if revision.is_empty() {
            "HEAD"
        } else {
            revision
        };
        let operation = format!("resolve {shown}");
        let fault = |fault| Error::new(&url.to_string(), &operation, fault);
        let meant = wanted(revision);
        if let Wanted::Commit(id) = meant {
            return Ok(Resolved::commit(id));
        }
        let mut session = Session::open(url, access, &self.0.counters).map_err(fault)?;
        let refs = session.refs(&prefixes(revision)).map_err(fault)?;
        if let Some(resolved) = choose(revision, tag_prefix, &refs) {
            return Ok(resolved);
        }
        match meant {
            Wanted::Head => Err(fault(Fault::Unborn)),
            Wanted::Name { abbreviated: true } => {
                self.abbreviated(url, revision, &refs).map_err(fault)
            }
            Wanted::Name { abbreviated: false } | Wanted::Commit(_) => {
                Err(fault(Fault::NoSuchRevision(String::new())))
            }
        }
    }

    /// A server resolves no abbreviation: tips and commits in here can.
    fn abbreviated(
        &self,
        url: &RepositoryUrl,
        revision: &str,
        refs: &[RemoteRef],
    ) -> Result<Resolved, Fault> {
        let revision = revision.to_ascii_lowercase();
        let known = self.mirror(url).commits().map_err(Fault::Disk)?;
        let mut found: Vec<ObjectId> = refs
            .iter()
            .map(|found| found.commit)
            .chain(known)
            .filter(|commit| commit.to_string().starts_with(&revision))
            .collect();
        found.sort();
        found.dedup();
        match found.as_slice() {
            [] => Err(Fault::Abbreviated { commits: 1 }),
            [one] => Ok(Resolved::commit(*one)),
            several => {
                let names: Vec<_> = several.iter().map(|id| id.to_string()).collect();
                Err(Fault::Ambiguous(names.join(" and ")))
            }
        }
    }

    /// The snapshot of a commit, from here if it is here, else from the server.
    pub(super) fn fetch(
        &self,
        url: &RepositoryUrl,
        access: &Access,
        resolved: &Resolved,
    ) -> Result<Snapshot, Error> {
        let fault = |fault| {
            let operation = format!("fetch {}", resolved.short());
            Error::new(&url.to_string(), &operation, fault)
        };
        let commit = ObjectId::from_hex(resolved.commit.as_bytes())
            .map_err(|error| fault(Fault::Url(error.to_string())))?;
        let mirror = self.mirror(url);
        let writing = lock(&mirror.writing);
        let has_tag = |tag| mirror.holds(tag, Kind::Tag);
        if !mirror.has(commit) || !resolved.tag().is_none_or(has_tag) {
            if mirror.damaged.load(Ordering::SeqCst) {
                self.0.counters.refetch();
                mirror.wipe().map_err(|error| fault(Fault::Disk(error)))?;
            }
            let want = resolved.wanted.unwrap_or(commit);
            let first = self.fetch_into(&mirror, url, access, want, commit);
            match first {
                Ok(()) => {}
                // What is here stands until there is room for more.
                Err(Fault::Disk(full)) if is_full(&full) => return Err(fault(Fault::Disk(full))),
                // A base is not what it was, or the directory is gone: anew.
                Err(Fault::Damaged(_) | Fault::Disk(_)) => {
                    self.0.counters.refetch();
                    mirror.wipe().map_err(|error| fault(Fault::Disk(error)))?;
                    self.fetch_into(&mirror, url, access, want, commit)
                        .map_err(fault)?;
                }
                Err(other) => return Err(fault(other)),
            }
            mirror.touch(commit, self.tick());
            self.tidy(&mirror);
        } else {
            mirror.touch(commit, self.tick());
        }
        drop(writing);
        let snapshot = self.snapshot(url, access, &mirror, commit);
        Ok(snapshot.tagged(resolved.tag()))
    }

    fn snapshot(
        &self,
        url: &RepositoryUrl,
        access: &Access,
        mirror: &Mirror,
        commit: ObjectId,
    ) -> Snapshot {
        let damaged = Some(Arc::clone(&mirror.damaged));
        let lfs = access.lfs.then(|| {
            let folder = self.0.directory.join(LFS_DIRECTORY);
            Arc::new(Lfs::new(url, access, folder, Arc::clone(&self.0.counters)))
        });
        Snapshot::git(&url.to_string(), mirror.objects(), commit, damaged).with_lfs(lfs)
    }

    /// The snapshot of a commit, if it is here; never asks the server.
    pub(super) fn cached(
        &self,
        url: &RepositoryUrl,
        access: &Access,
        commit: &str,
    ) -> Option<Snapshot> {
        let commit = ObjectId::from_hex(commit.as_bytes()).ok()?;
        let mirror = self.mirror(url);
        if !mirror.has(commit) {
            return None;
        }
        mirror.touch(commit, self.tick());
        Some(self.snapshot(url, access, &mirror, commit))
    }

    fn fetch_into(
        &self,
        mirror: &Mirror,
        url: &RepositoryUrl,
        access: &Access,
        want: ObjectId,
        commit: ObjectId,
    ) -> Result<(), Fault> {
        mirror.prepare().map_err(Fault::Disk)?;
        let session = Session::open(url, access, &self.0.counters)?;
        let step = self.0.step.get().copied();
        session.fetch(mirror, want, step.unwrap_or(|| Ok(())))?;
        if !mirror.holds(commit, Kind::Commit) {
            return Err(Fault::CommitRefused(format!(
                "{commit} is not in what it sent"
            )));
        }
        mirror.record(commit).map_err(Fault::Disk)
    }

    /// The commits behind one, as far as they are here.
    pub(super) fn history(
        &self,
        url: &RepositoryUrl,
        access: &Access,
        head: ObjectId,
    ) -> Result<History, Error> {
        let name = url.to_string();
        let remote = Remote {
            cache: self.clone(),
            url: url.clone(),
            access: access.clone(),
            mirror: self.mirror(url),
            n_steps: 0,
        };
        let opened = {
            // What another reader fetches at this moment looks to `prepare` like
            // what an interrupted fetch left.
            let _writing = lock(&remote.mirror.writing);
            remote.mirror.history().and_then(|store| {
                store.prepare()?;
                Objects::open(&store.objects(), None)
            })
        };
        let objects =
            opened.map_err(|error| Error::new(&name, "open its history", Fault::Disk(error)))?;
        Ok(History::new(&name, head, objects, Some(remote)))
    }

    /// Brings so much of a history.
    pub(super) fn fetch_history(
        &self,
        remote: &Remote,
        head: ObjectId,
        depth: u32,
    ) -> Result<Objects, Fault> {
        let store = remote.mirror.history().map_err(Fault::Disk)?;
        let _writing = lock(&remote.mirror.writing);
        // Each fetch makes a pack: where there are many, or what is here does not
        // fit together, all is fetched anew.
        if store.n_packs() > MAX_PACKS {
            store.wipe().map_err(Fault::Disk)?;
        }
        let step = self.0.step.get().copied().unwrap_or(|| Ok(()));
        let depth = NonZeroU32::new(depth).unwrap_or(NonZeroU32::MIN);
        let fetch = || {
            store.prepare().map_err(Fault::Disk)?;
            let (url, access) = (&remote.url, &remote.access);
            let counters = &self.0.counters;
            Session::open_within(url, access, counters, MAX_HISTORY_BYTES)?
                .fetch_commits(&store, head, step, depth)
        };
        match fetch() {
            Err(Fault::Damaged(_)) => {
                store.wipe().map_err(Fault::Disk)?;
                fetch()?;
            }
            other => {
                other?;
            }
        }
        store.record(head).map_err(Fault::Disk)?;
        self.evict(&remote.mirror);
        Objects::open(&store.objects(), None).map_err(Fault::Disk)
    }

    /// Folds packs and drops mirrors where there are too many. What fails
    /// here costs space, no correctness.
    fn tidy(&self, mirror: &Arc<Mirror>) {
        if mirror.n_packs() > MAX_PACKS {
            let folded = mirror
                .worth_keeping()
                .map_err(|error| error.to_string())
                .and_then(|kept| compact(mirror, &kept));
            match folded {
                Ok(bytes) => self.0.counters.compaction(bytes),
                Err(cause) => {
                    tracing::warn!(mirror = %mirror.path.display(), cause, "cannot fold packs: starting anew");
                    mirror.damaged.store(true, Ordering::SeqCst);
                }
            }
        }
        self.evict(mirror);
    }

    /// Removes the mirrors that were not used for longest, as many as are too much.
    /// The caller writes the one in use.
    fn evict(&self, in_use: &Arc<Mirror>) {
        let mut sizes = Vec::new();
        let Ok(names) = fs::read_dir(&self.0.directory) else {
            return;
        };
        for name in names.flatten() {
            if name.path().is_dir() {
                sizes.push((name.path(), size_below(&name.path())));
            }
        }
        let mut total: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
        if total <= self.0.limits.bytes {
            return;
        }
        let mirrors = lock(&self.0.mirrors).clone();
        let used = |path: &Path| {
            let found = mirrors.values().find(|mirror| mirror.path == path);
            found.map_or(0, |mirror| mirror.last_used())
        };
        sizes.sort_by_key(|(path, _)| used(path));
        for (path, bytes) in sizes {
            if total <= self.0.limits.bytes {
                break;
            }
            if path == in_use.path {
                continue;
            }
            let removed = match mirrors.values().find(|mirror| mirror.path == path) {
                // What somebody writes is in use too; and to wait for it, holding
                // another one, could be to wait for each other.
                Some(mirror) => match mirror.writing.try_lock() {
                    Err(TryLockError::WouldBlock) => false,
                    Ok(_writing) => mirror.wipe().is_ok(),
                    Err(TryLockError::Poisoned(_writing)) => mirror.wipe().is_ok(),
                },
                None => fs::remove_dir_all(&path).is_ok(),
            };
            if removed {
                total = total.saturating_sub(bytes);
            }
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Readable, short, and different for different repositories.
fn directory_name(url: &RepositoryUrl) -> String {
    let digest = Sha256::digest(url.normalized().as_bytes());
    let hex: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let host: String = url
        .host
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    format!("{}-{hex}", host.to_lowercase())
}

fn size_below(directory: &Path) -> u64 {
    let Ok(names) = fs::read_dir(directory) else {
        return 0;
    };
    names
        .flatten()
        .map(|name| match name.metadata() {
            Ok(found) if found.is_dir() => size_below(&name.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_one_repository_share_a_directory() {
        let name = |url| directory_name(&RepositoryUrl::parse(url).expect("served"));
        let one = name("https://GitHub.com/a/b.git");
        assert_eq!(one, name("https://u:p@github.com/A/B"));
        assert!(one.starts_with("github-com-"), "{one}");
        assert_ne!(one, name("https://github.com/a/c"));
    }

    #[test]
    fn who_opens_a_history_leaves_alone_what_another_one_writes() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let cache = Cache::open(home.path(), Limits::default()).expect("opens");
        let url = RepositoryUrl::parse("https://localhost/a/b").expect("served");
        let client = crate::http::Client::new(Default::default()).expect("is usable");
        let access = Access::anonymous(client);
        let head = ObjectId::null(gix::hash::Kind::Sha1);
        let mirror = cache.mirror(&url);
        let store = mirror.history().expect("is made");
        store.prepare().expect("is made");
        let half = store.packs().join("pack-1.pack");
        std::thread::scope(|threads| {
            let writing = lock(&mirror.writing);
            fs::write(&half, "half").expect("writes");
            let opened = threads.spawn(|| cache.history(&url, &access, head).is_ok());
            // Long enough for whoever does not wait.
            std::thread::sleep(std::time::Duration::from_millis(100));
            assert!(half.exists());
            drop(writing);
            assert!(opened.join().expect("does not panic"));
        });
        assert!(!half.exists(), "nobody writes it any more");
    }

    #[test]
    fn what_somebody_writes_is_not_evicted() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let cache = Cache::open(home.path(), Limits { bytes: 0 }).expect("opens");
        let [written, idle, own] = ["a", "b", "c"].map(|name| {
            let url = format!("https://localhost/a/{name}");
            let mirror = cache.mirror(&RepositoryUrl::parse(&url).expect("served"));
            mirror.prepare().expect("is made");
            mirror
        });
        let writing = lock(&written.writing);
        cache.evict(&own);
        let is_there = [&written, &idle, &own].map(|mirror| mirror.path.exists());
        assert_eq!(is_there, [true, false, true]);
        drop(writing);
        cache.evict(&own);
        assert!(!written.path.exists());
    }
}
