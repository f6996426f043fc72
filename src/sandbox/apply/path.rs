//! One step of a path into an object, and its text forms.

use std::cmp::Ordering;

use crate::value::Value;

/// Ordered as structured-merge-diff orders them: names, keys, values, indexes.
#[derive(Debug, Clone, PartialEq)]
pub enum PathElement {
    /// A field of a struct, or a key of a map.
    Field(String),
    /// The item of a map list with these key fields, sorted by name.
    Key(Vec<(String, Value)>),
    /// The item of a set.
    Value(Value),
    /// The item of an atomic list.
    Index(i64),
}

pub type Path = Vec<PathElement>;

impl Eq for PathElement {}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (PathElement::Field(a), PathElement::Field(b)) => a.cmp(b),
            (PathElement::Key(a), PathElement::Key(b)) => {
                for ((a_name, a_value), (b_name, b_value)) in a.iter().zip(b) {
                    let order = a_name
                        .cmp(b_name)
                        .then_with(|| compare_values(a_value, b_value));
                    if order != Ordering::Equal {
                        return order;
                    }
                }
                a.len().cmp(&b.len())
            }
            (PathElement::Value(a), PathElement::Value(b)) => compare_values(a, b),
            (PathElement::Index(a), PathElement::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PathElement {
    fn rank(&self) -> u8 {
        match self {
            PathElement::Field(_) => 0,
            PathElement::Key(_) => 1,
            PathElement::Value(_) => 2,
            PathElement::Index(_) => 3,
        }
    }

    /// As fieldsV1 writes it: `f:spec`, `k:{"port":80}`, `v:"a"`, `i:0`.
    pub fn to_key(&self) -> String {
        match self {
            PathElement::Field(name) => format!("f:{name}"),
            PathElement::Key(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| {
                        format!(
                            "{}:{}",
                            go_json(&Value::from(name.as_str())),
                            go_json(value)
                        )
                    })
                    .collect();
                format!("k:{{{}}}", fields.join(","))
            }
            PathElement::Value(value) => format!("v:{}", go_json(value)),
            PathElement::Index(at) => format!("i:{at}"),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        let (kind, rest) = key.split_at_checked(2)?;
        match kind {
            "f:" => Some(PathElement::Field(rest.to_owned())),
            "k:" => match Value::from_json(rest.as_bytes()).ok()? {
                Value::Map(map) => Some(PathElement::Key(map.into_iter().collect())),
                _ => None,
            },
            "v:" => Some(PathElement::Value(Value::from_json(rest.as_bytes()).ok()?)),
            "i:" => Some(PathElement::Index(rest.parse().ok()?)),
            _ => None,
        }
    }
}

impl std::fmt::Display for PathElement {
    /// `.spec`, `[port=80,protocol="TCP"]`, `[="a"]`, `[0]`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PathElement::Field(name) => write!(f, ".{name}"),
            PathElement::Key(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.to_json()))
                    .collect();
                write!(f, "[{}]", fields.join(","))
            }
            PathElement::Value(value) => write!(f, "[={}]", value.to_json()),
            PathElement::Index(at) => write!(f, "[{at}]"),
        }
    }
}

pub fn path_text(path: &[PathElement]) -> String {
    path.iter().map(PathElement::to_string).collect()
}

/// JSON as Go writes it by default: `<`, `>` and `&` are escaped.
fn go_json(value: &Value) -> String {
    value
        .to_json()
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// A total order: numbers, strings, booleans, lists, maps, null.
pub fn compare_values(a: &Value, b: &Value) -> Ordering {
    fn number(value: &Value) -> Option<f64> {
        match value {
            Value::Int(n) => Some(*n as f64),
            Value::Uint(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            _ => None,
        }
    }
    fn rank(value: &Value) -> u8 {
        match value {
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => 0,
            Value::Str(_) => 1,
            Value::Bool(_) => 2,
            Value::Seq(_) => 3,
            Value::Map(_) => 4,
            Value::Null => 5,
        }
    }
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Seq(a), Value::Seq(b)) => {
            for (a, b) in a.iter().zip(b) {
                let order = compare_values(a, b);
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        (Value::Map(a), Value::Map(b)) => {
            for ((a_key, a), (b_key, b)) in a.iter().zip(b.iter()) {
                let order = a_key.cmp(b_key).then_with(|| compare_values(a, b));
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => rank(a).cmp(&rank(b)),
        },
    }
}

/// Equal as values: 1 and 1.0 are.
pub fn equal_values(a: &Value, b: &Value) -> bool {
    a == b || compare_values(a, b) == Ordering::Equal
}
