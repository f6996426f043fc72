//! Schemas that any reader sees to be schemas.
//!
//! To say so, boon compiles the metaschemas of all drafts and holds the schema
//! against one of them, which takes longer than all that follows. Most charts use
//! a dozen keywords in the way that the drafts 7, 2019-09 and 2020-12 agree on;
//! a schema with anything else is left to boon.

use regex::Regex;
use serde_json::{Map, Value};

/// Schemas within one another; deeper ones are boon's.
pub const MAX_DEPTH: usize = 64;

/// Values that are held against one another.
const MAX_DIFFERENT: usize = 256;

/// Without `http://` or `https://` and without an empty fragment; the first
/// is the newest one that boon knows.
const DRAFTS: [&str; 4] = [
    "json-schema.org/schema",
    "json-schema.org/draft/2020-12/schema",
    "json-schema.org/draft/2019-09/schema",
    "json-schema.org/draft-07/schema",
];

/// Keywords about which some metaschema has a rule that is not written here.
const OTHERS: [&str; 24] = [
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$vocabulary",
    "additionalItems",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "divisibleBy",
    "extends",
    "id",
    "maxContains",
    "minContains",
    "multipleOf",
    "prefixItems",
    "unevaluatedItems",
    "unevaluatedProperties",
    "disallow",
];

const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "null", "number", "object", "string",
];

/// Whether a document is valid against the metaschema of its draft for certain,
/// and refers to nothing but itself. `false` says nothing.
pub fn is_schema(document: &Value) -> bool {
    match document {
        Value::Object(keywords) => {
            let draft = keywords.get("$schema");
            draft.is_none_or(is_known) && all_fit(keywords, true, MAX_DEPTH)
        }
        _ => false,
    }
}

fn is_known(draft: &Value) -> bool {
    let draft = draft.as_str().unwrap_or_default();
    let draft = draft.strip_suffix('#').unwrap_or(draft);
    let schemes = ["https://", "http://"];
    let name = schemes.iter().find_map(|scheme| draft.strip_prefix(scheme));
    name.is_some_and(|name| DRAFTS.contains(&name))
}

fn all_fit(keywords: &Map<String, Value>, is_root: bool, depth: usize) -> bool {
    keywords
        .iter()
        .all(|(keyword, value)| fits(keyword, value, is_root, depth))
}

/// The same of a schema inside of a document.
pub fn is_subschema(value: &Value, depth: usize) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Object(keywords) => depth > 0 && all_fit(keywords, false, depth - 1),
        _ => false,
    }
}

fn fits(keyword: &str, value: &Value, is_root: bool, depth: usize) -> bool {
    let is_sub = |value: &Value| is_subschema(value, depth);
    match keyword {
        // Looked at where the document is.
        "$schema" => is_root,
        "$id" if is_root => value.as_str().is_some_and(is_url),
        "$ref" => value.as_str().is_some_and(is_local),
        "type" => is_type(value),
        "patternProperties" => value.as_object().is_some_and(|schemas| {
            schemas.keys().all(|key| is_pattern(key)) && schemas.values().all(is_sub)
        }),
        "pattern" => value.as_str().is_some_and(is_pattern),
        "properties" | "definitions" | "$defs" => value
            .as_object()
            .is_some_and(|schemas| schemas.values().all(is_sub)),
        "items"
        | "additionalProperties"
        | "propertyNames"
        | "contains"
        | "not"
        | "if"
        | "then"
        | "else" => is_subschema(value, depth),
        "allOf" | "anyOf" | "oneOf" => value
            .as_array()
            .is_some_and(|schemas| !schemas.is_empty() && schemas.iter().all(is_sub)),
        "required" => value
            .as_array()
            .is_some_and(|names| names.iter().all(Value::is_string) && are_different(names)),
        "enum" => value
            .as_array()
            .is_some_and(|values| !values.is_empty() && are_different(values)),
        "examples" => value.is_array(),
        "const" | "default" => true,
        "title" | "description" | "$comment" | "format" => value.is_string(),
        "deprecated" | "readOnly" | "writeOnly" | "uniqueItems" => value.is_boolean(),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            value.is_u64()
        }
        // Of a keyword that they do not know, the drafts say nothing.
        unknown => !OTHERS.contains(&unknown),
    }
}

/// A regular expression that means the same in ECMAScript and here.
fn is_pattern(text: &str) -> bool {
    let mut escapes = text.split('\\').skip(1);
    let is_plain = |behind: &str| {
        behind.starts_with(|escaped: char| r"dDwWsS.^$*+?()[]{}|/-".contains(escaped))
    };
    escapes.all(is_plain) && !text.contains("(?") && Regex::new(text).is_ok()
}

/// A URL without anything that needs a second look.
fn is_url(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    text.strip_prefix("https://").is_some_and(|rest| {
        rest.bytes().all(is_plain)
            && rest.starts_with(|first: char| first.is_ascii_alphabetic())
            && !rest.contains("..")
    })
}

/// Of a few simple values, whether no two are equal.
fn are_different(values: &[Value]) -> bool {
    let is_simple = |value: &Value| match value {
        Value::Number(number) => !number.is_f64(),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Array(_) | Value::Object(_) => false,
    };
    values.len() <= MAX_DIFFERENT
        && values.iter().all(is_simple)
        && (1..values.len()).all(|at| !values[..at].contains(&values[at]))
}

/// A reference to a place in the document that is written without escapes.
fn is_local(reference: &str) -> bool {
    reference.strip_prefix('#').is_some_and(|pointer| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-$".contains(&byte);
        pointer.bytes().all(is_plain) && (pointer.is_empty() || pointer.starts_with('/'))
    })
}

fn is_type(value: &Value) -> bool {
    let is_one = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::String(_) => is_one(value),
        Value::Array(names) => {
            !names.is_empty() && names.iter().all(is_one) && are_different(names)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_schema;
    use boon::{CompileError, Compiler, Schemas};
    use serde_json::{Value, json};

    /// Whether the metaschema has something against it.
    fn is_refused(schema: &Value) -> bool {
        let mut compiler = Compiler::new();
        let url = "file:///schema.json";
        compiler
            .add_resource(url, schema.clone())
            .expect("a URL that can be parsed");
        let compiled = compiler.compile(url, &mut Schemas::new());
        matches!(compiled, Err(CompileError::ValidationError { .. }))
    }

    #[test]
    fn what_passes_is_valid_against_its_metaschema() {
        let values = [
            json!(null),
            json!(true),
            json!(1),
            json!(-1),
            json!(1.5),
            json!(2.0),
            json!("string"),
            json!("("),
            json!("^a+\\d$"),
            json!("\\z"),
            json!("(?P<a>b)"),
            json!("#/definitions/a"),
            json!("# %"),
            json!("http://other/schema"),
            json!("https://other.example/values"),
            json!([]),
            json!(["string"]),
            json!(["string", "null"]),
            json!(["string", "string"]),
            json!([1, 1]),
            json!([{}]),
            json!([{"type": 1}]),
            json!([true]),
            json!({}),
            json!({"type": "object"}),
            json!({"type": "thing"}),
            json!({"a": {"type": "string"}}),
            json!({"a": {"type": "thing"}}),
            json!({"a": 1}),
            json!({"(": {}}),
            json!({"^a+\\.": {}}),
            json!({"(?i)a": {}}),
            json!({"$schema": "http://json-schema.org/draft-04/schema#"}),
        ];
        let keywords = [
            "$schema",
            "$ref",
            "$id",
            "id",
            "$anchor",
            "$vocabulary",
            "type",
            "properties",
            "patternProperties",
            "definitions",
            "$defs",
            "items",
            "prefixItems",
            "additionalItems",
            "additionalProperties",
            "propertyNames",
            "contains",
            "not",
            "if",
            "then",
            "else",
            "allOf",
            "anyOf",
            "oneOf",
            "required",
            "enum",
            "examples",
            "const",
            "default",
            "title",
            "description",
            "$comment",
            "format",
            "pattern",
            "deprecated",
            "readOnly",
            "writeOnly",
            "uniqueItems",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
            "minContains",
            "dependencies",
            "dependentRequired",
            "dependentSchemas",
            "unevaluatedItems",
            "contentMediaType",
            "x-of-nobody",
        ];
        let drafts = super::DRAFTS.map(|draft| json!({ "$schema": format!("http://{draft}#") }));
        let mut n_passed = 0;
        for base in drafts.into_iter().chain([json!({})]) {
            for keyword in keywords {
                for value in &values {
                    let mut outer = base.clone();
                    let inner = json!({ keyword: value });
                    let sub = json!({"type": "object", "properties": {"p": inner}});
                    outer[keyword] = value.clone();
                    let mut nested = base.clone();
                    nested["allOf"] = json!([sub]);
                    for schema in [outer, nested] {
                        let passes = is_schema(&schema);
                        n_passed += usize::from(passes);
                        assert!(!passes || !is_refused(&schema), "{schema}");
                    }
                }
            }
        }
        assert!(n_passed > 2_000, "{n_passed}");
    }

    #[test]
    fn a_schema_as_charts_have_them_passes() {
        assert!(is_schema(&json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "Values",
            "type": "object",
            "additionalProperties": false,
            "required": ["image"],
            "properties": {
                "image": {"$ref": "#/definitions/image"},
                "replicas": {"type": ["integer", "null"], "minimum": 0, "default": 1},
            },
            "definitions": {
                "image": {"type": "object", "properties": {"tag": {"type": "string"}}},
            },
        })));
    }

    #[test]
    fn a_schema_without_end_is_left_alone() {
        let mut schema = json!({});
        for _ in 0..200 {
            schema = json!({ "not": schema });
        }
        assert!(!is_schema(&schema));
    }
}
