//! Lists whose items are told apart by keys, or that are sets of scalars.
//!
//! Their results in kyaml hang on details (which item replaces which, in what
//! order, what happens to items without their key), so this follows it step
//! by step.

use super::nodes::{Id, Node};
use super::strategic::Walker;
use super::{MAX_MERGED_ITEMS, PatchError};
use crate::kustomize::schema::Type;
use crate::value::Value;
use std::collections::HashSet;

impl<'s> Walker<'s> {
    pub fn walk_list(
        &mut self,
        target: Option<Id>,
        patch: Option<Id>,
        schema: &'s Type,
        keys: &'s [Box<str>],
    ) -> Result<Option<Id>, PatchError> {
        let Some(list) = self.visit_list(target, patch)? else {
            return Ok(None);
        };
        let n_items = [Some(list), patch].into_iter().flatten();
        let n_items: usize = n_items.map(|id| self.nodes.items(id).len()).sum();
        if n_items > MAX_MERGED_ITEMS {
            let place = self.place();
            return Err(PatchError::TooLong { place });
        }
        let keys: Vec<&str> = match keys {
            [] => vec![""],
            keys => keys.iter().map(|key| &**key).collect(),
        };
        let items = self.item_values(&keys, list, patch);
        self.merge_items(items, &keys, list, patch, schema)
    }

    /// The values of the keys of each item, the patch's items first.
    fn item_values(&self, keys: &[&str], list: Id, patch: Option<Id>) -> Vec<Vec<String>> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for source in [patch, Some(list)].into_iter().flatten() {
            for item in self.nodes.items(source) {
                let values: Vec<String> = match keys {
                    [""] => vec![self.nodes.text(*item).into_owned()],
                    keys => {
                        let values = keys.iter();
                        values
                            .map(|key| self.nodes.field_text(*item, key))
                            .collect()
                    }
                };
                if seen.insert(values.clone()) {
                    found.push(values);
                }
            }
        }
        found
    }

    fn merge_items(
        &mut self,
        mut all_values: Vec<Vec<String>>,
        keys: &[&str],
        list: Id,
        patch: Option<Id>,
        schema: &'s Type,
    ) -> Result<Option<Id>, PatchError> {
        let below = self.schema.items(schema);
        if keys.len() > 1 {
            fill_in(&mut all_values);
        }
        let merged = self.nodes.add(Node::Seq(Vec::new()));
        let known = keys_in_use(&all_values, keys);
        let known_keys: Vec<&str> = known.iter().map(|at| keys[*at]).collect();
        for values in &all_values {
            let values: Vec<String> = known.iter().map(|at| values[*at].clone()).collect();
            let old = self.find(list, &known_keys, &values)?;
            let new = match patch {
                Some(patch) => self.find(patch, &known_keys, &values)?,
                None => None,
            };
            let item = self.walk(old, new, below)?;
            let item = item.filter(|id| {
                !self.nodes.is_missing_or_null(Some(*id)) && !self.nodes.is_empty_map(*id)
            });
            let Some(item) = item else {
                for _ in &known_keys {
                    self.set_element(list, None, &known_keys, &values)?;
                }
                continue;
            };
            for (key, value) in known_keys.iter().zip(&values) {
                let is_map = matches!(self.nodes.get(item), Node::Map(_));
                if is_map && self.nodes.field(item, key).is_none() && !value.is_empty() {
                    let value = Node::Scalar(Value::Str(value.clone()));
                    let value = self.nodes.add(value);
                    self.nodes.set_field(item, key, Some(value));
                }
            }
            self.set_element(merged, Some(item), &known_keys, &values)?;
        }
        if all_values.is_empty() {
            return Ok(Some(list));
        }
        self.append(merged, list, &known_keys)?;
        Ok(Some(merged))
    }

    /// Puts the items of a list behind those that are merged, or in the place
    /// of the one with the same keys.
    fn append(&mut self, merged: Id, list: Id, keys: &[&str]) -> Result<(), PatchError> {
        for item in self.nodes.items(list).to_vec() {
            if keys == [""] {
                let value = self.nodes.text(item).into_owned();
                self.set_element(merged, Some(item), keys, &[value])?;
                continue;
            }
            let mut values = Vec::new();
            for key in keys {
                match self.matching(item, key, None)? {
                    Some(field) => values.push(self.nodes.text(field).into_owned()),
                    None => self.push(merged, item),
                }
            }
            if keys.len() > 1 {
                self.set_element(merged, None, keys, &values)?;
            }
            self.set_element(merged, Some(item), keys, &values)?;
        }
        Ok(())
    }

    fn push(&mut self, list: Id, item: Id) {
        if let Node::Seq(items) = self.nodes.get_mut(list) {
            items.push(item);
        }
    }

    /// The first item whose keys have these values; keys without one do not
    /// count, unless none has one.
    fn find(&self, list: Id, keys: &[&str], values: &[String]) -> Result<Option<Id>, PatchError> {
        let items = self.nodes.items(list).iter().copied();
        if keys == [""] {
            return Ok(items
                .clone()
                .find(|item| self.nodes.text(*item) == values[0]));
        }
        let count_all = values.iter().all(String::is_empty);
        for item in items {
            if !matches!(self.nodes.get(item), Node::Map(_)) {
                continue;
            }
            let mut pairs = keys
                .iter()
                .zip(values)
                .filter(|(_, value)| count_all || !value.is_empty());
            let is_match = pairs.all(|(key, value)| {
                let field = self.nodes.field(item, key);
                field.is_some_and(|field| self.nodes.text(field) == value.as_str())
            });
            if is_match {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// kyaml's ElementSetter: replaces or takes away each item whose keys have
    /// these values, appends where there is none; items that are empty go.
    pub fn set_element(
        &mut self,
        list: Id,
        element: Option<Id>,
        keys: &[&str],
        values: &[String],
    ) -> Result<(), PatchError> {
        let by_map = !keys[0].is_empty() && values.first().is_some_and(|v| !v.is_empty());
        let mut kept = Vec::new();
        let mut is_found = false;
        for item in self.nodes.items(list).to_vec() {
            if self.nodes.is_missing_or_null(Some(item)) || self.nodes.is_empty_map(item) {
                continue;
            }
            if by_map && !matches!(self.nodes.get(item), Node::Map(_)) {
                kept.push(item);
                continue;
            }
            let mut field = None;
            for (at, key) in keys.iter().enumerate() {
                if let Some(value) = values.get(at) {
                    field = self.matching(item, key, Some(value))?;
                }
                if field.is_none() {
                    break;
                }
            }
            if field.is_none() {
                if !values.is_empty() {
                    kept.push(item);
                }
                continue;
            }
            is_found = true;
            kept.extend(element);
        }
        if let Some(element) = element
            && !is_found
            && !self.nodes.is_missing_or_null(Some(element))
        {
            kept.push(element);
        }
        self.nodes.set_items(list, kept);
        Ok(())
    }

    /// kyaml's FieldMatcher: the field of a map, or a scalar itself where the
    /// name is ""; an empty value matches any field.
    fn matching(
        &self,
        item: Id,
        name: &str,
        value: Option<&str>,
    ) -> Result<Option<Id>, PatchError> {
        if self.nodes.is_missing_or_null(Some(item)) {
            return Ok(None);
        }
        if name.is_empty() {
            self.expect(item, "ScalarNode")?;
            let wanted = value.unwrap_or_default();
            return Ok((self.nodes.text(item) == wanted).then_some(item));
        }
        self.expect(item, "MappingNode")?;
        let field = self.nodes.field(item, name);
        Ok(field.filter(|field| match value {
            None | Some("") => true,
            Some(value) => self.nodes.text(*field) == value,
        }))
    }
}

/// Items that agree in one key where the other is not given are taken for the
/// same one: a port without a protocol for the same port with one.
fn fill_in(all: &mut [Vec<String>]) {
    for i in 0..all.len() {
        let this = all[i].clone();
        for j in 0..all.len() {
            if let Some(both) = agree(&this, &all[j]) {
                all[i].clone_from(&both);
                all[j] = both;
            }
        }
    }
}

fn agree(one: &[String], other: &[String]) -> Option<Vec<String>> {
    let mut has_common = false;
    let mut both = Vec::with_capacity(one.len());
    for (one, other) in one.iter().zip(other) {
        has_common |= one == other;
        match (one.as_str(), other.as_str()) {
            (_, "") => both.push(one.clone()),
            ("", _) => both.push(other.clone()),
            (one, other) if one == other => both.push(other.to_owned()),
            _ => return None,
        }
    }
    has_common.then_some(both)
}

/// Which keys any item has a value for; all where none has.
fn keys_in_use(all: &[Vec<String>], keys: &[&str]) -> Vec<usize> {
    let in_use = |at: &usize| all.iter().any(|values| !values[*at].is_empty());
    let found: Vec<usize> = (0..keys.len()).filter(in_use).collect();
    if found.is_empty() {
        return (0..keys.len()).collect();
    }
    found
}
