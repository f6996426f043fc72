//! One folder of a build: its kustomization, and where things stand in it.

use super::BuildError;
use super::kustomization::{Kustomization, Mistyped};
use super::loader::Loader;
use super::origin::Origin;
use super::text::{Spot, Text};
use crate::value::{Value, yaml};

pub struct Folder<'a> {
    pub loader: Loader<'a>,
    pub kustomization: Kustomization,
    /// The name of the kustomization's file.
    pub file: &'static str,
    pub text: Text,
    pub origin: Option<Origin>,
    /// The namespace of the folders above, for charts.
    pub namespace_above: String,
}

impl Folder<'_> {
    /// Where an entry of one of the kustomization's lists stands.
    pub fn entry(&self, field: &str, at: usize) -> Spot {
        self.kustomization.entry(&self.text, field, at)
    }

    /// A file that an entry of a list names, read.
    pub fn document(&self, field: &str, at: usize, path: &str) -> Result<Document, BuildError> {
        let in_entry = |error: BuildError| {
            let spot = self.entry(field, at);
            error.at(&format!("{spot}: {field}"))
        };
        let text = self.loader.text(path).map_err(in_entry)?;
        let value = yaml::parse_one(text.as_str()).map_err(|error| text.wrong(&error, 1))?;
        Ok(Document { text, value })
    }
}

/// The only document of a file.
pub struct Document {
    pub text: Text,
    pub value: Value,
}

impl Document {
    pub fn wrong(&self, wrong: Mistyped) -> BuildError {
        let spot = self.text.at(&wrong.steps);
        BuildError::wrong(format!("{spot}: {}", wrong.cause))
    }
}
