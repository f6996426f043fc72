//! The charts of one release as a graph: which are enabled, under what name,
//! with which defaults. Loaded charts go in, conditions and aliases change it.
//!
//! Invariant: what Helm's copies of a chart share (the metadata of an aliased
//! chart's dependencies), nodes share too; a node's parent is alive as long as
//! its [`Graph`].

use super::chart::{Chart, ChartFile, Dependency, Metadata};
use super::values::Defaults;
use crate::gotmpl::Map;
use std::cell::{Ref, RefCell};
use std::rc::{Rc, Weak};

/// All charts of a release.
pub struct Graph {
    pub root: Rc<Node>,
    /// Charts that were replaced by their aliases: children may still name them as parents.
    replaced: RefCell<Vec<Rc<Node>>>,
}

/// One chart in its place.
pub struct Node {
    metadata: Rc<RefCell<Metadata>>,
    defaults: RefCell<Defaults>,
    parent: RefCell<Weak<Node>>,
    dependencies: RefCell<Vec<Rc<Node>>>,
    pub schema: Option<Rc<[u8]>>,
    /// Taken away once they are parsed, to give their memory back.
    templates: RefCell<Rc<Vec<ChartFile>>>,
    pub files: Rc<Vec<ChartFile>>,
}

impl Graph {
    pub fn new(chart: Chart) -> Self {
        Graph {
            root: node(chart),
            replaced: RefCell::default(),
        }
    }

    /// Keeps nodes that lost their place.
    pub fn keep(&self, nodes: impl IntoIterator<Item = Rc<Node>>) {
        self.replaced.borrow_mut().extend(nodes);
    }
}

fn node(chart: Chart) -> Rc<Node> {
    let it = Rc::new(Node {
        metadata: Rc::new(RefCell::new(chart.metadata)),
        defaults: RefCell::new(Defaults::File(Rc::new(chart.values))),
        parent: RefCell::default(),
        dependencies: RefCell::default(),
        schema: chart.schema,
        templates: RefCell::new(Rc::new(chart.templates)),
        files: Rc::new(chart.files),
    });
    let children = chart.dependencies.into_iter().map(|sub| node(sub.chart));
    it.set_dependencies(children.collect());
    it
}

impl Node {
    pub fn name(&self) -> String {
        self.metadata.borrow().name.clone()
    }

    pub fn metadata(&self) -> Ref<'_, Metadata> {
        self.metadata.borrow()
    }

    /// The entries of Chart.yaml's `dependencies`; changed while they are processed.
    pub fn set_requirements(&self, requirements: Option<Vec<Dependency>>) {
        self.metadata.borrow_mut().dependencies = requirements;
    }

    pub fn take_requirements(&self) -> Option<Vec<Dependency>> {
        self.metadata.borrow_mut().dependencies.take()
    }

    pub fn dependencies(&self) -> Vec<Rc<Node>> {
        self.dependencies.borrow().clone()
    }

    /// Also makes this chart their parent.
    pub fn set_dependencies(self: &Rc<Self>, nodes: Vec<Rc<Node>>) -> Vec<Rc<Node>> {
        for child in &nodes {
            *child.parent.borrow_mut() = Rc::downgrade(self);
        }
        self.dependencies.replace(nodes)
    }

    /// The same chart under another name, or for a second use. Its own
    /// dependencies are copied one level deep, as in Helm.
    pub fn alias(&self, name: &str) -> Rc<Node> {
        let mut metadata = self.metadata.borrow().clone();
        if !name.is_empty() {
            metadata.name = name.to_owned();
        }
        let copy = Rc::new(self.copy_with(Rc::new(RefCell::new(metadata))));
        let dependencies = self.dependencies.borrow();
        let children = dependencies.iter().map(|child| {
            let twin = Rc::new(child.copy_with(child.metadata.clone()));
            // Not set_dependencies: the grandchildren keep their parent.
            *twin.dependencies.borrow_mut() = child.dependencies();
            twin
        });
        copy.set_dependencies(children.collect());
        copy
    }

    fn copy_with(&self, metadata: Rc<RefCell<Metadata>>) -> Node {
        Node {
            metadata,
            defaults: RefCell::new(self.defaults().clone()),
            parent: RefCell::default(),
            dependencies: RefCell::default(),
            schema: self.schema.clone(),
            templates: RefCell::new(self.templates()),
            files: self.files.clone(),
        }
    }

    pub fn defaults(&self) -> Ref<'_, Defaults> {
        self.defaults.borrow()
    }

    pub fn set_defaults(&self, values: Map) {
        *self.defaults.borrow_mut() = Defaults::Merged(values);
    }

    pub fn templates(&self) -> Rc<Vec<ChartFile>> {
        self.templates.borrow().clone()
    }

    /// Gives the memory of the templates' texts back, and that of the defaults.
    pub fn forget_sources(&self) {
        self.templates.take();
        *self.defaults.borrow_mut() = Defaults::Merged(Map::new());
        for child in self.dependencies.borrow().iter() {
            child.forget_sources();
        }
    }

    pub fn is_root(&self) -> bool {
        self.parent.borrow().upgrade().is_none()
    }

    /// `parent/charts/name`: the front of the names of its templates.
    pub fn full_path(&self) -> String {
        match self.parent.borrow().upgrade() {
            Some(parent) => format!("{}/charts/{}", parent.full_path(), self.name()),
            None => self.name(),
        }
    }
}
