//! github.com/bmatcuk/doublestar v4: braces are expanded first, since `**`
//! means something only at the start of a part of the whole path.

use super::{Class, GlobError, MAX_PATTERN, Step, alternatives};

pub fn compile(pattern: &str) -> Result<Vec<Step>, GlobError> {
    let bad = |problem: &str| GlobError::new(pattern, problem);
    let mut expanded = Vec::new();
    let mut todo = vec![pattern.to_owned()];
    let mut size = 0;
    while let Some(text) = todo.pop() {
        size += text.len() + 1;
        if size > MAX_PATTERN {
            return Err(bad("too many alternatives"));
        }
        match first_braces(&text).map_err(bad)? {
            None => expanded.push(text),
            Some((open, close)) => {
                let inner = &text[open + 1..close];
                for alternative in split_alternatives(inner) {
                    let (before, behind) = (&text[..open], &text[close + 1..]);
                    todo.push(format!("{before}{alternative}{behind}"));
                }
            }
        }
    }
    let programs = expanded.iter().map(|text| plain(text).map_err(bad));
    Ok(alternatives(programs.collect::<Result<_, _>>()?))
}

/// A pattern without braces.
fn plain(pattern: &str) -> Result<Vec<Step>, &'static str> {
    let mut program = Vec::new();
    let mut rest = pattern;
    let mut part_starts = true;
    while let Some(c) = rest.chars().next() {
        // What may also match nothing at the end of a path.
        if matches!(rest, "/**" | "/**/") || (part_starts && rest == "**/") {
            let mut tail = Vec::new();
            let mut behind = rest;
            if let Some(after) = rest.strip_prefix('/') {
                tail.push(Step::One(Class::Is('/')));
                behind = after;
            }
            tail.push(Step::Many(Class::Any));
            if behind == "**/" {
                // `a/**/` takes `a/` and `a/b/`: nothing, or what ends in a slash.
                tail.pop();
                let whole = vec![Step::Many(Class::Any), Step::One(Class::Is('/'))];
                super::append(&mut tail, alternatives(vec![Vec::new(), whole]));
            }
            super::append(&mut program, alternatives(vec![Vec::new(), tail]));
            return Ok(program);
        }
        if part_starts && rest == "**" {
            program.push(Step::Many(Class::Any));
            return Ok(program);
        }
        if rest == "**/" {
            let part = vec![
                Step::Many(Class::NoneOf(vec!['/'])),
                Step::One(Class::Is('/')),
            ];
            super::append(&mut program, alternatives(vec![Vec::new(), part]));
            return Ok(program);
        }
        if part_starts && let Some(behind) = rest.strip_prefix("**/") {
            let parts = vec![Step::Many(Class::Any), Step::One(Class::Is('/'))];
            super::append(&mut program, alternatives(vec![Vec::new(), parts]));
            rest = behind;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        part_starts = c == '/';
        match c {
            '*' => {
                rest = rest.strip_prefix('*').unwrap_or(rest);
                program.push(Step::Many(Class::NoneOf(vec!['/'])));
            }
            '?' => program.push(Step::One(Class::NoneOf(vec!['/']))),
            '[' => {
                let (class, behind) = class(rest)?;
                program.push(Step::One(class));
                rest = behind;
            }
            '\\' => {
                let escaped = rest.chars().next().ok_or("pattern ends in a backslash")?;
                rest = &rest[escaped.len_utf8()..];
                part_starts = escaped == '/';
                program.push(Step::One(Class::Is(escaped)));
            }
            c => program.push(Step::One(Class::Is(c))),
        }
    }
    Ok(program)
}

/// What is behind a `[`, and what is behind its `]`.
fn class(text: &str) -> Result<(Class, &str), &'static str> {
    const UNCLOSED: &str = "character class is empty or not closed";
    let not = text.starts_with(['!', '^']);
    let mut rest = text[usize::from(not)..].chars();
    let mut ranges: Vec<(char, char)> = Vec::new();
    // Whether the last range is one character that a `-` may follow.
    let mut may_extend = false;
    loop {
        let c = rest.next().ok_or(UNCLOSED)?;
        if c == ']' {
            break;
        }
        if c == '-' && may_extend && !rest.as_str().starts_with(']') {
            let mut high = rest.next().ok_or(UNCLOSED)?;
            if high == '\\' {
                high = rest.next().ok_or(UNCLOSED)?;
            }
            if let Some(last) = ranges.last_mut() {
                last.1 = high;
            }
            may_extend = false;
            continue;
        }
        let c = match c {
            '\\' => rest.next().ok_or(UNCLOSED)?,
            c => c,
        };
        ranges.push((c, c));
        may_extend = true;
    }
    if ranges.is_empty() {
        return Err(UNCLOSED);
    }
    Ok((Class::Ranges { ranges, not }, rest.as_str()))
}

/// Where the first unescaped brace opens and closes.
fn first_braces(text: &str) -> Result<Option<(usize, usize)>, &'static str> {
    let mut open = None;
    let mut depth = 0;
    let mut in_class = false;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b']' => in_class = false,
            _ if in_class => {}
            b'[' => in_class = true,
            b'{' => {
                open = open.or(Some(at));
                depth += 1;
            }
            b'}' if depth == 0 => return Err("a brace is closed that was not opened"),
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(open.map(|open| (open, at)));
                }
            }
            _ => {}
        }
    }
    match open {
        Some(_) => Err("a brace is not closed"),
        None => Ok(None),
    }
}

/// Splits at commas outside of inner braces and classes.
fn split_alternatives(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut depth, mut in_class) = (0, 0usize, false);
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b']' => in_class = false,
            _ if in_class => {}
            b'[' => in_class = true,
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}
