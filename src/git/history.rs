//! What stands behind a commit, as far as somebody has to look: commits alone,
//! without their trees, in a store of their own beside the snapshots.
//!
//! ```text
//! Repository.history(commit) -> History
//! unsealed(&mut history, ..) -> the commits whose signatures must be good
//! ```
//! A store is asked for more of the server in steps, so that a seal close to the
//! tip costs one small fetch.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::{CommitRef, Kind};

use super::access::Access;
use super::cache::Cache;
use super::error::{Error, Fault, chain};
use super::mirror::Mirror;
use super::objects::{ObjectError, Objects};
use super::signed::Signed;
use super::snapshot::MAX_COMMIT_BYTES;
use super::url::RepositoryUrl;

/// No further back than this many commits.
const MAX_HISTORY: u32 = 20_000;
/// A pack of commits above this is not taken: of a server that sends trees and
/// files along, since it cannot leave them out.
pub(super) const MAX_HISTORY_BYTES: u64 = 64 * 1024 * 1024;
const DEPTHS: [u32; 3] = [64, 1024, MAX_HISTORY];
/// In the message of a commit whose signature vouches for all behind it, in
/// whatever case (Argo CD).
const SEAL: &[u8] = b"argocd-gpg-seal:";

/// A commit and those before it. Blocking: for a worker thread.
pub struct History {
    repository: String,
    head: ObjectId,
    objects: Objects,
    remote: Option<Remote>,
}

pub(super) struct Remote {
    pub cache: Cache,
    pub url: RepositoryUrl,
    pub access: Access,
    pub mirror: Arc<Mirror>,
    /// Steps of `DEPTHS` that were fetched.
    pub n_steps: usize,
}

/// One commit of a history.
struct Ancestor {
    parents: Vec<ObjectId>,
    /// When it was made, in seconds since 1970.
    time: i64,
    is_seal: bool,
}

impl History {
    pub(super) fn new(
        repository: &str,
        head: ObjectId,
        objects: Objects,
        remote: Option<Remote>,
    ) -> Self {
        History {
            repository: repository.to_owned(),
            head,
            objects,
            remote,
        }
    }

    /// What may be signed of a commit of it, 40 hexadecimal digits.
    pub fn signed(&mut self, id: &str) -> Result<Signed, Error> {
        let id = ObjectId::from_hex(id.as_bytes())
            .map_err(|error| self.fault(Fault::Url(error.to_string())))?;
        let raw = self.read(id)?;
        self.parsed(signed(id, &raw))
    }

    fn parsed<T>(&self, outcome: Result<T, String>) -> Result<T, Error> {
        outcome.map_err(|error| self.fault(Fault::Damaged(error)))
    }

    fn fault(&self, fault: Fault) -> Error {
        let operation = format!("read the history of {}", self.head);
        Error::new(&self.repository, &operation, fault)
    }

    fn read(&mut self, id: ObjectId) -> Result<Vec<u8>, Error> {
        loop {
            match self.objects.read(id, Kind::Commit, MAX_COMMIT_BYTES) {
                Ok(raw) => return Ok(raw),
                Err(ObjectError::Missing(_)) => self.deepen()?,
                Err(error) => return Err(self.fault(Fault::Damaged(error.to_string()))),
            }
        }
    }

    /// Fetches more of it.
    fn deepen(&mut self) -> Result<(), Error> {
        let Some(remote) = &mut self.remote else {
            let why = "it ends in a shallow clone".to_owned();
            return Err(self.fault(Fault::Local(why)));
        };
        let Some(depth) = DEPTHS.get(remote.n_steps) else {
            let why = format!("it has more than {MAX_HISTORY} commits");
            return Err(self.fault(Fault::Local(why)));
        };
        remote.n_steps += 1;
        let cache = remote.cache.clone();
        let opened = cache.fetch_history(remote, self.head, *depth);
        self.objects = opened.map_err(|fault| self.fault(fault))?;
        Ok(())
    }
}

fn parse(raw: &[u8]) -> Result<CommitRef<'_>, String> {
    CommitRef::from_bytes(raw, gix::hash::Kind::Sha1).map_err(|error| chain(&error))
}

fn ancestor(raw: &[u8]) -> Result<Ancestor, String> {
    let commit = parse(raw)?;
    let message: &[u8] = commit.message;
    let mut windows = message.windows(SEAL.len());
    Ok(Ancestor {
        parents: commit.parents().collect(),
        time: commit.time().map_or(0, |time| time.seconds),
        is_seal: windows.any(|part| part.eq_ignore_ascii_case(SEAL)),
    })
}

fn signed(id: ObjectId, raw: &[u8]) -> Result<Signed, String> {
    let commit = parse(raw)?;
    let author = commit.author().map_err(|error| chain(&error))?.trim();
    let author = format!("{} <{}>", author.name, author.email);
    Ok(Signed::commit(&id.to_string(), author, raw))
}

struct Seen {
    parents: Vec<ObjectId>,
    time: i64,
    /// A seal that is good, or behind one.
    is_sealed: bool,
    is_queued: bool,
}

/// Commits on their way back, the newest first.
struct Walk<'a> {
    history: &'a mut History,
    is_good: &'a dyn Fn(&Signed) -> bool,
    seen: HashMap<ObjectId, Seen>,
    queue: BinaryHeap<(i64, ObjectId)>,
    /// Of those in the queue that nothing seals yet.
    n_open: usize,
}

/// The commits that have to be signed, as Argo CD's mode `strict` has it: the head
/// and all behind it, but for what a seal that is good vouches for; of those the
/// ones that the others directly follow. What `is_known` says of is left out, with
/// all behind it.
pub fn unsealed(
    history: &mut History,
    is_good: &dyn Fn(&Signed) -> bool,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, Error> {
    let head = history.head;
    if is_known(&head.to_string()) {
        return Ok(Vec::new());
    }
    let mut walk = Walk {
        history,
        is_good,
        seen: HashMap::new(),
        queue: BinaryHeap::new(),
        n_open: 0,
    };
    walk.meet(head, false)?;
    if walk.seen[&head].is_sealed {
        return Ok(vec![head.to_string()]);
    }
    let mut open = Vec::new();
    let mut oldest = walk.seen[&head].time;
    // What is sealed and older than all that is open seals none of it.
    let reaches = |walk: &Walk<'_>, oldest| walk.queue.peek().is_some_and(|it| it.0 >= oldest);
    while walk.n_open > 0 || reaches(&walk, oldest) {
        let Some((time, id)) = walk.queue.pop() else {
            break;
        };
        let seen = walk.seen.get_mut(&id).expect("it was met");
        seen.is_queued = false;
        let (is_sealed, parents) = (seen.is_sealed, seen.parents.clone());
        if !is_sealed {
            walk.n_open -= 1;
            oldest = oldest.min(time);
            open.push(id);
        }
        for parent in parents {
            if is_sealed || !is_known(&parent.to_string()) {
                walk.meet(parent, is_sealed)?;
            }
        }
    }
    open.retain(|id| !walk.seen[id].is_sealed);
    let mut told = HashSet::new();
    let mut edge = Vec::new();
    for parent in open.iter().flat_map(|id| &walk.seen[id].parents) {
        let is_sealed = walk.seen.get(parent).is_some_and(|seen| seen.is_sealed);
        if is_sealed && told.insert(*parent) {
            edge.push(*parent);
        }
    }
    Ok(open.iter().chain(&edge).map(ObjectId::to_string).collect())
}

impl Walk<'_> {
    /// A commit is reached, from behind a seal or not.
    fn meet(&mut self, id: ObjectId, is_sealed: bool) -> Result<(), Error> {
        if let Some(seen) = self.seen.get_mut(&id) {
            if is_sealed && !seen.is_sealed {
                seen.is_sealed = true;
                // Those behind it are told, also where it was passed already.
                match std::mem::replace(&mut seen.is_queued, true) {
                    true => self.n_open -= 1,
                    false => self.queue.push((seen.time, id)),
                }
            }
            return Ok(());
        }
        if self.seen.len() >= MAX_HISTORY as usize {
            let why = format!("it has more than {MAX_HISTORY} commits before a seal");
            return Err(self.history.fault(Fault::Local(why)));
        }
        let raw = self.history.read(id)?;
        let found = self.history.parsed(ancestor(&raw))?;
        let is_sealed =
            is_sealed || found.is_seal && (self.is_good)(&self.history.parsed(signed(id, &raw))?);
        self.n_open += usize::from(!is_sealed);
        self.queue.push((found.time, id));
        let seen = Seen {
            parents: found.parents,
            time: found.time,
            is_sealed,
            is_queued: true,
        };
        self.seen.insert(id, seen);
        Ok(())
    }
}
