//! values.schema.json of a chart and of its subcharts.
//!
//! boon validates (its author wrote Helm's validator too); the texts here are
//! those of the Go side. What Go prints in the random order of its maps comes
//! in the order of the names.

mod plain;

mod accept;

mod remote;

use self::accept::Outcome;
use super::node::Node;
use crate::gotmpl::{Map, Val};
use boon::{CompileError, Compiler, ErrorKind, Schemas, UrlLoader, ValidationError};
use serde_json::{Number, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// Values that a schema refuses, or a schema that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
pub struct SchemaError(String);

/// Where the schema of a chart is said to stand.
const SCHEMA_URL: &str = "file:///values.schema.json";
/// Alternatives in alternatives, when they are printed.
const MAX_CAUSE_DEPTH: usize = 64;

/// Checks the final values of a chart and of its subcharts. A reference to a
/// document of another host is taken as a schema that allows anything, with a
/// warning: a chart must not make the agent ask any host it likes.
pub fn validate(chart: &Node, values: &Map, warnings: &mut Vec<String>) -> Result<(), SchemaError> {
    let mut faults = String::new();
    validate_into(chart, values, warnings, &mut faults);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(SchemaError(faults))
    }
}

fn validate_into(chart: &Node, values: &Map, warnings: &mut Vec<String>, faults: &mut String) {
    if let Some(schema) = &chart.schema
        && let Err(fault) = validate_one(schema, values, warnings)
    {
        faults.push_str(&format!("{}:\n{fault}", chart.name()));
    }
    for sub in chart.dependencies() {
        match values.get(&sub.name()) {
            None | Some(Val::Nil) => {}
            Some(Val::Map(values)) => validate_into(&sub, &values, warnings, faults),
            Some(other) => faults.push_str(&format!(
                "{}:\ninvalid type for values: expected object (map), got {}\n",
                sub.name(),
                other.type_name()
            )),
        }
    }
}

fn validate_one(schema: &[u8], values: &Map, warnings: &mut Vec<String>) -> Result<(), String> {
    let parse = || -> Result<Value, String> {
        serde_json::from_slice(schema).map_err(|error| {
            if error.is_eof() {
                "unexpected EOF".to_owned()
            } else {
                error.to_string()
            }
        })
    };
    let mut schema = parse()?;
    warnings.extend(not_fetched(&remote::cut_off(&mut schema)));
    let instance = to_json(&Val::Map(values.clone()));
    let outcome = accept::judge(&schema, &instance);
    if let Outcome::Excessive(excess) = outcome {
        return Err(format!("values.schema.json takes too much: {excess}\n"));
    }
    if plain::is_schema(&schema) {
        if outcome == Outcome::Accepted {
            debug_assert!(is_valid(schema, &instance));
            return Ok(());
        }
        if is_valid(schema, &instance) {
            return Ok(());
        }
        // What to say about it is found by the longer way.
        schema = parse()?;
        remote::cut_off(&mut schema);
    }
    let elsewhere = Elsewhere::default();
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.use_loader(Box::new(elsewhere.clone()));
    compiler
        .add_resource(SCHEMA_URL, schema)
        .map_err(|error| compile_text(&error))?;
    let compiled = compiler.compile(SCHEMA_URL, &mut schemas);
    warnings.extend(not_fetched(&elsewhere.0.borrow()));
    let index = compiled.map_err(|error| compile_text(&error))?;
    schemas
        .validate(&instance, index)
        .map_err(|error| report(&error))
}

/// The warning about documents that are taken to allow anything.
fn not_fetched(documents: &[String]) -> Option<String> {
    let (first, more) = documents.split_first()?;
    let (what, are) = match more.len() {
        0 => (first.clone(), "is"),
        1 => (format!("{first} and another document"), "are"),
        n => (format!("{first} and {n} other documents"), "are"),
    };
    Some(format!(
        "values.schema.json refers to {what}, which {are} not fetched: anything is allowed there"
    ))
}

/// Whether a schema that is one for certain, and refers to itself alone, accepts
/// the values.
fn is_valid(schema: Value, instance: &Value) -> bool {
    // boon does not hold the documents of this host against a metaschema.
    const URL: &str = "a://json-schema.org/";
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.use_loader(Box::new(Elsewhere::default()));
    if compiler.add_resource(URL, schema).is_err() {
        return false;
    }
    match compiler.compile(URL, &mut schemas) {
        Ok(index) => schemas.validate(instance, index).is_ok(),
        Err(_) => false,
    }
}

/// The documents of other hosts that a schema refers to, each of which allows
/// anything.
#[derive(Clone, Default)]
struct Elsewhere(Rc<RefCell<Vec<String>>>);

impl UrlLoader for Elsewhere {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        if !["https:", "http:", "urn:"]
            .iter()
            .any(|it| url.starts_with(it))
        {
            return Err("not in the chart".into());
        }
        self.0.borrow_mut().push(url.to_owned());
        Ok(Value::Bool(true))
    }
}

fn compile_text(error: &CompileError) -> String {
    match error {
        CompileError::ValidationError { url, src } => {
            let mut text = format!("{url:?} is not valid against metaschema: ");
            print(src, 0, &mut text);
            text
        }
        CompileError::JsonPointerNotFound(pointer) => {
            format!("json-pointer in {pointer:?} not found")
        }
        CompileError::LoadUrlError { url, src } => format!("failing loading {url:?}: {src}"),
        other => other.to_string(),
    }
}

/// The error as Helm prints it: without its first line.
fn report(error: &ValidationError<'_, '_>) -> String {
    let mut text = String::new();
    print(error, 0, &mut text);
    let head = format!("jsonschema validation failed with '{SCHEMA_URL}#'\n");
    let text = text.strip_prefix(&head).unwrap_or(&text);
    format!("{text}\n")
}

fn print(error: &ValidationError<'_, '_>, indent: usize, out: &mut String) {
    let is_passed_over =
        error.causes.len() == 1 && matches!(error.kind, ErrorKind::Reference { .. });
    let mut inner = indent;
    if !is_passed_over {
        if indent > 0 {
            out.push('\n');
            out.push_str(&"  ".repeat(indent - 1));
            out.push_str("- ");
        }
        inner += 1;
        if let ErrorKind::Schema { url } = &error.kind {
            let url = if url.contains('#') {
                (*url).to_owned()
            } else {
                format!("{url}#")
            };
            out.push_str(&format!(
                "jsonschema validation failed with {}",
                quote(&url)
            ));
        } else {
            let at = quote(&error.instance_location.to_string());
            out.push_str(&format!("at {at}: {}", words(&error.kind)));
        }
    }
    if inner > MAX_CAUSE_DEPTH {
        return;
    }
    for cause in &error.causes {
        print(cause, inner, out);
    }
}

fn words(kind: &ErrorKind<'_, '_>) -> String {
    match kind {
        ErrorKind::Group | ErrorKind::Reference { .. } => "validation failed".to_owned(),
        ErrorKind::Schema { url } => format!("jsonschema validation failed with {}", quote(url)),
        ErrorKind::ContentSchema => "'contentSchema' failed".to_owned(),
        ErrorKind::PropertyName { prop } => format!("invalid propertyName {}", quote(prop)),
        ErrorKind::RefCycle {
            url,
            kw_loc1,
            kw_loc2,
        } => format!("both {kw_loc1} and {kw_loc2} resolve to {url:?} causing reference cycle"),
        ErrorKind::FalseSchema => "false schema".to_owned(),
        ErrorKind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|t| t.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::Enum { want } => match &want[..] {
            want if !want.iter().all(is_primitive) => "'enum' failed".to_owned(),
            [one] => format!("value must be {}", display(one)),
            several => {
                let several: Vec<String> = several.iter().map(display).collect();
                format!("value must be one of {}", several.join(", "))
            }
        },
        ErrorKind::Const { want } if is_primitive(want) => {
            format!("value must be {}", display(want))
        }
        ErrorKind::Const { .. } => "'const' failed".to_owned(),
        ErrorKind::Format { got, want, err } => {
            format!("{} is not valid {want}: {err}", display(got))
        }
        ErrorKind::MinProperties { got, want } => counts("minProperties", *got, *want),
        ErrorKind::MaxProperties { got, want } => counts("maxProperties", *got, *want),
        ErrorKind::AdditionalProperties { got } => {
            format!("additional properties {} not allowed", quoted(got))
        }
        ErrorKind::Required { want } => match &want[..] {
            [one] => format!("missing property {}", quote(one)),
            several => format!("missing properties {}", quoted(several)),
        },
        ErrorKind::Dependency { prop, missing }
        | ErrorKind::DependentRequired { prop, missing } => {
            let missing = quoted(missing);
            format!("properties {missing} required, if {} exists", quote(prop))
        }
        ErrorKind::MinItems { got, want } => counts("minItems", *got, *want),
        ErrorKind::MaxItems { got, want } => counts("maxItems", *got, *want),
        ErrorKind::Contains => "no items match contains schema".to_owned(),
        ErrorKind::MinContains { got, want } if got.is_empty() => {
            format!("min {want} items required to match contains schema, but none matched")
        }
        ErrorKind::MinContains { got, want } => matched("min", got, *want),
        ErrorKind::MaxContains { got, want } => matched("max", got, *want),
        ErrorKind::UniqueItems { got: [one, two] } => {
            format!("items at {one} and {two} are equal")
        }
        ErrorKind::AdditionalItems { got } => {
            format!(
                "last {} additionalItem(s) not allowed",
                grouped(&got.to_string())
            )
        }
        ErrorKind::MinLength { got, want } => counts("minLength", *got, *want),
        ErrorKind::MaxLength { got, want } => counts("maxLength", *got, *want),
        ErrorKind::Pattern { got, want } => {
            format!("{} does not match pattern {}", quote(got), quote(want))
        }
        ErrorKind::ContentEncoding { want, err } => {
            format!("value is not {} encoded: {err}", quote(want))
        }
        ErrorKind::ContentMediaType { want, err, .. } => {
            format!("value if not of mediatype {}: {err}", quote(want))
        }
        ErrorKind::Minimum { got, want } => numbers("minimum", got, want),
        ErrorKind::Maximum { got, want } => numbers("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => numbers("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => numbers("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => numbers("multipleOf", got, want),
        ErrorKind::Not => "'not' failed".to_owned(),
        ErrorKind::AllOf => "'allOf' failed".to_owned(),
        ErrorKind::AnyOf => "'anyOf' failed".to_owned(),
        ErrorKind::OneOf(None) => "'oneOf' failed, none matched".to_owned(),
        ErrorKind::OneOf(Some((one, two))) => {
            format!("'oneOf' failed, subschemas {one}, {two} matched")
        }
    }
}

fn counts(what: &str, got: usize, want: usize) -> String {
    let (got, want) = (grouped(&got.to_string()), grouped(&want.to_string()));
    format!("{what}: got {got}, want {want}")
}

fn numbers(what: &str, got: &Number, want: &Number) -> String {
    format!("{what}: got {}, want {}", english(got), english(want))
}

fn matched(what: &str, got: &[usize], want: usize) -> String {
    let places: Vec<String> = got.iter().map(usize::to_string).collect();
    format!(
        "{what} {want} items required to match contains schema, but matched {} items at {}",
        got.len(),
        places.join(" ")
    )
}

/// A number as Go's English printer writes floats.
fn english(number: &Number) -> String {
    let value = number.as_f64().unwrap_or_default();
    let plain = format!("{value}");
    grouped(&plain)
}

/// `12345.6` as `12,345.6`.
fn grouped(plain: &str) -> String {
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain),
    };
    let (whole, fraction) = match digits.find('.') {
        Some(at) => digits.split_at(at),
        None => (digits, ""),
    };
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(fraction);
    out
}

fn is_primitive(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn display(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Null => "<nil>".to_owned(),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
    }
}

fn quote(text: &str) -> String {
    let go = crate::gotmpl::strconv::quote(text.as_bytes());
    let inner = go[1..go.len() - 1]
        .replace("\\\"", "\"")
        .replace('\'', "\\'");
    format!("'{inner}'")
}

fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<String> = names.iter().map(|name| quote(name.as_ref())).collect();
    names.join(", ")
}

/// Values for the validator. What JSON cannot hold is null.
fn to_json(value: &Val) -> Value {
    match value {
        Val::Bool(flag) => Value::Bool(*flag),
        Val::Int(number) | Val::Int64(number) => Value::from(*number),
        Val::Uint8(number) => Value::from(*number),
        Val::Uint64(number) => Value::from(*number),
        Val::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Val::Str(text) => Value::from(text.to_text()),
        Val::List(list) => Value::Array(list.items().iter().map(to_json).collect()),
        Val::Map(map) => {
            let entries = map.entries();
            let entries = entries
                .iter()
                .map(|(key, value)| (key.to_text().into_owned(), to_json(value)));
            Value::Object(entries.collect())
        }
        Val::Nil | Val::Bytes(_) | Val::Object(_) => Value::Null,
    }
}
