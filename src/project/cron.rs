//! Five-field cron schedules as github.com/robfig/cron v3 reads them.

use jiff::ToSpan;
use jiff::civil::{DateTime, Weekday};

/// How far ahead a fire time is looked for: 29 February comes within it.
const MAX_YEARS: i16 = 9;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The values that each field allows, as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    bits: u64,
    /// Written as `*` or `?`.
    is_star: bool,
}

impl Field {
    fn has(self, value: i8) -> bool {
        self.bits & (1 << value) != 0
    }
}

impl Cron {
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            let n = fields.len();
            return Err(format!("expected exactly 5 fields, found {n}"));
        };
        Ok(Cron {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 0, 6, &WEEKDAYS)?,
        })
    }

    /// The first time after this one; `None` where none comes in years.
    pub fn next_after(&self, time: DateTime) -> Option<DateTime> {
        let whole = time.with().second(0).subsec_nanosecond(0).build().ok()?;
        let mut next = whole.checked_add(1.minute()).ok()?;
        let last_year = next.year().saturating_add(MAX_YEARS);
        while next.year() <= last_year {
            if !self.months.has(next.month()) {
                let first = next.date().first_of_month();
                next = first.checked_add(1.month()).ok()?.at(0, 0, 0, 0);
            } else if !self.has_day(next) {
                next = next.date().tomorrow().ok()?.at(0, 0, 0, 0);
            } else if !self.hours.has(next.hour()) {
                let hour = next.with().minute(0).build().ok()?;
                next = hour.checked_add(1.hour()).ok()?;
            } else if !self.minutes.has(next.minute()) {
                next = next.checked_add(1.minute()).ok()?;
            } else {
                return Some(next);
            }
        }
        None
    }

    /// Where both days are given, one of them is enough.
    fn has_day(&self, time: DateTime) -> bool {
        let day = self.days.has(time.day());
        let weekday = self.weekdays.has(number_of(time.weekday()));
        if self.days.is_star || self.weekdays.is_star {
            day && weekday
        } else {
            day || weekday
        }
    }
}

fn number_of(weekday: Weekday) -> i8 {
    weekday.to_sunday_zero_offset()
}

fn field(text: &str, low: u8, high: u8, names: &[&str]) -> Result<Field, String> {
    let mut field = Field {
        bits: 0,
        is_star: false,
    };
    for range in text.split(',') {
        let part = self::range(range, low, high, names)?;
        field.bits |= part.bits;
        field.is_star |= part.is_star;
    }
    Ok(field)
}

/// `*`, `5`, `1-5`, `mon-fri`, each with `/step`; `5/10` goes on to the end.
fn range(text: &str, low: u8, high: u8, names: &[&str]) -> Result<Field, String> {
    let (span, step) = match text.split_once('/') {
        Some((span, step)) => (span, Some(step)),
        None => (text, None),
    };
    let step = match step {
        None => 1,
        Some(step) => number(step)?,
    };
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    let value = |text: &str| {
        let name = text.to_ascii_lowercase();
        let named = names.iter().position(|known| *known == name);
        // Months count from 1.
        named.map_or_else(|| number(text), |at| Ok(at as u8 + low))
    };
    let (start, end, is_star) = match span.split_once('-') {
        _ if matches!(span, "*" | "?") => (low, high, step == 1),
        Some((start, end)) => (value(start)?, value(end)?, false),
        None => {
            let start = value(span)?;
            let end = if text.contains('/') { high } else { start };
            (start, end, false)
        }
    };
    if start < low || end > high || start > end {
        return Err(format!("{text} is not within {low} to {high}"));
    }
    let bits = (start..=end)
        .step_by(usize::from(step))
        .fold(0, |bits, value| bits | 1 << value);
    Ok(Field { bits, is_star })
}

fn number(text: &str) -> Result<u8, String> {
    text.parse()
        .map_err(|_| format!("failed to parse int from {text}"))
}
