//! What go-yaml takes for a timestamp. Such a scalar stays a string; only the
//! printing of strings (they are quoted then) and `!!` tags need to know.

/// Whether one of go-yaml's four layouts parses the text, by the rules of
/// Go's time.Parse: `2006-1-2`, `2006-1-2 15:4:5.9`, `2006-1-2T15:4:5.9Z07:00`
/// with `T` or `t`.
pub fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let year = bytes[..4]
        .iter()
        .fold(0, |year, digit| year * 10 + u32::from(digit - b'0'));
    let mut rest = Rest(&bytes[5..]);
    let Some(day) = date(&mut rest, year) else {
        return false;
    };
    if !day {
        return false;
    }
    match rest.0.first() {
        None => true,
        Some(b'T' | b't') => {
            rest.0 = &rest.0[1..];
            clock(&mut rest) && zone(&mut rest) && rest.0.is_empty()
        }
        Some(b' ') => {
            while let Some((b' ', after)) = rest.0.split_first() {
                rest.0 = after;
            }
            clock(&mut rest) && rest.0.is_empty()
        }
        Some(_) => false,
    }
}

/// A timestamp as encoding/json prints a Go time: RFC 3339, UTC where no zone
/// is given, the fraction without trailing zeros.
pub fn to_rfc3339(text: &str) -> String {
    let (date, clock) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, "0:0:0"),
    };
    let two = |part: &str| format!("{part:0>2}");
    let date: Vec<String> = date.split('-').map(two).collect();
    let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let zone = if zone.is_empty() || zone.ends_with("00:00") {
        "Z"
    } else {
        zone
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let clock: Vec<String> = clock.split(':').map(two).collect();
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!(
        "{}T{}{dot}{fraction}{zone}",
        date.join("-"),
        clock.join(":")
    )
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// One or two digits.
    fn number(&mut self) -> Option<u32> {
        let first = self.digit()?;
        Some(match self.digit() {
            Some(second) => first * 10 + second,
            None => first,
        })
    }

    fn two_digits(&mut self) -> Option<u32> {
        Some(self.digit()? * 10 + self.digit()?)
    }

    fn digit(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first()?;
        first.is_ascii_digit().then(|| {
            self.0 = rest;
            u32::from(first - b'0')
        })
    }

    fn skip(&mut self, wanted: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == wanted => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }
}

/// Month and day; `Some(false)` where they are numbers of no calendar.
fn date(rest: &mut Rest<'_>, year: u32) -> Option<bool> {
    let month = rest.number()?;
    if !(1..=12).contains(&month) || !rest.skip(b'-') {
        return None;
    }
    let day = rest.number()?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    Some((1..=last).contains(&day))
}

fn clock(rest: &mut Rest<'_>) -> bool {
    let fits = |number: Option<u32>, end: u32| number.is_some_and(|n| n < end);
    if !(fits(rest.number(), 24)
        && rest.skip(b':')
        && fits(rest.number(), 60)
        && rest.skip(b':')
        && fits(rest.number(), 60))
    {
        return false;
    }
    // A fraction may be absent, however many digits it has, and start with a comma.
    if let [b'.' | b',', digit, ..] = rest.0
        && digit.is_ascii_digit()
    {
        let end = 1 + rest.0[1..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        rest.0 = &rest.0[end..];
    }
    true
}

fn zone(rest: &mut Rest<'_>) -> bool {
    if rest.skip(b'Z') {
        return true;
    }
    if !(rest.skip(b'+') || rest.skip(b'-')) {
        return false;
    }
    let hours = rest.two_digits();
    let colon = rest.skip(b':');
    let minutes = rest.two_digits();
    // Go allows 24 hours and 60 minutes here.
    hours.is_some_and(|h| h <= 24) && colon && minutes.is_some_and(|m| m <= 60)
}
