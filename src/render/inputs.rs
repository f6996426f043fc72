use crate::tree::{self, Tree};
use std::collections::BTreeMap;

/// What a render read: the same inputs, the same objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    pub(super) tree: tree::Inputs,
    /// Of sources with a `ref`, by its name.
    pub(super) references: BTreeMap<String, tree::Inputs>,
    /// The revision, where the source's text uses it.
    pub(super) revision: Option<String>,
    /// Something was looked up in the cluster, which may say another thing now.
    pub(super) has_looked: bool,
}

impl Inputs {
    /// Whether a render of these trees would read the same.
    pub fn unchanged(
        &self,
        revision: &str,
        tree: &dyn Tree,
        references: &BTreeMap<&str, &dyn Tree>,
    ) -> bool {
        if self.has_looked {
            return false;
        }
        if self.revision.as_ref().is_some_and(|used| used != revision) {
            return false;
        }
        // A tree that cannot be read now is one to render, and to fail, with.
        self.tree.unchanged(tree).unwrap_or(false)
            && self.references.iter().all(|(name, inputs)| {
                references
                    .get(name.as_str())
                    .is_some_and(|tree| inputs.unchanged(*tree).unwrap_or(false))
            })
    }
}
