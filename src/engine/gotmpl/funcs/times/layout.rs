//! Layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` in the form that
//! is wanted.

use super::Time;

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    /// `PM` and `pm`
    Noon {
        upper: bool,
    },
    /// `MST`
    Abbreviation,
    Offset(Offset),
    /// `.000` and `.999`
    Fraction {
        n_digits: usize,
        trimmed: bool,
        mark: u8,
    },
}

/// The forms of an offset: `Z07:00`, `-0700`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// `Z` stands for none.
    pub iso: bool,
    pub colons: bool,
    pub minutes: bool,
    pub seconds: bool,
}

impl Offset {
    /// How long its text is.
    pub fn len(self) -> usize {
        let per_part = 2 + usize::from(self.colons);
        3 + per_part * (usize::from(self.minutes) + usize::from(self.seconds))
    }
}

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub const WEEK_DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The elements that a layout's text begins with, the longest of equal ones first.
const ELEMENTS: &[(&[u8], Chunk)] = &[
    (b"January", Chunk::LongMonth),
    (b"Jan", Chunk::Month),
    (b"Monday", Chunk::LongWeekDay),
    (b"Mon", Chunk::WeekDay),
    (b"MST", Chunk::Abbreviation),
    (b"01", Chunk::ZeroMonth),
    (b"02", Chunk::ZeroDay),
    (b"03", Chunk::ZeroHour12),
    (b"04", Chunk::ZeroMinute),
    (b"05", Chunk::ZeroSecond),
    (b"06", Chunk::Year),
    (b"002", Chunk::ZeroYearDay),
    (b"15", Chunk::Hour),
    (b"1", Chunk::NumMonth),
    (b"2006", Chunk::LongYear),
    (b"2", Chunk::Day),
    (b"_2", Chunk::UnderDay),
    (b"__2", Chunk::UnderYearDay),
    (b"3", Chunk::Hour12),
    (b"4", Chunk::Minute),
    (b"5", Chunk::Second),
    (b"PM", Chunk::Noon { upper: true }),
    (b"pm", Chunk::Noon { upper: false }),
    (b"070000", offset(false, true, true)),
    (b"07:00:00", offset(true, true, true)),
    (b"0700", offset(false, true, false)),
    (b"07:00", offset(true, true, false)),
    (b"07", offset(false, false, false)),
];

const fn offset(colons: bool, minutes: bool, seconds: bool) -> Chunk {
    Chunk::Offset(Offset {
        iso: false,
        colons,
        minutes,
        seconds,
    })
}

/// The text before the first element, the element, and the text after it.
pub fn next_chunk(layout: &[u8]) -> (&[u8], Option<Chunk>, &[u8]) {
    for at in 0..layout.len() {
        // `_2006` is an underscore before a year.
        if layout[at..].starts_with(b"_2006") {
            return (&layout[..=at], Some(Chunk::LongYear), &layout[at + 5..]);
        }
        if let Some((chunk, len)) = chunk_at(&layout[at..]) {
            return (&layout[..at], Some(chunk), &layout[at + len..]);
        }
    }
    (layout, None, b"")
}

fn chunk_at(text: &[u8]) -> Option<(Chunk, usize)> {
    match text.first()? {
        b'-' | b'Z' => {
            let iso = text[0] == b'Z';
            let found = ELEMENTS.iter().find_map(|(element, chunk)| match chunk {
                Chunk::Offset(offset) if text[1..].starts_with(element) => {
                    Some((Offset { iso, ..*offset }, element.len() + 1))
                }
                _ => None,
            });
            return found.map(|(offset, len)| (Chunk::Offset(offset), len));
        }
        mark @ (b'.' | b',') => {
            let digit = *text.get(1).filter(|b| matches!(b, b'0' | b'9'))?;
            let n_digits = text[1..].iter().take_while(|b| **b == digit).count();
            // Only a fraction is all digits.
            let ends = !text.get(1 + n_digits).is_some_and(u8::is_ascii_digit);
            let fraction = Chunk::Fraction {
                n_digits,
                trimmed: digit == b'9',
                mark: *mark,
            };
            return ends.then_some((fraction, 1 + n_digits));
        }
        _ => {}
    }
    let (element, chunk) = ELEMENTS.iter().find(|(element, chunk)| {
        let offset = matches!(chunk, Chunk::Offset(_));
        let short_name = matches!(chunk, Chunk::Month | Chunk::WeekDay);
        !offset
            && text.starts_with(element)
            && !(short_name && text.get(3).is_some_and(u8::is_ascii_lowercase))
    })?;
    Some((*chunk, element.len()))
}

fn push(out: &mut Vec<u8>, text: String) {
    out.extend_from_slice(text.as_bytes());
}

/// `time.appendInt`: the sign does not count in the width.
fn push_int(out: &mut Vec<u8>, number: i64, width: usize) {
    if number < 0 {
        out.push(b'-');
    }
    push(out, format!("{:0width$}", number.unsigned_abs()));
}

/// `Time.Format`
pub fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let (name, offset) = time.zone.at(time.seconds);
    let civil = time.civil();
    let hour12 = match civil.hour % 12 {
        0 => 12,
        hour => hour,
    };
    let month = MONTHS[civil.month as usize - 1];
    let mut out = Vec::new();
    let mut rest = layout;
    while !rest.is_empty() {
        let (before, chunk, after) = next_chunk(rest);
        out.extend_from_slice(before);
        let Some(chunk) = chunk else { break };
        rest = after;
        match chunk {
            Chunk::LongMonth => out.extend_from_slice(month.as_bytes()),
            Chunk::Month => out.extend_from_slice(&month.as_bytes()[..3]),
            Chunk::NumMonth => push_int(&mut out, civil.month, 0),
            Chunk::ZeroMonth => push_int(&mut out, civil.month, 2),
            Chunk::LongWeekDay => {
                out.extend_from_slice(WEEK_DAYS[civil.weekday() as usize].as_bytes());
            }
            Chunk::WeekDay => {
                out.extend_from_slice(&WEEK_DAYS[civil.weekday() as usize].as_bytes()[..3]);
            }
            Chunk::Day => push_int(&mut out, civil.day, 0),
            Chunk::UnderDay => push(&mut out, format!("{:2}", civil.day)),
            Chunk::ZeroDay => push_int(&mut out, civil.day, 2),
            Chunk::UnderYearDay => push(&mut out, format!("{:3}", civil.day_of_year())),
            Chunk::ZeroYearDay => push_int(&mut out, civil.day_of_year(), 3),
            Chunk::Hour => push_int(&mut out, civil.hour, 2),
            Chunk::Hour12 => push_int(&mut out, hour12, 0),
            Chunk::ZeroHour12 => push_int(&mut out, hour12, 2),
            Chunk::Minute => push_int(&mut out, civil.minute, 0),
            Chunk::ZeroMinute => push_int(&mut out, civil.minute, 2),
            Chunk::Second => push_int(&mut out, civil.second, 0),
            Chunk::ZeroSecond => push_int(&mut out, civil.second, 2),
            Chunk::LongYear => push_int(&mut out, civil.year, 4),
            Chunk::Year => push_int(&mut out, civil.year.abs() % 100, 2),
            Chunk::Noon { upper } => out.extend_from_slice(match (civil.hour >= 12, upper) {
                (true, true) => b"PM",
                (true, false) => b"pm",
                (false, true) => b"AM",
                (false, false) => b"am",
            }),
            Chunk::Abbreviation if name.is_empty() => {
                push_offset(&mut out, offset, Offset::PLAIN);
            }
            Chunk::Abbreviation => out.extend_from_slice(name.as_bytes()),
            Chunk::Offset(form) if form.iso && offset == 0 => out.push(b'Z'),
            Chunk::Offset(form) => push_offset(&mut out, offset, form),
            Chunk::Fraction {
                n_digits,
                trimmed,
                mark,
            } => push_fraction(&mut out, time.nanos, n_digits, trimmed, mark),
        }
    }
    out
}

impl Offset {
    /// `-0700`
    const PLAIN: Offset = Offset {
        iso: false,
        colons: false,
        minutes: true,
        seconds: false,
    };
}

fn push_offset(out: &mut Vec<u8>, offset: i32, form: Offset) {
    let minutes = offset / 60;
    // Go takes the sign of the minutes, and the seconds with it.
    out.push(if minutes < 0 { b'-' } else { b'+' });
    let seconds = if minutes < 0 { -offset } else { offset };
    let minutes = i64::from(minutes.abs());
    let colon = |out: &mut Vec<u8>| {
        if form.colons {
            out.push(b':');
        }
    };
    push_int(out, minutes / 60, 2);
    if form.minutes {
        colon(out);
        push_int(out, minutes % 60, 2);
    }
    if form.seconds {
        colon(out);
        push_int(out, i64::from(seconds % 60), 2);
    }
}

fn push_fraction(out: &mut Vec<u8>, nanos: u32, n_digits: usize, trimmed: bool, mark: u8) {
    if trimmed && nanos == 0 {
        return;
    }
    let digits = format!("{nanos:09}");
    let digits = &digits[..n_digits.min(9)];
    let digits = match trimmed {
        true => digits.trim_end_matches('0'),
        false => digits,
    };
    if !(trimmed && digits.is_empty()) {
        out.push(mark);
        out.extend_from_slice(digits.as_bytes());
    }
}
