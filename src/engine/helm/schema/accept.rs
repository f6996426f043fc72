//! Values that a schema accepts beyond doubt: boon compiles every schema of a document
//! before it looks at the first value, which takes longer than a chart's render.

use super::plain;
use regex::Regex;
use serde_json::{Map, Number, Value};
use std::cell::Cell;

/// Schemas and references within one another; deeper ones are boon's.
const MAX_DEPTH: usize = 64;
/// Schemas that are held against a value: alternatives in alternatives double them.
const MAX_STEPS: u32 = 1_000_000;

/// Whether a document that [`is_schema`](super::plain::is_schema) accepts a value; `None`
/// where it takes a keyword to say so that is not read here.
pub fn accepts(document: &Value, value: &Value) -> Option<bool> {
    let n_left = Cell::new(MAX_STEPS);
    let judge = Judge { document, n_left };
    // One that leads nowhere is an error even where no value gets there.
    judge.are_referred(document).then_some(())?;
    judge.schema(document, value, MAX_DEPTH)
}

struct Judge<'s> {
    document: &'s Value,
    n_left: Cell<u32>,
}

/// Whether all hold: one that does not outweighs those that nobody knows of.
fn all(verdicts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for verdict in verdicts {
        match verdict {
            Some(true) => {}
            Some(false) => return Some(false),
            None => known = None,
        }
    }
    known
}

fn any(verdicts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    all(verdicts.into_iter().map(not)).map(|none| !none)
}

fn not(verdict: Option<bool>) -> Option<bool> {
    verdict.map(|holds| !holds)
}

impl<'s> Judge<'s> {
    fn schema(&self, schema: &'s Value, value: &Value, depth: usize) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        self.n_left.set(self.n_left.get().checked_sub(1)?);
        match schema {
            Value::Bool(flag) => Some(*flag),
            Value::Object(keywords) => {
                let rules = keywords.iter();
                let beside =
                    all(rules.map(|(name, rule)| self.keyword(keywords, name, rule, value, depth)));
                let Some(reference) = keywords.get("$ref") else {
                    return beside;
                };
                let referred = self.referred(reference.as_str()?)?;
                // The drafts differ in whether anything counts beside a reference.
                match (self.schema(referred, value, depth), beside) {
                    (Some(false), _) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether all references inside of a document lead to schemas.
    fn are_referred(&self, inside: &Value) -> bool {
        match inside {
            Value::Array(items) => items.iter().all(|item| self.are_referred(item)),
            Value::Object(keywords) => {
                let reference = keywords.get("$ref").and_then(Value::as_str);
                reference.is_none_or(|reference| self.referred(reference).is_some())
                    && keywords.values().all(|value| self.are_referred(value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    }

    /// The schema at a pointer.
    fn referred(&self, reference: &str) -> Option<&'s Value> {
        let pointer = reference.strip_prefix('#')?;
        let schema = self.document.pointer(pointer)?;
        let mut steps = pointer.split('/').skip(1);
        let is_read = loop {
            match steps.next() {
                None => break true,
                Some("definitions" | "$defs" | "properties" | "allOf" | "anyOf" | "oneOf") => {
                    if steps.next().is_none() {
                        break false;
                    }
                }
                Some("items" | "additionalProperties" | "not" | "if" | "then" | "else") => {}
                Some(_) => break false,
            }
        };
        // Elsewhere may be anything.
        (is_read || plain::is_subschema(schema, MAX_DEPTH)).then_some(schema)
    }

    /// Whether a keyword has nothing against a value.
    fn keyword(
        &self,
        keywords: &'s Map<String, Value>,
        name: &str,
        rule: &'s Value,
        value: &Value,
        depth: usize,
    ) -> Option<bool> {
        let each = |schemas: &'s Vec<Value>| {
            let schemas = schemas.iter();
            schemas.map(|schema| self.schema(schema, value, depth))
        };
        match name {
            "type" => match rule {
                Value::Array(types) => any(types.iter().map(|name| is_of_type(name, value))),
                one => is_of_type(one, value),
            },
            "enum" => any(rule.as_array()?.iter().map(|known| is_equal(known, value))),
            "const" => is_equal(rule, value),
            "allOf" => all(each(rule.as_array()?)),
            "anyOf" => any(each(rule.as_array()?)),
            "oneOf" => {
                let verdicts: Option<Vec<bool>> = each(rule.as_array()?).collect();
                Some(verdicts?.into_iter().filter(|holds| *holds).count() == 1)
            }
            "not" => not(self.schema(rule, value, depth)),
            "if" => match self.schema(rule, value, depth)? {
                true => self.schema(
                    keywords.get("then").unwrap_or(&Value::Bool(true)),
                    value,
                    depth,
                ),
                false => self.schema(
                    keywords.get("else").unwrap_or(&Value::Bool(true)),
                    value,
                    depth,
                ),
            },
            _ => match value {
                Value::Object(value) => self.of_object(keywords, name, rule, value, depth),
                Value::Array(value) => self.of_array(name, rule, value, depth),
                Value::String(value) => of_string(name, rule, value),
                Value::Number(value) => of_number(name, rule, value),
                Value::Null | Value::Bool(_) => Some(true),
            },
        }
    }

    fn of_object(
        &self,
        keywords: &'s Map<String, Value>,
        name: &str,
        rule: &'s Value,
        value: &Map<String, Value>,
        depth: usize,
    ) -> Option<bool> {
        match name {
            "required" => all(rule
                .as_array()?
                .iter()
                .map(|name| Some(value.contains_key(name.as_str()?)))),
            "minProperties" => Some(value.len() as u64 >= rule.as_u64()?),
            "maxProperties" => Some(value.len() as u64 <= rule.as_u64()?),
            "properties" => {
                let rules = rule.as_object()?;
                all(value.iter().map(|(key, value)| match rules.get(key) {
                    Some(rule) => self.schema(rule, value, depth),
                    None => Some(true),
                }))
            }
            "patternProperties" => all(rule.as_object()?.iter().map(|(pattern, rule)| {
                let pattern = Regex::new(pattern).ok()?;
                let matching = value.iter().filter(|(key, _)| pattern.is_match(key));
                all(matching.map(|(_, value)| self.schema(rule, value, depth)))
            })),
            "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                let patterns = match keywords.get("patternProperties") {
                    Some(patterns) => patterns
                        .as_object()?
                        .keys()
                        .map(|pattern| Regex::new(pattern).ok())
                        .collect::<Option<Vec<_>>>()?,
                    None => Vec::new(),
                };
                let is_additional = |key: &String| {
                    known.is_none_or(|known| !known.contains_key(key))
                        && !patterns.iter().any(|pattern| pattern.is_match(key))
                };
                let additional = value.iter().filter(|(key, _)| is_additional(key));
                all(additional.map(|(_, value)| self.schema(rule, value, depth)))
            }
            "propertyNames" if value.is_empty() => Some(true),
            "propertyNames" => None,
            _ => Some(true),
        }
    }

    fn of_array(&self, name: &str, rule: &'s Value, value: &[Value], depth: usize) -> Option<bool> {
        match name {
            "items" => all(value.iter().map(|item| self.schema(rule, item, depth))),
            "minItems" => Some(value.len() as u64 >= rule.as_u64()?),
            "maxItems" => Some(value.len() as u64 <= rule.as_u64()?),
            "uniqueItems" if !rule.as_bool()? || value.len() < 2 => Some(true),
            "uniqueItems" | "contains" => None,
            _ => Some(true),
        }
    }
}

fn of_string(name: &str, rule: &Value, value: &str) -> Option<bool> {
    match name {
        "minLength" => Some(value.chars().count() as u64 >= rule.as_u64()?),
        "maxLength" => Some(value.chars().count() as u64 <= rule.as_u64()?),
        "pattern" => Some(Regex::new(rule.as_str()?).ok()?.is_match(value)),
        "format" => None,
        _ => Some(true),
    }
}

/// As floats, as boon compares.
fn of_number(name: &str, rule: &Value, value: &Number) -> Option<bool> {
    let value = value.as_f64()?;
    Some(match name {
        "minimum" => value >= rule.as_f64()?,
        "maximum" => value <= rule.as_f64()?,
        "exclusiveMinimum" => value > rule.as_f64()?,
        "exclusiveMaximum" => value < rule.as_f64()?,
        _ => true,
    })
}

fn is_of_type(name: &Value, value: &Value) -> Option<bool> {
    Some(match (name.as_str()?, value) {
        ("array", Value::Array(_))
        | ("boolean", Value::Bool(_))
        | ("null", Value::Null)
        | ("number", Value::Number(_))
        | ("object", Value::Object(_))
        | ("string", Value::String(_)) => true,
        // Numbers of values are floats; 1.0 is an integer, too.
        ("integer", Value::Number(number)) => {
            !number.is_f64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
        }
        _ => false,
    })
}

fn is_equal(one: &Value, other: &Value) -> Option<bool> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            Some(match (one.as_i128(), other.as_i128()) {
                (Some(one), Some(other)) => one == other,
                _ => one.as_f64()? == other.as_f64()?,
            })
        }
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => None,
        _ => Some(one == other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain::is_schema;
    use super::accepts;
    use boon::{Compiler, Schemas};
    use serde_json::{Value, json};

    /// What boon says, where the document is a schema.
    fn judged(schema: &Value, values: &[Value]) -> Vec<bool> {
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        let url = "file:///schema.json";
        compiler
            .add_resource(url, schema.clone())
            .expect("a URL that can be parsed");
        let index = compiler.compile(url, &mut schemas).expect("a schema");
        let verdicts = values
            .iter()
            .map(|value| schemas.validate(value, index).is_ok());
        verdicts.collect()
    }

    #[test]
    fn what_is_known_is_what_boon_says() {
        let rules = [
            json!({}),
            json!(true),
            json!(false),
            json!({"type": "string"}),
            json!({"type": ["integer", "null"]}),
            json!({"type": "number", "minimum": 1, "maximum": 5}),
            json!({"exclusiveMinimum": 1, "exclusiveMaximum": 5}),
            json!({"minimum": 1.5}),
            json!({"type": "object", "required": ["a"], "additionalProperties": false,
                "properties": {"a": {"type": "integer"}}}),
            json!({"additionalProperties": {"type": "string"}}),
            json!({"patternProperties": {"^a": {"type": "string"}}}),
            json!({"patternProperties": {"^a": {}}, "additionalProperties": false}),
            json!({"patternProperties": {"^bb": {}}, "properties": {"a": {}},
                "additionalProperties": {"type": "integer"}}),
            json!({"propertyNames": {"maxLength": 1}}),
            json!({"minProperties": 1, "maxProperties": 1}),
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"minItems": 1, "maxItems": 2}),
            json!({"uniqueItems": true}),
            json!({"uniqueItems": false}),
            json!({"contains": {"type": "string"}}),
            json!({"minLength": 2, "maxLength": 3}),
            json!({"pattern": "^a+$"}),
            json!({"format": "ipv4"}),
            json!({"enum": ["a", 1, null, true]}),
            json!({"enum": [[1]]}),
            json!({"const": 1}),
            json!({"enum": [0.5, 1.0, u64::MAX]}),
            json!({"const": {"a": 1}}),
            json!({"$ref": "#/definitions/text"}),
            json!({"$ref": "#/definitions/text", "title": "t", "default": 1}),
            json!({"$ref": "#/definitions/text", "maxLength": 1}),
            json!({"$ref": "#/definitions/list"}),
            json!({"then": false}),
            json!({"x-nobody": {"type": 1}, "default": 7, "examples": [1]}),
        ];
        let values = [
            json!(null),
            json!(true),
            json!(0),
            json!(1),
            json!(5),
            json!(1.0),
            json!(1.5),
            json!(-1),
            json!(u64::MAX),
            json!(i64::MAX),
            json!(1e19),
            json!("a"),
            json!("aa"),
            json!("\u{e9}\u{e9}\u{e9}\u{e9}"),
            json!("1.2.3.4"),
            json!([]),
            json!(["a"]),
            json!([1, 1]),
            json!([[1], ["a"]]),
            json!({}),
            json!({"a": 1}),
            json!({"a": "x"}),
            json!({"a": 1, "b": 2}),
            json!({"bb": "x"}),
        ];
        let drafts = [
            "draft-07/schema#",
            "draft/2019-09/schema",
            "draft/2020-12/schema",
        ];
        let (mut n_known, mut n_asked) = (0, 0);
        for draft in drafts {
            for one in &rules {
                for other in &rules {
                    let outer = [
                        json!({"allOf": [one, other]}),
                        json!({"anyOf": [one, other]}),
                        json!({"oneOf": [one, other]}),
                        json!({"not": one}),
                        json!({"if": one, "then": other}),
                        json!({"if": one, "then": false, "else": other}),
                        json!({"properties": {"a": one}, "additionalProperties": other}),
                        json!({"items": {"anyOf": [one, other]}}),
                    ];
                    for mut schema in outer {
                        schema["$schema"] = json!(format!("http://json-schema.org/{draft}"));
                        schema["definitions"] = json!({
                            "text": {"type": "string"},
                            "list": {"type": "array", "items": {"$ref": "#/definitions/list"}},
                        });
                        if !is_schema(&schema) {
                            continue;
                        }
                        let judged = judged(&schema, &values);
                        for (value, judged) in values.iter().zip(judged) {
                            n_asked += 1;
                            if let Some(verdict) = accepts(&schema, value) {
                                n_known += 1;
                                assert_eq!(verdict, judged, "{schema} {value}");
                            }
                        }
                    }
                }
            }
        }
        assert!(n_known * 4 > n_asked * 3, "{n_known} of {n_asked}");
    }

    #[test]
    fn references_are_followed_to_schemas_alone() {
        let with = |reference: &str| {
            json!({
                "properties": {"a": {"$ref": reference}},
                "x-ours": {"text": {"type": "string"}, "wrong": {"type": "text"}, "title": 1},
                "definitions": {"more": {"x-ours": {"pattern": "(?=a)"}}},
            })
        };
        for reference in ["#", "#/x-ours/text", "#/properties/a", "#/definitions/more"] {
            let schema = with(reference);
            assert_eq!(accepts(&schema, &json!({})), Some(true), "{reference}");
            assert_eq!(judged(&schema, &[json!({})]), [true], "{reference}");
        }
        let nowhere = [
            "#/definitions/none",
            "#/x-ours",
            "#/x-ours/wrong",
            "#/x-ours/title",
            "#/definitions/more/x-ours",
            "#/properties/a/$ref",
        ];
        for reference in nowhere {
            let schema = with(reference);
            assert!(is_schema(&schema), "{reference}");
            assert_eq!(accepts(&schema, &json!({})), None, "{reference}");
        }
    }

    #[test]
    fn references_without_end_are_left_to_boon() {
        let schema = json!({"$ref": "#/definitions/a", "definitions": {
            "a": {"anyOf": [{"$ref": "#/definitions/a"}]},
        }});
        assert_eq!(accepts(&schema, &json!(1)), None);
        let mut definitions = json!({"a50": false});
        for at in 0..50 {
            let next = json!({"$ref": format!("#/definitions/a{}", at + 1)});
            definitions[format!("a{at}")] = json!({"anyOf": [next, next]});
        }
        let schema = json!({"$ref": "#/definitions/a0", "definitions": definitions});
        assert_eq!(accepts(&schema, &json!(1)), None);
    }
}
