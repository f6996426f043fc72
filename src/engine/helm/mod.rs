//! Helm charts: what `helm template` of Helm 4.2 prints, as a value.
//!
//! ```text
//! Chart::from_tree, Chart::from_archive -> Chart        what is packed, nothing decided
//! ValueOptions.merge                    -> Map          the user's values
//! render(Chart, RenderOptions)          -> Release      manifests, hooks, CRDs, notes
//! ```
//!
//! Invariant: nothing here fetches. What a chart wants from outside is a
//! [`Need`], the caller brings it and renders again.

pub mod chart;

pub mod values;

mod capabilities;

mod node;

mod dependencies;

mod schema;

mod scope;

mod files;

mod render;

mod errors;

mod manifest;

mod release;

mod requirements;

mod name;

mod need;

mod version;

mod path_match;

pub use capabilities::{
    BUILTIN_API_VERSIONS, Capabilities, DEFAULT_KUBE_VERSION, KubeVersion, KubeVersionError,
};
pub use chart::{Chart, LoadError, Unread};
pub use manifest::{Hook, HookEvent, Manifest, split as split_manifests};
pub use name::release_name;
pub use need::{Lookup, Need};
pub use path_match::{BadPattern, path_match};
pub use release::{Crd, Printed, Release, ReleaseOptions, RenderOptions};
pub use render::{RenderError, render};
pub use requirements::{LockState, Requirement, Requirements, Vendored, requirements};
pub use values::{ValueOptions, ValuesError};
