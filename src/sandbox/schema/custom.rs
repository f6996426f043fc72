//! The schema of a custom resource, from its CRD's `openAPIV3Schema`.
//!
//! The field types that server-side apply sees, as kube-openapi's schemaconv
//! derives them; what the schema says of values (pattern, minimum) is read by
//! `validate`.

use std::sync::Arc;

use super::table::object_meta;
use super::types::{Field, ListKind, Node, Schema, Shape, Struct, Types};
use crate::value::Value;

/// Deeper schemas are refused: they come from outside.
const MAX_DEPTH: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomError {
    #[error("{path}: the schema is nested deeper than {MAX_DEPTH} levels")]
    TooDeep { path: String },
    #[error("{path}: {what}")]
    Invalid { path: String, what: String },
}

impl Schema {
    /// The schema of a custom resource; without one anything may stand beside
    /// apiVersion, kind and metadata.
    pub fn custom(open_api: Option<&Value>) -> Result<Schema, CustomError> {
        let empty = Value::default();
        let mut builder = Builder::default();
        // Number 0 of the metadata's structs must stay where they point to.
        let (builtin, meta) = object_meta();
        let meta = builder.import(builtin, meta);
        let root = builder.structure(
            open_api.unwrap_or(&empty),
            open_api.is_none(),
            &mut Vec::new(),
            Some(meta),
        )?;
        Ok(Schema {
            types: Arc::new(Types {
                structs: builder.structs,
                builtin: false,
            }),
            root,
        })
    }
}

#[derive(Default)]
struct Builder {
    structs: Vec<Struct>,
}

impl Builder {
    /// Copies a built-in struct and those that it refers to.
    fn import(&mut self, from: &Types, id: u32) -> u32 {
        let source = from.get(id);
        let at = self.structs.len() as u32;
        self.structs.push(Struct {
            name: source.name.clone(),
            atomic: source.atomic,
            ..Struct::default()
        });
        let fields = source
            .fields
            .iter()
            .map(|field| Field {
                name: field.name.clone(),
                node: self.import_node(from, &field.node),
                patch_merge_key: field.patch_merge_key.clone(),
                default: field.default.clone(),
                ..*field
            })
            .collect();
        self.structs[at as usize].fields = fields;
        at
    }

    fn import_node(&mut self, from: &Types, node: &Node) -> Node {
        let shape = match &node.shape {
            Shape::Struct { id, atomic } => Shape::Struct {
                id: self.import(from, *id),
                atomic: *atomic,
            },
            Shape::List(kind, element) => {
                Shape::List(kind.clone(), Box::new(self.import_node(from, element)))
            }
            Shape::Map { atomic, element } => Shape::Map {
                atomic: *atomic,
                element: Box::new(self.import_node(from, element)),
            },
            plain => plain.clone(),
        };
        Node {
            shape,
            pointer: node.pointer,
        }
    }

    fn node(
        &mut self,
        schema: &Value,
        preserve: bool,
        path: &mut Vec<String>,
    ) -> Result<Node, CustomError> {
        if path.len() > MAX_DEPTH {
            return Err(CustomError::TooDeep {
                path: path.join("."),
            });
        }
        let preserve = preserve || flag(schema, "x-kubernetes-preserve-unknown-fields");
        let shape = match text(schema, "type") {
            _ if flag(schema, "x-kubernetes-int-or-string") => Shape::IntOrString,
            "object" => return self.structure(schema, preserve, path, None),
            "array" => {
                let kind = list_kind(schema, path)?;
                path.push("items".to_owned());
                let element = match schema.get("items") {
                    Some(items) => self.node(items, preserve, path)?,
                    None => Node::new(Shape::AnyAtomic),
                };
                path.pop();
                Shape::List(kind, Box::new(element))
            }
            "integer" => Shape::Int64,
            "number" => Shape::Float,
            "boolean" => Shape::Bool,
            "string" => Shape::Str,
            _ if schema.get("properties").is_some() => {
                return self.structure(schema, preserve, path, None);
            }
            _ => Shape::Any,
        };
        Ok(Node::new(shape))
    }

    /// An object: a struct where it has properties, else a map. `root_meta`
    /// is given for the root, which has the fields of every object.
    fn structure(
        &mut self,
        schema: &Value,
        preserve: bool,
        path: &mut Vec<String>,
        root_meta: Option<u32>,
    ) -> Result<Node, CustomError> {
        let preserve = preserve || flag(schema, "x-kubernetes-preserve-unknown-fields");
        let atomic = text(schema, "x-kubernetes-map-type") == "atomic";
        let other = match schema.get("additionalProperties") {
            Some(Value::Bool(true)) => Some(Node::new(Shape::Any)),
            Some(inner @ Value::Map(_)) => {
                path.push("additionalProperties".to_owned());
                let node = self.node(inner, preserve, path)?;
                path.pop();
                Some(node)
            }
            _ if preserve => Some(Node::new(Shape::Any)),
            _ => None,
        };
        let embedded = flag(schema, "x-kubernetes-embedded-resource");
        let mut fields = Vec::new();
        let properties = schema.get("properties").and_then(Value::as_map);
        for (name, property) in properties.iter().flat_map(|map| map.iter()) {
            if (root_meta.is_some() || embedded)
                && matches!(name, "apiVersion" | "kind" | "metadata")
            {
                continue;
            }
            path.push(name.to_owned());
            let node = self.node(property, preserve, path)?;
            path.pop();
            fields.push(self.field(name, node, property.get("default").cloned()));
        }
        if root_meta.is_some() || embedded {
            let meta = match root_meta {
                Some(meta) => meta,
                None => {
                    let (builtin, meta) = object_meta();
                    self.import(builtin, meta)
                }
            };
            let meta = Node::new(Shape::Struct {
                id: meta,
                atomic: None,
            });
            fields.push(self.field("apiVersion", Node::new(Shape::Str), None));
            fields.push(self.field("kind", Node::new(Shape::Str), None));
            fields.push(self.field("metadata", meta, None));
            fields.sort_by(|a, b| a.name.cmp(&b.name));
        }
        if fields.is_empty() {
            let element = Box::new(other.unwrap_or(Node::new(Shape::Any)));
            return Ok(Node::new(Shape::Map { atomic, element }));
        }
        let id = self.structs.len() as u32;
        self.structs.push(Struct {
            name: path.last().map(String::as_str).unwrap_or_default().into(),
            fields,
            atomic,
            other,
        });
        Ok(Node::new(Shape::Struct { id, atomic: None }))
    }

    fn field(&self, name: &str, node: Node, default: Option<Value>) -> Field {
        Field {
            name: name.into(),
            node,
            omit_empty: false,
            omit_zero: false,
            patch_merge: false,
            patch_retain_keys: false,
            patch_merge_key: None,
            default,
        }
    }
}

fn list_kind(schema: &Value, path: &[String]) -> Result<ListKind, CustomError> {
    match text(schema, "x-kubernetes-list-type") {
        "" | "atomic" => Ok(ListKind::Atomic),
        "set" => Ok(ListKind::Set),
        "map" => Ok(ListKind::Map(
            schema
                .get("x-kubernetes-list-map-keys")
                .and_then(Value::as_seq)
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
                .map(Into::into)
                .collect(),
        )),
        other => Err(CustomError::Invalid {
            path: path.join("."),
            what: format!("unknown x-kubernetes-list-type {other:?}"),
        }),
    }
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool) == Some(true)
}

fn text<'a>(schema: &'a Value, name: &str) -> &'a str {
    schema.get(name).and_then(Value::as_str).unwrap_or_default()
}
