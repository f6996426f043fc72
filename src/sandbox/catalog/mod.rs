//! What is served: the built-in resources of the chosen release and those
//! that CustomResourceDefinitions add.
//!
//! Invariant: all lookups by path and by kind go through here, so a removed
//! version is gone from discovery, requests and OpenAPI at once.

mod builtin;

use super::crd::Custom;
use super::schema::Schema;
use super::status::GroupName;
use super::store::Shelf;
use std::collections::BTreeMap;
use std::rc::Rc;

/// One resource of one version.
pub struct Resource {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    pub verbs: Vec<String>,
    pub subresources: Vec<Subresource>,
    /// Where the objects lie; shared by all versions.
    pub shelf: Shelf,
    /// Of a built-in kind; see `schema()`.
    pub fields: Schema,
    /// Set for questions that are answered and not stored.
    pub review: Option<Review>,
    /// `selectableFields` of a custom resource.
    pub selectable: Vec<String>,
    pub custom: Option<Rc<Custom>>,
}

/// The kinds that ask: a create is the question, its answer the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// May I, or somebody else, do this?
    Access,
    /// What may I do here?
    Rules,
    /// Whose token is this?
    Token,
    /// Who am I?
    Identity,
}

impl Review {
    fn of(group: &str, kind: &str) -> Option<Self> {
        match (group, kind) {
            (
                "authorization.k8s.io",
                "SelfSubjectAccessReview" | "SubjectAccessReview" | "LocalSubjectAccessReview",
            ) => Some(Review::Access),
            ("authorization.k8s.io", "SelfSubjectRulesReview") => Some(Review::Rules),
            ("authentication.k8s.io", "TokenReview") => Some(Review::Token),
            ("authentication.k8s.io", "SelfSubjectReview") => Some(Review::Identity),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub struct Subresource {
    pub name: String,
    pub group: String,
    pub version: String,
    pub kind: String,
    pub verbs: Vec<String>,
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.api_version(), self.plural)
    }
}

impl Resource {
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    pub fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    /// The fields of the kind.
    pub fn schema(&self) -> &Schema {
        match &self.custom {
            Some(custom) => custom.schema(),
            None => &self.fields,
        }
    }

    /// `deployments.apps`, as errors about an object say.
    pub fn group_resource(&self) -> GroupName {
        GroupName::new(&self.group, &self.plural)
    }

    /// `Deployment.apps`, as errors about a field say.
    pub fn group_kind(&self) -> GroupName {
        GroupName::new(&self.group, &self.kind)
    }

    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|sub| sub.name == name)
    }
}

/// Group, version, plural.
type Address = (String, String, String);

#[derive(Default)]
pub struct Catalog {
    resources: BTreeMap<Address, Rc<Resource>>,
    /// Counts every change; OpenAPI's index shows it.
    pub generation: u64,
    /// The versions of aggregated discovery that the release serves.
    pub aggregated_discovery: &'static [&'static str],
}

impl Catalog {
    pub fn add(&mut self, resource: Resource) {
        let address = (
            resource.group.clone(),
            resource.version.clone(),
            resource.plural.clone(),
        );
        self.resources.insert(address, Rc::new(resource));
        self.generation += 1;
    }

    /// Takes all versions of a resource out.
    pub fn remove(&mut self, group: &str, plural: &str) {
        self.resources
            .retain(|(g, _, p), _| !(g == group && p == plural));
        self.generation += 1;
    }

    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Rc<Resource>> {
        let address = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.resources.get(&address)
    }

    /// Any version of a kind, as ownerReferences name it.
    pub fn find_group_kind(&self, group: &str, kind: &str) -> Option<&Rc<Resource>> {
        self.resources
            .values()
            .find(|resource| resource.group == group && resource.kind == kind)
    }

    /// One resource of those that share a shelf.
    pub fn of_shelf(&self, shelf: &str) -> Option<&Rc<Resource>> {
        self.resources
            .values()
            .find(|resource| &*resource.shelf == shelf)
    }

    /// By group, version and plural.
    pub fn all(&self) -> impl Iterator<Item = &Rc<Resource>> {
        self.resources.values()
    }
}
