//! Values seen through a schema: what may stand where, and the set of fields.

use super::path::{Path, PathElement};
use super::set::FieldSet;
use crate::sandbox::schema::{ListKind, Node, Schema, Shape, Struct};
use crate::value::{Map, Value};

static ANY: Node = Node {
    shape: Shape::Any,
    pointer: false,
};
static ANY_ATOMIC: Node = Node {
    shape: Shape::AnyAtomic,
    pointer: false,
};
static ATOMIC: ListKind = ListKind::Atomic;

#[derive(Clone, Copy)]
pub enum Scalar {
    Numeric,
    String,
    Boolean,
    Untyped,
}

#[derive(Clone, Copy)]
pub struct ListAtom<'a> {
    pub kind: &'a ListKind,
    pub element: &'a Node,
}

#[derive(Clone, Copy)]
pub struct MapAtom<'a> {
    pub fields: Option<&'a Struct>,
    /// What a key holds that is no field; nothing may stand there if none.
    pub element: Option<&'a Node>,
    pub atomic: bool,
}

/// What a node accepts.
#[derive(Clone, Copy)]
pub enum Atom<'a> {
    Scalar(Scalar),
    List(ListAtom<'a>),
    Map(MapAtom<'a>),
    /// A scalar, a list or a map: the value decides.
    Any {
        list: ListAtom<'a>,
        map: MapAtom<'a>,
    },
}

impl<'a> MapAtom<'a> {
    pub fn declares(&self, name: &str) -> bool {
        self.fields.is_some_and(|s| s.field(name).is_some())
    }

    pub fn child(&self, name: &str) -> Option<&'a Node> {
        match self.fields.and_then(|s| s.field(name)) {
            Some(field) => Some(&field.node),
            None => self.element,
        }
    }
}

impl ListAtom<'_> {
    pub fn is_atomic(&self) -> bool {
        *self.kind == ListKind::Atomic
    }
}

pub fn atom<'a>(schema: &'a Schema, node: &'a Node) -> Atom<'a> {
    match &node.shape {
        Shape::Str | Shape::Bytes => Atom::Scalar(Scalar::String),
        Shape::Int32 | Shape::Int64 | Shape::Float => Atom::Scalar(Scalar::Numeric),
        Shape::Bool => Atom::Scalar(Scalar::Boolean),
        Shape::Quantity | Shape::IntOrString | Shape::Time | Shape::MicroTime | Shape::Duration => {
            Atom::Scalar(Scalar::Untyped)
        }
        Shape::Any => Atom::Any {
            list: ListAtom {
                kind: &ATOMIC,
                element: &ANY_ATOMIC,
            },
            map: MapAtom {
                fields: None,
                element: Some(&ANY),
                atomic: false,
            },
        },
        Shape::AnyAtomic => Atom::Any {
            list: ListAtom {
                kind: &ATOMIC,
                element: &ANY_ATOMIC,
            },
            map: MapAtom {
                fields: None,
                element: Some(&ANY_ATOMIC),
                atomic: true,
            },
        },
        Shape::List(kind, element) => Atom::List(ListAtom { kind, element }),
        Shape::Map { atomic, element } => Atom::Map(MapAtom {
            fields: None,
            element: Some(element),
            atomic: *atomic,
        }),
        Shape::Struct { id, atomic } => {
            let fields = schema.types().get(*id);
            Atom::Map(MapAtom {
                fields: Some(fields),
                element: fields.other.as_ref(),
                atomic: atomic.unwrap_or(fields.atomic),
            })
        }
    }
}

/// Narrows `Any` down to what the value is; null keeps it open.
pub fn deduce<'a>(atom: Atom<'a>, value: &Value) -> Atom<'a> {
    match (atom, value) {
        (Atom::Any { list, .. }, Value::Seq(_)) => Atom::List(list),
        (Atom::Any { map, .. }, Value::Map(_)) => Atom::Map(map),
        (Atom::Any { .. }, Value::Null) => atom,
        (Atom::Any { .. }, _) => Atom::Scalar(Scalar::Untyped),
        _ => atom,
    }
}

/// What stands in no schema is seen as anything.
pub fn child_or_any(child: Option<&Node>) -> &Node {
    child.unwrap_or(&ANY)
}

/// How an item of a set or a map list is told apart.
pub fn item_element(
    schema: &Schema,
    list: &ListAtom<'_>,
    item: &Value,
) -> Result<PathElement, String> {
    match list.kind {
        ListKind::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        ListKind::Set => match item {
            Value::Map(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Value::Seq(_) => {
                Err("not supported: associative list with lists as elements".to_owned())
            }
            Value::Null => Err(
                "associative list without keys has an element that's an explicit null".to_owned(),
            ),
            scalar => Ok(PathElement::Value(scalar.clone())),
        },
        ListKind::Map(keys) => {
            let map = match item {
                Value::Null => {
                    return Err("associative list with keys may not have a null element".to_owned());
                }
                Value::Map(map) => map,
                _ => {
                    return Err(
                        "associative list with keys may not have non-map elements".to_owned()
                    );
                }
            };
            let fields = schema.struct_of(list.element);
            let mut found: Vec<(String, Value)> = Vec::new();
            for key in keys {
                let default = || fields?.field(key)?.default.as_ref();
                if let Some(value) = map.get(key).or_else(default) {
                    found.push((key.to_string(), value.clone()));
                }
            }
            if found.is_empty() {
                let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
                return Err(format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                    keys.join(" ")
                ));
            }
            found.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(PathElement::Key(found))
        }
    }
}

/// Every way in which a value does not fit, as `.path: what`.
pub fn validate(schema: &Schema, value: &Value, allow_duplicates: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let walk = Validation {
        schema,
        allow_duplicates,
    };
    walk.node(schema.root(), value, &mut String::new(), &mut faults);
    faults
}

/// The faults as structured-merge-diff prints them.
pub fn fault_text(faults: &[String]) -> String {
    match faults {
        [one] => one.clone(),
        many => {
            let mut text = "errors:".to_owned();
            for fault in many {
                text.push_str("\n  ");
                text.push_str(fault);
            }
            text
        }
    }
}

struct Validation<'a> {
    schema: &'a Schema,
    allow_duplicates: bool,
}

impl Validation<'_> {
    fn node(&self, node: &Node, value: &Value, path: &mut String, faults: &mut Vec<String>) {
        match deduce(atom(self.schema, node), value) {
            Atom::Scalar(kind) => {
                if let Some(fault) = scalar_fault(kind, value) {
                    faults.push(fault_at(path, &fault));
                }
            }
            Atom::List(list) => self.list(&list, value, path, faults),
            Atom::Map(map) | Atom::Any { map, .. } => self.map(&map, value, path, faults),
        }
    }

    fn list(
        &self,
        list: &ListAtom<'_>,
        value: &Value,
        path: &mut String,
        faults: &mut Vec<String>,
    ) {
        let items = match value {
            Value::Null => return,
            Value::Seq(items) => items,
            other => {
                faults.push(fault_at(
                    path,
                    &format!("expected list, got {}", shown(other)),
                ));
                return;
            }
        };
        let mut seen = std::collections::BTreeSet::new();
        for (at, item) in items.iter().enumerate() {
            let element = if list.is_atomic() {
                PathElement::Index(at as i64)
            } else {
                match item_element(self.schema, list, item) {
                    Ok(element) => element,
                    Err(why) => {
                        faults.push(fault_at(path, &format!("element {at}: {why}")));
                        return;
                    }
                }
            };
            let duplicate = !list.is_atomic() && !seen.insert(element.clone());
            if duplicate && !self.allow_duplicates {
                faults.push(fault_at(
                    path,
                    &format!("duplicate entries for key {element}"),
                ));
            }
            let length = path.len();
            path.push_str(&element.to_string());
            self.node(list.element, item, path, faults);
            path.truncate(length);
        }
    }

    fn map(&self, map: &MapAtom<'_>, value: &Value, path: &mut String, faults: &mut Vec<String>) {
        let entries = match value {
            Value::Null => return,
            Value::Map(entries) => entries,
            other => {
                faults.push(fault_at(
                    path,
                    &format!("expected map, got {}", shown(other)),
                ));
                return;
            }
        };
        for (key, value) in entries.iter() {
            let length = path.len();
            path.push('.');
            path.push_str(key);
            match map.child(key) {
                Some(node) => self.node(node, value, path, faults),
                None => faults.push(fault_at(path, "field not declared in schema")),
            }
            path.truncate(length);
        }
    }
}

fn fault_at(path: &str, what: &str) -> String {
    if path.is_empty() {
        what.to_owned()
    } else {
        format!("{path}: {what}")
    }
}

fn scalar_fault(kind: Scalar, value: &Value) -> Option<String> {
    let number = matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_));
    match (kind, value) {
        (_, Value::Null)
        | (Scalar::String | Scalar::Untyped, Value::Str(_))
        | (Scalar::Boolean | Scalar::Untyped, Value::Bool(_)) => None,
        (Scalar::Numeric | Scalar::Untyped, _) if number => None,
        (Scalar::Numeric, _) => Some(format!(
            "expected numeric (int or float), got {}",
            go_type(value)
        )),
        (Scalar::String, _) => Some(format!(
            "expected string, got &value.valueUnstructured{{Value:{}}}",
            go_syntax(value)
        )),
        (Scalar::Boolean, _) => Some(format!("expected boolean, got {}", shown(value))),
        (Scalar::Untyped, _) => Some(format!("expected any scalar, got {}", shown(value))),
    }
}

/// A value as Go's `%T` names its type.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) => "int64",
        Value::Float(_) => "float64",
        Value::Str(_) => "string",
        Value::Seq(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

/// A value as Go's `%#v` prints it.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Seq(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", go_syntax(value)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        scalar => scalar.to_json(),
    }
}

/// A value as Go's `%v` of structured-merge-diff's wrapper prints it.
fn shown(value: &Value) -> String {
    fn plain(value: &Value) -> String {
        match value {
            Value::Null => "<nil>".to_owned(),
            Value::Str(text) => text.clone(),
            Value::Seq(items) => {
                let items: Vec<String> = items.iter().map(plain).collect();
                format!("[{}]", items.join(" "))
            }
            Value::Map(map) => {
                let entries: Vec<String> = map
                    .iter()
                    .map(|(key, value)| format!("{key}:{}", plain(value)))
                    .collect();
                format!("map[{}]", entries.join(" "))
            }
            scalar => scalar.to_json(),
        }
    }
    format!("&{{{}}}", plain(value))
}

/// Every leaf and every list item that a value mentions.
pub fn field_set(schema: &Schema, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    fields_of(schema, schema.root(), value, &mut Vec::new(), &mut set);
    set
}

fn fields_of(schema: &Schema, node: &Node, value: &Value, path: &mut Path, set: &mut FieldSet) {
    match deduce(atom(schema, node), value) {
        Atom::Scalar(_) => set.insert(path),
        Atom::List(list) => {
            if list.is_atomic() {
                set.insert(path);
            } else if let Value::Seq(items) = value {
                fields_of_items(schema, &list, items, path, set);
            }
        }
        Atom::Map(map) | Atom::Any { map, .. } => {
            if map.atomic {
                set.insert(path);
            } else if let Value::Map(entries) = value {
                fields_of_entries(schema, &map, entries, path, set);
            }
        }
    }
}

fn fields_of_items(
    schema: &Schema,
    list: &ListAtom<'_>,
    items: &[Value],
    path: &mut Path,
    set: &mut FieldSet,
) {
    let elements: Vec<Option<PathElement>> = items
        .iter()
        .map(|item| item_element(schema, list, item).ok())
        .collect();
    for (at, item) in items.iter().enumerate() {
        let Some(element) = &elements[at] else {
            continue;
        };
        let count = elements
            .iter()
            .filter(|other| other.as_ref() == Some(element))
            .count();
        path.push(element.clone());
        // Of duplicates the item as a whole is owned.
        if count == 1 {
            fields_of(schema, list.element, item, path, set);
        }
        set.insert(path);
        path.pop();
    }
}

fn fields_of_entries(
    schema: &Schema,
    map: &MapAtom<'_>,
    entries: &Map,
    path: &mut Path,
    set: &mut FieldSet,
) {
    for (key, value) in entries.iter() {
        path.push(PathElement::Field(key.to_owned()));
        fields_of(schema, child_or_any(map.child(key)), value, path, set);
        let empty = value.is_null() || value.as_map().is_some_and(Map::is_empty);
        if empty || !map.declares(key) {
            set.insert(path);
        }
        path.pop();
    }
}
