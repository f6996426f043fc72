//! What a schema says of values, where that is beyond doubt, and how much it takes to
//! say so.
//!
//! boon compiles every schema of a document before it looks at the first value, which
//! takes longer than a chart's render, and follows references and alternatives
//! without any limit: a chain of them ends its stack, and those that double never end.
//! So all documents run through here first.

use super::plain;
use regex::Regex;
use serde_json::{Map, Number, Value};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ptr;

/// Schemas and references within one another, values within one another counted in.
const MAX_DEPTH: usize = 400;
/// Schemas that are held against a value: alternatives in alternatives double them.
const MAX_STEPS: u32 = 1_000_000;
/// References that are not followed here, such as those to anchors: behind each may be
/// as much again.
const MAX_LOST: usize = 16;
/// Objects in a document that is left to boon, whose time grows with their square.
const MAX_OBJECTS: usize = 10_000;

/// What comes of a document and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The document, if it [is a schema](super::plain::is_schema), has nothing against
    /// the value.
    Accepted,
    /// boon may tell.
    Open,
    /// To tell would take more than a render may.
    Excessive(Excess),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    #[error("schemas and references lie more than {MAX_DEPTH} deep within one another")]
    Depth,
    #[error("more than {MAX_STEPS} schemas are to be held against the values")]
    Steps,
    #[error(
        "more than {MAX_LOST} references lead elsewhere than to a place of the document, such as \
         #/definitions/name"
    )]
    References,
    #[error("it holds more than {MAX_OBJECTS} objects")]
    Objects,
}

/// Holds a value against a document.
pub fn judge(document: &Value, value: &Value) -> Outcome {
    let judge = Judge {
        document,
        n_left: Cell::new(MAX_STEPS),
        excess: Cell::new(None),
        path: RefCell::default(),
        patterns: RefCell::default(),
    };
    let verdict = judge.schema(document, value, MAX_DEPTH);
    if let Some(excess) = judge.excess.get() {
        return Outcome::Excessive(excess);
    }
    let (n_objects, references) = size(document);
    let lost = references
        .iter()
        .filter(|(reference, _)| !judge.leads_to_schema(reference));
    let n_lost: usize = lost.map(|(_, n)| n).sum();
    // A reference that leads nowhere is an error even where no value gets there.
    if verdict == Some(true) && n_lost == 0 {
        return Outcome::Accepted;
    }
    if n_lost > MAX_LOST {
        return Outcome::Excessive(Excess::References);
    }
    if n_objects > MAX_OBJECTS {
        return Outcome::Excessive(Excess::Objects);
    }
    Outcome::Open
}

struct Judge<'s> {
    document: &'s Value,
    n_left: Cell<u32>,
    excess: Cell<Option<Excess>>,
    /// The schemas behind references that are held against a value at the moment, and
    /// the value: of a circle, boon knows what to say.
    path: RefCell<Vec<(*const Value, *const Value)>>,
    /// Patterns by their text: many values are held against one.
    patterns: RefCell<HashMap<&'s str, Option<Regex>>>,
}

/// Whether all hold: one that does not outweighs those that nobody knows of. All are
/// looked at, as by boon, or their number would not count.
fn all(verdicts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for verdict in verdicts {
        all = match (all, verdict) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
    }
    all
}

fn any(verdicts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    not(all(verdicts.into_iter().map(not)))
}

fn not(verdict: Option<bool>) -> Option<bool> {
    verdict.map(|holds| !holds)
}

impl<'s> Judge<'s> {
    fn schema(&self, schema: &'s Value, value: &Value, depth: usize) -> Option<bool> {
        let Some(depth) = depth.checked_sub(1) else {
            return self.exceeds(Excess::Depth);
        };
        let Some(n_left) = self.n_left.get().checked_sub(1) else {
            return self.exceeds(Excess::Steps);
        };
        self.n_left.set(n_left);
        match schema {
            Value::Bool(flag) => Some(*flag),
            Value::Object(keywords) => {
                let rules = keywords.iter();
                let beside =
                    all(rules.map(|(name, rule)| self.keyword(keywords, name, rule, value, depth)));
                let Some(reference) = keywords.get("$ref") else {
                    return beside;
                };
                let referred = self.reference(reference, value, depth);
                // The drafts differ in whether anything counts beside a reference.
                match (referred, beside) {
                    (Some(false), _) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn exceeds(&self, excess: Excess) -> Option<bool> {
        self.excess.set(Some(excess));
        None
    }

    fn reference(&self, reference: &Value, value: &Value, depth: usize) -> Option<bool> {
        let referred = self.referred(reference.as_str()?)?;
        let step = (ptr::from_ref(referred), ptr::from_ref(value));
        if self.path.borrow().contains(&step) {
            return None;
        }
        self.path.borrow_mut().push(step);
        let verdict = self.schema(referred, value, depth);
        self.path.borrow_mut().pop();
        verdict
    }

    fn pattern(&self, text: &'s str) -> Option<Regex> {
        let mut patterns = self.patterns.borrow_mut();
        let pattern = patterns.entry(text);
        pattern.or_insert_with(|| Regex::new(text).ok()).clone()
    }

    /// What stands at a pointer.
    fn referred(&self, reference: &str) -> Option<&'s Value> {
        self.document.pointer(reference.strip_prefix('#')?)
    }

    fn leads_to_schema(&self, reference: &str) -> bool {
        let mut steps = reference.split('/').skip(1);
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
        self.referred(reference)
            .is_some_and(|referred| is_read || plain::is_subschema(referred, plain::MAX_DEPTH))
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
                let verdicts: Vec<Option<bool>> = each(rule.as_array()?).collect();
                let verdicts: Option<Vec<bool>> = verdicts.into_iter().collect();
                Some(verdicts?.into_iter().filter(|holds| *holds).count() == 1)
            }
            "not" => not(self.schema(rule, value, depth)),
            "if" => {
                let holds = self.schema(rule, value, depth);
                let branch = |name| {
                    let rule = keywords.get(name);
                    rule.map_or(Some(true), |rule| self.schema(rule, value, depth))
                };
                let (then, otherwise) = (branch("then"), branch("else"));
                if holds? { then } else { otherwise }
            }
            "$dynamicRef" | "$recursiveRef" => {
                self.reference(rule, value, depth);
                None
            }
            _ => match value {
                Value::Object(value) => self.of_object(keywords, name, rule, value, depth),
                Value::Array(value) => self.of_array(name, rule, value, depth),
                Value::String(value) if name == "pattern" => {
                    Some(self.pattern(rule.as_str()?)?.is_match(value))
                }
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
                let pattern = self.pattern(pattern);
                let is_matching = |key: &str| pattern.as_ref().is_none_or(|it| it.is_match(key));
                let matching = value.iter().filter(|(key, _)| is_matching(key));
                let verdict = all(matching.map(|(_, value)| self.schema(rule, value, depth)));
                verdict.filter(|_| pattern.is_some())
            })),
            "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                let patterns = keywords.get("patternProperties").and_then(Value::as_object);
                let patterns = patterns.into_iter().flat_map(Map::keys);
                let patterns: Vec<Option<Regex>> =
                    patterns.map(|pattern| self.pattern(pattern)).collect();
                let is_additional = |key: &String| {
                    known.is_none_or(|known| !known.contains_key(key))
                        && !patterns
                            .iter()
                            .flatten()
                            .any(|pattern| pattern.is_match(key))
                };
                let additional = value.iter().filter(|(key, _)| is_additional(key));
                let verdict = all(additional.map(|(_, value)| self.schema(rule, value, depth)));
                verdict.filter(|_| patterns.iter().all(Option::is_some))
            }
            "propertyNames" => all(value
                .keys()
                .map(|key| self.schema(rule, &Value::from(key.as_str()), depth))),
            // Of what is_schema knows nothing, only the work counts.
            "dependencies" | "dependentSchemas" => {
                let present = rule.as_object()?.iter();
                let present = present.filter(|(name, _)| value.contains_key(*name));
                let whole = Value::Object(value.clone());
                for (_, rule) in present {
                    self.schema(rule, &whole, depth);
                }
                None
            }
            "unevaluatedProperties" => {
                for value in value.values() {
                    self.schema(rule, value, depth);
                }
                None
            }
            _ => Some(true),
        }
    }

    fn of_array(&self, name: &str, rule: &'s Value, value: &[Value], depth: usize) -> Option<bool> {
        match name {
            "items" if !rule.is_array() => {
                all(value.iter().map(|item| self.schema(rule, item, depth)))
            }
            "minItems" => Some(value.len() as u64 >= rule.as_u64()?),
            "maxItems" => Some(value.len() as u64 <= rule.as_u64()?),
            "uniqueItems" if !rule.as_bool()? || value.len() < 2 => Some(true),
            "uniqueItems" => None,
            "contains" | "additionalItems" | "unevaluatedItems" => {
                for item in value {
                    self.schema(rule, item, depth);
                }
                None
            }
            "items" | "prefixItems" => {
                for (rule, item) in rule.as_array()?.iter().zip(value) {
                    self.schema(rule, item, depth);
                }
                None
            }
            _ => Some(true),
        }
    }
}

/// The number of objects inside of a document, and the references, how often each.
fn size(document: &Value) -> (usize, BTreeMap<&str, usize>) {
    let (mut n_objects, mut references) = (0, BTreeMap::new());
    let mut rest = vec![document];
    while let Some(inside) = rest.pop() {
        match inside {
            Value::Array(items) => rest.extend(items),
            Value::Object(keywords) => {
                n_objects += 1;
                for name in ["$ref", "$dynamicRef", "$recursiveRef"] {
                    if let Some(Value::String(reference)) = keywords.get(name) {
                        *references.entry(reference.as_str()).or_default() += 1;
                    }
                }
                rest.extend(keywords.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    (n_objects, references)
}

fn of_string(name: &str, rule: &Value, value: &str) -> Option<bool> {
    match name {
        "minLength" => Some(value.chars().count() as u64 >= rule.as_u64()?),
        "maxLength" => Some(value.chars().count() as u64 <= rule.as_u64()?),
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
    use super::{Excess, Outcome, judge};
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
    fn what_is_accepted_boon_accepts() {
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
        let (mut n_accepted, mut n_valid) = (0, 0);
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
                            let is_accepted = judge(&schema, value) == Outcome::Accepted;
                            assert!(judged || !is_accepted, "{schema} {value}");
                            n_valid += usize::from(judged);
                            n_accepted += usize::from(is_accepted);
                        }
                    }
                }
            }
        }
        assert!(n_accepted * 4 > n_valid * 3, "{n_accepted} of {n_valid}");
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
            assert_eq!(judge(&schema, &json!({})), Outcome::Accepted, "{reference}");
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
            assert_eq!(judge(&schema, &json!({})), Outcome::Open, "{reference}");
        }
    }

    /// `a0` leads to `a1` and so on.
    fn chain(length: usize, link: impl Fn(Value) -> Value) -> Value {
        let mut definitions = json!({});
        for at in 0..length {
            let next = json!({"$ref": format!("#/definitions/a{}", at + 1)});
            definitions[format!("a{at}")] = link(next);
        }
        definitions[format!("a{length}")] = json!({"type": "integer"});
        json!({"$ref": "#/definitions/a0", "definitions": definitions})
    }

    /// CVE-2025-32387
    #[test]
    fn what_takes_too_much_is_not_left_to_boon() {
        let excess = |schema: &Value| match judge(schema, &json!(1)) {
            Outcome::Excessive(excess) => Some(excess),
            Outcome::Accepted | Outcome::Open => None,
        };
        assert_eq!(excess(&chain(100, |next| next)), None);
        assert_eq!(excess(&chain(20_000, |next| next)), Some(Excess::Depth));
        let links: [fn(Value) -> Value; 5] = [
            |next| json!({"anyOf": [next, next]}),
            |next| json!({"type": "string", "allOf": [next, {"not": next}]}),
            |next| json!({"if": next, "then": next, "else": next}),
            |next| json!({"oneOf": [false, next, next]}),
            |next| json!({"dependentSchemas": {"a": next}, "anyOf": [next, next]}),
        ];
        for link in links {
            let schema = chain(50, link);
            assert_eq!(excess(&schema), Some(Excess::Steps), "{schema}");
        }
        let object = json!({"a": {"a": {"a": 1}}});
        let schema = chain(
            50,
            |next| json!({"dependentSchemas": {"a": {"allOf": [next, next]}}}),
        );
        assert_eq!(judge(&schema, &object), Outcome::Excessive(Excess::Steps));
        let schema = chain(20_000, |next| json!({"dependencies": {"a": next}}));
        assert_eq!(judge(&schema, &object), Outcome::Excessive(Excess::Depth));
        let anchors = chain(100, |_| json!({"$ref": "#anchor"}));
        assert_eq!(excess(&anchors), Some(Excess::References));
        let wide = json!({"uniqueItems": true, "enum": vec![json!({}); 20_000]});
        assert_eq!(excess(&wide), Some(Excess::Objects));
    }

    #[test]
    fn circles_are_left_to_boon() {
        let schema = json!({"$ref": "#/definitions/a", "definitions": {
            "a": {"anyOf": [{"$ref": "#/definitions/a"}]},
        }});
        assert_eq!(judge(&schema, &json!(1)), Outcome::Open);
    }
}
