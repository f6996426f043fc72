use super::arguments::Arguments;
use super::function;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::print::quote;
use crate::jsonnet::value::{Builtin, Val};

pub(super) const FUNCTIONS: &[Builtin] = &[
    function("toString", &["a"], |m, a| {
        Ok(Val::Text(m.to_text_value(m.value_at(a, 0)?)?))
    }),
    function("codepoint", &["str"], |m, a| {
        let text = m.text_at(a, 0)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(Val::Number(f64::from(c as u32))),
            _ => Err(Failure::new(format!(
                "codepoint takes a string of length 1, got length {}",
                text.chars().count()
            ))),
        }
    }),
    function("char", &["n"], |m, a| {
        m.text(&character(m, m.value_at(a, 0)?)?.to_string())
    }),
    function("substr", &["str", "from", "len"], |m, a| {
        let text = match m.value_at(a, 0)? {
            Val::Text(text) => m.read(text)?,
            other => {
                return Err(Failure::new(format!(
                    "substr first parameter should be a string, got {}",
                    other.type_name()
                )));
            }
        };
        let from = part(m, a, 1, "second")?;
        let length = part(m, a, 2, "third")?;
        m.step(text.len() / 64)?;
        let begin = offset(text, from);
        let end = begin + offset(&text[begin..], length);
        m.borrowed(&text[begin..end])
    }),
    function("startsWith", &["a", "b"], |m, a| {
        Ok(Val::Bool(m.text_at(a, 0)?.starts_with(m.text_at(a, 1)?)))
    }),
    function("endsWith", &["a", "b"], |m, a| {
        Ok(Val::Bool(m.text_at(a, 0)?.ends_with(m.text_at(a, 1)?)))
    }),
    function("stringChars", &["str"], |m, a| {
        let items = m.characters(m.text_at(a, 0)?)?;
        m.list_of(&items)
    }),
    function("split", &["str", "c"], |m, a| {
        split(m, a, "std.split", Some(-1), false)
    }),
    function("splitLimit", &["str", "c", "maxsplits"], |m, a| {
        split(m, a, "std.splitLimit", None, false)
    }),
    function("splitLimitR", &["str", "c", "maxsplits"], |m, a| {
        split(m, a, "std.splitLimitR", None, true)
    }),
    function("strReplace", &["str", "from", "to"], |m, a| {
        let (text, from, to) = (m.text_at(a, 0)?, m.text_at(a, 1)?, m.text_at(a, 2)?);
        if from.is_empty() {
            return Err(Failure::new("'from' string must not be zero length."));
        }
        m.step(text.len() / 16)?;
        let n_found = text.matches(from).count();
        m.heap
            .has_room(text.len().saturating_add(n_found.saturating_mul(to.len())))?;
        m.text(&text.replace(from, to))
    }),
    function("asciiUpper", &["str"], |m, a| {
        m.text(&m.text_at(a, 0)?.to_ascii_uppercase())
    }),
    function("asciiLower", &["str"], |m, a| {
        m.text(&m.text_at(a, 0)?.to_ascii_lowercase())
    }),
    function("equalsIgnoreCase", &["str1", "str2"], |m, a| {
        let (left, right) = (m.text_at(a, 0)?, m.text_at(a, 1)?);
        Ok(Val::Bool(left.to_lowercase() == right.to_lowercase()))
    }),
    function("isEmpty", &["str"], |m, a| {
        Ok(Val::Bool(m.text_at(a, 0)?.is_empty()))
    }),
    function("trim", &["str"], |m, a| {
        let blank = |c: char| c.is_whitespace();
        m.borrowed(m.text_at(a, 0)?.trim_matches(blank))
    }),
    function("stripChars", &["str", "chars"], |m, a| {
        let chars = m.text_at(a, 1)?;
        m.borrowed(m.text_at(a, 0)?.trim_matches(|c| chars.contains(c)))
    }),
    function("lstripChars", &["str", "chars"], |m, a| {
        let chars = m.text_at(a, 1)?;
        m.borrowed(m.text_at(a, 0)?.trim_start_matches(|c| chars.contains(c)))
    }),
    function("rstripChars", &["str", "chars"], |m, a| {
        let chars = m.text_at(a, 1)?;
        m.borrowed(m.text_at(a, 0)?.trim_end_matches(|c| chars.contains(c)))
    }),
    function("findSubstr", &["pat", "str"], |m, a| {
        let (pattern, text) = (m.text_at(a, 0)?, m.text_at(a, 1)?);
        m.step(text.len())?;
        let mut found = Vec::new();
        if !pattern.is_empty() {
            let starts = text.char_indices().enumerate();
            for (at, (offset, _)) in starts {
                if text[offset..].starts_with(pattern) {
                    found.push(m.ready(Val::Number(at as f64))?);
                }
            }
        }
        m.list_of(&found)
    }),
    function("format", &["str", "vals"], |m, a| {
        m.format(m.text_at(a, 0)?, m.value_at(a, 1)?)
    }),
    function("escapeStringJson", &["str_"], escape_json),
    function("escapeStringPython", &["str"], escape_json),
    function("escapeStringBash", &["str_"], |m, a| {
        let text = m.to_text(m.value_at(a, 0)?)?;
        m.heap.has_room(text.len() * 5)?;
        m.text(&format!("'{}'", text.replace('\'', "'\"'\"'")))
    }),
    function("escapeStringDollars", &["str_"], |m, a| {
        let text = m.to_text(m.value_at(a, 0)?)?;
        m.heap.has_room(text.len() * 2)?;
        m.text(&text.replace('$', "$$"))
    }),
    function("escapeStringXML", &["str_"], |m, a| {
        let text = m.to_text(m.value_at(a, 0)?)?;
        m.heap.has_room(text.len() * 6)?;
        m.text(&escape_xml(text))
    }),
    function("resolvePath", &["f", "r"], |m, a| {
        let (file, other) = (m.text_at(a, 0)?, m.text_at(a, 1)?);
        match file.rfind('/') {
            Some(end) => m.text(&format!("{}{other}", &file[..=end])),
            None => m.text(other),
        }
    }),
    function("parseInt", &["str"], |m, a| {
        let text = m.text_at(a, 0)?;
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<i64>() {
            Ok(number) if is_number => Ok(Val::Number(number as f64)),
            _ => Err(Failure::new(format!("{text} is not a base 10 integer"))),
        }
    }),
    function("parseOctal", &["str"], |m, a| radix(m, a, 8)),
    function("parseHex", &["str"], |m, a| radix(m, a, 16)),
];

fn part<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    at: usize,
    which: &str,
) -> Result<usize> {
    let fault = |what: String| {
        Err(Failure::new(format!(
            "substr {which} parameter should be {what}"
        )))
    };
    let number = match machine.value_at(arguments, at)? {
        Val::Number(number) => number,
        other => return fault(format!("a number, got {}", other.type_name())),
    };
    if number.fract() != 0.0 {
        return fault(format!("an integer, got {number:.6}"));
    }
    if number < 0.0 {
        return match which {
            "third" => fault(format!("greater than zero, got {number}")),
            _ => fault(format!("greater than zero, got {number:.6}")),
        };
    }
    Ok(number as usize)
}

/// The byte at which so many characters end.
fn offset(text: &str, n_chars: usize) -> usize {
    if text.is_ascii() {
        return n_chars.min(text.len());
    }
    text.char_indices()
        .nth(n_chars)
        .map_or(text.len(), |(at, _)| at)
}

pub(super) fn character<'a>(machine: &Machine<'a>, value: Val<'a>) -> Result<char> {
    let number = machine.number(value)?;
    if number > f64::from(u32::from(char::MAX)) {
        return Err(Failure::new(format!(
            "Invalid unicode codepoint, got {}",
            crate::value::number::format_g(number)
        )));
    }
    if number < 0.0 {
        return Err(Failure::new(format!(
            "Codepoints must be >= 0, got {number}"
        )));
    }
    Ok(char::from_u32(number as u32).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn split<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    who: &str,
    limit: Option<i64>,
    from_right: bool,
) -> Result<Val<'a>> {
    let text = |at: usize, which: &str| match machine.value_at(arguments, at)? {
        Val::Text(text) => machine.read(text),
        other => Err(Failure::new(format!(
            "{who} {which} parameter should be a string, got {}",
            other.type_name()
        ))),
    };
    let (whole, separator) = (text(0, "first")?, text(1, "second")?);
    let limit = match limit {
        Some(limit) => limit,
        None => i64::from(machine.integer(machine.value_at(arguments, 2)?)?),
    };
    if limit < -1 {
        return Err(Failure::new(format!(
            "{who} third parameter should be -1 or non-negative, got {limit}"
        )));
    }
    let must = if who == "std.split" { "must" } else { "should" };
    if separator.is_empty() {
        return Err(Failure::new(format!(
            "{who} second parameter {must} have length 1 or greater, got 0"
        )));
    }
    let n_parts = usize::try_from(limit).map_or(usize::MAX, |limit| limit + 1);
    if from_right {
        let parts: Vec<&'a str> = whole.rsplitn(n_parts, separator).collect();
        machine.texts(parts.into_iter().rev())
    } else {
        machine.texts(whole.splitn(n_parts, separator))
    }
}

fn escape_json<'a>(machine: &Machine<'a>, arguments: Arguments<'_, 'a>) -> Result<Val<'a>> {
    let text = machine.to_text(machine.value_at(arguments, 0)?)?;
    machine.heap.has_room(text.len() * 6)?;
    let mut out = String::new();
    quote(text, &mut out);
    machine.text(&out)
}

fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
    out
}

fn radix<'a>(machine: &Machine<'a>, arguments: Arguments<'_, 'a>, radix: u32) -> Result<Val<'a>> {
    let text = machine.text_at(arguments, 0)?;
    if text.is_empty() {
        let who = if radix == 8 {
            "an octal number"
        } else {
            "hexadecimal"
        };
        return Err(Failure::new(format!("Not {who}: \"\"")));
    }
    let mut number = 0.0;
    for c in text.chars() {
        let Some(digit) = c.to_digit(radix) else {
            return Err(Failure::new(format!(
                "{text} is not a base {radix} integer"
            )));
        };
        number = number * f64::from(radix) + f64::from(digit);
    }
    Ok(Val::Number(number))
}
