//! The resources of a build in their order, no two of the same id.

use super::id::ResId;
use super::kustomization::Selector;
use super::resource::{Behavior, Resource, scalar_text};
use super::schema::Schema;
use super::selector::LabelSelector;
use crate::value::{Map, Value, yaml};
use base64::Engine;
use regex::Regex;

/// How many resources a build may have.
const MAX_RESOURCES: usize = 20_000;

#[derive(Clone, Debug, Default)]
pub struct ResMap {
    pub resources: Vec<Resource>,
}

impl ResMap {
    /// Adds a resource; an id may be there once.
    pub fn append(&mut self, resource: Resource, schema: &Schema) -> Result<(), String> {
        let id = resource.id(schema);
        let is_same = |known: &&Resource| same_name(known, &id) && known.id(schema).is_same(&id);
        if let Some(known) = self.resources.iter().find(is_same) {
            return Err(format!(
                "{}may not add resource with an already registered id: {id}{}",
                resource.place_in_front(),
                known.place()
            ));
        }
        if self.resources.len() >= MAX_RESOURCES {
            return Err(format!("more than {MAX_RESOURCES} resources"));
        }
        self.resources.push(resource);
        Ok(())
    }

    pub fn append_all(&mut self, other: ResMap, schema: &Schema) -> Result<(), String> {
        other
            .resources
            .into_iter()
            .try_for_each(|resource| self.append(resource, schema))
    }

    /// Where the resources stand that have, or had, an id that matches.
    pub fn matching_any_id(&self, schema: &Schema, matches: impl Fn(&ResId) -> bool) -> Vec<usize> {
        let found = self.resources.iter().enumerate();
        let found = found.filter(|(_, resource)| resource.all_ids(schema).iter().any(&matches));
        found.map(|(at, _)| at).collect()
    }

    /// The only resource that has, or had, an id.
    pub fn find(&self, id: &ResId, schema: &Schema) -> Result<usize, String> {
        match self.matching_any_id(schema, |known| id.is_same(known))[..] {
            [one] => Ok(one),
            [] => Err(format!(
                "no matches for Id {id}; failed to find unique target for patch {id}"
            )),
            _ => Err(format!(
                "multiple matches for Id {id}; failed to find unique target for patch {id}"
            )),
        }
    }

    /// Adds generated resources, each as its behavior says.
    pub fn absorb(&mut self, generated: ResMap, schema: &Schema) -> Result<(), String> {
        generated
            .resources
            .into_iter()
            .try_for_each(|resource| self.absorb_one(resource, schema))
    }

    fn absorb_one(&mut self, mut new: Resource, schema: &Schema) -> Result<(), String> {
        let id = new.id(schema);
        let matches = self.matching_any_id(schema, |known| id.is_same(known));
        let behavior = new.behavior();
        match (&matches[..], behavior) {
            ([], Behavior::Merge | Behavior::Replace) => {
                Err(format!("id {id} does not exist; cannot merge or replace"))
            }
            ([], Behavior::Create | Behavior::Unspecified) => self.append(new, schema),
            ([at], Behavior::Replace) => {
                new.take_metadata_from(&self.resources[*at]);
                self.resources[*at] = new;
                Ok(())
            }
            ([at], Behavior::Merge) => {
                let old = &self.resources[*at];
                let origin = old.annotation(super::resource::ORIGIN);
                let data = old_data(old, &id)?;
                new.take_metadata_from(old);
                merge_texts(&mut new, "data", &data);
                let binary = texts(old.value.get("binaryData"));
                merge_texts(&mut new, "binaryData", &binary);
                if let Some(origin) = origin {
                    new.set_annotation(super::resource::ORIGIN, &origin);
                }
                self.resources[*at] = new;
                Ok(())
            }
            ([_], Behavior::Create | Behavior::Unspecified) => Err(format!(
                "id {id} exists; can not use behavior: '{}', behavior must be merge or replace",
                behavior.as_str()
            )),
            (_, _) => Err(format!(
                "found multiple objects that could accept merge of {id}"
            )),
        }
    }

    /// The resources that a selector takes, of patches and the like.
    pub fn select(&self, selector: &Selector, schema: &Schema) -> Result<Vec<usize>, String> {
        let pattern = Pattern::new(selector)?;
        let mut found = Vec::new();
        for (at, resource) in self.resources.iter().enumerate() {
            let (now, original) = (resource.id(schema), resource.original_id(schema));
            let is_in = |id: &ResId| pattern.namespace.matches(id.effective_namespace());
            let is_named = |id: &ResId| pattern.name.matches(&id.name);
            if (is_in(&original) || is_in(&now))
                && (is_named(&original) || is_named(&now))
                && pattern.group.matches(&now.gvk.group)
                && pattern.version.matches(&now.gvk.version)
                && pattern.kind.matches(&now.gvk.kind)
                && pattern.labels.matches(&resource.texts("labels"))
                && pattern.annotations.matches(&resource.texts("annotations"))
            {
                found.push(at);
            }
        }
        Ok(found)
    }

    pub fn into_values(self) -> impl Iterator<Item = Value> {
        self.resources.into_iter().map(|resource| resource.value)
    }

    /// What `kustomize build` prints.
    pub fn to_yaml(&self) -> String {
        let documents: Vec<String> = self
            .resources
            .iter()
            .map(|r| yaml::emit(&r.value))
            .collect();
        documents.join("---\n")
    }
}

fn same_name(resource: &Resource, id: &ResId) -> bool {
    match resource.value.at(&["metadata", "name"]) {
        Some(Value::Str(name)) => *name == id.name,
        Some(_) => true,
        None => id.name.is_empty(),
    }
}

/// The data of what is merged into; a Secret's stringData is a part of it.
fn old_data(old: &Resource, id: &ResId) -> Result<Vec<(String, String)>, String> {
    let mut data = texts(old.value.get("data"));
    let is_secret = old.gvk() == super::id::gvk_of("v1", "Secret");
    if is_secret && let Some(Value::Map(plain)) = old.value.get("stringData") {
        for (key, value) in plain.iter() {
            if matches!(value, Value::Map(_) | Value::Seq(_)) {
                return Err(format!(
                    "failed to normalize stringData for {id}: stringData value for key {key:?} must be a scalar"
                ));
            }
            let text = super::generate::base64_lines(scalar_text(value).as_bytes());
            data.retain(|(known, _)| known != key);
            data.push((key.to_owned(), text));
        }
    }
    Ok(data)
}

fn texts(map: Option<&Value>) -> Vec<(String, String)> {
    let map = map.and_then(Value::as_map);
    let pairs = map.into_iter().flat_map(Map::iter);
    pairs
        .map(|(key, value)| (key.to_owned(), scalar_text(value)))
        .collect()
}

/// The old entries where the new resource has none of the name.
fn merge_texts(new: &mut Resource, field: &str, old: &[(String, String)]) {
    let mut merged: Map = old
        .iter()
        .map(|(key, text)| (key.clone(), text.clone()))
        .collect();
    for (key, text) in texts(new.value.get(field)) {
        merged.insert(key, text);
    }
    if let Value::Map(root) = &mut new.value {
        if merged.is_empty() {
            root.remove(field);
        } else {
            root.insert(field, merged);
        }
    }
}

/// A selector with its patterns compiled.
struct Pattern {
    group: Whole,
    version: Whole,
    kind: Whole,
    name: Whole,
    namespace: Whole,
    labels: LabelSelector,
    annotations: LabelSelector,
}

impl Pattern {
    fn new(selector: &Selector) -> Result<Self, String> {
        Ok(Pattern {
            group: Whole::new(&selector.group)?,
            version: Whole::new(&selector.version)?,
            kind: Whole::new(&selector.kind)?,
            name: Whole::new(&selector.name)?,
            namespace: Whole::new(&selector.namespace)?,
            labels: LabelSelector::parse(&selector.label_selector)?,
            annotations: LabelSelector::parse(&selector.annotation_selector)?,
        })
    }
}

/// A pattern that has to match the whole text.
enum Whole {
    Anything,
    /// Without operators: nothing is compiled.
    Text(String),
    Pattern(Regex),
}

impl Whole {
    fn new(pattern: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:_-".contains(c);
        if pattern.is_empty() {
            return Ok(Whole::Anything);
        }
        if pattern.chars().all(is_plain) {
            return Ok(Whole::Text(pattern.to_owned()));
        }
        let compiled = Regex::new(&format!("^(?:{pattern})$"));
        compiled
            .map(Whole::Pattern)
            .map_err(|_| format!("error parsing regexp: {pattern:?} is no regular expression"))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Whole::Anything => true,
            Whole::Text(wanted) => wanted == text,
            Whole::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

/// Standard base64, for who builds resources.
pub fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
