//! The shapes that values of an object may have.

use std::sync::Arc;

use crate::value::Value;

/// The schema of one kind, or of a part of it.
#[derive(Debug, Clone)]
pub struct Schema {
    pub(super) types: Arc<Types>,
    pub(super) root: Node,
}

#[derive(Debug, Default)]
pub struct Types {
    pub(super) structs: Vec<Struct>,
    /// Compiled from Go types: objects take the form that Go prints.
    pub(super) builtin: bool,
}

#[derive(Debug, Default)]
pub struct Struct {
    pub name: Box<str>,
    /// Sorted by name.
    pub fields: Vec<Field>,
    /// Owned and replaced as one value.
    pub atomic: bool,
    /// What a key that is no field holds: nothing may stand there, or this.
    pub other: Option<Node>,
}

#[derive(Debug)]
pub struct Field {
    pub name: Box<str>,
    pub node: Node,
    /// Go leaves the field out when it is empty (no struct is ever empty).
    pub omit_empty: bool,
    /// Go leaves a zero struct out.
    pub omit_zero: bool,
    /// Strategic merge patches merge the list or map; otherwise it is replaced.
    pub patch_merge: bool,
    pub patch_retain_keys: bool,
    pub patch_merge_key: Option<Box<str>>,
    pub default: Option<Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub shape: Shape,
    /// A pointer in Go: absent and empty are two things.
    pub pointer: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Str,
    Int32,
    Int64,
    Float,
    Bool,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Duration,
    /// Base64 text.
    Bytes,
    /// No schema: maps are merged key by key, lists are atomic.
    Any,
    /// No schema, owned as one value (runtime.RawExtension).
    AnyAtomic,
    List(ListKind, Box<Node>),
    Map {
        atomic: bool,
        element: Box<Node>,
    },
    Struct {
        id: u32,
        /// Set where the field says otherwise than the struct.
        atomic: Option<bool>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum ListKind {
    Atomic,
    Set,
    /// Items are told apart by these fields.
    Map(Vec<Box<str>>),
}

impl Types {
    pub fn get(&self, id: u32) -> &Struct {
        &self.structs[id as usize]
    }
}

impl Struct {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .binary_search_by(|field| (*field.name).cmp(name))
            .ok()
            .map(|at| &self.fields[at])
    }
}

impl Schema {
    pub fn root(&self) -> &Node {
        &self.root
    }

    pub fn types(&self) -> &Types {
        &self.types
    }

    /// A kind of the server's own, not of a CRD.
    pub fn is_builtin(&self) -> bool {
        self.types.builtin
    }

    /// The struct that a node is, if it is one.
    pub fn struct_of(&self, node: &Node) -> Option<&Struct> {
        match node.shape {
            Shape::Struct { id, .. } => Some(self.types.get(id)),
            _ => None,
        }
    }

    /// Nothing but apiVersion, kind and metadata is known.
    pub fn untyped() -> Schema {
        Schema {
            types: Arc::default(),
            root: Node::new(Shape::Any),
        }
    }
}

impl Node {
    pub fn new(shape: Shape) -> Self {
        Node {
            shape,
            pointer: false,
        }
    }
}
