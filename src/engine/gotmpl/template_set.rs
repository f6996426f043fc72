use std::rc::Rc;

use super::ast::Tree;
use super::parse;
use super::stack::StackGuard;
use super::{Error, FuncTable, GoStr, HashMap, Limits};

/// The templates of one release, by name. Files are parsed in Helm's order,
/// and of equal names the last wins, as it does in Go.
pub struct TemplateSet {
    functions: Rc<FuncTable>,
    trees: HashMap<GoStr, Rc<Tree>>,
    strict: bool,
}

impl TemplateSet {
    pub fn new(functions: FuncTable) -> Self {
        TemplateSet {
            functions: Rc::new(functions),
            trees: HashMap::default(),
            strict: false,
        }
    }

    /// `missingkey=error`: a key that a map lacks ends the render (`--strict`).
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Parses a file: the template of its name, and all that it defines. The
    /// error has the text of Go's parser, file and line in it.
    pub fn parse(&mut self, name: &str, text: impl Into<Rc<[u8]>>) -> Result<(), Error> {
        let stack = StackGuard::new(Limits::STACK);
        for tree in parse::parse(&name.into(), text.into(), &*self.functions, stack)? {
            self.add(tree);
        }
        Ok(())
    }

    /// A template that is empty replaces none.
    fn add(&mut self, tree: Rc<Tree>) {
        if !(tree.is_empty() && self.trees.contains_key(&tree.name)) {
            self.trees.insert(tree.name.clone(), tree);
        }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.trees.contains_key(&GoStr::new(name))
    }

    pub(super) fn get(&self, name: &GoStr) -> Option<&Rc<Tree>> {
        self.trees.get(name)
    }

    pub(super) fn functions(&self) -> &FuncTable {
        &self.functions
    }
}
