use super::Stored;
use crate::value::Value;

/// `a=b,c!=d,e in (f,g),h,!i`, as apimachinery's `labels` parses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut requirements = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if part.is_empty() {
                if text.trim().is_empty() {
                    continue;
                }
                return Err("found ',', expected: identifier after ','".to_owned());
            }
            requirements.push(requirement(part)?);
        }
        Ok(LabelSelector(requirements))
    }

    /// A `LabelSelector` object: matchLabels and matchExpressions. An absent
    /// one selects nothing, an empty one everything.
    pub fn from_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        if let Some(labels) = selector.get("matchLabels").and_then(Value::as_map) {
            for (key, value) in labels.iter() {
                requirements.push(Requirement {
                    key: key.to_owned(),
                    test: Test::In(vec![value.as_str().unwrap_or_default().to_owned()]),
                });
            }
        }
        let expressions = selector.get("matchExpressions").and_then(Value::as_seq);
        for expression in expressions.unwrap_or_default() {
            let text = |key| expression.get(key).and_then(Value::as_str);
            let values = expression
                .get("values")
                .and_then(Value::as_seq)
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let test = match text("operator") {
                Some("In") => Test::In(values),
                Some("NotIn") => Test::NotIn(values),
                Some("Exists") => Test::Exists,
                Some("DoesNotExist") => Test::DoesNotExist,
                Some(_) | None => Test::In(Vec::new()),
            };
            requirements.push(Requirement {
                key: text("key").unwrap_or_default().to_owned(),
                test,
            });
        }
        LabelSelector(requirements)
    }

    /// A plain map of labels, as Services and ReplicationControllers select.
    pub fn from_labels(labels: &Value) -> Self {
        let pairs = labels.as_map().into_iter().flat_map(|map| map.iter());
        LabelSelector(
            pairs
                .map(|(key, value)| Requirement {
                    key: key.to_owned(),
                    test: Test::In(vec![value.as_str().unwrap_or_default().to_owned()]),
                })
                .collect(),
        )
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, stored: &Stored) -> bool {
        self.matches_labels(|key| stored.label(key))
    }

    pub fn matches_labels<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| {
            let value = label(&requirement.key);
            let number = || value.and_then(|text| text.parse::<i64>().ok());
            match &requirement.test {
                Test::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
                Test::NotIn(values) => !value.is_some_and(|v| values.iter().any(|w| w == v)),
                Test::Exists => value.is_some(),
                Test::DoesNotExist => value.is_none(),
                Test::Greater(bound) => number().is_some_and(|n| n > *bound),
                Test::Less(bound) => number().is_some_and(|n| n < *bound),
            }
        })
    }
}

/// Splits at commas that no parenthesis encloses.
fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    let made = |key: &str, test| {
        let key = key.trim();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(format!(
                "unable to parse requirement: found '{part}', expected: !, identifier, or 'end of string'"
            ));
        }
        Ok(Requirement {
            key: key.to_owned(),
            test,
        })
    };
    if let Some(key) = part.strip_prefix('!') {
        return made(key, Test::DoesNotExist);
    }
    if let Some(open) = part.find('(') {
        let close = part
            .rfind(')')
            .ok_or_else(|| "found '', expected: ',', or ')'".to_owned())?;
        let values = part[open + 1..close]
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        let head = part[..open].trim_end();
        if let Some(key) = head.strip_suffix(" notin") {
            return made(key, Test::NotIn(values));
        }
        if let Some(key) = head.strip_suffix(" in") {
            return made(key, Test::In(values));
        }
        return Err(format!(
            "unable to parse requirement: found '{head}', expected: in, notin, =, ==, !=, gt, lt"
        ));
    }
    if let Some((key, value)) = part.split_once("!=") {
        return made(key, Test::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return made(key, Test::In(vec![value.trim().to_owned()]));
    }
    for (sign, greater) in [('>', true), ('<', false)] {
        if let Some((key, value)) = part.split_once(sign) {
            let bound = value
                .trim()
                .parse()
                .map_err(|_| "for 'Gt', 'Lt' operators, the value must be an integer".to_owned())?;
            let test = if greater {
                Test::Greater(bound)
            } else {
                Test::Less(bound)
            };
            return made(key, test);
        }
    }
    made(part, Test::Exists)
}

/// `metadata.name=a,status.phase!=Failed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<(String, String, bool)>);

impl FieldSelector {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut terms = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = part.split_once("==") {
                (field, value, true)
            } else if let Some((field, value)) = part.split_once('=') {
                (field, value, true)
            } else {
                return Err(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                ));
            };
            terms.push((field.to_owned(), value.to_owned(), equal));
        }
        Ok(FieldSelector(terms))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(field, _, _)| field.as_str())
    }

    pub fn matches(&self, stored: &Stored) -> bool {
        let mut parsed: Option<Value> = None;
        self.0.iter().all(|(field, wanted, equal)| {
            let is = match field.as_str() {
                "metadata.name" => *stored.name == **wanted,
                "metadata.namespace" => *stored.namespace == **wanted,
                path => {
                    let value = parsed.get_or_insert_with(|| stored.to_value("", ""));
                    let steps: Vec<&str> = path.split('.').collect();
                    text_at(value, &steps) == *wanted
                }
            };
            is == *equal
        })
    }
}

fn text_at(value: &Value, steps: &[&str]) -> String {
    match value.at(steps) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Str(text)) => text.clone(),
        Some(other) => other.to_json(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(selector: &str, labels: &[(&str, &str)], expected: bool) {
        let parsed = LabelSelector::parse(selector).unwrap();
        let is = parsed.matches_labels(|key| {
            labels
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| *value)
        });
        assert_eq!(is, expected, "{selector}");
    }

    #[test]
    fn selects_by_labels() {
        let labels = [("app", "web"), ("tier", "front")];
        check("", &labels, true);
        check("app=web", &labels, true);
        check("app == web , tier=front", &labels, true);
        check("app!=web", &labels, false);
        check("gone!=web", &labels, true);
        check("app in (db, web)", &labels, true);
        check("app notin (db,web)", &labels, false);
        check("tier,!gone", &labels, true);
        check("!tier", &labels, false);
        check("app in (db),tier", &labels, false);
    }

    #[test]
    fn refuses_what_is_no_selector() {
        assert!(LabelSelector::parse("a b").is_err());
        assert!(LabelSelector::parse("a,,b").is_err());
        assert!(FieldSelector::parse("metadata.name").is_err());
    }
}
