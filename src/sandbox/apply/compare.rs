//! What differs between two objects.

use std::collections::BTreeMap;

use super::path::{Path, PathElement, equal_values};
use super::set::FieldSet;
use super::typed::{Atom, ListAtom, MapAtom, atom, child_or_any, deduce, item_element};
use crate::sandbox::schema::{Node, Schema};
use crate::value::{Map, Value};

/// No field stands in more than one of the sets.
#[derive(Debug, Default, Clone)]
pub struct Comparison {
    pub removed: FieldSet,
    pub modified: FieldSet,
    pub added: FieldSet,
}

impl Comparison {
    /// Without the fields of `excluded` and what is below them.
    pub fn without(&self, excluded: &FieldSet) -> Comparison {
        Comparison {
            removed: self.removed.recursive_difference(excluded),
            modified: self.modified.recursive_difference(excluded),
            added: self.added.recursive_difference(excluded),
        }
    }
}

pub fn compare(schema: &Schema, old: &Value, new: &Value) -> Comparison {
    let mut walk = Walk {
        schema,
        path: Vec::new(),
        found: Comparison::default(),
    };
    walk.node(schema.root(), Some(old), Some(new));
    walk.found
}

struct Walk<'a> {
    schema: &'a Schema,
    path: Path,
    found: Comparison,
}

impl<'a> Walk<'a> {
    fn node(&mut self, node: &'a Node, old: Option<&Value>, new: Option<&Value>) {
        let whole = atom(self.schema, node);
        let is_leaf = match (old, new) {
            (None, None) => return,
            (Some(old), None) => self.atom(deduce(whole, old), Some(old), None),
            (None, Some(new)) => self.atom(deduce(whole, new), None, Some(new)),
            (Some(old), Some(new)) => {
                let (before, after) = (deduce(whole, old), deduce(whole, new));
                if std::mem::discriminant(&before) != std::mem::discriminant(&after) {
                    self.atom(before, Some(old), Some(new));
                }
                self.atom(after, Some(old), Some(new))
            }
        };
        if !is_leaf {
            if old.is_none() {
                self.found.added.insert(&self.path);
            } else if new.is_none() {
                self.found.removed.insert(&self.path);
            }
        }
    }

    /// Says whether the value was taken as a leaf.
    fn atom(&mut self, atom: Atom<'a>, old: Option<&Value>, new: Option<&Value>) -> bool {
        match atom {
            Atom::Scalar(_) => self.leaf(old, new),
            Atom::List(list) => {
                let before = old.and_then(Value::as_seq);
                let after = new.and_then(Value::as_seq);
                let empty = |items: Option<&[Value]>| items.is_none_or(<[Value]>::is_empty);
                if list.is_atomic() || (empty(before) && empty(after)) {
                    return self.leaf(old, new);
                }
                self.items(&list, before.unwrap_or_default(), after.unwrap_or_default());
                false
            }
            Atom::Map(map) | Atom::Any { map, .. } => {
                let before = old.and_then(Value::as_map);
                let after = new.and_then(Value::as_map);
                let empty = |map: Option<&Map>| map.is_none_or(Map::is_empty);
                if map.atomic || (empty(before) && empty(after)) {
                    return self.leaf(old, new);
                }
                self.entries(&map, before, after);
                false
            }
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) -> bool {
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(old), Some(new)) => {
                if !equal_values(old, new) {
                    self.found.modified.insert(&self.path);
                }
            }
        }
        true
    }

    fn entries(&mut self, map: &MapAtom<'a>, old: Option<&Map>, new: Option<&Map>) {
        let keys_of = |map: Option<&Map>| -> Vec<String> {
            map.map(|m| m.keys().map(str::to_owned).collect())
                .unwrap_or_default()
        };
        let mut keys = keys_of(old);
        keys.extend(keys_of(new));
        keys.sort();
        keys.dedup();
        for key in keys {
            let before = old.and_then(|map| map.get(&key));
            let after = new.and_then(|map| map.get(&key));
            let node = child_or_any(map.child(&key));
            self.path.push(PathElement::Field(key));
            self.node(node, before, after);
            self.path.pop();
        }
    }

    fn items(&mut self, list: &ListAtom<'a>, old: &[Value], new: &[Value]) {
        let mut sides: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for item in old {
            if let Ok(element) = item_element(self.schema, list, item) {
                sides.entry(element).or_default().0.push(item);
            }
        }
        for item in new {
            if let Ok(element) = item_element(self.schema, list, item) {
                sides.entry(element).or_default().1.push(item);
            }
        }
        for (element, (before, after)) in sides {
            self.path.push(element);
            match (before.len(), after.len()) {
                (0 | 1, 0 | 1) => {
                    self.node(
                        list.element,
                        before.first().copied(),
                        after.first().copied(),
                    );
                }
                (2.., 2..) => {
                    let same = before.len() == after.len()
                        && before.iter().zip(&after).all(|(a, b)| equal_values(a, b));
                    if !same {
                        self.found.modified.insert(&self.path);
                    }
                }
                (2.., _) => {
                    if let Some(item) = after.first() {
                        self.node(list.element, None, Some(item));
                    }
                    self.found.removed.insert(&self.path);
                }
                (_, _) => {
                    if let Some(item) = before.first() {
                        self.node(list.element, Some(item), None);
                    }
                    self.found.added.insert(&self.path);
                }
            }
            self.path.pop();
        }
    }
}
