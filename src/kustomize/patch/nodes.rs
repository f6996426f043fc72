use crate::value::{Map, Value};
use std::borrow::Cow;

/// A node by its number. Target and patch may share nodes, as kyaml's do: what
/// a patch adds is the patch's own node.
pub(super) type Id = usize;

#[derive(Debug)]
pub(super) enum Node {
    /// One that is kept stays in the output; others clear their field.
    Null {
        keep: bool,
    },
    Scalar(Value),
    /// Sorted by key.
    Map(Vec<(String, Id)>),
    Seq(Vec<Id>),
}

#[derive(Debug, Default)]
pub(super) struct Nodes(Vec<Node>);

impl Nodes {
    pub fn add(&mut self, node: Node) -> Id {
        self.0.push(node);
        self.0.len() - 1
    }

    pub fn add_value(&mut self, value: Value) -> Id {
        let node = match value {
            Value::Null => Node::Null { keep: false },
            Value::Map(map) => {
                let fields = map.into_iter();
                Node::Map(fields.map(|(k, v)| (k, self.add_value(v))).collect())
            }
            Value::Seq(items) => {
                let items = items.into_iter();
                Node::Seq(items.map(|item| self.add_value(item)).collect())
            }
            scalar => Node::Scalar(scalar),
        };
        self.add(node)
    }

    pub fn to_value(&self, id: Id) -> Value {
        match &self.0[id] {
            Node::Null { .. } => Value::Null,
            Node::Scalar(value) => value.clone(),
            Node::Map(fields) => {
                let fields = fields.iter();
                Value::Map(Map::from_iter(
                    fields.map(|(key, id)| (key.as_str(), self.to_value(*id))),
                ))
            }
            Node::Seq(items) => Value::Seq(items.iter().map(|id| self.to_value(*id)).collect()),
        }
    }

    pub fn get(&self, id: Id) -> &Node {
        &self.0[id]
    }

    pub fn get_mut(&mut self, id: Id) -> &mut Node {
        &mut self.0[id]
    }

    pub fn is_missing_or_null(&self, id: Option<Id>) -> bool {
        id.is_none_or(|id| matches!(self.0[id], Node::Null { .. }))
    }

    pub fn is_empty_map(&self, id: Id) -> bool {
        matches!(&self.0[id], Node::Map(fields) if fields.is_empty())
    }

    pub fn fields(&self, id: Id) -> &[(String, Id)] {
        match &self.0[id] {
            Node::Map(fields) => fields,
            _ => &[],
        }
    }

    pub fn items(&self, id: Id) -> &[Id] {
        match &self.0[id] {
            Node::Seq(items) => items,
            _ => &[],
        }
    }

    pub fn set_items(&mut self, id: Id, items: Vec<Id>) {
        self.0[id] = Node::Seq(items);
    }

    pub fn field(&self, id: Id, name: &str) -> Option<Id> {
        let fields = self.fields(id);
        let at = fields.binary_search_by(|(key, _)| key.as_str().cmp(name));
        at.ok().map(|at| fields[at].1)
    }

    /// Sets the field of a map, or takes it away.
    pub fn set_field(&mut self, id: Id, name: &str, value: Option<Id>) {
        let Node::Map(fields) = &mut self.0[id] else {
            return;
        };
        let at = fields.binary_search_by(|(key, _)| key.as_str().cmp(name));
        match (at, value) {
            (Ok(at), Some(value)) => fields[at].1 = value,
            (Ok(at), None) => {
                fields.remove(at);
            }
            (Err(at), Some(value)) => fields.insert(at, (name.to_owned(), value)),
            (Err(_), None) => {}
        }
    }

    /// The text that a scalar was written as; "" for maps and lists.
    pub fn text(&self, id: Id) -> Cow<'_, str> {
        match &self.0[id] {
            Node::Null { .. } => "null".into(),
            Node::Scalar(Value::Str(text)) => text.into(),
            Node::Scalar(other) => other.to_json().into(),
            Node::Map(_) | Node::Seq(_) => "".into(),
        }
    }

    /// The text of a field; "" where it is missing or empty.
    pub fn field_text(&self, id: Id, name: &str) -> String {
        match self.field(id, name) {
            Some(field) if !self.is_missing_or_null(Some(field)) => self.text(field).into_owned(),
            _ => String::new(),
        }
    }
}
