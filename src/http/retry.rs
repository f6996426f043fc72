//! How long to wait between attempts.

use std::time::Duration;

/// Exponential backoff with full jitter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all.
    pub attempts: u32,
    /// The ceiling of the first wait; it doubles with each further one.
    pub first: Duration,
    /// The ceiling of any wait, also of one that the server asks for.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(10),
        }
    }
}

impl Retry {
    /// The wait after attempt `n` (from 1); `jitter` is in 0..1. A server's
    /// `Retry-After` is a lower bound, up to the longest wait.
    pub fn delay(&self, n: u32, jitter: f64, retry_after: Option<Duration>) -> Duration {
        let doubled = 2u32.saturating_pow(n.saturating_sub(1).min(16));
        let ceiling = self.first.saturating_mul(doubled).min(self.longest);
        // Half fixed, half random: spreads clients without a wait of nothing.
        let wait = ceiling.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
        wait.max(retry_after.unwrap_or_default()).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let retry = Retry::default();
        let millis = |n, jitter, after: Option<u64>| {
            retry
                .delay(n, jitter, after.map(Duration::from_secs))
                .as_millis()
        };
        assert_eq!(millis(1, 1.0, None), 500);
        assert_eq!(millis(1, 0.0, None), 250);
        assert_eq!(millis(3, 1.0, None), 2_000);
        assert_eq!(millis(40, 1.0, None), 10_000);
        assert_eq!(millis(1, 0.0, Some(3)), 3_000);
        assert_eq!(millis(1, 0.0, Some(3_600)), 10_000);
    }
}
