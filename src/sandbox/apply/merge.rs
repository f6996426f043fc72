//! Merges an applied configuration into the live object, and takes items out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::path::PathElement;
use super::set::FieldSet;
use super::typed::{Atom, ListAtom, MapAtom, atom, child_or_any, deduce, item_element};
use crate::sandbox::schema::{Node, Schema};
use crate::value::{Map, Value};

/// The live object with everything that `config` says; nothing is removed.
pub fn merge(schema: &Schema, live: &Value, config: &Value) -> Value {
    merged(schema, schema.root(), Some(live), Some(config)).unwrap_or_default()
}

fn merged(
    schema: &Schema,
    node: &Node,
    live: Option<&Value>,
    config: Option<&Value>,
) -> Option<Value> {
    let whole = atom(schema, node);
    let atom = deduce(whole, config.or(live)?);
    let leaf = || config.or(live).cloned();
    match atom {
        Atom::Scalar(_) => leaf(),
        Atom::List(list) => {
            let ours = live.and_then(Value::as_seq).unwrap_or_default();
            let theirs = config.and_then(Value::as_seq).unwrap_or_default();
            if list.is_atomic() || (ours.is_empty() && theirs.is_empty()) {
                return leaf();
            }
            merged_items(schema, &list, ours, theirs)
        }
        Atom::Map(map) | Atom::Any { map, .. } => {
            static EMPTY: Map = Map::new();
            let ours = live.and_then(Value::as_map).unwrap_or(&EMPTY);
            let theirs = config.and_then(Value::as_map).unwrap_or(&EMPTY);
            if map.atomic || (ours.is_empty() && theirs.is_empty()) {
                return leaf();
            }
            merged_entries(schema, &map, ours, theirs)
        }
    }
}

fn merged_entries(schema: &Schema, map: &MapAtom<'_>, live: &Map, config: &Map) -> Option<Value> {
    let keys: BTreeSet<&str> = live.keys().chain(config.keys()).collect();
    let out: Map = keys
        .into_iter()
        .filter_map(|key| {
            let node = child_or_any(map.child(key));
            Some((key, merged(schema, node, live.get(key), config.get(key))?))
        })
        .collect();
    (!out.is_empty()).then_some(Value::Map(out))
}

/// Items keep the live order where the configuration leaves it, and take the
/// configuration's order where both have them.
fn merged_items(
    schema: &Schema,
    list: &ListAtom<'_>,
    live: &[Value],
    config: &[Value],
) -> Option<Value> {
    static NULL: Value = Value::Null;
    let mut ours: Vec<PathElement> = Vec::new();
    let mut our_items: BTreeMap<PathElement, &Value> = BTreeMap::new();
    for item in live {
        let element = item_element(schema, list, item).ok()?;
        our_items
            .entry(element.clone())
            // Duplicates are not merged with the new item.
            .and_modify(|item| *item = &NULL)
            .or_insert(item);
        ours.push(element);
    }
    let mut theirs: Vec<PathElement> = Vec::new();
    let mut their_items: BTreeMap<PathElement, &Value> = BTreeMap::new();
    for item in config {
        let element = item_element(schema, list, item).ok()?;
        if their_items.insert(element.clone(), item).is_some() {
            return None;
        }
        theirs.push(element);
    }

    let mut shared: VecDeque<&PathElement> = theirs
        .iter()
        .filter(|element| our_items.contains_key(element))
        .collect();
    let mut next_shared = shared.pop_front();
    let mut done: BTreeSet<&PathElement> = BTreeSet::new();
    let mut out = Vec::new();
    let item =
        |ours: Option<&Value>, theirs: Option<&Value>| merged(schema, list.element, ours, theirs);
    let (mut at, mut their_at) = (0, 0);
    while at < ours.len() || their_at < theirs.len() {
        if at < ours.len() && their_at < theirs.len() {
            let element = &ours[at];
            if *element == theirs[their_at] {
                done.insert(element);
                out.extend(item(
                    our_items.get(element).copied(),
                    their_items.get(element).copied(),
                ));
                at += 1;
                their_at += 1;
                next_shared = shared.pop_front();
                continue;
            }
            if their_items.contains_key(element) && next_shared.is_some_and(|next| next != element)
            {
                // Shared, but not the one that is due in this round.
                at += 1;
                continue;
            }
        }
        if at < ours.len() {
            let element = &ours[at];
            if !their_items.contains_key(element) {
                out.extend(item(Some(&live[at]), None));
                at += 1;
                continue;
            } else if done.contains(element) {
                at += 1;
            }
        }
        if their_at < theirs.len() {
            let element = &theirs[their_at];
            done.insert(element);
            out.extend(item(
                our_items.get(element).copied(),
                their_items.get(element).copied(),
            ));
            their_at += 1;
            if next_shared == Some(element) {
                next_shared = shared.pop_front();
            }
        }
    }
    (!out.is_empty()).then_some(Value::Seq(out))
}

/// The object without the fields and items of a set.
pub fn remove_items(schema: &Schema, value: &Value, gone: &FieldSet) -> Value {
    removed(schema, schema.root(), value, gone)
}

fn removed(schema: &Schema, node: &Node, value: &Value, gone: &FieldSet) -> Value {
    match (deduce(atom(schema, node), value), value) {
        (Atom::Scalar(_), _) => value.clone(),
        (Atom::List(list), Value::Seq(items)) => {
            if list.is_atomic() {
                return Value::Null;
            }
            let mut out = Vec::new();
            for item in items {
                let Ok(element) = item_element(schema, &list, item) else {
                    out.push(item.clone());
                    continue;
                };
                if gone.has_member(&element) {
                    continue;
                }
                out.push(match gone.child(&element) {
                    Some(below) => removed(schema, list.element, item, below),
                    None => item.clone(),
                });
            }
            if out.is_empty() {
                Value::Null
            } else {
                Value::Seq(out)
            }
        }
        (Atom::Map(map), Value::Map(entries)) => {
            if map.atomic {
                return Value::Null;
            }
            let mut out = Map::new();
            for (key, value) in entries.iter() {
                let element = PathElement::Field(key.to_owned());
                if gone.has_member(&element) {
                    continue;
                }
                let value = match gone.child(&element) {
                    Some(below) => removed(schema, child_or_any(map.child(key)), value, below),
                    None => value.clone(),
                };
                out.insert(key, value);
            }
            if out.is_empty() {
                Value::Null
            } else {
                Value::Map(out)
            }
        }
        _ => Value::Null,
    }
}
