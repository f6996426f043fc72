//! One repository's objects in the cache.
//!
//! ```text
//! <cache>/<host>-<digest of the normalized URL>/
//!     HEAD config              so that git itself can look inside
//!     objects/pack/            a pack for each fetch, folded into one now and then
//!     refs/snapshots/<commit>  commits whose trees are here, complete
//!     shallow                  the same commits: nothing has a history
//!     history/                 a store like this one, of commits alone
//! ```
//!
//! A commit counts as present only once its file below `refs/snapshots` is
//! there, which is written last: a kill in between costs a fetch.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use gix::ObjectId;
use gix::objs::Kind;

use super::https::lock;
use super::objects::Objects;

/// Commits that are kept when packs are folded: the ones used last.
pub const MAX_COMMITS: usize = 16;

pub(super) struct Mirror {
    pub path: PathBuf,
    /// One writer at a time.
    pub writing: Mutex<()>,
    pub damaged: Arc<AtomicBool>,
    /// When each commit was last asked for, on the cache's own clock.
    used: Mutex<HashMap<ObjectId, u64>>,
}

impl Mirror {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            writing: Mutex::default(),
            damaged: Arc::default(),
            used: Mutex::default(),
        }
    }

    pub fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    pub fn packs(&self) -> PathBuf {
        self.path.join("objects/pack")
    }

    pub fn shallow(&self) -> PathBuf {
        self.path.join("shallow")
    }

    /// Commits without what they hold: another store, since what is here is here
    /// whole.
    pub fn history(&self) -> io::Result<Mirror> {
        fs::create_dir_all(&self.path)?;
        Ok(Mirror::new(self.path.join("history")))
    }

    fn snapshots(&self) -> PathBuf {
        self.path.join("refs/snapshots")
    }

    /// Makes what is not there, and removes what an interrupted fetch left.
    pub fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(self.packs())?;
        fs::create_dir_all(self.snapshots())?;
        write_once(&self.path.join("HEAD"), "ref: refs/heads/none\n")?;
        write_once(
            &self.path.join("config"),
            "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
        )?;
        for name in fs::read_dir(self.packs())?.flatten() {
            let name = name.path();
            let kind = name
                .extension()
                .and_then(|e| e.to_str())
                .unwrap_or_default();
            let half = kind == "pack" && !name.with_extension("idx").exists();
            if !matches!(kind, "pack" | "idx") || half {
                fs::remove_file(name)?;
            }
        }
        let _ = fs::remove_file(self.path.join("shallow.lock"));
        Ok(())
    }

    /// The commits whose trees are here.
    pub fn commits(&self) -> io::Result<Vec<ObjectId>> {
        let names = match fs::read_dir(self.snapshots()) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut commits = Vec::new();
        for name in names {
            let name = name?.file_name();
            if let Ok(id) = ObjectId::from_hex(name.to_string_lossy().as_bytes()) {
                commits.push(id);
            }
        }
        commits.sort();
        Ok(commits)
    }

    /// Is this commit here, and readable down to its root tree?
    pub fn has(&self, commit: ObjectId) -> bool {
        if self.damaged.load(Ordering::SeqCst)
            || !self.snapshots().join(commit.to_string()).exists()
        {
            return false;
        }
        let Ok(objects) = Objects::open(&self.objects(), Some(Arc::clone(&self.damaged))) else {
            return false;
        };
        objects.root_tree(commit).is_ok()
    }

    pub fn record(&self, commit: ObjectId) -> io::Result<()> {
        let text = format!("{commit}\n");
        fs::write(self.snapshots().join(commit.to_string()), text)
    }

    pub fn touch(&self, commit: ObjectId, tick: u64) {
        lock(&self.used).insert(commit, tick);
    }

    /// When anything in here was last asked for.
    pub fn last_used(&self) -> u64 {
        lock(&self.used).values().copied().max().unwrap_or(0)
    }

    /// The commits to keep: those used last, and of the others the newest.
    pub fn worth_keeping(&self) -> io::Result<Vec<ObjectId>> {
        let used = lock(&self.used).clone();
        let mut commits = self.commits()?;
        commits.sort_by_key(|commit| {
            let written = self
                .snapshots()
                .join(commit.to_string())
                .metadata()
                .and_then(|found| found.modified())
                .ok();
            std::cmp::Reverse((used.get(commit).copied(), written))
        });
        commits.truncate(MAX_COMMITS);
        Ok(commits)
    }

    /// Everything but these commits is forgotten.
    pub fn forget_but(&self, kept: &[ObjectId]) -> io::Result<()> {
        for commit in self.commits()? {
            if !kept.contains(&commit) {
                fs::remove_file(self.snapshots().join(commit.to_string()))?;
            }
        }
        lock(&self.used).retain(|commit, _| kept.contains(commit));
        let lines: String = kept.iter().map(|commit| format!("{commit}\n")).collect();
        let fresh = self.path.join("shallow.new");
        fs::write(&fresh, lines)?;
        fs::rename(fresh, self.shallow())
    }

    pub fn n_packs(&self) -> usize {
        let Ok(names) = fs::read_dir(self.packs()) else {
            return 0;
        };
        let is_pack = |path: &Path| path.extension().is_some_and(|e| e == "pack");
        names.flatten().filter(|name| is_pack(&name.path())).count()
    }

    /// Throws everything away; the next fetch starts anew.
    pub fn wipe(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.damaged.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Is an object of this kind here?
    pub fn holds(&self, id: ObjectId, kind: Kind) -> bool {
        Objects::open(&self.objects(), None)
            .is_ok_and(|objects| objects.kind_and_size(id).is_ok_and(|found| found.0 == kind))
    }
}

fn write_once(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    fs::write(path, text)
}
