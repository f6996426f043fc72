//! Sync windows: when a project lets its applications sync.
//!
//! An active deny wins over everything. Where no window is active but an
//! allow window exists for the application, it must wait. manualSync lets a
//! person through, syncOverrun lets go on what was allowed when it began.

use super::cron::Cron;
use super::patterns::matches;
use crate::app::{AppProject, Application, SyncWindow};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid sync windows: cannot parse {what} '{text}': {problem}")]
pub struct WindowError {
    pub what: &'static str,
    pub text: String,
    pub problem: String,
}

/// When a sync is asked for, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub now: Timestamp,
    pub is_manual: bool,
    /// When the operation began that is already running.
    pub began: Option<Timestamp>,
}

/// Whether an application may sync now. `offset` gives the seconds by which a
/// time zone is ahead of UTC; an unknown zone counts as UTC.
pub fn can_sync(
    project: &AppProject,
    app: &Application,
    asked: Asked,
    offset: &dyn Fn(&str) -> Option<i64>,
) -> Result<bool, WindowError> {
    let windows: Vec<&SyncWindow> = project
        .spec
        .sync_windows
        .iter()
        .filter(|window| concerns(window, app))
        .collect();
    let at = |time: Timestamp| Moment::new(&windows, time, offset);
    let now = at(asked.now)?;
    if now.allows(asked.is_manual) {
        return Ok(true);
    }
    match asked.began {
        Some(began) if now.may_overrun() => Ok(at(began)?.allows(asked.is_manual)),
        Some(_) | None => Ok(false),
    }
}

/// After how many seconds a sync that is not allowed now will be, as far as
/// the next day says; schedules have whole minutes.
pub fn next_permission(
    project: &AppProject,
    app: &Application,
    asked: Asked,
    offset: &dyn Fn(&str) -> Option<i64>,
) -> Option<u64> {
    const MINUTES: i64 = 24 * 60;
    // A window is open after its minute has begun, not when it does.
    let into_minute = asked.now.as_second().rem_euclid(60);
    (1..=MINUTES).find_map(|minute| {
        let seconds = minute * 60 - into_minute + 1;
        let now = asked
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .ok()?;
        let may = can_sync(project, app, Asked { now, ..asked }, offset);
        may.ok()?.then(|| u64::try_from(seconds).unwrap_or(0))
    })
}

/// The windows that count at one time.
struct Moment<'a> {
    denying: Vec<&'a SyncWindow>,
    is_allowing: bool,
    waiting: Vec<&'a SyncWindow>,
}

impl<'a> Moment<'a> {
    fn new(
        windows: &[&'a SyncWindow],
        time: Timestamp,
        offset: &dyn Fn(&str) -> Option<i64>,
    ) -> Result<Self, WindowError> {
        let mut moment = Moment {
            denying: Vec::new(),
            is_allowing: false,
            waiting: Vec::new(),
        };
        for window in windows {
            let seconds = offset(&window.time_zone).unwrap_or(0);
            match (window.kind.as_str(), is_active(window, time, seconds)?) {
                ("deny", true) => moment.denying.push(window),
                ("allow", true) => moment.is_allowing = true,
                ("allow", false) => moment.waiting.push(window),
                _ => {}
            }
        }
        Ok(moment)
    }

    fn allows(&self, is_manual: bool) -> bool {
        if !self.denying.is_empty() {
            return is_manual && self.denying.iter().all(|window| window.manual_sync);
        }
        self.is_allowing
            || self.waiting.is_empty()
            || (is_manual && self.waiting.iter().all(|window| window.manual_sync))
    }

    fn may_overrun(&self) -> bool {
        let deciding = match self.denying.is_empty() {
            true => &self.waiting,
            false => &self.denying,
        };
        deciding.iter().all(|window| window.sync_overrun)
    }
}

/// Applications, clusters and namespaces of a window: one match is enough,
/// with andOperator each list that is given must match.
fn concerns(window: &SyncWindow, app: &Application) -> bool {
    let destination = &app.spec.destination;
    let any = |patterns: &[String], texts: &[&str]| {
        let named = texts.iter().filter(|text| !text.is_empty());
        named
            .into_iter()
            .any(|text| patterns.iter().any(|pattern| matches(pattern, text, &[])))
    };
    let lists = [
        (&window.applications, vec![app.name.as_str()]),
        (
            &window.clusters,
            vec![destination.name.as_str(), destination.server.as_str()],
        ),
        (&window.namespaces, vec![destination.namespace.as_str()]),
    ];
    let mut given = lists
        .iter()
        .filter(|(patterns, _)| !patterns.is_empty())
        .peekable();
    if window.and_operator {
        given.peek().is_some() && given.all(|(patterns, texts)| any(patterns, texts))
    } else {
        given.any(|(patterns, texts)| any(patterns, texts))
    }
}

/// Whether the schedule fired within the window's duration before a time.
pub fn is_active(window: &SyncWindow, time: Timestamp, offset: i64) -> Result<bool, WindowError> {
    let fault = |what, text: &str, problem: String| WindowError {
        what,
        text: text.to_owned(),
        problem,
    };
    let schedule = Cron::parse(&window.schedule)
        .map_err(|problem| fault("schedule", &window.schedule, problem))?;
    let duration = duration(&window.duration)
        .ok_or_else(|| fault("duration", &window.duration, "not a duration".to_owned()))?;
    let local = civil(time, offset);
    let Ok(earliest) = local.checked_sub(duration) else {
        return Ok(false);
    };
    Ok(schedule
        .next_after(earliest)
        .is_some_and(|fired| fired < local))
}

fn civil(time: Timestamp, offset: i64) -> DateTime {
    let shifted = time.checked_add(SignedDuration::from_secs(offset));
    TimeZone::UTC.to_datetime(shifted.unwrap_or(time))
}

/// A Go duration: `1h`, `1h30m`, `1.5h`, `90s`.
fn duration(text: &str) -> Option<SignedDuration> {
    const UNITS: [(&str, f64); 6] = [
        ("ms", 1e-3),
        ("us", 1e-6),
        ("ns", 1e-9),
        ("h", 3600.0),
        ("m", 60.0),
        ("s", 1.0),
    ];
    if text == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let (unit, size) = UNITS
            .iter()
            .find(|(unit, _)| rest[end..].starts_with(unit))?;
        seconds += number * size;
        rest = &rest[end + unit.len()..];
    }
    (!text.is_empty())
        .then(|| SignedDuration::try_from_secs_f64(seconds).ok())
        .flatten()
}
