//! What a render is asked for and what comes out of it.

use super::capabilities::Capabilities;
use super::manifest::{Hook, HookEvent, Manifest};
use crate::gotmpl::{Host, Limits, Map, Val};
use std::rc::Rc;

/// The longest name of a release.
pub const MAX_RELEASE_NAME: usize = 53;

/// The name, the place and the occasion of a release.
#[derive(Clone, Debug)]
pub struct ReleaseOptions {
    pub name: String,
    pub namespace: String,
    /// Sets `.Release.IsUpgrade` instead of `.Release.IsInstall`.
    pub is_upgrade: bool,
}

/// Everything that a render depends on, beside the chart.
pub struct RenderOptions<'o> {
    pub release: ReleaseOptions,
    pub capabilities: Capabilities,
    /// The user's values, see `ValueOptions::merge`. They are copied.
    pub values: Map,
    pub skip_schema_validation: bool,
    /// Helm refuses a chart whose charts/ lacks a dependency, a disabled one
    /// too. The agent looks at [`super::requirements`] instead.
    pub ignore_missing_dependencies: bool,
    /// Clock, randomness, `lookup`.
    pub host: &'o dyn Host,
    pub limits: Limits,
    /// The process ends behind this render, which frees its templates and values
    /// faster than one by one.
    pub ends_process: bool,
}

/// A rendered chart.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// Files of crds/, in the order of the charts.
    pub crds: Vec<Crd>,
    /// In the order of installation.
    pub manifests: Vec<Manifest>,
    /// In the order of installation by kind; weights are not looked at.
    pub hooks: Vec<Hook>,
    /// The text of the outermost chart's NOTES.txt.
    pub notes: String,
    /// What Helm would log.
    pub warnings: Vec<String>,
}

/// A file of crds/, not rendered.
#[derive(Clone, Debug)]
pub struct Crd {
    /// `chart/crds/x.yaml`
    pub source: String,
    pub data: Rc<[u8]>,
}

/// What of a release is printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printed {
    pub crds: bool,
    pub hooks: bool,
    pub tests: bool,
}

/// A name that no release may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseNameError {
    #[error("release name check failed: release name {0:?}: no name provided")]
    Empty(String),
    #[error(
        "release name check failed: release name {0:?}: invalid release name, must match regex \
         ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must \
         not be longer than 53"
    )]
    Invalid(String),
}

impl ReleaseOptions {
    pub(super) fn check_name(&self) -> Result<(), ReleaseNameError> {
        let name = &self.name;
        if name.is_empty() {
            return Err(ReleaseNameError::Empty(name.clone()));
        }
        let is_label = |label: &str| {
            let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let bytes = label.as_bytes();
            !label.is_empty()
                && bytes.iter().all(|b| legal(*b))
                && bytes[0] != b'-'
                && bytes[bytes.len() - 1] != b'-'
        };
        if name.len() > MAX_RELEASE_NAME || !name.split('.').all(is_label) {
            return Err(ReleaseNameError::Invalid(name.clone()));
        }
        Ok(())
    }

    /// `namespace/name`
    pub(super) fn qualified_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// `.Release`
    pub(super) fn to_val(&self) -> Val {
        let map: Map = [
            ("Name", Val::from(self.name.as_str())),
            ("Namespace", Val::from(self.namespace.as_str())),
            ("IsUpgrade", Val::Bool(self.is_upgrade)),
            ("IsInstall", Val::Bool(!self.is_upgrade)),
            ("Revision", Val::Int(1)),
            ("Service", Val::from("Helm")),
        ]
        .into_iter()
        .collect();
        Val::Map(map)
    }
}

impl Hook {
    pub fn is_test(&self) -> bool {
        self.events.contains(&HookEvent::Test)
    }
}

impl Release {
    /// The bytes that `helm template` prints, piece by piece.
    pub fn print<E>(
        &self,
        printed: Printed,
        mut out: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let crds = self.crds.iter().filter(|_| printed.crds);
        let crds = crds.map(|crd| (crd.source.as_str(), &crd.data[..]));
        let manifests = self.manifests.iter();
        let manifests = manifests.map(|m| (&*m.source, m.text.as_bytes()));
        // Helm trims the whole text in front of the hooks: white space is
        // held back until something else follows it.
        let mut held: Vec<u8> = Vec::new();
        for (source, text) in crds.chain(manifests) {
            held.extend_from_slice(format!("---\n# Source: {source}\n").as_bytes());
            let body = trim_end(text);
            if !body.is_empty() {
                out(&held)?;
                held.clear();
                out(body)?;
            } else {
                // Only comments and blanks: the line above stays.
                let line = trim_end(&held).len();
                out(&held[..line])?;
                held.drain(..line);
            }
            held.extend_from_slice(&text[body.len()..]);
            held.push(b'\n');
        }
        out(b"\n")?;
        if printed.hooks {
            for hook in &self.hooks {
                if hook.is_test() && !printed.tests {
                    continue;
                }
                let Manifest { source, text, .. } = &hook.manifest;
                out(format!("---\n# Source: {source}\n").as_bytes())?;
                out(text.as_bytes())?;
                out(b"\n")?;
            }
        }
        Ok(())
    }
}

/// Go's strings.TrimSpace at the end, of bytes that may be no UTF-8.
fn trim_end(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_end().as_bytes(),
        Err(_) => bytes.trim_ascii_end(),
    }
}
