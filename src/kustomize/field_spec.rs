//! Field specs: a path of fields, and the kinds of which it holds.

use super::id::split_api_version;
use super::resource::scalar;
use crate::object::Gvk;
use crate::value::{Map, Value};
use smallvec::SmallVec;
use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    /// Empty parts mean any.
    pub gvk: Gvk,
    /// Fields between slashes; lists are gone through, `[]` says one is meant.
    pub path: String,
    /// Missing fields are made.
    pub create: bool,
}

/// What a missing field is made as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Create {
    Never,
    Scalar,
    Map,
}

type Set<'a> = dyn FnMut(&mut Value) -> Result<(), String> + 'a;

impl FieldSpec {
    pub fn new(path: &str, create: bool) -> Self {
        FieldSpec {
            gvk: Gvk::new("", "", ""),
            path: path.to_owned(),
            create,
        }
    }

    /// Calls `set` on every value that the path leads to, where the resource
    /// is of the spec's kind.
    pub fn visit(
        &self,
        object: &mut Value,
        create: Create,
        set: &mut Set<'_>,
    ) -> Result<(), String> {
        if self.is_for(object) {
            self.visit_all(object, create, set)
        } else {
            Ok(())
        }
    }

    fn is_for(&self, object: &Value) -> bool {
        let has = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        let text = |key: &str| object.get(key).map(scalar).unwrap_or_default();
        if !has(&self.gvk.kind, &text("kind")) {
            return false;
        }
        if self.gvk.group.is_empty() && self.gvk.version.is_empty() {
            return true;
        }
        let api_version = text("apiVersion");
        let (group, version) = split_api_version(&api_version);
        has(&self.gvk.group, group) && has(&self.gvk.version, version)
    }

    /// The same whatever the resource's kind.
    pub fn visit_all(
        &self,
        object: &mut Value,
        create: Create,
        set: &mut Set<'_>,
    ) -> Result<(), String> {
        let path = split_path(&self.path, '/');
        let create = if self.create { create } else { Create::Never };
        walk(object, &path, create, set)
            .map_err(|cause| format!("considering field '{}': {cause}", self.path))
    }
}

fn walk(
    value: &mut Value,
    path: &[Cow<'_, str>],
    create: Create,
    set: &mut Set<'_>,
) -> Result<(), String> {
    let Some((step, rest)) = path.split_first() else {
        return set(value);
    };
    match value {
        Value::Null => Ok(()),
        Value::Seq(items) => items
            .iter_mut()
            .try_for_each(|item| walk(item, path, create, set)),
        Value::Map(map) => walk_map(map, step, rest, create, set),
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Str(_) => {
            Err("expected sequence or mapping node".to_owned())
        }
    }
}

fn walk_map(
    map: &mut Map,
    step: &str,
    rest: &[Cow<'_, str>],
    create: Create,
    set: &mut Set<'_>,
) -> Result<(), String> {
    let (name, is_list) = match step.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (step, false),
    };
    if name.is_empty() {
        return Err("cannot set or create an empty field name".to_owned());
    }
    let made = match create {
        _ if is_list => None,
        Create::Never => None,
        _ if !rest.is_empty() => Some(Value::Map(Map::new())),
        Create::Map => Some(Value::Map(Map::new())),
        Create::Scalar => Some(Value::Str(String::new())),
    };
    match (map.get_mut(name), made) {
        (None, None) => return Ok(()),
        (None, Some(made)) => {
            map.insert(name, made);
        }
        // A null list is an empty one afterwards.
        (Some(field @ Value::Null), _) if is_list => *field = Value::Seq(Vec::new()),
        (Some(field @ Value::Null), Some(made)) => *field = made,
        (Some(_), _) => {}
    }
    let field = map
        .get_mut(name)
        .expect("it is there, or was made just above");
    walk(field, rest, create, set)
}

/// The parts of a path; a backslash in front of the delimiter takes its
/// meaning, and one at the start is passed over.
pub fn split_path(path: &str, delimiter: char) -> Steps<'_> {
    let path = path.strip_prefix(delimiter).unwrap_or(path);
    let mut found = Steps::new();
    for part in path.split(delimiter) {
        match found.last_mut() {
            Some(last) if last.ends_with('\\') => {
                let last = last.to_mut();
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => found.push(part.into()),
        }
    }
    found
}

/// The paths of the built-in specs have no more.
type Steps<'a> = SmallVec<[Cow<'a, str>; 12]>;

/// Puts a text in the place of a scalar, read as YAML where it is a plain one.
pub fn set_scalar(value: &mut Value, text: &str) -> Result<(), String> {
    let was_text = value.as_str().is_some();
    check_scalar(value)?;
    *value = if was_text {
        Value::Str(text.to_owned())
    } else {
        crate::value::yaml::resolve_plain(text)
    };
    Ok(())
}

pub fn check_scalar(value: &Value) -> Result<(), String> {
    match value {
        Value::Map(_) => Err("wrong node kind: expected ScalarNode but got MappingNode".to_owned()),
        Value::Seq(_) => {
            Err("wrong node kind: expected ScalarNode but got SequenceNode".to_owned())
        }
        _ => Ok(()),
    }
}

/// Sets an entry of a map (labels, annotations) to a string.
pub fn set_entry(value: &mut Value, key: &str, text: &str) -> Result<(), String> {
    match value {
        Value::Map(map) => {
            map.insert(key, text);
            Ok(())
        }
        Value::Null => Ok(()),
        other => Err(format!(
            "wrong node kind: expected MappingNode but got a {}",
            other.kind()
        )),
    }
}
