//! What a schema takes from documents of other hosts, which are not fetched.

use serde_json::{Map, Value};
use std::collections::HashSet;
use url::Url;

/// Drafts in which nothing counts beside a `$ref`.
const ALONE: [&str; 3] = ["/draft-04/", "/draft-06/", "/draft-07/"];

/// Takes the references to other hosts out of a schema, so that anything is
/// allowed there, and returns the documents that they lead to. A schema that has
/// documents with names of their own (`$id`) inside stays as it is: what leads out
/// of it is known to boon alone.
pub fn cut_off(schema: &mut Value) -> Vec<String> {
    let Value::Object(root) = &*schema else {
        return Vec::new();
    };
    if root.values().any(has_id) {
        return Vec::new();
    }
    let draft = root.get("$schema").and_then(Value::as_str);
    let id = root.get("$id").and_then(Value::as_str);
    let mut cut = Cut {
        base: id.and_then(|id| Url::parse(id).ok()).filter(is_remote),
        is_alone: draft.is_some_and(|draft| ALONE.iter().any(|name| draft.contains(name))),
        found: Vec::new(),
        known: HashSet::new(),
    };
    cut.value(schema);
    cut.found
}

struct Cut {
    base: Option<Url>,
    is_alone: bool,
    /// In the order in which they are met.
    found: Vec<String>,
    known: HashSet<String>,
}

impl Cut {
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(keywords) => {
                if let Some(document) = self.document(keywords) {
                    if self.known.insert(document.clone()) {
                        self.found.push(document);
                    }
                    keywords.remove("$ref");
                    if self.is_alone {
                        keywords.clear();
                    }
                }
                keywords.values_mut().for_each(|value| self.value(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Of another host, where a `$ref` leads to one.
    fn document(&self, keywords: &Map<String, Value>) -> Option<String> {
        let reference = keywords.get("$ref")?.as_str()?;
        let mut url = match &self.base {
            Some(base) => base.join(reference).ok()?,
            None => Url::parse(reference).ok()?,
        };
        url.set_fragment(None);
        let is_own = self.base.as_ref().is_some_and(|base| *base == url);
        (is_remote(&url) && !is_own).then(|| url.into())
    }
}

fn is_remote(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https" | "urn")
}

fn has_id(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_id),
        Value::Object(keywords) => {
            let names = ["$id", "id", "$anchor", "$dynamicAnchor"];
            let is_name = |name: &str| keywords.get(name).is_some_and(Value::is_string);
            names.into_iter().any(is_name) || keywords.values().any(has_id)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::cut_off;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(mut schema: Value, left: Value, documents: &[&str]) {
        assert_eq!(cut_off(&mut schema), documents);
        assert_eq!(schema, left);
    }

    #[test]
    fn a_reference_beside_the_schema_is_cut_off() {
        // As the common library of bjw-s has it.
        let id = "https://raw.example/common/values.schema.json";
        let draft = "http://json-schema.org/draft-07/schema";
        check(
            json!({"$schema": draft, "$id": id, "properties": {
                "a": {"type": "object", "$ref": "schemas/pod.json#/options"},
                "b": {"additionalProperties": {"$ref": "schemas/pod.json#/other"}},
                "c": {"$ref": "#/properties/a"},
                "d": {"$ref": format!("{id}#/properties/a")},
            }}),
            json!({"$schema": draft, "$id": id, "properties": {
                "a": {},
                "b": {"additionalProperties": {}},
                "c": {"$ref": "#/properties/a"},
                "d": {"$ref": format!("{id}#/properties/a")},
            }}),
            &["https://raw.example/common/schemas/pod.json"],
        );
    }

    #[test]
    fn what_stands_beside_a_reference_counts_in_new_drafts() {
        check(
            json!({"allOf": [{"type": "object", "$ref": "https://other.example/a.json#/b"}]}),
            json!({"allOf": [{"type": "object"}]}),
            &["https://other.example/a.json"],
        );
    }

    #[test]
    fn references_without_another_host_stay() {
        for reference in ["#/a", "other.json", "file:///etc/passwd", "#"] {
            let schema = json!({ "not": {"$ref": reference} });
            check(schema.clone(), schema, &[]);
        }
        let named = json!({"$defs": {"a": {"$id": "https://other.example/a.json"}},
            "$ref": "https://other.example/a.json"});
        check(named.clone(), named, &[]);
        check(json!(true), json!(true), &[]);
    }
}
