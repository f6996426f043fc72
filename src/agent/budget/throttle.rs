//! How much of a core may be used: a bucket of CPU time that fills with the
//! clock and that all the work of the process draws from.

use std::time::Duration;

/// Over any stretch of so long the process uses at most its share.
pub const WINDOW: Duration = Duration::from_secs(10);

/// So much of a window's share may be used at one go.
const BURST: f64 = 0.1;

/// Invariant: between two moments that are a window apart, at each of which
/// [`Throttle::pause`] was obeyed, at most `share` of the window is CPU time,
/// and what was used between two questions.
#[derive(Debug)]
pub struct Throttle {
    /// CPU seconds by second.
    share: f64,
    /// CPU seconds that may be used now; less than zero after a step that was
    /// longer than what there was.
    left: f64,
    /// Wall and CPU time at the last question.
    last: Option<(Duration, Duration)>,
}

impl Throttle {
    pub fn new(share: f64) -> Self {
        Throttle {
            share,
            left: share * BURST * WINDOW.as_secs_f64(),
            last: None,
        }
    }

    /// How long to wait before going on: `now` by a clock that only goes
    /// forward, `used` of all threads together since the start of the process.
    pub fn pause(&mut self, now: Duration, used: Duration) -> Duration {
        let (then, before) = *self.last.get_or_insert((now, used));
        self.last = Some((now.max(then), used.max(before)));
        let most = self.share * BURST * WINDOW.as_secs_f64();
        // The burst and what flows in over a window are the share together.
        let flow = self.share * (1.0 - BURST);
        let earned = flow * now.saturating_sub(then).as_secs_f64();
        let spent = used.saturating_sub(before).as_secs_f64();
        self.left = (self.left + earned).min(most) - spent;
        if self.left >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.left / flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs steps of so much CPU and wall time that obey the throttle; gives
    /// (wall, cpu) before and after each.
    fn work(share: f64, steps: impl Iterator<Item = (u64, u64)>) -> Vec<(Duration, Duration)> {
        let mut throttle = Throttle::new(share);
        let (mut now, mut used) = (Duration::ZERO, Duration::ZERO);
        let mut seen = vec![(now, used)];
        for (cpu, wall) in steps {
            let pause = throttle.pause(now, used);
            now += pause;
            seen.push((now, used));
            now += Duration::from_millis(wall);
            used += Duration::from_millis(cpu);
            seen.push((now, used));
        }
        seen
    }

    #[track_caller]
    fn check(share: f64, longest_step: u64, steps: impl Iterator<Item = (u64, u64)>) {
        let seen = work(share, steps);
        let slack = Duration::from_millis(longest_step);
        let allowed = WINDOW.mul_f64(share) + slack;
        for (at, (now, used)) in seen.iter().enumerate() {
            let window = seen[..at].iter().rev();
            let mut window = window.take_while(|(then, _)| *now - *then <= WINDOW);
            assert!(
                window.all(|(_, before)| *used - *before <= allowed),
                "at {now:?} more than {allowed:?}"
            );
        }
        let (wall, used) = seen.last().expect("there were steps");
        assert!(
            *used >= wall.mul_f64(share * 0.85),
            "{used:?} of {wall:?}: it waits more than it must"
        );
    }

    #[test]
    fn a_window_never_holds_more_than_the_share() {
        check(0.5, 7, (0..9_000).map(|_| (7, 7)));
        check(0.1, 40, (0..2_000).map(|n| (n % 41, n % 41)));
        // Three threads at work.
        check(1.5, 30, (0..5_000).map(|_| (30, 10)));
    }

    #[test]
    fn what_was_not_used_is_not_saved_up() {
        let mut throttle = Throttle::new(0.5);
        assert_eq!(
            throttle.pause(Duration::ZERO, Duration::ZERO),
            Duration::ZERO
        );
        let day = Duration::from_secs(86_400);
        assert_eq!(throttle.pause(day, Duration::ZERO), Duration::ZERO);
        // Two seconds of work, of which half a second was free.
        let pause = throttle.pause(day, Duration::from_secs(2));
        assert!(pause > Duration::from_secs(3), "{pause:?}");
        assert!(pause < Duration::from_secs(4), "{pause:?}");
    }

    #[test]
    fn a_step_too_long_is_waited_for_in_full() {
        let seen = work(0.2, [(60_000, 60_000), (1, 1)].into_iter());
        let (resumed, _) = seen[3];
        assert!(resumed > Duration::from_secs(300), "{resumed:?}");
    }
}
