//! Label selectors as texts: `app=web,tier in (a, b),!legacy`.

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelSelector(Vec<(String, Condition)>);

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut found = Vec::new();
        for part in requirements(text) {
            found.push(requirement(part).ok_or_else(|| {
                format!("unable to parse requirement {part:?} of the selector {text:?}")
            })?);
        }
        Ok(LabelSelector(found))
    }

    pub fn matches(&self, labels: &[(String, String)]) -> bool {
        self.0.iter().all(|(key, condition)| {
            let value = labels
                .iter()
                .find(|(label, _)| label == key)
                .map(|(_, value)| value);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match condition {
                Condition::In(allowed) => value.is_some_and(|value| allowed.contains(value)),
                Condition::NotIn(forbidden) => {
                    !value.is_some_and(|value| forbidden.contains(value))
                }
                Condition::Exists => value.is_some(),
                Condition::Missing => value.is_none(),
                Condition::Greater(than) => number().is_some_and(|number| number > *than),
                Condition::Less(than) => number().is_some_and(|number| number < *than),
            }
        })
    }
}

/// The parts between commas that are in no parentheses.
fn requirements(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts
        .map(str::trim)
        .filter(|_| !text.trim().is_empty())
        .collect()
}

fn requirement(part: &str) -> Option<(String, Condition)> {
    if let Some(key) = part.strip_prefix('!') {
        return Some((word(key)?, Condition::Missing));
    }
    if let Some((key, values)) = part.split_once('(') {
        let values = values.strip_suffix(')')?;
        let values = values
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        let (key, operator) = key.trim().rsplit_once(char::is_whitespace)?;
        return Some((
            word(key)?,
            match operator {
                "in" => Condition::In(values),
                "notin" => Condition::NotIn(values),
                _ => return None,
            },
        ));
    }
    let one = |value: &str| vec![value.trim().to_owned()];
    for operator in ["!=", "==", "=", ">", "<"] {
        let Some((key, value)) = part.split_once(operator) else {
            continue;
        };
        let condition = match operator {
            "!=" => Condition::NotIn(one(value)),
            ">" => Condition::Greater(value.trim().parse().ok()?),
            "<" => Condition::Less(value.trim().parse().ok()?),
            _ => Condition::In(one(value)),
        };
        return Some((word(key)?, condition));
    }
    Some((word(part)?, Condition::Exists))
}

fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let is_key = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!text.is_empty() && text.chars().all(is_key)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_as_kubernetes_has_them() {
        let labels = [
            ("app".to_owned(), "web".to_owned()),
            ("n".to_owned(), "5".to_owned()),
        ];
        let holds = |text: &str| LabelSelector::parse(text).expect(text).matches(&labels);
        for text in [
            "",
            "app",
            "app=web",
            "app==web,n>4",
            "app in (a, web)",
            "!no",
            "x!=y",
            "x notin (a,b)",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in ["app=api", "!app", "app notin (web)", "n<5", "no"] {
            assert!(!holds(text), "{text}");
        }
        for text in ["a b", "app in web", ",", "=x", "n>x"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }
}
