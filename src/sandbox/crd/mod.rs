//! CustomResourceDefinitions: what they make the server serve, and the rules
//! that their schemas set for the objects.
//!
//! Invariant: a definition adds its resources to the catalog when its names
//! are accepted and takes them out when it goes; the schema is compiled at
//! the first use, since most clusters use few of the kinds they define.

mod check;
mod names;
mod serve;
mod validate;

pub use check::check;
pub use names::{Verdict, judge};
pub use serve::{SHELF, refresh, withdraw};
pub use validate::validate;

use super::schema::Schema;
use super::store::Stored;
use crate::value::Value;
use std::cell::OnceCell;
use std::rc::Rc;

/// One served version of a definition.
pub struct Custom {
    /// The definition, in apiextensions/v1.
    pub definition: Rc<Stored>,
    pub version: String,
    pub columns: Vec<Column>,
    pub scale: Option<ScalePaths>,
    /// `spec.preserveUnknownFields`, of old definitions.
    pub preserves_unknown: bool,
    compiled: OnceCell<Compiled>,
}

struct Compiled {
    open_api: Option<Value>,
    schema: Schema,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: String,
    pub format: String,
    pub description: String,
    pub priority: i64,
    pub path: String,
}

#[derive(Clone, Debug)]
pub struct ScalePaths {
    pub spec: String,
    pub status: String,
    pub selector: Option<String>,
}

impl Custom {
    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let definition = self.definition.to_value("", "");
            let versions = definition.at(&["spec", "versions"]);
            let open_api = versions
                .and_then(Value::as_seq)
                .unwrap_or_default()
                .iter()
                .find(|v| v.get("name").and_then(Value::as_str) == Some(&self.version))
                .and_then(|v| v.at(&["schema", "openAPIV3Schema"]))
                .map(without_descriptions);
            let schema = Schema::custom(open_api.as_ref()).unwrap_or_else(|_| Schema::untyped());
            Compiled { open_api, schema }
        })
    }

    /// `openAPIV3Schema` without its descriptions, which are most of it.
    pub fn open_api(&self) -> Option<&Value> {
        self.compiled().open_api.as_ref()
    }

    pub fn schema(&self) -> &Schema {
        &self.compiled().schema
    }
}

/// Deeper schemas are cut; the API server refuses them long before.
const MAX_DEPTH: usize = 100;

fn without_descriptions(schema: &Value) -> Value {
    fn copy(schema: &Value, is_properties: bool, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        match schema {
            Value::Map(map) => Value::Map(
                map.iter()
                    .filter(|(key, _)| is_properties || !matches!(*key, "description" | "example"))
                    .map(|(key, value)| {
                        let is_literal = !is_properties && matches!(key, "default" | "enum");
                        let inner = if is_literal {
                            value.clone()
                        } else {
                            copy(value, !is_properties && key == "properties", depth + 1)
                        };
                        (key, inner)
                    })
                    .collect(),
            ),
            Value::Seq(items) => {
                Value::Seq(items.iter().map(|i| copy(i, false, depth + 1)).collect())
            }
            plain => plain.clone(),
        }
    }
    copy(schema, false, 0)
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool) == Some(true)
}
