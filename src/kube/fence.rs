//! Up to when a process may write. Time is that since boot, with what the
//! machine slept through in it: a process that was stopped, and a machine that
//! was suspended, wake up behind a closed fence.

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
}

#[derive(Debug, Default)]
struct State {
    /// Since boot; zero is closed.
    until: Duration,
    /// Writes without an answer.
    n_under_way: usize,
}

/// One write that may be sent, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    fence: Fence,
    /// The write must be over by then.
    pub left: Duration,
}

impl Fence {
    /// A closed one.
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_open(&self) -> bool {
        self.state().left().is_some()
    }

    /// Moves the deadline, in time since boot.
    pub(super) fn open_until(&self, until: Duration) {
        self.state().until = until;
    }

    pub(super) fn close(&self) {
        self.state().until = Duration::ZERO;
    }

    /// `None` where the fence is closed.
    pub(super) fn pass(&self) -> Option<Pass> {
        let mut state = self.state();
        let left = state.left()?;
        state.n_under_way += 1;
        Some(Pass {
            fence: self.clone(),
            left,
        })
    }

    /// Waits for the writes that are under way; false if some still are after
    /// `longest`.
    pub(super) fn drain(&self, longest: Duration) -> bool {
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
}
