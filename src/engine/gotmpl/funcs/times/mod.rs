//! Go's time: instants with a zone, layouts (`2006-01-02`), durations.
//!
//! Invariant: no clock. What time it is comes in from the host.

mod civil;

mod zone;

mod layout;

mod parse;

mod duration;

mod object;

pub use civil::Civil;
pub use duration::{Duration, parse_duration};
pub use zone::Zone;

use crate::gotmpl::{Context, Val};
use std::rc::Rc;

/// Seconds from Unix' epoch back to Go's zero time, year 1.
const ZERO_SECONDS: i64 = -62_135_596_800;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// `time.Time`
#[derive(Clone, PartialEq)]
pub struct Time {
    /// Since Unix' epoch.
    pub seconds: i64,
    /// Always forwards, below a second.
    pub nanos: u32,
    pub zone: Zone,
}

impl Time {
    /// The zero time, as Go's parser gives beside an error.
    pub fn zero() -> Time {
        Time {
            seconds: ZERO_SECONDS,
            nanos: 0,
            zone: Zone::Utc,
        }
    }

    pub fn is_zero(&self) -> bool {
        self.seconds == ZERO_SECONDS && self.nanos == 0
    }

    /// `time.Unix(seconds, 0)`
    pub fn unix(seconds: i64, zone: Zone) -> Time {
        Time {
            seconds,
            nanos: 0,
            zone,
        }
    }

    pub fn now(ctx: &Context<'_>) -> Time {
        Time::of(&ctx.host().now())
    }

    pub fn of(now: &jiff::Zoned) -> Time {
        // jiff counts both parts towards zero, Go the nanoseconds forwards.
        let nanos = now.timestamp().as_nanosecond();
        Time {
            seconds: nanos.div_euclid(i128::from(NANOS_PER_SECOND)) as i64,
            nanos: nanos.rem_euclid(i128::from(NANOS_PER_SECOND)) as u32,
            zone: Zone::Local(now.time_zone().clone()),
        }
    }

    pub fn in_zone(&self, zone: Zone) -> Time {
        Time {
            zone,
            ..self.clone()
        }
    }

    fn total_nanos(&self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos)
    }

    pub fn plus(&self, duration: Duration) -> Time {
        let total = self.total_nanos() + i128::from(duration.0);
        Time {
            seconds: total.div_euclid(i128::from(NANOS_PER_SECOND)) as i64,
            nanos: total.rem_euclid(i128::from(NANOS_PER_SECOND)) as u32,
            zone: self.zone.clone(),
        }
    }

    /// The time since another, as far as a duration reaches.
    pub fn since(&self, other: &Time) -> Duration {
        // Go counts from year 1 and wraps around.
        let go_nanos = |time: &Time| {
            let seconds = time.seconds.wrapping_sub(ZERO_SECONDS);
            i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(time.nanos)
        };
        let nanos = go_nanos(self) - go_nanos(other);
        Duration(nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// Date and clock in its zone.
    pub fn civil(&self) -> Civil {
        let (_, offset) = self.zone.at(self.seconds);
        Civil::of(i128::from(self.seconds) + i128::from(offset))
    }

    /// `time.Date`, also with days and months out of range.
    pub fn of_civil(civil: &Civil, nanos: u32, zone: Zone) -> Time {
        let local = civil.seconds();
        // The offset of the time as if it were UTC, then that of what it gave.
        let (_, guess) = zone.at(local);
        let (_, offset) = zone.at(local.saturating_sub(i64::from(guess)));
        Time {
            seconds: local.saturating_sub(i64::from(offset)),
            nanos,
            zone,
        }
    }

    pub fn format(&self, format: &[u8]) -> Vec<u8> {
        layout::format(self, format)
    }

    /// `time.ParseInLocation`
    pub fn parse(format: &[u8], value: &[u8], local: &Zone) -> Result<Time, String> {
        parse::parse(format, value, local)
    }

    pub fn into_val(self) -> Val {
        Val::Object(Rc::new(self))
    }
}

/// The integer behind a `time.Month` or `time.Weekday`.
pub fn small_integer(value: &Val) -> Option<i64> {
    value.downcast::<object::Named>().map(|named| named.number)
}
