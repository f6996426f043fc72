//! Collects faults, and reads objects that are in the form of `decode`.

use super::formats::{Faults, NOT_NEGATIVE};
use crate::sandbox::status::FieldError;
use crate::value::{Map, Value};

#[derive(Default)]
pub struct Check {
    faults: Vec<FieldError>,
}

impl Check {
    pub fn into_faults(self) -> Vec<FieldError> {
        self.faults
    }

    pub fn required(&mut self, path: impl Into<String>, detail: &str) {
        self.faults.push(FieldError::required(path, detail));
    }

    pub fn invalid(&mut self, path: impl Into<String>, value: Option<&Value>, detail: &str) {
        let value = value.unwrap_or(&Value::Null);
        self.faults.push(FieldError::invalid(path, value, detail));
    }

    pub fn invalid_text(&mut self, path: impl Into<String>, text: &str, detail: &str) {
        self.invalid(path, Some(&Value::from(text)), detail);
    }

    pub fn duplicate(&mut self, path: impl Into<String>, value: &Value) {
        self.faults.push(FieldError::duplicate(path, value));
    }

    pub fn forbidden(&mut self, path: impl Into<String>, detail: &str) {
        self.faults.push(FieldError::forbidden(path, detail));
    }

    pub fn not_found(&mut self, path: impl Into<String>, value: &Value) {
        self.faults.push(FieldError::not_found(path, value));
    }

    pub fn too_long(&mut self, path: impl Into<String>, most: usize) {
        self.faults.push(FieldError::too_long(path, most));
    }

    pub fn not_supported(&mut self, path: impl Into<String>, value: &Value, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|s| (*s).to_owned()).collect();
        self.faults
            .push(FieldError::not_supported(path, value, &supported));
    }

    /// One fault for each way in which a text has another form.
    pub fn form(&mut self, path: &str, text: &str, faults: Faults) {
        for fault in faults {
            self.invalid_text(path, text, &fault);
        }
    }

    pub fn not_negative(&mut self, path: impl Into<String>, value: Option<&Value>) {
        if value.and_then(Value::as_i64).is_some_and(|n| n < 0) {
            self.invalid(path, value, NOT_NEGATIVE);
        }
    }

    /// One of a set of words; an absent value is no fault here.
    pub fn one_of(&mut self, path: impl Into<String>, value: Option<&Value>, words: &[&str]) {
        if let Some(value) = value
            && !value.as_str().is_some_and(|text| words.contains(&text))
        {
            self.not_supported(path, value, words);
        }
    }

    pub fn immutable(&mut self, path: &str, new: Option<&Value>, old: Option<&Value>) {
        if !same(new, old) {
            self.invalid(path, new, super::formats::IMMUTABLE);
        }
    }
}

/// Equal as the server compares: nothing, null and empty are one.
pub fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    fn is_nothing(value: Option<&Value>) -> bool {
        match value {
            None | Some(Value::Null) => true,
            Some(Value::Seq(items)) => items.is_empty(),
            Some(_) => false,
        }
    }
    a == b || (is_nothing(a) && is_nothing(b))
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list; none where it is absent.
pub fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_seq).unwrap_or_default()
}

pub fn map<'a>(value: &'a Value, key: &str) -> &'a Map {
    static EMPTY: Map = Map::new();
    value.get(key).and_then(Value::as_map).unwrap_or(&EMPTY)
}

pub fn int(value: &Value, key: &str) -> Option<i64> {
    value.get(key).and_then(Value::as_i64)
}

/// A value that is there and not null.
pub fn set<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| !value.is_null())
}
