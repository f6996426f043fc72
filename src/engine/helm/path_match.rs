//! Go's `filepath.Match`: the patterns of .helmignore and --show-only.

/// A pattern that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Whether the whole name matches: `*` and `?` stop at `/`, `[a-z]`, `[^a-z]`, `\`.
pub fn path_match(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let mut pattern = &pattern[..];
    let mut name = &name[..];
    'pattern: while !pattern.is_empty() {
        let (star, chunk, rest) = scan_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains(&'/'));
        }
        if let Some(left) = match_chunk(chunk, name)?
            && (left.is_empty() || !pattern.is_empty())
        {
            name = left;
            continue;
        }
        if star {
            let mut skip = 0;
            while skip < name.len() && name[skip] != '/' {
                if let Some(left) = match_chunk(chunk, &name[skip + 1..])? {
                    if pattern.is_empty() && !left.is_empty() {
                        skip += 1;
                        continue;
                    }
                    name = left;
                    continue 'pattern;
                }
                skip += 1;
            }
        }
        // No match; what is left of the pattern must still be well-formed.
        while !pattern.is_empty() {
            let (_, chunk, rest) = scan_chunk(pattern);
            pattern = rest;
            match_chunk(chunk, &[])?;
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// A leading star, the literal chunk up to the next star, and the rest.
fn scan_chunk(pattern: &[char]) -> (bool, &[char], &[char]) {
    let n_stars = pattern.iter().take_while(|c| **c == '*').count();
    let pattern = &pattern[n_stars..];
    let mut in_range = false;
    let mut at = 0;
    while at < pattern.len() {
        match pattern[at] {
            '\\' if at + 1 < pattern.len() => at += 1,
            '[' => in_range = true,
            ']' => in_range = false,
            '*' if !in_range => break,
            _ => {}
        }
        at += 1;
    }
    (n_stars > 0, &pattern[..at], &pattern[at..])
}

/// What is left of `name` behind a match of the chunk at its start.
fn match_chunk<'n>(
    mut chunk: &[char],
    mut name: &'n [char],
) -> Result<Option<&'n [char]>, BadPattern> {
    // After a failure the rest of the chunk is still checked for its syntax.
    let mut failed = false;
    while let Some(&first) = chunk.first() {
        failed |= name.is_empty();
        match first {
            '[' => {
                let current = name.first().copied();
                if !failed {
                    name = &name[1..];
                }
                chunk = &chunk[1..];
                let negated = chunk.first() == Some(&'^');
                if negated {
                    chunk = &chunk[1..];
                }
                let mut matched = false;
                let mut n_ranges = 0;
                loop {
                    if chunk.first() == Some(&']') && n_ranges > 0 {
                        chunk = &chunk[1..];
                        break;
                    }
                    let low = range_end(&mut chunk)?;
                    let high = if chunk.first() == Some(&'-') {
                        chunk = &chunk[1..];
                        range_end(&mut chunk)?
                    } else {
                        low
                    };
                    matched |= current.is_some_and(|c| low <= c && c <= high);
                    n_ranges += 1;
                }
                failed |= matched == negated;
            }
            '?' => {
                if !failed {
                    failed = name[0] == '/';
                    name = &name[1..];
                }
                chunk = &chunk[1..];
            }
            other => {
                let literal = if other == '\\' {
                    chunk = &chunk[1..];
                    *chunk.first().ok_or(BadPattern)?
                } else {
                    other
                };
                if !failed {
                    failed = literal != name[0];
                    name = &name[1..];
                }
                chunk = &chunk[1..];
            }
        }
    }
    Ok((!failed).then_some(name))
}

fn range_end(chunk: &mut &[char]) -> Result<char, BadPattern> {
    let at = match chunk.first() {
        None | Some('-' | ']') => return Err(BadPattern),
        Some('\\') => 1,
        Some(_) => 0,
    };
    let end = *chunk.get(at).ok_or(BadPattern)?;
    *chunk = &chunk[at + 1..];
    if chunk.is_empty() {
        return Err(BadPattern);
    }
    Ok(end)
}
