//! The subset of JSONPath that additionalPrinterColumns may use.

use crate::value::Value;

#[derive(Debug, PartialEq)]
enum Step {
    Key(String),
    Index(i64),
    Every,
    /// `?(@.type=="Ready")`: items whose path has that text.
    Where(Vec<String>, String),
}

/// All values at a path like `.status.conditions[?(@.type=="Ready")].status`;
/// nothing where the path is none.
pub fn find<'a>(path: &str, value: &'a Value) -> Vec<&'a Value> {
    let Some(steps) = parse(path).filter(|steps| !steps.is_empty()) else {
        return Vec::new();
    };
    steps.iter().fold(vec![value], |found, step| {
        found
            .into_iter()
            .flat_map(|value| follow(step, value))
            .collect()
    })
}

fn follow<'a>(step: &Step, value: &'a Value) -> Vec<&'a Value> {
    let items = value.as_seq().unwrap_or_default();
    match step {
        Step::Key(key) => value.get(key).into_iter().collect(),
        Step::Index(at) => {
            let at = if *at < 0 {
                items.len() as i64 + at
            } else {
                *at
            };
            usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at))
                .into_iter()
                .collect()
        }
        Step::Every => match value.as_map() {
            Some(map) => map.values().collect(),
            None => items.iter().collect(),
        },
        Step::Where(path, text) => {
            let steps: Vec<&str> = path.iter().map(String::as_str).collect();
            items
                .iter()
                .filter(|item| match item.at(&steps) {
                    Some(Value::Str(found)) => found == text,
                    Some(other) => other.to_json() == *text,
                    None => false,
                })
                .collect()
        }
    }
}

fn parse(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    rest = rest
        .strip_prefix('{')
        .and_then(|r| r.strip_suffix('}'))
        .unwrap_or(rest);
    rest = rest.strip_prefix('$').unwrap_or(rest);
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = closing(inner)?;
            steps.push(bracket(&inner[..end])?);
            rest = &inner[end + 1..];
        } else {
            let inner = rest.strip_prefix('.').unwrap_or(rest);
            let mut name = String::new();
            let mut letters = inner.char_indices();
            let mut end = inner.len();
            while let Some((at, letter)) = letters.next() {
                match letter {
                    '.' | '[' => {
                        end = at;
                        break;
                    }
                    // `\\.` is a dot in a key.
                    '\\' => name.extend(letters.next().map(|(_, escaped)| escaped)),
                    letter => name.push(letter),
                }
            }
            if name == "*" {
                steps.push(Step::Every);
            } else if !name.is_empty() {
                steps.push(Step::Key(name));
            }
            rest = &inner[end..];
        }
    }
    Some(steps)
}

/// The bracket that ends a step, quotes left aside.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, ']') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn bracket(inner: &str) -> Option<Step> {
    let inner = inner.trim();
    if inner == "*" {
        return Some(Step::Every);
    }
    if let Some(filter) = inner.strip_prefix("?(").and_then(|f| f.strip_suffix(')')) {
        let (path, text) = filter.split_once("==")?;
        let path = path.trim().strip_prefix("@.")?;
        return Some(Step::Where(
            path.split('.').map(str::to_owned).collect(),
            unquoted(text.trim()).to_owned(),
        ));
    }
    if let Ok(at) = inner.parse() {
        return Some(Step::Index(at));
    }
    Some(Step::Key(unquoted(inner).to_owned()))
}

fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::value::Value;

    #[test]
    fn follows_paths_of_printer_columns() {
        let object = Value::from_json(
            br#"{"spec":{"a.b":"dotted","list":[{"n":1},{"n":2}]},
                "status":{"conditions":[{"type":"Ready","status":"True"}]}}"#,
        )
        .unwrap();
        let check = |path: &str, expected: &str| {
            let found: Vec<String> = find(path, &object).iter().map(|v| v.to_json()).collect();
            assert_eq!(found.join(","), expected, "{path}");
        };
        check(
            r#".status.conditions[?(@.type=="Ready")].status"#,
            "\"True\"",
        );
        check(r#".status.conditions[?(@.type=="Gone")].status"#, "");
        check(".spec.list[1].n", "2");
        check(".spec.list[*].n", "1,2");
        check(r".spec.a\.b", "\"dotted\"");
        check(".spec['a.b']", "\"dotted\"");
        check(".spec.gone", "");
        check(".spec[", "");
    }
}
