//! `metadata.managedFields`: read, written, sorted.

use std::collections::BTreeMap;

use super::set::FieldSet;
use crate::value::{Map, Value};

/// What one manager owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub id: ManagerId,
    /// The version of the fields: "apps/v1".
    pub api_version: String,
    /// RFC 3339, or "".
    pub time: String,
    pub fields: FieldSet,
}

/// Who it is. Ordered as the JSON text by which the server knows a manager.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManagerId {
    pub manager: String,
    pub operation: Operation,
    /// "" for appliers, who are the same in every version.
    pub api_version: String,
    pub subresource: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

impl Operation {
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

impl ManagerId {
    pub fn new(manager: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        ManagerId {
            manager: if manager.is_empty() {
                "unknown".to_owned()
            } else {
                manager.to_owned()
            },
            operation,
            api_version: match operation {
                Operation::Apply => String::new(),
                Operation::Update => api_version.to_owned(),
            },
            subresource: subresource.to_owned(),
        }
    }

    /// As conflicts name it: `"kubectl-edit" using apps/v1`.
    pub fn conflict_name(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == Operation::Update {
            text.push_str(&format!(" using {}", self.api_version));
        }
        text
    }
}

/// All managers of an object.
pub type Managers = BTreeMap<ManagerId, Entry>;

/// None where an entry is malformed.
pub fn decode(managed_fields: &[Value]) -> Option<Managers> {
    let mut managers = Managers::new();
    for value in managed_fields {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let operation = match text("operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        if text("apiVersion").is_empty() || text("fieldsType") != "FieldsV1" {
            return None;
        }
        let fields = match value.get("fieldsV1") {
            None | Some(Value::Null) => FieldSet::default(),
            Some(fields) => FieldSet::from_fields_v1(fields)?,
        };
        // An absent name stays absent here: it is a manager of its own.
        let id = ManagerId {
            manager: text("manager").to_owned(),
            operation,
            api_version: match operation {
                Operation::Apply => String::new(),
                Operation::Update => text("apiVersion").to_owned(),
            },
            subresource: text("subresource").to_owned(),
        };
        managers.insert(
            id.clone(),
            Entry {
                id,
                api_version: text("apiVersion").to_owned(),
                time: text("time").to_owned(),
                fields,
            },
        );
    }
    Some(managers)
}

/// Sorted by operation, time, name, version, subresource.
pub fn encode(managers: &Managers) -> Vec<Value> {
    let mut entries: Vec<&Entry> = managers.values().collect();
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| {
            (
                entry.id.operation,
                entry.time.clone(),
                entry.id.manager.clone(),
                entry.api_version.clone(),
                entry.id.subresource.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    entries
        .into_iter()
        .map(|entry| {
            let mut out = Map::new();
            if !entry.id.manager.is_empty() {
                out.insert("manager", entry.id.manager.as_str());
            }
            out.insert("operation", entry.id.operation.as_str());
            out.insert("apiVersion", entry.api_version.as_str());
            if !entry.time.is_empty() {
                out.insert("time", entry.time.as_str());
            }
            out.insert("fieldsType", "FieldsV1");
            out.insert("fieldsV1", entry.fields.to_fields_v1());
            if !entry.id.subresource.is_empty() {
                out.insert("subresource", entry.id.subresource.as_str());
            }
            Value::Map(out)
        })
        .collect()
}
