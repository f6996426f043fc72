//! The budget of the process: how much memory it may take, and how much of a
//! core. Heavy jobs (fetches, renders, comparisons) ask before they begin, and
//! look again while they work.
//!
//! ```text
//! Budget::run ─> wait in line ─> at work: checkpoint(), checkpoint(), … ─> done
//!                     ^                        │ holds more than it was promised
//!                     └──── beside others: broken off, again alone
//!                                          └─> alone: OverBudget, a condition
//! ```
//! Invariants: a job is the work of one thread, which holds no lock while it
//! waits in line; a job within a job is part of it.

mod ledger;

mod throttle;

mod process;

mod steps;

pub use ledger::Counts;
use ledger::{Grown, Ledger};
pub use process::{cpu_time, resident};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
pub use steps::Steps;
use throttle::Throttle;

/// What a render is taken to need before it was seen to need more.
pub const RENDER: u64 = 8 << 20;
/// What a fetch of a pack is taken to need.
pub const FETCH: u64 = 8 << 20;
/// What a chart is taken to need that is fetched.
pub const CHART: u64 = 4 << 20;

/// Of so many jobs it is remembered that they needed more.
const MAX_REMEMBERED: usize = 512;

/// A checkpoint that finds less CPU time than this missing goes on.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);

/// How memory is told and given back; of a process with another allocator
/// only what is resident.
#[derive(Clone, Copy, Debug)]
pub struct Allocator {
    /// Gives unused memory back to the system; runs after heavy jobs.
    pub release: fn(),
    /// The same, where nothing is under way.
    pub rest: fn(),
    /// Bytes that the calling thread allocated, less those that it freed.
    pub held: fn() -> i64,
    /// From here on `most` counts.
    pub mark: fn(),
    /// The most that the calling thread held at once since `mark`.
    pub most: fn() -> i64,
    /// Bytes that the process has resident.
    pub resident: fn() -> u64,
}

impl Default for Allocator {
    fn default() -> Self {
        Allocator {
            release: || {},
            rest: || {},
            held: || 0,
            mark: || {},
            most: || 0,
            resident,
        }
    }
}

/// What the process may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Resident bytes; `None` for no limit.
    pub memory: Option<u64>,
    /// Seconds of CPU time by second; `None` for no limit.
    pub cpu: Option<f64>,
}

/// Why a job was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverBudget {
    #[error(
        "needs more than {} MiB, which is what --memory-budget {} MiB leaves for it: raise the budget, or split the application",
        .room >> 20, .budget >> 20
    )]
    Alone { room: u64, budget: u64 },
    /// It is done again, when it is alone.
    #[error("needs more memory than it was promised")]
    Crowded,
}

/// What the budget did since the start, and what it is doing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub limits: Limits,
    pub counts: Counts,
    pub promised: u64,
    pub n_at_work: usize,
    pub n_waiting: usize,
    pub pauses: u64,
    pub paused: Duration,
}

/// Cheap to clone; clones are one budget.
#[derive(Clone)]
pub struct Budget(Arc<Shared>);

struct Shared {
    limits: Limits,
    allocator: Allocator,
    ledger: Mutex<Ledger>,
    /// Somebody left, or the queue moved.
    moved: Condvar,
    throttle: Mutex<Option<Throttle>>,
    started: Instant,
    /// By what a job works on: the most that it held.
    known: Mutex<BTreeMap<String, u64>>,
    pauses: AtomicU64,
    paused_nanos: AtomicU64,
}

/// The job of this thread.
struct Job {
    budget: Budget,
    number: u64,
    held_before: i64,
    /// The most that it held when it looked.
    most: u64,
    fault: Option<OverBudget>,
}

thread_local! {
    static JOB: RefCell<Option<Job>> = const { RefCell::new(None) };
}

impl Budget {
    pub fn new(limits: Limits, allocator: Allocator) -> Self {
        Budget(Arc::new(Shared {
            limits,
            allocator,
            ledger: Mutex::new(Ledger::new(limits.memory.unwrap_or(u64::MAX))),
            moved: Condvar::new(),
            throttle: Mutex::new(limits.cpu.map(Throttle::new)),
            started: Instant::now(),
            known: Mutex::default(),
            pauses: AtomicU64::new(0),
            paused_nanos: AtomicU64::new(0),
        }))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        let ledger = self.0.ledger.lock();
        ledger.expect("no holder of this lock panics")
    }

    /// Does a heavy job on this thread as soon as there is room for it. `name`
    /// is what it works on: what that took is remembered for the next time.
    /// A job that outgrows its place beside others is done once more, alone.
    pub fn run<T>(&self, name: &str, floor: u64, job: impl Fn() -> T) -> Result<T, OverBudget> {
        if JOB.with_borrow(Option::is_some) {
            return Ok(job());
        }
        let mut wanted = floor.max(self.known(name));
        loop {
            let number = self.begin(wanted);
            let at_work = AtWork::enter(self, number);
            self.pause();
            let outcome = job();
            let (most, fault) = at_work.end();
            if most > floor {
                self.remember(name, most);
            }
            match fault {
                None => return Ok(outcome),
                Some(OverBudget::Crowded) => {
                    drop(outcome);
                    (self.0.allocator.release)();
                    wanted = u64::MAX;
                }
                Some(fault) => return Err(fault),
            }
        }
    }

    /// Waits in line.
    fn begin(&self, wanted: u64) -> u64 {
        let mut ledger = self.ledger();
        let number = ledger.line_up();
        if self.0.limits.memory.is_none() {
            // Nobody waits without a limit.
            while !ledger.admit(number, 0, 0) {
                ledger = self.wait(ledger);
            }
            self.0.moved.notify_all();
            return number;
        }
        let mut waited = false;
        while !ledger.admit(number, wanted, (self.0.allocator.resident)()) {
            if !waited {
                waited = true;
                ledger.counts.queued += 1;
            }
            ledger = self.wait(ledger);
        }
        // The next one may fit, too.
        self.0.moved.notify_all();
        number
    }

    fn wait<'a>(&self, ledger: MutexGuard<'a, Ledger>) -> MutexGuard<'a, Ledger> {
        let ledger = self.0.moved.wait(ledger);
        ledger.expect("no holder of this lock panics")
    }

    fn known(&self, name: &str) -> u64 {
        let known = self.0.known.lock().expect("no holder of this lock panics");
        known.get(name).copied().unwrap_or(0)
    }

    fn remember(&self, name: &str, most: u64) {
        let mut known = self.0.known.lock().expect("no holder of this lock panics");
        if known.len() < MAX_REMEMBERED || known.contains_key(name) {
            known.insert(name.to_owned(), most);
        }
    }

    /// Sleeps for as long as the share of the CPU asks for.
    fn pause(&self) {
        if self.0.limits.cpu.is_none() {
            return;
        }
        loop {
            let pause = {
                let throttle = self.0.throttle.lock();
                let mut throttle = throttle.expect("no holder of this lock panics");
                let now = self.0.started.elapsed();
                let asked = throttle.as_mut().map(|t| t.pause(now, cpu_time()));
                asked.unwrap_or_default()
            };
            if pause < SHORTEST_PAUSE {
                return;
            }
            self.0.pauses.fetch_add(1, Ordering::Relaxed);
            let nanos = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
            self.0.paused_nanos.fetch_add(nanos, Ordering::Relaxed);
            std::thread::sleep(pause);
        }
    }

    pub fn figures(&self) -> Figures {
        let ledger = self.ledger();
        Figures {
            limits: self.0.limits,
            counts: ledger.counts,
            promised: match self.0.limits.memory {
                Some(_) => ledger.promised(),
                None => 0,
            },
            n_at_work: ledger.n_at_work(),
            n_waiting: ledger.n_waiting(),
            pauses: self.0.pauses.load(Ordering::Relaxed),
            paused: Duration::from_nanos(self.0.paused_nanos.load(Ordering::Relaxed)),
        }
    }

    /// A limit that is `whole` with a budget of 64 MiB or more, and shrinks
    /// with a smaller one.
    pub fn scaled(&self, whole: u64) -> u64 {
        const FULL: u64 = 64 << 20;
        match self.0.limits.memory {
            Some(budget) if budget < FULL => {
                u64::try_from(u128::from(whole) * u128::from(budget) / u128::from(FULL))
                    .unwrap_or(whole)
            }
            Some(_) | None => whole,
        }
    }
}

/// A step of a heavy job: waits where the process had its share of the CPU,
/// fails where the job holds more memory than there is for it. Outside of
/// jobs nothing happens.
pub fn checkpoint() -> Result<(), OverBudget> {
    let budget = JOB.with_borrow_mut(|job| {
        let Some(job) = job else {
            return Ok(None);
        };
        job.look()?;
        let paces = job.budget.0.limits.cpu.is_some();
        Ok(paces.then(|| job.budget.clone()))
    })?;
    if let Some(budget) = budget {
        budget.pause();
    }
    Ok(())
}

impl Job {
    fn look(&mut self) -> Result<(), OverBudget> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let held = (self.budget.0.allocator.held)() - self.held_before;
        let used = u64::try_from(held).unwrap_or(0);
        if used <= self.most {
            return Ok(());
        }
        self.most = used;
        let Some(budget) = self.budget.0.limits.memory else {
            return Ok(());
        };
        let resident = self.budget.0.allocator.resident;
        let grown = self.budget.ledger().look(self.number, used, resident);
        let fault = match grown {
            Grown::Yes => return Ok(()),
            Grown::Crowded => OverBudget::Crowded,
            Grown::Never(room) => OverBudget::Alone { room, budget },
        };
        self.fault = Some(fault);
        Err(fault)
    }
}

/// While this is there, the thread does a job; also one that panics ends.
struct AtWork<'a> {
    budget: &'a Budget,
    number: u64,
}

impl<'a> AtWork<'a> {
    fn enter(budget: &'a Budget, number: u64) -> Self {
        (budget.0.allocator.mark)();
        JOB.set(Some(Job {
            budget: budget.clone(),
            number,
            held_before: (budget.0.allocator.held)(),
            most: 0,
            fault: None,
        }));
        AtWork { budget, number }
    }

    /// The most that the job held, and why it was broken off, if it was.
    fn end(self) -> (u64, Option<OverBudget>) {
        let (before, fault) = JOB.with_borrow(|job| {
            let job = job.as_ref().expect("it was entered");
            (job.held_before, job.fault)
        });
        let most = (self.budget.0.allocator.most)() - before;
        let most = u64::try_from(most).unwrap_or(0);
        let counts = &mut self.budget.ledger().counts;
        counts.job_peak = counts.job_peak.max(most);
        (most, fault)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        JOB.take();
        self.budget.ledger().leave(self.number);
        self.budget.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests;
