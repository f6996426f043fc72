//! A chart as it is packed: metadata, templates, default values, files, and
//! the charts inside of it. Nothing is decided here yet.
//!
//! Invariant: whatever the archive or folder holds, its size, its names and
//! its depth are bounded, and no path leads out of it.

mod archive;
mod decode;
mod directory;
pub(super) mod ignore;
mod load;
mod metadata;

pub use archive::{ArchiveError, MAX_CHART_BYTES, MAX_FILE_BYTES, MAX_FILES, packed_at};
pub use directory::DirectoryError;
pub use load::{LoadError, MAX_SUBCHART_DEPTH};
pub use metadata::{Dependency, Lock, Maintainer, Metadata, ValidationError};

use crate::tree::Tree;
use crate::value::Map;
use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

pub(super) use decode::Decoder;

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// One file of a chart, named relative to the chart's root.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartFile {
    pub name: String,
    pub data: Rc<[u8]>,
    /// The file holds something, and was passed over.
    pub unread: Option<Unread>,
}

impl ChartFile {
    fn new(name: String, data: Vec<u8>) -> Self {
        ChartFile {
            name,
            data: data.into(),
            unread: None,
        }
    }
}

/// What a file of a chart is by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Metadata,
    Lock,
    Values,
    Schema,
    /// requirements.yaml of charts of Helm 2's time.
    Requirements,
    RequirementsLock,
    Template,
    /// Of a chart in charts/.
    Subchart,
    /// What nobody but `.Files` shows, and `--include-crds`.
    File,
}

impl Part {
    fn of(name: &str) -> Self {
        match name {
            "Chart.yaml" => Part::Metadata,
            "Chart.lock" => Part::Lock,
            "values.yaml" => Part::Values,
            "values.schema.json" => Part::Schema,
            "requirements.yaml" => Part::Requirements,
            "requirements.lock" => Part::RequirementsLock,
            _ if name.starts_with("templates/") => Part::Template,
            _ if name.starts_with("charts/") && !name.ends_with(".prov") => Part::Subchart,
            _ => Part::File,
        }
    }
}

/// Notices whether a chart whose files were passed over would have needed them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unread(Rc<Cell<bool>>);

impl Unread {
    pub fn miss(&self) {
        self.0.set(true);
    }

    pub fn was_missed(&self) -> bool {
        self.0.get()
    }
}

/// A loaded chart. Clones share the files.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    pub metadata: Metadata,
    pub lock: Option<Lock>,
    /// The text of values.yaml's documents, merged.
    pub values: Map,
    /// values.yaml as it stands, for Kustomize, which reads it by other rules.
    pub values_text: Option<Rc<[u8]>>,
    /// values.schema.json
    pub schema: Option<Rc<[u8]>>,
    /// What stands below templates/.
    pub templates: Vec<ChartFile>,
    /// Everything else: README, crds/, what `.Files` shows.
    pub files: Vec<ChartFile>,
    /// What stands in charts/, by the name of its file or folder there.
    pub dependencies: Vec<Subchart>,
    /// What Helm would log while loading.
    pub warnings: Vec<String>,
}

/// A chart in charts/.
#[derive(Clone, Debug)]
pub struct Subchart {
    /// `loki-2.5.2.tgz`, or the name of a folder.
    pub entry: String,
    pub chart: Chart,
}

impl Chart {
    /// The chart in a folder of a tree; "" is the tree's root.
    pub fn from_tree(tree: &dyn Tree, root: &str) -> Result<Self, LoadError> {
        load::from_tree(tree, root)
    }

    /// A packed chart, out of bytes or of a file.
    pub fn from_archive(mut packed: impl Read) -> Result<Self, LoadError> {
        load::from_archive(&mut packed, None)
    }

    /// The same without the contents of the files of which nobody but `.Files` asks:
    /// crds/, documentation and tests are most of some charts. Where a template does
    /// ask, `unread` says so, and what was rendered is void.
    pub fn from_archive_without_files(
        mut packed: impl Read,
        unread: &Unread,
    ) -> Result<Self, LoadError> {
        load::from_archive(&mut packed, Some(unread.clone()))
    }

    pub fn name(&self) -> &str {
        &self.metadata.name
    }
}
