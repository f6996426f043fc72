//! Times read by a layout, with the texts of Go's `*time.ParseError`.

use super::civil::{Civil, days_before, days_in, is_leap};
use super::layout::{Chunk, MONTHS, Offset, WEEK_DAYS, next_chunk};
use super::{Time, Zone};

/// Why an element does not fit: the text is wrong, or a number is too large.
enum Misfit {
    Bad,
    Range(&'static str),
}

type Read<T> = Result<T, Misfit>;

/// What was read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    /// `PM` or `AM`
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    abbreviation: String,
}

pub fn parse(layout: &[u8], value: &[u8], local: &Zone) -> Result<Time, String> {
    let about = |message: String| format!("parsing time {}{message}", quoted(value));
    let cannot = |at: &[u8], element: &[u8]| {
        about(format!(
            " as {}: cannot parse {} as {}",
            quoted(layout),
            quoted(at),
            quoted(element)
        ))
    };
    let mut fields = Fields::default();
    let (mut form, mut rest) = (layout, value);
    loop {
        let (before, chunk, after) = next_chunk(form);
        rest = skip(rest, before).map_err(|at| cannot(at, before))?;
        let Some(chunk) = chunk else {
            if !rest.is_empty() {
                return Err(about(format!(": extra text: {}", quoted(rest))));
            }
            break;
        };
        let element = &form[before.len()..form.len() - after.len()];
        form = after;
        let mut left = rest;
        match fields.read(chunk, &mut left, form) {
            Ok(()) => rest = left,
            Err(Misfit::Bad) => return Err(cannot(rest, element)),
            Err(Misfit::Range(what)) => return Err(about(format!(": {what} out of range"))),
        }
    }
    fields
        .into_time(local)
        .map_err(|what| about(format!(": {what}")))
}

/// Go's own quoting of times: what is not ASCII byte by byte.
pub fn quoted(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in text {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            0..0x20 | 0x80.. => out.push_str(&format!("\\x{byte:02x}")),
            _ => out.push(char::from(byte)),
        }
    }
    out.push('"');
    out
}

fn without_spaces(text: &[u8]) -> &[u8] {
    let n = text.iter().take_while(|b| **b == b' ').count();
    &text[n..]
}

/// The value behind a text of the layout; spaces fit any number of spaces.
fn skip<'v>(mut value: &'v [u8], mut prefix: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    while let Some((&first, tail)) = prefix.split_first() {
        if first == b' ' {
            if !value.is_empty() && value[0] != b' ' {
                return Err(value);
            }
            prefix = without_spaces(prefix);
            value = without_spaces(value);
            continue;
        }
        match value.split_first() {
            Some((found, rest)) if *found == first => value = rest,
            _ => return Err(value),
        }
        prefix = tail;
    }
    Ok(value)
}

fn take<'v>(value: &mut &'v [u8], n: usize) -> Read<&'v [u8]> {
    let (taken, rest) = value.split_at_checked(n).ok_or(Misfit::Bad)?;
    *value = rest;
    Ok(taken)
}

/// So many digits at most; exactly so many where they are fixed.
fn number(value: &mut &[u8], most: usize, fixed: bool) -> Read<i64> {
    let n = value
        .iter()
        .take(most)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if n == 0 || fixed && n != most {
        return Err(Misfit::Bad);
    }
    Ok(digits(take(value, n)?))
}

fn digits(text: &[u8]) -> i64 {
    text.iter()
        .fold(0, |n, digit| n * 10 + i64::from(digit - b'0'))
}

/// `time.atoi`: a sign is allowed.
fn signed(text: &[u8]) -> Read<i64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest.is_empty() && text.is_empty() || !rest.iter().all(u8::is_ascii_digit) {
        return Err(Misfit::Bad);
    }
    Ok(if negative {
        -digits(rest)
    } else {
        digits(rest)
    })
}

/// The place of a name in a list, in any case of letters.
fn name(value: &mut &[u8], names: &[&str], len: Option<usize>) -> Read<i64> {
    for (at, name) in names.iter().enumerate() {
        let name = &name.as_bytes()[..len.unwrap_or(name.len())];
        if value.len() >= name.len() && value[..name.len()].eq_ignore_ascii_case(name) {
            *value = &value[name.len()..];
            return Ok(at as i64);
        }
    }
    Err(Misfit::Bad)
}

fn below(number: i64, limit: i64, what: &'static str) -> Read<i64> {
    if number < limit {
        Ok(number)
    } else {
        Err(Misfit::Range(what))
    }
}

/// `.123` as nanoseconds.
fn fraction(text: &[u8]) -> Read<u32> {
    let (Some(b'.' | b','), digits) = (text.first(), &text[1..]) else {
        return Err(Misfit::Bad);
    };
    let kept = &digits[..digits.len().min(9)];
    let number = signed(kept)?;
    if number < 0 {
        return Err(Misfit::Range("fractional second"));
    }
    Ok((number * 10_i64.pow(9 - kept.len() as u32)) as u32)
}

impl Fields {
    fn read(&mut self, chunk: Chunk, value: &mut &[u8], layout: &[u8]) -> Read<()> {
        match chunk {
            Chunk::Year => {
                let year = signed(take(value, 2)?)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            Chunk::LongYear => {
                if !value.first().is_some_and(u8::is_ascii_digit) {
                    return Err(Misfit::Bad);
                }
                self.year = signed(take(value, 4)?)?;
            }
            Chunk::Month => self.month = Some(name(value, &MONTHS, Some(3))? + 1),
            Chunk::LongMonth => self.month = Some(name(value, &MONTHS, None)? + 1),
            Chunk::NumMonth | Chunk::ZeroMonth => {
                let month = number(value, 2, chunk == Chunk::ZeroMonth)?;
                if !(1..=12).contains(&month) {
                    return Err(Misfit::Range("month"));
                }
                self.month = Some(month);
            }
            Chunk::WeekDay => {
                name(value, &WEEK_DAYS, Some(3))?;
            }
            Chunk::LongWeekDay => {
                name(value, &WEEK_DAYS, None)?;
            }
            Chunk::Day | Chunk::UnderDay | Chunk::ZeroDay => {
                if chunk == Chunk::UnderDay {
                    *value = value.strip_prefix(b" ").unwrap_or(value);
                }
                self.day = Some(number(value, 2, chunk == Chunk::ZeroDay)?);
            }
            Chunk::UnderYearDay | Chunk::ZeroYearDay => {
                if chunk == Chunk::UnderYearDay {
                    *value = value.strip_prefix(b" ").unwrap_or(value);
                    *value = value.strip_prefix(b" ").unwrap_or(value);
                }
                self.day_of_year = Some(number(value, 3, chunk == Chunk::ZeroYearDay)?);
            }
            Chunk::Hour => self.hour = below(number(value, 2, false)?, 24, "hour")?,
            Chunk::Hour12 | Chunk::ZeroHour12 => {
                let hour = number(value, 2, chunk == Chunk::ZeroHour12)?;
                self.hour = below(hour, 13, "hour")?;
            }
            Chunk::Minute | Chunk::ZeroMinute => {
                let minute = number(value, 2, chunk == Chunk::ZeroMinute)?;
                self.minute = below(minute, 60, "minute")?;
            }
            Chunk::Second | Chunk::ZeroSecond => self.read_second(chunk, value, layout)?,
            Chunk::Noon { upper } => {
                self.afternoon = Some(match (take(value, 2)?, upper) {
                    (b"PM", true) | (b"pm", false) => true,
                    (b"AM", true) | (b"am", false) => false,
                    _ => return Err(Misfit::Bad),
                });
            }
            Chunk::Offset(form) => self.read_offset(form, value)?,
            Chunk::Abbreviation => {
                if let Some(rest) = value.strip_prefix(b"UTC") {
                    (self.utc, *value) = (true, rest);
                    return Ok(());
                }
                let len = abbreviation_len(value).ok_or(Misfit::Bad)?;
                let text = take(value, len)?;
                self.abbreviation = String::from_utf8_lossy(text).into_owned();
            }
            Chunk::Fraction {
                n_digits,
                trimmed: false,
                ..
            } => self.nanos = fraction(take(value, 1 + n_digits)?)?,
            Chunk::Fraction { trimmed: true, .. } => {
                if let [b'.' | b',', digit, ..] = value
                    && digit.is_ascii_digit()
                {
                    self.nanos = take_fraction(value)?;
                }
            }
        }
        Ok(())
    }

    /// A fraction may follow that the layout does not name.
    fn read_second(&mut self, chunk: Chunk, value: &mut &[u8], layout: &[u8]) -> Read<()> {
        let second = number(value, 2, chunk == Chunk::ZeroSecond)?;
        self.second = below(second, 60, "second")?;
        if let [b'.' | b',', digit, ..] = value
            && digit.is_ascii_digit()
            && !matches!(next_chunk(layout).1, Some(Chunk::Fraction { .. }))
        {
            self.nanos = take_fraction(value)?;
        }
        Ok(())
    }

    fn read_offset(&mut self, form: Offset, value: &mut &[u8]) -> Read<()> {
        if form.iso
            && let Some(rest) = value.strip_prefix(b"Z")
        {
            (self.utc, *value) = (true, rest);
            return Ok(());
        }
        let text = take(value, form.len())?;
        let (sign, mut parts) = (text[0], &text[1..]);
        let mut numbers = [0; 3];
        let wanted = [true, form.minutes, form.seconds];
        let colons_are_there =
            !form.colons || text[3] == b':' && text.get(6).is_none_or(|b| *b == b':');
        if !colons_are_there {
            return Err(Misfit::Bad);
        }
        let mut bad = false;
        for (slot, wanted) in numbers.iter_mut().zip(wanted) {
            if !wanted {
                continue;
            }
            if form.colons {
                parts = parts.strip_prefix(b":").unwrap_or(parts);
            }
            let (part, rest) = parts.split_at(2);
            parts = rest;
            // Go reads no further once a part is wrong, and tells of ranges first.
            match number(&mut &part[..], 2, true) {
                Ok(number) if !bad => *slot = number,
                _ => bad = true,
            }
        }
        let [hours, minutes, seconds] = numbers;
        below(hours, 25, "time zone offset hour")?;
        below(minutes, 61, "time zone offset minute")?;
        below(seconds, 61, "time zone offset second")?;
        let offset = ((hours * 60 + minutes) * 60 + seconds) as i32;
        self.offset = Some(match sign {
            _ if bad => return Err(Misfit::Bad),
            b'+' => offset,
            b'-' => -offset,
            _ => return Err(Misfit::Bad),
        });
        Ok(())
    }

    fn into_time(mut self, local: &Zone) -> Result<Time, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = match self.day_of_year {
            Some(day_of_year) => self.date_of_year_day(day_of_year)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if !(1..=days_in(month, self.year)).contains(&day) {
            return Err("day out of range");
        }
        let civil = Civil {
            year: self.year,
            month,
            day,
            hour: self.hour,
            minute: self.minute,
            second: self.second,
        };
        if self.utc {
            return Ok(Time::of_civil(&civil, self.nanos, Zone::Utc));
        }
        let mut time = Time::of_civil(&civil, self.nanos, Zone::Utc);
        if let Some(offset) = self.offset {
            time.seconds -= i64::from(offset);
            let (local_name, local_offset) = local.at(time.seconds);
            let names_fit = self.abbreviation.is_empty() || self.abbreviation == local_name;
            let zone = match local_offset == offset && names_fit {
                true => local.clone(),
                false => Zone::Fixed {
                    name: self.abbreviation,
                    offset,
                },
            };
            return Ok(time.in_zone(zone));
        }
        if self.abbreviation.is_empty() {
            return Ok(Time::of_civil(&civil, self.nanos, local.clone()));
        }
        let (local_name, local_offset) = local.at(time.seconds);
        if local_name == self.abbreviation {
            time.seconds -= i64::from(local_offset);
            return Ok(time.in_zone(local.clone()));
        }
        let hours = self
            .abbreviation
            .strip_prefix("GMT")
            .map_or(0, |hours| hours.parse::<i32>().unwrap_or(0));
        // The clock is taken for UTC's, though the zone is another, as in Go.
        Ok(time.in_zone(Zone::Fixed {
            name: self.abbreviation,
            offset: hours * 3600,
        }))
    }

    fn date_of_year_day(&self, day_of_year: i64) -> Result<(i64, i64), &'static str> {
        let mut count = day_of_year;
        let mut found = None;
        if is_leap(self.year) {
            if count == 31 + 29 {
                found = Some((2, 29));
            } else if count > 31 + 29 {
                count -= 1;
            }
        }
        if !(1..=365).contains(&count) {
            return Err("day-of-year out of range");
        }
        let (month, day) = found.unwrap_or_else(|| {
            let mut month = (count - 1) / 31 + 1;
            if days_before(month + 1) < count {
                month += 1;
            }
            (month, count - days_before(month))
        });
        if self.month.is_some_and(|given| given != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|given| given != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

/// A mark and all the digits behind it.
fn take_fraction(value: &mut &[u8]) -> Read<u32> {
    let n = value[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    fraction(take(value, 1 + n)?)
}

/// How long the abbreviation of a zone is that stands in front.
fn abbreviation_len(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_offset_len(rest));
    }
    if matches!(value[0], b'+' | b'-') {
        return Some(signed_offset_len(value)).filter(|n| *n > 0);
    }
    let n_upper = value
        .iter()
        .take(6)
        .take_while(|b| b.is_ascii_uppercase())
        .count();
    match n_upper {
        3 => Some(3),
        4 if value[3] == b'T' || value.starts_with(b"WITA") => Some(4),
        5 if value[4] == b'T' => Some(5),
        _ => None,
    }
}

/// `+3`, `-11`: the length, 0 where it is none.
fn signed_offset_len(value: &[u8]) -> usize {
    let Some((b'+' | b'-', rest)) = value.split_first() else {
        return 0;
    };
    let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let hours = std::str::from_utf8(&rest[..n])
        .ok()
        .and_then(|d| d.parse::<u64>().ok());
    match hours {
        Some(0..=23) => 1 + n,
        _ => 0,
    }
}
