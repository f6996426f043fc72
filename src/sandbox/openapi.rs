//! OpenAPI documents as far as clients need them: which fields a kind has
//! (`kubectl explain`), and that writes take `fieldValidation` (`kubectl apply`).
//!
//! Invariant: made on demand from the catalog; nothing is kept.

use super::catalog::{Catalog, Resource};
use super::cluster::Cluster;
use super::schema::{ListKind, Node, Schema, Shape};
use crate::value::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// `/openapi/v3`: where the document of each version lies.
pub fn index(catalog: &Catalog) -> Value {
    let mut paths = Map::new();
    let versions: BTreeSet<String> = catalog.all().map(|r| base_path(r)).collect();
    for path in versions {
        let mut entry = Map::new();
        let url = format!("/openapi/v3/{path}?hash={:016X}", catalog.generation);
        entry.insert("serverRelativeURL", url);
        paths.insert(path, entry);
    }
    let mut map = Map::new();
    map.insert("paths", paths);
    Value::Map(map)
}

fn base_path(resource: &Resource) -> String {
    if resource.group.is_empty() {
        format!("api/{}", resource.version)
    } else {
        format!("apis/{}/{}", resource.group, resource.version)
    }
}

/// The document of one version: `apis/apps/v1`.
pub fn document(cluster: &Cluster, path: &str) -> Option<Value> {
    let resources: Vec<&Rc<Resource>> = cluster
        .catalog
        .all()
        .filter(|resource| base_path(resource) == path)
        .collect();
    if resources.is_empty() {
        return None;
    }
    let mut paths = Map::new();
    let mut definitions = Definitions::new("#/components/schemas/");
    for resource in resources {
        add_paths(&mut paths, resource, path);
        definitions.add(resource);
    }
    let mut components = Map::new();
    components.insert("schemas", definitions.done());
    let mut map = Map::new();
    map.insert("openapi", "3.0.0");
    map.insert("info", info(cluster));
    map.insert("paths", paths);
    map.insert("components", components);
    Some(Value::Map(map))
}

/// `/openapi/v2`, for clients that know no version 3.
pub fn v2(cluster: &Cluster) -> Value {
    let mut paths = Map::new();
    let mut definitions = Definitions::new("#/definitions/");
    for resource in cluster.catalog.all() {
        add_paths(&mut paths, resource, &base_path(resource));
        definitions.add(resource);
    }
    let mut map = Map::new();
    map.insert("swagger", "2.0");
    map.insert("info", info(cluster));
    map.insert("paths", paths);
    map.insert("definitions", definitions.done());
    Value::Map(map)
}

fn info(cluster: &Cluster) -> Map {
    let mut info = Map::new();
    info.insert("title", "Kubernetes");
    info.insert("version", cluster.version.to_string());
    info
}

fn gvk(resource: &Resource) -> Map {
    let mut map = Map::new();
    map.insert("group", resource.group.as_str());
    map.insert("version", resource.version.as_str());
    map.insert("kind", resource.kind.as_str());
    map
}

/// The query parameters that clients look for before they use them.
fn parameters() -> Vec<Value> {
    ["dryRun", "fieldManager", "fieldValidation", "force"]
        .map(|name| {
            let mut map = Map::new();
            map.insert("name", name);
            map.insert("in", "query");
            Value::Map(map)
        })
        .to_vec()
}

fn add_paths(paths: &mut Map, resource: &Resource, base: &str) {
    let prefix = if resource.namespaced {
        format!("/{base}/namespaces/{{namespace}}/{}", resource.plural)
    } else {
        format!("/{base}/{}", resource.plural)
    };
    let operation = |action: &str| {
        let mut map = Map::new();
        map.insert("parameters", parameters());
        map.insert("x-kubernetes-action", action);
        map.insert("x-kubernetes-group-version-kind", gvk(resource));
        Value::Map(map)
    };
    if resource.has_verb("create") {
        let mut item = Map::new();
        item.insert("post", operation("post"));
        paths.insert(prefix.as_str(), item);
    }
    let mut item = Map::new();
    for (verb, method) in [("update", "put"), ("patch", "patch"), ("delete", "delete")] {
        if resource.has_verb(verb) {
            item.insert(method, operation(method));
        }
    }
    if !item.is_empty() {
        paths.insert(format!("{prefix}/{{name}}"), item);
    }
}

/// The schemas of kinds, and of the structs that they are made of.
struct Definitions {
    prefix: &'static str,
    named: BTreeMap<String, Value>,
}

impl Definitions {
    fn new(prefix: &'static str) -> Self {
        Definitions {
            prefix,
            named: BTreeMap::new(),
        }
    }

    fn add(&mut self, resource: &Resource) {
        let mut object = match &resource.custom {
            Some(custom) => {
                let mut object = custom.open_api().cloned().unwrap_or_default();
                if object.as_map().is_none() {
                    object = Value::Map(Map::new());
                }
                if let Some(map) = object.as_map_mut() {
                    let meta = self.reference("ObjectMeta");
                    let properties = map.entry_map("properties");
                    properties.insert("metadata", meta);
                    let schema = custom.schema();
                    self.metadata_of(schema);
                }
                object
            }
            None => self.kind_of(resource.schema()),
        };
        if let Some(map) = object.as_map_mut() {
            map.insert(
                "x-kubernetes-group-version-kind",
                vec![Value::Map(gvk(resource))],
            );
        }
        let name = if resource.group.is_empty() {
            format!("io.k8s.api.core.{}.{}", resource.version, resource.kind)
        } else {
            format!("{}.{}.{}", resource.group, resource.version, resource.kind)
        };
        self.named.insert(name, object);
    }

    fn reference(&self, name: &str) -> Value {
        let mut map = Map::new();
        map.insert("$ref", format!("{}{name}", self.prefix));
        Value::Map(map)
    }

    /// Makes sure that ObjectMeta, to which every kind refers, is there.
    fn metadata_of(&mut self, schema: &Schema) {
        let meta = schema
            .struct_of(schema.root())
            .and_then(|root| root.field("metadata"));
        if let Some(meta) = meta {
            self.node(schema, &meta.node);
        }
    }

    fn kind_of(&mut self, schema: &Schema) -> Value {
        match schema.struct_of(schema.root()) {
            Some(_) => self.structure(schema, schema.root()),
            None => any(),
        }
    }

    fn structure(&mut self, schema: &Schema, node: &Node) -> Value {
        let mut map = Map::new();
        map.insert("type", "object");
        if let Some(structure) = schema.struct_of(node) {
            let properties: Map = structure
                .fields
                .iter()
                .map(|field| {
                    let mut inner = self.node(schema, &field.node);
                    if let Some(map) = inner.as_map_mut() {
                        if let Some(key) = &field.patch_merge_key {
                            map.insert("x-kubernetes-patch-merge-key", &**key);
                        }
                        if field.patch_merge {
                            map.insert("x-kubernetes-patch-strategy", "merge");
                        }
                    }
                    (&*field.name, inner)
                })
                .collect();
            map.insert("properties", properties);
        }
        Value::Map(map)
    }

    fn node(&mut self, schema: &Schema, node: &Node) -> Value {
        let typed = |kind: &str, format: &str| {
            let mut map = Map::new();
            map.insert("type", kind);
            if !format.is_empty() {
                map.insert("format", format);
            }
            Value::Map(map)
        };
        match &node.shape {
            Shape::Str | Shape::Quantity | Shape::Duration => typed("string", ""),
            Shape::Int32 => typed("integer", "int32"),
            Shape::Int64 => typed("integer", "int64"),
            Shape::Float => typed("number", "double"),
            Shape::Bool => typed("boolean", ""),
            Shape::IntOrString => typed("string", "int-or-string"),
            Shape::Time | Shape::MicroTime => typed("string", "date-time"),
            Shape::Bytes => typed("string", "byte"),
            Shape::Any | Shape::AnyAtomic => any(),
            Shape::List(kind, element) => {
                let mut list = typed("array", "");
                let items = self.node(schema, element);
                if let Some(map) = list.as_map_mut() {
                    map.insert("items", items);
                    match kind {
                        ListKind::Atomic => {
                            map.insert("x-kubernetes-list-type", "atomic");
                        }
                        ListKind::Set => {
                            map.insert("x-kubernetes-list-type", "set");
                        }
                        ListKind::Map(keys) => {
                            map.insert("x-kubernetes-list-type", "map");
                            let keys: Vec<Value> =
                                keys.iter().map(|key| Value::from(&**key)).collect();
                            map.insert("x-kubernetes-list-map-keys", keys);
                        }
                    }
                }
                list
            }
            Shape::Map { element, .. } => {
                let mut object = typed("object", "");
                let inner = self.node(schema, element);
                if let Some(map) = object.as_map_mut() {
                    map.insert("additionalProperties", inner);
                }
                object
            }
            Shape::Struct { .. } => {
                let Some(structure) = schema.struct_of(node) else {
                    return any();
                };
                let name = structure.name.to_string();
                if !self.named.contains_key(&name) {
                    // In place before its fields, which may refer to it.
                    self.named.insert(name.clone(), Value::Null);
                    let made = self.structure(schema, node);
                    self.named.insert(name.clone(), made);
                }
                self.reference(&name)
            }
        }
    }

    fn done(self) -> Map {
        self.named.into_iter().collect()
    }
}

fn any() -> Value {
    let mut map = Map::new();
    map.insert("type", "object");
    map.insert("x-kubernetes-preserve-unknown-fields", true);
    Value::Map(map)
}
