//! What cells are made of.

use super::since;
use crate::value::{Map, Value};

/// One object while its cells are made.
#[derive(Clone, Copy)]
pub struct Row<'a>(pub &'a Value);

impl<'a> Row<'a> {
    pub fn at(self, path: &[&str]) -> Option<&'a Value> {
        self.0.at(path).filter(|value| !value.is_null())
    }

    /// Text, or "" .
    pub fn text(self, path: &[&str]) -> &'a str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn text_or(self, path: &[&str], other: &'a str) -> &'a str {
        match self.text(path) {
            "" => other,
            text => text,
        }
    }

    pub fn number(self, path: &[&str]) -> i64 {
        self.at(path).and_then(Value::as_i64).unwrap_or(0)
    }

    pub fn flag(self, path: &[&str]) -> bool {
        self.at(path).and_then(Value::as_bool) == Some(true)
    }

    pub fn list(self, path: &[&str]) -> &'a [Value] {
        self.at(path).and_then(Value::as_seq).unwrap_or_default()
    }

    pub fn count(self, path: &[&str]) -> i64 {
        match self.at(path) {
            Some(Value::Seq(items)) => items.len() as i64,
            Some(Value::Map(map)) => map.len() as i64,
            _ => 0,
        }
    }

    pub fn name(self) -> Value {
        Value::from(self.text(&["metadata", "name"]))
    }

    pub fn age(self) -> Value {
        Value::from(since(self.text(&["metadata", "creationTimestamp"])))
    }

    pub fn is_deleting(self) -> bool {
        self.at(&["metadata", "deletionTimestamp"]).is_some()
    }

    pub fn has_condition(self, kind: &str) -> bool {
        self.condition(kind) == Some("True")
    }

    /// The status of a condition.
    pub fn condition(self, kind: &str) -> Option<&'a str> {
        self.list(&["status", "conditions"])
            .iter()
            .map(Row)
            .find(|condition| condition.text(&["type"]) == kind)
            .map(|condition| condition.text(&["status"]))
    }

    /// Names and images of the containers of a pod's spec.
    pub fn containers(self, spec: &[&str]) -> (Value, Value) {
        let mut path = spec.to_vec();
        path.push("containers");
        let join = |key: &str| {
            let texts: Vec<&str> = self
                .list(&path)
                .iter()
                .map(|container| Row(container).text(&[key]))
                .collect();
            Value::from(texts.join(","))
        };
        (join("name"), join("image"))
    }

    /// A LabelSelector as kubectl writes it.
    pub fn selector(self, path: &[&str]) -> Value {
        let Some(selector) = self.at(path) else {
            return Value::from("<none>");
        };
        let mut terms: Vec<String> = pairs(selector.get("matchLabels"));
        for expression in Row(selector).list(&["matchExpressions"]) {
            let expression = Row(expression);
            let key = expression.text(&["key"]);
            let values: Vec<&str> = expression
                .list(&["values"])
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let values = values.join(",");
            terms.push(match expression.text(&["operator"]) {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "DoesNotExist" => format!("!{key}"),
                _ => key.to_owned(),
            });
        }
        Value::from(or_none(terms.join(",")))
    }

    /// A plain map of labels.
    pub fn labels(self, path: &[&str]) -> Value {
        Value::from(or_none(pairs(self.at(path)).join(",")))
    }
}

fn pairs(labels: Option<&Value>) -> Vec<String> {
    labels
        .and_then(Value::as_map)
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect()
}

pub fn or_none(text: String) -> String {
    if text.is_empty() {
        "<none>".to_owned()
    } else {
        text
    }
}

/// At most three, and how many more there are.
pub fn some_of(list: &[String]) -> String {
    const SHOWN: usize = 3;
    if list.is_empty() {
        return "<none>".to_owned();
    }
    if list.len() <= SHOWN {
        return list.join(",");
    }
    format!(
        "{} + {} more...",
        list[..SHOWN].join(","),
        list.len() - SHOWN
    )
}
