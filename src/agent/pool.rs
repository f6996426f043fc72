//! Threads for jobs: started when there is work, gone when there is none, so
//! that an idle agent holds no stacks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// A thread's stack: templates recurse, and a Pi has little.
const STACK_BYTES: usize = 4 * 1024 * 1024;

struct Queue {
    waiting: VecDeque<Job>,
    running: usize,
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
            })),
            at_rest,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no holder of this lock panics")
    }

    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        let mut queue = self.lock();
        queue.waiting.push_back(Box::new(job));
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
            let job = {
                let mut queue = self.lock();
                match queue.waiting.pop_front() {
                    Some(job) => job,
                    None => {
                        queue.running -= 1;
                        break;
                    }
                }
            };
            job();
        }
        (self.at_rest)();
    }
}
