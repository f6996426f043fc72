//! A resource on its way through a build: the object, and in annotations of
//! kustomize's own domain what happened to it (they are taken off at the end).

use super::id::{ResId, gvk_of};
use super::schema::Schema;
use super::text::{Place, Text};
use crate::object::Gvk;
use crate::value::{Map, Value};
use std::borrow::Cow;

const PREVIOUS_KINDS: &str = "internal.config.kubernetes.io/previousKinds";
const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
const PREVIOUS_NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";
const ALLOW_NAME_CHANGE: &str = "internal.config.kubernetes.io/allowNameChange";
const ALLOW_KIND_CHANGE: &str = "internal.config.kubernetes.io/allowKindChange";
const BEHAVIOR: &str = "internal.config.kubernetes.io/generatorBehavior";
const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";
pub const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";
pub const ORIGIN: &str = "config.kubernetes.io/origin";
pub const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// What the build writes, and nobody sees.
const BUILD_ANNOTATIONS: [&str; 19] = [
    PREVIOUS_KINDS,
    PREVIOUS_NAMES,
    PREFIXES,
    SUFFIXES,
    PREVIOUS_NAMESPACES,
    ALLOW_NAME_CHANGE,
    ALLOW_KIND_CHANGE,
    "internal.config.kubernetes.io/refBy",
    BEHAVIOR,
    NEEDS_HASH,
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
    HELM_GENERATED,
];

/// Annotations that a JSON patch cannot take away.
const INTERNAL_PREFIX: &str = "internal.config.kubernetes.io";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    Create,
    Replace,
    Merge,
    Unspecified,
}

impl Behavior {
    pub fn of(text: &str) -> Self {
        match text {
            "create" => Behavior::Create,
            "replace" => Behavior::Replace,
            "merge" => Behavior::Merge,
            _ => Behavior::Unspecified,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Behavior::Create => "create",
            Behavior::Replace => "replace",
            Behavior::Merge => "merge",
            Behavior::Unspecified => "unspecified",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Resource {
    pub value: Value,
    /// The vars that take a value from it.
    pub vars: Vec<String>,
    /// Where it was read, if it was.
    place: Option<Place>,
}

impl Resource {
    pub fn new(value: Value) -> Self {
        Resource {
            value,
            vars: Vec::new(),
            place: None,
        }
    }

    pub fn read(value: Value, place: Place) -> Self {
        Resource {
            place: Some(place),
            ..Resource::new(value)
        }
    }

    /// A text of one of its fields.
    pub fn inner_text(&self, text: &str) -> Text {
        Text::within(self.place.as_ref(), text)
    }

    /// Where it stands, for messages: ` (file:line)`, or nothing.
    pub fn place(&self) -> String {
        let place = self.place.as_ref();
        place.map_or(String::new(), |place| format!(" ({place})"))
    }

    /// The same in front of a message: `file:line: `.
    pub fn place_in_front(&self) -> String {
        let place = self.place.as_ref();
        place.map_or(String::new(), |place| format!("{place}: "))
    }

    pub fn kind(&self) -> String {
        self.value.get("kind").map(scalar_text).unwrap_or_default()
    }

    pub fn gvk(&self) -> Gvk {
        let api_version = self.value.get("apiVersion").map(scalar_text);
        gvk_of(&api_version.unwrap_or_default(), &self.kind())
    }

    pub fn name(&self) -> String {
        self.metadata_text("name")
    }

    pub fn namespace(&self) -> String {
        self.metadata_text("namespace")
    }

    fn metadata_text(&self, field: &str) -> String {
        self.value
            .at(&["metadata", field])
            .map(scalar_text)
            .unwrap_or_default()
    }

    pub fn id(&self, schema: &Schema) -> ResId {
        let gvk = self.gvk();
        ResId {
            is_cluster_scoped: schema.is_namespaced(&gvk) == Some(false),
            gvk,
            name: self.name(),
            namespace: self.namespace(),
        }
    }

    /// What it was called before, the oldest first.
    pub fn previous_ids(&self) -> Vec<ResId> {
        let (Some(names), Some(namespaces), Some(kinds)) = (
            self.annotation(PREVIOUS_NAMES),
            self.annotation(PREVIOUS_NAMESPACES),
            self.annotation(PREVIOUS_KINDS),
        ) else {
            return Vec::new();
        };
        let gvk = self.gvk();
        let parts = names
            .split(',')
            .zip(namespaces.split(','))
            .zip(kinds.split(','));
        parts
            .map(|((name, namespace), kind)| ResId {
                gvk: Gvk::new(&gvk.group, &gvk.version, kind),
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                // Such a one has a namespace that no object can be in.
                is_cluster_scoped: false,
            })
            .collect()
    }

    pub fn original_id(&self, schema: &Schema) -> ResId {
        let mut previous = self.previous_ids();
        if previous.is_empty() {
            self.id(schema)
        } else {
            previous.swap_remove(0)
        }
    }

    pub fn all_ids(&self, schema: &Schema) -> Vec<ResId> {
        let mut ids = self.previous_ids();
        ids.push(self.id(schema));
        ids
    }

    pub fn store_previous_id(&mut self, schema: &Schema) {
        let id = self.id(schema);
        self.append(PREVIOUS_NAMES, &id.name);
        self.append(PREVIOUS_NAMESPACES, id.effective_namespace());
        self.append(PREVIOUS_KINDS, &id.gvk.kind);
    }

    fn append(&mut self, annotation: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let joined = match self.annotation(annotation) {
            Some(before) => format!("{before},{text}"),
            None => text.to_owned(),
        };
        self.set_annotation(annotation, &joined);
    }

    pub fn add_prefix(&mut self, prefix: &str) {
        self.append(PREFIXES, prefix);
    }

    pub fn add_suffix(&mut self, suffix: &str) {
        self.append(SUFFIXES, suffix);
    }

    pub fn prefixes(&self) -> Vec<String> {
        self.list(PREFIXES)
    }

    pub fn suffixes(&self) -> Vec<String> {
        self.list(SUFFIXES)
    }

    fn list(&self, annotation: &str) -> Vec<String> {
        let text = self.annotation(annotation);
        text.map_or_else(Vec::new, |text| {
            text.split(',').map(str::to_owned).collect()
        })
    }

    pub fn annotation(&self, name: &str) -> Option<String> {
        self.value
            .at(&["metadata", "annotations", name])
            .map(scalar_text)
    }

    pub fn set_annotation(&mut self, name: &str, text: &str) {
        if let Value::Map(root) = &mut self.value {
            root.entry_map("metadata")
                .entry_map("annotations")
                .insert(name, text);
        }
    }

    /// Labels or annotations as texts.
    pub fn texts(&self, field: &str) -> Vec<(String, String)> {
        let map = self.value.at(&["metadata", field]).and_then(Value::as_map);
        let pairs = map.into_iter().flat_map(Map::iter);
        pairs
            .map(|(key, value)| (key.to_owned(), scalar_text(value)))
            .collect()
    }

    /// Writes labels or annotations anew, all as strings.
    pub fn set_texts(&mut self, field: &str, texts: Vec<(String, String)>) {
        let Value::Map(root) = &mut self.value else {
            return;
        };
        let metadata = root.entry_map("metadata");
        if texts.is_empty() {
            metadata.remove(field);
        } else {
            metadata.insert(field, texts.into_iter().collect::<Map>());
        }
    }

    pub fn set_name(&mut self, name: &str) {
        self.set_metadata("name", name);
    }

    pub fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            if let Some(metadata) = self
                .value
                .as_map_mut()
                .and_then(|root| root.get_mut("metadata"))
                && let Value::Map(metadata) = metadata
            {
                metadata.remove("namespace");
            }
        } else {
            self.set_metadata("namespace", namespace);
        }
    }

    fn set_metadata(&mut self, field: &str, text: &str) {
        if let Value::Map(root) = &mut self.value {
            let metadata = root.entry_map("metadata");
            let slot = metadata.entry(field, || Value::Str(String::new()));
            if scalar_text(slot) != text {
                *slot = Value::Str(text.to_owned());
            }
        }
    }

    pub fn set_kind(&mut self, kind: &str) {
        if let Value::Map(root) = &mut self.value {
            root.insert("kind", kind);
        }
    }

    pub fn set_api_version(&mut self, api_version: &str) {
        if let Value::Map(root) = &mut self.value {
            root.insert("apiVersion", api_version);
        }
    }

    pub fn allow_changes(&mut self, of_name: bool, of_kind: bool) {
        if of_name {
            self.set_annotation(ALLOW_NAME_CHANGE, "enabled");
        }
        if of_kind {
            self.set_annotation(ALLOW_KIND_CHANGE, "enabled");
        }
    }

    fn is_enabled(&self, annotation: &str) -> bool {
        self.annotation(annotation).as_deref() == Some("enabled")
    }

    pub fn name_change_allowed(&self) -> bool {
        self.is_enabled(ALLOW_NAME_CHANGE)
    }

    pub fn kind_change_allowed(&self) -> bool {
        self.is_enabled(ALLOW_KIND_CHANGE)
    }

    pub fn needs_hash(&self) -> bool {
        self.is_enabled(NEEDS_HASH)
    }

    pub fn set_generated(&mut self, needs_hash: bool, behavior: Behavior) {
        if needs_hash {
            self.set_annotation(NEEDS_HASH, "enabled");
        }
        self.set_annotation(BEHAVIOR, behavior.as_str());
    }

    pub fn behavior(&self) -> Behavior {
        Behavior::of(self.annotation(BEHAVIOR).as_deref().unwrap_or_default())
    }

    pub fn is_local(&self) -> bool {
        self.annotation(LOCAL_CONFIG)
            .is_some_and(|text| text != "false")
    }

    /// Metadata of what a generated resource takes the place of.
    pub fn take_metadata_from(&mut self, old: &Resource) {
        let mut labels: Map = old.texts("labels").into_iter().collect();
        for (key, text) in self.texts("labels") {
            labels.insert(key, text);
        }
        self.set_texts("labels", texts_of(&labels));
        let needs_hash = self.needs_hash();
        let mut annotations: Map = old.texts("annotations").into_iter().collect();
        for (key, text) in self.texts("annotations") {
            if !BUILD_ANNOTATIONS.contains(&key.as_str()) {
                annotations.insert(key, text);
            }
        }
        if !needs_hash {
            annotations.remove(NEEDS_HASH);
        }
        self.set_texts("annotations", texts_of(&annotations));
        self.set_name(&old.name());
        self.set_namespace(&old.namespace());
        self.vars.clone_from(&old.vars);
    }

    /// Internal annotations, to be put back when a patch took them away.
    pub fn internal_annotations(&self) -> Vec<(String, String)> {
        let mut all = self.texts("annotations");
        all.retain(|(key, _)| key.starts_with(INTERNAL_PREFIX));
        all
    }

    /// Takes off what the build wrote.
    pub fn clean(&mut self, keeps_origin: bool, keeps_transformations: bool) {
        let mut annotations = self.texts("annotations");
        annotations.retain(|(key, _)| {
            !BUILD_ANNOTATIONS.contains(&key.as_str())
                && (keeps_origin || key != ORIGIN)
                && (keeps_transformations || key != TRANSFORMATIONS)
        });
        self.set_texts("annotations", annotations);
    }
}

fn texts_of(map: &Map) -> Vec<(String, String)> {
    map.iter()
        .map(|(key, value)| (key.to_owned(), scalar_text(value)))
        .collect()
}

/// A scalar as the text that stood in the document; "" for what is none.
pub fn scalar_text(value: &Value) -> String {
    scalar(value).into_owned()
}

/// The same, of a string without a copy.
pub fn scalar(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Str(text) => text.as_str().into(),
        Value::Bool(flag) => flag.to_string().into(),
        Value::Int(number) => number.to_string().into(),
        Value::Uint(number) => number.to_string().into(),
        Value::Float(number) => crate::value::number::format_g(*number).into(),
        Value::Null | Value::Seq(_) | Value::Map(_) => Cow::default(),
    }
}
