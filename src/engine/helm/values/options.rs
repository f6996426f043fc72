//! What the user gives: values files, then `--set-json`, `--set`,
//! `--set-string`, `--set-file`, `--set-literal`; later ones win.

use super::file::{ValuesFileError, load_values};
use super::set::{Reading, SetError, set};
use crate::gotmpl::{Map, Numbers, Val};
use crate::value::Value;

/// The user's values of one render, not yet parsed.
#[derive(Clone, Debug, Default)]
pub struct ValueOptions {
    /// Name (for errors) and text of each file, in the order in which they are laid over each other.
    pub files: Vec<(String, Vec<u8>)>,
    pub json: Vec<String>,
    pub set: Vec<String>,
    pub string: Vec<String>,
    /// `key=path`; the paths are read by the function given to `merge`.
    pub file: Vec<String>,
    pub literal: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    #[error("failed to parse {name}: {cause}")]
    File {
        name: String,
        cause: ValuesFileError,
    },
    #[error("failed parsing --set-json data {0}")]
    Json(String),
    #[error("failed parsing --set-json data JSON: {0}")]
    JsonObject(String),
    #[error("failed parsing --set data: {0}")]
    Set(SetError),
    #[error("failed parsing --set-string data: {0}")]
    String(SetError),
    #[error("failed parsing --set-file data: {0}")]
    FileValue(SetError),
    #[error("failed parsing --set-literal data: {0}")]
    Literal(SetError),
}

impl ValueOptions {
    /// All of it as one map. `read` gives the bytes of a `--set-file`.
    pub fn merge(
        &self,
        read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Map, ValuesError> {
        let values = Map::new();
        for (name, bytes) in &self.files {
            let file = load_values(bytes).map_err(|cause| ValuesError::File {
                name: name.clone(),
                cause,
            })?;
            lay_over(&values, &file);
        }
        for text in &self.json {
            self.set_json(text, &values)?;
        }
        for text in &self.set {
            set(text, &values, &Reading::Typed).map_err(ValuesError::Set)?;
        }
        for text in &self.string {
            set(text, &values, &Reading::Text).map_err(ValuesError::String)?;
        }
        let read_text = |path: &str| read(path).map(|bytes| Val::Str(bytes.into()));
        for text in &self.file {
            set(text, &values, &Reading::File(&read_text)).map_err(ValuesError::FileValue)?;
        }
        for text in &self.literal {
            set(text, &values, &Reading::Literal).map_err(ValuesError::Literal)?;
        }
        Ok(values)
    }

    fn set_json(&self, text: &str, values: &Map) -> Result<(), ValuesError> {
        let trimmed = text.trim();
        if !trimmed.starts_with('{') {
            return set(text, values, &Reading::Json)
                .map_err(|_| ValuesError::Json(text.to_owned()));
        }
        match Value::from_json(trimmed.as_bytes()) {
            Ok(Value::Map(map)) => lay_over(values, &map),
            _ => return Err(ValuesError::JsonObject(text.to_owned())),
        }
        Ok(())
    }
}

/// Helm's MergeMaps: maps are merged, anything else is replaced.
fn lay_over(values: &Map, from: &crate::value::Map) {
    for (key, value) in from.iter() {
        if let (Value::Map(new), Some(Val::Map(old))) = (value, values.get(key)) {
            lay_over(&old, new);
        } else {
            values.insert(key, Val::from_value(value, Numbers::Float64));
        }
    }
}
