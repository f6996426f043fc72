//! Up to when a process may write. Time is that since boot, with what the
//! machine slept through in it: a process that was stopped, and a machine that
//! was suspended, wake up behind a closed fence.
//!
//! ```text
//! Fence (the process) <- part (one application: closed for good, by itself)
//! ```

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A write for which less time is left is not begun.
const MIN_LEFT: Duration = Duration::from_millis(200);

/// Shared by the one who moves its deadline and the clients that it guards.
#[derive(Clone, Debug, Default)]
pub struct Fence(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Of which this is a part.
    whole: Option<Fence>,
}

#[derive(Default)]
struct State {
    /// Since boot; zero is closed.
    until: Duration,
    /// Writes without an answer.
    n_under_way: usize,
    on_demand: Option<OnDemand>,
}

/// Nobody moves the deadline unless a write asks for it.
struct OnDemand {
    /// A write for which less time is left asks, and waits
    below: Duration,
    /// for so long.
    patience: Duration,
    ask: Box<dyn Fn() + Send>,
}

/// One write that may be sent, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    fence: Fence,
    /// The write must be over by then.
    pub left: Duration,
    /// That of the whole.
    _of_whole: Option<Box<Pass>>,
}

impl Fence {
    /// A closed one.
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_open(&self) -> bool {
        self.state().left().is_some() && self.0.whole.as_ref().is_none_or(Fence::is_open)
    }

    /// A part of it, open until it is closed by itself.
    #[must_use]
    pub fn part(&self) -> Fence {
        let state = State {
            until: Duration::MAX,
            ..State::default()
        };
        Fence(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            whole: Some(self.clone()),
        }))
    }

    /// Moves the deadline, in time since boot.
    pub(super) fn open_until(&self, until: Duration) {
        self.state().until = until;
        self.0.changed.notify_all();
    }

    /// Writes that begin from now on do not pass.
    pub fn close(&self) {
        let mut state = self.state();
        state.until = Duration::ZERO;
        state.on_demand = None;
        drop(state);
        self.0.changed.notify_all();
    }

    /// From now on a write that has less time than `below` asks for more, and
    /// waits for it.
    pub(super) fn open_on_demand(
        &self,
        below: Duration,
        patience: Duration,
        ask: impl Fn() + Send + 'static,
    ) {
        let ask = Box::new(ask);
        self.state().on_demand = Some(OnDemand {
            below,
            patience,
            ask,
        });
    }

    /// The deadline is moved without being asked for.
    pub(super) fn open_by_itself(&self) {
        self.state().on_demand = None;
    }

    /// `None` where the fence is closed.
    pub(super) fn pass(&self) -> Option<Pass> {
        let of_whole = match &self.0.whole {
            Some(whole) => Some(Box::new(whole.pass()?)),
            None => None,
        };
        let mut state = self.asked();
        let left = state.left()?;
        state.n_under_way += 1;
        Some(Pass {
            fence: self.clone(),
            left: of_whole.as_ref().map_or(left, |whole| whole.left.min(left)),
            _of_whole: of_whole,
        })
    }

    /// Its state, once more time was asked for where that is due.
    fn asked(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let begun = since_boot();
        let mut has_asked = false;
        while let Some(demand) = &state.on_demand {
            let waited = since_boot().saturating_sub(begun);
            let rest = demand.patience.saturating_sub(waited);
            if state.until >= since_boot() + demand.below || rest.is_zero() {
                break;
            }
            if !has_asked {
                (demand.ask)();
                has_asked = true;
            }
            let waited = self.0.changed.wait_timeout(state, rest);
            state = waited.expect("no holder panics").0;
        }
        state
    }

    /// Waits for the writes that are under way; false if some still are after
    /// `longest`.
    pub fn drain(&self, longest: Duration) -> bool {
        let until = Instant::now() + longest;
        let mut state = self.state();
        while state.n_under_way > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.expect("no holder panics").0;
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no holder panics")
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("until", &self.until)
            .field("n_under_way", &self.n_under_way)
            .finish_non_exhaustive()
    }
}

impl State {
    fn left(&self) -> Option<Duration> {
        let left = self.until.saturating_sub(since_boot());
        (left >= MIN_LEFT).then_some(left)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.fence.state().n_under_way -= 1;
        self.fence.0.changed.notify_all();
    }
}

/// Never set back, and going on while the machine sleeps.
pub(super) fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_closed_until_it_is_opened_and_after_its_deadline() {
        let fence = Fence::new();
        assert!(fence.pass().is_none());
        fence.open_until(since_boot() + Duration::from_secs(9));
        let pass = fence.pass().expect("it is open");
        assert!(pass.left <= Duration::from_secs(9));
        fence.open_until(since_boot() + MIN_LEFT / 2);
        assert!(fence.pass().is_none(), "too little is left for a write");
    }

    #[test]
    fn draining_waits_for_the_writes_under_way() {
        let fence = Fence::new();
        fence.open_until(since_boot() + Duration::from_secs(9));
        let pass = fence.pass();
        fence.close();
        assert!(!fence.drain(Duration::from_millis(10)));
        drop(pass);
        assert!(fence.drain(Duration::ZERO));
    }

    #[test]
    fn a_part_closes_by_itself_and_with_the_whole() {
        let whole = Fence::new();
        let (one, other) = (whole.part(), whole.part());
        assert!(one.pass().is_none(), "the whole is closed");
        whole.open_until(since_boot() + Duration::from_secs(9));
        let pass = one.pass().expect("both are open");
        assert!(pass.left <= Duration::from_secs(9));
        one.close();
        assert!(one.pass().is_none() && !one.is_open());
        assert!(other.pass().is_some(), "another one is as it was");
        assert!(!one.drain(Duration::ZERO), "its write is under way");
        assert!(other.drain(Duration::ZERO));
        assert!(!whole.drain(Duration::ZERO), "it is one of the whole's");
        drop(pass);
        assert!(one.drain(Duration::ZERO) && whole.drain(Duration::ZERO));
        whole.close();
        assert!(other.pass().is_none() && !other.is_open());
    }

    #[test]
    fn a_write_asks_for_time_where_nobody_moves_the_deadline_by_itself() {
        let fence = Fence::new();
        let (sender, asked) = std::sync::mpsc::channel();
        let second = Duration::from_secs(1);
        fence.open_on_demand(second * 5, second * 60, move || {
            sender.send(()).expect("somebody listens");
        });
        let mover = fence.clone();
        let thread = std::thread::spawn(move || {
            asked.recv().expect("a write asks");
            mover.open_until(since_boot() + second * 9);
            asked.recv()
        });
        assert!(fence.pass().expect("it was opened").left > second * 5);
        // As long as enough is left nobody is asked.
        assert!(fence.pass().is_some());
        fence.open_by_itself();
        assert!(thread.join().expect("it does not panic").is_err());
        fence.open_until(Duration::ZERO);
        assert!(fence.pass().is_none(), "nobody is asked any more");
    }

    #[test]
    fn a_write_that_asks_in_vain_does_not_pass() {
        let fence = Fence::new();
        let patience = Duration::from_millis(20);
        fence.open_on_demand(Duration::from_secs(5), patience, || {});
        assert!(fence.pass().is_none());
        fence.open_until(since_boot() + Duration::from_secs(2));
        assert!(fence.pass().is_some(), "what is left will have to do");
    }
}
