//! Strategic merge patch: a merge patch that knows which lists are merged by
//! which key, with its directives `$patch`, `$retainKeys`,
//! `$setElementOrder/...` and `$deleteFromPrimitiveList/...`.

use super::PatchError;
use crate::sandbox::schema::{Field, Node, Schema, Shape};
use crate::value::{Map, Value};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ORDER_PREFIX: &str = "$setElementOrder";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList";

pub fn strategic(schema: &Schema, object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let (Value::Map(object), Value::Map(patch)) = (object, patch) else {
        return Err(bad("invalid JSON document"));
    };
    let walk = Walk { schema };
    walk.map(object.clone(), patch.clone(), Some(schema.root()))
        .map(Value::Map)
}

struct Walk<'a> {
    schema: &'a Schema,
}

/// How a list is merged.
struct ListRule<'a> {
    merge: bool,
    key: &'a str,
    element: Option<&'a Node>,
}

impl<'a> Walk<'a> {
    fn field(&self, node: Option<&'a Node>, name: &str) -> Option<&'a Field> {
        self.schema.struct_of(node?)?.field(name)
    }

    /// The node below a name, and whether the map there is replaced.
    fn child(&self, node: Option<&'a Node>, name: &str) -> Option<&'a Node> {
        match self.field(node, name) {
            Some(field) => Some(&field.node),
            None => match &node?.shape {
                Shape::Map { element, .. } => Some(element),
                _ => None,
            },
        }
    }

    fn list_rule(&self, node: Option<&'a Node>, name: &str) -> ListRule<'a> {
        let Some(field) = self.field(node, name) else {
            return ListRule {
                merge: false,
                key: "",
                element: None,
            };
        };
        ListRule {
            merge: field.patch_merge,
            key: field.patch_merge_key.as_deref().unwrap_or_default(),
            element: match &field.node.shape {
                Shape::List(_, element) => Some(element),
                _ => None,
            },
        }
    }

    fn map(
        &self,
        mut original: Map,
        mut patch: Map,
        node: Option<&'a Node>,
    ) -> Result<Map, PatchError> {
        if let Some(directive) = patch.remove(DIRECTIVE) {
            return match directive.as_str() {
                Some("replace") => Ok(patch),
                Some("delete") => Ok(Map::new()),
                _ => Err(bad_directive(&directive, &patch)),
            };
        }
        retain_keys(&mut original, &mut patch)?;
        self.ordered_lists(&mut original, &mut patch, node)?;
        for (key, change) in patch {
            let (name, deletes) = match key.strip_prefix(DELETE_PREFIX) {
                Some(rest) => match rest.strip_prefix('/') {
                    Some(name) => (name.to_owned(), true),
                    None => {
                        return Err(bad("invalid patch format of primitive list"));
                    }
                },
                None => (key, false),
            };
            if change.is_null() {
                original.remove(&name);
                continue;
            }
            let current = original.remove(&name);
            let merged = match (current, change) {
                (Some(Value::Map(current)), Value::Map(change)) => {
                    let child = self.child(node, &name);
                    Some(Value::Map(self.map(current, change, child)?))
                }
                (Some(Value::Seq(current)), Value::Seq(change)) => {
                    let rule = self.list_rule(node, &name);
                    Some(Value::Seq(if deletes || rule.merge {
                        self.list(current, change, &rule, deletes)?
                    } else {
                        change
                    }))
                }
                (current, _) if deletes => current,
                (Some(current), change) if same_scalar_kind(&current, &change) => Some(change),
                (_, change) => without_directives(without_nulls(change)),
            };
            if let Some(merged) = merged {
                original.insert(name, merged);
            }
        }
        Ok(original)
    }

    fn list(
        &self,
        original: Vec<Value>,
        patch: Vec<Value>,
        rule: &ListRule<'a>,
        deletes: bool,
    ) -> Result<Vec<Value>, PatchError> {
        let Some(first) = original.first().or(patch.first()) else {
            return Ok(original);
        };
        check_same_kind(&original, &patch)?;
        let is_maps = first.as_map().is_some();
        if !is_maps {
            if deletes {
                return Ok(original
                    .into_iter()
                    .filter(|item| !patch.contains(item))
                    .collect());
            }
            let mut merged: Vec<Value> = Vec::new();
            for item in original.iter().chain(&patch) {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
            let (ours, server_only) = merged
                .into_iter()
                .partition(|item: &Value| patch.contains(item));
            return Ok(in_order(ours, server_only, &patch, &original, "", false));
        }
        if rule.key.is_empty() {
            let name = rule
                .element
                .and_then(|node| self.schema.struct_of(node))
                .map(|s| s.name.to_string())
                .unwrap_or_default();
            return Err(PatchError::Other(format!(
                "cannot merge lists without merge key for {name}"
            )));
        }
        let (original, patch) = special_elements(original, patch, rule.key)?;
        let mut merged = original.clone();
        for item in &patch {
            let Value::Map(change) = item else {
                continue;
            };
            let key = change
                .get(rule.key)
                .ok_or_else(|| no_merge_key(change, rule.key))?;
            match merged
                .iter()
                .position(|item| item.get(rule.key) == Some(key))
            {
                Some(at) => {
                    let Value::Map(current) = merged[at].clone() else {
                        continue;
                    };
                    merged[at] = Value::Map(self.map(current, change.clone(), rule.element)?);
                }
                None => merged.push(item.clone()),
            }
        }
        let mut ours = Vec::new();
        let mut server_only = Vec::new();
        for item in merged {
            let key = key_of(&item, rule.key)?;
            if patch.iter().any(|item| item.get(rule.key) == Some(&key)) {
                ours.push(item);
            } else {
                server_only.push(item);
            }
        }
        Ok(in_order(
            ours,
            server_only,
            &patch,
            &original,
            rule.key,
            true,
        ))
    }

    /// Lists whose order the patch gives: `$setElementOrder/containers`.
    fn ordered_lists(
        &self,
        original: &mut Map,
        patch: &mut Map,
        node: Option<&'a Node>,
    ) -> Result<(), PatchError> {
        let directives: Vec<String> = patch
            .keys()
            .filter(|key| key.starts_with(ORDER_PREFIX))
            .map(str::to_owned)
            .collect();
        for directive in directives {
            let order = patch.remove(&directive).unwrap_or_default();
            let Value::Seq(order) = order else {
                return Err(PatchError::Other(bad_type("[]interface {}", &order)));
            };
            let Some(name) = directive
                .strip_prefix(ORDER_PREFIX)
                .and_then(|rest| rest.strip_prefix('/'))
            else {
                return Err(bad("invalid patch format of setElementOrder list"));
            };
            let list_of = |map: &Map| match map.get(name) {
                None => Ok(None),
                Some(Value::Seq(items)) => Ok(Some(items.clone())),
                Some(other) => Err(PatchError::Other(bad_type("[]interface {}", other))),
            };
            let current = list_of(original)?;
            let change = list_of(patch)?;
            let rule = self.list_rule(node, name);
            check_order(change.as_deref().unwrap_or_default(), &order, rule.key)?;
            let merged = match (&current, &change) {
                (None, None) => continue,
                (Some(current), None) => current.clone(),
                (None, Some(change)) => match without_directives(Value::Seq(change.clone())) {
                    Some(Value::Seq(items)) => items,
                    _ => continue,
                },
                (Some(current), Some(change)) if rule.merge => {
                    self.list(current.clone(), change.clone(), &rule, false)?
                }
                (Some(_), Some(change)) => change.clone(),
            };
            let mut ours = Vec::new();
            let mut server_only = Vec::new();
            for item in merged {
                let listed = if rule.key.is_empty() {
                    order.contains(&item)
                } else {
                    let key = key_of(&item, rule.key)?;
                    order.iter().any(|item| item.get(rule.key) == Some(&key))
                };
                if listed {
                    ours.push(item);
                } else {
                    server_only.push(item);
                }
            }
            let current = current.unwrap_or_default();
            let is_maps = current
                .first()
                .or(change.as_deref().unwrap_or_default().first())
                .is_some_and(|item| item.as_map().is_some());
            let sorted = in_order(ours, server_only, &order, &current, rule.key, is_maps);
            original.insert(name, sorted);
            patch.remove(name);
        }
        Ok(())
    }
}

fn retain_keys(original: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let fault = || bad("invalid patch format of retainKeys");
    let Value::Seq(keys) = keys else {
        return Err(fault());
    };
    let kept = |key: &str| keys.iter().any(|kept| kept.as_str() == Some(key));
    for (key, value) in patch.iter() {
        let is_directive = key.starts_with(DELETE_PREFIX) || key.starts_with(ORDER_PREFIX);
        if !value.is_null() && !is_directive && !kept(key) {
            return Err(fault());
        }
    }
    original.retain(|key, _| kept(key));
    Ok(())
}

/// Carries out `$patch` of list items and takes them out of the patch.
fn special_elements(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut plain = Vec::new();
    let mut replace = false;
    for item in patch {
        let Value::Map(map) = &item else {
            continue;
        };
        match map.get(DIRECTIVE).map(|directive| directive.as_str()) {
            None => plain.push(item),
            Some(Some("delete")) => {
                let gone = map.get(key).ok_or_else(|| no_merge_key(map, key))?.clone();
                original.retain(|item| item.get(key) != Some(&gone));
            }
            Some(Some("replace")) => replace = true,
            Some(Some("merge")) => {
                return Err(PatchError::Other(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            Some(_) => {
                let directive = map.get(DIRECTIVE).cloned().unwrap_or_default();
                return Err(bad_directive(&directive, map));
            }
        }
    }
    if replace {
        Ok((plain, Vec::new()))
    } else {
        Ok((original, plain))
    }
}

/// The items of a patch must stand in the order that it gives.
fn check_order(patch: &[Value], order: &[Value], key: &str) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut items = patch
        .iter()
        .filter(|item| item.get(DIRECTIVE).is_none())
        .peekable();
    for wanted in order {
        let Some(item) = items.peek() else {
            return Ok(());
        };
        let same = if key.is_empty() {
            **item == *wanted
        } else {
            key_of(item, key)? == key_of(wanted, key)?
        };
        if same {
            items.next();
        }
    }
    if items.peek().is_some() {
        let shown = |items: &[Value]| Value::Seq(items.to_vec()).to_json();
        return Err(PatchError::Other(format!(
            "The order in patch list:\n{}\n doesn't match {ORDER_PREFIX} list:\n{}\n",
            shown(patch),
            shown(order)
        )));
    }
    Ok(())
}

/// Orders what the patch has as the patch does, and puts what only the server
/// has where it stood relative to its neighbours.
fn in_order(
    mut ours: Vec<Value>,
    server_only: Vec<Value>,
    patch_order: &[Value],
    server_order: &[Value],
    key: &str,
    is_maps: bool,
) -> Vec<Value> {
    let same = |a: &Value, b: &Value| {
        if is_maps && !key.is_empty() {
            a.get(key) == b.get(key)
        } else {
            a == b
        }
    };
    let place = |item: &Value, order: &[Value]| order.iter().position(|other| same(item, other));
    ours.sort_by_key(|item| place(item, patch_order).unwrap_or(usize::MAX));
    let mut server_only = server_only;
    server_only.sort_by_key(|item| place(item, server_order).unwrap_or(usize::MAX));
    let mut out = Vec::with_capacity(ours.len() + server_only.len());
    let mut ours = ours.into_iter().peekable();
    let mut server_only = server_only.into_iter().peekable();
    loop {
        let take_ours = match (ours.peek(), server_only.peek()) {
            (None, None) => return out,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(theirs)) => {
                match (place(mine, server_order), place(theirs, server_order)) {
                    (Some(mine), Some(theirs)) => mine < theirs,
                    // An item that the server has not goes first.
                    (None, _) | (_, None) => true,
                }
            }
        };
        out.extend(if take_ours {
            ours.next()
        } else {
            server_only.next()
        });
    }
}

fn same_scalar_kind(a: &Value, b: &Value) -> bool {
    let is_scalar = !matches!(a, Value::Seq(_) | Value::Map(_) | Value::Null);
    is_scalar && std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn check_same_kind(original: &[Value], patch: &[Value]) -> Result<(), PatchError> {
    let mut kinds = original.iter().chain(patch).map(std::mem::discriminant);
    let first = kinds.next();
    if original
        .iter()
        .chain(patch)
        .any(|item| matches!(item, Value::Seq(_)))
    {
        return Err(PatchError::Unprocessable(
            "lists of lists are not supported".to_owned(),
        ));
    }
    if kinds.any(|kind| Some(kind) != first) {
        return Err(PatchError::Other(
            "list element types are not identical".to_owned(),
        ));
    }
    Ok(())
}

fn key_of(item: &Value, key: &str) -> Result<Value, PatchError> {
    match item {
        Value::Map(map) => map.get(key).cloned().ok_or_else(|| no_merge_key(map, key)),
        other => Err(PatchError::Other(bad_type(
            "map[string]interface {}",
            other,
        ))),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Seq(items) => items
            .into_iter()
            .map(without_nulls)
            .collect::<Vec<_>>()
            .into(),
        scalar => scalar,
    }
}

/// None where the value itself is a directive.
fn without_directives(value: Value) -> Option<Value> {
    Some(match value {
        Value::Map(map) => {
            if map.contains_key(DIRECTIVE) {
                return None;
            }
            Value::Map(
                map.into_iter()
                    .filter_map(|(key, value)| Some((key, without_directives(value)?)))
                    .collect(),
            )
        }
        Value::Seq(items) => Value::Seq(items.into_iter().filter_map(without_directives).collect()),
        scalar => scalar,
    })
}

fn bad(what: &str) -> PatchError {
    PatchError::BadRequest(what.to_owned())
}

fn bad_directive(directive: &Value, map: &Map) -> PatchError {
    PatchError::Other(format!(
        "unknown patch type: {} in map: {}",
        directive.to_json(),
        go_map(map)
    ))
}

fn no_merge_key(map: &Map, key: &str) -> PatchError {
    PatchError::Other(format!(
        "map: {} does not contain declared merge key: {key}",
        go_map(map)
    ))
}

fn bad_type(expected: &str, given: &Value) -> String {
    format!("expected a {expected}, but received a {}", given.kind())
}

/// A map as Go prints it: `map[a:1 b:x]`.
fn go_map(map: &Map) -> String {
    let entries: Vec<String> = map
        .iter()
        .map(|(key, value)| match value {
            Value::Str(text) => format!("{key}:{text}"),
            Value::Map(inner) => format!("{key}:{}", go_map(inner)),
            other => format!("{key}:{}", other.to_json()),
        })
        .collect();
    format!("map[{}]", entries.join(" "))
}
