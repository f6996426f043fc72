//! What kustomize knows of types: which lists are merged and by which keys,
//! and which kinds live in a namespace.
//!
//! The built-in types are those of kyaml 0.21.2 (Kubernetes 1.21.2); an
//! `openapi: {path}` document takes their place.

mod builtin;

mod custom;

pub use custom::SchemaError;

use crate::object::Gvk;

/// The only version that `openapi: {version}` may name.
pub const BUILTIN_VERSION: &str = "v1.21.2";

/// How many references may lead to one another.
const MAX_REFERENCES: usize = 32;

/// The types that strategic merge patches go by.
#[derive(Debug)]
pub struct Schema(Origin);

#[derive(Debug)]
enum Origin {
    Builtin,
    Custom(custom::Document),
}

#[derive(Debug, Default, Clone, Copy)]
struct Kind {
    definition: Option<u32>,
    is_namespaced: Option<bool>,
}

/// What is known of a value. Nothing known of a field is an absent field.
#[derive(Debug, Default, Clone)]
pub(super) struct Type {
    reference: Option<Reference>,
    fields: Vec<(Box<str>, Type)>,
    /// Of the values of a map.
    rest: Option<Box<Type>>,
    items: Option<Box<Type>>,
    merge: Option<MergeKeys>,
}

/// What tells the items of a merged list apart; nothing where they are scalars.
type MergeKeys = Vec<Box<str>>;

#[derive(Debug, Clone)]
enum Reference {
    Number(u32),
    /// Of a document that is still being read, or to nothing.
    Name(Box<str>),
}

impl Schema {
    pub fn builtin() -> &'static Schema {
        const { &Schema(Origin::Builtin) }
    }

    /// Whether objects of a kind live in a namespace; `None` where the kind is
    /// not known. What is known of built-in kinds holds in any case.
    pub fn is_namespaced(&self, gvk: &Gvk) -> Option<bool> {
        let builtin = builtin::kind(gvk).and_then(|kind| kind.is_namespaced);
        match &self.0 {
            Origin::Builtin => builtin,
            Origin::Custom(document) => builtin.or_else(|| document.kind(gvk)?.is_namespaced),
        }
    }

    pub(super) fn of(&self, gvk: &Gvk) -> Option<&Type> {
        let kind = match &self.0 {
            Origin::Builtin => builtin::kind(gvk),
            Origin::Custom(document) => document.kind(gvk),
        };
        let found = self.types().get(kind?.definition? as usize);
        found.and_then(|found| self.resolve(found))
    }

    fn types(&self) -> &[Type] {
        match &self.0 {
            Origin::Builtin => builtin::types(),
            Origin::Custom(document) => &document.types,
        }
    }

    /// The type of a field, or of a map's values.
    pub(super) fn field<'a>(&'a self, of: &'a Type, name: &str) -> Option<&'a Type> {
        let field = of.fields.iter().find(|(field, _)| **field == *name);
        let field = field.map(|(_, found)| found).or(of.rest.as_deref());
        field.and_then(|field| self.resolve(field))
    }

    pub(super) fn items<'a>(&'a self, of: &'a Type) -> Option<&'a Type> {
        of.items.as_deref().and_then(|items| self.resolve(items))
    }

    /// A reference takes the place of all that stands beside it.
    fn resolve<'a>(&'a self, mut found: &'a Type) -> Option<&'a Type> {
        for _ in 0..MAX_REFERENCES {
            let number = match &found.reference {
                None => return Some(found),
                Some(Reference::Number(number)) => *number,
                Some(Reference::Name(name)) => match &self.0 {
                    Origin::Builtin => return None,
                    Origin::Custom(document) => *document.names.get(name)?,
                },
            };
            found = self.types().get(number as usize)?;
        }
        None
    }
}

impl Type {
    /// The keys of a list whose items are merged; none where they are scalars.
    pub(super) fn merge_keys(&self) -> Option<&[Box<str>]> {
        self.merge.as_deref()
    }
}
