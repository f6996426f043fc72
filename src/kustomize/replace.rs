//! `replacements`: a field of one resource, or a text, put into others.

use super::id::{ResId, is_selected};
use super::kustomization::{Mistyped, Selector, typed, typed_known};
use super::res_map::ResMap;
use super::resource::{Resource, scalar_text};
use super::schema::Schema;
use super::selector::LabelSelector;
use super::vars::{field_value, steps};
use crate::object::Gvk;
use crate::value::{Map, Value, yaml};
use regex::Regex;
use serde::Deserialize;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Replacement {
    source: Option<Source>,
    targets: Option<Vec<Target>>,
    source_value: Option<String>,
    /// Read before, by who reads files.
    path: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Source {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
    field_path: String,
    options: Option<FieldOptions>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Target {
    select: Option<Selector>,
    reject: Vec<Selector>,
    field_paths: Vec<String>,
    options: Option<FieldOptions>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FieldOptions {
    delimiter: String,
    index: i64,
    encoding: String,
    create: bool,
}

const NAME: &str = "metadata.name";

impl Replacement {
    /// An entry of a kustomization.
    pub fn read(value: &Value) -> Result<Self, Mistyped> {
        Self::checked(typed(value)?)
    }

    /// One that stands in a file of its own, where unknown fields are passed
    /// over.
    pub fn read_of_file(value: &Value) -> Result<Self, Mistyped> {
        Self::checked(typed_known(value)?)
    }

    fn checked(read: Replacement) -> Result<Self, Mistyped> {
        read.check()
            .map_err(|cause| Mistyped::whole(cause.to_owned()))?;
        Ok(read)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.targets.is_none() || (self.source.is_none() && self.source_value.is_none()) {
            return Err("replacements must specify a source and at least one target");
        }
        if self.source.is_some() && self.source_value.is_some() {
            return Err("value and resource selectors are mutually exclusive");
        }
        let targets = self.targets.iter().flatten();
        let options = targets
            .clone()
            .map(|t| &t.options)
            .chain(self.source.iter().map(|s| &s.options));
        if options
            .flatten()
            .any(|options| !options.encoding.is_empty())
        {
            return Err(
                "replacements: options.encoding is not implemented by kustomize, and not here",
            );
        }
        if targets.clone().any(|target| target.select.is_none()) {
            return Err("target must specify resources to select");
        }
        Ok(())
    }

    pub fn apply(&self, map: &mut ResMap, schema: &Schema) -> Result<(), String> {
        let value = self.value(map, schema)?;
        for target in self.targets.iter().flatten() {
            target.apply(map, schema, &value)?;
        }
        Ok(())
    }

    fn value(&self, map: &ResMap, schema: &Schema) -> Result<Value, String> {
        let Some(source) = &self.source else {
            return Ok(yaml::resolve_plain(
                self.source_value.as_deref().unwrap_or_default(),
            ));
        };
        let gvk = Gvk::new(&source.group, &source.version, &source.kind);
        let wanted = ResId {
            is_cluster_scoped: false,
            gvk,
            name: source.name.clone(),
            namespace: source.namespace.clone(),
        };
        let is_selected = |id: &ResId| {
            (wanted.name.is_empty() || wanted.name == id.name)
                && (wanted.namespace.is_empty() || wanted.is_same_namespace(id))
                && is_selected(&id.gvk, &wanted.gvk)
        };
        let path = if source.field_path.is_empty() {
            NAME
        } else {
            &source.field_path
        };
        let at = match map.matching_any_id(schema, is_selected)[..] {
            [one] => one,
            [] => return Err(format!("nothing selected by {wanted}:{path}")),
            _ => return Err(format!("multiple matches for selector {wanted}:{path}")),
        };
        let found = field_value(&map.resources[at].value, path);
        let found = found.filter(|value| match value {
            Value::Null => false,
            Value::Map(map) => !map.is_empty(),
            Value::Seq(items) => !items.is_empty(),
            _ => true,
        });
        let found = found.ok_or_else(|| {
            format!("fieldPath `{path}` is missing for replacement source {wanted}")
        })?;
        let Some(options) = source
            .options
            .as_ref()
            .filter(|options| !options.delimiter.is_empty())
        else {
            return Ok(found.clone());
        };
        if matches!(found, Value::Map(_) | Value::Seq(_)) {
            return Err("delimiter option can only be used with scalar nodes".to_owned());
        }
        let text = scalar_text(found);
        let part = usize::try_from(options.index)
            .ok()
            .and_then(|at| text.split(&options.delimiter).nth(at));
        match part {
            Some(part) => Ok(Value::from(part)),
            None => Err(format!(
                "options.index {} is out of bounds for value {text}",
                options.index
            )),
        }
    }
}

impl Target {
    fn apply(&self, map: &mut ResMap, schema: &Schema, value: &Value) -> Result<(), String> {
        let select = Matcher::new(self.select.as_ref().expect("checked when it was read"))?;
        let reject = self
            .reject
            .iter()
            .map(Matcher::new)
            .collect::<Result<Vec<_>, _>>()?;
        let named = [NAME.to_owned()];
        let paths = if self.field_paths.is_empty() {
            &named[..]
        } else {
            &self.field_paths[..]
        };
        let create = self.options.as_ref().is_some_and(|options| options.create);
        for resource in &mut map.resources {
            let ids = resource.all_ids(schema);
            if !select.takes_labels(resource)
                || reject
                    .iter()
                    .any(|r| r.has_labels && r.takes_labels(resource))
                || reject
                    .iter()
                    .any(|r| r.has_id && ids.iter().any(|id| r.takes(id)))
                || !ids.iter().any(|id| select.takes(id))
            {
                continue;
            }
            for path in paths {
                let id = &ids[ids.len() - 1];
                self.set(&mut resource.value, path, value, create)
                    .map_err(|cause| format!("{id}{}: {cause}", resource.place()))?;
            }
        }
        Ok(())
    }

    fn set(&self, root: &mut Value, path: &str, value: &Value, create: bool) -> Result<(), String> {
        let steps = steps(path);
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        let mut set = |node: &mut Value, is_new: bool| self.put(node, value, is_new);
        let mut walk = Walk {
            create: create.then_some(value),
            set: &mut set,
        };
        let unable = |more: &str| {
            let or_create = if create { " or create" } else { "" };
            format!("unable to find{or_create} field {path:?} in replacement target{more}")
        };
        match walk.go(root, &steps, false) {
            Ok(0) => Err(unable("")),
            Ok(_) => Ok(()),
            Err(cause) => Err(unable(&format!(": {cause}"))),
        }
    }

    fn put(&self, node: &mut Value, value: &Value, is_new: bool) -> Result<(), String> {
        let mut value = value.clone();
        if let Some(options) = self
            .options
            .as_ref()
            .filter(|options| !options.delimiter.is_empty())
        {
            if matches!(node, Value::Map(_) | Value::Seq(_)) {
                return Err("delimiter option can only be used with scalar nodes".to_owned());
            }
            let old = scalar_text(node);
            let mut parts: Vec<&str> = old.split(&options.delimiter).collect();
            let part = scalar_text(&value);
            match usize::try_from(options.index) {
                Err(_) => parts.insert(0, &part),
                Ok(at) if at >= parts.len() => parts.push(&part),
                Ok(at) => parts[at] = &part,
            }
            value = Value::Str(parts.join(&options.delimiter));
        }
        *node = match &*node {
            _ if is_new => value_of_new(value),
            Value::Map(_) | Value::Seq(_) => value,
            Value::Str(_) => Value::Str(scalar_text(&value)),
            old => of_same_kind(old, &scalar_text(&value))?,
        };
        Ok(())
    }
}

/// The type of what is replaced stays, the text is new.
fn of_same_kind(old: &Value, text: &str) -> Result<Value, String> {
    let new = yaml::resolve_plain(text);
    match (old, &new) {
        (Value::Bool(_), Value::Bool(_))
        | (Value::Int(_) | Value::Uint(_), Value::Int(_) | Value::Uint(_))
        | (Value::Float(_), Value::Float(_) | Value::Int(_) | Value::Uint(_))
        | (Value::Null, Value::Null) => Ok(new),
        _ => Err(format!(
            "{text:?} cannot take the place of a {}",
            old.kind()
        )),
    }
}

/// A field that was made has no type of its own: its text says it.
fn value_of_new(value: Value) -> Value {
    match value {
        Value::Str(text) => yaml::resolve_plain(&text),
        other => other,
    }
}

/// Goes along a field path, and makes what is missing where that is asked for.
struct Walk<'w> {
    create: Option<&'w Value>,
    set: &'w mut dyn FnMut(&mut Value, bool) -> Result<(), String>,
}

impl Walk<'_> {
    /// How many fields were set.
    fn go(&mut self, node: &mut Value, steps: &[&str], is_new: bool) -> Result<usize, String> {
        let Some((step, rest)) = steps.split_first() else {
            (self.set)(node, is_new)?;
            return Ok(1);
        };
        if let Ok(at) = step.parse::<usize>()
            && !matches!(node, Value::Map(_))
        {
            return self.item(node, at, rest);
        }
        if let Some(inner) = step
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
        {
            return self.matching(node, inner, rest);
        }
        if *step == "*" {
            let items = node
                .as_seq_mut()
                .ok_or("wrong node kind: expected SequenceNode")?;
            let mut n_set = 0;
            for item in items {
                n_set += self.go(item, rest, false)?;
            }
            return Ok(n_set);
        }
        self.field(node, step, rest)
    }

    fn field(&mut self, node: &mut Value, step: &str, rest: &[&str]) -> Result<usize, String> {
        let map = match node {
            Value::Map(map) => map,
            Value::Null => return Ok(0),
            other => {
                return Err(format!(
                    "wrong node kind: expected MappingNode but got a {}",
                    other.kind()
                ));
            }
        };
        let is_new = !map.contains_key(step);
        if is_new {
            if self.create.is_none() {
                return Ok(0);
            }
            map.insert(step, self.made(rest));
        }
        let field = map
            .get_mut(step)
            .expect("it is there, or was made just above");
        match field {
            Value::Str(text) if !rest.is_empty() => {
                let mut inner = structured(text)?;
                let n_set = self.go(&mut inner, rest, false)?;
                if n_set > 0 {
                    *text = go_json(&inner, text);
                }
                Ok(n_set)
            }
            field => self.go(field, rest, is_new),
        }
    }

    fn item(&mut self, node: &mut Value, at: usize, rest: &[&str]) -> Result<usize, String> {
        let made = self.made(rest);
        let items = node
            .as_seq_mut()
            .ok_or("wrong node kind: expected SequenceNode")?;
        let is_new = items.len() == at && self.create.is_some();
        if is_new {
            items.push(made);
        }
        let n_items = items.len();
        let item = items
            .get_mut(at)
            .ok_or_else(|| format!("index {at} specified but only {n_items} elements found"))?;
        self.go(item, rest, is_new)
    }

    fn matching(&mut self, node: &mut Value, inner: &str, rest: &[&str]) -> Result<usize, String> {
        let (key, wanted) = inner
            .split_once('=')
            .ok_or_else(|| format!("[{inner}] has no '='"))?;
        let pattern =
            Regex::new(wanted).map_err(|_| format!("{wanted:?} is no regular expression"))?;
        let items = node
            .as_seq_mut()
            .ok_or("wrong node kind: expected SequenceNode")?;
        let is_meant = |item: &Value| {
            let found = if key.is_empty() {
                Some(item)
            } else {
                item.get(key)
            };
            found.is_some_and(|found| pattern.is_match(&scalar_text(found)))
        };
        if self.create.is_some() && !items.iter().any(is_meant) {
            let wanted = yaml::resolve_plain(wanted);
            items.push(if key.is_empty() {
                wanted
            } else {
                Value::Map(Map::from_iter([(key, wanted)]))
            });
        }
        let mut n_set = 0;
        for item in items.iter_mut().filter(|item| is_meant(item)) {
            // Nothing of a path is left behind an item that is a text.
            n_set += self.go(item, if key.is_empty() { &[] } else { rest }, false)?;
        }
        Ok(n_set)
    }

    /// What a missing step is made as: what the next one goes into.
    fn made(&self, rest: &[&str]) -> Value {
        match (rest.first(), self.create) {
            (None, Some(Value::Map(_))) => Value::Map(Map::new()),
            (None, Some(Value::Seq(_))) => Value::Seq(Vec::new()),
            (None, _) => Value::Str(String::new()),
            (Some(next), _) if next.starts_with('[') || next.parse::<usize>().is_ok() => {
                Value::Seq(Vec::new())
            }
            (Some(_), _) => Value::Map(Map::new()),
        }
    }
}

/// JSON in a text, which a path may go into.
fn structured(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return Value::from_json(text.as_bytes()).map_err(|error| error.to_string());
    }
    Err("a path may lead into JSON in a text, but not into YAML in a text".to_owned())
}

/// JSON in the form that the text had.
fn go_json(value: &Value, old: &str) -> String {
    let is_pretty = old.contains('\n') && old.contains("  ");
    let text = if is_pretty {
        value.to_json_pretty(2)
    } else {
        value.to_json()
    };
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

struct Matcher {
    parts: [Option<Regex>; 5],
    labels: LabelSelector,
    annotations: LabelSelector,
    has_labels: bool,
    has_id: bool,
}

impl Matcher {
    fn new(selector: &Selector) -> Result<Self, String> {
        let whole = |text: &str| match text {
            "" => Ok(None),
            text => Regex::new(&format!("^(?:{text})$")).map(Some).map_err(|_| {
                format!("error creating target selector: {text:?} is no regular expression")
            }),
        };
        let parts = [
            whole(&selector.group)?,
            whole(&selector.version)?,
            whole(&selector.kind)?,
            whole(&selector.name)?,
            whole(&selector.namespace)?,
        ];
        Ok(Matcher {
            has_id: parts.iter().any(Option::is_some),
            parts,
            labels: LabelSelector::parse(&selector.label_selector)?,
            annotations: LabelSelector::parse(&selector.annotation_selector)?,
            has_labels: !(selector.label_selector.is_empty()
                && selector.annotation_selector.is_empty()),
        })
    }

    fn takes(&self, id: &ResId) -> bool {
        let texts = [
            &id.gvk.group,
            &id.gvk.version,
            &id.gvk.kind,
            &id.name,
            &id.namespace,
        ];
        let mut pairs = self.parts.iter().zip(texts);
        pairs.all(|(pattern, text)| {
            pattern
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(text))
        })
    }

    fn takes_labels(&self, resource: &Resource) -> bool {
        self.labels.matches(&resource.texts("labels"))
            && self.annotations.matches(&resource.texts("annotations"))
    }
}
