//! Kubernetes objects: keys, metadata, annotation names.
//!
//! Invariant: no other room spells a path into an object's metadata or the
//! name of an annotation; they are all here.

mod key;
pub mod names;

pub use key::{Gvk, ParseApiVersionError, ResourceKey};

use crate::value::{Map, Value};

/// A manifest or a live object: a map with at least apiVersion and kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    root: Map,
}

/// Why a value is no object; words to put behind the place it came from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    #[error("an object must be a mapping, not a {0}")]
    NotAMap(&'static str),
    #[error("apiVersion is missing")]
    NoApiVersion,
    #[error("kind is missing")]
    NoKind,
    #[error(transparent)]
    ApiVersion(#[from] ParseApiVersionError),
}

impl Object {
    /// Checks apiVersion and kind; a name may still be missing (generateName).
    pub fn new(value: Value) -> Result<Self, ObjectError> {
        let kind = value.kind();
        let Value::Map(root) = value else {
            return Err(ObjectError::NotAMap(kind));
        };
        let text = |key: &str| {
            root.get(key)
                .and_then(Value::as_str)
                .filter(|t| !t.is_empty())
        };
        let api_version = text("apiVersion").ok_or(ObjectError::NoApiVersion)?;
        let kind = text("kind").ok_or(ObjectError::NoKind)?;
        Gvk::parse(api_version, kind)?;
        Ok(Object { root })
    }

    pub fn gvk(&self) -> Gvk {
        Gvk::parse(self.api_version(), self.kind()).expect("checked by Object::new")
    }

    pub fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }

    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    /// The name, or "".
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    pub fn generate_name(&self) -> &str {
        self.text(&["metadata", "generateName"])
    }

    /// The namespace, or "".
    pub fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }

    pub fn uid(&self) -> &str {
        self.text(&["metadata", "uid"])
    }

    pub fn resource_version(&self) -> &str {
        self.text(&["metadata", "resourceVersion"])
    }

    pub fn is_deleting(&self) -> bool {
        !self.text(&["metadata", "deletionTimestamp"]).is_empty()
    }

    pub fn key(&self) -> ResourceKey {
        let gvk = self.gvk();
        ResourceKey {
            group: gvk.group,
            kind: gvk.kind,
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.at(&["metadata", "annotations", name])?.as_str()
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        self.at(&["metadata", "labels", name])?.as_str()
    }

    pub fn owner_references(&self) -> &[Value] {
        self.at(&["metadata", "ownerReferences"])
            .and_then(Value::as_seq)
            .unwrap_or_default()
    }

    pub fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.at(&["metadata", "finalizers"])
            .and_then(Value::as_seq)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
    }

    pub fn set_namespace(&mut self, namespace: &str) {
        self.metadata_mut().insert("namespace", namespace);
    }

    pub fn set_annotation(&mut self, name: &str, text: &str) {
        self.metadata_mut()
            .entry_map("annotations")
            .insert(name, text);
    }

    pub fn set_label(&mut self, name: &str, text: &str) {
        self.metadata_mut().entry_map("labels").insert(name, text);
    }

    pub fn metadata_mut(&mut self) -> &mut Map {
        self.root.entry_map("metadata")
    }

    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        self.root.get(first)?.at(rest)
    }

    pub fn root(&self) -> &Map {
        &self.root
    }

    /// For changes below spec, data and the like; apiVersion and kind stay.
    pub fn root_mut(&mut self) -> &mut Map {
        &mut self.root
    }

    pub fn into_value(self) -> Value {
        Value::Map(self.root)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.root).expect("a value has no key that is not a string")
    }

    fn text(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }
}

impl serde::Serialize for Object {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.root.serialize(serializer)
    }
}
