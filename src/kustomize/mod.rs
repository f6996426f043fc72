//! Kustomize: what a kustomization makes of its resources, as `kustomize
//! build` 5.8 prints it.
//!
//! ```text
//! Loader            files and folders as a kustomization names them
//! Kustomization     the file, checked, deprecated fields converted
//! Build             resources -> generators -> components -> transformers, by folder
//!                   then once: hashes, name references, vars, order
//! ```
//!
//! Invariant: pure. Nothing here starts a process or leaves the snapshot;
//! what has to be fetched (a chart, a remote base) is returned as a need.

mod kustomization;

mod loader;

mod remote;

mod need;

mod folder;

mod fields;

mod build;

mod transformer;

mod plugin;

mod generate;

mod helm_chart;

mod patching;

mod transform;

mod replace;

mod name_reference;

mod vars;

mod origin;

mod config;

mod field_spec;

mod res_map;

mod selector;

mod resource;

mod read;

mod text;

pub mod id;

pub mod schema;

pub mod patch;

mod error;

pub use error::BuildError;
pub use kustomization::{
    FILE_NAMES, Image, Kustomization, Label, Patch, PatchOptions, Replica, Selector,
};
pub use need::{Fetched, Need, Nothing, Page, Repository};
pub use remote::Remote;
pub use res_map::ResMap;
pub use transform::split_image;

use crate::gotmpl::{Host, Limits};
use crate::tree::Tree;

/// The version of kustomize that is matched.
pub const VERSION: &str = "v5.8.2";

/// How a kustomization is built.
pub struct Options<'a> {
    /// Files must be in or below the folder of the kustomization that names
    /// them; else they must be in the tree.
    pub root_only: bool,
    /// What was brought for earlier needs.
    pub fetched: &'a dyn Fetched,
    /// Charts may be inflated.
    pub helm: Option<HelmOptions<'a>>,
    /// Changes the root's kustomization before it is built.
    pub adjust: &'a dyn Fn(&mut Kustomization) -> Result<(), String>,
}

/// What the charts of a kustomization are rendered with.
pub struct HelmOptions<'a> {
    pub kube_version: String,
    pub api_versions: Vec<String>,
    pub host: &'a dyn Host,
    pub limits: Limits,
    /// Charts that were pulled for an earlier need.
    pub charts: &'a dyn Fn(&crate::helm::Need) -> Option<Vec<u8>>,
}

/// Builds the kustomization of a folder.
pub fn build(tree: &dyn Tree, path: &str, options: &Options<'_>) -> Result<ResMap, BuildError> {
    let loader = loader::Loader::new(tree, path, options)?;
    build::Build::run(options, loader)
}
