//! ignoreDifferences in its three forms: JSON pointers, jq expressions, and
//! the managers whose fields do not count.

use super::jq::{Jq, JqError, compile_jq};
use super::owned::child_at;
use crate::app::IgnoreDifferences;
use crate::object::{Object, ResourceKey};
use crate::value::{Map, Value};

/// The ignoreDifferences that concern one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IgnoreRules {
    /// JSON pointers, split and unescaped.
    pointers: Vec<Vec<String>>,
    expressions: Vec<Jq>,
    /// Whose managed fields do not count.
    managers: Vec<String>,
}

/// Checks the expressions of rules before anything is compared by them.
pub fn check_rules(rules: &[IgnoreDifferences]) -> Result<(), JqError> {
    let expressions = rules.iter().flat_map(|rule| &rule.jq_path_expressions);
    for expression in expressions {
        compile_jq(expression)?;
    }
    Ok(())
}

impl IgnoreRules {
    /// The rules for `key`; `matches` says whether a glob fits a text.
    /// Expressions that [`check_rules`] refuses are left out.
    pub fn for_object(
        rules: &[IgnoreDifferences],
        key: &ResourceKey,
        matches: impl Fn(&str, &str) -> bool,
    ) -> Self {
        let mut found = IgnoreRules::default();
        for rule in rules {
            let fits = matches(&rule.group, &key.group)
                && matches(&rule.kind, &key.kind)
                && (rule.name.is_empty() || rule.name == key.name)
                && (rule.namespace.is_empty() || rule.namespace == key.namespace);
            if fits {
                let pointers = rule.json_pointers.iter();
                found
                    .pointers
                    .extend(pointers.map(|text| split_pointer(text)));
                let expressions = rule.jq_path_expressions.iter();
                found
                    .expressions
                    .extend(expressions.filter_map(|text| compile_jq(text).ok()));
                found
                    .managers
                    .extend(rule.managed_fields_managers.iter().cloned());
            }
        }
        found
    }

    /// The rules of an aggregated ClusterRole are another controller's.
    pub fn ignore_rules_of_aggregated_role(&mut self, desired: &Object) {
        if desired.kind() == "ClusterRole" && desired.at(&["aggregationRule"]).is_some() {
            self.pointers.push(vec!["rules".to_owned()]);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pointers.is_empty() && self.expressions.is_empty() && self.managers.is_empty()
    }

    /// Takes what pointers and expressions name out of an object. An
    /// expression that fails on it takes nothing, as upstream.
    pub(super) fn remove_from(&self, object: &mut Object) {
        for pointer in &self.pointers {
            remove_at(object.root_mut(), pointer);
        }
        if self.expressions.is_empty() {
            return;
        }
        let mut value = Value::Map(object.root().clone());
        for expression in &self.expressions {
            let mut less = value.clone();
            if expression.delete_from(&mut less).is_ok() {
                value = less;
            }
        }
        if let Value::Map(root) = value {
            *object.root_mut() = root;
        }
    }

    /// Takes out of an object the fields that a trusted manager owns in the
    /// live one; of list items, those that `other` does not have at all.
    pub(super) fn remove_trusted(&self, object: &mut Object, other: &Object, live: &Object) {
        let entries = live
            .at(&["metadata", "managedFields"])
            .and_then(Value::as_seq)
            .unwrap_or_default();
        for entry in entries {
            let is_trusted = entry
                .get("manager")
                .and_then(Value::as_str)
                .is_some_and(|manager| self.managers.iter().any(|trusted| trusted == manager));
            if let Some(fields) = entry.get("fieldsV1").and_then(Value::as_map)
                && is_trusted
            {
                remove_fields(fields, object.root_mut(), Some(other.root()));
            }
        }
    }
}

fn remove_fields(fields: &Map, map: &mut Map, other: Option<&Map>) {
    for (element, below) in fields.iter() {
        let Some(key) = element.strip_prefix("f:") else {
            continue;
        };
        let below = below.as_map().filter(|below| !below.is_empty());
        let Some(below) = below else {
            map.remove(key);
            continue;
        };
        match map.get_mut(key) {
            Some(Value::Map(map)) => {
                let other = other.and_then(|other| other.get(key)?.as_map());
                remove_fields(below, map, other);
            }
            Some(list @ Value::Seq(_)) => {
                let other = other.and_then(|other| other.get(key));
                remove_items(below, list, other);
            }
            _ => {}
        }
    }
}

fn remove_items(fields: &Map, list: &mut Value, other: Option<&Value>) {
    for (element, below) in fields.iter().filter(|(element, _)| *element != ".") {
        let Some(at) = child_at(list, element) else {
            continue;
        };
        let in_other = other.and_then(|other| Some((other, child_at(other, element)?)));
        let Some(items) = list.as_seq_mut() else {
            return;
        };
        match (in_other, &mut items[at]) {
            (None, _) => {
                items.remove(at);
            }
            (Some((other, place)), Value::Map(item)) => {
                let other = other.as_seq().and_then(|items| items[place].as_map());
                if let Some(below) = below.as_map() {
                    remove_fields(below, item, other);
                }
            }
            (Some(_), _) => {}
        }
    }
}

/// Maps and lists that are empty count as absent, as upstream.
pub(super) fn remove_empty(map: &mut Map) {
    map.retain(|_, value| match value {
        Value::Map(below) => {
            remove_empty(below);
            !below.is_empty()
        }
        Value::Seq(items) => {
            items.retain_mut(|item| match item {
                Value::Map(below) => {
                    remove_empty(below);
                    !below.is_empty()
                }
                _ => true,
            });
            !items.is_empty()
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Float(_)
        | Value::Str(_) => true,
    });
}

fn split_pointer(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect()
}

fn remove_at(map: &mut Map, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        map.remove(first);
        return;
    }
    let mut value = map.get_mut(first);
    let mut rest = rest;
    // Lists on the way are entered by index.
    while let Some(Value::Seq(items)) = value {
        let Some((index, below)) = rest.split_first() else {
            return;
        };
        let Ok(index) = index.parse::<usize>() else {
            return;
        };
        if below.is_empty() {
            if index < items.len() {
                items.remove(index);
            }
            return;
        }
        value = items.get_mut(index);
        rest = below;
    }
    if let Some(Value::Map(map)) = value {
        remove_at(map, rest);
    }
}
