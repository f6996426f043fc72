//! Sets of paths, and their JSON form (fieldsV1).

use std::collections::{BTreeMap, BTreeSet};

use super::path::{Path, PathElement};
use super::typed::{Atom, atom};
use crate::sandbox::schema::{Node, Schema};
use crate::value::{Map, Value};

/// Deeper sets in managedFields are refused: clients may send them.
const MAX_DEPTH: usize = 200;

/// A set of paths as a tree. Being in `children` says nothing of membership.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// A set of paths of field names.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = FieldSet::default();
        for path in paths {
            let path: Path = path
                .iter()
                .map(|name| PathElement::Field((*name).to_owned()))
                .collect();
            set.insert(&path);
        }
        set
    }

    /// The empty path stands for the whole object, which nobody owns.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(FieldSet::is_empty)
    }

    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|set| set.has(rest)),
        }
    }

    pub fn has_member(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    pub fn child(&self, element: &PathElement) -> Option<&FieldSet> {
        self.children.get(element)
    }

    pub fn union(&self, other: &FieldSet) -> FieldSet {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (element, set) in &other.children {
            let merged = match out.children.get(element) {
                Some(ours) => ours.union(set),
                None => set.clone(),
            };
            out.children.insert(element.clone(), merged);
        }
        out
    }

    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut out = FieldSet {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: BTreeMap::new(),
        };
        for (element, set) in &self.children {
            if let Some(theirs) = other.children.get(element) {
                out.add_child(element, set.intersection(theirs));
            }
        }
        out
    }

    pub fn difference(&self, other: &FieldSet) -> FieldSet {
        let mut out = FieldSet {
            members: self.members.difference(&other.members).cloned().collect(),
            children: BTreeMap::new(),
        };
        for (element, set) in &self.children {
            match other.children.get(element) {
                Some(theirs) => out.add_child(element, set.difference(theirs)),
                None => {
                    out.children.insert(element.clone(), set.clone());
                }
            }
        }
        out
    }

    /// As `difference`, and what is below a member of `other` goes too.
    pub fn recursive_difference(&self, other: &FieldSet) -> FieldSet {
        let mut out = FieldSet {
            members: self.members.difference(&other.members).cloned().collect(),
            children: BTreeMap::new(),
        };
        for (element, set) in &self.children {
            if other.members.contains(element) {
                continue;
            }
            match other.children.get(element) {
                Some(theirs) => out.add_child(element, set.recursive_difference(theirs)),
                None => {
                    out.children.insert(element.clone(), set.clone());
                }
            }
        }
        out
    }

    fn add_child(&mut self, element: &PathElement, set: FieldSet) {
        if !set.is_empty() {
            self.children.insert(element.clone(), set);
        }
    }

    /// Every named field on the way to a member is a member too.
    pub fn with_named_fields(&self, schema: &Schema, node: Option<&Node>) -> FieldSet {
        let atom = node.map(|node| atom(schema, node));
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (element, set) in &self.children {
            let mut inner = None;
            match (element, &atom) {
                (PathElement::Field(name), Some(Atom::Map(map) | Atom::Any { map, .. })) => {
                    if map.declares(name) {
                        members.insert(element.clone());
                    }
                    inner = map.child(name);
                }
                (PathElement::Key(_), Some(Atom::List(list) | Atom::Any { list, .. })) => {
                    inner = Some(list.element);
                }
                _ => {}
            }
            children.insert(element.clone(), set.with_named_fields(schema, inner));
        }
        FieldSet { members, children }
    }

    /// All paths: of a node first its members, then what is below it.
    pub fn paths(&self) -> Vec<Path> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Path, out: &mut Vec<Path>) {
        for member in &self.members {
            let mut path = prefix.clone();
            path.push(member.clone());
            out.push(path);
        }
        for (element, set) in &self.children {
            prefix.push(element.clone());
            set.collect(prefix, out);
            prefix.pop();
        }
    }

    /// The members and children of this level, with the set below each.
    pub fn level(&self) -> impl Iterator<Item = (&PathElement, bool, Option<&FieldSet>)> {
        let children = self
            .children
            .iter()
            .filter(|(element, _)| !self.members.contains(element))
            .map(|(element, set)| (element, false, Some(set)));
        let members = self
            .members
            .iter()
            .map(|element| (element, true, self.children.get(element)));
        children.chain(members)
    }

    pub fn to_fields_v1(&self) -> Value {
        let mut out = Map::new();
        for member in &self.members {
            out.insert(member.to_key(), Map::new());
        }
        for (element, set) in &self.children {
            let Value::Map(mut inner) = set.to_fields_v1() else {
                continue;
            };
            if self.members.contains(element) {
                inner.insert(".", Map::new());
            }
            out.insert(element.to_key(), inner);
        }
        Value::Map(out)
    }

    pub fn from_fields_v1(value: &Value) -> Option<Self> {
        FieldSet::parse(value, 0)
    }

    fn parse(value: &Value, depth: usize) -> Option<Self> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut set = FieldSet::default();
        for (key, inner) in value.as_map()?.iter() {
            if key == "." {
                continue;
            }
            let element = PathElement::from_key(key)?;
            let map = inner.as_map()?;
            if map.is_empty() || map.contains_key(".") {
                set.members.insert(element.clone());
            }
            let below = FieldSet::parse(inner, depth + 1)?;
            set.add_child(&element, below);
        }
        Some(set)
    }
}
