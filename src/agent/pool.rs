//! Threads for jobs: started when there is work, gone when there is none, so
//! that an idle agent holds no stacks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that wait for the same somebody, who may never answer, get so many of
/// a pool's threads at most: the others go on.
const JOBS_OF_A_PARTY: usize = 2;

/// A thread's stack: templates recurse, and a Pi has little.
const STACK_BYTES: usize = 4 * 1024 * 1024;

struct Queue {
    /// Jobs with the party that they talk to, "" for none.
    waiting: VecDeque<(String, Job)>,
    running: usize,
    busy: BTreeMap<String, usize>,
}

impl Queue {
    /// The first job whose party is not as busy as it may be.
    fn next(&mut self) -> Option<(String, Job)> {
        let is_free =
            |(party, _): &(String, Job)| self.busy.get(party).is_none_or(|n| *n < JOBS_OF_A_PARTY);
        let at = self.waiting.iter().position(is_free)?;
        let (party, job) = self.waiting.remove(at)?;
        if !party.is_empty() {
            *self.busy.entry(party.clone()).or_default() += 1;
        }
        Some((party, job))
    }

    fn done(&mut self, party: &str) {
        if let Some(n) = self.busy.get_mut(party) {
            *n -= 1;
            if *n == 0 {
                self.busy.remove(party);
            }
        }
    }
}

/// At most `limit` jobs at a time, first come, first served.
#[derive(Clone)]
pub struct Pool {
    name: &'static str,
    limit: usize,
    queue: Arc<Mutex<Queue>>,
    /// Runs after the last job of a thread: gives memory back.
    at_rest: fn(),
}

impl Pool {
    pub fn new(name: &'static str, limit: usize, at_rest: fn()) -> Self {
        Pool {
            name,
            limit,
            queue: Arc::new(Mutex::new(Queue {
                waiting: VecDeque::new(),
                running: 0,
                busy: BTreeMap::new(),
            })),
            at_rest,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no holder of this lock panics")
    }

    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.run_with(String::new(), job);
    }

    /// A job that waits for a party, of which there may be few at a time.
    pub fn run_with(&self, party: String, job: impl FnOnce() + Send + 'static) {
        let mut queue = self.lock();
        queue.waiting.push_back((party, Box::new(job)));
        if queue.running == self.limit {
            return;
        }
        queue.running += 1;
        drop(queue);
        let pool = self.clone();
        let started = thread::Builder::new()
            .name(self.name.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || pool.work());
        if let Err(error) = started {
            // Out of threads: the caller works itself rather than losing the job.
            tracing::warn!(%error, pool = self.name, "cannot start a thread");
            self.work();
        }
    }

    fn work(&self) {
        loop {
            let (party, job) = {
                let mut queue = self.lock();
                match queue.next() {
                    Some(next) => next,
                    None => {
                        queue.running -= 1;
                        break;
                    }
                }
            };
            job();
            self.lock().done(&party);
        }
        (self.at_rest)();
    }
}
