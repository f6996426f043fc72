//! `vars`: fields of resources put in the place of `$(NAME)`.

use super::field_spec::{Create, FieldSpec, split_path};
use super::res_map::ResMap;
use crate::value::{Map, Value};
use std::collections::BTreeMap;

/// The value at a path of dots: `spec.ports[0].port`, `[name=web]` for an
/// item, `[a.b/c]` for a key with dots.
pub fn field_value<'v>(root: &'v Value, path: &str) -> Option<&'v Value> {
    let mut value = root;
    for step in steps(path) {
        value = match (&step[..], value) {
            (step, Value::Seq(items)) => match step.parse::<usize>() {
                Ok(at) => items.get(at)?,
                Err(_) if step == "-" => items.last()?,
                Err(_) => {
                    let (key, wanted) =
                        step.strip_prefix('[')?.strip_suffix(']')?.split_once('=')?;
                    items.iter().find(|item| {
                        let found = if key.is_empty() {
                            Some(*item)
                        } else {
                            item.get(key)
                        };
                        found.is_some_and(|found| super::resource::scalar_text(found) == wanted)
                    })?
                }
            },
            (step, Value::Map(map)) => map.get(step)?,
            _ => return None,
        };
    }
    Some(value)
}

pub fn steps(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut parts = split_path(path, '.').into_iter();
    while let Some(part) = parts.next() {
        if part.starts_with('[') && !part.ends_with(']') {
            let mut bracketed = part.into_owned();
            for next in parts.by_ref() {
                bracketed.push('.');
                bracketed.push_str(&next);
                if next.ends_with(']') {
                    break;
                }
            }
            let plain = bracketed.trim_matches(['[', ']']).to_owned();
            found.push(if bracketed.contains('=') {
                bracketed
            } else {
                plain
            });
            continue;
        }
        match part
            .strip_suffix(']')
            .and_then(|rest| rest.rsplit_once('['))
        {
            Some((field, index))
                if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) =>
            {
                if !field.is_empty() {
                    found.push(field.to_owned());
                }
                found.push(index.to_owned());
            }
            _ => found.push(part.into_owned()),
        }
    }
    found
}

/// Puts the values in the place of the variables.
pub fn replace(
    map: &mut ResMap,
    values: &BTreeMap<String, Value>,
    specs: &[FieldSpec],
) -> Result<(), String> {
    for resource in &mut map.resources {
        for spec in specs {
            spec.visit(&mut resource.value, Create::Never, &mut |node| {
                in_node(node, values)
            })?;
        }
    }
    Ok(())
}

fn in_node(node: &mut Value, values: &BTreeMap<String, Value>) -> Result<(), String> {
    match node {
        Value::Str(text) => *node = expanded(text, values),
        Value::Map(map) => in_map(map, values),
        Value::Seq(items) => {
            for item in items {
                let Value::Str(text) = item else {
                    return Err("invalid value type expect a string".to_owned());
                };
                *item = expanded(text, values);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => {}
    }
    Ok(())
}

fn in_map(map: &mut Map, values: &BTreeMap<String, Value>) {
    for value in map.values_mut() {
        if let Value::Str(text) = value {
            *value = expanded(text, values);
        }
    }
}

/// A text that is one variable and nothing else takes on its type.
fn expanded(text: &str, values: &BTreeMap<String, Value>) -> Value {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let behind = &from[1..];
        if let Some(escaped) = behind.strip_prefix('$') {
            out.push('$');
            rest = escaped;
        } else if let Some((name, after)) = behind
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'))
        {
            match values.get(name) {
                Some(value) if !matches!(value, Value::Map(_) | Value::Seq(_) | Value::Null) => {
                    if text.len() == name.len() + "$()".len() {
                        return value.clone();
                    }
                    out.push_str(&super::resource::scalar_text(value));
                }
                Some(_) | None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
            rest = behind;
        }
    }
    out.push_str(rest);
    Value::Str(out)
}
