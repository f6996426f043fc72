//! Typed fields out of YAML, as sigs.k8s.io/yaml with Go's encoding/json
//! fills a struct: numbers and booleans become strings where a string is
//! wanted, keys match regardless of case, the first mismatch is the error.

use crate::value::{Map, Value};

/// The first field that did not fit, in the words of encoding/json.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go {into}"
)]
pub struct FieldError {
    found: &'static str,
    into: String,
}

/// Where in a document a value stands, and the first error met so far.
pub struct Decoder {
    fields: Vec<&'static str>,
    first_error: Option<FieldError>,
}

impl Decoder {
    pub fn new() -> Self {
        Decoder {
            fields: Vec::new(),
            first_error: None,
        }
    }

    pub fn finish(self) -> Result<(), FieldError> {
        self.first_error.map_or(Ok(()), Err)
    }

    /// Calls `set` for each of `names` that the map holds. `owner` is the
    /// name of the Go struct, `go_type` its name with the package.
    pub fn fields<'v>(
        &mut self,
        value: &'v Value,
        owner: &'static str,
        go_type: &str,
        names: &[&'static str],
        mut set: impl FnMut(&mut Self, &'static str, &'v Value),
    ) {
        let map = match value {
            Value::Map(map) => map,
            Value::Null => return,
            other => return self.mismatch_at(owner, other, go_type),
        };
        for (key, value) in map.iter() {
            let name = names
                .iter()
                .find(|name| **name == key)
                .or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(key)));
            if let Some(name) = name {
                self.fields.push(name);
                set(self, name, value);
                self.fields.pop();
            }
        }
    }

    pub fn string(&mut self, owner: &str, value: &Value, into: &mut String) {
        match value {
            Value::Null => {}
            Value::Str(text) => into.clone_from(text),
            Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => {
                *into = scalar_text(value);
            }
            Value::Seq(_) | Value::Map(_) => self.mismatch_at(owner, value, "string"),
        }
    }

    pub fn bool(&mut self, owner: &str, value: &Value, into: &mut bool) {
        match value {
            Value::Null => {}
            Value::Bool(flag) => *into = *flag,
            other => self.mismatch_at(owner, other, "bool"),
        }
    }

    pub fn strings(&mut self, owner: &str, value: &Value, into: &mut Vec<String>) {
        self.items(owner, value, "[]string", into, |decoder, item| {
            let mut text = String::new();
            decoder.string(owner, item, &mut text);
            text
        });
    }

    pub fn items<T>(
        &mut self,
        owner: &str,
        value: &Value,
        go_type: &str,
        into: &mut Vec<T>,
        mut each: impl FnMut(&mut Self, &Value) -> T,
    ) {
        match value {
            Value::Null => into.clear(),
            Value::Seq(items) => *into = items.iter().map(|item| each(self, item)).collect(),
            other => self.mismatch_at(owner, other, go_type),
        }
    }

    /// A map of strings; `None` stands for Go's nil map.
    pub fn string_map(
        &mut self,
        owner: &str,
        value: &Value,
        into: &mut Option<Vec<(String, String)>>,
    ) {
        match value {
            Value::Null => *into = None,
            Value::Map(map) => *into = Some(self.pairs(owner, map)),
            other => self.mismatch_at(owner, other, "map[string]string"),
        }
    }

    fn pairs(&mut self, owner: &str, map: &Map) -> Vec<(String, String)> {
        map.iter()
            .map(|(key, value)| {
                let mut text = String::new();
                self.string(owner, value, &mut text);
                (key.to_owned(), text)
            })
            .collect()
    }

    fn mismatch_at(&mut self, owner: &str, value: &Value, go_type: &str) {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
            Value::Str(_) => "string",
            Value::Seq(_) => "array",
            Value::Map(_) => "object",
        };
        let into = if self.fields.is_empty() {
            format!("value of type {go_type}")
        } else {
            let path = self.fields.join(".");
            format!("struct field {owner}.{path} of type {go_type}")
        };
        self.first_error.get_or_insert(FieldError { found, into });
    }
}

/// A scalar where Go wants a string: floats as FormatFloat(f, 'g', -1, 32).
fn scalar_text(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) => short_float(*number as f32),
        Value::Str(text) => text.clone(),
        Value::Null | Value::Seq(_) | Value::Map(_) => String::new(),
    }
}

fn short_float(number: f32) -> String {
    if !number.is_finite() {
        return match number {
            n if n.is_nan() => "NaN".to_owned(),
            n if n > 0.0 => "+Inf".to_owned(),
            _ => "-Inf".to_owned(),
        };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("Rust's {:e} always writes an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a small number");
    // Go decides between the two forms as for %g with six digits.
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    } else {
        format!("{number}")
    }
}
