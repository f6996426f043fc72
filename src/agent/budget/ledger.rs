//! Who may take how much memory: a book of what heavy jobs were promised.
//!
//! ```text
//! budget = resident without the jobs (measured) + promised to jobs + free
//! ```
//! Invariant: what is promised together never exceeds the budget less what
//! the process takes without its jobs, but for one job alone, which gets all
//! that there is.

use std::collections::{BTreeMap, VecDeque};

/// One job at work.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    promised: u64,
    /// What it held at its last look, in bytes.
    used: u64,
}

/// What came of a job's wish for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grown {
    Yes,
    /// Others have it: the job is to be done again when they are gone.
    Crowded,
    /// It has all that there is, so many bytes.
    Never(u64),
}

#[derive(Debug, Default)]
pub struct Ledger {
    budget: u64,
    jobs: BTreeMap<u64, Entry>,
    /// Those that wait, in the order in which they came.
    queue: VecDeque<u64>,
    numbers: u64,
    pub counts: Counts,
}

/// Since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that had to wait for others.
    pub queued: u64,
    /// Jobs that were broken off, to be done again alone.
    pub repeated: u64,
    /// Jobs that were broken off since they do not fit even alone.
    pub refused: u64,
    /// The most that was promised to jobs at once, in bytes.
    pub promised_peak: u64,
    /// The most that one job held, in bytes.
    pub job_peak: u64,
}

impl Ledger {
    pub fn new(budget: u64) -> Self {
        Ledger {
            budget,
            ..Ledger::default()
        }
    }

    /// A place in the queue.
    pub fn line_up(&mut self) -> u64 {
        self.numbers += 1;
        self.queue.push_back(self.numbers);
        self.numbers
    }

    /// Lets a job begin that is the first in the queue, if `wanted` bytes are
    /// free or nobody else is at work. `resident` is what the process takes.
    pub fn admit(&mut self, number: u64, wanted: u64, resident: u64) -> bool {
        if self.queue.front() != Some(&number) {
            return false;
        }
        let room = self.room(resident);
        let fits = self.promised().saturating_add(wanted) <= room;
        if !fits && !self.jobs.is_empty() {
            return false;
        }
        self.queue.pop_front();
        let entry = Entry {
            promised: wanted.min(room),
            used: 0,
        };
        self.jobs.insert(number, entry);
        self.note_peak();
        true
    }

    /// A job tells what it holds; more than it was promised is asked for.
    pub fn look(&mut self, number: u64, used: u64, resident: impl FnOnce() -> u64) -> Grown {
        let Some(entry) = self.jobs.get_mut(&number) else {
            return Grown::Yes;
        };
        entry.used = used;
        let promised = entry.promised;
        if used <= promised {
            return Grown::Yes;
        }
        let room = self.room(resident());
        let others = self.promised() - promised;
        if others.saturating_add(used) <= room {
            // Some more, so that it does not ask with each step.
            let wanted = used.saturating_add(STEP).min(room - others);
            self.jobs.insert(
                number,
                Entry {
                    promised: wanted,
                    used,
                },
            );
            self.note_peak();
            return Grown::Yes;
        }
        if self.jobs.len() > 1 {
            self.counts.repeated += 1;
            return Grown::Crowded;
        }
        self.counts.refused += 1;
        Grown::Never(room)
    }

    pub fn leave(&mut self, number: u64) {
        self.jobs.remove(&number);
    }

    /// What jobs may take together.
    fn room(&self, resident: u64) -> u64 {
        let used: u64 = self.jobs.values().map(|entry| entry.used).sum();
        self.budget.saturating_sub(resident.saturating_sub(used))
    }

    pub fn promised(&self) -> u64 {
        self.jobs.values().map(|entry| entry.promised).sum()
    }

    pub fn n_waiting(&self) -> usize {
        self.queue.len()
    }

    pub fn n_at_work(&self) -> usize {
        self.jobs.len()
    }

    fn note_peak(&mut self) {
        self.counts.promised_peak = self.counts.promised_peak.max(self.promised());
    }
}

/// A job that needs more gets so much on top.
const STEP: u64 = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn jobs_begin_in_order_and_only_where_they_fit() {
        let mut ledger = Ledger::new(64 * MIB);
        let rest = 20 * MIB;
        let jobs = [ledger.line_up(), ledger.line_up(), ledger.line_up()];
        assert!(!ledger.admit(jobs[1], MIB, rest), "not its turn");
        assert!(ledger.admit(jobs[0], 30 * MIB, rest));
        assert!(!ledger.admit(jobs[1], 15 * MIB, rest), "14 MiB are free");
        assert!(!ledger.admit(jobs[2], MIB, rest), "nobody is passed by");
        ledger.leave(jobs[0]);
        assert!(ledger.admit(jobs[1], 15 * MIB, rest));
        assert!(ledger.admit(jobs[2], MIB, rest));
        assert_eq!(ledger.counts.promised_peak, 30 * MIB);
    }

    #[test]
    fn one_alone_gets_what_there_is_and_no_more() {
        let mut ledger = Ledger::new(64 * MIB);
        let job = ledger.line_up();
        assert!(ledger.admit(job, 500 * MIB, 24 * MIB));
        assert_eq!(ledger.promised(), 40 * MIB);
        assert_eq!(ledger.look(job, 40 * MIB, || 64 * MIB), Grown::Yes);
        let more = ledger.look(job, 41 * MIB, || 65 * MIB);
        assert_eq!(more, Grown::Never(40 * MIB));
        assert_eq!(ledger.counts.refused, 1);
    }

    #[test]
    fn who_grows_beside_others_is_sent_back() {
        let mut ledger = Ledger::new(64 * MIB);
        let (one, other) = (ledger.line_up(), ledger.line_up());
        assert!(ledger.admit(one, 10 * MIB, 20 * MIB));
        assert!(ledger.admit(other, 20 * MIB, 20 * MIB));
        assert_eq!(ledger.look(one, 15 * MIB, || 35 * MIB), Grown::Yes);
        assert_eq!(ledger.promised(), 37 * MIB);
        assert_eq!(ledger.look(one, 25 * MIB, || 45 * MIB), Grown::Crowded);
        ledger.leave(one);
        assert_eq!(ledger.promised(), 20 * MIB);
    }

    /// Whatever jobs do, the promises stay within the budget.
    #[test]
    fn promises_never_exceed_the_budget() {
        let mut ledger = Ledger::new(64 * MIB);
        let rest = 16 * MIB;
        let mut at_work: Vec<(u64, u64)> = Vec::new();
        let mut chance = 0x9e37_79b9_u64;
        for _ in 0..20_000 {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            let resident = rest + at_work.iter().map(|(_, used)| used).sum::<u64>();
            match chance % 4 {
                0 => {
                    ledger.line_up();
                }
                1 => {
                    let Some(first) = ledger.queue.front().copied() else {
                        continue;
                    };
                    if ledger.admit(first, chance % (40 * MIB), resident) {
                        at_work.push((first, 0));
                    }
                }
                2 if !at_work.is_empty() => {
                    let at = (chance >> 8) as usize % at_work.len();
                    let (number, used) = at_work[at];
                    let used = used + chance % (3 * MIB);
                    match ledger.look(number, used, || resident + used - at_work[at].1) {
                        Grown::Yes => at_work[at].1 = used,
                        Grown::Crowded | Grown::Never(_) => {
                            at_work.remove(at);
                            ledger.leave(number);
                        }
                    }
                }
                _ if !at_work.is_empty() => {
                    let (number, _) = at_work.remove((chance >> 8) as usize % at_work.len());
                    ledger.leave(number);
                }
                _ => {}
            }
            let held: u64 = at_work.iter().map(|(_, used)| used).sum();
            assert!(held <= ledger.promised(), "{held} held");
            assert!(ledger.promised() + rest <= 64 * MIB);
        }
        assert!(ledger.counts.repeated > 0, "{:?}", ledger.counts);
    }
}
