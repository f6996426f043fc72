use super::PatchError;
use super::nodes::{Id, Node, Nodes};
use crate::kustomize::id::gvk_of;
use crate::kustomize::schema::{Schema, Type};
use crate::value::Value;

pub(super) const DIRECTIVE: &str = "$patch";

/// Merges a patch into a resource; `None` where nothing is left of it.
///
/// Lists are merged where the schema says so, and replaced where it does not
/// or where there is none.
pub fn strategic_merge(
    target: Value,
    patch: Value,
    schema: &Schema,
) -> Result<Option<Value>, PatchError> {
    let mut nodes = Nodes::default();
    let target = nodes.add_value(target);
    let patch = nodes.add_value(patch);
    let mut walker = Walker {
        nodes,
        schema,
        path: Vec::new(),
    };
    let merged = walker.walk(Some(target), Some(patch), None)?;
    let merged = merged.filter(|id| {
        let left = Some(*id);
        !walker.nodes.is_missing_or_null(left) && !walker.nodes.is_empty_map(*id)
    });
    Ok(merged.map(|id| walker.nodes.to_value(id)))
}

pub(super) struct Walker<'s> {
    pub nodes: Nodes,
    pub schema: &'s Schema,
    /// The fields that lead to what is merged now.
    pub path: Vec<String>,
}

/// What `$patch` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

impl<'s> Walker<'s> {
    /// Merges a patch's node into the target's. What comes back is the
    /// target's own node, the patch's where it was added or replaces, or none
    /// where it is to be cleared.
    pub fn walk(
        &mut self,
        target: Option<Id>,
        patch: Option<Id>,
        schema: Option<&'s Type>,
    ) -> Result<Option<Id>, PatchError> {
        let schema = schema.or_else(|| self.schema_of(&[target, patch]));
        let present = [target, patch].into_iter().flatten();
        let kind = present
            .map(|id| self.kind(id))
            .find(|kind| *kind != "null")
            .unwrap_or("null");
        for id in [target, patch].into_iter().flatten() {
            self.expect(id, kind)?;
        }
        match kind {
            "SequenceNode" => {
                match schema.and_then(|schema| Some((schema, schema.merge_keys()?))) {
                    Some((schema, keys)) => self.walk_list(target, patch, schema, keys),
                    // The patch's list replaces the target's.
                    None => Ok(patch.or(target)),
                }
            }
            "ScalarNode" => Ok(patch.or(target)),
            _ => self.walk_map(target, patch, schema),
        }
    }

    /// The schema of an object that stands where no schema is known.
    fn schema_of(&self, sources: &[Option<Id>]) -> Option<&'s Type> {
        sources.iter().flatten().find_map(|id| {
            let kind = self.nodes.field_text(*id, "kind");
            let api_version = self.nodes.field_text(*id, "apiVersion");
            (!kind.is_empty() && !api_version.is_empty())
                .then(|| self.schema.of(&gvk_of(&api_version, &kind)))
                .flatten()
        })
    }

    fn walk_map(
        &mut self,
        target: Option<Id>,
        patch: Option<Id>,
        schema: Option<&'s Type>,
    ) -> Result<Option<Id>, PatchError> {
        let Some(map) = self.visit_map(target, patch)? else {
            return Ok(None);
        };
        let both = [Some(map), patch.filter(|patch| *patch != map)];
        let mut names: Vec<String> = Vec::new();
        for id in both.into_iter().flatten() {
            names.extend(self.nodes.fields(id).iter().map(|(name, _)| name.clone()));
        }
        names.sort();
        names.dedup();
        for name in names {
            let below = schema.and_then(|schema| self.schema.field(schema, &name));
            let old = self.nodes.field(map, &name);
            let new = patch.and_then(|patch| self.nodes.field(patch, &name));
            self.path.push(name);
            let merged = self.walk(old, new, below)?;
            let name = self.path.pop().expect("pushed just above");
            let is_cleared =
                merged.is_none_or(|id| matches!(self.nodes.get(id), Node::Null { keep: false }));
            let merged = merged.filter(|_| !is_cleared);
            self.nodes.set_field(map, &name, merged);
        }
        Ok(Some(map))
    }

    fn visit_map(
        &mut self,
        target: Option<Id>,
        patch: Option<Id>,
    ) -> Result<Option<Id>, PatchError> {
        if self.nodes.is_missing_or_null(target) {
            // A directive that is none is not looked at here.
            if let Some(patch) = patch
                && let Ok(Directive::Delete) = self.directive(patch)
            {
                return Ok(None);
            }
            if patch.is_none() && target.is_some() {
                return Ok(Some(self.nodes.add(Node::Null { keep: true })));
            }
            return Ok(patch);
        }
        let Some(patch) = patch else {
            return Ok(target);
        };
        if self.nodes.is_missing_or_null(Some(patch)) {
            return Ok(None);
        }
        Ok(match self.directive(patch)? {
            Directive::Delete => None,
            Directive::Replace => Some(patch),
            Directive::Merge => target,
        })
    }

    /// The list that is merged into, or none where it is to be cleared.
    pub fn visit_list(
        &mut self,
        target: Option<Id>,
        patch: Option<Id>,
    ) -> Result<Option<Id>, PatchError> {
        if self.nodes.is_missing_or_null(target) {
            return Ok(patch);
        }
        let Some(patch) = patch else {
            return Ok(target);
        };
        if self.nodes.is_missing_or_null(Some(patch)) {
            return Ok(None);
        }
        Ok(match self.directive(patch)? {
            Directive::Delete => None,
            Directive::Replace => Some(patch),
            Directive::Merge => target,
        })
    }

    /// Reads the directive of a map or list of the patch, and takes it away.
    fn directive(&mut self, patch: Id) -> Result<Directive, PatchError> {
        let found = match self.nodes.get(patch) {
            Node::Map(_) => self.nodes.field(patch, DIRECTIVE),
            Node::Seq(items) => {
                let mut items = items.iter();
                let item = items.find(|item| self.nodes.field(**item, DIRECTIVE).is_some());
                // Beside other fields it is about the item, not the list.
                item.filter(|item| self.nodes.fields(**item).len() == 1)
                    .and_then(|item| self.nodes.field(*item, DIRECTIVE))
            }
            Node::Null { .. } | Node::Scalar(_) => None,
        };
        let Some(found) = found else {
            return Ok(Directive::Merge);
        };
        let word = self.nodes.text(found).into_owned();
        let directive = match word.as_str() {
            "delete" => Directive::Delete,
            "replace" => Directive::Replace,
            "merge" => Directive::Merge,
            _ => {
                return Err(PatchError::Strategy {
                    place: self.place(),
                    found: word,
                });
            }
        };
        if matches!(self.nodes.get(patch), Node::Map(_)) {
            self.nodes.set_field(patch, DIRECTIVE, None);
        } else {
            self.set_element(patch, None, &[DIRECTIVE], &[word])?;
        }
        Ok(directive)
    }

    /// The kind in kyaml's words.
    pub fn kind(&self, id: Id) -> &'static str {
        match self.nodes.get(id) {
            Node::Null { .. } => "null",
            Node::Scalar(_) => "ScalarNode",
            Node::Map(_) => "MappingNode",
            Node::Seq(_) => "SequenceNode",
        }
    }

    /// Null is of any kind.
    pub fn expect(&self, id: Id, expected: &'static str) -> Result<(), PatchError> {
        let found = self.kind(id);
        if found == "null" || found == expected {
            return Ok(());
        }
        Err(PatchError::Kind {
            place: self.place(),
            expected,
            found,
        })
    }

    pub fn place(&self) -> String {
        if self.path.is_empty() {
            return "the resource".into();
        }
        self.path.join(".")
    }
}
